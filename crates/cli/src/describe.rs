//! What `get` prints of a workflow. Argo: `PrintWorkflowHelper`.

use std::fmt::Write;

use argosy_api::{Artifact, Outputs, Parameter, Workflow, WorkflowPhase, WorkflowStatus};
use argosy_engine::duration::humanized;
use argosy_engine::fact::NodeSelector;
use argosy_engine::ids::Seconds;
use argosy_engine::run::Run;
use argosy_engine::timestamp;

use crate::folded::{LeftOut, folded};
use crate::output::{go_duration, moment};
use crate::style::{LONGEST, Style, shortened};

/// Which columns the tree has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    #[default]
    Usual,
    Wide,
    /// The tree alone, with the nodes' machines.
    Short,
}

/// How a workflow is shown.
pub struct Look {
    pub columns: Columns,
    pub style: Style,
    /// Which nodes are shown; all if `None`.
    pub nodes: Option<NodeSelector>,
    pub now: Seconds,
}

impl Look {
    /// All nodes in the usual columns.
    pub fn usual(style: Style) -> Self {
        Self {
            columns: Columns::Usual,
            style,
            nodes: None,
            now: crate::submission::now(),
        }
    }
}

/// A workflow's phase as lists have it. Argo: `printer.WorkflowStatus`.
pub fn status(phase: Option<WorkflowPhase>, suspended: bool, shutdown: bool) -> &'static str {
    match phase {
        Some(WorkflowPhase::Running) if suspended => "Running (Suspended)",
        Some(WorkflowPhase::Failed) if shutdown => "Failed (Terminated)",
        Some(phase) => phase.as_str(),
        None => "Pending",
    }
}

/// Whether a workflow is suspended, or one of its nodes is. Argo: `IsWorkflowSuspended`.
pub fn is_suspended(workflow: &Workflow) -> bool {
    workflow.spec.suspend == Some(true)
        || workflow.status.nodes.values().any(|node| {
            node.r#type == Some(argosy_api::NodeType::Suspend)
                && node.phase == Some(argosy_api::NodePhase::Running)
        })
}

/// A workflow and its nodes.
pub fn describe(workflow: &Workflow, look: &Look) -> String {
    described(workflow, &LeftOut::new(), look)
}

/// The same of a run: that of which the tree has no line is not made.
pub fn describe_run(run: &Run, look: &Look) -> String {
    match look.nodes {
        Some(_) => describe(&run.workflow(), look),
        None => {
            let (workflow, left_out) = folded(run);
            described(&workflow, &left_out, look)
        }
    }
}

fn described(workflow: &Workflow, left_out: &LeftOut, look: &Look) -> String {
    let tree = match workflow.status.nodes.is_empty() {
        true => String::new(),
        false => crate::tree::tree(workflow, left_out, look),
    };
    if look.columns == Columns::Short {
        return tree;
    }
    let mut text = header(workflow, look);
    if !tree.is_empty() {
        text.push('\n');
        text.push_str(&tree);
    }
    text
}

fn header(workflow: &Workflow, look: &Look) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{name:<20} {value}");
    };
    let (status, metadata) = (&workflow.status, &workflow.metadata);
    let merged = status.stored_workflow_template_spec.as_deref();
    let spec = merged.unwrap_or(&workflow.spec);
    let namespace = metadata.namespace.as_deref();
    line("Name:", metadata.name.as_deref().unwrap_or_default());
    line("Namespace:", namespace.unwrap_or_default());
    let account = match spec.service_account_name.as_str() {
        "" if workflow.spec.workflow_template_ref.is_some() => "unset",
        "" => "unset (will run with the default ServiceAccount)",
        account => account,
    };
    line("ServiceAccount:", account);
    let shutdown = workflow.spec.shutdown.is_some();
    let phase = self::status(status.phase, is_suspended(workflow), shutdown);
    line("Status:", phase);
    if !status.message.is_empty() {
        line("Message:", &shortened(&status.message, LONGEST));
    }
    print_conditions(status, look.style, &mut line);
    print_times(workflow, look.now, &mut line);
    line("Progress:", &status.progress.to_string());
    if !status.resources_duration.is_empty() {
        line("ResourcesDuration:", &resources(&status.resources_duration));
    }
    print_parameters("Parameters:", &spec.arguments.parameters, &mut line);
    if let Some(outputs) = &status.outputs {
        print_outputs(outputs, &mut line);
    }
    text
}

fn print_conditions(status: &WorkflowStatus, style: Style, line: &mut impl FnMut(&str, &str)) {
    if status.conditions.is_empty() {
        return;
    }
    line("Conditions:", "");
    for condition in &status.conditions {
        let value = match condition.message.as_str() {
            "" => &condition.status,
            message => message,
        };
        let glyph = style.condition_glyph(&condition.r#type);
        line(&format!("{glyph} {}", condition.r#type), value);
    }
}

fn print_times(workflow: &Workflow, now: Seconds, line: &mut impl FnMut(&str, &str)) {
    let status = &workflow.status;
    let created = workflow.metadata.creation_timestamp.as_ref();
    let started = status.started_at.as_ref().map(timestamp::seconds);
    let finished = status.finished_at.as_ref().map(timestamp::seconds);
    for (name, time) in [
        ("Created:", created.map(timestamp::seconds)),
        ("Started:", started),
        ("Finished:", finished),
    ] {
        if let Some(time) = time {
            line(name, &moment(time, now));
        }
    }
    if let Some(started) = started {
        let span = finished.unwrap_or(now).since(started);
        line("Duration:", &humanized(span));
    }
    if status.phase == Some(WorkflowPhase::Running) && status.estimated_duration > 0 {
        let estimated = humanized(status.estimated_duration);
        line("EstimatedDuration:", &estimated);
    }
}

fn print_parameters(title: &str, parameters: &[Parameter], line: &mut impl FnMut(&str, &str)) {
    if !parameters.is_empty() {
        line(title, "");
    }
    for parameter in parameters {
        if let Some(value) = &parameter.value {
            line(&format!("  {}:", parameter.name), value.as_str());
        }
    }
}

fn print_outputs(outputs: &Outputs, line: &mut impl FnMut(&str, &str)) {
    print_parameters("Output Parameters:", &outputs.parameters, line);
    if !outputs.artifacts.is_empty() {
        line("Output Artifacts:", "");
        for artifact in &outputs.artifacts {
            line(&format!("  {}:", artifact.name), &place(artifact));
        }
    }
}

/// Where an artifact lies: its location without what is the same for all.
fn place(artifact: &Artifact) -> String {
    let value = serde_json::to_value(artifact).unwrap_or_default();
    let kinds = [
        "s3",
        "git",
        "http",
        "artifactory",
        "hdfs",
        "raw",
        "oss",
        "gcs",
        "azure",
    ];
    let found = kinds
        .iter()
        .find_map(|kind| value.get(kind).map(|location| (kind, location)));
    match found {
        Some((kind, location)) => match location["key"].as_str() {
            Some(key) => format!("{kind} {key}"),
            None => format!("{kind} {location}"),
        },
        None => String::new(),
    }
}

/// `1s*(1 cpu),1s*(100Mi memory)`.
pub fn resources(durations: &std::collections::BTreeMap<String, i64>) -> String {
    let parts: Vec<String> = durations
        .iter()
        .map(|(name, seconds)| {
            let unit = match name.as_str() {
                "memory" => "100Mi",
                "storage" | "ephemeral-storage" => "10Gi",
                _ => "1",
            };
            format!("{}*({unit} {name})", go_duration(*seconds))
        })
        .collect();
    parts.join(",")
}
