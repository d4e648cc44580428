//! The tree of a workflow's nodes, with loops folded to counts.

use std::collections::BTreeMap;
use std::fmt::Write;

use argosy_api::{NodePhase, NodeStatus, NodeType, Workflow};
use argosy_engine::ids::Seconds;
use argosy_engine::timestamp;

use crate::output::{moment, short_duration};

/// Items of a loop beyond this are folded to counts.
const FOLD: usize = 20;

/// A phase's glyph.
pub fn glyph(phase: Option<NodePhase>, utf8: bool) -> &'static str {
    match (phase, utf8) {
        (Some(NodePhase::Succeeded), true) => "✔",
        (Some(NodePhase::Failed), true) => "✖",
        (Some(NodePhase::Error), true) => "⚠",
        (Some(NodePhase::Running), true) => "●",
        (Some(NodePhase::Pending), true) => "◷",
        (Some(NodePhase::Skipped | NodePhase::Omitted), true) => "○",
        (None, true) => " ",
        (Some(NodePhase::Succeeded), false) => "+",
        (Some(NodePhase::Failed), false) => "x",
        (Some(NodePhase::Error), false) => "!",
        (Some(NodePhase::Running), false) => "*",
        (Some(NodePhase::Pending), false) => ".",
        (Some(NodePhase::Skipped | NodePhase::Omitted), false) => "-",
        (None, false) => " ",
    }
}

/// What `get` prints of a workflow.
pub fn describe(workflow: &Workflow, utf8: bool, now: Seconds) -> String {
    let mut text = String::new();
    let status = &workflow.status;
    let metadata = &workflow.metadata;
    let mut line = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<21}{value}");
    };
    line("Name:", metadata.name.as_deref().unwrap_or_default());
    line(
        "Namespace:",
        metadata.namespace.as_deref().unwrap_or_default(),
    );
    let account = &workflow.spec.service_account_name;
    line(
        "ServiceAccount:",
        if account.is_empty() { "unset" } else { account },
    );
    let suspended = workflow.spec.suspend == Some(true);
    let phase = status
        .phase
        .map_or("Pending", argosy_api::WorkflowPhase::as_str);
    let phase = if suspended {
        format!("{phase} (Suspended)")
    } else {
        phase.to_owned()
    };
    line("Status:", &phase);
    if !status.message.is_empty() {
        line("Message:", &status.message);
    }
    if let Some(created) = &metadata.creation_timestamp {
        line("Created:", &moment(timestamp::seconds(created), now));
    }
    let started = status.started_at.as_ref().map(timestamp::seconds);
    let finished = status.finished_at.as_ref().map(timestamp::seconds);
    if let Some(started) = started {
        line("Started:", &moment(started, now));
    }
    if let Some(finished) = finished {
        line("Finished:", &moment(finished, now));
    }
    if let Some(started) = started {
        let span = finished.unwrap_or(now).since(started);
        line("Duration:", &argosy_engine::duration::humanized(span));
    }
    if !status.progress.is_empty() {
        line("Progress:", &status.progress.to_string());
    }
    if !status.resources_duration.is_empty() {
        let parts: Vec<String> = status
            .resources_duration
            .iter()
            .map(|(name, seconds)| format!("{}*({name})", short_duration(*seconds)))
            .collect();
        line("ResourcesDuration:", &parts.join(","));
    }
    if !workflow.spec.arguments.parameters.is_empty() {
        line("Parameters:", "");
        for parameter in &workflow.spec.arguments.parameters {
            let value = parameter.value.as_ref().map_or("", |value| value.as_str());
            line(&format!("  {}:", parameter.name), value);
        }
    }
    if !status.nodes.is_empty() {
        text.push('\n');
        text.push_str(&tree(workflow, utf8, now));
    }
    text
}

struct Tree<'a> {
    below: BTreeMap<&'a str, Vec<&'a NodeStatus>>,
    utf8: bool,
    now: Seconds,
    rows: Vec<Vec<String>>,
}

