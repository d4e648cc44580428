//! What a node that is not over waits for now. Each has one reason.

use argosy_api::{NodePhase, NodeType, ShutdownStrategy, WorkflowPhase};

use super::Listed;
use crate::ids::{NodeIndex, Seconds};
use crate::locks::LockName;
use crate::run::Run;
use crate::run::body::{Body, Gate, RetryBody};
use crate::run::limits::Held;
use crate::run::node::Flags;
use crate::timestamp::rfc3339;

impl Run {
    /// What keeps the workflow as a whole from going on; `None` if nothing does.
    pub fn held_up(&self) -> Option<String> {
        let name = self.definition.name();
        let locks = self.status.locks.as_deref();
        if let Some(waits) = locks.and_then(|notes| notes.waits.as_deref())
            && (self.awaits_start() || self.awaits_own_locks())
        {
            let lock = waits
                .iter()
                .find(|lock| self.status.message.contains(&*lock.name));
            return Some(format!(
                "the workflow waits for {}",
                self.lock_text(lock, waits)
            ));
        }
        if self.status.phase.is_some_and(WorkflowPhase::is_completed) {
            return None;
        }
        if self.awaits_start() {
            return Some(match &*self.status.message {
                "" => "nobody carries the workflow out yet".to_owned(),
                message => message.to_owned(),
            });
        }
        if self.status.suspended {
            return Some(format!(
                "the workflow is suspended; `argosy resume {name}` lets it go on"
            ));
        }
        self.status.shutdown.map(|strategy| {
            let what = match strategy {
                ShutdownStrategy::Stop => "the workflow is being stopped: exit handlers run",
                ShutdownStrategy::Terminate => "the workflow is being terminated",
            };
            format!("{what}, and nothing else begins")
        })
    }

    /// Whether a node waits for nothing but its pod to begin, of which whoever runs pods may know
    /// more than the run does.
    pub fn waits_for_its_pod(&self, index: NodeIndex) -> bool {
        let Some(node) = self.nodes.get(index.offset()) else {
            return false;
        };
        let last = self.attempts(index).last().copied();
        let leaf = last.map_or(node, |last| self.node(last));
        matches!(leaf.body, Body::None)
            && (leaf.kind, leaf.phase) == (NodeType::Pod, NodePhase::Pending)
            && leaf.message.as_deref().is_none_or(str::is_empty)
            && !self.is_held_up()
    }

    /// What a node that is not over waits for.
    pub(super) fn waits_for(&self, index: NodeIndex) -> String {
        let node = self.node(index);
        let runs = node.phase == NodePhase::Running || node.flags.has(Flags::POD_ASKED);
        let leaf = matches!(node.body, Body::None);
        if self.is_held_up()
            && !(leaf && runs)
            && let Some(why) = self.held_up()
        {
            return why;
        }
        if let Some(waits) = self.waits_of(index) {
            let lock = waits.at.and_then(|at| waits.locks.get(at as usize));
            return format!("waits for {}", self.lock_text(lock, &waits.locks));
        }
        let mut text = match &node.body {
            Body::Gate(Gate::Locks(_)) => return "waits for its locks".to_owned(),
            Body::Gate(Gate::Place) => return self.held_text(Held::Workflow, NodeIndex::NONE),
            Body::Gate(Gate::Cache) => return "looks into the cache".to_owned(),
            Body::Retry(body) => return self.retry_waits(body),
            Body::Steps(_) | Body::Group(_) | Body::Dag(_) | Body::Loop(_) => {
                return self.composite_waits(index);
            }
            Body::None => self.leaf_waits(index),
        };
        if let Some(deadline) = self.must_end(index) {
            text = format!("{text}; {deadline}");
        }
        if self.status.suspended {
            text.push_str("; the workflow is suspended, so nothing begins after it");
        }
        text
    }

