//! Nodes as they are stored. A row holds what can't be told from other rows.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};
use serde::{Deserialize, Serialize};

use super::body::{Body, Gate, GroupBody, Items, RetryBody, StepState, WaitsForLocks};
use super::node::{Flags, Memo, Node, NodeInputs, NodeOutputs, OutputParameter, PodDetails, Role};
use crate::commit::ValueHash;
use crate::ids::{NodeIndex, Seconds};
use crate::item::Item;
use crate::locks::LockName;
use crate::plan::TemplateIndex;

/// The first byte of every row.
const VERSION: u8 = 4;

/// Values longer than this are stored once, by hash.
const LARGE: usize = 1024;

/// Large values that rows refer to, to be stored beside them.
pub(super) type NewValues = Vec<(ValueHash, Arc<str>)>;

#[derive(Serialize, Deserialize)]
struct Row {
    parent: u32,
    boundary: u32,
    owner: u32,
    slot: u32,
    item: u32,
    template: u32,
    incarnation: u32,
    started_at: i64,
    finished_at: i64,
    depth: u16,
    flags: u32,
    role: u8,
    kind: u8,
    phase: u8,
    inputs: Option<RowInputs>,
    outputs: Option<RowOutputs>,
    message: Option<Text>,
    details: Option<RowDetails>,
    body: RowBody,
}

#[derive(Serialize, Deserialize)]
enum Text {
    Here(Arc<str>),
    Hash([u8; 16]),
}

#[derive(Serialize, Deserialize)]
struct RowInputs {
    parameters: Vec<Option<Text>>,
    /// JSON.
    artifacts: Option<Text>,
}

#[derive(Serialize, Deserialize)]
struct RowOutputs {
    parameters: Vec<(Arc<str>, Option<Text>)>,
    artifacts: Option<Text>,
    result: Option<Text>,
    exit_code: Option<i32>,
}

#[derive(Serialize, Deserialize)]
struct RowDetails {
    ip: Option<Box<str>>,
    host: Option<Arc<str>>,
    progress: Option<(u64, u64)>,
    display_name: Option<Box<str>>,
    salt: u8,
    used: Option<Vec<(Arc<str>, i64)>>,
    restarts: u16,
    asked_as: Option<u32>,
    /// Hit, cache, key.
    memo: Option<(bool, Arc<str>, Arc<str>)>,
    locks: Option<Arc<[LockName]>>,
}

#[derive(Serialize, Deserialize)]
enum RowGate {
    Locks {
        locks: Arc<[LockName]>,
        at: Option<u32>,
    },
    Place,
    Cache,
}

#[derive(Serialize, Deserialize)]
enum RowBody {
    None,
    Steps,
    Group {
        loops: Vec<(u32, RowItems)>,
        doomed: Option<Arc<str>>,
    },
    Dag,
    Loop(RowItems),
    Retry {
        wait_until: Option<i64>,
        deadline: Option<i64>,
    },
    Gate(RowGate),
}

#[derive(Serialize, Deserialize)]
enum RowItems {
    /// JSON.
    Values(Text),
    Sequence {
        start: i64,
        step: i64,
        count: u32,
        format: Arc<str>,
    },
}

/// What a row says of a composite's own state, before its children are known.
#[derive(Debug)]
pub(super) enum StoredBody {
    None,
    Steps,
    Group {
        loops: Vec<(u32, Items)>,
        doomed: Option<Arc<str>>,
    },
    Dag,
    Loop(Items),
    Retry(RetryBody),
    Gate(Gate),
}

/// Why a row can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It was written by another version of the program.
    #[error("a node's row has version {0}; this program reads version {VERSION}")]
    Version(u8),
    /// It is not whole.
    #[error("a node's row is damaged: {0}")]
    Damaged(String),
    /// It refers to a value that is not there.
    #[error("a node's row refers to a large value that is not stored")]
    NoValue,
}

/// The hash by which a large value is stored.
pub fn value_hash(text: &str) -> ValueHash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    ValueHash(hash)
}

fn text(value: &Arc<str>, values: &mut NewValues) -> Text {
    if value.len() <= LARGE {
        return Text::Here(value.clone());
    }
    let hash = value_hash(value);
    values.push((hash, value.clone()));
    Text::Hash(hash.0)
}

fn json<T: Serialize + ?Sized>(value: &T, values: &mut NewValues) -> Text {
    let json = serde_json::to_string(value).unwrap_or_default();
    text(&Arc::from(json), values)
}

/// The most frequent indices are small or none; shifted by one, both take one byte.
fn shifted(index: u32) -> u32 {
    index.wrapping_add(1)
}

fn unshifted(index: u32) -> u32 {
    index.wrapping_sub(1)
}

