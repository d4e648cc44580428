//! Drives the core's `Controller` with a virtual clock, simulated pods and stored rows. Everything
//! happens when it is told to, and the same calls give the same result.
//!
//! This crate must never read the time, start a thread or do I/O.

mod agents;
mod caches;
mod check;
mod cluster;
mod creation;
mod objects;
mod pods;
pub mod protocol;
pub mod random;
mod steering;
pub mod testing;
mod world;

pub use check::{check, check_adopted};
pub use pods::{Outcome, SimPod};
pub use world::{Halting, SimError, World};
