//! Which templates and which branches of `when` and `depends` a test has taken.

use std::collections::BTreeSet;

use argosy_api::{FieldPath, NodePhase, NodeStatus, WorkflowStatus};
use serde_json::Value;

use super::Place;
use super::observe::base_name;
use super::subject::{Subject, TemplateAt};

/// One way that a workflow may go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Branch {
    /// Where it stands.
    pub at: Place,
    /// What it is: `when of B holds`.
    pub text: String,
}

/// The branches of the templates that a test knows, and those of them that it has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// All of them.
    pub all: BTreeSet<Branch>,
    /// Those that were taken.
    pub taken: BTreeSet<Branch>,
}

impl Coverage {
    /// Adds what another test has taken.
    pub fn add(&mut self, other: Self) {
        self.all.extend(other.all);
        self.taken.extend(other.taken);
    }
}

/// A node with the places of its own template and of the one that it is a step of.
struct Stood<'a> {
    node: &'a NodeStatus,
    template: Option<Place>,
    boundary: Option<Place>,
}

pub(super) fn coverage(subject: &Subject, status: &WorkflowStatus) -> Coverage {
    let place = |node: &NodeStatus| subject.template_of(node).map(|(place, _)| place);
    let nodes: Vec<Stood> = status
        .nodes
        .values()
        .map(|node| Stood {
            node,
            template: place(node),
            boundary: status.nodes.get(&node.boundary_id).and_then(place),
        })
        .collect();
    let mut coverage = Coverage::default();
    let mut note = |at: &Place, text: String, taken: bool| {
        let branch = Branch {
            at: at.clone(),
            text,
        };
        if taken {
            coverage.taken.insert(branch.clone());
        }
        coverage.all.insert(branch);
    };
    for template in subject.templates() {
        let name = template.value["name"].as_str().unwrap_or_default();
        let ran = nodes.iter().any(|stood| {
            stood.template.as_ref() == Some(&template.at) && !was_left_out(stood.node)
        });
        note(&template.at, format!("template {name}"), ran);
        for (path, step) in steps(&template) {
            let name = step["name"].as_str().unwrap_or_default();
            let of_step: Vec<&NodeStatus> = nodes
                .iter()
                .filter(|stood| {
                    stood.boundary.as_ref() == Some(&template.at)
                        && base_name(&stood.node.display_name) == name
                })
                .map(|stood| stood.node)
                .collect();
            let ran = of_step.iter().any(|node| !was_left_out(node));
            let ended_so = |phase| of_step.iter().any(|node| node.phase == Some(phase));
            for (field, left_out) in [
                ("when", NodePhase::Skipped),
                ("depends", NodePhase::Omitted),
            ] {
                if step[field].as_str().is_none_or(str::is_empty) {
                    continue;
                }
                let at = Place::of(template.document, &path.clone().field(field));
                // Whether a `when` holds is asked of a task whose `depends` holds.
                let holds = ran || (field == "depends" && ended_so(NodePhase::Skipped));
                note(&at, format!("{field} of {name} holds"), holds);
                let text = format!("{field} of {name} does not hold");
                note(&at, text, ended_so(left_out));
            }
        }
    }
    coverage
}

fn was_left_out(node: &NodeStatus) -> bool {
    matches!(node.phase, Some(NodePhase::Skipped | NodePhase::Omitted))
}

/// The steps and tasks of a template, with their places.
fn steps<'a>(template: &TemplateAt<'a>) -> Vec<(FieldPath, &'a Value)> {
    let items = |value: &'a Value| value.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    let tasks = template.path.clone().field("dag").field("tasks");
    for (place, task) in items(&template.value["dag"]["tasks"]).iter().enumerate() {
        found.push((tasks.clone().index(place), task));
    }
    let groups = template.path.clone().field("steps");
    for (number, group) in items(&template.value["steps"]).iter().enumerate() {
        for (place, step) in items(group).iter().enumerate() {
            found.push((groups.clone().index(number).index(place), step));
        }
    }
    found
}
