//! The nodes of a workflow as a tree. Argo: `convertToRenderTrees`, `renderNodes`.
//!
//! Steps hang below their group, attempts below their retry, everything else below the template
//! around it. Groups and loops have no line of their own, nor have the containers of a set. A loop of many items is folded: those that
//! run or went wrong have lines, the rest are counted.

use std::collections::BTreeMap;

use argosy_api::{NodePhase, NodeStatus, NodeType, Workflow};
use argosy_engine::lower::{node_id, pod_name};
use argosy_engine::timestamp;

use crate::describe::{Columns, Look, resources};
use crate::folded::{Counts, FOLD, LeftOut, is_quiet, loop_item};
use crate::output::short_duration;
use crate::style::{one_line, table};

/// How many lines a folded loop may have beside its counts.
const TOLD: usize = 20;

struct Tree<'a> {
    workflow: &'a Workflow,
    look: &'a Look,
    below: BTreeMap<&'a str, Vec<&'a NodeStatus>>,
    left_out: &'a LeftOut,
    rows: Vec<Vec<String>>,
}

/// The nodes as a tree, with a line of heads.
pub fn tree(workflow: &Workflow, left_out: &LeftOut, look: &Look) -> String {
    let head: &[&str] = match look.columns {
        Columns::Usual => &["STEP", "TEMPLATE", "PODNAME", "DURATION", "MESSAGE"],
        Columns::Wide => &[
            "STEP",
            "TEMPLATE",
            "PODNAME",
            "DURATION",
            "ARTIFACTS",
            "MESSAGE",
            "RESOURCESDURATION",
            "NODENAME",
        ],
        Columns::Short => &[
            "STEP", "TEMPLATE", "PODNAME", "DURATION", "MESSAGE", "NODENAME",
        ],
    };
    let mut tree = Tree {
        workflow,
        look,
        below: below(workflow),
        left_out,
        rows: vec![head.iter().map(|&head| head.to_owned()).collect()],
    };
    let roots = tree.below.remove("").unwrap_or_default();
    let name = workflow.metadata.name.as_deref().unwrap_or_default();
    for root in roots {
        let is_main = root.id == name;
        if !is_main {
            tree.rows.push(Vec::new());
        }
        tree.node(root, " ", " ");
    }
    table(&tree.rows, 2)
}

/// What is shown below each node, in order. Roots stand below the empty ID.
fn below(workflow: &Workflow) -> BTreeMap<&str, Vec<&NodeStatus>> {
    let nodes = &workflow.status.nodes;
    let mut above: BTreeMap<&str, &str> = BTreeMap::new();
    for node in nodes.values() {
        if matches!(node.r#type, Some(NodeType::StepGroup | NodeType::Retry)) {
            for child in &node.children {
                above.insert(child, &node.id);
            }
        }
    }
    let mut below: BTreeMap<&str, Vec<&NodeStatus>> = BTreeMap::new();
    let untold = [Some(NodeType::TaskGroup), Some(NodeType::Container)];
    for node in nodes.values().filter(|node| !untold.contains(&node.r#type)) {
        let place = above.get(node.id.as_str()).copied();
        let place = place.unwrap_or(&node.boundary_id);
        below.entry(place).or_default().push(node);
    }
    for list in below.values_mut() {
        list.sort_by_cached_key(|node| {
            let started = node.started_at.as_ref().map(timestamp::seconds);
            let (name, item) = loop_item(&node.display_name);
            (started, name.to_owned(), item)
        });
    }
    if let Some(roots) = below.get_mut("") {
        let name = workflow.metadata.name.as_deref();
        roots.sort_by_key(|node| Some(node.id.as_str()) != name);
    }
    below
}

/// What of a node is left out: nothing, its line, or its line in favour of a fork of its children.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    No,
    Line,
    Fork,
}

impl<'a> Tree<'a> {
    fn hidden(&self, node: &NodeStatus) -> Hidden {
        let unwanted = self
            .look
            .nodes
            .as_ref()
            .is_some_and(|selector| !selector.fits(node));
        match (node.r#type, node.phase) {
            (Some(NodeType::Retry), _) if node.children.len() == 1 => Hidden::Line,
            (Some(NodeType::StepGroup), _) => Hidden::Fork,
            (Some(NodeType::Skipped), Some(NodePhase::Omitted)) => Hidden::Line,
            _ if unwanted => Hidden::Line,
            _ => Hidden::No,
        }
    }

    /// Whether neither a node nor anything below it has a line: no branch leads there.
    // The tree is as deep as the templates call each other, which is bounded.
    fn is_silent(&self, node: &NodeStatus) -> bool {
        let below = || self.below.get(node.id.as_str()).into_iter().flatten();
        self.hidden(node) != Hidden::No
            && !self.left_out.contains_key(&node.id)
            && below().all(|child| self.is_silent(child))
    }

    // As deep.
    fn node(&mut self, node: &'a NodeStatus, own: &str, inner: &str) {
        let mut children = self.below.remove(node.id.as_str()).unwrap_or_default();
        children.retain(|child| !self.is_silent(child));
        let hidden = self.hidden(node);
        if hidden == Hidden::No {
            let row = self.row(node, own);
            self.rows.push(row);
        }
        let (shown, folded) = self.fold(children, self.left_out.get(&node.id));
        let lines = shown.len();
        let last = (lines + folded.len()).saturating_sub(1);
        for (place, child) in shown.into_iter().enumerate() {
            let (prefix, below) = self.prefixes(hidden, place, last, own, inner);
            self.node(child, &prefix, &below);
        }
        for (place, line) in folded.into_iter().enumerate() {
            let (prefix, _) = self.prefixes(hidden, lines + place, last, own, inner);
            self.rows.push(vec![format!("{prefix}{line}")]);
        }
    }

