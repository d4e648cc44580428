//! The flags of `run` and `submit` that change the workflow. Argo: `util.ApplySubmitOpts`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use argosy_api::{AnyString, Parameter, Workflow, labels};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rand::Rng;

use crate::files;
use crate::given::Given;
use crate::style::shortened;
use crate::submission::now;

/// Changes to a workflow.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Overrides {
    /// Pass an input parameter
    #[arg(short, long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Pass a file of input parameters, YAML or JSON
    #[arg(short = 'f', long, value_name = "FILE")]
    pub parameter_file: Option<PathBuf>,
    /// Run another template than the entrypoint
    #[arg(long)]
    pub entrypoint: Option<String>,
    /// Override metadata.name
    #[arg(long)]
    pub name: Option<String>,
    /// Override metadata.generateName
    #[arg(long)]
    pub generate_name: Option<String>,
    /// Labels, as key=value,key=value
    #[arg(short, long)]
    pub labels: Option<String>,
    /// The service account of all pods
    #[arg(long)]
    pub serviceaccount: Option<String>,
    /// The workflow's priority
    #[arg(long, allow_negative_numbers = true)]
    pub priority: Option<i32>,
    /// The time that the workflow was scheduled for, in RFC 3339
    #[arg(long)]
    pub scheduled_time: Option<String>,
}

impl Overrides {
    /// Changes a workflow as the flags say, and gives it its name, UID and time.
    pub fn change(&self, workflow: &mut Workflow, namespace: &str) -> Result<Given> {
        let mut given = Given::default();
        self.name(&mut workflow.metadata, namespace, &mut given)?;
        self.mark(&mut workflow.metadata, &mut given)?;
        let spec = &mut workflow.spec;
        if let Some(entrypoint) = given_text(&self.entrypoint) {
            entrypoint.clone_into(&mut spec.entrypoint);
            let flag = format!("--entrypoint {}", quoted(entrypoint));
            given.set(&["spec", "entrypoint"], flag);
        }
        if let Some(account) = given_text(&self.serviceaccount) {
            account.clone_into(&mut spec.service_account_name);
        }
        if let Some(priority) = self.priority {
            spec.priority = Some(priority);
        }
        let parameters = self.parameters()?;
        if !parameters.is_empty() {
            let flags = parameters.iter().map(|parameter| {
                let value = parameter.value.as_ref().map_or("", AnyString::as_str);
                format!(
                    "--parameter {}",
                    quoted(&format!("{}={value}", parameter.name))
                )
            });
            let flags: Vec<String> = flags.collect();
            // A file of parameters may be for many workflows.
            let one_by_one = parameters.iter().zip(&flags).take(self.parameters.len());
            for (parameter, flag) in one_by_one {
                let mut own = spec.arguments.parameters.iter();
                if own.all(|own| own.name != parameter.name) {
                    given.add_new_parameter(&parameter.name, flag);
                }
            }
            let kept = set_parameters(&mut spec.arguments.parameters, parameters);
            given.set_parameters(flags, kept);
        }
        Ok(given)
    }

    /// Gives a workflow the name by which it is known, and the time at which it was made.
    fn name(&self, metadata: &mut ObjectMeta, namespace: &str, given: &mut Given) -> Result<()> {
        if metadata.namespace.is_none() {
            metadata.namespace = Some(namespace.to_owned());
            let flag = format!("--namespace {}", quoted(namespace));
            given.set(&["metadata", "namespace"], flag);
        }
        if let Some(prefix) = given_text(&self.generate_name) {
            metadata.generate_name = Some(prefix.to_owned());
            let flag = format!("--generate-name {}", quoted(prefix));
            given.set(&["metadata", "generateName"], flag);
        }
        if let Some(name) = given_text(&self.name) {
            metadata.name = Some(name.to_owned());
            given.set(&["metadata", "name"], format!("--name {}", quoted(name)));
        }
        if metadata.name.as_ref().is_none_or(String::is_empty) {
            // Without either, validation says what is wrong, and where.
            let prefix = metadata.generate_name.as_deref();
            let prefix = prefix.filter(|prefix| !prefix.is_empty());
            metadata.name = prefix.map(generated);
        }
        metadata.uid = Some(uid());
        metadata.creation_timestamp = Some(argosy_engine::timestamp::kubernetes(now()));
        Ok(())
    }

