//! The machine's slots, which all runners of a data directory share.
//!
//! Slots are held by the runner together with its keeper. They are taken when more pods wait than
//! slots are held, and given back when fewer are wanted or another runner waits below its share.
//! While nobody else wants any, a pod costs no call to the store.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use argosy_engine::fact::PodPhase;
use argosy_runtime::backend::BackendEvent;
use argosy_store::{SlotOwner, SlotsStatus, StoreError};

use super::Shared;
use crate::protocol::Order;

/// How often slots that were not to be had are asked for again, and others' wishes looked at.
const TICK: Duration = Duration::from_millis(50);

/// How long slots that nobody uses are kept: the next step often comes at once.
const KEEP: Duration = Duration::from_millis(500);

/// How long a pod waits for others' slots before people are told.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many pods are told what they wait for: the next ones to begin.
const MOST_TOLD: usize = 64;

/// What this runner's pods need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demand {
    /// Slots of all pods that wait or run.
    pub wanted: u32,
    /// Slots of those that run.
    pub used: u32,
    /// Slots that are held.
    pub held: u32,
    /// The most that the keeper uses, as it was told.
    limit: u32,
    /// What the keeper has answered to that.
    confirmed: Option<(u32, u32)>,
}

impl Demand {
    /// A new keeper knows nothing. Gives how many slots it may use.
    pub(super) fn begin_anew(&mut self) -> u32 {
        self.limit = self.held;
        self.confirmed = None;
        self.held
    }
}

