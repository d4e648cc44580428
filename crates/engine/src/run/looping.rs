//! Loops: what a step or task goes over, and its items. Argo: `expandStep`, `expandTask`,
//! `expandSequence`, `processItem`.

use std::num::{IntErrorKind, ParseIntError};
use std::sync::Arc;

use argosy_api::{NodePhase, NodeType};
use argosy_expr::{Scope, evaluate_when};
use serde_json::Value;

use super::Run;
use super::body::{Body, Items, LoopState};
use super::filling::fill_json;
use super::limits::FAIL_FAST;
use super::node::{Flags, Node, Role};
use super::passes::fill;
use super::scope::Variables;
use super::start::{Begun, Place};
use crate::go_json;
use crate::ids::NodeIndex;
use crate::item::Item;
use crate::plan::{CallPlan, LoopPlan, Text};

/// The most items that a loop may have.
const MAX_ITEMS: u64 = 16_000_000;

/// What is said of a loop over nothing.
pub(super) const EMPTY: &str = "Skipped, empty params";

/// Whether a call is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// Its `when`, filled in, is false.
    Skip(String),
    /// Its `when` can't be decided before there is an item.
    Later,
}

/// What is said of a node whose `when` did not hold.
pub(super) fn not_held(when: &str) -> String {
    format!("when '{when}' evaluated false")
}

