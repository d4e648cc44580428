//! A workflow, compiled: names resolved, templates merged with their defaults, texts cut at their
//! tags, `depends` turned into a graph with edges in both directions.
//!
//! A plan is a pure function of its [`Definition`](crate::definition::Definition), so that indices
//! into it can be stored.

mod call;
mod compile;
mod condition;
mod dag;
mod gates;
mod looping;
mod merge;
mod restrict;
mod retry;
mod template;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{TemplateScope, Workflow, WorkflowPhase};

pub use call::{ArgumentPlan, CallPlan, ContinueOn, HookPlan, Target};
pub use compile::{CompileError, compile};
pub(crate) use compile::{compile_after, compile_late};
pub use condition::{Condition, Read};
pub use dag::{DagPlan, TaskPlan};
pub use gates::{GatesPlan, LocksPlan, MemoizePlan};
pub use looping::LoopPlan;
pub use merge::stored_spec;
pub(crate) use merge::workflow_over;
pub use restrict::violation_by_change;
pub use retry::RetryPlan;
pub use template::{InputDefault, InputPlan, PlannedTemplate, StepsPlan, TemplateBody};
pub use text::{Text, pure_reference};

/// The place of a template in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateIndex(pub u32);

impl TemplateIndex {
    /// Stands where a node has no template: it ended before one was found.
    pub const NONE: Self = Self(u32::MAX);
}

/// Where a template stands, which is where the names in it are looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The workflow itself (or the WorkflowTemplate that its `workflowTemplateRef` names).
    Local,
    /// A WorkflowTemplate of the workflow's namespace.
    Namespaced(Arc<str>),
    /// A ClusterWorkflowTemplate.
    Cluster(Arc<str>),
}

impl Origin {
    /// A template that is kept.
    pub(crate) fn kept(scope: TemplateScope, name: Arc<str>) -> Self {
        match scope {
            TemplateScope::Namespaced => Self::Namespaced(name),
            TemplateScope::Cluster => Self::Cluster(name),
        }
    }
}

impl Origin {
    /// As `status.nodes.*.templateScope` shows it: `local/<workflow>`, `namespaced/<template>`.
    pub fn scope_text(&self, workflow_name: &str) -> String {
        match self {
            Self::Local => format!("local/{workflow_name}"),
            Self::Namespaced(name) => format!("namespaced/{name}"),
            Self::Cluster(name) => format!("cluster/{name}"),
        }
    }
}

/// A compiled workflow.
#[derive(Debug)]
pub struct Plan {
    /// The workflow as it is executed: its spec merged with that of its `workflowTemplateRef` and
    /// with the defaults, tags of global variables filled in outside of templates.
    pub workflow: Workflow,
    /// All templates that static references reach, inline ones included.
    pub templates: Vec<Arc<PlannedTemplate>>,
    /// Templates by where they stand and their name.
    pub(crate) names: BTreeMap<(Origin, Arc<str>), TemplateIndex>,
    /// The call of the entrypoint.
    pub entrypoint: Arc<CallPlan>,
    /// The call of the exit handler: `onExit`, else `hooks.exit`.
    pub on_exit: Option<HookPlan>,
    /// The other hooks of the workflow.
    pub hooks: Vec<HookPlan>,
    /// The workflow is not run at all: how it ends, and why.
    pub refusal: Option<(WorkflowPhase, String)>,
}

impl Plan {
    /// A plan of nothing: the workflow ends in this phase as soon as it begins.
    pub fn refused(workflow: &Workflow, phase: WorkflowPhase, message: String) -> Self {
        Self {
            workflow: workflow.clone(),
            templates: Vec::new(),
            names: BTreeMap::new(),
            entrypoint: Arc::new(CallPlan::missing(&message)),
            on_exit: None,
            hooks: Vec::new(),
            refusal: Some((phase, message)),
        }
    }

    /// The template at this place.
    pub fn template(&self, index: TemplateIndex) -> &Arc<PlannedTemplate> {
        &self.templates[index.0 as usize]
    }

    /// The template of this name at that place.
    pub fn find(&self, origin: &Origin, name: &str) -> Option<TemplateIndex> {
        self.names.get(&(origin.clone(), Arc::from(name))).copied()
    }
}