/// The nodes as a tree.
pub fn tree(workflow: &Workflow, utf8: bool, now: Seconds) -> String {
    let nodes = &workflow.status.nodes;
    let mut below: BTreeMap<&str, Vec<&NodeStatus>> = BTreeMap::new();
    for node in nodes.values() {
        below
            .entry(shown_below(node, nodes))
            .or_default()
            .push(node);
    }
    for list in below.values_mut() {
        list.sort_by(|a, b| {
            let key = |node: &NodeStatus| node.started_at.as_ref().map(|at| at.0);
            key(a)
                .cmp(&key(b))
                .then_with(|| order(&a.name).cmp(&order(&b.name)))
        });
    }
    let mut tree = Tree {
        below,
        utf8,
        now,
        rows: vec![
            ["STEP", "TEMPLATE", "PODNAME", "DURATION", "MESSAGE"]
                .map(str::to_owned)
                .to_vec(),
        ],
    };
    let roots: Vec<&NodeStatus> = tree.below.remove("").unwrap_or_default();
    for root in roots {
        tree.node(root, "", "", 0);
    }
    crate::output::table(&tree.rows)
}

/// Numbers in names in the order of their value.
fn order(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest[text..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(rest.len(), |end| text + end);
        parts.push((
            rest[text..digits].parse().unwrap_or_default(),
            rest[..text].to_owned(),
        ));
        rest = &rest[digits..];
    }
    parts
}

/// The ID of the node below which another one is shown.
fn shown_below<'a>(node: &'a NodeStatus, nodes: &'a BTreeMap<String, NodeStatus>) -> &'a str {
    // An attempt or an item stands below the node whose name its own goes on from.
    if let Some(open) = node.name.rfind('(') {
        let before = &node.name[..open];
        let above = nodes.values().find(|above| {
            above.name == before
                && matches!(above.r#type, Some(NodeType::Retry | NodeType::TaskGroup))
        });
        if let Some(above) = above.filter(|_| nodes.len() < 5_000) {
            return &above.id;
        }
    }
    &node.boundary_id
}

impl Tree<'_> {
    fn node(&mut self, node: &NodeStatus, prefix: &str, branch: &str, depth: usize) {
        let group = node.r#type == Some(NodeType::StepGroup);
        let children = self
            .below
            .get(node.id.as_str())
            .cloned()
            .unwrap_or_default();
        if group && children.is_empty() && depth > 0 {
            return;
        }
        let duration = node
            .started_at
            .as_ref()
            .map_or_else(String::new, |started| {
                let end = node
                    .finished_at
                    .as_ref()
                    .map_or(self.now, timestamp::seconds);
                short_duration(end.since(timestamp::seconds(started)))
            });
        let pod = match node.r#type {
            Some(NodeType::Pod) => node.id.as_str(),
            _ => "",
        };
        let template = match &node.template_ref {
            Some(reference) => format!("{}/{}", reference.name, reference.template),
            None => node.template_name.clone(),
        };
        self.rows.push(vec![
            format!(
                "{prefix}{branch}{} {}",
                glyph(node.phase, self.utf8),
                node.display_name
            ),
            template,
            pod.to_owned(),
            duration,
            node.message.clone(),
        ]);
        let inner = match branch {
            "" => prefix.to_owned(),
            "├─" => format!("{prefix}│ "),
            _ => format!("{prefix}  "),
        };
        self.children(&children, &inner, depth + 1);
    }

    fn children(&mut self, children: &[&NodeStatus], prefix: &str, depth: usize) {
        let children: Vec<&&NodeStatus> = children
            .iter()
            .filter(|child| child.r#type != Some(NodeType::StepGroup))
            .collect();
        let mut loops: BTreeMap<&str, Vec<&NodeStatus>> = BTreeMap::new();
        for child in &children {
            if let Some((name, _)) = child.display_name.split_once('(') {
                loops.entry(name).or_default().push(child);
            }
        }
        loops.retain(|_, items| items.len() > FOLD);
        let mut folded: Vec<&str> = Vec::new();
        for (place, child) in children.iter().enumerate() {
            let name = child
                .display_name
                .split_once('(')
                .map_or("", |(name, _)| name);
            if let Some(items) = loops.get(name) {
                if !folded.contains(&name) {
                    folded.push(name);
                    self.fold(name, items, prefix);
                }
                continue;
            }
            let last = place + 1 == children.len();
            let branch = if last { "└─" } else { "├─" };
            self.node(child, prefix, branch, depth);
        }
    }

    /// One line for a long loop: how many items are in each phase.
    fn fold(&mut self, name: &str, items: &[&NodeStatus], prefix: &str) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for item in items {
            *counts.entry(glyph(item.phase, self.utf8)).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(glyph, count)| format!("{glyph} {count}"))
            .collect();
        self.rows.push(vec![
            format!("{prefix}├─{name}(0..{})", items.len() - 1),
            String::new(),
            String::new(),
            String::new(),
            counts.join("  "),
        ]);
    }
}
