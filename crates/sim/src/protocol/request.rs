//! The requests, as they are written.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::explain::did_you_mean;
use super::values::{
    Artifacts, Labels, Manifest, Pairs, Scalar, Span, Time, count, keys, selector, truth,
};

/// One request.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "op",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Request {
    /// Keys of the controller's ConfigMap.
    Config {
        /// The keys with their values: texts, or what the texts would hold.
        #[serde(deserialize_with = "keys")]
        set: Map<String, Value>,
    },
    /// Keeps templates, ConfigMaps, Secrets, and Workflows with their status.
    Apply {
        /// The objects.
        yaml: Manifest,
    },
    /// Creates workflows.
    Submit {
        /// The workflows.
        yaml: Manifest,
        /// Values for their parameters.
        #[serde(default)]
        parameters: Pairs,
        /// Another entrypoint.
        #[serde(default)]
        entrypoint: Option<String>,
    },
    /// Does all that can be done at this instant.
    Settle {
        /// For this workflow only.
        #[serde(default)]
        workflow: Option<String>,
    },
    /// Moves the clock.
    Advance {
        /// By so much; parts of a second add up.
        #[serde(default)]
        seconds: Option<Span>,
        /// To this time.
        #[serde(default)]
        to: Option<Time>,
    },
    /// The time.
    Now {},
    /// The Pods.
    Pods {
        /// Of this workflow only.
        #[serde(default)]
        workflow: Option<String>,
        /// Those too that have ended.
        #[serde(default, deserialize_with = "truth")]
        all: bool,
    },
    /// What the cluster and the executor report of pods.
    Pod(Box<PodReport>),
    /// Deletes a pod.
    DeletePod {
        /// The pod's name, or its node's.
        name: String,
        /// Of this workflow.
        #[serde(default)]
        workflow: Option<String>,
    },
    /// Evicts a pod.
    EvictPod {
        /// The pod's name, or its node's.
        name: String,
        /// Of this workflow.
        #[serde(default)]
        workflow: Option<String>,
        /// The text of the eviction.
        #[serde(default)]
        message: Option<String>,
    },
    /// What a user asks.
    Act(Box<Act>),
    /// A workflow with its status.
    Get {
        /// Its name.
        workflow: String,
    },
    /// Objects of a kind.
    List {
        /// Which.
        kind: Kind,
    },
    /// A workflow's log.
    Facts {
        /// Its name.
        workflow: String,
    },
    /// Why a workflow or a node is where it is.
    Why {
        /// Its name.
        workflow: String,
        /// The node: its name, display name or ID.
        #[serde(default)]
        node: Option<String>,
    },
    /// Forgets all but what is stored, and starts again.
    Crash {
        /// In the middle of the next settling, after so many commits.
        #[serde(default, deserialize_with = "count")]
        at: Option<u64>,
    },
}

/// What a request `pod` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct PodReport {
    /// The pod's name, or its node's name, ID or display name.
    pub name: Option<String>,
    /// All live pods of which this holds.
    #[serde(rename = "where")]
    pub condition: Option<Condition>,
    /// Of this workflow.
    pub workflow: Option<String>,
    /// The phase that they enter.
    pub phase: Option<String>,
    /// The main container's exit code.
    pub exit_code: Option<Scalar>,
    /// `status.message`.
    pub message: Option<String>,
    /// `status.reason`.
    pub reason: Option<String>,
    /// `spec.nodeName`: the machine that it is on.
    pub node_name: Option<String>,
    /// What the executor reports.
    pub outputs: Option<ReportedOutputs>,
    /// A raw PodStatus, merged into what there is.
    pub status: Option<Map<String, Value>>,
}

/// Which pods are meant; what is not given is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// The pod's name; or the name, ID or display name of its node, or of the node whose attempt or
    /// item that is.
    #[serde(alias = "node")]
    pub name: Option<String>,
    /// The node's name, or that of the node whose attempt or item it is.
    pub node_name: Option<String>,
    /// The node's ID.
    #[serde(alias = "nodeID", alias = "id")]
    pub node_id: Option<String>,
    /// The node's display name, or that of the node whose attempt or item it is.
    pub display_name: Option<String>,
    /// The node's template.
    #[serde(alias = "templateName")]
    pub template: Option<String>,
    /// The workflow.
    pub workflow: Option<String>,
    /// The pod's phase; pods that have ended are meant only if it asks for them.
    pub phase: Option<String>,
    /// The workflow's namespace.
    pub namespace: Option<String>,
    /// The pod's labels.
    pub labels: Labels,
    /// Which of those of which all else holds, in order of creation, from 0.
    #[serde(deserialize_with = "count")]
    pub index: Option<u64>,
}