/// Encodes a node. The inputs of an attempt are those of its retried node, and are stored there.
pub(super) fn encode(node: &Node, values: &mut NewValues) -> Vec<u8> {
    let row = Row {
        parent: shifted(node.parent.0),
        boundary: shifted(node.boundary.0),
        owner: shifted(node.owner.0),
        slot: node.slot,
        item: shifted(node.item),
        template: shifted(node.template.0),
        incarnation: node.incarnation,
        started_at: node.started_at().0,
        finished_at: node.finished_at().map_or(0, |at| at.0),
        depth: node.depth,
        flags: node.flags.0 & Flags::STORED,
        role: node.role as u8,
        kind: node.kind as u8,
        phase: node.phase as u8,
        inputs: match &node.inputs {
            Some(inputs) if node.role != Role::Attempt => Some(RowInputs {
                parameters: inputs
                    .parameters
                    .iter()
                    .map(|value| value.as_ref().map(|value| text(value, values)))
                    .collect(),
                artifacts: (!inputs.artifacts.is_empty()).then(|| json(&inputs.artifacts, values)),
            }),
            _ => None,
        },
        outputs: node.outputs.as_ref().map(|outputs| RowOutputs {
            parameters: outputs
                .parameters
                .iter()
                .map(|output| {
                    let value = output.value.as_ref().map(|value| text(value, values));
                    (output.name.clone(), value)
                })
                .collect(),
            artifacts: (!outputs.artifacts.is_empty()).then(|| json(&outputs.artifacts, values)),
            result: outputs.result.as_ref().map(|result| text(result, values)),
            exit_code: outputs.exit_code,
        }),
        message: node.message.as_ref().map(|message| text(message, values)),
        details: node.details.as_ref().map(|details| RowDetails {
            ip: details.ip.clone(),
            host: details.host.clone(),
            progress: details.progress,
            display_name: details.display_name.clone(),
            salt: details.salt,
            used: details.used.as_deref().map(<[_]>::to_vec),
            restarts: details.restarts,
            asked_as: details.asked_as.map(|index| index.0),
            memo: details
                .memo
                .as_ref()
                .map(|memo| (memo.hit, memo.cache.clone(), memo.key.clone())),
            locks: details.locks.clone(),
        }),
        body: encode_body(&node.body, values),
    };
    // Encoding into a vector can only fail for types that can't be encoded at all.
    postcard::to_extend(&row, vec![VERSION]).unwrap_or_default()
}

fn encode_body(body: &Body, values: &mut NewValues) -> RowBody {
    match body {
        Body::None => RowBody::None,
        Body::Steps(_) => RowBody::Steps,
        Body::Group(group) => RowBody::Group {
            loops: (0u32..)
                .zip(&group.steps)
                .filter_map(|(slot, step)| match step {
                    StepState::Loop(state) => Some((slot, encode_items(&state.items, values))),
                    StepState::Unmade | StepState::Single(_) => None,
                })
                .collect(),
            doomed: group.doomed.clone(),
        },
        Body::Dag(_) => RowBody::Dag,
        Body::Loop(state) => RowBody::Loop(encode_items(&state.items, values)),
        Body::Retry(retry) => RowBody::Retry {
            wait_until: retry.wait_until,
            deadline: retry.deadline,
        },
        Body::Gate(gate) => RowBody::Gate(match gate {
            Gate::Locks(waits) => RowGate::Locks {
                locks: waits.locks.clone(),
                at: waits.at,
            },
            Gate::Place => RowGate::Place,
            Gate::Cache => RowGate::Cache,
        }),
    }
}

fn encode_items(items: &Items, values: &mut NewValues) -> RowItems {
    match items {
        Items::Values(list) => RowItems::Values(text(&Arc::from(Item::write(list)), values)),
        Items::Sequence {
            start,
            step,
            count,
            format,
        } => RowItems::Sequence {
            start: *start,
            step: *step,
            count: *count,
            format: format.clone(),
        },
    }
}

/// Finds large values by hash.
pub(super) type FindValue<'a> = dyn Fn(ValueHash) -> Option<Arc<str>> + 'a;

