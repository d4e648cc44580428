//! The names and IDs of nodes. Argo: `NodeID`, `initializeNode`, `generateNodeName`.

use std::borrow::Cow;

use argosy_api::NodeType;

use super::Run;
use super::body::{Body, Items, StepState};
use super::node::Role;
use crate::ids::NodeIndex;
use crate::lower::{fnv1a32, node_id};

/// The names and IDs of all nodes of a run, by index: each is made once, from that of the node above.
pub(super) struct Names {
    pub names: Vec<String>,
    pub ids: Vec<String>,
}

impl Run {
    /// The names and IDs of the nodes for which this holds; empty ones for others.
    pub(super) fn names(&self, is_wanted: &dyn Fn(u32) -> bool) -> Names {
        let mut names: Vec<String> = Vec::with_capacity(self.nodes.len());
        for index in self.all_nodes() {
            if !is_wanted(index.0) {
                names.push(String::new());
                continue;
            }
            let above = self.name_parent(index);
            let mut name =
                above.map_or_else(String::new, |above| match names[above.offset()].as_str() {
                    "" => self.name(above),
                    name => name.to_owned(),
                });
            self.push_own_name(index, &mut name);
            names.push(name);
        }
        let ids = self.all_nodes().zip(&names);
        let ids = ids.map(|(index, name)| match name.as_str() {
            "" => String::new(),
            name => self.id_of(index, name),
        });
        let ids = ids.collect();
        Names { names, ids }
    }

    /// The node's full name: `workflow[0].step(3:item)`.
    pub(crate) fn name(&self, index: NodeIndex) -> String {
        // The name is built from the root down; the chain up is as long as the recursion is deep.
        let mut chain = vec![index];
        while let Some(above) = self.name_parent(chain[chain.len() - 1]) {
            chain.push(above);
        }
        let mut name = String::with_capacity(64);
        for &link in chain.iter().rev() {
            self.push_own_name(link, &mut name);
        }
        name
    }

    pub(super) fn name_parent(&self, index: NodeIndex) -> Option<NodeIndex> {
        let node = self.node(index);
        match node.role {
            Role::Root => None,
            Role::StepGroup | Role::Step | Role::Task | Role::Attempt | Role::Container => {
                node.parent.some()
            }
            Role::OnExit | Role::Hook => node.owner.some(),
        }
    }

    fn push_own_name(&self, index: NodeIndex, name: &mut String) {
        use std::fmt::Write;
        let node = self.node(index);
        // Writing to a String can't fail.
        let _ = match node.role {
            Role::Root => {
                name.push_str(self.definition.name());
                Ok(())
            }
            Role::StepGroup => write!(name, "[{}]", node.slot),
            Role::Attempt => write!(name, "({})", node.slot),
            Role::Container => write!(name, ".{}", self.container_name(index)),
            Role::Step | Role::Task => {
                // An item of a DAG's loop hangs below the loop's node, which has the task's name.
                let below_loop = self.node(node.parent).kind == NodeType::TaskGroup;
                if !below_loop {
                    name.push('.');
                    name.push_str(&self.call_name(index));
                }
                if let Some(item) = node.item() {
                    self.push_item_name(index, item, name);
                }
                Ok(())
            }
            Role::OnExit => {
                if node.owner == NodeIndex::NONE {
                    name.push_str(self.definition.name());
                }
                name.push_str(".onExit");
                Ok(())
            }
            Role::Hook => {
                if node.owner == NodeIndex::NONE {
                    name.push_str(self.definition.name());
                }
                write!(name, ".hooks.{}", self.call_name(index))
            }
        };
    }

    /// The name of the step, task or hook that a node was made for.
    pub(crate) fn call_name(&self, index: NodeIndex) -> std::sync::Arc<str> {
        self.call_of(index)
            .map_or_else(|| std::sync::Arc::from(""), |call| call.name.clone())
    }

