//! The seam between the program and what keeps its state.

use std::collections::BTreeSet;
use std::sync::mpsc;

use argosy_engine::commit::{Commit, NodeRow, ValueHash};
use argosy_engine::ids::{RunId, Seconds};
use argosy_engine::locks::{LockAnswer, LockSeed, LockTable};
use argosy_engine::metrics::Table;

use crate::command::{CommandId, CommandRow};
use crate::error::StoreError;
use crate::lock::OwnerLock;
use crate::object::{NewObject, ObjectKind, Precondition, StoredObject};
use crate::run::{Claim, Environment, Epoch, NewRun, RunFilter, RunRow, StoredRun};
use crate::slots::{OwnerId, SlotGrant, SlotsStatus};

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once it survives the death of the process.
    Process,
    /// Once it survives a power failure.
    Power,
}

/// Is told what came of a commit. Runs on a thread of the store's: it must be quick, must not panic
/// and must not wait for the store.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What is done with a part of the table of locks; gives what became of requests.
pub type LockWork<'a> = &'a mut dyn FnMut(&mut LockTable) -> Vec<LockAnswer>;

/// The letter by which the owner of a request's run is told what became of it, if it is told so.
pub type LetterOf<'a> = &'a dyn Fn(&LockAnswer) -> Option<Vec<u8>>;

/// Keeps runs and what belongs to them, shared by several owners.
///
/// Every call but [`submit`](Self::submit) waits until it is done. Callbacks get rows in order and
/// must not call the store: it may be locked, or in the middle of a read.
///
/// # Errors
/// Every call can fail because the database can't be read or written, which [`StoreError`] tells with
/// what was attempted; one about a run also because there is no such run. What else keeps a call from
/// being carried out stands with it.
#[expect(
    clippy::missing_errors_doc,
    reason = "the trait says what all calls have in common"
)]
pub trait Store: Send + Sync {
    // Runs

    /// Takes a run over; answered once it survives a power failure. Ids are never reused.
    fn create_run(&self, run: NewRun) -> Result<RunId, StoreError>;

    /// Takes a run over that is the caller's from the beginning: nobody else sees it unowned. As
    /// nobody is told that it was taken, the answer does not wait for the disk.
    fn create_claimed_run(&self, run: NewRun) -> Result<Claim, StoreError>;

    /// Removes a run with everything that belongs to it, and frees its name at once. `false` if
    /// there was none. Its owner, if any, learns of it by its next commit.
    fn delete_run(&self, run: RunId) -> Result<bool, StoreError>;

    /// The runs that are meant, the latest first.
    fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, StoreError>;

    /// Everything that the run depends on, as JSON.
    fn definition(&self, run: RunId) -> Result<Vec<u8>, StoreError>;

    /// Where and with what surroundings the run was submitted.
    fn environment(&self, run: RunId) -> Result<Environment, StoreError>;

    /// Runs that were to be deleted by this time, the oldest first; at most 1,000.
    fn expired_runs(&self, now: Seconds) -> Result<Vec<RunId>, StoreError>;

    // Ownership

    /// Takes the ownership of a run; `None` if another lives that has it.
    fn claim(&self, run: RunId) -> Result<Option<Claim>, StoreError>;

    /// Whether somebody lives who owns the run.
    fn is_owned(&self, run: RunId) -> Result<bool, StoreError>;

    /// Runs that have something left to do and that nobody owns, the oldest first; at most 1,000:
    /// those that are not completed, and those whose outbox is not empty.
    fn unowned_runs(&self) -> Result<Vec<RunId>, StoreError> {
        self.unowned_runs_besides(&|_| false)
    }

    /// The same, for somebody who knows that these are owned and need not be looked at.
    fn unowned_runs_besides(
        &self,
        are_owned: &dyn Fn(RunId) -> bool,
    ) -> Result<Vec<RunId>, StoreError>;

    // Commits

    /// Queues a commit, which is stored whole or not at all. Waits only while the queue is full.
    ///
    /// All that waits is stored in one transaction; a commit that is refused (fenced, or its run is
    /// gone) spoils none of the others. Commits are stored in the order in which they were
    /// submitted, and answered in that order among those of the same durability.
    ///
    /// Its observations enter the table of metrics in the same transaction; one that does not fit is
    /// told to the run by a [`Letter`](argosy_engine::fact::Letter) among its commands. With the
    /// commit that says that a run is completed, what the run kept moving stands still.
    fn submit(&self, epoch: Epoch, commit: Commit, durability: Durability, done: Done);

