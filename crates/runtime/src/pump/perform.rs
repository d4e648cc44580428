//! Carrying out what turns asked for, once their commits are stored.

use argosy_api::NodePhase;
use argosy_engine::commit::Commit;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{ClaimSeen, Fact, ResultSeen, TaskSeen};
use argosy_engine::ids::RunId;
use argosy_engine::outbox::{self, Ticket};
use argosy_store::StoreError;

use super::{Observer, Pending, Pump, PumpError, now};
use crate::backend::Backend;
use crate::locks::LockOrder;
use crate::objects::{load_cache, save_cache};

/// What is gathered from several effects and done at once.
#[derive(Default)]
struct Gathered {
    forgotten: Vec<argosy_engine::ids::PodKey>,
    locks: Vec<LockOrder>,
    /// The run has ended.
    ended: bool,
}

impl Pump {
    /// A commit was answered.
    pub(super) fn committed(
        &mut self,
        commit: u64,
        result: Result<(), StoreError>,
    ) -> Result<(), PumpError> {
        match result {
            Ok(()) => self.committed = self.committed.max(commit),
            Err(error) => self.refused(commit, error)?,
        }
        Ok(())
    }

    /// Carries out all whose commits are stored, in order.
    pub(super) fn perform(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), StoreError> {
        while self
            .pending
            .front()
            .is_some_and(|pending| pending.commit <= self.committed)
        {
            if let Some(pending) = self.pending.pop_front() {
                self.perform_one(pending, backend, observer)?;
            }
        }
        Ok(())
    }

    fn perform_one(
        &mut self,
        pending: Pending,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), StoreError> {
        if !pending.requests.is_empty() {
            backend.create(pending.requests);
        }
        let Some(id) = pending.run else {
            return Ok(());
        };
        if let Some(run) = self.controller.run(id) {
            observer.changed(run, &pending.changed);
        }
        if pending.told_metrics {
            // One may have been refused, which the run is to know before it is let go.
            self.read_letters(id)?;
        }
        let mut gathered = Gathered::default();
        for (effect, ticket) in outbox::with_tickets(id, pending.outbox, pending.effects) {
            self.perform_effect(effect, ticket, &mut gathered, backend, observer);
        }
        if !gathered.forgotten.is_empty() {
            backend.forget(&gathered.forgotten);
        }
        if !gathered.locks.is_empty() {
            self.work_on_locks(gathered.locks)?;
        }
        if let Some(number) = pending.outbox {
            self.deliver(id, number, gathered.ended);
        }
        if pending.ended {
            backend.run_ended(id);
            self.release(id, observer);
        }
        Ok(())
    }

    fn perform_effect(
        &mut self,
        effect: Effect,
        ticket: Option<Ticket>,
        gathered: &mut Gathered,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) {
        match effect {
            Effect::StopPod { pod, grace_seconds } => backend.stop(pod, grace_seconds),
            Effect::ForgetPod { pod } => gathered.forgotten.push(pod),
            Effect::RunEnded => gathered.ended = true,
            Effect::AskLocks(request) => gathered.locks.push(LockOrder::Ask(*request)),
            Effect::ReleaseLocks(holder) => gathered.locks.push(LockOrder::Release(holder)),
            Effect::LoadCache {
                run,
                node,
                cache,
                key,
            } => {
                let namespace = self.namespace(run);
                let at = now();
                let seen = load_cache(&*self.store, &namespace, &cache, &key, at);
                self.controller.tell(at, run, Fact::CacheSeen(node, seen));
            }
            Effect::SaveCache {
                run,
                cache,
                key,
                entry,
            } => {
                let namespace = self.namespace(run);
                let saved = save_cache(&*self.store, &namespace, &cache, &key, &entry);
                if let Err(error) = saved {
                    observer.trouble(&error);
                }
            }
            Effect::RunTask(task) => {
                let key = task.key;
                if let Err(error) = backend.run_task(*task) {
                    let seen = TaskSeen {
                        phase: NodePhase::Error,
                        message: Some(error.into()),
                        outputs: ResultSeen::default(),
                        exit_code: None,
                    };
                    self.controller
                        .tell(now(), key.run, Fact::TaskSeen(key, seen));
                }
            }
            Effect::StopTask { task } => backend.stop_task(task),
            Effect::MakeClaim { run, claim } => {
                let name = claim.metadata.name.clone().unwrap_or_default();
                let seen = match backend.make_claim(*claim) {
                    Ok(()) => ClaimSeen::Made,
                    Err(error) => ClaimSeen::Refused(error.into()),
                };
                let fact = Fact::ClaimSeen(name.into(), seen);
                self.controller.tell(now(), run, fact);
            }
            Effect::DropClaim { name, .. } => backend.drop_claim(&name),
            Effect::Event(event) => observer.event(&event, ticket),
            // Pods were forgotten when their ends were committed, and nothing here moves one
            // elsewhere.
            Effect::DeletePod { .. } | Effect::MakeBudget { .. } | Effect::DropBudget { .. } => {}
            Effect::DeleteArtifacts(sweep) => observer.delete_artifacts(*sweep),
        }
    }

    /// Takes an entry out of a run's outbox. A run that has ended is let go once that is stored:
    /// whoever finds an entry takes the run over.
    fn deliver(&mut self, id: RunId, number: u64, ended: bool) {
        let commit = Commit {
            run: Some(id),
            delivered: vec![number],
            ..Commit::default()
        };
        let commit = self.submit(id, commit);
        self.pending.push_back(Pending {
            run: Some(id),
            ended,
            ..Pending::after(commit)
        });
    }

    fn namespace(&self, run: RunId) -> String {
        self.controller
            .run(run)
            .map_or_else(String::new, |run| run.definition().namespace().to_owned())
    }

    /// Gives up a run that has ended. One that was told something more in the meantime has its turn
    /// first: it may have been asked to run again.
    pub(super) fn release(&mut self, id: RunId, observer: &mut dyn Observer) {
        let Some(run) = self.controller.run(id) else {
            return;
        };
        if run.has_work() {
            self.ending.insert(id);
            return;
        }
        self.ending.remove(&id);
        if !run.is_over() {
            return;
        }
        if let Some(run) = self.controller.remove(id) {
            observer.ended(&run);
        }
        self.claims.remove(&id);
    }

    /// A commit was not stored. Another owner, or a deletion, takes the run from us; anything else
    /// is the store's failure.
    fn refused(&mut self, commit: u64, error: StoreError) -> Result<(), PumpError> {
        let lost = matches!(
            error,
            StoreError::Fenced { .. } | StoreError::RunMissing { .. }
        );
        if !lost {
            return Err(PumpError::Store(error));
        }
        self.committed = self.committed.max(commit);
        for pending in &mut self.pending {
            if pending.commit == commit {
                pending.effects.clear();
                pending.changed.clear();
                if let Some(run) = pending.run.take() {
                    self.controller.remove(run);
                    self.claims.remove(&run);
                }
            }
        }
        Ok(())
    }
}
