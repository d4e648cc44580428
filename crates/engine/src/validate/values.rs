//! The texts that Argo's validation puts in place of tags before it looks at a template: values
//! where they are known, else placeholders.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use argosy_api::{Template, TemplateType};

use super::scope::{Globals, Phase};
use super::shape::is_pod;
use super::tags;

const PLACEHOLDER: &str = "__argo__internal__placeholder-";

/// What the tags of one template stand for.
pub(super) struct Values<'v> {
    pub globals: &'v Globals,
    pub phase: Phase,
    pub template: &'v Template,
    pub kind: TemplateType,
    /// The inputs, for the entrypoint: all others are looked at with placeholders.
    pub inputs: Option<&'v BTreeMap<String, String>>,
    /// The inputs of the template around this one, if this one stands inside a step or task.
    pub outer: Option<&'v BTreeSet<String>>,
}

impl Values<'_> {
    fn values_have_tags(&self) -> bool {
        self.globals.values_have_tags
            || self
                .inputs
                .is_some_and(|inputs| inputs.values().any(|value| tags::has_tags(value)))
    }

    /// Whether filling in the tags of a text can leave others than it had.
    pub fn rewrites(&self, text: &str) -> bool {
        tags::tags(text).any(|tag| match tag {
            tags::Tag::Name(name) => {
                name.contains("{{")
                    || (self.values_have_tags()
                        && (name.contains("workflow.parameters") || name.contains("inputs.")))
            }
            tags::Tag::Expression(_) | tags::Tag::Unclosed(_) => false,
        })
    }

    /// The text with the tags filled in whose values are known before anything runs.
    pub fn substitute<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !tags::has_tags(text) {
            return Cow::Borrowed(text);
        }
        let first = tags::substitute(text, |name| self.global(name));
        Cow::Owned(tags::substitute(&first, |name| {
            self.global(name).or_else(|| self.local(name))
        }))
    }

    fn global(&self, name: &str) -> Option<String> {
        let globals = self.globals;
        let known = match name {
            "retries" | "lastRetry.exitCode" | "lastRetry.status" | "lastRetry.duration"
            | "lastRetry.message" => self.template.retry_strategy.is_some(),
            "pod.name" => is_pod(self.kind),
            _ => match name.strip_prefix("workflow.")? {
                "name" | "namespace" | "mainEntrypoint" | "serviceAccountName" | "uid"
                | "status" | "annotations" | "annotations.json" | "labels" | "labels.json" => true,
                "parameters" | "parameters.json" => !globals.parameters.is_empty(),
                "priority" => return globals.priority.map(|priority| priority.to_string()),
                "failures" => self.phase == Phase::Exit,
                rest => {
                    if let Some(value) = rest
                        .strip_prefix("parameters.")
                        .and_then(|name| globals.parameters.get(name)?.clone())
                    {
                        return Some(value);
                    }
                    let within = |prefix: &str| rest.strip_prefix(prefix);
                    within("parameters.").is_some_and(|n| globals.parameters.contains_key(n))
                        || within("labels.").is_some_and(|n| globals.labels.contains(n))
                        || within("annotations.").is_some_and(|n| globals.annotations.contains(n))
                }
            },
        };
        known.then(|| placeholder(name))
    }

    fn local(&self, name: &str) -> Option<String> {
        let template = self.template;
        if let Some(rest) = name.strip_prefix("inputs.") {
            if let Some(input) = rest.strip_prefix("parameters.") {
                if let Some(value) = self.inputs.and_then(|inputs| inputs.get(input)) {
                    // Argo fills in what is global first, in the inputs' own values too.
                    return Some(tags::substitute(value, |name| self.global(name)));
                }
                let declared = template.inputs.parameters.iter().any(|p| p.name == input)
                    || self.outer.is_some_and(|outer| outer.contains(input));
                return declared.then(|| placeholder(name));
            }
            if rest == "parameters" {
                return Some(placeholder(name));
            }
            let artifact = rest.strip_prefix("artifacts.")?.strip_suffix(".path")?;
            return path_of(
                template
                    .inputs
                    .artifacts
                    .iter()
                    .map(|a| (a.name.as_str(), a.path.as_str())),
                artifact,
            );
        }
        let rest = name.strip_prefix("outputs.")?.strip_suffix(".path")?;
        if let Some(artifact) = rest.strip_prefix("artifacts.") {
            return path_of(
                template
                    .outputs
                    .artifacts
                    .iter()
                    .map(|a| (a.name.as_str(), a.path.as_str())),
                artifact,
            );
        }
        let parameter = rest.strip_prefix("parameters.")?;
        path_of(
            template
                .outputs
                .parameters
                .iter()
                .filter_map(|p| Some((p.name.as_str(), p.value_from.as_ref()?.path.as_str()))),
            parameter,
        )
    }
}

fn path_of<'p>(
    mut paths: impl Iterator<Item = (&'p str, &'p str)>,
    wanted: &str,
) -> Option<String> {
    paths
        .find(|(name, path)| *name == wanted && !path.is_empty())
        .map(|(_, path)| path.to_owned())
}

/// Stands for a value that is known only when the workflow runs. Argo numbers them as they come;
/// here the number follows from the variable.
pub(super) fn placeholder(variable: &str) -> String {
    let number = variable.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{PLACEHOLDER}{number}")
}

/// Whether a text begins with a placeholder.
pub(super) fn is_placeholder(text: &str) -> bool {
    text.starts_with(PLACEHOLDER)
}

/// Whether a text has a placeholder anywhere.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains(PLACEHOLDER)
}

/// The text with an `x` for each placeholder: what is left is a name's fixed part.
pub(super) fn skeleton(text: &str) -> Cow<'_, str> {
    if !has_placeholder(text) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(PLACEHOLDER);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == part.len() {
            out.push_str(PLACEHOLDER);
        } else {
            out.push('x');
        }
        out.push_str(rest);
    }
    Cow::Owned(out)
}
