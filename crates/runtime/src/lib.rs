//! The pump: takes the outputs of the core's `Controller` to the store and the backend, and brings
//! their answers back as facts. Defines what a backend is.
//!
//! This crate decides nothing about workflows, and holds no state that the store does not.

pub mod backend;
#[cfg(feature = "contract")]
pub mod contract;
mod limits;
mod locks;
mod objects;
mod options;
mod pump;
pub mod sync_limit;

pub use options::{RunOptions, Sync};
pub use pump::{Finish, Handle, NoObserver, Observer, Pump, PumpError, Until};
