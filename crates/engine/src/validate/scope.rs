//! Which variables there are at a place in a workflow.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{Item, Template, TemplateType};
use argosy_expr::{Mistake, Program};
use serde_json::Value;

use super::calls::{Calls, Sight};
use super::fault::GlobalOutput;
use super::shape::is_leaf;
use super::tags::{self, Tag};
use super::values::Values;
use argosy_api::nearest;

/// What is known about the whole workflow.
#[derive(Clone, Debug, Default)]
pub(super) struct Globals {
    /// `workflow.parameters`, with their values where they have one.
    pub parameters: BTreeMap<String, Option<String>>,
    pub labels: BTreeSet<String>,
    pub annotations: BTreeSet<String>,
    pub priority: Option<i32>,
    /// A WorkflowTemplate is looked at by itself: its parameters may come from whoever uses it.
    pub is_template: bool,
    /// Some parameter's value has tags itself.
    pub values_have_tags: bool,
}

/// Whether a template is reached from the entrypoint, or only otherwise: then it may use
/// `workflow.failures` if there is an exit handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Main,
    Exit,
}

/// The loops whose items are in scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Items<'t> {
    /// Some loop's items are only known when it runs.
    pub any: bool,
    pub lists: Vec<&'t [Item]>,
}

impl Items<'_> {
    fn has_key(&self, key: &str) -> bool {
        self.any
            || self.lists.iter().rev().any(|list| {
                list.iter().any(|item| match &item.0 {
                    Value::Object(map) => map.contains_key(key),
                    Value::Array(list) => index_of(key).is_some_and(|index| index < list.len()),
                    _ => false,
                })
            })
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.lists
            .iter()
            .flat_map(|list| list.iter().take(100))
            .filter_map(|item| item.0.as_object())
            .flat_map(|map| map.keys().map(String::as_str))
    }
}

/// The `0` of `item.[0]`.
fn index_of(key: &str) -> Option<usize> {
    key.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Where within a template a text stands.
#[derive(Clone, Copy)]
pub(super) struct Position<'p> {
    /// Of which step or task; else of the template as a whole.
    pub call: Option<u32>,
    pub items: &'p Items<'p>,
    /// The template that the step or task holds.
    pub inline: Option<&'p Template>,
}

/// What is known of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    Unknown,
    /// Known if some template produces it.
    IfProduced(GlobalOutput),
    /// Known if this task comes before the one that asks.
    IfAncestor(u32),
}

impl From<bool> for Verdict {
    fn from(known: bool) -> Self {
        if known { Self::Known } else { Self::Unknown }
    }
}

/// What the names of Argo's variables begin with, where templates see them.
const ROOTS: [&str; 6] = ["inputs", "item", "pod", "steps", "tasks", "workflow"];

/// The same, where only some of a template's texts see them.
const OTHER_ROOTS: [&str; 6] = [
    "outputs",
    "node",
    "lastRetry",
    "cron",
    "cronworkflow",
    "hooks",
];

/// Variables that come when a template runs, and names of functions.
const LATER_ROOTS: [&str; 8] = [
    "retries", "sprig", "asInt", "asFloat", "jsonpath", "toJson", "data", "object",
];

