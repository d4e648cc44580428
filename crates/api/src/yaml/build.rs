//! Puts a document's tree together, event by event, and keeps it within bounds.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;

use super::Limits;
use super::faults::Faults;
use super::scalar::{Scalar, resolve_plain, shorten};
use super::tree::{Node, Text, Tree, Value};

/// A fault of a document, at a stretch of its bytes.
#[derive(Debug)]
pub(crate) struct Fault {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    pub start: usize,
    pub end: usize,
}

impl Fault {
    pub fn error(code: &'static str, start: usize, end: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            help: None,
            start,
            end,
        }
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// How a scalar was written.
pub(crate) enum Style<'a> {
    Plain,
    Quoted,
    /// With a tag: its full name, or `None` for one that isn't YAML's own.
    Tagged {
        tag: Option<&'a str>,
        quoted: bool,
    },
}

struct Frame {
    node: u32,
    anchor: usize,
    count: u32,
    /// Nodes in here once aliases are written out.
    expanded: u64,
    /// Bytes of text in here once aliases are written out.
    text: u64,
    /// Containers below, once aliases are written out.
    height: u32,
    is_map: bool,
    is_flow: bool,
    has_merge: bool,
    last_end: u32,
}

#[derive(Clone, Copy)]
struct Anchor {
    node: u32,
    expanded: u64,
    text: u64,
    height: u32,
    is_closed: bool,
}

pub(crate) struct Builder<'a> {
    pub(super) source: &'a str,
    limits: &'a Limits,
    pub(super) tree: Tree,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchor>,
    pub faults: Faults,
}

impl<'a> Builder<'a> {
    pub fn new(source: &'a str, limits: &'a Limits) -> Self {
        Self {
            source,
            limits,
            tree: Tree::default(),
            frames: Vec::new(),
            anchors: HashMap::new(),
            faults: Faults::default(),
        }
    }

    /// Ends a document: its tree, ready for the next one.
    pub fn take(&mut self) -> Tree {
        self.frames.clear();
        self.anchors.clear();
        std::mem::take(&mut self.tree)
    }

    pub fn open(
        &mut self,
        is_map: bool,
        is_flow: bool,
        anchor: usize,
        start: usize,
    ) -> Result<(), Fault> {
        let value = if is_map {
            Value::Map { count: 0, size: 1 }
        } else {
            Value::List { count: 0, size: 1 }
        };
        if self.expects_key() {
            let what = if is_map { "a map" } else { "a list" };
            let text = format!("{what} can't be the key of a map");
            let fault = Fault::error("yaml-syntax", start, start + 1, text);
            return Err(fault.with_help("put a text that begins with '{' or '[' in quotes"));
        }
        let node = self.push(start, start, value)?;
        if self.frames.len() >= self.limits.depth as usize {
            return Err(self.too_deep(start));
        }
        if anchor != 0 {
            self.anchors.insert(
                anchor,
                Anchor {
                    node,
                    expanded: 0,
                    text: 0,
                    height: 0,
                    is_closed: false,
                },
            );
        }
        self.frames.push(Frame {
            node,
            anchor,
            count: 0,
            expanded: 1,
            text: 0,
            height: 1,
            is_map,
            is_flow,
            has_merge: false,
            last_end: 0,
        });
        Ok(())
    }