    fn leaf_waits(&self, index: NodeIndex) -> String {
        let node = self.node(index);
        let message = self.message_of(index);
        match (node.kind, node.phase) {
            (NodeType::HTTP | NodeType::Plugin, _) if message.is_empty() => {
                "an agent carries it out".to_owned()
            }
            (NodeType::HTTP | NodeType::Plugin, _) => {
                format!("an agent carries it out, which says: {message}")
            }
            (NodeType::Suspend, _) => self.suspension(index),
            (NodeType::Container, phase) => self.container_waits(index, phase),
            (_, NodePhase::Pending) if !message.is_empty() => format!("its pod waits: {message}"),
            (_, NodePhase::Pending) => "waits for its pod to begin".to_owned(),
            _ if node.flags.has(Flags::POD_SUCCEEDED) => {
                "its pod has succeeded; its outputs are being collected".to_owned()
            }
            _ if self.is_shut_down(index) => "its pod was told to end, and has not yet".to_owned(),
            _ if node.flags.has(Flags::DAEMONED) => match node.boundary.some() {
                Some(around) => format!("runs as a daemon until {} ends", self.name(around)),
                None => "runs as a daemon until the workflow ends".to_owned(),
            },
            _ => "its pod runs".to_owned(),
        }
    }

    fn suspension(&self, index: NodeIndex) -> String {
        if let Ok(Some(until)) = self.suspended_until(index) {
            return format!("suspended until {}", rfc3339(until));
        }
        let outputs = self.node(index).outputs.as_deref();
        let mut missing = Listed::default();
        for output in outputs.iter().flat_map(|outputs| &outputs.parameters) {
            if output.value.is_none() && self.supplied_default(index, &output.name).is_none() {
                missing.add(|| output.name.to_string());
            }
        }
        let workflow = self.definition.name();
        if missing.is_empty() {
            return format!("suspended; `argosy resume {workflow}` lets it go on");
        }
        let node = self.display_name(index);
        format!(
            "suspended until somebody gives it {missing}: `argosy node set {workflow} --node-field-selector displayName={node} --output-parameter NAME=VALUE`, then `argosy resume {workflow}`"
        )
    }

    fn container_waits(&self, index: NodeIndex, phase: NodePhase) -> String {
        let node = self.node(index);
        if phase == NodePhase::Running {
            return "its container runs".to_owned();
        }
        if self.node(node.parent).phase == NodePhase::Pending {
            return format!("waits for the pod of {} to begin", self.name(node.parent));
        }
        let set = self.container_set(node.parent).unwrap_or_default();
        let mut before = Listed::default();
        for name in set
            .get(node.slot as usize)
            .into_iter()
            .flat_map(|own| &own.dependencies)
        {
            before.add(|| name.clone());
        }
        match before.is_empty() {
            true => "waits for its container to begin".to_owned(),
            false => format!("waits for the containers {before}"),
        }
    }

    fn retry_waits(&self, body: &RetryBody) -> String {
        let number = body.attempts.len();
        if let Some(at) = body.wait_until.filter(|&at| at > self.now.0) {
            let at = rfc3339(Seconds(at));
            return format!("attempt {} waits until {at} (backoff)", number + 1);
        }
        match body.attempts.last() {
            Some(&last) if !self.node(last).phase.is_fulfilled() => {
                format!("attempt {number}: {}", self.waits_for(last))
            }
            Some(_) | None => match self.held(NodeIndex::NONE) {
                Some(held) => self.held_text(held, NodeIndex::NONE),
                None => format!("attempt {} is about to begin", number + 1),
            },
        }
    }

    /// When a node that runs has to be over, and by whose word.
    fn must_end(&self, index: NodeIndex) -> Option<String> {
        let node = self.node(index);
        let own = self.template_of(index);
        let timeout = own
            .as_ref()
            .filter(|_| node.kind == NodeType::Pod)
            .map(|planned| planned.template.timeout.as_str())
            .filter(|text| !text.is_empty())
            .and_then(|text| self.node_seconds(index, text).ok())
            .map(|seconds| (node.started_at().plus(seconds), "its timeout"));
        let bound = !node.flags.has(Flags::EXIT_HANDLER);
        let deadline = self.deadline().filter(|_| bound);
        let deadline = deadline.map(|at| (at, "the workflow's activeDeadlineSeconds"));
        let (at, whose) = timeout.into_iter().chain(deadline).min()?;
        Some(format!("{whose} ends it at {}", rfc3339(at)))
    }

