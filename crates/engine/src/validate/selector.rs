//! Label selectors.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

/// Why a selector is none, in Kubernetes' words.
pub(super) fn selector_error(selector: &LabelSelector) -> Option<String> {
    for requirement in selector.match_expressions.iter().flatten() {
        let values = requirement.values.as_deref().unwrap_or_default();
        match requirement.operator.as_str() {
            "In" | "NotIn" => {
                if values.is_empty() {
                    return Some("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty".to_owned());
                }
            }
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    return Some(format!(
                        "values: Invalid value: {values:?}: values set must be empty for exists and does not exist"
                    ));
                }
            }
            operator => {
                return Some(format!(
                    "{operator:?} is not a valid label selector operator"
                ));
            }
        }
    }
    None
}
