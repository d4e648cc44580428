//! What the core is told. A fact is something that has happened; it is never a request for a
//! particular next step. Facts may come late, twice and out of order.
//!
//! The types can be serialised because they are what a run's log holds; see [`crate::log`].

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{Artifact, NodePhase, NodeStatus};
use serde::{Deserialize, Serialize};

use crate::ids::{NodeIndex, PodKey, Seconds};
use crate::locks::LockSeen;
use crate::revision::Revision;

/// One thing that has happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// The run has been handed over: its first turn begins.
    Started,
    /// A pod stands in this state.
    PodSeen(PodKey, PodSeen),
    /// The executor of a pod has reported what the step gave.
    ResultSeen(PodKey, ResultSeen),
    /// These are all pods that the backend knows of this run, now that it has looked at everything.
    Inventory(Vec<PodKey>),
    /// The clock has reached a time that the run asked to be told of, or has simply moved on.
    TimeReached,
    /// Somebody asks something of the run.
    Asked(Command),
    /// The run may not begin yet, for this reason: the controller's `parallelism`.
    Postponed(Box<str>),
    /// What has become of the locks that a node asked for; [`NodeIndex::NONE`] stands for the
    /// workflow.
    LockSeen(NodeIndex, LockSeen),
    /// What the cache had for a node.
    CacheSeen(NodeIndex, CacheSeen),
    /// An agent reports on an `http` or `plugin` node.
    TaskSeen(PodKey, TaskSeen),
    /// A volume claim of this name stands so.
    ClaimSeen(Box<str>, ClaimSeen),
    /// The table of metrics could not take an observation in, for this reason.
    MetricRefused(Box<str>),
}

/// What a cache had for a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CacheSeen {
    /// Nothing.
    Missing,
    /// An entry: the JSON of a [`CacheEntry`](crate::cache::CacheEntry).
    Found(Box<str>),
    /// It can't be read; makes the node an error.
    Failed(Box<str>),
}

/// What an agent reports of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSeen {
    /// How far it is.
    pub phase: NodePhase,
    /// Why it is there.
    pub message: Option<Box<str>>,
    /// What it put out.
    pub outputs: ResultSeen,
    /// The exit code that it gives its node, if any.
    pub exit_code: Option<i32>,
}

/// How a volume claim stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimSeen {
    /// It is there.
    Made,
    /// It can't be made now, for this reason; whoever tells so tries on.
    Waiting(Box<str>),
    /// It can't be made, for this reason.
    Refused(Box<str>),
}

/// A fact and when it was learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedFact {
    /// When the fact was learnt, in whole seconds.
    pub at: Seconds,
    /// The fact.
    pub fact: Fact,
}

/// The phases of a Kubernetes pod. They only rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PodPhase {
    /// Accepted, not begun.
    Pending,
    /// At least one container has begun.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// Nobody can say: the pod's machine is not to be reached. Its `reason` is the word for it.
    Unknown,
}

/// The state in which a pod was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PodSeen {
    /// The pod's phase.
    pub phase: PodPhase,
    /// Why the pod is where it is, as its `status.message` says. Wins over the containers' messages.
    pub message: Option<Box<str>>,
    /// The machine word for it, as its `status.reason` says (`Evicted`, `DeadlineExceeded`).
    pub reason: Option<Box<str>>,
    /// The pod's address.
    pub ip: Option<Box<str>>,
    /// The machine that the pod runs on.
    pub host_node_name: Option<Arc<str>>,
    /// Its containers, as far as they are known.
    pub containers: Vec<ContainerSeen>,
    /// The pod is being deleted or is gone although it had not ended.
    pub deleted: bool,
}

/// The state in which a container was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerSeen {
    /// The container's name: `main`, `init`, `wait`, or the user's.
    pub name: Arc<str>,
    /// Which of the pod's lists the container stands in.
    pub kind: ContainerKind,
    /// Whether it is ready to serve, which daemons wait for.
    pub ready: bool,
    /// How far it is.
    pub state: ContainerState,
}

/// Which of the pod's lists a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerKind {
    /// `spec.initContainers`.
    Init,
    /// `spec.containers`.
    Regular,
}

/// How far a container is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ContainerState {
    /// Not begun; the reason and message are Kubernetes' (`ImagePullBackOff`, …).
    Waiting {
        /// Kubernetes' word for the reason.
        reason: Box<str>,
        /// Kubernetes' text for it.
        message: Box<str>,
    },
    /// Begun.
    Running {
        /// When it began.
        started_at: Seconds,
    },
    /// Ended.
    Terminated {
        /// Its exit code; 128 + N where signal N ended it.
        exit_code: i32,
        /// Kubernetes' word for the reason (`Completed`, `Error`, `OOMKilled`).
        reason: Box<str>,
        /// Kubernetes' text for it.
        message: Box<str>,
        /// When it began.
        started_at: Seconds,
        /// When it ended.
        finished_at: Seconds,
    },
}

/// What the executor reports of a step, in one or several parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultSeen {
    /// Output parameters: name and value.
    pub parameters: Vec<(Box<str>, Box<str>)>,
    /// Output artifacts with the place where each was saved.
    #[serde(with = "crate::log::artifacts")]
    pub artifacts: Vec<Artifact>,
    /// What the main container printed, as far as Argo keeps it.
    pub result: Option<Box<str>>,
    /// `N/M`, from the progress file.
    pub progress: Option<(u64, u64)>,
    /// Why the outputs could not be collected; makes the node an error.
    pub error: Option<Box<str>>,
    /// Nothing more will come.
    pub complete: bool,
}

