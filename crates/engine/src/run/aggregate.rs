//! What a loop puts out as a whole. Argo: `processAggregateNodeOutputs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::NodePhase;
use serde_json::Value;

use super::Run;
use super::body::{Body, LoopState, StepState};
use super::node::NodeOutputs;
use crate::go_json;
use crate::ids::NodeIndex;

/// The largest text that an aggregate may become; beyond it, artifacts are the way.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// Aggregates that have been asked for, by loop and field. Built once; a loop that has settled
/// changes no more.
pub(super) type Cache = BTreeMap<(NodeIndex, u32, String), Aggregate>;

/// One field of a loop's aggregate.
#[derive(Clone, Debug)]
pub(super) enum Aggregate {
    /// A JSON list.
    Text(Arc<str>),
    /// No item has such an output.
    None,
}

impl Run {
    /// A field that only a loop as a whole has: `outputs.result`, `outputs.parameters`,
    /// `outputs.parameters.NAME`. `None` for any other field.
    pub(super) fn aggregate(&self, owner: NodeIndex, slot: u32, field: &str) -> Option<Aggregate> {
        if field != "outputs.result"
            && field != "outputs.parameters"
            && !field.starts_with("outputs.parameters.")
        {
            return None;
        }
        let state = self.loop_state(owner, slot)?;
        let key = (owner, slot, field.to_owned());
        if let Some(known) = self.aggregates.borrow().get(&key) {
            return Some(known.clone());
        }
        let built = match self.build_aggregate(state, field) {
            // As if it were not there: who refers to it is an error, and artifacts are the way.
            Aggregate::Text(text) if text.len() > MAX_BYTES => Aggregate::None,
            built => built,
        };
        if state.unsettled == 0 {
            self.aggregates.borrow_mut().insert(key, built.clone());
        }
        Some(built)
    }

    /// Whether the results of a loop's items are all JSON; else the fault, as Argo words it.
    pub(super) fn check_results(&self, owner: NodeIndex, slot: u32) -> Result<(), String> {
        let Some(state) = self.loop_state(owner, slot) else {
            return Ok(());
        };
        for outputs in self.succeeded(state) {
            if let Some(result) = &outputs.result {
                serde_json::from_str::<serde::de::IgnoredAny>(result)
                    .map_err(|error| go_json::fault(result).unwrap_or_else(|| error.to_string()))?;
            }
        }
        Ok(())
    }

    pub(super) fn loop_state(&self, owner: NodeIndex, slot: u32) -> Option<&LoopState> {
        match &self.node(owner).body {
            Body::Loop(state) => Some(state),
            Body::Group(group) => match group.steps.get(slot as usize)? {
                StepState::Loop(state) => Some(state),
                StepState::Unmade | StepState::Single(_) => None,
            },
            Body::None | Body::Steps(_) | Body::Dag(_) | Body::Retry(_) | Body::Gate(_) => None,
        }
    }

    /// The outputs of the items that succeeded, by index.
    fn succeeded<'a>(&'a self, state: &'a LoopState) -> impl Iterator<Item = &'a NodeOutputs> {
        state
            .nodes
            .iter()
            .filter_map(|node| node.some())
            .map(|node| self.node(node))
            .filter(|node| node.phase == NodePhase::Succeeded)
            .filter_map(|node| node.outputs.as_deref())
    }

    fn build_aggregate(&self, state: &LoopState, field: &str) -> Aggregate {
        let text = match field {
            "outputs.result" => {
                let results: Vec<Value> = self
                    .succeeded(state)
                    .filter_map(|outputs| outputs.result.as_deref())
                    .filter_map(|result| serde_json::from_str(result).ok())
                    .collect();
                go_json::text(&results)
            }
            "outputs.parameters" => {
                let maps: Vec<BTreeMap<&str, &str>> = self
                    .succeeded(state)
                    .filter(|outputs| !outputs.parameters.is_empty())
                    .map(|outputs| {
                        outputs
                            .parameters
                            .iter()
                            .map(|output| (&*output.name, output.value.as_deref().unwrap_or("")))
                            .collect()
                    })
                    .collect();
                go_json::text(&maps)
            }
            _ => {
                let name = field.trim_start_matches("outputs.parameters.");
                let values: Vec<&str> = self
                    .succeeded(state)
                    .filter_map(|outputs| {
                        outputs
                            .parameters
                            .iter()
                            .find(|output| *output.name == *name)
                    })
                    .map(|output| output.value.as_deref().unwrap_or(""))
                    .collect();
                if values.is_empty() {
                    return Aggregate::None;
                }
                list_of(&values)
            }
        };
        Aggregate::Text(Arc::from(text))
    }
}

/// A JSON list of the values: of JSON values if every one is a map or a list, else of strings.
/// Argo: `aggregatedJSONValueList`.
fn list_of(values: &[&str]) -> String {
    let parsed: Option<Vec<Value>> = values
        .iter()
        .map(|value| {
            serde_json::from_str::<Value>(value)
                .ok()
                .filter(|value| value.is_object() || value.is_array())
        })
        .collect();
    match parsed {
        Some(parsed) => go_json::text(&parsed),
        None => go_json::text(values),
    }
}
