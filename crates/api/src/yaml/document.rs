//! One document of a source, and the place of every value in it.

use std::sync::Arc;

use serde_json::{Map, Number};

use super::build::Fault;
use super::lines::Lines;
use super::{Limits, Source, Tree, Value, events, quick};
use crate::typed::Meant;
use crate::{Diagnostic, FieldPath, Part, Span};

/// A document as it was written: a tree of values that know their places.
#[derive(Clone, Debug)]
pub struct Document {
    name: Arc<str>,
    text: Arc<str>,
    lines: Lines,
    tree: Arc<Tree>,
    root: u32,
    /// Keys that are misspelt, and what each was taken for.
    meant: Arc<[Meant]>,
}

/// Reads all documents of a source, those that hold nothing left out, and what is wrong with them.
/// A document with a fault of syntax is missing from the list; the others are there.
pub fn read_documents(source: &Source, limits: &Limits) -> (Vec<Document>, Vec<Diagnostic>) {
    let name: Arc<str> = source.name.as_str().into();
    let text = Arc::clone(&source.text);
    let lines = Lines::default();
    if let Some(fault) = refuse(&text, limits) {
        return (
            Vec::new(),
            vec![to_diagnostic(fault, &[], &name, &text, &lines)],
        );
    }
    let (trees, faults) = quick::read(&text, limits).unwrap_or_else(|| events::read(&text, limits));
    let documents: Vec<Document> = trees
        .into_iter()
        .map(|tree| Document {
            name: Arc::clone(&name),
            text: Arc::clone(&text),
            lines: lines.clone(),
            tree: Arc::new(tree),
            root: 0,
            meant: Arc::default(),
        })
        .collect();
    let diagnostics = faults
        .into_iter()
        .map(|fault| to_diagnostic(fault, &documents, &name, &text, &lines))
        .collect();
    (documents, diagnostics)
}

/// Texts that are not worth parsing.
fn refuse(text: &str, limits: &Limits) -> Option<Fault> {
    if text.len() > limits.bytes as usize {
        let message = format!(
            "the text has {} bytes, more than the {} allowed",
            text.len(),
            limits.bytes
        );
        return Some(Fault::error("too-large", 0, 0, message));
    }
    let control = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31 | 127);
    let at = text.as_bytes().iter().position(control)?;
    let message = format!(
        "the control character U+{:04X} can't stand in YAML",
        text.as_bytes()[at]
    );
    Some(Fault::error("yaml-syntax", at, at + 1, message))
}

fn to_diagnostic(
    fault: Fault,
    documents: &[Document],
    name: &Arc<str>,
    text: &str,
    lines: &Lines,
) -> Diagnostic {
    let (start, end) = (fault.start as u32, fault.end as u32);
    let path = documents
        .iter()
        .find_map(|document| document.path_at(start, end))
        .unwrap_or_default();
    let mut diagnostic = Diagnostic::error(fault.code, path, fault.message);
    diagnostic.help = fault.help;
    diagnostic.with_span(Arc::clone(name), lines.span(text, start, end))
}

impl Document {
    /// Name of the source.
    pub fn source_name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text of the source, of which this document is a part.
    pub fn source_text(&self) -> &Arc<str> {
        &self.text
    }

    /// The place of the value at a path, or of its nearest ancestor that exists.
    pub fn locate(&self, path: &FieldPath) -> Span {
        let (_, node) = self.find(path);
        self.span_of(node)
    }

    /// The place of the key that the value at a path stands under; for elements of a list, and for
    /// values that don't exist, as [`Document::locate`].
    pub fn locate_key(&self, path: &FieldPath) -> Span {
        let (key, node) = self.find(path);
        self.span_of(key.unwrap_or(node))
    }

    /// Adds the place to a diagnostic that knows its path only.
    #[must_use]
    pub fn place(&self, diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.span.is_some() {
            return diagnostic;
        }
        let mut span = self.locate(&diagnostic.path);
        if let Some(part) = &diagnostic.part {
            span = self.narrowed(span, part).unwrap_or(span);
        }
        diagnostic.with_span(Arc::clone(&self.name), span)
    }

    /// The first place of a text within a span; `None` where it is written with escapes.
    fn narrowed(&self, span: Span, part: &Part) -> Option<Span> {
        let text = self.text.get(span.start as usize..span.end as usize)?;
        let found = span.start as usize + text.find(&part.text)?;
        let (start, end) = (found + part.spot.start, found + part.spot.end);
        self.text.get(start..end)?;
        Some(self.lines.span(&self.text, start as u32, end as u32))
    }

    /// The node at a path, or its nearest ancestor that exists, with the key it stands under.
    fn find(&self, path: &FieldPath) -> (Option<u32>, u32) {
        self.tree.find(&self.text, self.root, path, &self.meant)
    }

    /// The document in which the values under misspelt keys are found as what they are taken for.
    pub(crate) fn taken_for(&self, meant: Vec<Meant>) -> Self {
        Self {
            meant: meant.into(),
            ..self.clone()
        }
    }

    /// The value as JSON, aliases written out.
    pub fn to_json(&self) -> serde_json::Value {
        self.json(self.root)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn root(&self) -> u32 {
        self.root
    }

    /// A part of the document as a document of its own.
    pub(crate) fn part(&self, root: u32) -> Self {
        Self {
            root,
            ..self.clone()
        }
    }

    pub(crate) fn span_of(&self, node: u32) -> Span {
        let node = self.tree.nodes[node as usize];
        self.lines.span(&self.text, node.start, node.end)
    }

    pub(crate) fn path_of(&self, node: u32) -> FieldPath {
        self.tree.path(&self.text, self.root, node)
    }

    fn path_at(&self, start: u32, end: u32) -> Option<FieldPath> {
        let root = self.tree.nodes.first()?;
        if start < root.start || start > root.end {
            return None;
        }
        let mut nodes = self.tree.nodes.iter();
        let found = nodes.position(|node| node.start == start && node.end == end)?;
        Some(self.path_of(found as u32))
    }

    pub(crate) fn json(&self, node: u32) -> serde_json::Value {
        use serde_json::Value as Json;
        match self.tree.value(node) {
            Value::Null | Value::Hidden | Value::Alias(_) => Json::Null,
            Value::Bool(value) => value.into(),
            Value::Int(value) => value.into(),
            Value::UInt(value) => value.into(),
            Value::Float(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
            Value::Text(text) => self.tree.text(&self.text, text).into(),
            Value::List { .. } => self.tree.items(node).map(|item| self.json(item)).collect(),
            Value::Map { .. } => {
                let pair = |(key, value)| {
                    let name = self
                        .tree
                        .as_str(&self.text, key)
                        .unwrap_or_default()
                        .to_owned();
                    (name, self.json(value))
                };
                Json::Object(self.tree.pairs(node).map(pair).collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests;
