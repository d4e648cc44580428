//! What pods have used and how far they are, and the sums of both over what stands inside a node.
//! Argo: `util/resource`, `workflow/progress`.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{MAIN_CONTAINER, NodePhase, NodeType, Progress, Template};
use k8s_openapi::api::core::v1::ResourceRequirements;

use super::Run;
use super::node::{Flags, Node, Role};
use crate::fact::{ContainerState, PodSeen};
use crate::ids::NodeIndex;

/// Seconds of each resource.
pub(crate) type Usage = BTreeMap<String, i64>;

/// Sums over what stands inside each node, itself included.
#[derive(Default)]
pub(super) struct Sums {
    pub progress: Vec<Progress>,
    pub usage: Vec<Usage>,
}

/// Whether a node tells of its own progress, instead of what its children add up to.
pub(super) fn tells_progress(kind: NodeType) -> bool {
    match kind {
        NodeType::Pod
        | NodeType::Container
        | NodeType::HTTP
        | NodeType::Plugin
        | NodeType::Suspend => true,
        NodeType::Steps
        | NodeType::StepGroup
        | NodeType::DAG
        | NodeType::TaskGroup
        | NodeType::Retry
        | NodeType::Skipped => false,
    }
}

/// How far a node is that tells it itself.
pub(super) fn own_progress(node: &Node) -> Progress {
    if !tells_progress(node.kind) {
        return Progress::default();
    }
    let known = node.details.as_ref().and_then(|details| details.progress);
    let (done, total) = known.unwrap_or((0, 1));
    let over = matches!(
        node.phase,
        NodePhase::Succeeded | NodePhase::Skipped | NodePhase::Omitted
    );
    Progress {
        done: if over { total } else { done },
        total,
    }
}

impl Run {
    /// The sums of all nodes. A node stands before what is inside it.
    pub(super) fn sums(&self) -> Sums {
        let count = self.nodes.len();
        let mut sums = Sums {
            progress: self.nodes.iter().map(own_progress).collect(),
            usage: (0..count as u32)
                .map(|place| self.usage_of(NodeIndex(place)))
                .collect(),
        };
        for place in (1..count).rev() {
            let Some(above) = self.stands_inside(NodeIndex(place as u32)) else {
                continue;
            };
            if tells_progress(self.node(above).kind) && self.node(above).kind != NodeType::Pod {
                continue;
            }
            let progress = sums.progress[place].clone();
            let sum = &mut sums.progress[above.offset()];
            sum.done += progress.done;
            sum.total += progress.total;
            let usage = std::mem::take(&mut sums.usage[place]);
            add(&mut sums.usage[above.offset()], &usage);
            sums.usage[place] = usage;
        }
        sums
    }

    /// The node whose sums a node adds to.
    fn stands_inside(&self, index: NodeIndex) -> Option<NodeIndex> {
        let node = self.node(index);
        match node.role {
            Role::Root => None,
            Role::OnExit => node.owner.some().and_then(|_| node.parent.some()),
            Role::Hook => node
                .owner
                .some()
                .map_or(Some(NodeIndex::ROOT), |_| node.parent.some()),
            Role::StepGroup | Role::Step | Role::Task | Role::Attempt | Role::Container => {
                node.parent.some()
            }
        }
    }

    /// What all pods together have used.
    pub(super) fn usage_of_all(&self) -> Usage {
        let mut all = Usage::new();
        for place in 0..self.nodes.len() as u32 {
            add(&mut all, &self.usage_of(NodeIndex(place)));
        }
        all
    }

    /// What a node's pod has used, once it has ended.
    pub(super) fn usage_of(&self, index: NodeIndex) -> Usage {
        let node = self.node(index);
        if node.kind != NodeType::Pod || !node.flags.has(Flags::POD_ENDED) {
            return Usage::new();
        }
        let used = node
            .details
            .as_ref()
            .and_then(|details| details.used.as_ref());
        match used {
            Some(used) => used
                .iter()
                .map(|(name, seconds)| (name.to_string(), *seconds))
                .collect(),
            // Nothing ran for as long as a second.
            None => Usage::from([("cpu".to_owned(), 0), ("memory".to_owned(), 0)]),
        }
    }

    /// Keeps what a pod that has ended has used.
    pub(super) fn note_usage(&mut self, index: NodeIndex, seen: &PodSeen) {
        self.change(index).flags.set(Flags::POD_ENDED);
        let ran = seen.containers.iter().filter_map(|container| {
            let seconds = match &container.state {
                ContainerState::Terminated {
                    started_at,
                    finished_at,
                    ..
                } => finished_at.since(*started_at),
                ContainerState::Waiting { .. } | ContainerState::Running { .. } => 0,
            };
            (seconds > 0).then(|| (container.name.clone(), seconds))
        });
        let ran: Vec<(Arc<str>, i64)> = ran.collect();
        if ran.is_empty() {
            return;
        }
        let mut usage = Usage::new();
        let requests = self.requests(index);
        for (name, seconds) in ran {
            let fallback = Requests::default();
            for (resource, milli) in &requests.get(&*name).unwrap_or(&fallback).0 {
                let used = milli.saturating_mul(seconds) / denominator(resource);
                *usage.entry(resource.clone()).or_default() += used;
            }
        }
        let used = usage
            .into_iter()
            .map(|(name, seconds)| (self.shared_name(&name), seconds))
            .collect();
        self.change(index).details_mut().used = Some(used);
    }

