//! What Argo accepts and then fails on, or does otherwise than was meant: warnings, mostly.

use std::collections::BTreeSet;

use argosy_api::{
    Call, DagTask, Memoize, RetryStrategy, Sequence, Synchronization, Template, WorkflowSpec,
};
use argosy_expr::{Depends, Program, TaskResult, evaluate_when, named, parse_duration};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::fault::{Finding, join};
use super::tags::has_tags;
use super::texts::expression_warning;

/// Looks at a step or task.
pub(super) fn check_call(call: Call<'_>, path: &dyn Fn() -> String, findings: &mut Vec<Finding>) {
    if !call.when().is_empty()
        && !has_tags(call.when())
        && let Err(error) = evaluate_when(call.when())
    {
        findings.push(
            Finding::warning("when-syntax", join(&path(), "when"), error.to_string())
                .help("a condition compares texts and numbers: quote a text with single quotes"),
        );
    }
    if !call.with_param().is_empty() && !has_tags(call.with_param()) {
        let is_list = matches!(serde_json::from_str(call.with_param()), Ok(Value::Array(_)));
        if !is_list {
            findings.push(Finding::warning(
                "loop-list",
                join(&path(), "withParam"),
                format!("withParam is no JSON list: {}", shorten(call.with_param())),
            ));
        }
    }
    if let Some(sequence) = call.with_sequence() {
        check_sequence(sequence, &|| join(&path(), "withSequence"), findings);
    }
    for (name, hook) in call.hooks() {
        check_expression(
            &hook.expression,
            &|| join(&path(), &format!("hooks.{name}.expression")),
            findings,
        );
    }
    for (index, artifact) in call.arguments().artifacts.iter().enumerate() {
        check_expression(
            &artifact.from_expression,
            &|| {
                join(
                    &path(),
                    &format!("arguments.artifacts[{index}].fromExpression"),
                )
            },
            findings,
        );
    }
}

/// Looks at a task. That its logic can't be read is an error of the task once it is looked at, as in
/// Argo; results that there are not are told of with the graph.
pub(super) fn check_task(task: &DagTask, path: &dyn Fn() -> String, findings: &mut Vec<Finding>) {
    check_call(Call::from(task), path, findings);
    if !task.depends.is_empty()
        && !has_tags(&task.depends)
        && let Err(error) = Depends::check(&task.depends)
        && named(&task.depends)
            .filter_map(|named| named.result)
            .all(|result| TaskResult::from_name(result).is_some())
    {
        findings.push(
            Finding::warning(
                "depends-syntax",
                join(&path(), "depends"),
                format!("{} (at character {})", error.message, error.offset + 1),
            )
            .help("write it such as `a && (b.Failed || !c.Skipped)`"),
        );
    }
}

fn check_sequence(sequence: &Sequence, path: &dyn Fn() -> String, findings: &mut Vec<Finding>) {
    if sequence.count.is_none() && sequence.end.is_none() {
        findings.push(Finding::warning(
            "loop-sequence",
            path(),
            "must have either count or end in withSequence",
        ));
    }
    for (field, number) in [
        ("count", &sequence.count),
        ("start", &sequence.start),
        ("end", &sequence.end),
    ] {
        if let Some(IntOrString::String(text)) = number
            && !has_tags(text)
            && text.parse::<i64>().is_err()
        {
            findings.push(Finding::warning(
                "loop-sequence",
                format!("{}.{field}", path()),
                format!("'{text}' is no whole number"),
            ));
        }
    }
}

