//! No field of Argo's is ignored: `docs/fields.yaml` says what becomes of each, and this test that
//! it is so. A field that is honoured shows: `sights.txt` says what is to be seen with it, and the same
//! workflow without it does not have that.
//!
//! `FIELD=Template.daemon` prints both sights of one field.

mod observe;
mod pointer;
mod published;
mod sights;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use argosy_api::{Limits, Source, read_documents};
use serde::Deserialize;
use serde_json::{Map, Value};

use observe::observe;

/// What becomes of all fields and variables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledger {
    shown: Vec<Shown>,
    rest: Vec<Rest>,
    variables: Vec<Variables>,
}

/// Fields that a simulation shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// The type that has them.
    #[serde(rename = "type")]
    owner: String,
    /// Where the workflow has it.
    at: String,
    #[serde(rename = "in")]
    workflow: Value,
    #[serde(default)]
    with: Vec<Value>,
    /// What the workflow is refused with for having one of them.
    refused: Option<String>,
    fields: Map<String, Value>,
    /// Other values of those that the workflow can't be without.
    #[serde(default)]
    other: Map<String, Value>,
    /// Those of them that have no other.
    #[serde(default)]
    needed: Vec<String>,
}

/// Fields that it does not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    /// `Type.field`; `Type.*` and `prefix.*` stand for many.
    fields: Vec<String>,
    is: Kind,
    why: String,
}

/// Why a simulation does not show a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Whole,
    Status,
    Identity,
    Backend,
    Waits,
    Refused,
}

/// Variables, and texts that use them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variables {
    #[serde(default, rename = "in")]
    workflow: Value,
    #[serde(default)]
    with: Vec<Value>,
    /// Each variable as Argo lists it, with the text that `PROBE` becomes in the workflow and what
    /// must be seen of it.
    #[serde(default)]
    names: BTreeMap<String, Probe>,
    /// Variables that a simulation does not show, and why.
    #[serde(default)]
    elsewhere: Vec<String>,
    #[serde(default)]
    why: String,
}

/// A text with a variable, and what it becomes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    text: String,
    is: String,
}

fn ledger() -> Ledger {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fields.yaml");
    let text = std::fs::read_to_string(path).expect("docs/fields.yaml is there");
    let (documents, faults) =
        read_documents(&Source::new("docs/fields.yaml", text), &Limits::default());
    assert!(faults.is_empty(), "{faults:?}");
    serde_json::from_value(documents[0].to_json()).expect("docs/fields.yaml is a ledger")
}

/// A file of Argo's data; without it a test is skipped, though not in CI.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
fn argo_list(name: &str) -> Option<String> {
    let folder = std::env::var_os("ARGOSY_ARGO_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/argo"),
        PathBuf::from,
    );
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Some(text),
        Err(_) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no Argo data in {}",
                folder.display()
            );
            eprintln!("skipped: no {name} in {}", folder.display());
            None
        }
    }
}

/// The names of a list: what stands before the colon.
fn names(list: &str) -> BTreeSet<&str> {
    list.lines()
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect()
}