    fn prefixes(
        &self,
        hidden: Hidden,
        place: usize,
        last: usize,
        own: &str,
        inner: &str,
    ) -> (String, String) {
        let utf8 = self.look.style.utf8();
        let (part, below) = match (hidden, place) {
            (Hidden::Line, _) => ("", ""),
            (Hidden::Fork, 0) if last == 0 => (if utf8 { "──" } else { "--" }, "  "),
            (Hidden::Fork, 0) if utf8 => ("┬─", "│ "),
            (Hidden::Fork, 0) => ("+-", "| "),
            (_, place) if place == last => (if utf8 { "└─" } else { "`-" }, "  "),
            _ if utf8 => ("├─", "│ "),
            _ => ("|-", "| "),
        };
        let before = match hidden {
            Hidden::No => inner,
            Hidden::Line | Hidden::Fork if place == 0 => own,
            Hidden::Line | Hidden::Fork => inner,
        };
        (format!("{before}{part}"), format!("{inner}{below}"))
    }

    /// The children that have lines, and a line for the others of each long loop.
    fn fold(
        &self,
        children: Vec<&'a NodeStatus>,
        left_out: Option<&'a BTreeMap<String, Counts>>,
    ) -> (Vec<&'a NodeStatus>, Vec<String>) {
        if children.len() <= FOLD && left_out.is_none() {
            return (children, Vec::new());
        }
        let left_out = || left_out.into_iter().flatten();
        let mut loops: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, counts) in left_out() {
            loops.insert(name, counts.values().sum());
        }
        for child in &children {
            if let (name, Some(_)) = loop_item(&child.display_name) {
                *loops.entry(name).or_default() += 1;
            }
        }
        loops.retain(|_, count| *count > FOLD);
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
        for (name, left_out) in left_out() {
            counts.insert(name, left_out.clone());
        }
        let mut shown = Vec::new();
        for child in children {
            let name = match loop_item(&child.display_name) {
                (name, Some(_)) if loops.contains_key(name) => name,
                _ => {
                    shown.push(child);
                    continue;
                }
            };
            let worth = child.phase.is_some_and(|phase| !is_quiet(phase));
            let told = told.entry(name).or_default();
            if worth && *told < TOLD {
                *told += 1;
                shown.push(child);
            } else if let Some(phase) = child.phase {
                let counts = counts.entry(name).or_default();
                *counts.entry(phase).or_default() += 1;
            }
        }
        let lines = counts
            .into_iter()
            .map(|(name, counts)| self.counted(name, &counts))
            .collect();
        (shown, lines)
    }

    fn counted(&self, name: &str, counts: &Counts) -> String {
        let all: usize = counts.values().sum();
        let parts: Vec<String> = counts
            .iter()
            .map(|(&phase, count)| format!("{} {count}", self.look.style.glyph(Some(phase))))
            .collect();
        format!("… {name}: {all} more, {}", parts.join("  "))
    }

    fn row(&self, node: &NodeStatus, prefix: &str) -> Vec<String> {
        let template = match &node.template_ref {
            Some(reference) => format!("{}/{}", reference.name, reference.template),
            None => node.template_name.clone(),
        };
        let is_pod = node.r#type == Some(NodeType::Pod);
        let pod = if is_pod {
            self.pod(node)
        } else {
            String::new()
        };
        let duration = if is_pod {
            self.duration(node)
        } else {
            String::new()
        };
        let name = format!(
            "{prefix}{} {}",
            self.look.style.node_glyph(node),
            one_line(&node.display_name)
        );
        let host = if is_pod {
            node.host_node_name.clone()
        } else {
            String::new()
        };
        let message = one_line(&node.message);
        let mut row = vec![name, template, pod, duration];
        match self.look.columns {
            Columns::Usual => row.push(message),
            Columns::Short => row.extend([message, host]),
            Columns::Wide => {
                let artifacts: Vec<&str> = node
                    .outputs
                    .iter()
                    .flat_map(|outputs| &outputs.artifacts)
                    .map(|artifact| artifact.name.as_str())
                    .collect();
                let used = resources(&node.resources_duration);
                row.extend([artifacts.join(","), message, used, host]);
            }
        }
        row
    }

    fn pod(&self, node: &NodeStatus) -> String {
        let workflow = self.workflow.metadata.name.as_deref().unwrap_or_default();
        let template = match &node.template_ref {
            Some(reference) => &reference.template,
            None => &node.template_name,
        };
        // The salt that a node was given shows in its ID.
        let salt = (0..=u8::MAX).find(|&salt| node_id(workflow, &node.name, salt) == node.id);
        pod_name(workflow, &node.name, template, salt.unwrap_or_default())
    }

    fn duration(&self, node: &NodeStatus) -> String {
        let Some(started) = node.started_at.as_ref().map(timestamp::seconds) else {
            return String::new();
        };
        let finished = node.finished_at.as_ref().map(timestamp::seconds);
        short_duration(finished.unwrap_or(self.look.now).since(started))
    }
}