    /// Gives a workflow its labels, and the time that it was scheduled for.
    fn mark(&self, metadata: &mut ObjectMeta, given: &mut Given) -> Result<()> {
        if let Some(labels) = &self.labels {
            let map = metadata.labels.get_or_insert_default();
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (key, value) = label.split_once('=').with_context(|| {
                    format!(
                        "--labels takes KEY=VALUE,KEY=VALUE; {label:?} has no equals sign in it"
                    )
                })?;
                map.insert(key.to_owned(), value.to_owned());
                given.set_label(key, format!("--labels {}", quoted(label)));
            }
        }
        if let Some(time) = &self.scheduled_time {
            time.parse::<jiff::Timestamp>().map_err(|_| {
                anyhow::anyhow!(
                    "--scheduled-time takes a time in RFC 3339, such as 2006-01-02T15:04:05-07:00, not {time:?}"
                )
            })?;
            metadata
                .annotations
                .get_or_insert_default()
                .insert(labels::SCHEDULED_TIME.to_owned(), time.clone());
        }
        Ok(())
    }

    /// Those given one by one, then those of the file, as Argo lists them.
    fn parameters(&self) -> Result<Vec<Parameter>> {
        let mut given = Vec::new();
        for text in &self.parameters {
            let (name, value) = text.split_once('=').with_context(|| {
                format!("--parameter takes NAME=VALUE; {text:?} has no equals sign in it")
            })?;
            given.push((name.to_owned(), value.to_owned()));
        }
        if let Some(file) = &self.parameter_file {
            given.extend(parameter_file(file)?);
        }
        Ok(given
            .into_iter()
            .map(|(name, value)| Parameter {
                name,
                value: Some(AnyString::from(value.as_str())),
                ..Parameter::default()
            })
            .collect())
    }
}

/// As in Argo those given stand first, whole; the workflow's own follow. Gives which of these are
/// kept.
fn set_parameters(parameters: &mut Vec<Parameter>, given: Vec<Parameter>) -> Vec<usize> {
    let names: BTreeSet<&str> = given.iter().map(|given| given.name.as_str()).collect();
    let is_kept = |own: &Parameter| !names.contains(own.name.as_str());
    let own = parameters.iter().enumerate();
    let kept = own
        .filter(|(_, own)| is_kept(own))
        .map(|(at, _)| at)
        .collect();
    parameters.retain(is_kept);
    parameters.splice(0..0, given);
    kept
}

/// A flag's text; an empty one changes nothing, as in Argo.
fn given_text(flag: &Option<String>) -> Option<&str> {
    flag.as_deref().filter(|text| !text.is_empty())
}

/// A flag's value as it is told of: as short as it can be.
fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,+".contains(c);
    let text = shortened(value, LONGEST);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.into_owned(),
        false => format!("{text:?}"),
    }
}

fn parameter_file(path: &Path) -> Result<Vec<(String, String)>> {
    let text = files::read_text(path)?;
    let value = files::read_yaml(&text)
        .map_err(|error| anyhow::anyhow!("cannot read {}: {error}", path.display()))?;
    let map = value.as_object().with_context(|| {
        format!(
            "{} is no map of parameters, such as `name: value`",
            path.display()
        )
    })?;
    Ok(map
        .iter()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), text)
        })
        .collect())
}

/// A name as Kubernetes generates it.
pub fn generated(prefix: &str) -> String {
    argosy_engine::names::generated(prefix, rand::rng().random())
}

/// A random UID (RFC 9562, version 4).
pub fn uid() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
