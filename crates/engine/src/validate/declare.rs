//! What must hold for a template before anyone looks into its body.

use argosy_api::{Template, TemplateType};
use k8s_openapi::api::core::v1::ResourceRequirements;

use super::artifact::{check_artifact_location, path_error};
use super::fault::Finding;
use super::names::{NameRule, check_names};
use super::shape::{is_leaf, is_pod};

/// Checks a template's type, inputs and what depends on its type alone.
pub(super) fn check_declaration(template: &Template, findings: &mut Vec<Finding>) {
    let name = &template.name;
    let Some(kind) = template.template_type() else {
        findings.push(
            Finding::error("template-type", "", format!("template '{name}' type is unknown"))
                .help("choose one of: container, containerSet, steps, dag, script, resource, data, suspend, http, plugin"),
        );
        return;
    };
    if let Some(retry) = &template.retry_strategy {
        let policy = retry.retry_policy.as_str();
        if !matches!(
            policy,
            "" | "Always" | "OnError" | "OnFailure" | "OnTransientError"
        ) {
            findings.push(
                Finding::error(
                    "retry-policy",
                    "retryStrategy.retryPolicy",
                    format!("{policy} is not a valid RetryPolicy"),
                )
                .help("choose one of: Always, OnError, OnFailure, OnTransientError"),
            );
        }
    }
    if bodies(template) > 1 {
        findings.push(Finding::error("template-type", "", format!("templates.{name} multiple template types specified. choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref")));
    }
    check_template_resources(template, kind, findings);
    check_inputs(template, kind, findings);
    for (index, container) in template.init_containers.iter().enumerate() {
        if container.name.is_empty() {
            findings.push(Finding::error(
                "container-name",
                format!("initContainers[{index}].name"),
                "initContainers must all have container name",
            ));
        }
    }
    check_timeouts(template, kind, findings);
}

/// How many bodies a template has.
fn bodies(template: &Template) -> usize {
    [
        template.container.is_some(),
        template.container_set.is_some(),
        !template.steps.is_empty(),
        template.dag.is_some(),
        template.script.is_some(),
        template.resource.is_some(),
        template.data.is_some(),
        template.suspend.is_some(),
        template.http.is_some(),
        template.plugin.is_some(),
    ]
    .into_iter()
    .filter(|there| *there)
    .count()
}

fn check_template_resources(template: &Template, kind: TemplateType, findings: &mut Vec<Finding>) {
    let name = &template.name;
    if let Some(resources) = &template.pod_resources {
        if matches!(kind, TemplateType::HTTP | TemplateType::Plugin) {
            findings.push(Finding::error(
                "pod-resources",
                "podResources",
                format!("templates.{name}.podResources is not supported for {kind} templates"),
            ));
        } else {
            let prefix = format!("templates.{name}.podResources");
            check_pod_resources(&prefix, "podResources", resources, findings);
        }
    }
    if !template.resource_claims.is_empty() && !is_pod(kind) {
        findings.push(Finding::error("resource-claims", "resourceClaims", format!("templates.{name}.resourceClaims is not supported for {kind} templates, which do not create a pod")));
    }
}

/// Kubernetes takes only CPU, memory and huge pages for a pod as a whole.
pub(super) fn check_pod_resources(
    prefix: &str,
    path: &str,
    resources: &ResourceRequirements,
    findings: &mut Vec<Finding>,
) {
    if resources
        .claims
        .as_ref()
        .is_some_and(|claims| !claims.is_empty())
    {
        findings.push(Finding::error(
            "pod-resources",
            format!("{path}.claims"),
            format!("{prefix}.claims is not supported for pod-level resources"),
        ));
    }
    for (field, list) in [
        ("limits", &resources.limits),
        ("requests", &resources.requests),
    ] {
        for name in list.iter().flatten().map(|(name, _)| name) {
            if !matches!(name.as_str(), "cpu" | "memory") && !name.starts_with("hugepages-") {
                findings.push(Finding::error("pod-resources", format!("{path}.{field}"), format!("{prefix}: {name:?} is not a valid pod-level resource, only cpu, memory and hugepages-* are supported")));
            }
        }
    }
}

fn check_inputs(template: &Template, kind: TemplateType, findings: &mut Vec<Finding>) {
    let name = &template.name;
    let inputs = &template.inputs;
    if !inputs.parameters.is_empty() {
        check_names(
            NameRule::Value,
            &format!("templates.{name}.inputs.parameters"),
            "inputs.parameters",
            inputs
                .parameters
                .iter()
                .map(|parameter| parameter.name.as_str()),
            findings,
        );
    }
    if !inputs.artifacts.is_empty() {
        check_names(
            NameRule::Value,
            &format!("templates.{name}.inputs.artifacts"),
            "inputs.artifacts",
            inputs
                .artifacts
                .iter()
                .map(|artifact| artifact.name.as_str()),
            findings,
        );
    }
    for (index, artifact) in inputs.artifacts.iter().enumerate() {
        let prefix = format!("templates.{name}.inputs.artifacts.{}", artifact.name);
        let path = format!("inputs.artifacts[{index}]");
        let error = path_error(kind, &prefix, &artifact.name, &artifact.path);
        findings.extend(
            error.map(|text| Finding::error("artifact-path", format!("{path}.path"), text)),
        );
        if !artifact.from.is_empty() {
            findings.push(
                Finding::error(
                    "artifact-from",
                    format!("{path}.from"),
                    format!("{prefix}.from not valid in inputs"),
                )
                .help("say in the arguments of the caller where the artifact comes from"),
            );
        }
        check_artifact_location(&prefix, &path, artifact, findings);
    }
}

fn check_timeouts(template: &Template, kind: TemplateType, findings: &mut Vec<Finding>) {
    if !template.timeout.is_empty() {
        if !is_leaf(kind) {
            findings.push(Finding::error(
                "timeout",
                "timeout",
                format!("{kind} template doesn't support timeout field"),
            ));
        } else if let Some(finding) = timeout_error(&template.name, &template.timeout) {
            findings.push(finding);
        }
    }
    if !template.pending_timeout.is_empty() && !is_leaf(kind) {
        findings.push(Finding::error(
            "timeout",
            "pendingTimeout",
            format!("{kind} template doesn't support pendingTimeout field"),
        ));
    }
}

/// A timeout that is a bare number, which Argo does not take.
pub(super) fn timeout_error(template: &str, timeout: &str) -> Option<Finding> {
    timeout.parse::<i64>().ok()?;
    Some(
        Finding::error(
            "timeout",
            "timeout",
            format!("{template} has invalid duration format in timeout"),
        )
        .help(format!("write it with a unit: {timeout}s")),
    )
}
