//! The outputs of a template.

use argosy_api::{Parameter, Template, TemplateType, ValueFrom};

use super::artifact::path_error;
use super::fault::Finding;
use super::names::{NameRule, check_names, is_value_name};
use super::scope::{Items, Position, Scope};
use super::tags;
use super::texts::{Wording, check_texts};
use super::values::Values;

/// What only leaves may have.
pub(super) fn check_non_leaf(template: &Template, findings: &mut Vec<Finding>) {
    if template.active_deadline_seconds.is_some() {
        findings.push(Finding::error(
            "deadline",
            "activeDeadlineSeconds",
            format!(
                "templates.{}.activeDeadlineSeconds is only valid for leaf templates",
                template.name
            ),
        ));
    }
}

/// Checks the outputs of a template whose body has been looked at.
pub(super) fn check_outputs(scope: &Scope<'_>, items: &Items<'_>, findings: &mut Vec<Finding>) {
    let template = scope.template;
    let outputs = &template.outputs;
    if outputs.parameters.is_empty() && outputs.artifacts.is_empty() {
        return;
    }
    let name = &template.name;
    // Inputs may stand in the names.
    let filled = |name| scope.values.substitute(name);
    let parameters: Vec<_> = outputs.parameters.iter().map(|p| filled(&p.name)).collect();
    let artifacts: Vec<_> = outputs.artifacts.iter().map(|a| filled(&a.name)).collect();
    check_names(
        NameRule::Value,
        &format!("templates.{name}.outputs.parameters "),
        "outputs.parameters",
        parameters.iter().map(AsRef::as_ref),
        findings,
    );
    check_names(
        NameRule::Value,
        &format!("templates.{name}.outputs.artifacts "),
        "outputs.artifacts",
        artifacts.iter().map(AsRef::as_ref),
        findings,
    );
    if matches!(scope.kind, TemplateType::Steps | TemplateType::DAG) {
        let position = Position {
            call: None,
            items,
            inline: None,
        };
        let wording = Wording {
            prefix: &|| format!("templates.{name}.outputs "),
            path: &|| "outputs".to_owned(),
            skip: &|_| false,
        };
        let mut remarks = Vec::new();
        check_texts(scope, position, outputs, &wording, &mut remarks);
        findings.extend(remarks.into_iter().map(|(finding, _)| finding));
    }
    check_artifacts(template, scope.kind, scope.values, findings);
    for (index, parameter) in outputs.parameters.iter().enumerate() {
        check_parameter(
            template,
            scope.kind,
            scope.values,
            index,
            parameter,
            findings,
        );
    }
}

fn check_artifacts(
    template: &Template,
    kind: TemplateType,
    values: &Values<'_>,
    findings: &mut Vec<Finding>,
) {
    for (index, artifact) in template.outputs.artifacts.iter().enumerate() {
        let prefix = format!(
            "templates.{}.outputs.artifacts.{}",
            template.name, artifact.name
        );
        let path = format!("outputs.artifacts[{index}]");
        let filled = values.substitute(&artifact.path);
        let error = path_error(kind, &prefix, &artifact.name, &filled);
        findings.extend(
            error.map(|text| Finding::error("artifact-path", format!("{path}.path"), text)),
        );
        check_global_name(&prefix, &path, &artifact.global_name, values, findings);
    }
}

fn check_global_name(
    prefix: &str,
    path: &str,
    global_name: &str,
    values: &Values<'_>,
    findings: &mut Vec<Finding>,
) {
    if global_name.is_empty() {
        return;
    }
    let filled = values.substitute(global_name);
    if !tags::is_parameter(&filled) && !is_value_name(&filled) && !filled.contains("{{=") {
        findings.push(Finding::error("name-invalid", format!("{path}.globalName"), format!("{prefix}.globalName: Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1")));
    }
}

fn check_parameter(
    template: &Template,
    kind: TemplateType,
    values: &Values<'_>,
    index: usize,
    parameter: &Parameter,
    findings: &mut Vec<Finding>,
) {
    let prefix = format!(
        "templates.{}.outputs.parameters.{}",
        template.name, parameter.name
    );
    let path = format!("outputs.parameters[{index}]");
    let mut error = |field: &str, message: String| {
        findings.push(Finding::error(
            "output-value-from",
            format!("{path}{field}"),
            message,
        ));
    };
    match (&parameter.value_from, &parameter.value) {
        (Some(_), Some(_)) => {
            error("", format!("{prefix} has both valueFrom and value specified, choose one"));
        }
        (None, None) => {
            error("", format!("{prefix} does not have valueFrom or value specified"));
        }
        (None, Some(_)) => {}
        (Some(from), None) => match sources(from) {
            0 => error(".valueFrom", "valueFrom type unspecified. choose one of: path, jqFilter, jsonPath, parameter, raw, expression".to_owned()),
            1 => {}
            _ => error(".valueFrom", "multiple valueFrom types specified. choose one of: path, jqFilter, jsonPath, parameter, raw".to_owned()),
        },
    }
    if let Some(from) = &parameter.value_from
        && let Some(text) = misplaced(from, kind)
    {
        error(".valueFrom", format!("{prefix}{text} for {kind} templates"));
    }
    check_global_name(&prefix, &path, &parameter.global_name, values, findings);
}

/// Why an output of such a template can't come from there.
fn misplaced(from: &ValueFrom, kind: TemplateType) -> Option<&'static str> {
    match kind {
        TemplateType::Container | TemplateType::ContainerSet | TemplateType::Script => {
            from.path.is_empty().then_some(".path must be specified")
        }
        TemplateType::Resource => (from.jq_filter.is_empty() && from.json_path.is_empty())
            .then_some(" .jqFilter or jsonPath must be specified"),
        TemplateType::DAG | TemplateType::Steps => {
            match (from.parameter.is_empty(), from.expression.is_empty()) {
                (true, true) => Some(".parameter or expression must be specified"),
                (false, false) => {
                    Some(" shouldn't have both `from` and `expression` specified in `ValueFrom`")
                }
                (true, false) | (false, true) => None,
            }
        }
        TemplateType::Data | TemplateType::Suspend | TemplateType::HTTP | TemplateType::Plugin => {
            None
        }
    }
}

fn sources(from: &ValueFrom) -> usize {
    let texts = [
        &from.path,
        &from.jq_filter,
        &from.json_path,
        &from.parameter,
        &from.expression,
    ];
    texts.into_iter().filter(|text| !text.is_empty()).count() + usize::from(from.supplied.is_some())
}
