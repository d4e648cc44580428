//! What names may look like.

use std::collections::BTreeSet;

use super::fault::{Finding, join};

const MAX_FIELD_NAME: usize = 128;

/// The two kinds of names in a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameRule {
    /// Templates, steps, tasks, containers.
    Field,
    /// Parameters and artifacts.
    Value,
}

/// Why a name is not one; nothing if it is. Argo: `isValidWorkflowFieldName`,
/// `isValidParamOrArtifactName`.
pub(super) fn name_errors(rule: NameRule, name: &str) -> Vec<String> {
    let mut errors = Vec::new();
    match rule {
        NameRule::Value => {
            if !is_value_name(name) {
                errors.push("Parameter/Artifact name must consist of alpha-numeric characters, '_' or '-' e.g. my_param_1, MY-PARAM-1".to_owned());
            }
        }
        NameRule::Field => {
            if name.len() > MAX_FIELD_NAME {
                errors.push(format!("must be no more than {MAX_FIELD_NAME} characters"));
            }
            if !is_field_name(name) {
                errors.push("name must consist of alpha-numeric characters or '-', and must start with an alpha-numeric character (e.g. My-name1-2, 123-NAME)".to_owned());
            }
        }
    }
    errors
}

pub(super) fn is_value_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

pub(super) fn is_field_name(name: &str) -> bool {
    name.bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// That the names of a list are there, well formed and unique. `prefix` is what Argo writes before
/// the index, `path` the field of the list.
pub(super) fn check_names<'a>(
    rule: NameRule,
    prefix: &str,
    path: &str,
    names: impl IntoIterator<Item = &'a str>,
    findings: &mut Vec<Finding>,
) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.into_iter().enumerate() {
        let place = || join(path, &format!("[{index}].name"));
        if name.is_empty() {
            findings.push(Finding::error(
                "name-missing",
                place(),
                format!("{prefix}[{index}].name is required"),
            ));
            continue;
        }
        let well_formed = match rule {
            NameRule::Field => is_field_name(name) && name.len() <= MAX_FIELD_NAME,
            NameRule::Value => is_value_name(name),
        };
        if !well_formed {
            let errors = name_errors(rule, name).join(";");
            findings.push(Finding::error(
                "name-invalid",
                place(),
                format!("{prefix}[{index}].name: '{name}' is invalid: {errors}"),
            ));
        }
        if !seen.insert(name) {
            findings.push(
                Finding::error(
                    "name-duplicate",
                    place(),
                    format!("{prefix}[{index}].name '{name}' is not unique"),
                )
                .help("give each one a name of its own"),
            );
        }
    }
}
