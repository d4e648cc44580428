//! The pump over a store in memory, with backends of the tests' own.

mod inventory;
mod outbox;
mod place;
mod shared_locks;