    fn push_item_name(&self, index: NodeIndex, item: usize, name: &mut String) {
        use std::fmt::Write;
        let _ = write!(name, "({item}:");
        if let Some(items) = self.items_around(index) {
            let text = items.display(item);
            name.extend(text.chars().filter(|c| !matches!(c, '(' | ')')));
        }
        name.push(')');
    }

    /// The items of the loop that a node is an item of.
    pub(crate) fn items_around(&self, index: NodeIndex) -> Option<&Items> {
        let node = self.node(index);
        match &self.node(node.parent).body {
            Body::Loop(state) => Some(&state.items),
            Body::Group(group) => match group.steps.get(node.slot as usize)? {
                StepState::Loop(state) => Some(&state.items),
                StepState::Unmade | StepState::Single(_) => None,
            },
            Body::None | Body::Steps(_) | Body::Dag(_) | Body::Retry(_) | Body::Gate(_) => None,
        }
    }

    /// The name without its boundary's in front. Argo: `displayName`.
    pub(crate) fn display_name(&self, index: NodeIndex) -> String {
        self.display_name_of(index, &|index| Cow::Owned(self.name(index)))
    }

    /// The same, where names need not be made.
    pub(super) fn display_name_of<'a>(
        &self,
        index: NodeIndex,
        name_of: &dyn Fn(NodeIndex) -> Cow<'a, str>,
    ) -> String {
        let node = self.node(index);
        if let Some(given) = node
            .details
            .as_ref()
            .and_then(|details| details.display_name.as_deref())
        {
            return given.to_owned();
        }
        let name = name_of(index);
        let Some(boundary) = node.boundary.some() else {
            return name.into_owned();
        };
        let rest = name.strip_prefix(&*name_of(boundary)).unwrap_or(&name);
        without_separator(rest).to_owned()
    }

    /// The node's ID: Argo's hash of its name, made anew where another node has it already.
    pub(crate) fn node_id(&self, index: NodeIndex) -> String {
        match self.node(index).role {
            Role::Root => self.definition.name().to_owned(),
            _ => self.id_of(index, &self.name(index)),
        }
    }

    pub(super) fn id_of(&self, index: NodeIndex, name: &str) -> String {
        let node = self.node(index);
        if node.role == Role::Root {
            return self.definition.name().to_owned();
        }
        let salt = node.details.as_ref().map_or(0, |details| details.salt);
        node_id(self.definition.name(), name, salt)
    }

    /// Takes an ID for a new node; gives the salt that made it free.
    pub(super) fn take_id(&mut self, name: &str) -> u8 {
        if self.hashes.insert(fnv1a32(name.as_bytes())) {
            return 0;
        }
        let mut salt = 1;
        while !self
            .hashes
            .insert(fnv1a32(format!("{name}#{salt}").as_bytes()))
            && salt < u8::MAX
        {
            salt += 1;
        }
        salt
    }
}

/// Without the `[0].` of a step or the `.` of a task in front. Argo: `stepsOrDagSeparator`.
fn without_separator(rest: &str) -> &str {
    let mut tail = rest;
    if let Some(inner) = tail.strip_prefix('[')
        && let Some(close) = inner.find(']')
        && inner[..close].bytes().all(|byte| byte.is_ascii_digit())
    {
        tail = &inner[close + 1..];
    }
    match tail.strip_prefix('.') {
        Some(tail) => tail,
        None => rest,
    }
}

impl Items {
    /// The item as it stands in its node's name. Argo: `processItem`.
    pub(crate) fn display(&self, item: usize) -> String {
        match self {
            Self::Sequence { .. } => self.text(item),
            Self::Values(values) => values[item].display(),
        }
    }

    /// The item as the variable `item`.
    pub(crate) fn text(&self, item: usize) -> String {
        match self {
            Self::Values(values) => values[item].text(),
            Self::Sequence {
                start,
                step,
                format,
                ..
            } => crate::printf::integer(format, start + step * item as i64),
        }
    }
}
