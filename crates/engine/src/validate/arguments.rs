//! Arguments: that they are well formed, and that whoever is called gets what it needs.

use std::borrow::Cow;
use std::ops::ControlFlow;

use argosy_api::{AnyString, Arguments, Parameter, nearest};

use super::fault::{Finding, join};
use super::names::{NameRule, check_names};
use super::shape::{HasValue, Shape};
use super::tags::has_tags;

/// Whether arguments may stand without a value, to be given when the workflow is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmptyValues {
    Allowed,
    Refused,
}

/// That arguments are well formed. `prefix` is Argo's (`spec.arguments.`), `path` ours; `fill`
/// fills in what is known of the tags in a name.
pub(super) fn check_arguments(
    prefix: &dyn Fn() -> String,
    path: &dyn Fn() -> String,
    fill: &dyn Fn(&str) -> String,
    arguments: &Arguments,
    empty: EmptyValues,
    findings: &mut Vec<Finding>,
) {
    if !arguments.parameters.is_empty() {
        check_list(
            prefix,
            path,
            "parameters",
            arguments
                .parameters
                .iter()
                .map(|parameter| filled(fill, &parameter.name)),
            findings,
        );
    }
    if !arguments.artifacts.is_empty() {
        check_list(
            prefix,
            path,
            "artifacts",
            arguments
                .artifacts
                .iter()
                .map(|artifact| filled(fill, &artifact.name)),
            findings,
        );
    }
    for (index, parameter) in arguments.parameters.iter().enumerate() {
        let place = |field: &str| join(&path(), &format!("parameters[{index}]{field}"));
        if check_value(prefix, &place, parameter, empty, findings).is_break() {
            return;
        }
    }
    for (index, artifact) in arguments.artifacts.iter().enumerate() {
        let place = || join(&path(), &format!("artifacts[{index}]"));
        let name = &artifact.name;
        if artifact.from.is_empty() && !artifact.has_location_or_key() {
            findings.push(Finding::error(
                "argument-artifact",
                place(),
                format!(
                    "{}{name}.from, artifact location, or key is required",
                    prefix()
                ),
            ));
        }
        if !artifact.from.is_empty() && !artifact.from_expression.is_empty() {
            findings.push(Finding::error(
                "argument-artifact",
                place(),
                format!(
                    "{}{name} shouldn't have both `from` and `fromExpression` in Artifact",
                    prefix()
                ),
            ));
        }
    }
}

fn check_list<'a>(
    prefix: &dyn Fn() -> String,
    path: &dyn Fn() -> String,
    list: &str,
    names: impl Iterator<Item = Cow<'a, str>>,
    findings: &mut Vec<Finding>,
) {
    // The texts are only made where something is wrong.
    let names: Vec<Cow<'a, str>> = names.collect();
    let mut wrong = Vec::new();
    check_names(
        NameRule::Value,
        "",
        "",
        names.iter().map(Cow::as_ref),
        &mut wrong,
    );
    if !wrong.is_empty() {
        let (prefix, path) = (format!("{}{list}", prefix()), join(&path(), list));
        check_names(
            NameRule::Value,
            &prefix,
            &path,
            names.iter().map(Cow::as_ref),
            findings,
        );
    }
}

fn filled<'a>(fill: &dyn Fn(&str) -> String, name: &'a str) -> Cow<'a, str> {
    if has_tags(name) {
        Cow::Owned(fill(name))
    } else {
        Cow::Borrowed(name)
    }
}

/// Breaks off where Argo looks at no further arguments.
fn check_value(
    prefix: &dyn Fn() -> String,
    place: &dyn Fn(&str) -> String,
    parameter: &Parameter,
    empty: EmptyValues,
    findings: &mut Vec<Finding>,
) -> ControlFlow<()> {
    let name = &parameter.name;
    if parameter.value.is_none() && parameter.value_from.is_none() && empty == EmptyValues::Refused
    {
        let prefix = prefix();
        findings.push(
            Finding::error(
                "argument-value-missing",
                place(""),
                format!("{prefix}{name}.value or {prefix}{name}.valueFrom is required"),
            )
            .help(match prefix.as_str() {
                "spec.arguments." => {
                    format!("give it a value here, or with --parameter {name}=VALUE")
                }
                _ => "give it a value".to_owned(),
            }),
        );
        return ControlFlow::Continue(());
    }
    check_value_from(prefix, place, parameter, findings);
    let Some(allowed) = &parameter.r#enum else {
        return ControlFlow::Continue(());
    };
    check_choice(prefix, place, parameter, allowed, findings);
    if parameter.value.is_some() {
        return ControlFlow::Continue(());
    }
    if empty == EmptyValues::Allowed {
        return ControlFlow::Break(());
    }
    findings.push(Finding::error(
        "argument-value-missing",
        place(""),
        format!("{}{name}.value is required", prefix()),
    ));
    ControlFlow::Continue(())
}

