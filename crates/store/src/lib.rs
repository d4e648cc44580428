//! Durable state: runs, their nodes and logs, objects, commands, and the slots that owners of one data
//! directory share; behind the trait [`Store`], in SQLite or in memory.
//!
//! This crate moves rows and must never know what they mean: it reads no record, decides nothing
//! about a workflow, and looks at no clock to decide what is stored. It never puts a stored value
//! into an error text or a `Debug` output: Secrets and environments are kept here.

mod command;
mod error;
mod file_system;
mod lock;
mod memory;
mod object;
mod run;
mod slots;
mod sqlite;
mod store;

pub use command::{CommandId, CommandRow};
pub use error::StoreError;
pub use lock::{OwnerLock, RunLock, create_private, owner_lives};
pub use memory::{MemoryDisk, MemoryStore};
pub use object::{NewObject, ObjectKind, Precondition, StoredObject};
pub use run::{Claim, Environment, Epoch, NewRun, RunFilter, RunRow, StoredRun};
pub use slots::{OwnerId, SlotGrant, SlotOwner, SlotsStatus};
pub use sqlite::{FILE as DATABASE, LastSync, OpenOptions, SqliteStore, SyncPolicy, sync_to_disk};
pub use store::{Done, Durability, LetterOf, LockWork, Store};