#[test]
fn every_field_has_one_entry() {
    let Some(list) = argo_list("fields.txt") else {
        return;
    };
    let ledger = ledger();
    let shown: BTreeSet<String> = ledger
        .shown
        .iter()
        .flat_map(|shown| {
            shown
                .fields
                .keys()
                .map(|key| format!("{}.{key}", shown.owner))
        })
        .collect();
    let fits = |pattern: &str, field: &str| match pattern.strip_suffix('*') {
        Some(prefix) => field.starts_with(prefix),
        None => pattern == field,
    };
    let mut wrong = Vec::new();
    for field in names(&list) {
        // A line without a field says what a type is made of.
        let is_type = field
            .rsplit('.')
            .next()
            .is_none_or(|last| last.starts_with(char::is_uppercase));
        if is_type {
            continue;
        }
        let rest: Vec<&String> = ledger
            .rest
            .iter()
            .flat_map(|rest| &rest.fields)
            .filter(|pattern| fits(pattern, field))
            .collect();
        match (shown.contains(field), rest.as_slice()) {
            (false, []) => wrong.push(format!("{field} has no entry")),
            (true, patterns) if patterns.iter().any(|pattern| *pattern == field) => {
                wrong.push(format!("{field} has two entries"));
            }
            _ => {}
        }
    }
    let known = names(&list);
    for pattern in ledger.rest.iter().flat_map(|rest| &rest.fields) {
        if !known.iter().any(|field| fits(pattern, field)) {
            wrong.push(format!("{pattern} is no field of Argo's"));
        }
    }
    wrong.extend(
        shown
            .iter()
            .filter(|field| !known.contains(field.as_str()))
            .map(|field| format!("{field} is no field of Argo's")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fields_that_are_honoured_show() {
    let wanted = std::env::var("FIELD").ok();
    let mut wrong = Vec::new();
    let mut lines = Vec::new();
    for shown in ledger().shown {
        for (field, value) in &shown.fields {
            let name = format!("{}.{field}", shown.owner);
            if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
                continue;
            }
            lines.push(format!("{name} at {}", shown.at));
            let looked = shown.look(field, value, wanted.is_some());
            lines.extend(looked.lines.iter().map(|line| format!("  {line}")));
            let at = |fault: &String| format!("{name} ({}): {fault}", shown.at);
            wrong.extend(looked.faults.iter().map(at));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if wanted.is_none() {
        sights::check(&lines);
    }
}

/// What was seen of a field, and what is wrong with that.
#[derive(Default)]
struct Looked {
    lines: Vec<String>,
    faults: Vec<String>,
}

impl Shown {
    /// Compares the workflow with and without a field.
    #[expect(clippy::print_stdout, reason = "both sights are printed if asked for")]
    fn look(&self, field: &str, value: &Value, aloud: bool) -> Looked {
        let mut looked = Looked::default();
        let without = pointer::without(&self.workflow, &self.at, field);
        let with = pointer::with(&self.workflow, &self.at, field, value);
        let mut other = observe(&without, &self.with);
        let with_it = observe(&with, &self.with);
        let text = with_it.text();
        let sound = is_sound(&with, &text, self.refused.as_deref());
        let is_needed = self.needed.iter().any(|needed| needed == field);
        // That a workflow can't be without a field does not say that its value counts.
        let refused = is_sound(&without, &other.text(), None);
        if let (Ok(()), None, Err(fault)) = (&sound, &self.refused, refused) {
            looked.lines.push(format!("without it: {fault}"));
            match self.otherwise(field) {
                _ if is_needed => return looked,
                Ok(sight) => other = sight,
                Err(fault) => looked.faults.push(fault),
            }
        } else if is_needed || self.other.contains_key(field) {
            let fault = "the workflow can be without it".to_owned();
            looked.faults.push(fault);
        }
        if aloud {
            println!("without:\n{}\nwith:\n{text}", other.text());
        }
        let found = sights::differences(&other, &with_it);
        if found.is_empty() {
            looked.faults.push("nothing shows of it".to_owned());
        }
        looked.lines.extend(found);
        if let Err(fault) = sound {
            looked.faults.push(format!("{value}: {fault}"));
        }
        looked
    }

    /// What is seen with another value of a field.
    fn otherwise(&self, field: &str) -> Result<observe::Sight, String> {
        let own = pointer::of(&self.workflow, &self.at, field);
        let value = self.other.get(field).or(own);
        let value = value.ok_or("give another value of it")?;
        let workflow = pointer::with(&self.workflow, &self.at, field, value);
        let sight = observe(&workflow, &self.with);
        is_sound(&workflow, &sight.text(), None).map_err(|fault| format!("{value}: {fault}"))?;
        Ok(sight)
    }
}

/// A field must not show by being a fault.
fn is_sound(workflow: &Value, sight: &str, refused: Option<&str>) -> Result<(), String> {
    if let Some(refused) = refused {
        return match sight.contains(&format!("invalid spec: {refused}")) {
            true => Ok(()),
            false => Err(format!("it is not refused with {refused:?}")),
        };
    }
    for fault in ["invalid spec: ", "cannot unmarshall spec: ", "{\"error\":"] {
        if let Some(at) = sight.find(fault) {
            let end = sight[at..].find('"').map_or(sight.len(), |end| at + end);
            let end = match fault.starts_with('{') {
                true => sight.len(),
                false => end,
            };
            return Err(sight[at..end].chars().take(200).collect());
        }
    }
    // What is lost, or never begins, is an error, as it should be.
    let text = workflow.to_string();
    let loses = text.contains("lost") || text.contains("\"wait\"");
    match !loses && sight.contains("\"phase\":\"Error\"") {
        true => Err("something ends in an error".to_owned()),
        false => Ok(()),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "what is seen is printed if asked for")]
fn every_variable_has_an_entry_and_its_value() {
    let wanted = std::env::var("FIELD").ok();
    let Some(list) = argo_list("variables.txt") else {
        return;
    };
    let ledger = ledger();
    let mut entries: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for group in &ledger.variables {
        entries.extend(group.elsewhere.iter().map(|name| plain(name)));
        if !group.elsewhere.is_empty() && group.why.is_empty() {
            wrong.push(format!("{:?} want a reason", group.elsewhere));
        }
        for (name, probe) in &group.names {
            entries.insert(plain(name));
            let text = Value::String(probe.text.clone()).to_string();
            let workflow = group.workflow.to_string();
            let workflow = workflow.replace("PROBE", &text[1..text.len() - 1]);
            let workflow = serde_json::from_str(&workflow).expect("the probe keeps it JSON");
            let seen = observe(&workflow, &group.with).text();
            if wanted.as_ref() == Some(name) {
                println!("{seen}");
            }
            if !seen.contains(&probe.is) {
                wrong.push(format!("{name}: {:?} is not to be seen", probe.is));
            }
        }
    }
    for name in names(&list) {
        if !entries.contains(&plain(name)) {
            wrong.push(format!("{name} has no entry"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Argo writes its placeholders in two ways: `<name>`, `<STEPNAME>`.
fn plain(name: &str) -> String {
    let mut out = String::new();
    for (place, part) in name.split('<').enumerate() {
        match part.split_once('>') {
            Some((_, after)) if place > 0 => {
                out.push_str("<>");
                out.push_str(after);
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[test]
fn types_that_are_handed_on_come_whole() {
    if let Some(schema) = argo_list("schema.json") {
        whole::check(&serde_json::from_str(&schema).expect("the schema is JSON"));
    }
}

#[test]
fn the_documentation_says_the_same() {
    published::check(&ledger());
}
