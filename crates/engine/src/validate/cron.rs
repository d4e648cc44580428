//! CronWorkflows.

use std::collections::BTreeMap;

use argosy_api::{CronWorkflow, labels};
use argosy_expr::Program;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::ValidateOptions;
use super::fault::{Fault, Finding, join};
use super::report::fault_of;
use super::schedule::{schedule_error, zone_text};
use super::texts::expression_warning;
use super::workflow::{Subject, check_workflow};
use super::zones::{Zone, zone};
use crate::source::TemplateSource;

/// Longer names leave no room for the time that is added to them.
const MAX_NAME: usize = 52;

/// Validates a CronWorkflow and the workflow that it makes.
pub(super) fn check_cron_workflow(
    cron: &CronWorkflow,
    source: &dyn TemplateSource,
    options: &ValidateOptions,
) -> Vec<Fault> {
    let mut findings = Vec::new();
    let name = cron.metadata.name.as_deref().unwrap_or_default();
    if name.len() > MAX_NAME {
        findings.push(Finding::error("name-too-long", "metadata.name", format!("cron workflow name {name:?} must not be more than {MAX_NAME} characters long (currently {})", name.len())));
    }
    check_schedules(cron, &mut findings);
    check_policy(cron, &mut findings);
    let mut faults: Vec<Fault> = findings.into_iter().map(fault_of).collect();
    let metadata = workflow_metadata(cron);
    let subject = Subject {
        spec: &cron.spec.workflow_spec,
        spec_path: "spec.workflowSpec",
        metadata: &metadata,
        template: None,
        via: "cannot validate Workflow:",
    };
    faults.extend(check_workflow(subject, source, options));
    faults
}

fn check_schedules(cron: &CronWorkflow, findings: &mut Vec<Finding>) {
    let spec = &cron.spec;
    if spec.schedules.is_empty() {
        findings.push(Finding::error(
            "schedule-missing",
            "spec.schedules",
            "cron workflow must have at least one schedule",
        ));
    }
    for (index, schedule) in spec.schedules.iter().enumerate() {
        if let Some(error) = schedule_error(schedule) {
            findings.push(
                Finding::error(
                    "schedule-malformed",
                    format!("spec.schedules[{index}]"),
                    format!("cron schedule {schedule} is malformed: {error}"),
                )
                .help("five fields: minute, hour, day of the month, month, day of the week; or @hourly, @daily, @every 90m, …"),
            );
        }
    }
    match zone(&spec.timezone) {
        Zone::Known => {}
        Zone::Perhaps => findings.push(Finding::warning(
            "time-zone",
            "spec.timezone",
            format!("time zone {:?} is not known here", spec.timezone),
        )),
        Zone::Unknown(problem, near) => findings.push(
            Finding::error(
                "time-zone",
                "spec.timezone",
                format!(
                    "invalid timezone {:?}: {}",
                    spec.timezone,
                    zone_text(problem, &spec.timezone)
                ),
            )
            .propose(near.as_deref()),
        ),
    }
}

fn check_policy(cron: &CronWorkflow, findings: &mut Vec<Finding>) {
    let spec = &cron.spec;
    let policy = spec.concurrency_policy.as_str();
    if !matches!(policy, "" | "Allow" | "Forbid" | "Replace") {
        findings.push(
            Finding::error(
                "concurrency-policy",
                "spec.concurrencyPolicy",
                format!("'{policy}' is not a valid concurrencyPolicy"),
            )
            .help("choose one of: Allow, Forbid, Replace"),
        );
    }
    if spec
        .starting_deadline_seconds
        .is_some_and(|seconds| seconds < 0)
    {
        findings.push(Finding::error(
            "starting-deadline",
            "spec.startingDeadlineSeconds",
            "startingDeadlineSeconds must be positive",
        ));
    }
    let stop = spec.stop_strategy.as_ref().map(|stop| &stop.expression);
    for (field, text) in [
        ("stopStrategy.expression", stop),
        ("when", Some(&spec.when)),
    ] {
        let Some(text) = text.filter(|text| !text.is_empty() && !super::tags::has_tags(text))
        else {
            continue;
        };
        if let Err(error) = Program::check(text) {
            findings.push(expression_warning(join("spec", field), text, &error));
        }
    }
}

/// The metadata of the workflows that it makes, as far as tags can see it.
fn workflow_metadata(cron: &CronWorkflow) -> ObjectMeta {
    let name = cron.metadata.name.clone().unwrap_or_default();
    let mut labels = BTreeMap::from([(labels::CRON_WORKFLOW.to_owned(), name)]);
    let mut annotations = BTreeMap::from([(labels::SCHEDULED_TIME.to_owned(), String::new())]);
    let instance = labels::CONTROLLER_INSTANCE_ID;
    let of_cron = cron.metadata.labels.iter().flatten();
    labels.extend(
        of_cron
            .filter(|(key, _)| *key == instance)
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    if let Some(metadata) = &cron.spec.workflow_metadata {
        labels.extend(metadata.labels.clone().into_iter().flatten());
        annotations.extend(metadata.annotations.clone().into_iter().flatten());
    }
    ObjectMeta {
        namespace: cron.metadata.namespace.clone(),
        labels: Some(labels),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    }
}