    /// [`submit`](Self::submit), and waits for the answer.
    fn commit(
        &self,
        epoch: Epoch,
        commit: Commit,
        durability: Durability,
    ) -> Result<(), StoreError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.submit(
            epoch,
            commit,
            durability,
            Box::new(move |result| drop(answer.send(result))),
        );
        answered.recv().unwrap_or(Err(StoreError::Closed))
    }

    // Reading a run

    /// A run and all of its nodes as they stand at one moment, in order of their index.
    fn load(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<StoredRun, StoreError>;

    /// All nodes of a run as they stand at one moment, in order of their index.
    fn read_nodes(&self, run: RunId, on_node: &mut dyn FnMut(NodeRow)) -> Result<(), StoreError>;

    /// One node's record.
    fn node(&self, run: RunId, index: u32) -> Result<Option<Vec<u8>>, StoreError>;

    /// One large value.
    fn value(&self, run: RunId, hash: ValueHash) -> Result<Option<String>, StoreError>;

    /// All large values of a run.
    fn values(
        &self,
        run: RunId,
        on_value: &mut dyn FnMut(ValueHash, String),
    ) -> Result<(), StoreError>;

    /// The run's log from a turn on: the turn's number, counted from 0, and its entry.
    fn log(
        &self,
        run: RunId,
        from: u64,
        on_entry: &mut dyn FnMut(u64, Vec<u8>),
    ) -> Result<(), StoreError>;

    /// What a run's turns asked to be done and nobody has said to be delivered: each entry with its
    /// number, in order.
    fn outbox(&self, run: RunId, on_entry: &mut dyn FnMut(u64, Vec<u8>)) -> Result<(), StoreError>;

    /// A number that differs from the last answer if anything was written in between, by whomever.
    /// It says nothing across stores and restarts.
    fn change_counter(&self) -> Result<u64, StoreError>;

    // Metrics

    /// The metrics that workflows have told of.
    fn metrics(&self) -> Result<Table, StoreError>;

    /// Drops metrics that nobody has told of for longer than this and that stand still.
    fn sweep_metrics(&self, now: Seconds, ttl_seconds: i64) -> Result<(), StoreError>;

    // Commands

    /// Puts a command before a run's owner; answered once it survives a power failure. A commit that
    /// names it among the consumed ones removes it.
    fn push_command(&self, run: RunId, command: Vec<u8>) -> Result<CommandId, StoreError>;

    /// Commands after the given one that wait, of one run or of all; at most 1,000.
    fn commands(&self, run: Option<RunId>, after: CommandId)
    -> Result<Vec<CommandRow>, StoreError>;

    // Objects

    /// Stores an object and gives its resource version; answered once it survives a power failure.
    fn put_object(&self, object: NewObject) -> Result<u64, StoreError>;

    /// One object.
    fn object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredObject>, StoreError>;

    /// The objects of a kind that have this name, by namespace; reads no others.
    fn objects_named(&self, kind: ObjectKind, name: &str) -> Result<Vec<StoredObject>, StoreError>;

    /// All objects of a kind, in one namespace or in all, by namespace and name.
    fn objects(
        &self,
        kind: ObjectKind,
        namespace: Option<&str>,
        on_object: &mut dyn FnMut(StoredObject),
    ) -> Result<(), StoreError>;

    /// Removes an object; `false` if there was none. Answered once that survives a power failure.
    fn delete_object(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
        precondition: Precondition,
    ) -> Result<bool, StoreError>;

    // Slots

    /// Sets how many slots the owners share.
    fn set_slots_total(&self, total: u32) -> Result<(), StoreError>;

    /// Lets the owner of this lock take slots. They stay its own until every process that holds the
    /// lock is dead.
    fn register_owner(&self, lock: &OwnerLock) -> Result<(), StoreError>;

    /// Takes an owner out, with all that it holds.
    fn unregister_owner(&self, owner: &OwnerId) -> Result<(), StoreError>;

    /// Asks for slots. What is not granted is remembered as wanted, until the next call says
    /// otherwise; the caller asks again later. Slots of dead owners are taken back here.
    fn acquire_slots(&self, owner: &OwnerId, want: u32) -> Result<SlotGrant, StoreError>;

    /// Gives slots back, at most as many as are held.
    fn release_slots(&self, owner: &OwnerId, count: u32) -> Result<(), StoreError>;

    /// Gives back what an owner holds beyond so many slots. Whoever finds its runner dead may.
    fn limit_slots(&self, owner: &OwnerId, most: u32) -> Result<(), StoreError>;

    /// Who holds how many slots, and who waits.
    fn slots_status(&self) -> Result<SlotsStatus, StoreError>;

    // Locks

    /// Works on the locks that all owners share, in one transaction: on what the seeds reach, with
    /// the first of those who wait for each lock. Of a lock's holders `work` may see no more than
    /// some names and their number, so whoever asks or gives back must be among the seeds. Answers
    /// what `work` answered, and what came of those who waited next.
    ///
    /// A crash may lose it; a run's own state says what it holds. Completed runs hold nothing: what
    /// one left in the table when its owner died is given up first.
    ///
    /// What `letter_of` gives for an answer is put before the owner of its run as a command, in the
    /// same transaction: who works on locks may die before it tells what came of it.
    fn with_locks(
        &self,
        seeds: &BTreeSet<LockSeed>,
        work: LockWork<'_>,
        letter_of: LetterOf<'_>,
    ) -> Result<Vec<LockAnswer>, StoreError>;
}
