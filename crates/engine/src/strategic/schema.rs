//! Which lists are merged, and by which key: the `patchStrategy` and `patchMergeKey` tags of
//! Kubernetes' and Argo's types.

/// The type that a map stands for. Only types with lists that are merged somewhere below them
/// have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// A type whose lists are all replaced. Argo's `ArtifactLocation` is one.
    Plain,
    /// Kubernetes' `PodSpec`.
    PodSpec,
    /// Kubernetes' `Container`, and what Argo makes of it.
    Container,
    /// Kubernetes' `Volume`.
    Volume,
    /// A claim template inside a volume or a workflow.
    Claim,
    /// Kubernetes' `ObjectMeta`.
    Metadata,
    /// Argo's `Workflow`.
    Workflow,
    /// Argo's `WorkflowSpec`.
    WorkflowSpec,
    /// Argo's `Template`.
    Template,
    /// Argo's `Inputs`, `Outputs` and `Arguments`.
    Arguments,
    /// Argo's `DAGTemplate`.
    Dag,
    /// Argo's `DAGTask`, and a hook.
    Call,
    /// A map of hooks by name.
    Hooks,
}

/// How a field is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A list is replaced, a map is merged by this schema.
    Plain(Schema),
    /// A list is merged: maps by their key, scalars as a set.
    List {
        key: Option<&'static str>,
        element: Schema,
    },
}

impl Field {
    /// The schema of the value, should it be a map.
    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Plain(schema) => schema,
            Self::List { .. } => Schema::Plain,
        }
    }
}

/// How the field of this name is merged in a map of this type.
pub(super) fn lookup(schema: Schema, name: &str) -> Field {
    use Schema::*;
    let by = |key: &'static str, element: Schema| Field::List {
        key: Some(key),
        element,
    };
    match (schema, name) {
        (PodSpec, "containers" | "initContainers" | "ephemeralContainers") => by("name", Container),
        (PodSpec | Template | WorkflowSpec, "volumes") => by("name", Volume),
        (PodSpec | WorkflowSpec, "imagePullSecrets") => by("name", Plain),
        (PodSpec, "resourceClaims" | "schedulingGates") => by("name", Plain),
        (PodSpec, "topologySpreadConstraints") => by("topologyKey", Plain),
        (PodSpec | Template | WorkflowSpec, "hostAliases") => by("ip", Plain),

        (Container, "env") => by("name", Plain),
        (Container, "ports") => by("containerPort", Plain),
        (Container, "volumeMounts") => by("mountPath", Plain),
        (Container, "volumeDevices") => by("devicePath", Plain),

        (Volume, "ephemeral") => Field::Plain(Volume),
        (Volume, "volumeClaimTemplate") => Field::Plain(Claim),
        (Claim | Workflow, "metadata") => Field::Plain(Metadata),
        (Metadata, "ownerReferences") => by("uid", Plain),
        (Metadata, "finalizers") => Field::List {
            key: None,
            element: Plain,
        },

        // Argo merges tolerations by their key, which Kubernetes replaces.
        (Template | WorkflowSpec, "tolerations") => by("key", Plain),
        (Template, "initContainers" | "sidecars") => by("name", Container),
        (Template, "container" | "script") => Field::Plain(Container),
        (Template, "inputs" | "outputs") => Field::Plain(Arguments),
        (Template, "dag") => Field::Plain(Dag),
        (Dag, "tasks") => by("name", Call),
        (Call, "inline") => Field::Plain(Template),
        (Call, "hooks") => Field::Plain(Hooks),
        (Call | WorkflowSpec, "arguments") => Field::Plain(Arguments),
        (Arguments, "parameters" | "artifacts") => by("name", Plain),
        (Hooks, _) => Field::Plain(Call),

        (Workflow, "spec") => Field::Plain(WorkflowSpec),
        (WorkflowSpec, "templates") => by("name", Template),
        (WorkflowSpec, "templateDefaults") => Field::Plain(Template),
        (WorkflowSpec, "hooks") => Field::Plain(Hooks),
        _ => Field::Plain(Plain),
    }
}
