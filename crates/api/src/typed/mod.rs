//! From documents and JSON to types, with all faults in one go.

mod error;
mod json;
mod quantity;
mod reader;
pub(crate) mod suggest;

pub use json::{from_json, from_value};

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::yaml::{MAX_OF_A_KIND, more};
use crate::{Diagnostic, Document, Severity};
use error::ReadFault;
pub(crate) use reader::Meant;
use reader::{Pass, Reader, UnknownField};

/// What happens to keys that a type doesn't have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// They are errors. Argo's default.
    #[default]
    Strict,
    /// They are warnings, and the case of their letters is free; so are keys given twice, and a
    /// number or a boolean where a text belongs, which is then taken as it would be written.
    Lenient,
}

/// Values looked at while collecting faults, over all passes.
const MAX_WORK: usize = 50_000_000;

/// Reads a document as a type. A value with a fault is noted, left out and the rest read again, so
/// that all faults come out together; the result then lacks those values.
/// There is no result if the document as a whole doesn't fit.
///
/// Under [`Strictness::Strict`] the value of a misspelt key, which is a fault, is read as that of the
/// key that is meant, so that nothing else is found wrong because of it.
pub fn read_typed<T: DeserializeOwned>(
    document: &Document,
    strictness: Strictness,
) -> (Option<T>, Vec<Diagnostic>) {
    let (value, diagnostics, _) = read_as_meant(document, strictness);
    (value, diagnostics)
}

/// As [`read_typed`], and which keys were taken for others.
pub(crate) fn read_as_meant<T: DeserializeOwned>(
    document: &Document,
    strictness: Strictness,
) -> (Option<T>, Vec<Diagnostic>, Vec<Meant>) {
    let mut pass = Pass {
        tree: document.tree(),
        source: document.source_text(),
        pruned: HashSet::new(),
        strictness,
        unknown: RefCell::new(Vec::new()),
        corrects: strictness == Strictness::Strict,
        meant: RefCell::new(Vec::new()),
        remarks: RefCell::new(Vec::new()),
    };
    let (value, mut diagnostics) = collect(&mut pass, document);
    diagnostics.extend(unknown_fields(document, pass.unknown.take(), strictness));
    for remark in pass.remarks.take().into_iter().take(MAX_OF_A_KIND) {
        let mut diagnostic = diagnose(document, remark.node, remark.fault);
        diagnostic.severity = remark.severity;
        diagnostics.push(diagnostic);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    (value, diagnostics, pass.meant.take())
}

/// Reads again and again, each time without what could not be read, so that all such values are
/// found. Gives the faults of this kind; what else is wrong stands in the last pass.
fn collect<T: DeserializeOwned>(
    pass: &mut Pass<'_>,
    document: &Document,
) -> (Option<T>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    loop {
        pass.unknown.get_mut().clear();
        pass.meant.get_mut().clear();
        pass.remarks.get_mut().clear();
        let error = match T::deserialize(Reader::new(pass, document.root())) {
            Ok(value) => return (Some(value), diagnostics),
            Err(error) => error,
        };
        let node = error.0.node.unwrap_or(document.root());
        let tree = document.tree();
        let mut meant = pass.meant.get_mut().iter();
        if meant.any(|meant| tree.resolve(meant.value) == node) {
            // What does not fit was meant otherwise.
            pass.corrects = false;
            continue;
        }
        diagnostics.push(diagnose(document, node, *error.0));
        let work = diagnostics.len() * document.tree().nodes.len();
        if node == document.tree().resolve(document.root())
            || !pass.pruned.insert(node)
            || diagnostics.len() >= MAX_OF_A_KIND
            || work > MAX_WORK
        {
            if diagnostics.len() > 1
                && let Some(last) = diagnostics.last_mut()
            {
                last.message.push_str(" (and the rest was not read)");
            }
            return (None, diagnostics);
        }
    }
}

/// What is said of keys that a type doesn't have.
fn unknown_fields(
    document: &Document,
    unknown: Vec<UnknownField>,
    strictness: Strictness,
) -> Vec<Diagnostic> {
    let severity = match strictness {
        Strictness::Strict => Severity::Error,
        Strictness::Lenient => Severity::Warning,
    };
    let more_of_them = unknown.len().saturating_sub(MAX_OF_A_KIND);
    let told = unknown.into_iter().take(MAX_OF_A_KIND);
    let mut diagnostics: Vec<Diagnostic> = told
        .map(|unknown| {
            let path = document.path_of(unknown.key);
            let name = document
                .tree()
                .as_str(document.source_text(), unknown.key)
                .unwrap_or_default();
            let message = format!("unknown field \"{path}\"");
            let mut diagnostic = Diagnostic::error("unknown-field", path, message);
            diagnostic.severity = severity;
            diagnostic.help = suggest::help_for(unknown.type_name, name, unknown.fields);
            diagnostic.with_span(
                Arc::clone(document.source_name()),
                document.span_of(unknown.key),
            )
        })
        .collect();
    if let Some(last) = diagnostics.last_mut().filter(|_| more_of_them > 0) {
        last.message.push_str(&more(more_of_them));
    }
    diagnostics
}

fn diagnose(document: &Document, node: u32, fault: ReadFault) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(fault.code, document.path_of(node), fault.message);
    diagnostic.help = fault.help;
    diagnostic.with_span(Arc::clone(document.source_name()), document.span_of(node))
}
