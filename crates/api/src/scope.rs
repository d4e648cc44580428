//! Who may refer to a template that is kept.

use crate::{TemplateRef, WorkflowTemplateRef, labels};

/// Who may refer to a template that is kept: a WorkflowTemplate of a namespace, or a
/// ClusterWorkflowTemplate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TemplateScope {
    /// What stands in the same namespace.
    Namespaced,
    /// All.
    Cluster,
}

impl TemplateScope {
    /// The kind of such an object.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Namespaced => "WorkflowTemplate",
            Self::Cluster => "ClusterWorkflowTemplate",
        }
    }

    /// Kubernetes' name for all such objects, without the group.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Namespaced => "workflowtemplates",
            Self::Cluster => "clusterworkflowtemplates",
        }
    }

    /// The label of a workflow that names such an object which it is made from.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Namespaced => labels::WORKFLOW_TEMPLATE,
            Self::Cluster => labels::CLUSTER_WORKFLOW_TEMPLATE,
        }
    }

    const fn of(cluster_scope: bool) -> Self {
        match cluster_scope {
            true => Self::Cluster,
            false => Self::Namespaced,
        }
    }
}

impl TemplateRef {
    /// Where the template is looked for.
    pub fn scope(&self) -> TemplateScope {
        TemplateScope::of(self.cluster_scope)
    }
}

impl WorkflowTemplateRef {
    /// Names an object.
    pub fn new(scope: TemplateScope, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster_scope: scope == TemplateScope::Cluster,
        }
    }

    /// Where the object is looked for.
    pub fn scope(&self) -> TemplateScope {
        TemplateScope::of(self.cluster_scope)
    }
}