/// Something remarkable in a tag.
pub(super) enum Notice<'n> {
    /// A variable that is not surely there.
    Unresolved(&'n str, Verdict),
    /// A name outside of Argo's own that is nearly this variable.
    Misspelt(&'n str, String),
    /// An expression with a mistake.
    Expression(&'n str, Mistake),
    /// A tag without an end.
    Unclosed(&'n str),
}

/// The variables of a template.
pub(super) struct Scope<'s> {
    pub globals: &'s Globals,
    pub phase: Phase,
    pub template: &'s Template,
    pub kind: TemplateType,
    pub values: &'s Values<'s>,
    /// Its steps or tasks.
    pub calls: Option<&'s Calls<'s>>,
    inputs: BTreeSet<&'s str>,
    artifacts: BTreeSet<&'s str>,
}

impl<'s> Scope<'s> {
    pub fn new(values: &'s Values<'s>, calls: Option<&'s Calls<'s>>) -> Self {
        let template = values.template;
        Self {
            globals: values.globals,
            phase: values.phase,
            template,
            kind: values.kind,
            values,
            calls,
            inputs: template
                .inputs
                .parameters
                .iter()
                .map(|parameter| parameter.name.as_str())
                .collect(),
            artifacts: template
                .inputs
                .artifacts
                .iter()
                .map(|artifact| artifact.name.as_str())
                .collect(),
        }
    }

    /// Calls `found` with whatever is remarkable in the tags of a text.
    pub fn check(&self, position: Position<'_>, text: &str, found: &mut dyn FnMut(Notice<'_>)) {
        let text: Cow<'_, str> = if self.values.rewrites(text) {
            Cow::Owned(self.values.substitute(text).into_owned())
        } else {
            Cow::Borrowed(text)
        };
        for tag in tags::tags(&text) {
            match tag {
                Tag::Name(tag) => match self.verdict(tags::trim(tag), position) {
                    Verdict::Known => {
                        if let Some(meant) = self.meant(tags::trim(tag), position) {
                            found(Notice::Misspelt(tag, meant));
                        }
                    }
                    verdict => found(Notice::Unresolved(tag, verdict)),
                },
                Tag::Expression(expression) => match Program::check(expression) {
                    Ok(program) => {
                        if let Some(mistake) = self.missing(&program, position) {
                            found(Notice::Expression(expression, mistake));
                        }
                    }
                    Err(mistake) => found(Notice::Expression(expression, mistake)),
                },
                // Argo takes what follows in the JSON for the rest of the name.
                Tag::Unclosed(rest) => match self.verdict(&format!("{rest}\""), position) {
                    Verdict::Known => found(Notice::Unclosed(rest)),
                    verdict => found(Notice::Unresolved(rest, verdict)),
                },
            }
        }
    }

    /// The first variable of an expression that there surely isn't. Argo leaves such an expression as
    /// it is, or fails when it runs.
    fn missing(&self, program: &Program, position: Position<'_>) -> Option<Mistake> {
        program.required_places().find_map(|(path, place)| {
            let (root, rest) = path.split_once('.').unwrap_or((path, ""));
            let is_known = match root {
                "inputs" => match rest.split_once('.') {
                    Some(("parameters" | "artifacts", _)) => self.is_known(path, position),
                    Some((other, _)) => matches!(other, "parameters" | "artifacts"),
                    None => matches!(rest, "" | "parameters" | "artifacts"),
                },
                "workflow" => {
                    const MAPS: [&str; 5] = ["", "parameters", "labels", "annotations", "outputs"];
                    let is_map = MAPS.contains(&rest) || rest.starts_with("outputs.");
                    is_map || self.is_known(path, position)
                }
                "steps" | "tasks" => match rest.split('.').next().unwrap_or_default() {
                    "" => true,
                    call => self.is_known(&format!("{root}.{call}.status"), position),
                },
                _ => {
                    let mut roots = ROOTS.iter().chain(&OTHER_ROOTS).chain(&LATER_ROOTS);
                    roots.any(|known| *known == root)
                }
            };
            if is_known {
                return None;
            }
            let meant = match self.calls {
                Some(_) if matches!(root, "steps" | "tasks") => None,
                _ => nearest(root, ROOTS).filter(|near| *near != root),
            };
            let mut help = meant.map(|near| format!("did you mean '{near}'?"));
            if help.is_none() {
                help = self.help(path, position);
            }
            Some(Mistake {
                message: format!("there is no variable {path} here"),
                help,
                offset: place.start,
                length: place.len(),
                unknown_function: None,
            })
        })
    }

    fn is_known(&self, name: &str, position: Position<'_>) -> bool {
        self.verdict(name, position) != Verdict::Unknown
    }

    /// The variable that there is, of whose first word this one may be a slip. Argo lets such names
    /// stand, for somebody else to fill them in.
    fn meant(&self, name: &str, position: Position<'_>) -> Option<String> {
        let (root, rest) = name.split_once('.')?;
        if OTHER_ROOTS.contains(&root) {
            return None;
        }
        let meant = nearest(root, ROOTS).filter(|near| *near != root)?;
        let meant = format!("{meant}.{rest}");
        matches!(self.verdict(&meant, position), Verdict::Known).then_some(meant)
    }

    /// What is known of a variable. Names outside of Argo's own roots may be filled in by others,
    /// and pass.
    pub fn verdict(&self, name: &str, position: Position<'_>) -> Verdict {
        let Some((root, rest)) = name.split_once('.') else {
            return Verdict::Known;
        };
        match root {
            "item" => Verdict::from(position.items.has_key(rest)),
            "pod" => Verdict::from(rest == "name" && super::shape::is_pod(self.kind)),
            "inputs" => Verdict::from(self.has_input(rest, position)),
            "workflow" => self.workflow(rest),
            "steps" | "tasks" => {
                let sight = match self.calls {
                    Some(calls) if calls.root() == root => calls.sight(rest, position.call),
                    _ => Sight::No,
                };
                match sight {
                    Sight::Yes => Verdict::Known,
                    Sight::IfAncestor(task) => Verdict::IfAncestor(task),
                    // Argo takes these for the variables of the step or task itself.
                    Sight::No => Verdict::from(rest.starts_with("name")),
                }
            }
            _ => Verdict::Known,
        }
    }

    fn has_input(&self, rest: &str, position: Position<'_>) -> bool {
        if rest == "parameters" {
            return true;
        }
        if let Some(name) = rest.strip_prefix("parameters.") {
            return self.inputs.contains(name)
                || self.values.outer.is_some_and(|outer| outer.contains(name))
                || position
                    .inline
                    .is_some_and(|inline| inline.inputs.parameters.iter().any(|p| p.name == name));
        }
        let Some(name) = rest.strip_prefix("artifacts.") else {
            return false;
        };
        self.artifacts.contains(name)
            || (is_leaf(self.kind)
                && name
                    .strip_suffix(".path")
                    .is_some_and(|name| self.artifacts.contains(name)))
    }

    fn workflow(&self, rest: &str) -> Verdict {
        let globals = self.globals;
        let any_prefix = ["creationTimestamp", "scheduledTime", "duration"];
        if any_prefix.iter().any(|prefix| rest.starts_with(prefix))
            || (globals.is_template && rest.starts_with("parameters"))
        {
            return Verdict::Known;
        }
        if let Some(name) = rest.strip_prefix("outputs.parameters.") {
            return Verdict::IfProduced(GlobalOutput::Parameter(name.to_owned()));
        }
        if let Some(name) = rest.strip_prefix("outputs.artifacts.") {
            return Verdict::IfProduced(GlobalOutput::Artifact(name.to_owned()));
        }
        Verdict::from(match rest {
            "name" | "namespace" | "mainEntrypoint" | "serviceAccountName" | "uid" | "status"
            | "annotations" | "annotations.json" | "labels" | "labels.json" => true,
            "parameters" | "parameters.json" => !globals.parameters.is_empty(),
            "priority" => globals.priority.is_some(),
            "failures" => self.phase == Phase::Exit,
            _ => {
                let within = |prefix: &str| rest.strip_prefix(prefix);
                within("parameters.").is_some_and(|name| globals.parameters.contains_key(name))
                    || within("labels.").is_some_and(|name| globals.labels.contains(name))
                    || within("annotations.").is_some_and(|name| globals.annotations.contains(name))
            }
        })
    }

    /// What may help whoever wrote this name.
    pub fn help(&self, name: &str, position: Position<'_>) -> Option<String> {
        let name = name.trim();
        let (root, rest) = name.split_once('.')?;
        match root {
            "inputs" => {
                let (list, wanted) = rest.split_once('.')?;
                let list = nearest(list, ["parameters", "artifacts"]).unwrap_or(list);
                let names = if list == "parameters" {
                    &self.inputs
                } else {
                    &self.artifacts
                };
                let near = nearest(wanted, names.iter().copied());
                Some(match near {
                    Some(near) => format!("did you mean '{root}.{list}.{near}'?"),
                    None => format!(
                        "template '{}' has no such input: declare it under inputs.{list}",
                        self.template.name
                    ),
                })
            }
            "steps" | "tasks" => match self.calls {
                Some(calls) if calls.root() == root => calls.help(rest, position.call),
                Some(calls) => Some(format!(
                    "within this template they are named '{}.…'",
                    calls.root()
                )),
                None => Some(format!(
                    "{root} can be referred to only where they are called: pass the value as an input of template '{}'",
                    self.template.name
                )),
            },
            "item" => Some(match nearest(rest, position.items.keys()) {
                Some(near) => format!("did you mean 'item.{near}'?"),
                None => "no item of the loop has this key".to_owned(),
            }),
            "pod" => {
                Some("only 'pod.name' is there, and only in templates that become a pod".to_owned())
            }
            "workflow" => self.workflow_help(rest),
            _ => None,
        }
    }

    fn workflow_help(&self, rest: &str) -> Option<String> {
        let globals = self.globals;
        let among = |list: &str, name: &str, near: Option<&str>| match near {
            Some(near) => format!("did you mean 'workflow.{list}.{near}'?"),
            None => format!("the workflow has no '{name}' among its {list}"),
        };
        if let Some(name) = rest.strip_prefix("parameters.") {
            let near = nearest(name, globals.parameters.keys().map(String::as_str));
            return Some(among("parameters", name, near));
        }
        if let Some(name) = rest.strip_prefix("labels.") {
            let near = nearest(name, globals.labels.iter().map(String::as_str));
            return Some(among("labels", name, near));
        }
        if let Some(name) = rest.strip_prefix("annotations.") {
            let near = nearest(name, globals.annotations.iter().map(String::as_str));
            return Some(among("annotations", name, near));
        }
        if rest.starts_with("outputs.") {
            return Some("no template that is called gives an output this globalName".to_owned());
        }
        match rest {
            "failures" => return Some("it is there only in exit handlers".to_owned()),
            "priority" => return Some("set spec.priority to use it".to_owned()),
            _ => {}
        }
        let known = [
            "name",
            "namespace",
            "mainEntrypoint",
            "serviceAccountName",
            "uid",
            "status",
            "parameters",
            "labels",
            "annotations",
            "creationTimestamp",
            "duration",
            "scheduledTime",
            "failures",
            "priority",
        ];
        let (list, name) = rest.split_once('.').unwrap_or((rest, ""));
        let dot = if name.is_empty() { "" } else { "." };
        nearest(list, known).map(|near| format!("did you mean 'workflow.{near}{dot}{name}'?"))
    }
}
