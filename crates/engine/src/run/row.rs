//! Nodes as they are stored. A row holds what can't be told from other rows.

mod decode;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::body::{Body, Gate, Items, RetryBody, StepState, WaitsForLocks};
use super::node::{Flags, Node, Role};
use crate::commit::ValueHash;
use crate::item::Item;
use crate::locks::LockName;

pub(super) use decode::{decode, stored_group};

/// The first byte of every row.
const VERSION: u8 = 5;

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
    waits: Option<RowWaits>,
}

/// Locks, and the one that is known to be waited for.
#[derive(Serialize, Deserialize)]
struct RowWaits {
    locks: Arc<[LockName]>,
    at: Option<u32>,
}

#[derive(Serialize, Deserialize)]
enum RowGate {
    Locks(RowWaits),
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
            waits: details.waits.as_deref().map(row_waits),
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
            Gate::Locks(waits) => RowGate::Locks(row_waits(waits)),
            Gate::Place => RowGate::Place,
            Gate::Cache => RowGate::Cache,
        }),
    }
}

fn row_waits(waits: &WaitsForLocks) -> RowWaits {
    RowWaits {
        locks: waits.locks.clone(),
        at: waits.at,
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
