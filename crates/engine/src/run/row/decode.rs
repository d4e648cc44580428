//! Rows that are read: a node, and what its row says of the children that are to come.

use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};

use super::{
    Row, RowBody, RowDetails, RowError, RowGate, RowInputs, RowItems, RowOutputs, RowWaits,
    StoredBody, Text, VERSION, unshifted,
};
use crate::commit::ValueHash;
use crate::ids::{NodeIndex, Seconds};
use crate::item::Item;
use crate::plan::TemplateIndex;
use crate::run::body::{Gate, GroupBody, Items, LoopState, RetryBody, StepState, WaitsForLocks};
use crate::run::node::{
    Flags, Memo, Node, NodeInputs, NodeOutputs, OutputParameter, PodDetails, Role,
};

/// Finds large values by hash.
type FindValue<'a> = dyn Fn(ValueHash) -> Option<Arc<str>> + 'a;

/// Decodes a node. Its body is left empty; what the row says of it comes beside.
pub(in crate::run) fn decode(
    bytes: &[u8],
    find: &FindValue<'_>,
) -> Result<(Node, StoredBody), RowError> {
    let (&version, rest) = bytes
        .split_first()
        .ok_or_else(|| RowError::Damaged("it is empty".to_owned()))?;
    if version != VERSION {
        return Err(RowError::Version(version));
    }
    let row: Row =
        postcard::from_bytes(rest).map_err(|error| RowError::Damaged(error.to_string()))?;
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
    node.inputs = match row.inputs {
        Some(inputs) => Some(Arc::new(decode_inputs(inputs, find)?)),
        None => None,
    };
    node.outputs = match row.outputs {
        Some(outputs) => Some(Arc::new(decode_outputs(outputs, find)?)),
        None => None,
    };
    node.message = row.message.map(|text| read(text, find)).transpose()?;
    node.details = row.details.map(|details| Box::new(decode_details(details)));
    Ok((node, decode_body(row.body, find)?))
}

fn read(text: Text, find: &FindValue<'_>) -> Result<Arc<str>, RowError> {
    match text {
        Text::Here(text) => Ok(text),
        Text::Hash(hash) => find(ValueHash(hash)).ok_or(RowError::NoValue),
    }
}

fn decode_inputs(inputs: RowInputs, find: &FindValue<'_>) -> Result<NodeInputs, RowError> {
    let parameters: Vec<Option<Arc<str>>> = inputs
        .parameters
        .into_iter()
        .map(|value| value.map(|text| read(text, find)).transpose())
        .collect::<Result<_, _>>()?;
    Ok(NodeInputs {
        parameters: parameters.into(),
        artifacts: decode_json(inputs.artifacts, find)?,
    })
}

fn decode_outputs(outputs: RowOutputs, find: &FindValue<'_>) -> Result<NodeOutputs, RowError> {
    let mut parameters = Vec::with_capacity(outputs.parameters.len());
    for (name, value) in outputs.parameters {
        parameters.push(OutputParameter {
            name,
            value: value.map(|text| read(text, find)).transpose()?,
        });
    }
    Ok(NodeOutputs {
        parameters: parameters.into(),
        artifacts: decode_json(outputs.artifacts, find)?,
        result: outputs.result.map(|text| read(text, find)).transpose()?,
        exit_code: outputs.exit_code,
    })
}

fn decode_details(details: RowDetails) -> PodDetails {
    PodDetails {
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
        waits: details.waits.map(decode_waits),
    }
}

fn decode_waits(waits: RowWaits) -> Arc<WaitsForLocks> {
    let RowWaits { locks, at } = waits;
    Arc::new(WaitsForLocks { locks, at })
}

fn decode_body(body: RowBody, find: &FindValue<'_>) -> Result<StoredBody, RowError> {
    Ok(match body {
        RowBody::None => StoredBody::None,
        RowBody::Steps => StoredBody::Steps,
        RowBody::Group { loops, doomed } => StoredBody::Group {
            loops: loops
                .into_iter()
                .map(|(slot, items)| Ok((slot, decode_items(items, find)?)))
                .collect::<Result<_, RowError>>()?,
            doomed,
        },
        RowBody::Dag => StoredBody::Dag,
        RowBody::Loop(items) => StoredBody::Loop(decode_items(items, find)?),
        RowBody::Retry {
            wait_until,
            deadline,
        } => StoredBody::Retry(RetryBody {
            attempts: Vec::new(),
            wait_until,
            deadline,
        }),
        RowBody::Gate(gate) => StoredBody::Gate(match gate {
            RowGate::Locks(waits) => Gate::Locks(decode_waits(waits)),
            RowGate::Place => Gate::Place,
            RowGate::Cache => Gate::Cache,
        }),
    })
}

fn decode_items(items: RowItems, find: &FindValue<'_>) -> Result<Items, RowError> {
    Ok(match items {
        RowItems::Values(list) => {
            let list = read(list, find)?;
            let _: Vec<serde::de::IgnoredAny> = from_json(&list)?;
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
}

fn decode_json<T: serde::de::DeserializeOwned + Default>(
    text: Option<Text>,
    find: &FindValue<'_>,
) -> Result<T, RowError> {
    match text {
        Some(text) => from_json(&read(text, find)?),
        None => Ok(T::default()),
    }
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Damaged(error.to_string()))
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
pub(in crate::run) fn stored_group(
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
            *step = StepState::Loop(Box::new(LoopState::new(items)));
        }
    }
    body
}
