//! `argosy convert`: manifests in the form of Argo before 3.6, in today's. Argo: `workflow/convert`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use argosy_api::{Limits, Source, read_documents};
use serde_json::{Map, Value};

use crate::files;
use crate::output;

#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What to print
    #[arg(short, long, default_value = "yaml")]
    output: ConvertFormat,
    /// Print without colours, as this command always does
    #[arg(long)]
    no_color: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ConvertFormat {
    Yaml,
    Json,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    for path in files::expand(&arguments.files)? {
        crate::client::existing(&path)?;
        let text = files::read_text(&path)?;
        let source = Source::new(path.display().to_string(), text.as_str());
        let (documents, faults) = read_documents(&source, &Limits::default());
        if let Some(fault) = faults.into_iter().find(argosy_api::Diagnostic::is_error) {
            bail!("{fault}");
        }
        for document in documents {
            let mut value = document.to_json();
            convert(&mut value);
            match arguments.output {
                ConvertFormat::Json => println!("{}", serde_json::to_string(&value)?),
                ConvertFormat::Yaml => print!("---\n{}", output::yaml(&value)?),
            }
        }
    }
    Ok(())
}

/// Puts what once stood alone into lists: schedules, mutexes, semaphores.
fn convert(object: &mut Value) {
    let is_cron = object["kind"] == "CronWorkflow";
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if is_cron {
        into_list(spec, "schedule", "schedules");
        if let Some(inner) = spec.get_mut("workflowSpec").and_then(Value::as_object_mut) {
            convert_spec(inner);
        }
    } else {
        convert_spec(spec);
    }
}

fn convert_spec(spec: &mut Map<String, Value>) {
    let mut open: Vec<&mut Value> = Vec::new();
    for (key, value) in spec.iter_mut() {
        match key.as_str() {
            "synchronization" => synchronization(value),
            "templates" | "templateDefaults" => open.push(value),
            _ => {}
        }
    }
    // Templates may stand inline in steps and tasks, as deep as somebody has written them.
    while let Some(value) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(map) => {
                for (key, value) in map {
                    match key.as_str() {
                        "synchronization" => synchronization(value),
                        "steps" | "dag" | "tasks" | "inline" => open.push(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn synchronization(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        into_list(map, "mutex", "mutexes");
        into_list(map, "semaphore", "semaphores");
    }
}

fn into_list(map: &mut Map<String, Value>, one: &str, many: &str) {
    let Some(value) = map.remove(one).filter(|value| !value.is_null()) else {
        return;
    };
    let list = map.entry(many).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list
        && value.as_str() != Some("")
    {
        list.insert(0, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_stood_alone_stands_in_lists() {
        for (mut old, new) in [
            (
                json!({"kind": "CronWorkflow", "spec": {"schedule": "* * * * *", "workflowSpec": {"synchronization": {"mutex": {"name": "m"}}}}}),
                json!({"kind": "CronWorkflow", "spec": {"schedules": ["* * * * *"], "workflowSpec": {"synchronization": {"mutexes": [{"name": "m"}]}}}}),
            ),
            (
                json!({"kind": "Workflow", "spec": {"templates": [{"synchronization": {"semaphore": {"a": 1}, "mutexes": []}}]}}),
                json!({"kind": "Workflow", "spec": {"templates": [{"synchronization": {"semaphores": [{"a": 1}], "mutexes": []}}]}}),
            ),
            (
                json!({"kind": "Workflow", "spec": {"templates": [{"dag": {"tasks": [{"inline": {"synchronization": {"mutex": {}}}}]}}]}}),
                json!({"kind": "Workflow", "spec": {"templates": [{"dag": {"tasks": [{"inline": {"synchronization": {"mutexes": [{}]}}}]}}]}}),
            ),
            (
                json!({"kind": "ConfigMap", "data": {}}),
                json!({"kind": "ConfigMap", "data": {}}),
            ),
        ] {
            convert(&mut old);
            assert_eq!(old, new);
        }
    }
}
