//! The steps and tasks of a template, as those who refer to them see them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argosy_api::Call;

use super::shape::Shape;
use argosy_api::nearest;

/// Whether the children's outputs are gathered in lists. (Not those of a `withSequence`.)
fn aggregates(call: Call<'_>) -> bool {
    !call.with_items().is_empty() || !call.with_param().is_empty()
}

/// Whether something runs at the end of a step or task.
fn has_exit_hook(call: Call<'_>) -> bool {
    !call.on_exit().is_empty() || call.hooks().contains_key("exit")
}

/// What a call leads to.
#[derive(Clone, Debug)]
pub(super) enum Callee {
    /// It is known only when the workflow runs.
    Dynamic,
    /// It is not there, which has been said.
    Missing,
    Known(Arc<Shape>),
}

/// A step or task in the table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub callee: Callee,
    pub aggregates: bool,
    pub has_exit_hook: bool,
    pub has_hooks: bool,
}

/// Whether a variable of a step or task can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    Yes,
    No,
    /// If this task comes before the one that asks.
    IfAncestor(u32),
}

/// Which of the steps or tasks come first.
pub(super) enum Order {
    /// One after the other.
    Steps,
    /// By the dependencies of each.
    Tasks(Vec<Vec<u32>>),
}

/// The steps or tasks of a template.
pub(super) struct Calls<'t> {
    pub order: Order,
    pub names: BTreeMap<Cow<'t, str>, u32>,
    pub entries: Vec<Entry>,
}

impl Calls<'_> {
    /// What their variables begin with.
    pub fn root(&self) -> &'static str {
        match self.order {
            Order::Steps => "steps",
            Order::Tasks(_) => "tasks",
        }
    }

    /// Whether `variable` (without its root) can be seen from the step or task `from`, or from the
    /// template's outputs.
    pub fn sight(&self, variable: &str, from: Option<u32>) -> Sight {
        let Some((name, field)) = variable.split_once('.') else {
            return Sight::No;
        };
        let Some((index, entry)) = self.named(name) else {
            return Sight::No;
        };
        match &self.order {
            Order::Steps => {
                let own = from == Some(index);
                let seen = match from {
                    Some(from) => index < from,
                    None => true,
                };
                let yes = match field {
                    "status" => own || seen,
                    _ if own => entry.has_exit_hook && entry.has(field, false),
                    _ => seen && entry.has(field, entry.aggregates),
                };
                if yes { Sight::Yes } else { Sight::No }
            }
            Order::Tasks(dependencies) => {
                if field != "status" {
                    return if entry.has(field, entry.aggregates) {
                        Sight::Yes
                    } else {
                        Sight::No
                    };
                }
                let Some(from) = from else {
                    return if entry.has_hooks {
                        Sight::Yes
                    } else {
                        Sight::No
                    };
                };
                // Argo shows the status of a task with hooks to that task, and to those that it
                // happens to look at afterwards.
                if entry.has_hooks || dependencies[from as usize].contains(&index) {
                    Sight::Yes
                } else if from == index {
                    Sight::No
                } else {
                    Sight::IfAncestor(index)
                }
            }
        }
    }

    fn named(&self, name: &str) -> Option<(u32, &Entry)> {
        let index = *self.names.get(name)?;
        Some((index, self.entries.get(index as usize)?))
    }

    /// What may help whoever wrote this variable.
    pub fn help(&self, variable: &str, from: Option<u32>) -> Option<String> {
        let root = self.root();
        let one = &root[..root.len() - 1];
        let (name, field) = variable.split_once('.').unwrap_or((variable, ""));
        let Some((index, entry)) = self.named(name) else {
            let near = nearest(name, self.names.keys().map(Cow::as_ref));
            return Some(match near {
                Some(near) => format!("did you mean '{root}.{near}.{field}'?"),
                None => format!("there is no {one} '{name}' in this template"),
            });
        };
        let too_late = match self.order {
            Order::Steps => from.is_some_and(|from| index >= from),
            Order::Tasks(_) => false,
        };
        if too_late {
            return Some(format!("step '{name}' does not come before this one"));
        }
        match &entry.callee {
            Callee::Known(shape) => Some(entry.field_help(shape, &format!("{root}.{name}"), field)),
            Callee::Dynamic | Callee::Missing => None,
        }
    }
}

impl Entry {
    /// The entry of a step or task that leads there.
    pub fn new(call: Call<'_>, callee: Callee) -> Self {
        Self {
            callee,
            aggregates: aggregates(call),
            has_exit_hook: has_exit_hook(call),
            has_hooks: !call.hooks().is_empty(),
        }
    }

    /// Whether the step or task has this field, as one of a loop or not.
    fn has(&self, field: &str, in_loop: bool) -> bool {
        if matches!(field, "id" | "startedAt" | "finishedAt" | "hostNodeName") {
            return true;
        }
        let shape = match &self.callee {
            Callee::Dynamic => return false,
            Callee::Missing => return true,
            Callee::Known(shape) => shape,
        };
        match field {
            "ip" => shape.is_daemon,
            "outputs.result" | "exitCode" => shape.has_result || (in_loop && shape.loop_has_result),
            "outputs.parameters" => in_loop,
            _ => {
                let among = |prefix: &str, names: &[String]| {
                    field.strip_prefix(prefix).is_some_and(|name| {
                        names
                            .binary_search_by(|known| known.as_str().cmp(name))
                            .is_ok()
                    })
                };
                among("outputs.parameters.", &shape.output_parameters)
                    || among("outputs.artifacts.", &shape.output_artifacts)
            }
        }
    }

    fn field_help(&self, shape: &Shape, node: &str, field: &str) -> String {
        for (list, names) in [
            ("outputs.parameters.", &shape.output_parameters),
            ("outputs.artifacts.", &shape.output_artifacts),
        ] {
            if let Some(name) = field.strip_prefix(list) {
                return match nearest(name, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean '{node}.{list}{near}'?"),
                    None => format!(
                        "template '{}' has no output '{name}': declare it under {}",
                        shape.name,
                        list.trim_end_matches('.')
                    ),
                };
            }
        }
        match field {
            "outputs.parameters" => {
                "only a loop with withItems or withParam has the list of all outputs".to_owned()
            }
            "outputs.result" | "exitCode" => {
                format!("template '{}' has no result of its own", shape.name)
            }
            "ip" => format!("template '{}' is no daemon", shape.name),
            _ => {
                let fields = [
                    "id",
                    "status",
                    "startedAt",
                    "finishedAt",
                    "hostNodeName",
                    "ip",
                    "exitCode",
                    "outputs.result",
                ];
                match nearest(field, fields) {
                    Some(near) => format!("did you mean '{node}.{near}'?"),
                    None => format!("'{node}' has no '{field}'"),
                }
            }
        }
    }
}

/// The first index of each name, and which indices have a name that is taken.
pub(super) fn index_names<'t>(
    names: impl Iterator<Item = Cow<'t, str>>,
) -> (BTreeMap<Cow<'t, str>, u32>, BTreeSet<u32>) {
    let mut index = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (position, name) in names.enumerate() {
        let position = u32::try_from(position).unwrap_or(u32::MAX);
        match index.entry(name) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(position);
            }
            std::collections::btree_map::Entry::Occupied(_) => {
                twice.insert(position);
            }
        }
    }
    (index, twice)
}
