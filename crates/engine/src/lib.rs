//! The core: what a workflow does next is decided here, by code with no I/O, no clock, no threads
//! and no randomness. It is told [`fact::Fact`]s and answers with [`effect::Effect`]s and a
//! [`commit::Commit`]; all else is a shell around it.
//!
//! This crate must never read a file, the environment or the time, start a thread, or hold a map
//! whose order is random.

pub mod cache;
pub mod collection;
pub mod commit;
pub mod config;
pub mod controller;
pub mod definition;
pub mod duration;
pub mod effect;
pub mod events;
pub mod fact;
pub mod go_json;
pub mod ids;
pub mod item;
pub mod locks;
pub mod log;
pub mod lower;
pub mod metrics;
pub mod names;
pub mod observe;
pub mod outbox;
pub mod plan;
mod printf;
pub mod repository;
pub mod resubmission;
pub mod revision;
pub mod run;
pub mod settings;
pub mod source;
pub mod strategic;
pub mod throttle;
pub mod timestamp;
pub mod validate;
