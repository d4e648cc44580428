//! Durable state: runs, their nodes, templates and other objects, commands, logs, slots.
//!
//! This crate moves rows and knows nothing of what they mean.
