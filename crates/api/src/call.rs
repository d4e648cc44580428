//! What a step and a task of a DAG have in common: both call a template.

use std::collections::BTreeMap;

use crate::{
    Arguments, ContinueOn, DagTask, Item, LifecycleHook, Sequence, Template, TemplateRef,
    WorkflowStep,
};

/// A call of a template, wherever it stands. Argo: the interface `TemplateReferenceHolder`, and more.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// In a group of steps.
    Step(&'a WorkflowStep),
    /// In a DAG.
    Task(&'a DagTask),
}

macro_rules! shared {
    ($($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)?) => {
        impl<'a> Call<'a> { $(
            $(#[$doc])*
            pub fn $field(self) -> $type {
                match self {
                    Self::Step(step) => &step.$field,
                    Self::Task(task) => &task.$field,
                }
            }
        )+ }
    };
}

shared! {
    /// Its name.
    name: &'a str,
    /// Name of the template; empty if it comes another way.
    template: &'a str,
    /// Values for the template's inputs.
    arguments: &'a Arguments,
    /// Runs it once for each of these.
    with_items: &'a [Item],
    /// Runs it once for each element of this JSON list.
    with_param: &'a str,
    /// The condition without which it doesn't run.
    when: &'a str,
    /// The template to run at the end.
    on_exit: &'a str,
    /// Templates to run when something happens, by name.
    hooks: &'a BTreeMap<String, LifecycleHook>,
}

impl<'a> Call<'a> {
    /// The template itself, if it stands here.
    pub fn inline(self) -> Option<&'a Template> {
        match self {
            Self::Step(step) => step.inline.as_deref(),
            Self::Task(task) => task.inline.as_deref(),
        }
    }

    /// A template of a WorkflowTemplate instead.
    pub fn template_ref(self) -> Option<&'a TemplateRef> {
        match self {
            Self::Step(step) => step.template_ref.as_ref(),
            Self::Task(task) => task.template_ref.as_ref(),
        }
    }

    /// Runs it once for each number.
    pub fn with_sequence(self) -> Option<&'a Sequence> {
        match self {
            Self::Step(step) => step.with_sequence.as_ref(),
            Self::Task(task) => task.with_sequence.as_ref(),
        }
    }

    /// Which of its ends count as well enough to go on.
    pub fn continue_on(self) -> Option<&'a ContinueOn> {
        match self {
            Self::Step(step) => step.continue_on.as_ref(),
            Self::Task(task) => task.continue_on.as_ref(),
        }
    }

    /// Whether it is a loop. Argo: `ShouldExpand`.
    pub fn is_loop(self) -> bool {
        !self.with_items().is_empty()
            || !self.with_param().is_empty()
            || self.with_sequence().is_some()
    }
}

impl<'a> From<&'a WorkflowStep> for Call<'a> {
    fn from(step: &'a WorkflowStep) -> Self {
        Self::Step(step)
    }
}

impl<'a> From<&'a DagTask> for Call<'a> {
    fn from(task: &'a DagTask) -> Self {
        Self::Task(task)
    }
}