/// Looks at the parts of a template that Argo's validation leaves alone. `spec` is that of the
/// object that it stands in.
pub(super) fn check_template(
    template: &Template,
    spec: &WorkflowSpec,
    findings: &mut Vec<Finding>,
) {
    for (field, text) in [
        ("timeout", &template.timeout),
        ("pendingTimeout", &template.pending_timeout),
    ] {
        if text.parse::<i64>().is_err() {
            check_duration(text, field, findings);
        }
    }
    if let Some(suspend) = &template.suspend {
        check_seconds(&suspend.duration, "suspend.duration", findings);
    }
    if let Some(retry) = &template.retry_strategy {
        check_retry(retry, "retryStrategy", findings);
    }
    if let Some(memoize) = &template.memoize {
        check_memoize(memoize, findings);
    }
    if let Some(synchronization) = &template.synchronization {
        check_synchronization(synchronization, "synchronization", findings);
    }
    if template
        .http
        .as_ref()
        .is_some_and(|http| http.url.is_empty())
    {
        findings.push(Finding::warning("http-url", "http", "http.url is required"));
    }
    if let Some(data) = &template.data {
        for (index, step) in data.transformation.iter().enumerate() {
            let path = || format!("data.transformation[{index}].expression");
            check_expression(&step.expression, &path, findings);
        }
    }
    for (index, parameter) in template.outputs.parameters.iter().enumerate() {
        if let Some(from) = &parameter.value_from {
            let path = || format!("outputs.parameters[{index}].valueFrom.expression");
            check_expression(&from.expression, &path, findings);
        }
    }
    for (index, artifact) in template.outputs.artifacts.iter().enumerate() {
        let path = || format!("outputs.artifacts[{index}].fromExpression");
        check_expression(&artifact.from_expression, &path, findings);
    }
    check_volumes(template, spec, findings);
}

/// Looks at the settings of a workflow that Argo's validation leaves alone.
pub(super) fn check_spec(spec: &WorkflowSpec, path: &str, findings: &mut Vec<Finding>) {
    let mut found = Vec::new();
    if let Some(retry) = &spec.retry_strategy {
        check_retry(retry, "retryStrategy", &mut found);
    }
    if let Some(synchronization) = &spec.synchronization {
        check_synchronization(synchronization, "synchronization", &mut found);
    }
    if let Some(gc) = &spec.pod_gc {
        check_duration(
            &gc.delete_delay_duration,
            "podGC.deleteDelayDuration",
            &mut found,
        );
    }
    if let Some(gc) = &spec.artifact_gc {
        let known = ["", "OnWorkflowCompletion", "OnWorkflowDeletion", "Never"];
        if !known.contains(&gc.strategy.as_str()) {
            found.push(
                Finding::warning(
                    "artifact-gc",
                    "artifactGC.strategy",
                    format!("unknown strategy '{}'", gc.strategy),
                )
                .help("choose one of: OnWorkflowCompletion, OnWorkflowDeletion, Never"),
            );
        }
    }
    for (name, hook) in &spec.hooks {
        check_expression(
            &hook.expression,
            &|| format!("hooks.{name}.expression"),
            &mut found,
        );
    }
    if let Some(metadata) = &spec.workflow_metadata {
        for (label, from) in &metadata.labels_from {
            let path = || format!("workflowMetadata.labelsFrom[{label:?}].expression");
            check_expression(&from.expression, &path, &mut found);
        }
    }
    for mut finding in found {
        finding.path = join(path, &finding.path);
        findings.push(finding);
    }
}

fn check_retry(retry: &RetryStrategy, path: &str, findings: &mut Vec<Finding>) {
    if let Some(IntOrString::String(limit)) = &retry.limit
        && !has_tags(limit)
        && limit.parse::<i64>().is_err()
    {
        findings.push(Finding::warning(
            "retry-limit",
            format!("{path}.limit"),
            format!("'{limit}' is no whole number"),
        ));
    }
    check_expression(
        &retry.expression,
        &|| format!("{path}.expression"),
        findings,
    );
    if let Some(backoff) = &retry.backoff {
        check_seconds(
            &backoff.duration,
            &format!("{path}.backoff.duration"),
            findings,
        );
        check_seconds(
            &backoff.max_duration,
            &format!("{path}.backoff.maxDuration"),
            findings,
        );
        check_seconds(&backoff.cap, &format!("{path}.backoff.cap"), findings);
    }
}