    /// What is said of a lock that is waited for, and of who has it.
    fn lock_text(&self, lock: Option<&LockName>, all: &[LockName]) -> String {
        let Some(lock) = lock else {
            let mut names = Listed::default();
            all.iter()
                .for_each(|lock| names.add(|| lock.name.to_string()));
            return format!("an answer about the lock {names}");
        };
        let mut holders = Listed::default();
        for (index, held) in self.holding_nodes() {
            if held.contains(lock) {
                holders.add(|| self.display_name(index));
            }
        }
        let notes = self.status.locks.as_deref();
        let others = notes.and_then(|notes| notes.others.get(&lock.name));
        let here = format!("{}/", self.definition.namespace());
        for key in others.into_iter().flatten() {
            holders.add(|| key.strip_prefix(&here).unwrap_or(key).to_owned());
        }
        match holders.is_empty() {
            true => format!("the lock {}, behind others", lock.name),
            false => format!("the lock {}, held by {holders}", lock.name),
        }
    }

    fn composite_waits(&self, index: NodeIndex) -> String {
        let boundary = self.boundary_of(index);
        if let Some(held) = self.held_from_more(index) {
            return self.held_text(held, boundary);
        }
        let open = match &self.node(index).body {
            // Groups tell nobody anything.
            Body::Steps(body) => body.groups.last().map(|&group| self.open_children(group)),
            _ => Some(self.open_children(index)),
        };
        match open.filter(|open| !open.is_empty()) {
            Some(open) if self.fails_fast(boundary) => format!(
                "makes nothing new, since a child failed and failFast is set; waits for {open}"
            ),
            Some(open) => format!("waits for {open}"),
            None => "is about to go on".to_owned(),
        }
    }

    /// The template in which a composite makes its children.
    fn boundary_of(&self, index: NodeIndex) -> NodeIndex {
        match self.node(index).body.boundary() {
            Some(_) => index,
            None => self.node(index).boundary,
        }
    }

    /// What keeps a composite from making children that could begin but for this.
    pub(super) fn held_from_more(&self, index: NodeIndex) -> Option<Held> {
        let wants_more = match &self.node(index).body {
            Body::Steps(body) => return self.held_from_more(*body.groups.last()?),
            Body::Dag(body) => !body.ready.is_empty(),
            Body::Group(body) => (body.made as usize) < body.steps.len(),
            Body::Loop(state) => state.unmade > 0,
            Body::None | Body::Retry(_) | Body::Gate(_) => false,
        };
        self.held(self.boundary_of(index)).filter(|_| wants_more)
    }

    /// The children of a node that are not over, with their hooks.
    pub(super) fn open_children(&self, index: NodeIndex) -> Listed {
        let mut open = Listed::default();
        for place in 0..self.nodes.len() as u32 {
            let child = NodeIndex(place);
            let node = self.node(child);
            if node.parent == index && !node.is_fulfilled() {
                open.add(|| self.display_name(child));
            }
        }
        open
    }

    /// Why nothing more may be made inside a template, and who uses its places up.
    pub(in crate::run) fn held_text(&self, held: Held, boundary: NodeIndex) -> String {
        let counts = |kind| match held {
            Held::Workflow => kind == NodeType::Pod,
            Held::Template | Held::FailFast => {
                matches!(kind, NodeType::Pod | NodeType::Steps | NodeType::DAG)
            }
        };
        let mut active = Listed::default();
        for place in 0..self.nodes.len() as u32 {
            let index = NodeIndex(place);
            let node = self.node(index);
            let inside = held == Held::Workflow || node.boundary == boundary;
            let waits = held == Held::Workflow && node.flags.has(Flags::WAITS_FOR_LOCK);
            let open = matches!(node.phase, NodePhase::Pending | NodePhase::Running);
            if inside && open && !waits && counts(node.kind) {
                active.add(|| self.display_name(index));
            }
        }
        match held {
            Held::Workflow => format!(
                "waits for a slot: the workflow's parallelism {} is used up by {active}",
                self.plan.workflow.spec.parallelism.unwrap_or_default(),
            ),
            Held::Template => format!(
                "waits for a slot: parallelism {} is used up by {active}",
                self.template_of(boundary)
                    .and_then(|template| template.template.parallelism)
                    .unwrap_or_default(),
            ),
            Held::FailFast if active.is_empty() => {
                "makes nothing new, since a child failed and failFast is set".to_owned()
            }
            Held::FailFast => format!(
                "makes nothing new, since a child failed and failFast is set; waits for {active}"
            ),
        }
    }
}
