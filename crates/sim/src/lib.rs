//! Drives the core's `Controller` with a virtual clock, simulated pods and stored rows. Everything
//! happens when it is told to, and the same calls give the same result.
//!
//! This crate must never read the time, start a thread or do I/O.

mod caches;
mod check;
mod pods;
mod world;

pub use check::check;
pub use pods::Outcome;
pub use world::{SimError, World};
