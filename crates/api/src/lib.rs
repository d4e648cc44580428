//! The objects that people write and read: Workflow, WorkflowTemplate, ClusterWorkflowTemplate,
//! CronWorkflow, WorkflowEventBinding, and their status, with the names and the JSON that
//! Argo Workflows v4.1 gives them; and the reading of YAML and JSON with positions.
//!
//! Types of the wire live here and nowhere else. This crate does no I/O, and decides nothing:
//! what a field means is the business of `argosy-engine`.

mod artifact;
mod artifact_repository;
mod container_set;
mod cron;
mod data;
mod enums;
mod event;
mod http;
mod metrics;
mod retry;
mod status;
mod steps;
mod synchronization;
mod task;
mod template;
mod value;
mod workflow;

pub use artifact::*;
pub use artifact_repository::*;
pub use container_set::*;
pub use cron::*;
pub use data::*;
pub use enums::*;
pub use event::*;
pub use http::*;
pub use metrics::*;
pub use retry::*;
pub use status::*;
pub use steps::*;
pub use synchronization::*;
pub use task::*;
pub use template::*;
pub use value::*;
pub use workflow::*;

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero_i32(value: &i32) -> bool {
    *value == 0
}

fn is_zero_i64(value: &i64) -> bool {
    *value == 0
}
