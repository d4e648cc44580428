//! `argosy lint`: finds faults before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use argosy_api::Diagnostic;
use argosy_engine::validate::Purpose;
use argosy_store::ObjectKind;

use crate::client::Client;
use crate::files::{self, Fault, Object};
use crate::given::Given;
use crate::options::Global;
use crate::shelf::{Kept, Shelf};
use crate::style::{ColorFlag, Style};
use crate::validation::{self, Origin};

#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Which kinds: workflows, workflowtemplates, cronworkflows, clusterworkflowtemplates or all
    #[arg(long, value_delimiter = ',', default_value = "all")]
    kinds: Vec<String>,
    #[command(flatten)]
    reading: files::Reading,
    /// Look templates up in the files alone
    #[arg(long)]
    offline: bool,
    /// What to print
    #[arg(short, long, default_value = "pretty")]
    output: LintFormat,
    #[command(flatten)]
    color: ColorFlag,
}

/// Flags of the `lint` of one kind.
#[derive(clap::Args)]
pub struct OfKindArguments {
    /// Files and folders; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: files::Reading,
    /// What to print
    #[arg(short, long, default_value = "pretty")]
    output: LintFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LintFormat {
    /// Each fault with its line
    Pretty,
    /// A line for each fault
    Simple,
    /// For programs
    Json,
    /// For editors and CI
    Sarif,
}

/// Kubernetes' names for many of a kind, its short names, and the kinds.
const KINDS: [(&str, &str, &str); 4] = [
    ("workflows", "wf", "Workflow"),
    ("workflowtemplates", "wftmpl", "WorkflowTemplate"),
    ("cronworkflows", "cronwf", "CronWorkflow"),
    (
        "clusterworkflowtemplates",
        "cwftmpl",
        "ClusterWorkflowTemplate",
    ),
];

pub fn run(arguments: &Arguments, global: &Global) -> Result<ExitCode> {
    let mut kinds = Vec::new();
    for word in &arguments.kinds {
        let is_meant = |(plural, short, _): &&(&str, &str, &str)| plural == word || short == word;
        match KINDS.iter().find(is_meant) {
            Some((_, _, kind)) => kinds.push(*kind),
            None if word == "all" => kinds.extend(KINDS.map(|(_, _, kind)| kind)),
            None => bail!(
                "--kinds {word}: the kinds are {} and all",
                KINDS.map(|(plural, _, _)| plural).join(", ")
            ),
        }
    }
    // Only a lint that looks templates up opens the data directory.
    let client = match arguments.offline {
        true => None,
        false => Some(Client::open(global)?),
    };
    let found = lint(
        &arguments.files,
        &kinds,
        arguments.reading,
        client.as_ref(),
        &global.namespace,
    )?;
    finish(&found, arguments.output, arguments.color.style())
}

/// Lints the objects of one kind.
pub fn of_kind(arguments: &OfKindArguments, global: &Global, kind: ObjectKind) -> Result<ExitCode> {
    let client = Client::open(global)?;
    let found = lint(
        &arguments.files,
        &[kind.as_str()],
        arguments.reading,
        Some(&client),
        &global.namespace,
    )?;
    finish(&found, arguments.output, Style::usual())
}

/// Argo's words for files without what is linted.
const NOTHING: &str = "found nothing to lint in the specified paths, failing...";

struct Found {
    faults: Vec<Fault>,
    linted: usize,
}

fn lint(
    paths: &[PathBuf],
    kinds: &[&str],
    reading: files::Reading,
    client: Option<&Client>,
    namespace: &str,
) -> Result<Found> {
    let mut faults = Vec::new();
    let mut shelf = Shelf::new(client.map(|client| &*client.store));
    let mut objects = Vec::new();
    let mut read = Vec::new();
    for path in files::expand(paths)? {
        crate::client::existing(&path)?;
        read.push(path.display().to_string());
        let parsed = match files::parse(&path, reading.strictness()) {
            Ok(parsed) => parsed,
            Err(error) => {
                faults.push(whole_file(&path, &format!("{error:#}")));
                continue;
            }
        };
        faults.extend(parsed.faults);
        for (object, document) in parsed.objects {
            if let Some(kept) = Kept::of(&object, namespace)? {
                shelf.put(kept);
            }
            if kinds.contains(&object.kind()) {
                let origin = Origin {
                    file: path.display().to_string(),
                    text: parsed.text.clone(),
                    document,
                };
                objects.push((object, origin));
            }
        }
    }
    let configuration = client.map(Client::configuration).transpose()?;
    let defaults = configuration.and_then(|known| known.config.workflow_defaults.as_ref());
    for (object, origin) in &mut objects {
        if let (Object::Workflow(workflow), Some(configuration)) = (&mut *object, configuration) {
            configuration.complete(workflow)?;
        }
        if let Some(known) = validation::gathered(object, &shelf, namespace)? {
            let purpose = Purpose::Lint;
            let origin = Some(&*origin);
            faults.extend(validation::faults(
                object,
                origin,
                &Given::default(),
                known,
                purpose,
                defaults,
            ));
        }
    }
    // Those of a file stand together, in the order in which Argo would come upon them.
    let places: BTreeMap<&str, usize> = read.iter().map(String::as_str).zip(0..).collect();
    faults.sort_by_key(|fault: &Fault| places.get(fault.file.as_str()).copied());
    Ok(Found {
        faults,
        linted: objects.len(),
    })
}

fn whole_file(path: &Path, message: &str) -> Fault {
    let diagnostic = Diagnostic::error("unreadable", argosy_api::FieldPath::default(), message);
    Fault::new(&path.display().to_string(), &"".into(), diagnostic)
}

fn finish(found: &Found, format: LintFormat, style: Style) -> Result<ExitCode> {
    let faults = &found.faults;
    let errors = faults.iter().filter(|fault| fault.is_error()).count();
    let nothing = found.linted == 0 && errors == 0;
    if nothing && matches!(format, LintFormat::Json | LintFormat::Sarif) {
        // Programs read the other stream.
        eprintln!("{NOTHING}");
    }
    match format {
        LintFormat::Json => println!("{}", serde_json::to_string_pretty(&json(faults))?),
        LintFormat::Sarif => println!("{}", serde_json::to_string_pretty(&sarif(faults))?),
        LintFormat::Simple => {
            for fault in faults {
                let help = fault.diagnostic.help.as_ref();
                let help = help.map_or_else(String::new, |help| format!(" ({help})"));
                println!("{}{help}", fault.line(style));
            }
            if nothing {
                println!("{NOTHING}");
            } else if errors == 0 {
                println!("no linting errors found!");
            }
        }
        LintFormat::Pretty => {
            for fault in faults {
                println!("{}\n", fault.shown(style));
            }
            if nothing {
                println!("{}", style.bad(&format!("✖ {NOTHING}")));
            } else if errors > 0 {
                println!(
                    "{}",
                    style.bad(&format!("✖ {errors} linting errors found!"))
                );
            } else {
                println!("{} no linting errors found!", style.good("✔"));
            }
        }
    }
    Ok(match errors > 0 || nothing {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
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