    /// What each container of a pod asks for.
    fn requests(&self, index: NodeIndex) -> BTreeMap<String, Requests> {
        let Some(planned) = self.template_of(index) else {
            return BTreeMap::new();
        };
        let filled = match has_tagged_resources(&planned.template) {
            true => self.filled_template(index, &planned).ok(),
            false => None,
        };
        let template = filled.as_ref().unwrap_or(&planned.template);
        let spec = &self.plan.workflow.spec;
        let patches = [&template.pod_spec_patch, &spec.pod_spec_patch];
        let changed = patches.iter().any(|patch| !patch.is_empty())
            || self.settings.config.main_container.is_some();
        // What changes a pod as a whole may change what it asks for.
        let lowered = changed.then(|| self.lower_node(index).ok()).flatten();
        let mut requests = match lowered.as_ref().and_then(|it| it.pod.spec.as_ref()) {
            Some(pod) => {
                let first = pod.init_containers.iter().flatten();
                let all = first.chain(&pod.containers);
                let all = all.map(|it| (it.name.as_str(), it.resources.as_ref()));
                requests_of(all, pod.resources.as_ref())
            }
            None => {
                let own = template.pod_resources.as_ref();
                requests_of(containers(template), own.or(spec.pod_resources.as_ref()))
            }
        };
        let executor = self.settings.config.executor.as_ref();
        if let Some(resources) = executor.and_then(|executor| executor.resources.as_ref()) {
            for name in ["init", "wait", "supervisor"] {
                let mut own = Requests::default();
                own.take(resources);
                requests.insert(name.to_owned(), own);
            }
        }
        requests
    }
}

/// What each of some containers asks for. What their pod asks for is counted once, with the first of
/// them that asks for nothing itself.
fn requests_of<'a>(
    containers: impl IntoIterator<Item = (&'a str, Option<&'a ResourceRequirements>)>,
    of_pod: Option<&ResourceRequirements>,
) -> BTreeMap<String, Requests> {
    let mut of_pod = of_pod;
    let mut requests = BTreeMap::new();
    for (name, resources) in containers {
        let mut own = Requests::default();
        let empty = resources.is_none_or(|resources| {
            let limits = resources.limits.as_ref().map_or(0, BTreeMap::len);
            limits + resources.requests.as_ref().map_or(0, BTreeMap::len) == 0
        });
        if empty && let Some(resources) = of_pod.take() {
            own.take(resources);
        }
        if let Some(resources) = resources {
            own.take(resources);
        }
        requests.insert(name.to_owned(), own);
    }
    requests
}

fn add(sum: &mut Usage, more: &Usage) {
    for (name, seconds) in more {
        *sum.entry(name.clone()).or_default() += seconds;
    }
}

/// Thousandths of each resource that a container asks for.
struct Requests(BTreeMap<String, i64>);

impl Default for Requests {
    /// What Argo counts where nothing is asked for: 100m and 100Mi.
    fn default() -> Self {
        Self(BTreeMap::from([
            ("cpu".to_owned(), 100),
            ("memory".to_owned(), 104_857_600_000),
        ]))
    }
}

impl Requests {
    /// Requests stand over limits.
    fn take(&mut self, resources: &ResourceRequirements) {
        for list in [&resources.limits, &resources.requests] {
            for (name, amount) in list.iter().flatten() {
                if let Some(amount) = quantity(&amount.0) {
                    // Kubernetes rounds thousandths up.
                    self.0.insert(name.clone(), (amount * 1e3).ceil() as i64);
                }
            }
        }
    }
}

/// The amount of a resource that counts as one, in thousandths.
fn denominator(resource: &str) -> i64 {
    match resource {
        "memory" => 104_857_600_000,
        "storage" | "ephemeral-storage" => 10_737_418_240_000,
        _ => 1_000,
    }
}

/// The containers of a template by name: those that do the work first.
fn containers(template: &Template) -> Vec<(&str, Option<&ResourceRequirements>)> {
    let mut list = Vec::new();
    if let Some(container) = &template.container {
        list.push((MAIN_CONTAINER, container.resources.as_ref()));
    }
    if let Some(script) = &template.script {
        list.push((MAIN_CONTAINER, script.resources.as_ref()));
    }
    let set = template
        .container_set
        .iter()
        .flat_map(|set| &set.containers);
    list.extend(set.map(|container| (container.name.as_str(), container.resources.as_ref())));
    let users = template.sidecars.iter().chain(&template.init_containers);
    list.extend(users.map(|user| (user.name.as_str(), user.resources.as_ref())));
    list
}

fn has_tagged_resources(template: &Template) -> bool {
    let tagged = |resources: &ResourceRequirements| {
        let lists = [&resources.limits, &resources.requests];
        lists
            .into_iter()
            .flatten()
            .flatten()
            .any(|(_, amount)| amount.0.contains("{{"))
    };
    containers(template)
        .into_iter()
        .filter_map(|(_, resources)| resources)
        .any(tagged)
}

/// A Kubernetes quantity as a number.
pub fn quantity(text: &str) -> Option<f64> {
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let scale = match &text[digits..] {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    Some(number * scale)
}