fn check_memoize(memoize: &Memoize, findings: &mut Vec<Finding>) {
    check_duration(&memoize.max_age, "memoize.maxAge", findings);
    let named = |map: &k8s_openapi::api::core::v1::LocalObjectReference| !map.name.is_empty();
    let has_cache = memoize
        .cache
        .as_ref()
        .and_then(|cache| cache.config_map.as_ref())
        .is_some_and(named);
    if !has_cache {
        findings.push(Finding::warning(
            "memoize-cache",
            "memoize",
            "memoize has no cache: name a ConfigMap under memoize.cache.configMap",
        ));
    }
}

fn check_synchronization(
    synchronization: &Synchronization,
    path: &str,
    findings: &mut Vec<Finding>,
) {
    for (index, semaphore) in synchronization.semaphores.iter().enumerate() {
        let named = semaphore
            .as_ref()
            .is_some_and(|s| s.config_map_key_ref.is_some() || s.database.is_some());
        if !named {
            findings.push(Finding::warning(
                "synchronization",
                format!("{path}.semaphores[{index}]"),
                "a semaphore needs a configMapKeyRef or a database key",
            ));
        }
    }
    for (index, mutex) in synchronization.mutexes.iter().enumerate() {
        if mutex.as_ref().is_none_or(|mutex| mutex.name.is_empty()) {
            findings.push(Finding::warning(
                "synchronization",
                format!("{path}.mutexes[{index}]"),
                "a mutex needs a name",
            ));
        }
    }
}

/// That the volumes that containers mount are there.
fn check_volumes(template: &Template, spec: &WorkflowSpec, findings: &mut Vec<Finding>) {
    // A patch may add any volume.
    if !template.pod_spec_patch.is_empty() || !spec.pod_spec_patch.is_empty() {
        return;
    }
    let container = template
        .container
        .iter()
        .flat_map(|c| c.volume_mounts.iter().flatten());
    let script = template.script.iter().flat_map(|s| &s.volume_mounts);
    let set = template.container_set.iter().flat_map(|s| {
        s.volume_mounts
            .iter()
            .chain(s.containers.iter().flat_map(|c| &c.volume_mounts))
    });
    let mounts: Vec<&str> = container
        .chain(script)
        .chain(set)
        .map(|mount| mount.name.as_str())
        .collect();
    if mounts.is_empty() {
        return;
    }
    let defaults = spec.template_defaults.iter().flat_map(|d| &d.volumes);
    let claims = spec.volume_claim_templates.iter();
    let volumes: BTreeSet<&str> = spec
        .volumes
        .iter()
        .chain(&template.volumes)
        .chain(defaults)
        .map(|volume| volume.name.as_str())
        .chain(claims.filter_map(|claim| claim.metadata.name.as_deref()))
        .collect();
    for mount in mounts {
        if !volumes.contains(mount) && !has_tags(mount) {
            findings.push(
                Finding::warning(
                    "volume-undefined",
                    "",
                    format!("volume '{mount}' is mounted but not defined"),
                )
                .propose(argosy_api::nearest(mount, volumes.iter().copied())),
            );
        }
    }
}

fn check_expression(text: &str, path: &dyn Fn() -> String, findings: &mut Vec<Finding>) {
    if text.is_empty() || has_tags(text) {
        return;
    }
    if let Err(error) = Program::check(text) {
        findings.push(expression_warning(path(), text, &error));
    }
}

/// A duration, or a number of seconds.
fn check_seconds(text: &str, path: &str, findings: &mut Vec<Finding>) {
    if text.parse::<i64>().is_err() {
        check_duration(text.trim_end_matches('d'), path, findings);
    }
}

fn check_duration(text: &str, path: &str, findings: &mut Vec<Finding>) {
    if text.is_empty() || has_tags(text) {
        return;
    }
    if let Err(error) = parse_duration(text) {
        findings.push(
            Finding::warning("duration", path, error)
                .help("write a duration such as 90s, 5m or 1h30m"),
        );
    }
}

fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
