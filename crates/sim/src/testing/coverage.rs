//! Which templates and which branches of `when` and `depends` a test has taken.

use std::collections::BTreeSet;

use argosy_api::{FieldPath, NodePhase, NodeStatus, NodeType, WorkflowStatus};
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
    /// How much was taken, in percent; all of it if there is nothing to take.
    pub fn percent(&self) -> f64 {
        match self.all.len() {
            0 => 100.0,
            all => self.taken.len() as f64 * 100.0 / all as f64,
        }
    }

    /// Adds what another test has taken.
    pub fn add(&mut self, other: Self) {
        self.all.extend(other.all);
        self.taken.extend(other.taken);
    }
}

/// Which ways the nodes of a workflow have gone.
pub(super) fn coverage(subject: &Subject, status: &WorkflowStatus) -> Coverage {
    let templates = all_templates(subject);
    let mut survey = Survey {
        nodes: nodes(subject, &templates, status),
        coverage: Coverage::default(),
    };
    for template in &templates {
        survey.note_template(template);
        for (path, step) in steps(template) {
            survey.note_branches(template, &path, step);
            survey.note_hooks(template, path, step);
        }
    }
    survey.note_hooks_of_workflow(subject, status);
    survey.coverage
}

/// A node with the places of its own template and of the one that it is a step of.
struct Stood<'a> {
    node: &'a NodeStatus,
    template: Option<Place>,
    boundary: Option<Place>,
}

fn nodes<'a>(
    subject: &Subject<'_>,
    templates: &[TemplateAt<'_>],
    status: &'a WorkflowStatus,
) -> Vec<Stood<'a>> {
    let place = |node: &NodeStatus| place_of(node, subject, templates, status);
    // What a task's loop stands for is told by its items.
    let is_loop = |node: &NodeStatus| {
        node.r#type == Some(NodeType::TaskGroup) && node.phase != Some(NodePhase::Omitted)
    };
    let nodes = status.nodes.values().filter(|node| !is_loop(node));
    nodes
        .map(|node| Stood {
            node,
            template: place(node),
            boundary: status.nodes.get(&node.boundary_id).and_then(place),
        })
        .collect()
}

/// Notes which branches there are, and which of them were taken.
struct Survey<'a> {
    nodes: Vec<Stood<'a>>,
    coverage: Coverage,
}

impl Survey<'_> {
    fn note(&mut self, at: &Place, text: String, taken: bool) {
        let branch = Branch {
            at: at.clone(),
            text,
        };
        if taken {
            self.coverage.taken.insert(branch.clone());
        }
        self.coverage.all.insert(branch);
    }

    /// Whether a template has run.
    fn note_template(&mut self, template: &TemplateAt<'_>) {
        let of_it = |stood: &Stood| stood.template.as_ref() == Some(&template.at);
        let mut nodes = self.nodes.iter();
        let ran = nodes.any(|stood| of_it(stood) && !was_left_out(stood.node));
        self.note(&template.at, format!("template {}", template.name()), ran);
    }

    /// Whether what a step waits for, or asks, has held and has not.
    fn note_branches(&mut self, template: &TemplateAt<'_>, path: &FieldPath, step: &Value) {
        let name = step["name"].as_str().unwrap_or_default();
        let of_step = |stood: &&Stood| {
            stood.boundary.as_ref() == Some(&template.at)
                && base_name(&stood.node.display_name) == name
        };
        let nodes = self.nodes.iter().filter(of_step);
        let nodes: Vec<&NodeStatus> = nodes.map(|stood| stood.node).collect();
        let ran = nodes.iter().any(|node| !was_left_out(node));
        let ended_so = |phase| nodes.iter().any(|node| node.phase == Some(phase));
        let (skipped, omitted) = (ended_so(NodePhase::Skipped), ended_so(NodePhase::Omitted));
        // A loop of nothing is skipped too, when its `when` has held, or could not be asked.
        let refused = nodes.iter().any(|node| {
            node.phase == Some(NodePhase::Skipped) && node.message.starts_with("when '")
        });
        for (field, was_not) in [
            ("when", refused),
            ("depends", omitted),
            ("dependencies", omitted),
        ] {
            let (holds, not) = match &step[field] {
                Value::String(text) if !text.is_empty() => ("holds", "does not hold"),
                Value::Array(list) if !list.is_empty() => ("hold", "do not hold"),
                _ => continue,
            };
            let at = Place::of(template.document, &path.clone().field(field));
            // Whether a `when` holds is asked of a task whose `depends` holds.
            let held = ran || (field != "when" && skipped);
            self.note(&at, format!("{field} of {name} {holds}"), held);
            self.note(&at, format!("{field} of {name} {not}"), was_not);
        }
    }

    /// Whether the hooks of a step have run.
    fn note_hooks(&mut self, template: &TemplateAt<'_>, path: FieldPath, step: &Value) {
        let name = step["name"].as_str().unwrap_or_default();
        for (path, hook) in hooks(path, step) {
            let ran = self.nodes.iter().any(|stood| {
                let owner = stood.node.display_name.strip_suffix(hook.as_str());
                stood.boundary.as_ref() == Some(&template.at)
                    && owner.is_some_and(|owner| base_name(owner) == name)
            });
            let at = Place::of(template.document, &path);
            self.note(&at, format!("{} of {name} runs", &hook[1..]), ran);
        }
    }

    fn note_hooks_of_workflow(&mut self, subject: &Subject<'_>, status: &WorkflowStatus) {
        let root = status.nodes.values().find(|node| node.id == node.name);
        let root = root.map_or("", |root| root.name.as_str());
        for (document, path, spec) in subject.specs() {
            for (path, hook) in hooks(path, spec) {
                let wanted = format!("{root}{hook}");
                let ran = status.nodes.values().any(|node| node.name == wanted);
                let text = format!("{} of the workflow runs", &hook[1..]);
                self.note(&Place::of(document, &path), text, ran);
            }
        }
    }
}