/// Decodes a node. Its body is left empty; what the row says of it comes beside.
pub(super) fn decode(bytes: &[u8], find: &FindValue<'_>) -> Result<(Node, StoredBody), RowError> {
    let (&version, rest) = bytes
        .split_first()
        .ok_or_else(|| RowError::Damaged("it is empty".to_owned()))?;
    if version != VERSION {
        return Err(RowError::Version(version));
    }
    let row: Row =
        postcard::from_bytes(rest).map_err(|error| RowError::Damaged(error.to_string()))?;
    let read = |text: Text| match text {
        Text::Here(text) => Ok(text),
        Text::Hash(hash) => find(ValueHash(hash)).ok_or(RowError::NoValue),
    };
    let damaged = |what: &str| RowError::Damaged(format!("unknown {what}"));
    let role = role(row.role).ok_or_else(|| damaged("role"))?;
    let kind = kind(row.kind).ok_or_else(|| damaged("type"))?;
    let phase = phase(row.phase).ok_or_else(|| damaged("phase"))?;
    let mut node = Node::new(role, kind, phase, Seconds(row.started_at));
    node.set_finished_at((row.finished_at != 0).then_some(Seconds(row.finished_at)));
    node.parent = NodeIndex(unshifted(row.parent));
    node.boundary = NodeIndex(unshifted(row.boundary));
    node.owner = NodeIndex(unshifted(row.owner));
    node.slot = row.slot;
    node.item = unshifted(row.item);
    node.template = TemplateIndex(unshifted(row.template));
    node.incarnation = row.incarnation;
    node.depth = row.depth;
    node.flags = Flags(row.flags);
    if let Some(inputs) = row.inputs {
        let parameters: Vec<Option<Arc<str>>> = inputs
            .parameters
            .into_iter()
            .map(|value| value.map(read).transpose())
            .collect::<Result<_, _>>()?;
        node.inputs = Some(Arc::new(NodeInputs {
            parameters: parameters.into(),
            artifacts: from_json(inputs.artifacts.map(read).transpose()?)?,
        }));
    }
    if let Some(outputs) = row.outputs {
        let mut parameters = Vec::with_capacity(outputs.parameters.len());
        for (name, value) in outputs.parameters {
            parameters.push(OutputParameter {
                name,
                value: value.map(read).transpose()?,
            });
        }
        node.outputs = Some(Arc::new(NodeOutputs {
            parameters: parameters.into(),
            artifacts: from_json(outputs.artifacts.map(read).transpose()?)?,
            result: outputs.result.map(read).transpose()?,
            exit_code: outputs.exit_code,
        }));
    }
    node.message = row.message.map(read).transpose()?;
    node.details = row.details.map(|details| {
        Box::new(PodDetails {
            ip: details.ip,
            host: details.host,
            progress: details.progress,
            display_name: details.display_name,
            salt: details.salt,
            used: details.used.map(Into::into),
            restarts: details.restarts,
            asked_as: details.asked_as.map(NodeIndex),
            memo: details
                .memo
                .map(|(hit, cache, key)| Arc::new(Memo { hit, cache, key })),
            locks: details.locks,
        })
    });
    let items = |items: RowItems| -> Result<Items, RowError> {
        Ok(match items {
            RowItems::Values(list) => {
                let list = read(list)?;
                let _: Vec<serde::de::IgnoredAny> = from_json(Some(list.clone()))?;
                Items::Values(Item::list(&list).into())
            }
            RowItems::Sequence {
                start,
                step,
                count,
                format,
            } => Items::Sequence {
                start,
                step,
                count,
                format,
            },
        })
    };
    let body = match row.body {
        RowBody::None => StoredBody::None,
        RowBody::Steps => StoredBody::Steps,
        RowBody::Group { loops, doomed } => StoredBody::Group {
            loops: loops
                .into_iter()
                .map(|(slot, list)| Ok((slot, items(list)?)))
                .collect::<Result<_, RowError>>()?,
            doomed,
        },
        RowBody::Dag => StoredBody::Dag,
        RowBody::Loop(list) => StoredBody::Loop(items(list)?),
        RowBody::Retry {
            wait_until,
            deadline,
        } => StoredBody::Retry(RetryBody {
            attempts: Vec::new(),
            wait_until,
            deadline,
        }),
        RowBody::Gate(gate) => StoredBody::Gate(match gate {
            RowGate::Locks { locks, at } => Gate::Locks(Arc::new(WaitsForLocks { locks, at })),
            RowGate::Place => Gate::Place,
            RowGate::Cache => Gate::Cache,
        }),
    };
    Ok((node, body))
}

fn from_json<T: serde::de::DeserializeOwned + Default>(
    text: Option<Arc<str>>,
) -> Result<T, RowError> {
    match text {
        None => Ok(T::default()),
        Some(text) => {
            serde_json::from_str(&text).map_err(|error| RowError::Damaged(error.to_string()))
        }
    }
}

fn role(code: u8) -> Option<Role> {
    [
        Role::Root,
        Role::StepGroup,
        Role::Step,
        Role::Task,
        Role::Attempt,
        Role::OnExit,
        Role::Hook,
        Role::Container,
    ]
    .into_iter()
    .find(|role| *role as u8 == code)
}

fn kind(code: u8) -> Option<NodeType> {
    NodeType::WORDS
        .iter()
        .filter_map(|word| NodeType::parse(word))
        .find(|kind| *kind as u8 == code)
}

fn phase(code: u8) -> Option<NodePhase> {
    NodePhase::WORDS
        .iter()
        .filter_map(|word| NodePhase::parse(word))
        .find(|phase| *phase as u8 == code)
}

/// An empty group of this many steps, as its row tells.
pub(super) fn stored_group(
    steps: usize,
    loops: Vec<(u32, Items)>,
    doomed: Option<Arc<str>>,
) -> GroupBody {
    let mut body = GroupBody {
        steps: vec![StepState::Unmade; steps],
        doomed,
        ..GroupBody::default()
    };
    for (slot, items) in loops {
        if let Some(step) = body.steps.get_mut(slot as usize) {
            *step = StepState::Loop(Box::new(super::body::LoopState::new(items)));
        }
    }
    body
}
