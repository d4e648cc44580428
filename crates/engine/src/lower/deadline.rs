//! How long a pod may run.

use argosy_api::Template;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::error::LowerError;

/// The times that bound a pod.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// The template's `activeDeadlineSeconds`.
    pub template: Option<i64>,
    /// What is left of the workflow's deadline; exit handlers don't heed it.
    pub workflow: Option<i64>,
    /// A debugging pause lifts both of the above.
    pub paused: bool,
}

impl Bounds {
    /// The smaller of the two. Argo makes no pod when the workflow's time is over.
    pub(super) fn active_deadline(self) -> Result<Option<i64>, LowerError> {
        if self.workflow.is_some_and(|left| left <= 0) {
            return Err(LowerError::WorkflowDeadlinePassed);
        }
        if self.paused {
            return Ok(None);
        }
        Ok(match (self.template, self.workflow) {
            (Some(template), Some(workflow)) => Some(template.min(workflow)),
            (template, workflow) => template.or(workflow),
        })
    }
}

/// The template's own `activeDeadlineSeconds`, which may be written as a text.
pub(super) fn of_template(template: &Template) -> Result<Option<i64>, LowerError> {
    match &template.active_deadline_seconds {
        None => Ok(None),
        Some(IntOrString::Int(seconds)) => Ok(Some(i64::from(*seconds))),
        Some(IntOrString::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| LowerError::NotANumber(text.clone())),
    }
}

/// Brings in what is left of the template's `timeout`.
///
/// Argo means to take the smaller of the two but compares the wrong way round, so that there the
/// timeout always wins, also over a shorter `activeDeadlineSeconds`.
pub(super) fn with_timeout(
    active_deadline: Option<i64>,
    timeout_left: Option<i64>,
    node_name: &str,
) -> Result<Option<i64>, LowerError> {
    let Some(left) = timeout_left else {
        return Ok(active_deadline);
    };
    if left <= 1 {
        return Err(LowerError::DeadlineExceeded(node_name.to_owned()));
    }
    Ok(Some(
        active_deadline.map_or(left, |deadline| deadline.min(left)),
    ))
}
