//! Carrying out what turns asked for, once their commits are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use argosy_api::NodePhase;
use argosy_engine::commit::Commit;
use argosy_engine::effect::Effect;
use argosy_engine::fact::{ClaimSeen, Fact, ResultSeen, TaskSeen};
use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use argosy_engine::outbox::{self, Ticket};
use argosy_store::StoreError;

use super::{Observer, Pending, Pump, PumpError, now};
use crate::backend::Backend;
use crate::locks::LockOrder;
use crate::objects::{Entry, load_cache, save_cache};

/// What is gathered from several effects and done at once.
#[derive(Default)]
struct Gathered {
    forgotten: Vec<PodKey>,
    locks: Vec<LockOrder>,
    /// What is to be kept, by the name of the cache.
    saves: BTreeMap<Arc<str>, Vec<Entry>>,
    /// What is looked up, and by which nodes.
    loads: BTreeMap<Arc<str>, Vec<(NodeIndex, Arc<str>)>>,
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
        self.work_on_caches(id, gathered.saves, gathered.loads, observer);
        if let Some(number) = pending.outbox {
            self.deliver(id, number, gathered.ended);
        }
        if pending.ended {
            self.release(id, backend, observer);
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
                node, cache, key, ..
            } => gathered.loads.entry(cache).or_default().push((node, key)),
            Effect::SaveCache {
                cache, key, entry, ..
            } => gathered.saves.entry(cache).or_default().push((key, entry)),
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
            Effect::DropClaim { run, name } => {
                backend.drop_claim(&self.namespace(run), &name);
            }
            Effect::Event(event) => observer.event(&event, ticket),
            // Pods were forgotten when their ends were committed, and nothing here moves one
            // elsewhere.
            Effect::DeletePod { .. } | Effect::MakeBudget { .. } | Effect::DropBudget { .. } => {}
            Effect::DeleteArtifacts(sweep) => observer.delete_artifacts(*sweep),
        }
    }

    /// Keeps what a turn gave to caches, and looks up what it wants of them.
    fn work_on_caches(
        &mut self,
        id: RunId,
        saves: BTreeMap<Arc<str>, Vec<Entry>>,
        loads: BTreeMap<Arc<str>, Vec<(NodeIndex, Arc<str>)>>,
        observer: &mut dyn Observer,
    ) {
        if saves.is_empty() && loads.is_empty() {
            return;
        }
        let namespace = self.namespace(id);
        for (cache, entries) in saves {
            if let Err(error) = save_cache(&*self.store, &namespace, &cache, &entries) {
                observer.trouble(&error);
            }
        }
        let at = now();
        for (cache, asked) in loads {
            let (nodes, keys): (Vec<NodeIndex>, Vec<Arc<str>>) = asked.into_iter().unzip();
            let found = load_cache(&*self.store, &namespace, &cache, &keys, at);
            for (node, seen) in nodes.into_iter().zip(found) {
                self.controller.tell(at, id, Fact::CacheSeen(node, seen));
            }
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

    /// Gives up a run that has ended, once all that it asked for is done and its pods are known to be
    /// gone. One that was told something more in the meantime has its turn first: it may have been
    /// asked to run again.
    pub(super) fn release(
        &mut self,
        id: RunId,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) {
        let Some(run) = self.controller.run(id) else {
            return;
        };
        let busy = run.has_work()
            || self.awaiting_pods.contains_key(&id)
            || self.pending.iter().any(|pending| pending.run == Some(id));
        if busy {
            self.ending.insert(id);
            return;
        }
        self.ending.remove(&id);
        if !run.is_over() {
            return;
        }
        // While the run is ours: its next owner may have it run again.
        backend.run_ended(id);
        if let Some(run) = self.controller.remove(id) {
            observer.ended(&run);
        }
        self.let_go(id);
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
        let mut lost = Vec::new();
        for pending in &mut self.pending {
            if pending.commit == commit {
                pending.effects.clear();
                pending.changed.clear();
                lost.extend(pending.run.take());
            }
        }
        for run in lost {
            self.controller.remove(run);
            self.let_go(run);
            self.awaiting_pods.remove(&run);
        }
        Ok(())
    }
}