/// What somebody asks of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// `argo stop`: ends the running steps; exit handlers run. With a selector: fails the matching
    /// suspended nodes only.
    Stop {
        /// Which suspended nodes are meant; all of the workflow if `None`.
        selector: Option<NodeSelector>,
        /// Is put into the nodes' messages.
        message: Option<Box<str>>,
    },
    /// `argo terminate`: ends everything at once.
    Terminate,
    /// `argo suspend`: nothing new is begun.
    Suspend,
    /// `argo resume`: goes on, and resumes suspended nodes.
    Resume {
        /// Which suspended nodes are meant; all if `None`.
        selector: Option<NodeSelector>,
    },
    /// `argo node set`: gives suspended nodes outputs, a phase or a message.
    SetNode {
        /// Which suspended nodes are meant.
        selector: NodeSelector,
        /// The phase that they take.
        phase: Option<NodePhase>,
        /// Is put into their message.
        message: Option<Box<str>>,
        /// Values for their supplied output parameters.
        output_parameters: Vec<(Box<str>, Box<str>)>,
    },
    /// `argo retry`: runs again what failed.
    Retry {
        /// Restart these succeeded nodes too.
        restart_successful: bool,
        /// Which nodes `restart_successful` means.
        selector: Option<NodeSelector>,
        /// Workflow parameters with new values.
        parameters: Vec<(Box<str>, Box<str>)>,
        /// Beyond Argo: run these nodes again too, however they ended.
        from: Option<NodeSelector>,
        /// Beyond Argo: templates that take the place of the run's.
        #[serde(default, with = "crate::log::revision")]
        revision: Option<Box<Revision>>,
    },
}

/// A row of a run's command queue, as JSON: what one process tells the owner of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Letter {
    /// The owner of another run has changed a lock that this one waits for.
    Lock {
        /// The node that waits; the last index stands for the workflow.
        node: NodeIndex,
        /// What became of its request.
        lock_seen: LockSeen,
    },
    /// The store's table of metrics could not take an observation in, for this reason.
    #[serde(rename_all = "camelCase")]
    Metric {
        /// Why.
        metric_refused: Box<str>,
    },
    /// A user asks something.
    Asked(Command),
}

/// Argo's `--node-field-selector`: comma-separated `key=value`, `key==value`, `key!=value` over
/// `displayName`, `templateName`, `phase`, `name`, `id`, `templateRef.name`, `templateRef.template`,
/// `inputs.parameters.<name>.value`. Empty matches all.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NodeSelector(pub Vec<Requirement>);

/// Why a text is no [`NodeSelector`]: one of its terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not KEY=VALUE or KEY!=VALUE")]
pub struct BadTerm(pub String);

impl NodeSelector {
    /// Reads `key=value,key!=value`. Which keys there are is not looked at.
    ///
    /// # Errors
    /// If a term is none.
    pub fn parse(text: &str) -> Result<Self, BadTerm> {
        let terms = text.split(',').map(str::trim);
        terms
            .filter(|term| !term.is_empty())
            .map(|term| {
                let (key, equals, value) = if let Some((key, value)) = term.split_once("!=") {
                    (key, false, value)
                } else if let Some((key, value)) = term.split_once("==") {
                    (key, true, value)
                } else if let Some((key, value)) = term.split_once('=') {
                    (key, true, value)
                } else {
                    return Err(BadTerm(term.to_owned()));
                };
                Ok(Requirement {
                    key: key.trim().into(),
                    equals,
                    value: value.trim().into(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a node, as it is shown, fits all terms. A field that it does not have is empty.
    /// Argo: `SelectorMatchesNode`.
    pub fn fits(&self, node: &NodeStatus) -> bool {
        self.0.iter().all(|term| {
            let reference = node.template_ref.as_ref();
            let value = match &*term.key {
                "displayName" => &node.display_name,
                "templateName" => &node.template_name,
                "templateRef.name" => reference.map_or("", |reference| &reference.name),
                "templateRef.template" => reference.map_or("", |reference| &reference.template),
                "phase" => node.phase.map_or("", NodePhase::as_str),
                "name" => &node.name,
                "id" => &node.id,
                key => input_value(key, node),
            };
            (value == &*term.value) == term.equals
        })
    }

    /// Means the nodes of which this field has this value.
    pub fn only(key: &str, value: &str) -> Self {
        Self(vec![Requirement {
            key: key.into(),
            equals: true,
            value: value.into(),
        }])
    }

    /// Means one of these nodes, by its ID, its name or the name that is shown; `None` if none of
    /// them is called so.
    pub fn of_node(nodes: &BTreeMap<String, NodeStatus>, wanted: &str) -> Option<Self> {
        let nodes = || nodes.values();
        nodes()
            .find(|node| node.id == wanted || node.name == wanted)
            .or_else(|| nodes().find(|node| node.display_name == wanted))
            .map(|node| Self::only("id", &node.id))
    }
}

fn input_value<'a>(key: &str, node: &'a NodeStatus) -> &'a str {
    let name = key
        .strip_prefix("inputs.parameters.")
        .and_then(|rest| rest.strip_suffix(".value"));
    let inputs = node.inputs.iter().flat_map(|inputs| &inputs.parameters);
    inputs
        .filter(|parameter| Some(parameter.name.as_str()) == name)
        .find_map(|parameter| parameter.value.as_ref())
        .map_or("", |value| value.as_str())
}

/// One term of a [`NodeSelector`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The field's path.
    pub key: Box<str>,
    /// Whether the value must or must not be this.
    pub equals: bool,
    /// The value.
    pub value: Box<str>,
}
