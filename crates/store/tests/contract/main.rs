//! What every store keeps to, run on each of them. A crash is a store that is dropped, or whose
//! process is killed, and opened again.

mod commits;
mod crash;
mod locks;
mod metrics;
mod objects;
mod opening;
mod outbox;
mod runs;
mod slots;
mod world;