impl Run {
    /// Decides on the `when` of a call.
    pub(super) fn judge(
        &self,
        call: &CallPlan,
        around: NodeIndex,
        items: Option<(&Items, usize)>,
    ) -> Result<Verdict, String> {
        let Some(when) = &call.when else {
            return Ok(Verdict::Go);
        };
        let outer = around.some().and_then(|around| self.template_of(around));
        let variables = self.variables(around, outer.as_deref(), items, &[]);
        let context = self.eval_context(around, 0, &[&call.name, "when"]);
        let text = fill(when, &variables, &context).map_err(|error| error.to_string())?;
        match evaluate_when(&text) {
            Ok(true) => Ok(Verdict::Go),
            Ok(false) => Ok(Verdict::Skip(text.to_string())),
            Err(_) if call.looping.is_some() && items.is_none() => Ok(Verdict::Later),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What a call loops over. When the call is to be skipped as a whole, what can't be read is
    /// taken for empty, as Argo does.
    pub(super) fn expand(
        &self,
        call: &CallPlan,
        looping: &LoopPlan,
        around: NodeIndex,
        verdict: &Verdict,
    ) -> Result<Items, String> {
        let outer = around.some().and_then(|around| self.template_of(around));
        let variables = self.variables(around, outer.as_deref(), None, &[]);
        let expanded = self.expand_with(call, looping, &variables);
        match (expanded, verdict) {
            (Err(_), Verdict::Skip(_)) => Ok(Items::Values(Arc::from([]))),
            (expanded, _) => expanded,
        }
    }

    fn expand_with(
        &self,
        call: &CallPlan,
        looping: &LoopPlan,
        variables: &Variables<'_>,
    ) -> Result<Items, String> {
        let context = self.eval_context(NodeIndex::NONE, 0, &[&call.name, "items"]);
        let fill = |text: &Text| fill(text, variables, &context).map_err(|error| error.to_string());
        match looping {
            LoopPlan::Items(items) => Ok(Items::Values(items.clone())),
            LoopPlan::TaggedItems(items) => {
                let filled: Vec<Item> = items
                    .iter()
                    .map(|item| {
                        fill_json(item, variables, &context, 0).map(|item| Item::from(&item))
                    })
                    .collect::<Result<_, _>>()?;
                Ok(Items::Values(filled.into()))
            }
            LoopPlan::Param(text) => {
                let text = fill(text)?;
                let list = read_list(&text).map_err(|error| {
                    format!(
                        "withParam value could not be parsed as a JSON list: {}: {error}",
                        shortened(text.trim())
                    )
                })?;
                Ok(Items::Values(list.into()))
            }
            LoopPlan::Sequence {
                start,
                end,
                count,
                format,
            } => {
                let number = |text: &Option<Text>| -> Result<Option<i64>, String> {
                    let Some(text) = text else {
                        return Ok(None);
                    };
                    let text = fill(text)?;
                    text.parse()
                        .map(Some)
                        .map_err(|error| not_a_number(&text, &error))
                };
                sequence(number(start)?, number(end)?, number(count)?, fill(format)?)
            }
        }
    }

    /// Tries the texts of a call with the items of its loop before the first of them begins: where one
    /// can't be filled in, none begins. Argo: `processItem`.
    pub(super) fn try_items(
        &self,
        call: &CallPlan,
        around: NodeIndex,
        items: &Items,
        verdict: &Verdict,
    ) -> Result<(), String> {
        if matches!(verdict, Verdict::Skip(_)) {
            return Ok(());
        }
        let arguments = call.parameters.iter();
        let texts = arguments.filter_map(|argument| argument.value.as_ref());
        let tagged = texts
            .chain(&call.when)
            .filter(|text| text.literal().is_none());
        let mut texts: Vec<&Text> = tagged.collect();
        let outer = around.some().and_then(|around| self.template_of(around));
        let context = self.eval_context(NodeIndex::NONE, 0, &[&call.name, "items"]);
        for item in 0..items.len() {
            let variables = self.variables(around, outer.as_deref(), Some((items, item)), &[]);
            for text in &texts {
                let reference = text.pure_reference();
                if !reference.is_some_and(|name| variables.is_absent(name)) {
                    fill(text, &variables, &context).map_err(|error| error.to_string())?;
                }
            }
            // What goes for one item goes for all where no more is asked than the item as a whole.
            texts.retain(|text| looks_into_item(text.source()));
            if texts.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Makes one item's node, or its Skipped one. The state of the loop is the caller's to update.
    pub(super) fn begin_item(
        &mut self,
        call: &Arc<CallPlan>,
        place: Place,
        items: &Items,
        item: usize,
    ) -> Begun {
        let place = Place {
            item: item as u32,
            ..place
        };
        match self.judge(call, place.around, Some((items, item))) {
            Ok(Verdict::Go | Verdict::Later) => {
                self.begin_call(call, place, Some((items, item)), &[])
            }
            Ok(Verdict::Skip(when)) => {
                Begun::Made(self.add_skipped(place, NodePhase::Skipped, &not_held(&when)))
            }
            Err(error) => {
                let node = self.add_skipped(place, NodePhase::Error, &error);
                self.argument_errors.insert(node);
                Begun::Refused(node, Arc::from(error))
            }
        }
    }

    /// A node that never ran: skipped, omitted, or an error before it began.
    pub(super) fn add_skipped(
        &mut self,
        place: Place,
        phase: NodePhase,
        message: &str,
    ) -> NodeIndex {
        let mut node = Node::new(place.role, NodeType::Skipped, phase, self.now);
        node.parent = place.parent;
        node.boundary = place.boundary;
        node.slot = place.slot;
        node.item = place.item;
        node.flags = place.flags;
        node.message = Some(Arc::from(message));
        node.set_finished_at(Some(self.now));
        let index = self.add_node(node);
        self.settle(index);
        index
    }

    /// Makes the items of a task's loop, as far as limits allow.
    pub(super) fn advance_task_group(&mut self, index: NodeIndex) {
        if self.node(index).phase.is_fulfilled() {
            return;
        }
        let Some(call) = self.call_of(index) else {
            return;
        };
        let node = self.node(index);
        if self.fails_fast(node.boundary) {
            self.end_loop_if_over(index);
            return;
        }
        let place = Place {
            role: Role::Task,
            parent: index,
            boundary: node.boundary,
            owner: NodeIndex::NONE,
            slot: node.slot,
            item: 0,
            around: node.boundary,
            flags: inherited(node.flags),
        };
        loop {
            let Body::Loop(state) = &mut self.nodes[index.offset()].body else {
                return;
            };
            let Some(item) = state.next_hole() else {
                break;
            };
            let items = state.items.clone();
            if self.spent >= super::turn::TURN_BUDGET {
                self.dirty.insert(index);
                return;
            }
            match self.begin_item(&call, place, &items, item) {
                Begun::Held(held) => {
                    self.hold_back(index, place.boundary, held);
                    return;
                }
                Begun::Made(node) => self.item_made(index, item, node),
                Begun::Refused(node, error) => {
                    self.item_made(index, item, node);
                    self.wrap_task_error(node, &error);
                }
            }
        }
        self.wake_held_back(place.boundary);
        self.end_loop_if_over(index);
    }

    fn item_made(&mut self, index: NodeIndex, item: usize, node: NodeIndex) {
        if let Body::Loop(state) = &mut self.nodes[index.offset()].body {
            state.made(item, node);
        }
    }

    /// An item of a task's loop is over.
    pub(super) fn item_settled(&mut self, index: NodeIndex, child: NodeIndex) {
        let (item, phase) = (self.node(child).item, self.node(child).phase);
        if let Body::Loop(state) = &mut self.nodes[index.offset()].body {
            state.item_settled(item, phase);
        }
        self.end_loop_if_over(index);
    }

    fn end_loop_if_over(&mut self, index: NodeIndex) {
        let Body::Loop(state) = &self.node(index).body else {
            return;
        };
        if state.unsettled == 0 {
            let phase = state
                .failed
                .map_or(NodePhase::Succeeded, |(_, phase)| phase);
            self.end(index, phase, None);
        } else if state.unsettled == state.unmade && self.fails_fast(self.node(index).boundary) {
            // It makes no more items, and has none that runs.
            self.end(index, NodePhase::Failed, Some(FAIL_FAST));
        }
    }
}

impl LoopState {
    /// Counts an item that is over.
    pub fn item_settled(&mut self, item: u32, phase: NodePhase) {
        self.unsettled -= 1;
        self.item_ended(item, phase);
    }

    /// Notes the last item that ended badly.
    pub fn item_ended(&mut self, item: u32, phase: NodePhase) {
        if phase.is_failed_or_error() && self.failed.is_none_or(|(last, _)| item > last) {
            self.failed = Some((item, phase));
        }
    }
}

/// The flags that children take from what they stand in.
pub(super) fn inherited(flags: Flags) -> Flags {
    Flags(flags.0 & Flags::EXIT_HANDLER.0)
}

/// A `withSequence`. Argo: `expandSequence`.
fn sequence(
    start: Option<i64>,
    end: Option<i64>,
    count: Option<i64>,
    format: Arc<str>,
) -> Result<Items, String> {
    let start = start.unwrap_or(0);
    let end = match (end, count) {
        (Some(end), _) => end,
        (None, Some(0)) => return Ok(Items::Values(Arc::from([]))),
        (None, Some(count)) => start.saturating_add(count).saturating_sub(1),
        (None, None) => {
            return Err("neither end nor count was specified in withSequence".to_owned());
        }
    };
    let length = end.abs_diff(start).saturating_add(1);
    if length > MAX_ITEMS {
        return Err(format!(
            "withSequence from {start} to {end} has {length} items; at most {MAX_ITEMS} are possible"
        ));
    }
    Ok(Items::Sequence {
        start,
        step: if start <= end { 1 } else { -1 },
        count: length as u32,
        format: if format.is_empty() {
            Arc::from("%d")
        } else {
            format
        },
    })
}

/// Why a text is no number, as Go's reader says it.
fn not_a_number(text: &str, error: &ParseIntError) -> String {
    let why = match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    format!("strconv.Atoi: parsing \"{text}\": {why}")
}

/// Whether a text has tags that ask for more of an item than its text. A tag within a tag may.
fn looks_into_item(text: &str) -> bool {
    text.split("{{")
        .skip(1)
        .any(|rest| match rest.split_once("}}") {
            Some((tag, _)) => tag.trim() != "item" && tag.contains("item"),
            None => true,
        })
}

/// Reads the items of a loop; `null` has none. A fault is worded as Go's reader does.
fn read_list(text: &str) -> Result<Vec<Item>, String> {
    let value = serde_json::from_str(text)
        .map_err(|error| go_json::fault(text).unwrap_or_else(|| error.to_string()))?;
    let kind = match value {
        Value::Array(_) => return Ok(Item::list(text)),
        Value::Null => return Ok(Vec::new()),
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Object(_) => "object",
    };
    Err(format!(
        "json: cannot unmarshal {kind} into Go value of type []v1alpha1.Item"
    ))
}

/// A text short enough for a message.
fn shortened(text: &str) -> String {
    const MOST: usize = 1_000;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let mut end = MOST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} bytes)", &text[..end], text.len())
}

/// The node of a task that loops.
pub(super) fn task_group(place: Place, items: Items, at: crate::ids::Seconds) -> Node {
    let mut node = Node::new(Role::Task, NodeType::TaskGroup, NodePhase::Running, at);
    node.parent = place.parent;
    node.boundary = place.boundary;
    node.slot = place.slot;
    node.flags = place.flags;
    node.body = Body::Loop(Box::new(LoopState::new(items)));
    node
}
