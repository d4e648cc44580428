//! The body of a `resource` template.

use argosy_api::{Limits, ResourceTemplate, Source, Template, read_documents};

use super::fault::Finding;
use super::tags::has_tags;
use super::values::{Values, is_placeholder};
use argosy_api::nearest;

const ACTIONS: [&str; 6] = ["get", "create", "apply", "delete", "replace", "patch"];

/// Checks it.
pub(super) fn check_resource(
    template: &Template,
    resource: &ResourceTemplate,
    values: &Values<'_>,
    findings: &mut Vec<Finding>,
) {
    let name = &template.name;
    let action = values.substitute(&resource.action);
    let late = is_placeholder(&action) || action.contains("{{=");
    if !late && !ACTIONS.contains(&action.as_ref()) {
        findings.push(
            Finding::error("resource-action", "resource.action", format!("templates.{name}.resource.action must be one of: get, create, apply, delete, replace, patch"))
                .propose(nearest(&action, ACTIONS)),
        );
    }
    if matches!(action.as_ref(), "delete" | "get") {
        return;
    }
    let from = resource.manifest_from.as_ref();
    if resource.manifest.is_empty() && from.is_none() {
        findings.push(Finding::error("resource-manifest", "resource", format!("either templates.{name}.resource.manifest or templates.{name}.resource.manifestFrom must be specified")));
    }
    if !resource.manifest.is_empty() && from.is_some() {
        findings.push(Finding::error("resource-manifest", "resource.manifestFrom", "shouldn't have both `manifest` and `manifestFrom` specified in `Manifest` for resource template"));
    }
    if let Some(artifact) = from.and_then(|from| from.artifact.as_ref()) {
        let names = || {
            template
                .inputs
                .artifacts
                .iter()
                .map(|input| input.name.as_str())
        };
        let wanted = artifact.name.as_str();
        if !names().any(|name| name == wanted) {
            findings.push(
                Finding::error(
                    "resource-manifest",
                    "resource.manifestFrom.artifact.name",
                    format!("artifact {wanted} in `manifestFrom` refer to a non-exist artifact"),
                )
                .propose(nearest(wanted, names())),
            );
        }
    }
    check_manifest(name, &resource.manifest, values, findings);
}

/// That the manifest is YAML once its tags are filled in.
fn check_manifest(name: &str, manifest: &str, values: &Values<'_>, findings: &mut Vec<Finding>) {
    let filled = values.substitute(manifest);
    if filled.is_empty() || is_placeholder(&filled) {
        return;
    }
    let filled = without_expressions(&filled);
    let (_, problems) = read_documents(
        &Source::new("manifest", filled.as_str()),
        &Limits::default(),
    );
    let Some(problem) = problems.into_iter().find(argosy_api::Diagnostic::is_error) else {
        return;
    };
    let message = format!("templates.{name}.resource.manifest must be a valid yaml");
    let finding = if has_tags(&filled) {
        // What will stand there is not known.
        Finding::warning("resource-manifest", "resource.manifest", message)
    } else {
        Finding::error("resource-manifest", "resource.manifest", message)
    };
    let line = problem.span.map_or(0, |span| span.line);
    findings.push(finding.help(format!("line {line} of the manifest: {}", problem.message)));
}

/// The text with something plain in place of its expressions, which need not be quoted.
fn without_expressions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let end = after
            .find("}}")
            .filter(|_| after.trim_start().starts_with('='));
        out.push_str(before);
        match end {
            Some(end) => {
                out.push('0');
                rest = &after[end + 2..];
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
