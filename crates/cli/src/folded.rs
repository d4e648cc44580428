//! The items of long loops that have no line of their own in a tree, and are left out of what the tree
//! is made of: a loop of 100,000 is shown by counting.

use std::collections::BTreeMap;

use argosy_api::{NodePhase, Workflow};
use argosy_engine::run::Run;

/// Items of a loop beyond this are folded.
pub const FOLD: usize = 100;

/// How many nodes there are in each phase.
pub type Counts = BTreeMap<NodePhase, usize>;

/// The items that are left out: by the ID of the node that they stand below, and by their loop's name.
pub type LeftOut = BTreeMap<String, BTreeMap<String, Counts>>;

/// A workflow for a tree: without those items of long loops that ended well, and all below them.
pub fn folded(run: &Run) -> (Workflow, LeftOut) {
    let nodes = 0..run.node_count() as u32;
    let mut items: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for of in nodes.clone().filter_map(|index| run.loop_at(index)) {
        *items.entry(of).or_default() += 1;
    }
    items.retain(|_, count| *count > FOLD);
    if items.is_empty() {
        return (run.workflow(), LeftOut::new());
    }
    let mut is_hidden = vec![false; nodes.len()];
    let mut loops: BTreeMap<(u32, u32), (u32, Counts)> = BTreeMap::new();
    for index in nodes {
        let Some(node) = run.glance(index) else {
            continue;
        };
        let above = node.above.and_then(|above| is_hidden.get(above as usize));
        let is_below = above.copied().unwrap_or(false);
        let of = run.loop_at(index).filter(|of| items.contains_key(of));
        is_hidden[index as usize] = is_below || (of.is_some() && is_quiet(node.phase));
        if let Some(of) = of.filter(|_| !is_below && is_quiet(node.phase)) {
            let (_, counts) = loops.entry(of).or_insert((index, Counts::new()));
            *counts.entry(node.phase).or_default() += 1;
        }
    }
    let mut left_out = LeftOut::new();
    for ((above, _), (first, counts)) in loops {
        let display_name = run.display_name_at(first);
        let (name, _) = loop_item(&display_name);
        let loops = left_out.entry(run.node_id_at(above)).or_default();
        loops.insert(name.to_owned(), counts);
    }
    (
        run.workflow_with(&|index| !is_hidden[index as usize]),
        left_out,
    )
}

/// Whether there is nothing to tell of an item: it ended well.
pub fn is_quiet(phase: NodePhase) -> bool {
    matches!(
        phase,
        NodePhase::Succeeded | NodePhase::Skipped | NodePhase::Omitted
    )
}

/// `step(3:item)` as the loop's name and the item's number.
pub fn loop_item(name: &str) -> (&str, Option<u32>) {
    let found = name.rsplit_once('(').and_then(|(head, rest)| {
        let (number, _) = rest.split_once([':', ')'])?;
        Some((head, number.parse().ok()?))
    });
    match found {
        Some((head, number)) => (head, Some(number)),
        None => (name, None),
    }
}
