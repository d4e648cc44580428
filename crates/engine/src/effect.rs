//! What the core wants done. Effects are data; the runtime carries them out.

use std::sync::Arc;

use argosy_api::Template;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::{Deserialize, Serialize};

use crate::collection::ArtifactSweep;
use crate::events::Event;
use crate::ids::{NodeIndex, PodKey, RunId, Seconds};
use crate::locks::{LockHolder, LockRequest};

/// One thing to be done outside the core.
///
/// An effect is carried out only after the commit of the turn that gave it. Pods are not created by
/// effects: they are pulled, see `Controller::pull`.
///
/// [`Effect::is_kept`] tells which stand in the [outbox](crate::outbox) until they have been carried
/// out; only those have a form in which they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// End the pod's containers: by SIGTERM, and by SIGKILL once the grace has passed.
    #[serde(skip)]
    StopPod {
        /// The pod.
        pod: PodKey,
        /// Seconds between the two signals; 0 kills at once.
        grace_seconds: u32,
    },
    /// The pod's end is committed: nobody will ask for it again, and it may be forgotten.
    #[serde(skip)]
    ForgetPod {
        /// The pod.
        pod: PodKey,
    },
    /// The pod is to be gone by this time: its workflow's `podGC` says so, or another one is to take
    /// its name. A pod of another key that has the name by now is not meant.
    DeletePod {
        /// The pod.
        pod: PodKey,
        /// The pod's name: it may be known to nobody else any more.
        name: Box<str>,
        /// When it is to be deleted.
        at: Seconds,
    },
    /// Make a volume claim, or find that it is there. The answer is a
    /// [`Fact::ClaimSeen`](crate::fact::Fact::ClaimSeen).
    #[serde(skip)]
    MakeClaim {
        /// The run that asks.
        run: RunId,
        /// The claim.
        claim: Box<PersistentVolumeClaim>,
    },
    /// Delete a volume claim, also one that is protected because pods have used it.
    DropClaim {
        /// The run whose claim it is.
        run: RunId,
        /// The claim's name.
        name: Box<str>,
    },
    /// Have the run's pods protected from being moved.
    #[serde(skip)]
    MakeBudget {
        /// The run.
        run: RunId,
        /// The budget.
        budget: Box<PodDisruptionBudget>,
    },
    /// End that protection.
    DropBudget {
        /// The run.
        run: RunId,
        /// The budget's name.
        name: Box<str>,
    },
    /// Tell people of something.
    Event(Box<Event>),
    /// Delete the artifacts of an ended run.
    DeleteArtifacts(Box<ArtifactSweep>),
    /// The run has ended and its end is part of this turn's commit.
    RunEnded,
    /// Ask for locks. A controller that owns them keeps this to itself; one whose locks are shared
    /// hands it out.
    #[serde(skip)]
    AskLocks(Box<LockRequest>),
    /// A node, or the workflow, needs its locks no more.
    #[serde(skip)]
    ReleaseLocks(LockHolder),
    /// Look a key up in a cache. The answer is a [`Fact::CacheSeen`](crate::fact::Fact::CacheSeen).
    #[serde(skip)]
    LoadCache {
        /// The run that asks.
        run: RunId,
        /// The node that asks.
        node: NodeIndex,
        /// The cache's name: that of a ConfigMap.
        cache: Arc<str>,
        /// The key.
        key: Arc<str>,
    },
    /// Keep outputs in a cache.
    SaveCache {
        /// The run whose outputs they are.
        run: RunId,
        /// The cache's name.
        cache: Arc<str>,
        /// The key.
        key: Arc<str>,
        /// The JSON of a [`CacheEntry`](crate::cache::CacheEntry).
        entry: Arc<str>,
    },
    /// Have an agent carry out an `http` or `plugin` template.
    #[serde(skip)]
    RunTask(Box<TaskRequest>),
    /// The task's result is wanted no more.
    #[serde(skip)]
    StopTask {
        /// The task.
        task: PodKey,
    },
}

/// A task for an agent. It may be asked for again after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRequest {
    /// Which task this is.
    pub key: PodKey,
    /// The ID of its node, by which Argo's WorkflowTaskSet names it.
    pub node_id: Arc<str>,
    /// The workflow's namespace, where Secrets are looked for.
    pub namespace: Arc<str>,
    /// The template with every tag resolved.
    pub template: Template,
    /// The agent of the task's workflow.
    pub agent: Arc<AgentRequest>,
}

/// Who carries out the `http` and `plugin` templates of one workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRequest {
    /// The workflow's name.
    pub workflow_name: Box<str>,
    /// The workflow's UID.
    pub workflow_uid: Box<str>,
    /// The agent's pod, with the executor plugins in it; `None` where the controller's ConfigMap
    /// says that there is to be none.
    pub pod: Option<Pod>,
}

impl Effect {
    /// Whether nothing but the effect itself tells that it has to be carried out, so that it is
    /// stored with its turn. The others come again from the run's state and what is seen of the
    /// world: its pods, claims and tasks, and what it holds of locks.
    pub fn is_kept(&self) -> bool {
        match self {
            Self::DeletePod { .. }
            | Self::DropClaim { .. }
            | Self::DropBudget { .. }
            | Self::Event(_)
            | Self::DeleteArtifacts(_)
            | Self::RunEnded
            | Self::SaveCache { .. } => true,
            Self::StopPod { .. }
            | Self::ForgetPod { .. }
            | Self::MakeClaim { .. }
            | Self::MakeBudget { .. }
            | Self::AskLocks(_)
            | Self::ReleaseLocks(_)
            | Self::LoadCache { .. }
            | Self::RunTask(_)
            | Self::StopTask { .. } => false,
        }
    }
}

/// A step, lowered: everything that a backend needs to run it.
#[derive(Clone, Debug)]
pub struct PodRequest {
    /// Which pod this is.
    pub key: PodKey,
    /// The name of the node that it works for, for the `node-name` annotation and for people.
    pub node_name: Arc<str>,
    /// The pod.
    pub pod: Box<Pod>,
    /// What is to happen around the user's command.
    pub layout: Layout,
    /// Its work is done for the workflow once it is ready, though it runs on.
    pub daemon: bool,
}

/// What is to happen around the user's command.
#[derive(Clone, Debug)]
pub enum Layout {
    /// Nothing: the pod's containers are the user's, and its end is the step's.
    Bare,
    /// The executor stages inputs before the command and collects outputs after it.
    Supervised(Box<Supervision>),
}

/// What the executor needs to know.
#[derive(Clone, Debug)]
pub struct Supervision {
    /// The template with every tag resolved: its inputs' artifacts have locations, its outputs
    /// say what is to be collected and where artifacts go.
    pub template: Template,
    /// `outputs.result` is wanted.
    pub capture_result: bool,
    /// For a script: the source, and which of the main container's arguments names its file.
    pub script: Option<Script>,
    /// No attempt may run past this time, in seconds since the epoch (`ARGO_DEADLINE`).
    pub deadline: Option<i64>,
}

/// The file that a `script` template runs.
#[derive(Clone, Debug)]
pub struct Script {
    /// What stands in the file.
    pub source: String,
    /// The place among the main container's `args` of the file's path, which the lowered pod gives
    /// as `/argo/staging/script`; a backend without that directory puts its own path there.
    pub argument_index: usize,
}