    pub fn close(&mut self, end: usize) -> Result<(), Fault> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        let (is_map, is_flow, node) = (frame.is_map, frame.is_flow, frame.node);
        if is_map {
            if frame.has_merge {
                self.merge(node)?;
            }
            self.hide_duplicates(node);
        }
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        let count = if is_map { frame.count / 2 } else { frame.count };
        let size = self.tree.nodes.len() as u32 - node;
        let open = &mut self.tree.nodes[node as usize];
        // A block ends with its last value; a flow collection with its bracket.
        open.end = if is_flow {
            end as u32
        } else {
            frame.last_end.max(open.start)
        };
        open.value = if is_map {
            Value::Map { count, size }
        } else {
            Value::List { count, size }
        };
        let end = open.end;
        if frame.anchor != 0 {
            let anchor = Anchor {
                node,
                expanded: frame.expanded,
                text: frame.text,
                height: frame.height,
                is_closed: true,
            };
            self.anchors.insert(frame.anchor, anchor);
        }
        if let Some(parent) = self.frames.last_mut() {
            parent.expanded += frame.expanded - 1;
            parent.text += frame.text;
            parent.height = parent.height.max(frame.height + 1);
            parent.last_end = end;
        }
        Ok(())
    }

    pub fn alias(&mut self, target: usize, start: usize, end: usize) -> Result<(), Fault> {
        let Some(anchor) = self.anchors.get(&target).copied() else {
            return Err(Fault::error(
                "unknown-alias",
                start,
                end,
                "no anchor of this name stands before this alias",
            ));
        };
        if !anchor.is_closed {
            return Err(Fault::error(
                "alias-cycle",
                start,
                end,
                "this alias stands inside the value that it stands for",
            ));
        }
        if self.expects_key() {
            // Its own copy, since a key must be a text.
            let node = self.tree.nodes[anchor.node as usize];
            return match self.key_value(node.value) {
                Some(value) => self.push(start, end, value).map(|_| ()),
                None => Err(Fault::error(
                    "yaml-syntax",
                    start,
                    end,
                    "this alias can't be the key of a map",
                )),
            };
        }
        if self.frames.len() + anchor.height as usize > self.limits.depth as usize {
            return Err(self.too_deep(start));
        }
        self.push(start, end, Value::Alias(anchor.node))?;
        if let Some(parent) = self.frames.last_mut() {
            parent.expanded += anchor.expanded;
            parent.text += anchor.text;
            parent.height = parent.height.max(anchor.height + 1);
            parent.last_end = end as u32;
        }
        self.check_expanded(start, end)
    }

    /// That a document stays small with its aliases written out.
    fn check_expanded(&self, start: usize, end: usize) -> Result<(), Fault> {
        let nodes: u64 = self.frames.iter().map(|frame| frame.expanded).sum();
        let bytes: u64 = self.frames.iter().map(|frame| frame.text).sum();
        for (what, expanded, most) in [
            ("values", nodes, self.limits.nodes),
            ("bytes", bytes, self.limits.bytes),
        ] {
            if expanded > u64::from(most) {
                let text = format!(
                    "with its aliases written out, this document has more than {most} {what}"
                );
                return Err(Fault::error("too-large", start, end, text));
            }
        }
        Ok(())
    }

    pub fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: Style<'_>,
        anchor: usize,
        start: usize,
        end: usize,
    ) -> Result<(), Fault> {
        let (text, scalar) = match style {
            Style::Plain => {
                let scalar = resolve_plain(&text);
                (text, scalar)
            }
            Style::Quoted => (text, Scalar::Text),
            Style::Tagged { tag, quoted } => tagged(text, tag, quoted, start, end)?,
        };
        let mut value = self.value_of(scalar, &text, start, end);
        if self.expects_key() && value != Value::Hidden {
            value = self.key_value(value).ok_or_else(|| {
                Fault::error("yaml-syntax", start, end, "null can't be the key of a map")
                    .with_help("put the key in quotes")
            })?;
        }
        let node = self.push(start, end, value)?;
        let bytes = end.saturating_sub(start) as u64;
        if let Some(parent) = self.frames.last_mut() {
            parent.last_end = end as u32;
            parent.text += bytes;
        }
        if anchor != 0 {
            self.anchors.insert(
                anchor,
                Anchor {
                    node,
                    expanded: 0,
                    text: bytes,
                    height: 0,
                    is_closed: true,
                },
            );
        }
        Ok(())
    }

    /// The value of a scalar; what has no place in JSON is a fault, and `null`.
    fn value_of(&mut self, scalar: Scalar, text: &str, start: usize, end: usize) -> Value {
        match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => Value::Int(value),
            Scalar::UInt(value) => Value::UInt(value),
            Scalar::Float(value) if value.is_finite() || self.expects_key() => Value::Float(value),
            Scalar::Float(_) => {
                let fault = Fault::error(
                    "invalid-number",
                    start,
                    end,
                    format!("{text} has no place in JSON"),
                );
                self.faults
                    .push(fault.with_help("put it in quotes if the text is meant"));
                Value::Null
            }
            Scalar::Merge if self.expects_key() => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.has_merge = true;
                }
                Value::Hidden
            }
            Scalar::Text | Scalar::Merge => Value::Text(self.keep(text, start, end)),
        }
    }

    /// Where a scalar's text is to be found later: in the source if it stands there as it is.
    fn keep(&mut self, text: &str, start: usize, end: usize) -> Text {
        let len = text.len() as u32;
        for at in [start, start + 1] {
            if at + text.len() <= end
                && self.source.as_bytes().get(at..at + text.len()) == Some(text.as_bytes())
            {
                return Text {
                    start: at as u32,
                    len,
                    owned: false,
                };
            }
        }
        self.own(text)
    }

    fn own(&mut self, text: &str) -> Text {
        let start = self.tree.strings.len() as u32;
        self.tree.strings.push_str(text);
        Text {
            start,
            len: text.len() as u32,
            owned: true,
        }
    }

    /// Keys are texts in JSON: `1: x` has the key "1", `on: x` the key "true".
    fn key_value(&mut self, value: Value) -> Option<Value> {
        let text = match value {
            Value::Text(_) => return Some(value),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::UInt(value) => value.to_string(),
            Value::Float(value) if value.is_nan() => ".nan".to_owned(),
            Value::Float(value) if value.is_infinite() => {
                if value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
            }
            Value::Float(value) => value.to_string(),
            _ => return None,
        };
        Some(Value::Text(self.own(&text)))
    }

    /// Whether the next value belongs to a map.
    pub fn is_in_map(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_map)
    }

    fn expects_key(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| frame.is_map && frame.count.is_multiple_of(2))
    }

    pub(super) fn push(&mut self, start: usize, end: usize, value: Value) -> Result<u32, Fault> {
        let id = self.tree.nodes.len();
        if id >= self.limits.nodes as usize {
            let text = format!("the document has more than {} values", self.limits.nodes);
            return Err(Fault::error("too-large", start, end, text));
        }
        self.tree.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            value,
        });
        if let Some(frame) = self.frames.last_mut() {
            frame.count += 1;
            frame.expanded += 1;
        }
        Ok(id as u32)
    }

    fn too_deep(&self, start: usize) -> Fault {
        let text = format!(
            "values are nested more than {} deep here",
            self.limits.depth
        );
        Fault::error("too-deep", start, start + 1, text)
    }
}

