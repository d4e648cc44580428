//! The closed sets of words that status and workflow-level settings use.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! string_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every word of the set, in Argo's order.
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// The word as it stands in YAML and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the word; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::unknown_variant(&text, Self::WORDS))
            }
        }
    };
}

string_enum! {
    /// How far a node is. Argo: `NodePhase`.
    NodePhase {
        /// Waits to run.
        Pending = "Pending",
        /// Has begun.
        Running = "Running",
        /// Ended well.
        Succeeded = "Succeeded",
        /// Was left out because its `when` was false.
        Skipped = "Skipped",
        /// Ended with a fault of the user's command.
        Failed = "Failed",
        /// Ended with a fault outside the user's command.
        Error = "Error",
        /// Was left out because its `depends` can no longer hold.
        Omitted = "Omitted",
    }
}

string_enum! {
    /// How far a workflow is. Argo: `WorkflowPhase`.
    WorkflowPhase {
        /// Accepted, not begun.
        Pending = "Pending",
        /// Has begun.
        Running = "Running",
        /// Ended well.
        Succeeded = "Succeeded",
        /// Ended with a failure.
        Failed = "Failed",
        /// Ended with an error.
        Error = "Error",
    }
}

string_enum! {
    /// What a node stands for. Argo: `NodeType`.
    NodeType {
        /// A pod.
        Pod = "Pod",
        /// One container of a container set.
        Container = "Container",
        /// A `steps` template.
        Steps = "Steps",
        /// One group of parallel steps.
        StepGroup = "StepGroup",
        /// A `dag` template.
        DAG = "DAG",
        /// A loop in a `dag`.
        TaskGroup = "TaskGroup",
        /// The attempts of a retried node.
        Retry = "Retry",
        /// A node that was never run.
        Skipped = "Skipped",
        /// A `suspend` template.
        Suspend = "Suspend",
        /// An `http` template.
        HTTP = "HTTP",
        /// A `plugin` template.
        Plugin = "Plugin",
    }
}

string_enum! {
    /// What a template does. Argo: `TemplateType`.
    TemplateType {
        /// `container`.
        Container = "Container",
        /// `containerSet`.
        ContainerSet = "ContainerSet",
        /// `steps`.
        Steps = "Steps",
        /// `script`.
        Script = "Script",
        /// `resource`.
        Resource = "Resource",
        /// `dag`.
        DAG = "DAG",
        /// `suspend`.
        Suspend = "Suspend",
        /// `data`.
        Data = "Data",
        /// `http`.
        HTTP = "HTTP",
        /// `plugin`.
        Plugin = "Plugin",
    }
}

string_enum! {
    /// How a workflow is brought down. Argo: `ShutdownStrategy`.
    ShutdownStrategy {
        /// Ends the running steps; exit handlers still run.
        Stop = "Stop",
        /// Ends everything, exit handlers too.
        Terminate = "Terminate",
    }
}

string_enum! {
    /// When pods are removed. Argo: `PodGCStrategy`.
    PodGcStrategy {
        /// As each pod ends.
        OnPodCompletion = "OnPodCompletion",
        /// As each pod succeeds.
        OnPodSuccess = "OnPodSuccess",
        /// When the workflow ends.
        OnWorkflowCompletion = "OnWorkflowCompletion",
        /// When the workflow succeeds.
        OnWorkflowSuccess = "OnWorkflowSuccess",
    }
}

string_enum! {
    /// When volume claims are removed. Argo: `VolumeClaimGCStrategy`.
    VolumeClaimGcStrategy {
        /// When the workflow ends.
        OnWorkflowCompletion = "OnWorkflowCompletion",
        /// When the workflow succeeds.
        OnWorkflowSuccess = "OnWorkflowSuccess",
    }
}

string_enum! {
    /// Whether a cron schedule goes on. Argo: `CronWorkflowPhase`.
    CronWorkflowPhase {
        /// Fires when due.
        Active = "Active",
        /// Was ended by its stop strategy.
        Stopped = "Stopped",
    }
}

string_enum! {
    /// Where a template is looked up. Argo: `ResourceScope`.
    ResourceScope {
        /// In the workflow itself.
        Local = "local",
        /// In a WorkflowTemplate.
        Namespaced = "namespaced",
        /// In a ClusterWorkflowTemplate.
        Cluster = "cluster",
    }
}

impl NodePhase {
    /// Whether a node in this phase has ended, daemons aside.
    pub fn is_fulfilled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }

    /// Whether the phase is one of Argo's two bad ends.
    pub fn is_failed_or_error(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

impl WorkflowPhase {
    /// Whether a workflow in this phase has ended.
    pub fn is_completed(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Error)
    }
}
