//! Events that tell people of a workflow's course, as Kubernetes shows them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::RunId;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The run that it is of.
    pub run: RunId,
    /// The pod that it is about; the workflow if `None`.
    pub pod: Option<Box<str>>,
    /// Whether it tells of something bad.
    pub warning: bool,
    /// The machine word for what happened.
    pub reason: Box<str>,
    /// What happened.
    pub message: Box<str>,
    /// The event's annotations.
    pub annotations: Vec<(Cow<'static, str>, Box<str>)>,
}
