//! A compiled template.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::{NodeType, Template, TemplateType};

use super::{CallPlan, DagPlan, GatesPlan, Origin, RetryPlan, TemplateIndex, Text};

/// A template, merged with its defaults.
#[derive(Debug)]
pub struct PlannedTemplate {
    /// Its place in the plan.
    pub index: TemplateIndex,
    /// Its name; empty for one written in place.
    pub name: Arc<str>,
    /// Where it stands.
    pub origin: Origin,
    /// The template itself.
    pub template: Arc<Template>,
    /// What it does; `None` if it says nothing.
    pub kind: Option<TemplateType>,
    /// Its input parameters.
    pub inputs: Vec<InputPlan>,
    /// Its retry strategy, or the workflow's.
    pub retry: Option<RetryPlan>,
    /// What its nodes ask for before they begin.
    pub gates: GatesPlan,
    /// What it does, compiled.
    pub body: TemplateBody,
}

/// One input parameter of a template.
#[derive(Clone, Debug)]
pub struct InputPlan {
    /// Its name.
    pub name: Arc<str>,
    /// What it takes when no argument is given.
    pub default: InputDefault,
}

/// What an input parameter takes when no argument is given.
#[derive(Clone, Debug)]
pub enum InputDefault {
    /// Nothing: an argument must be given.
    None,
    /// This value: `value`, else `default`.
    Value(Text),
    /// A key of a ConfigMap, and what to take if it isn't there.
    ConfigMap {
        /// The ConfigMap's name.
        name: Text,
        /// The key.
        key: Text,
        /// `valueFrom.default`.
        default: Option<Arc<str>>,
    },
    /// Some other source that is left to whoever runs the template.
    Other,
}

/// What a template does.
#[derive(Debug)]
pub enum TemplateBody {
    /// A pod: `container`, `script`, `containerSet`, `resource`, `data`.
    Pod,
    /// `steps`.
    Steps(StepsPlan),
    /// `dag`.
    Dag(DagPlan),
    /// Steps or a DAG whose structure has tags (`depends`, `target`): compiled anew for each node,
    /// once its inputs are known.
    Late,
    /// `suspend`, and for how long.
    Suspend {
        /// `suspend.duration`; empty for no end.
        duration: Text,
    },
    /// A kind that needs an agent: `http`, `plugin`.
    Agent,
    /// The template says nothing of what it does.
    Nothing,
}

/// A compiled `steps` template.
#[derive(Debug)]
pub struct StepsPlan {
    /// Groups that run one after the other, of steps that run side by side.
    pub groups: Vec<Vec<Arc<CallPlan>>>,
    /// Where the step of a name stands: group and place in it.
    pub by_name: BTreeMap<Arc<str>, (u32, u32)>,
    /// The steps whose hooks speak of another step of their group, by that one: group and places.
    pub watchers: BTreeMap<(u32, u32), Vec<u32>>,
}

impl PlannedTemplate {
    /// The plan of its steps, if that is what it has.
    pub fn steps(&self) -> Option<&StepsPlan> {
        match &self.body {
            TemplateBody::Steps(plan) => Some(plan),
            _ => None,
        }
    }

    /// The plan of its DAG, if that is what it has.
    pub fn dag(&self) -> Option<&DagPlan> {
        match &self.body {
            TemplateBody::Dag(plan) => Some(plan),
            _ => None,
        }
    }

    /// Whether nodes of it are pods.
    pub fn is_pod(&self) -> bool {
        matches!(self.body, TemplateBody::Pod)
    }

    /// What a node of it is shown as while it is tried once; what is tried again is a `Retry` around
    /// such nodes.
    pub fn node_type(&self) -> NodeType {
        match self.kind {
            Some(TemplateType::Steps) => NodeType::Steps,
            Some(TemplateType::DAG) => NodeType::DAG,
            Some(TemplateType::Suspend) => NodeType::Suspend,
            Some(TemplateType::HTTP) => NodeType::HTTP,
            Some(TemplateType::Plugin) => NodeType::Plugin,
            None => NodeType::Skipped,
            Some(
                TemplateType::Container
                | TemplateType::ContainerSet
                | TemplateType::Script
                | TemplateType::Resource
                | TemplateType::Data,
            ) => NodeType::Pod,
        }
    }

    /// Whether its pods serve others and are ended with the template around them.
    pub fn is_daemon(&self) -> bool {
        self.template.daemon == Some(true)
    }
}
