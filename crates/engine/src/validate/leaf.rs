//! The body of a template that calls no others.

use std::collections::BTreeMap;

use argosy_api::WorkflowSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::container_set::{check_container_set, is_reserved};
use super::fault::Finding;
use super::resource::check_resource;
use super::scope::{Items, Position, Scope};
use super::strings::{Place, Segment};
use super::texts::{Wording, check_text, check_texts};
use super::values::is_placeholder;
use super::walk::EntryInputs;

/// Checks such a template. `spec` is that of the object that it stands in; `given` is
/// what the entrypoint gets.
pub(super) fn check_leaf(
    scope: &Scope<'_>,
    spec: &WorkflowSpec,
    given: Option<&EntryInputs>,
    findings: &mut Vec<Finding>,
) {
    let template = scope.template;
    let name = &template.name;
    check_leaf_texts(scope, given, findings);
    check_pod_metadata(scope, spec, findings);
    let default = spec.template_defaults.as_deref();
    let no_image = |image: Option<&String>| image.is_none_or(String::is_empty);
    let mut missing_image = |kind: &str| {
        findings.push(Finding::error(
            "image-missing",
            kind,
            format!("templates.{name}.{kind}.image may not be empty"),
        ));
    };
    if let Some(container) = &template.container
        && no_image(container.image.as_ref())
        && no_image(default.and_then(|d| d.container.as_ref()?.image.as_ref()))
    {
        missing_image("container");
    }
    if let Some(script) = &template.script
        && script.image.is_empty()
        && no_image(default.and_then(|d| Some(&d.script.as_ref()?.image)))
    {
        missing_image("script");
    }
    check_mounts(scope, findings);
    if template.container_set.is_some() {
        check_container_set(template, findings);
    }
    for (index, sidecar) in template.sidecars.iter().enumerate() {
        if is_reserved(&sidecar.name) {
            findings.push(Finding::error(
                "container-name",
                format!("sidecars[{index}].name"),
                format!(
                    "templates.{name}.sidecars: {:?} is a reserved Argo container name",
                    sidecar.name
                ),
            ));
        }
    }
    if let Some(resource) = &template.resource {
        check_resource(template, resource, scope.values, findings);
    }
    check_deadline(scope, findings);
    if template.parallelism.is_some() {
        findings.push(Finding::error(
            "parallelism",
            "parallelism",
            format!("templates.{name}.parallelism is only valid for steps and dag templates"),
        ));
    }
}

fn check_leaf_texts(scope: &Scope<'_>, given: Option<&EntryInputs>, findings: &mut Vec<Finding>) {
    let template = scope.template;
    let inputs = &template.inputs;
    // The values of inputs come from whoever calls; artifacts keep only their path.
    let skip = |place: &Place| {
        if !place.is_field(0, "inputs") {
            return false;
        }
        let Some(Segment::Index(index)) = place.get(2) else {
            return false;
        };
        if place.is_field(1, "parameters") {
            let is_given = match given {
                None => true,
                Some(given) => inputs
                    .parameters
                    .get(*index)
                    .is_some_and(|p| given.parameters.contains(&p.name)),
            };
            return place.is_field(3, "value") || (is_given && place.is_field(3, "valueFrom"));
        }
        let is_given = match given {
            None => true,
            Some(given) => inputs
                .artifacts
                .get(*index)
                .is_some_and(|a| given.artifacts.contains(&a.name)),
        };
        is_given && !place.is_field(3, "path")
    };
    let items = Items::default();
    let position = Position {
        call: None,
        items: &items,
        inline: None,
    };
    let prefix = || format!("templates.{}: ", template.name);
    let wording = Wording {
        prefix: &prefix,
        path: &String::new,
        skip: &skip,
    };
    let mut remarks = Vec::new();
    check_texts(scope, position, template, &wording, &mut remarks);
    for (index, parameter) in inputs.parameters.iter().enumerate() {
        let value = scope
            .values
            .inputs
            .and_then(|inputs| inputs.get(&parameter.name));
        if let Some(value) = value {
            let wording = Wording {
                prefix: &prefix,
                path: &|| format!("inputs.parameters[{index}].value"),
                skip: &|_| false,
            };
            check_text(scope, position, value, &wording, &mut remarks);
        }
    }
    findings.extend(remarks.into_iter().map(|(finding, _)| finding));
}

/// What every template of the object gets for its pods, unless it says otherwise itself.
fn check_pod_metadata(scope: &Scope<'_>, spec: &WorkflowSpec, findings: &mut Vec<Finding>) {
    let (Some(common), own) = (&spec.pod_metadata, &scope.template.metadata) else {
        return;
    };
    let labels = common
        .labels
        .iter()
        .filter(|(key, _)| !own.labels.contains_key(*key));
    let notes = common
        .annotations
        .iter()
        .filter(|(key, _)| !own.annotations.contains_key(*key));
    let given = labels
        .map(|l| ("labels", l))
        .chain(notes.map(|n| ("annotations", n)));
    let items = Items::default();
    let position = Position {
        call: None,
        items: &items,
        inline: None,
    };
    let mut remarks = Vec::new();
    for (list, (key, value)) in given {
        let wording = Wording {
            prefix: &|| format!("templates.{}: ", scope.template.name),
            path: &|| format!("metadata.{list}[{key}]"),
            skip: &|_| false,
        };
        check_text(scope, position, key, &wording, &mut remarks);
        check_text(scope, position, value, &wording, &mut remarks);
    }
    findings.extend(
        remarks
            .into_iter()
            .map(|(finding, _)| finding.help("it comes from spec.podMetadata")),
    );
}

/// No two volumes or artifacts at one path.
fn check_mounts(scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    let template = scope.template;
    let Some(container) = &template.container else {
        return;
    };
    let name = &template.name;
    let mut mounted: BTreeMap<String, String> = BTreeMap::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let path = scope.values.substitute(&mount.mount_path).into_owned();
        if let Some(before) = mounted.get(&path) {
            findings.push(Finding::error(
                "mount-path",
                format!("container.volumeMounts[{index}].mountPath"),
                format!("templates.{name}.container.volumeMounts[{index}].mountPath '{path}' already mounted in {before}"),
            ));
        }
        mounted.insert(path, format!("container.volumeMounts.{}", mount.name));
    }
    for (index, artifact) in template.inputs.artifacts.iter().enumerate() {
        let path = scope.values.substitute(&artifact.path).into_owned();
        if let Some(before) = mounted.get(&path) {
            findings.push(Finding::error(
                "mount-path",
                format!("inputs.artifacts[{index}].path"),
                format!("templates.{name}.inputs.artifacts[{index}].path '{path}' already mounted in {before}"),
            ));
        }
        mounted.insert(path, format!("inputs.artifacts.{}", artifact.name));
    }
}

fn check_deadline(scope: &Scope<'_>, findings: &mut Vec<Finding>) {
    let Some(deadline) = &scope.template.active_deadline_seconds else {
        return;
    };
    let right = match deadline {
        IntOrString::Int(seconds) => *seconds >= 0,
        IntOrString::String(text) => {
            let text = scope.values.substitute(text);
            match text.parse::<i64>() {
                Ok(seconds) => seconds >= 0,
                Err(_) => is_placeholder(&text) || (text.starts_with("{{") && text.ends_with("}}")),
            }
        }
    };
    if !right {
        findings.push(Finding::error("deadline", "activeDeadlineSeconds", format!("templates.{}.activeDeadlineSeconds must be a positive integer > 0 or an argo variable", scope.template.name)));
    }
}