/// An argument takes its value from few places.
fn check_value_from(
    prefix: &dyn Fn() -> String,
    place: &dyn Fn(&str) -> String,
    parameter: &Parameter,
    findings: &mut Vec<Finding>,
) {
    let Some(from) = &parameter.value_from else {
        return;
    };
    let right =
        from.config_map_key_ref.is_some() || !from.event.is_empty() || from.supplied.is_some();
    let others = [
        &from.path,
        &from.json_path,
        &from.parameter,
        &from.expression,
    ];
    if right && others.into_iter().all(String::is_empty) {
        return;
    }
    let message = format!(
        "{}{}.valueFrom only allows: default, configMapKeyRef and supplied",
        prefix(),
        parameter.name
    );
    findings.push(
        Finding::error("argument-value-from", place(".valueFrom"), message)
            .help("to pass on another value, write it as `value: \"{{…}}\"`"),
    );
}

/// There is something to choose from, and the value is among it.
fn check_choice(
    prefix: &dyn Fn() -> String,
    place: &dyn Fn(&str) -> String,
    parameter: &Parameter,
    allowed: &[AnyString],
    findings: &mut Vec<Finding>,
) {
    let name = &parameter.name;
    if allowed.is_empty() {
        findings.push(Finding::error(
            "argument-enum",
            place(".enum"),
            format!("{}{name}.enum should contain at least one value", prefix()),
        ));
        return;
    }
    let wrong = parameter.value.as_ref();
    let Some(value) = wrong.filter(|value| !allowed.contains(value)) else {
        return;
    };
    let prefix = prefix();
    let words = allowed.iter().map(|word| word.as_str());
    findings.push(
        Finding::error(
            "argument-enum",
            place(".value"),
            format!("{prefix}{name}.value should be present in {prefix}{name}.enum list"),
        )
        .propose(nearest(value.as_str(), words)),
    );
}

/// That a template gets all its inputs from these arguments. `path` is the field of the arguments.
pub(super) fn check_supplied(
    shape: &Shape,
    arguments: &Arguments,
    path: &dyn Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    for (index, (name, has_value)) in shape.inputs.list.iter().enumerate() {
        let argument = named(&arguments.parameters, index, |given| given.name == *name);
        let supplied = match argument {
            Some(argument) => argument.value.is_some() || from_config_map(argument),
            None => *has_value == HasValue::Yes,
        };
        if !supplied {
            let unknown = arguments
                .parameters
                .iter()
                .map(|given| given.name.as_str())
                .filter(|given| !shape.inputs.contains(given));
            findings.push(
                Finding::error(
                    "input-not-supplied",
                    path(),
                    format!(
                        "templates.{} inputs.parameters.{name} was not supplied",
                        shape.name
                    ),
                )
                .help(supply_help("parameter", name, nearest(name, unknown))),
            );
        }
    }
    for (index, (name, has_value)) in shape.input_artifacts.list.iter().enumerate() {
        let given = || named(&arguments.artifacts, index, |given| given.name == *name);
        if *has_value == HasValue::No && given().is_none() {
            let unknown = arguments
                .artifacts
                .iter()
                .map(|given| given.name.as_str())
                .filter(|given| !shape.input_artifacts.contains(given));
            findings.push(
                Finding::error(
                    "input-not-supplied",
                    path(),
                    format!(
                        "templates.{} inputs.artifacts.{name} was not supplied",
                        shape.name
                    ),
                )
                .help(supply_help("artifact", name, nearest(name, unknown))),
            );
        }
    }
}

fn supply_help(kind: &str, name: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("the argument '{near}' is not an input: did you mean '{name}'?"),
        None if kind == "parameter" => {
            format!("give the parameter '{name}' in the arguments, or the input a default")
        }
        None => format!("give the artifact '{name}' in the arguments, or make the input optional"),
    }
}

/// Arguments that the template has no input for: they are without effect.
pub(super) fn check_unused(
    shape: &Shape,
    arguments: &Arguments,
    path: &dyn Fn() -> String,
    findings: &mut Vec<Finding>,
) {
    for (index, argument) in arguments.parameters.iter().enumerate() {
        if !shape.inputs.contains(&argument.name) {
            let near = nearest(&argument.name, shape.inputs.names());
            findings.push(
                Finding::warning(
                    "argument-unused",
                    join(&path(), &format!("parameters[{index}].name")),
                    format!(
                        "template '{}' has no input parameter '{}'",
                        shape.name, argument.name
                    ),
                )
                .propose(near),
            );
        }
    }
    for (index, argument) in arguments.artifacts.iter().enumerate() {
        if !shape.input_artifacts.contains(&argument.name) {
            let near = nearest(&argument.name, shape.input_artifacts.names());
            findings.push(
                Finding::warning(
                    "argument-unused",
                    join(&path(), &format!("artifacts[{index}].name")),
                    format!(
                        "template '{}' has no input artifact '{}'",
                        shape.name, argument.name
                    ),
                )
                .propose(near),
            );
        }
    }
}

/// The element that fits; looked for first where it stands if both lists have the same order.
fn named<T>(list: &[T], index: usize, fits: impl Fn(&T) -> bool) -> Option<&T> {
    match list.get(index) {
        Some(element) if fits(element) => Some(element),
        _ => list.iter().find(|element| fits(element)),
    }
}

fn from_config_map(parameter: &Parameter) -> bool {
    parameter
        .value_from
        .as_ref()
        .is_some_and(|from| from.config_map_key_ref.is_some())
}
