//! Why a node is where it is: what it waits for now, and what came before.

mod causes;
mod unmade;
mod waits;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use argosy_api::{NodePhase, NodeType};
use rustc_hash::FxHasher;

use super::Run;
use super::body::Body;
use super::node::{Flags, Role};
use crate::ids::{NodeIndex, Seconds};

/// An answer, in plain lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Which node; [`NodeIndex::NONE`] for the workflow as a whole.
    pub index: NodeIndex,
    /// The node's full name.
    pub node: String,
    /// Its phase, or what the workflow as a whole is at.
    pub phase: String,
    /// What it waits for; `None` if it is over.
    pub waits_for: Option<String>,
    /// What led here, the earliest first.
    pub chain: Vec<WhyStep>,
    /// In an answer for a whole workflow: other nodes that are where this one is, for the same
    /// reason.
    pub alike: Option<String>,
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyStep {
    /// When it happened.
    pub at: Option<Seconds>,
    /// What happened.
    pub text: String,
}

/// How many others an answer names.
const NAMED: usize = 5;

/// How many answers there are for a whole workflow.
const MOST_ANSWERS: usize = 20;

/// Nodes that are in the same place for the same reason: the first few of them, and how many.
struct Alike {
    /// What is held up, or went wrong, is told before what runs.
    telling: bool,
    first: NodeIndex,
    more: Vec<NodeIndex>,
    count: usize,
}

impl Run {
    /// Why the workflow is where it is: for each node that is not over and waits for something
    /// other than its children, or that ended badly first. Nodes of one kind stand together.
    pub fn why_workflow(&self) -> Vec<Why> {
        let mut groups: Vec<Alike> = Vec::new();
        let mut known: BTreeMap<u64, usize> = BTreeMap::new();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let Some(telling) = self.is_telling(index) else {
                continue;
            };
            let group = *known.entry(self.likeness(index)).or_insert(groups.len());
            match groups.get_mut(group) {
                Some(alike) => {
                    alike.count += 1;
                    if alike.more.len() < NAMED {
                        alike.more.push(index);
                    }
                }
                None => groups.push(Alike {
                    telling,
                    first: index,
                    more: Vec::new(),
                    count: 1,
                }),
            }
        }
        groups.sort_by_key(|alike| !alike.telling);
        groups.truncate(MOST_ANSWERS);
        let answer = |alike: Alike| {
            let mut others = Listed::default();
            for &index in &alike.more {
                others.add(|| self.display_name(index));
            }
            others.count = alike.count - 1;
            Why {
                alike: (others.count > 0).then(|| others.to_string()),
                ..self.why(alike.first)
            }
        };
        groups.into_iter().map(answer).collect()
    }

    /// Whether an answer for the workflow speaks of a node, and then whether of one that is held
    /// up or went wrong.
    fn is_telling(&self, index: NodeIndex) -> Option<bool> {
        let node = self.node(index);
        let open = !node.phase.is_fulfilled();
        // A retried node tells of its attempts, a pod of its containers.
        if matches!(node.role, Role::Attempt | Role::Container) {
            return None;
        }
        match &node.body {
            // Groups tell of what holds steps back.
            Body::Steps(_) => return None,
            Body::Group(_) | Body::Dag(_) | Body::Loop(_) => {
                return (open && self.held_from_more(index).is_some()).then_some(true);
            }
            Body::None | Body::Retry(_) | Body::Gate(_) => {}
        }
        if node.phase.is_failed_or_error() {
            return Some(true);
        }
        let running = match self.attempts(index).last() {
            Some(&attempt) => self.node(attempt).phase == NodePhase::Running,
            None => node.kind == NodeType::Pod && node.phase == NodePhase::Running,
        };
        open.then_some(!running)
    }

    /// Equal for nodes of which the same would be said.
    fn likeness(&self, index: NodeIndex) -> u64 {
        let mut hasher = FxHasher::default();
        let whole = self.node(index);
        (whole.parent, whole.boundary, whole.template, whole.owner).hash(&mut hasher);
        let last = self.attempts(index).last().map(|&last| self.node(last));
        for node in [Some(whole), last].into_iter().flatten() {
            (node.phase as u8, node.kind as u8, &node.message).hash(&mut hasher);
            discriminant(&node.body).hash(&mut hasher);
            if node.phase.is_fulfilled() {
                continue;
            }
            for flag in [Flags::POD_ASKED, Flags::POD_SUCCEEDED, Flags::DAEMONED] {
                node.flags.has(flag).hash(&mut hasher);
            }
            if let Body::Retry(body) = &node.body {
                (body.attempts.len(), body.wait_until).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Why one node is where it is.
    pub fn why(&self, index: NodeIndex) -> Why {
        let node = self.node(index);
        Why {
            index,
            node: self.name(index),
            phase: node.phase.as_str().to_owned(),
            waits_for: (!node.phase.is_fulfilled()).then(|| self.waits_for(index)),
            chain: self.causes(index),
            alike: None,
        }
    }

    /// The nodes that a name, a display name or an ID means. The workflow's name may be left out
    /// of a name.
    pub fn find_nodes(&self, text: &str) -> Vec<NodeIndex> {
        let workflow = self.definition.name();
        let (step, group) = (format!("{workflow}.{text}"), format!("{workflow}{text}"));
        // What is meant first is found first. Names are made once for each node, and the rest only
        // where it may fit: that takes as long as making the names.
        let mut found: [Vec<NodeIndex>; 5] = Default::default();
        let may_be_id = text.starts_with(workflow);
        for index in self.all_nodes() {
            let name = self.name(index);
            let is_shown_otherwise = (self.node(index).details.as_ref())
                .is_some_and(|details| details.display_name.is_some());
            let fits = [
                may_be_id && self.id_of(index, &name) == text,
                name == text,
                (is_shown_otherwise || name.ends_with(text)) && self.display_name(index) == text,
                name == step,
                name == group,
            ];
            for (found, _) in found.iter_mut().zip(fits).filter(|(_, fits)| *fits) {
                found.push(index);
            }
        }
        let mut found = found.into_iter();
        found.find(|found| !found.is_empty()).unwrap_or_default()
    }
}

/// A few names, and how many more.
#[derive(Default)]
struct Listed {
    names: Vec<String>,
    count: usize,
}

impl Listed {
    /// Adds a name, which is made only if it is to be told.
    fn add(&mut self, name: impl FnOnce() -> String) {
        if self.names.len() < NAMED {
            self.names.push(name());
        }
        self.count += 1;
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = self.count - self.names.len();
        match self.names.as_slice() {
            [] => f.write_str("nothing"),
            names if more > 0 => write!(f, "{} and {more} more", names.join(", ")),
            [one] => f.write_str(one),
            [first @ .., last] => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}