/// The templates of all objects, and those that stand in their steps and tasks.
fn all_templates<'a>(subject: &'a Subject<'a>) -> Vec<TemplateAt<'a>> {
    let mut found: Vec<TemplateAt<'a>> = subject.templates().collect();
    let mut next = 0;
    while next < found.len() {
        let inline: Vec<TemplateAt<'a>> = steps(&found[next])
            .into_iter()
            .filter(|(_, step)| step["inline"].is_object())
            .map(|(path, step)| {
                let (document, path) = (found[next].document, path.field("inline"));
                TemplateAt {
                    at: Place::of(document, &path),
                    document,
                    path,
                    value: &step["inline"],
                    step: step["name"].as_str(),
                }
            })
            .collect();
        found.extend(inline);
        next += 1;
    }
    found
}

/// Where the template of a node stands. One that stands in a step is found from the named template
/// around it, down through the steps.
fn place_of(
    node: &NodeStatus,
    subject: &Subject<'_>,
    templates: &[TemplateAt<'_>],
    status: &WorkflowStatus,
) -> Option<Place> {
    let mut inside = Vec::new();
    let mut node = node;
    while node.template_name.is_empty() && node.template_ref.is_none() {
        if inside.len() > status.nodes.len() {
            return None;
        }
        inside.push(base_name(&node.display_name));
        node = status.nodes.get(&node.boundary_id)?;
    }
    let (mut place, _) = subject.template_of(node)?;
    while let Some(step) = inside.pop() {
        let around = templates.iter().find(|template| template.at == place)?;
        let (path, _) = steps(around).into_iter().find(|(_, found)| {
            found["name"].as_str() == Some(step) && found["inline"].is_object()
        })?;
        place = Place::of(around.document, &path.field("inline"));
    }
    Some(place)
}

/// The hooks of a step or a workflow, with what their nodes' names end in.
fn hooks(path: FieldPath, of: &Value) -> Vec<(FieldPath, String)> {
    let named = of["hooks"].as_object().into_iter().flatten();
    let mut found: Vec<(FieldPath, String)> = named
        .map(|(name, _)| {
            let ending = match name.as_str() {
                "exit" => ".onExit".to_owned(),
                name => format!(".hooks.{name}"),
            };
            (path.clone().field("hooks").field(name.clone()), ending)
        })
        .collect();
    if of["onExit"].as_str().is_some_and(|name| !name.is_empty()) {
        found.push((path.field("onExit"), ".onExit".to_owned()));
    }
    found
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