/// A scalar whose tag says what it is.
fn tagged<'t>(
    text: Cow<'t, str>,
    tag: Option<&str>,
    quoted: bool,
    start: usize,
    end: usize,
) -> Result<(Cow<'t, str>, Scalar), Fault> {
    let found = if quoted {
        Scalar::Text
    } else {
        resolve_plain(&text)
    };
    let scalar = match tag {
        Some("binary") => {
            let packed: String = text.split_ascii_whitespace().collect();
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(packed)
                .map_err(|_| {
                    Fault::error(
                        "invalid-value",
                        start,
                        end,
                        "this is tagged !!binary but isn't base64",
                    )
                })?;
            return Ok((
                Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
                Scalar::Text,
            ));
        }
        Some("null") => match resolve_plain(&text) {
            Scalar::Null => Some(Scalar::Null),
            _ => None,
        },
        Some("bool") => match resolve_plain(&text) {
            value @ Scalar::Bool(_) => Some(value),
            _ => None,
        },
        Some("int") => match resolve_plain(&text) {
            value @ (Scalar::Int(_) | Scalar::UInt(_)) if !text.contains('.') => Some(value),
            _ => None,
        },
        Some("float") => match resolve_plain(&text) {
            value @ (Scalar::Int(_) | Scalar::Float(_)) => Some(value),
            Scalar::UInt(value) => Some(shorten(value as f64)),
            _ => None,
        },
        Some("merge") => Some(found),
        _ => Some(Scalar::Text),
    };
    match (scalar, tag) {
        (Some(scalar), _) => Ok((text, scalar)),
        (None, tag) => {
            let text = format!(
                "this is tagged !!{} but reads otherwise",
                tag.unwrap_or_default()
            );
            Err(Fault::error("invalid-value", start, end, text))
        }
    }
}
