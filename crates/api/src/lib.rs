//! The objects that people write and read: Workflow, WorkflowTemplate, ClusterWorkflowTemplate,
//! CronWorkflow, WorkflowEventBinding, and their status, with the names and the JSON that
//! Argo Workflows v4.1 gives them; and the reading of YAML and JSON with positions.
//!
//! Types of the wire live here and nowhere else. This crate does no I/O, and decides nothing:
//! what a field means is the business of `argosy-engine`.

mod access;
mod artifact;
mod artifact_repository;
mod artifact_stores;
mod call;
mod container;
mod container_set;
mod cron;
mod data;
mod diagnostic;
mod enums;
mod event;
mod executor_plugin;
mod http;
pub mod labels;
mod location;
mod metrics;
mod nearest;
mod objects;
mod path;
pub mod paths;
mod print;
mod retry;
mod scope;
mod status;
mod steps;
mod synchronization;
mod task;
mod template;
mod typed;
mod value;
mod wire;
mod workflow;
mod yaml;

pub use access::MAIN_CONTAINER;
pub use artifact::*;
pub use artifact_repository::*;
pub use artifact_stores::*;
pub use call::*;
pub use container::*;
pub use container_set::*;
pub use cron::*;
pub use data::*;
pub use diagnostic::*;
pub use enums::*;
pub use event::*;
pub use executor_plugin::*;
pub use http::*;
pub use location::*;
pub use metrics::*;
pub use nearest::nearest;
pub use objects::*;
pub use path::*;
pub use print::convert_to_yaml;
pub use retry::*;
pub use scope::TemplateScope;
pub use status::*;
pub use steps::*;
pub use synchronization::*;
pub use task::*;
pub use template::*;
pub use typed::{Strictness, from_json, from_value, read_typed};
pub use value::*;
pub use workflow::*;
pub use yaml::{Document, Limits, Source, read_documents};

use wire::*;