/// What an executor reports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedOutputs {
    /// Output parameters.
    pub parameters: Pairs,
    /// Output artifacts.
    pub artifacts: Artifacts,
    /// What the main container printed.
    pub result: Option<Scalar>,
    /// The main container's exit code.
    pub exit_code: Option<Scalar>,
    /// `N/M`.
    pub progress: Option<String>,
    /// Why outputs could not be collected.
    pub error: Option<String>,
    /// Whether nothing more will come; it is so if nothing is said.
    pub complete: Option<bool>,
}

/// What a request `act` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Act {
    /// What to do.
    pub verb: Verb,
    /// The workflow.
    pub workflow: String,
    /// Which nodes, as `--node-field-selector` says it.
    #[serde(default, deserialize_with = "selector")]
    pub selector: Option<String>,
    /// A message for them.
    #[serde(default)]
    pub message: Option<String>,
    /// The phase that they take.
    #[serde(default)]
    pub phase: Option<String>,
    /// Values for supplied outputs.
    #[serde(default)]
    pub output_parameters: Pairs,
    /// Other values for the workflow's parameters.
    #[serde(default)]
    pub parameters: Pairs,
    /// Restart nodes that succeeded too.
    #[serde(default, deserialize_with = "truth")]
    pub restart_successful: bool,
    /// Keep what succeeded.
    #[serde(default, deserialize_with = "truth")]
    pub memoized: bool,
    /// Restart from this node.
    #[serde(default)]
    pub from: Option<String>,
    /// Objects whose templates take the place of the workflow's.
    #[serde(default)]
    pub template_from: Option<Manifest>,
}

/// What a user can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Verb {
    /// `argo stop`.
    Stop,
    /// `argo terminate`.
    Terminate,
    /// `argo suspend`.
    Suspend,
    /// `argo resume`.
    Resume,
    /// `argo retry`.
    Retry,
    /// `argo resubmit`.
    Resubmit,
    /// `argo delete`.
    Delete,
    /// `argo node set`.
    Set,
}

impl TryFrom<String> for Verb {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut verbs = Self::ALL.into_iter();
        verbs.find(|verb| verb.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word);
            let meant = did_you_mean(&text, words);
            format!(
                "there is no verb {text:?}{meant}, expected one of {}",
                words.join(", ")
            )
        })
    }
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Stop,
        Self::Terminate,
        Self::Suspend,
        Self::Resume,
        Self::Retry,
        Self::Resubmit,
        Self::Delete,
        Self::Set,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Resubmit => "resubmit",
            Self::Delete => "delete",
            Self::Set => "set",
        }
    }
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Kind {
    /// The workflows with their status.
    Workflows,
    /// Kubernetes' events.
    Events,
    /// Metrics.
    Metrics,
    /// Who holds and waits for locks.
    Locks,
    /// What is memoized.
    Caches,
    /// When something will happen by itself.
    Timers,
    /// ConfigMaps.
    Configmaps,
    /// Claims of volumes.
    Pvcs,
    /// What executors have reported.
    Taskresults,
    /// What executors have to do.
    Executions,
    /// What agents have to do.
    Tasksets,
    /// Which artifacts are to be deleted.
    Artifactgctasks,
    /// Disruption budgets.
    Poddisruptionbudgets,
}

/// The words for kinds.
const KINDS: [(&str, Kind); 13] = [
    ("workflows", Kind::Workflows),
    ("events", Kind::Events),
    ("metrics", Kind::Metrics),
    ("locks", Kind::Locks),
    ("caches", Kind::Caches),
    ("timers", Kind::Timers),
    ("configmaps", Kind::Configmaps),
    ("pvcs", Kind::Pvcs),
    ("taskresults", Kind::Taskresults),
    ("executions", Kind::Executions),
    ("tasksets", Kind::Tasksets),
    ("artifactgctasks", Kind::Artifactgctasks),
    ("poddisruptionbudgets", Kind::Poddisruptionbudgets),
];

/// Other words for them.
const OTHER_KINDS: [(&str, Kind); 7] = [
    ("cms", Kind::Configmaps),
    ("claims", Kind::Pvcs),
    ("persistentvolumeclaims", Kind::Pvcs),
    ("workflowtaskresults", Kind::Taskresults),
    ("workflowtasksets", Kind::Tasksets),
    ("workflowartifactgctasks", Kind::Artifactgctasks),
    ("pdbs", Kind::Poddisruptionbudgets),
];

impl TryFrom<String> for Kind {
    type Error = String;

    /// As `kubectl` takes them: in capitals or not, one or several.
    fn try_from(text: String) -> Result<Self, String> {
        let word = text.to_lowercase();
        let is_word = |known: &str| word == known || word == known.trim_end_matches('s');
        let mut known = KINDS.into_iter().chain(OTHER_KINDS);
        known
            .find(|(known, _)| is_word(known))
            .map(|(_, kind)| kind)
            .ok_or_else(|| {
                let words = KINDS.map(|(known, _)| known);
                let meant = did_you_mean(&word, words);
                format!(
                    "there is no kind {text:?}{meant}, expected one of {}",
                    words.join(", ")
                )
            })
    }
}