impl Shared {
    /// Makes this runner one that takes slots, and sets how many there are. That number is the
    /// machine's: who gives none takes it as it is, unless nobody else is there.
    pub(super) fn register(&self) -> Result<(), StoreError> {
        let store = &self.config.store;
        store.register_owner(&self.owner)?;
        // Reclaims what the dead have held.
        store.acquire_slots(self.owner.id(), 0)?;
        let status = store.slots_status()?;
        let is_alone = status.owners.len() <= 1;
        if self.config.sets_total || is_alone || status.total == 0 {
            store.set_slots_total(self.config.slots)?;
        } else {
            self.slots.store(status.total, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(super) fn unregister(&self) {
        let is_idle = self.lock().demand.used == 0;
        if is_idle {
            // Otherwise the keeper goes on with them; they are free when it ends.
            let _ = self.config.store.unregister_owner(self.owner.id());
        }
    }

    /// A keeper has said how many slots it may use, and how many it does.
    pub(super) fn slots_told(&self, keeper: usize, limit: u32, used: u32) {
        let mut state = self.lock();
        if keeper == state.own {
            state.demand.confirmed = Some((limit, used));
            return;
        }
        let owner = state.owner_of(keeper);
        drop(state);
        if let Some(owner) = owner {
            // A store that fails is told by the pump's own writes; this is asked again.
            let _ = self.config.store.limit_slots(&owner, used);
        }
    }

    /// Asks keepers whose runners are dead to begin nothing more, and what they use: the rest of
    /// what they hold is nobody's. One whose runner lives does not answer.
    fn ask_orphans(&self, status: &SlotsStatus) {
        let mut state = self.lock();
        let own = state.own;
        for keeper in (0..state.keepers.len()).filter(|&keeper| keeper != own) {
            let owner = state.owner_of(keeper);
            let holds = |known: &SlotOwner| known.held > 0 && Some(&known.id) == owner.as_ref();
            if state.keepers[keeper].is_some() && status.owners.iter().any(holds) {
                state.order(keeper, &Order::Slots(0));
            }
        }
    }

    /// Takes slots and gives them back, until the end.
    pub(super) fn share_slots(self: &Arc<Self>) {
        let mut idle_since: Option<Instant> = None;
        let mut short_since: Option<Instant> = None;
        let mut told = String::new();
        loop {
            let demand = {
                let state = self.lock();
                let is_content = |state: &mut super::State| {
                    let demand = state.demand;
                    let enough = demand.wanted.min(self.slots()) <= demand.held;
                    enough && !state.is_closed
                };
                // What is short now is asked for after a pause, not at every change.
                let wait = if short_since.is_some() {
                    TICK
                } else {
                    TICK * 5
                };
                let waited = self
                    .demand_changed
                    .wait_timeout_while(state, wait, |state| {
                        if short_since.is_some() {
                            !state.is_closed
                        } else {
                            is_content(state)
                        }
                    });
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.is_closed {
                    return;
                }
                state.demand
            };
            // A store that fails is told by the pump's own writes.
            let Ok(status) = self.balance(demand, &mut idle_since) else {
                continue;
            };
            let demand = self.lock().demand;
            let is_short = demand.wanted.min(status.total) > demand.held;
            short_since = is_short.then(|| short_since.unwrap_or_else(Instant::now));
            let long = short_since.is_some_and(|since| since.elapsed() >= PATIENCE);
            let why = if long {
                holders(&status, self.owner.id())
            } else {
                String::new()
            };
            if why != told {
                told.clone_from(&why);
                self.tell_waiting(&why);
                self.sink.send(BackendEvent::Waiting(why));
            }
        }
    }

    /// Tells pods that wait what they wait for, as Kubernetes' scheduler does.
    fn tell_waiting(&self, why: &str) {
        if why.is_empty() {
            // Those that begin say so, and the others wait for this runner's own.
            return;
        }
        let state = self.lock();
        let waiting = state
            .pods
            .iter()
            .filter(|(_, known)| known.slots > 0 && known.state.is_none())
            .take(MOST_TOLD);
        let events = waiting.map(|(key, _)| {
            let mut seen = self.empty(PodPhase::Pending);
            seen.reason = Some("Unschedulable".into());
            seen.message = Some(why.into());
            BackendEvent::PodSeen(*key, seen)
        });
        // Under the lock, so that it is not told after a pod's beginning.
        self.sink.send_all(events.collect());
    }

    fn balance(
        &self,
        demand: Demand,
        idle_since: &mut Option<Instant>,
    ) -> Result<SlotsStatus, StoreError> {
        let store = &self.config.store;
        let mut held = demand.held;
        let short = demand.wanted.min(self.slots()).saturating_sub(held);
        if short > 0 {
            held += store.acquire_slots(self.owner.id(), short)?.granted;
        }
        let status = store.slots_status()?;
        // Another runner may have changed it.
        self.slots.store(status.total, Ordering::Relaxed);
        if demand.wanted.min(self.slots()) > held {
            self.ask_orphans(&status);
        }
        let others_wait = status.waiting().any(|other| other.id != *self.owner.id());
        *idle_since = (demand.wanted < held).then(|| idle_since.unwrap_or_else(Instant::now));
        let is_idle = idle_since.is_some_and(|since| since.elapsed() >= KEEP);
        let target = match (others_wait, is_idle) {
            (true, _) => held.min(demand.wanted).min(status.share()),
            (false, true) => held.min(demand.wanted),
            (false, false) => held,
        };
        let mut state = self.lock();
        state.demand.held = held;
        if state.demand.limit != target {
            state.demand.limit = target;
            state.demand.confirmed = None;
            let own = state.own;
            state.order(own, &Order::Slots(target));
        }
        // Given back is only what the keeper has said it does not use.
        let confirmed = state.demand.confirmed.filter(|(limit, _)| *limit == target);
        if held > target
            && let Some((_, used)) = confirmed
        {
            // A pod that is alone may use more than is held.
            let free = held.saturating_sub(target.max(used));
            state.demand.held -= free;
            if used > target {
                state.demand.confirmed = None;
                let own = state.own;
                state.order(own, &Order::Slots(target));
            }
            drop(state);
            if free > 0 {
                store.release_slots(self.owner.id(), free)?;
            }
        }
        Ok(status)
    }
}

/// Who has the slots that pods wait for.
fn holders(status: &SlotsStatus, me: &argosy_store::OwnerId) -> String {
    let others: Vec<String> = status
        .owners
        .iter()
        .filter(|owner| owner.id != *me && owner.held > 0)
        .map(|owner| {
            format!(
                "{} by the runner with process ID {}",
                owner.held, owner.process
            )
        })
        .collect();
    if others.is_empty() {
        return String::new();
    }
    let mine = status
        .owners
        .iter()
        .find(|owner| owner.id == *me)
        .map_or(0, |owner| owner.held);
    format!(
        "steps wait for slots: of {} this runner holds {mine}; held are {}",
        status.total,
        others.join(", ")
    )
}
