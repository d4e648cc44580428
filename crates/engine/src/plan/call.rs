//! What a step, a task or a hook says: which template to run, with which arguments, and when.

use std::sync::Arc;

use argosy_api::{Artifact, Template, TemplateRef, TemplateScope, ValueFrom};

use super::{Condition, LoopPlan, TemplateIndex, Text};

/// One call of a template.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The name of the step, task or hook. Empty for the entrypoint.
    pub name: Arc<str>,
    /// Which template.
    pub target: Target,
    /// What `status` shows as `templateName`: as it was written.
    pub template_name: Arc<str>,
    /// What `status` shows as `templateRef`.
    pub template_ref: Option<TemplateRef>,
    /// The template, if it was written in place.
    pub inline: Option<Arc<Template>>,
    /// Arguments for parameters.
    pub parameters: Vec<ArgumentPlan>,
    /// Arguments for artifacts.
    pub artifacts: Vec<Artifact>,
    /// Whether any text in `artifacts` has tags.
    pub artifacts_tagged: bool,
    /// The condition.
    pub when: Option<Text>,
    /// What it loops over.
    pub looping: Option<LoopPlan>,
    /// Which bad ends don't count.
    pub continue_on: ContinueOn,
    /// The hooks other than `exit`.
    pub hooks: Vec<HookPlan>,
    /// `onExit`, else `hooks.exit`.
    pub exit: Option<Box<HookPlan>>,
    /// Whether a text of the template around it refers to its `outputs.result`.
    pub wants_result: bool,
}

/// Which template is called.
#[derive(Clone, Debug)]
pub enum Target {
    /// This one.
    Static(TemplateIndex),
    /// The one whose name results when the call is made.
    Dynamic {
        /// `template`.
        template: Text,
        /// `templateRef.name`, and where that is looked for.
        reference: Option<(TemplateScope, Text)>,
    },
    /// None of that name; the error stands here.
    Missing(Arc<str>),
}

/// One argument for a parameter.
#[derive(Clone, Debug)]
pub struct ArgumentPlan {
    /// The parameter's name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Option<Text>,
    /// Where its value comes from, if none is given.
    pub value_from: Option<ValueFrom>,
}

/// Which bad ends of a step or task don't count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContinueOn {
    /// `continueOn.error`.
    pub error: bool,
    /// `continueOn.failed`.
    pub failed: bool,
}

/// A lifecycle hook.
#[derive(Clone, Debug)]
pub struct HookPlan {
    /// The template and its arguments; `name` is the hook's.
    pub call: Arc<CallPlan>,
    /// The condition. `exit` hooks may have none.
    pub expression: Option<Condition>,
}

impl CallPlan {
    /// The call of a template that is not there.
    pub(super) fn missing(error: &str) -> Self {
        Self {
            name: Arc::from(""),
            target: Target::Missing(Arc::from(error)),
            template_name: Arc::from(""),
            template_ref: None,
            inline: None,
            parameters: Vec::new(),
            artifacts: Vec::new(),
            artifacts_tagged: false,
            when: None,
            looping: None,
            continue_on: ContinueOn::default(),
            hooks: Vec::new(),
            exit: None,
            wants_result: false,
        }
    }
}
