//! `argosy lint`: finds faults before anything runs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use argosy_api::Diagnostic;
use argosy_engine::definition::Definition;

use crate::client::Client;
use crate::files::{self, Fault, Object};
use crate::options::Global;

#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Refuse unknown fields
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    strict: bool,
    /// Look templates up in the files alone
    #[arg(long)]
    offline: bool,
    /// What to print
    #[arg(short, long, default_value = "pretty")]
    output: LintFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LintFormat {
    Pretty,
    Simple,
    Json,
    Sarif,
}

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let mut faults = Vec::new();
    let mut known = Definition::default();
    let mut workflows = Vec::new();
    for path in files::expand(&arguments.files)? {
        crate::client::existing(&path)?;
        let parsed = match files::parse(&path, arguments.strict) {
            Ok(parsed) => parsed,
            Err(error) => {
                faults.push(whole_file(&path, &format!("{error:#}")));
                continue;
            }
        };
        faults.extend(parsed.faults);
        let text = parsed.text;
        for (object, document) in parsed.objects {
            match object {
                Object::Workflow(workflow) => {
                    workflows.push((path.clone(), text.clone(), document, *workflow))
                }
                Object::WorkflowTemplate(template) => {
                    let name = template.metadata.name.clone().unwrap_or_default();
                    known.workflow_templates.insert(name, *template);
                }
                Object::ClusterWorkflowTemplate(template) => {
                    let name = template.metadata.name.clone().unwrap_or_default();
                    known.cluster_workflow_templates.insert(name, *template);
                }
                Object::CronWorkflow(_)
                | Object::WorkflowEventBinding(_)
                | Object::ConfigMap(_)
                | Object::Secret(_)
                | Object::Other(_) => {}
            }
        }
    }
    let client = if arguments.offline {
        None
    } else {
        Some(Client::open(global)?)
    };
    let count = workflows.len();
    for (path, text, document, mut workflow) in workflows {
        workflow
            .metadata
            .namespace
            .get_or_insert_with(|| global.namespace.clone());
        let mut definition = match &client {
            Some(client) => crate::gather::definition(&*client.store, workflow)?,
            None => Definition {
                workflow,
                ..Definition::default()
            },
        };
        definition
            .workflow_templates
            .extend(known.workflow_templates.clone());
        definition
            .cluster_workflow_templates
            .extend(known.cluster_workflow_templates.clone());
        let file = path.display().to_string();
        for diagnostic in crate::submission::validate(&definition) {
            faults.push(Fault::new(&file, &text, document.place(diagnostic)));
        }
    }
    print(&faults, arguments.output, count)?;
    let errors = faults.iter().any(Fault::is_error);
    Ok(if errors {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn whole_file(path: &std::path::Path, message: &str) -> Fault {
    let diagnostic = Diagnostic::error("unreadable", argosy_api::FieldPath::default(), message);
    Fault::new(&path.display().to_string(), &"".into(), diagnostic)
}

fn print(faults: &[Fault], format: LintFormat, workflows: usize) -> Result<()> {
    match format {
        LintFormat::Json => println!("{}", serde_json::to_string_pretty(&json(faults))?),
        LintFormat::Sarif => println!("{}", serde_json::to_string_pretty(&sarif(faults))?),
        LintFormat::Pretty | LintFormat::Simple => {
            for fault in faults {
                match format {
                    LintFormat::Simple => println!("{}", fault.line()),
                    _ => println!("{fault}"),
                }
            }
            if faults.is_empty() {
                println!("✔ no linting errors found! ({workflows} workflows)");
            }
        }
    }
    Ok(())
}

fn json(faults: &[Fault]) -> Vec<serde_json::Value> {
    faults
        .iter()
        .map(|fault| {
            let diagnostic = &fault.diagnostic;
            serde_json::json!({
                "file": fault.file,
                "line": diagnostic.span.map(|span| span.line),
                "column": diagnostic.span.map(|span| span.column),
                "path": diagnostic.path.to_string(),
                "code": diagnostic.code,
                "severity": if fault.is_error() { "error" } else { "warning" },
                "message": diagnostic.message,
                "help": diagnostic.help,
            })
        })
        .collect()
}

/// SARIF 2.1.0, for editors and CI.
fn sarif(faults: &[Fault]) -> serde_json::Value {
    let mut rules: Vec<&str> = faults.iter().map(|fault| fault.diagnostic.code).collect();
    rules.sort_unstable();
    rules.dedup();
    let results: Vec<serde_json::Value> = faults
        .iter()
        .map(|fault| {
            let diagnostic = &fault.diagnostic;
            let mut place = serde_json::json!({"artifactLocation": {"uri": fault.file}});
            if let Some(span) = diagnostic.span {
                place["region"] =
                    serde_json::json!({"startLine": span.line, "startColumn": span.column});
            }
            let mut text = diagnostic.message.clone();
            if !diagnostic.path.is_root() {
                text = format!("{}: {text}", diagnostic.path);
            }
            if let Some(help) = &diagnostic.help {
                text = format!("{text} ({help})");
            }
            serde_json::json!({
                "ruleId": diagnostic.code,
                "level": if fault.is_error() { "error" } else { "warning" },
                "message": {"text": text},
                "locations": [{"physicalLocation": place}],
            })
        })
        .collect();
    let rules: Vec<serde_json::Value> = rules
        .into_iter()
        .map(|rule| serde_json::json!({"id": rule, "shortDescription": {"text": rule}}))
        .collect();
    serde_json::json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "argosy",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}
