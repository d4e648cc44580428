//! What the pump is told: by its backend, by the store, by other threads and by other processes.

use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argosy_engine::fact::{Fact, Letter};
use argosy_engine::ids::RunId;
use argosy_engine::locks::{LockHolder, LockSeen};
use argosy_store::{CommandId, CommandRow, StoreError};

use super::handle::Message;
use super::{MOST_COMMITS, Observer, POLL, Pump, PumpError, now};
use crate::backend::{Backend, BackendEvent};

impl Pump {
    pub(super) fn receive(
        &mut self,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        let busy = self.controller.has_work() && self.pending.len() < MOST_COMMITS;
        let wait = if busy {
            Duration::ZERO
        } else {
            self.time_to_wait()
        };
        match self.inbox.recv_timeout(wait) {
            Ok(message) => self.handle_message(message, backend, observer)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
        }
        while let Ok(message) = self.inbox.try_recv() {
            self.handle_message(message, backend, observer)?;
        }
        Ok(())
    }

    fn time_to_wait(&self) -> Duration {
        let due = self.controller.next_due().map_or(POLL, |due| {
            let due = UNIX_EPOCH + Duration::from_secs(due.0.max(0).unsigned_abs());
            due.duration_since(SystemTime::now()).unwrap_or_default()
        });
        due.min(POLL)
    }

    pub(super) fn handle_message(
        &mut self,
        message: Message,
        backend: &mut dyn Backend,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        match message {
            Message::Backend(events) => {
                for event in events {
                    self.backend_event(event, observer)?;
                }
            }
            Message::Committed(commit, result) => {
                self.committed(commit, result)?;
            }
            Message::Ask(run, command) => self.controller.tell(now(), run, Fact::Asked(command)),
            Message::Adopt(run) => {
                self.adopt(run, backend)?;
            }
            Message::Configure(settings) => self.configure(settings),
            Message::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn backend_event(
        &mut self,
        event: BackendEvent,
        observer: &mut dyn Observer,
    ) -> Result<(), PumpError> {
        match event {
            BackendEvent::PodSeen(pod, seen) => {
                self.controller
                    .tell(now(), pod.run, Fact::PodSeen(pod, seen));
            }
            BackendEvent::ResultSeen(pod, seen) => {
                self.controller
                    .tell(now(), pod.run, Fact::ResultSeen(pod, seen));
            }
            BackendEvent::TaskSeen(task, seen) => {
                self.controller
                    .tell(now(), task.run, Fact::TaskSeen(task, seen));
            }
            BackendEvent::Inventory(run, mut pods) => {
                // It may be older than what was asked for since.
                pods.extend(self.awaiting_pods.remove(&run).unwrap_or_default());
                self.controller.tell(now(), run, Fact::Inventory(pods));
            }
            BackendEvent::Slots(slots) => self.slots = slots,
            BackendEvent::Waiting(why) => observer.waiting(&why),
            BackendEvent::Trouble(pod, what) => {
                let run = self.controller.run(pod.run);
                let name = run.map(|run| run.name_at(pod.node.0));
                observer.trouble(&match name {
                    Some(name) => format!("{name}: {what}"),
                    None => what,
                });
            }
            BackendEvent::Broken(why) => return Err(PumpError::Backend(why)),
        }
        Ok(())
    }

    /// Reads what other processes ask.
    pub(super) fn read_commands(&mut self) -> Result<(), PumpError> {
        if self.claims.is_empty() {
            return Ok(());
        }
        loop {
            let rows = self.store.commands(None, self.last_command)?;
            // What is for a run that is not ours yet is read when that is taken over.
            let Some(last) = rows.last() else {
                return Ok(());
            };
            self.last_command = last.id;
            for row in rows {
                if self.claims.contains_key(&row.run) {
                    self.take_letter(row);
                }
            }
        }
    }

    /// Reads what waits for one run.
    pub(super) fn read_letters(&mut self, id: RunId) -> Result<(), StoreError> {
        let mut after = CommandId(0);
        loop {
            let rows = self.store.commands(Some(id), after)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            for row in rows {
                self.take_letter(row);
            }
        }
    }

    fn take_letter(&mut self, row: CommandRow) {
        let taken = self.taken.entry(row.run).or_insert(CommandId(0));
        if row.id <= *taken {
            return;
        }
        *taken = row.id;
        self.consumed.entry(row.run).or_default().push(row.id.0);
        // A letter that can't be read was checked by who wrote it; it is consumed unread.
        let fact = match serde_json::from_slice(&row.command) {
            Ok(Letter::Asked(command)) => Fact::Asked(command),
            // It may be older than what became of the lock since: the table tells.
            Ok(Letter::Lock {
                node,
                lock_seen: LockSeen::Granted(_),
            }) => {
                self.granted.insert(LockHolder { run: row.run, node });
                return;
            }
            Ok(Letter::Lock { node, lock_seen }) => {
                self.locks.answered(row.run, node);
                Fact::LockSeen(node, lock_seen)
            }
            Ok(Letter::Metric { metric_refused }) => Fact::MetricRefused(metric_refused),
            Err(_) => return,
        };
        self.controller.tell(now(), row.run, fact);
    }
}
