//! What the backend knows of keepers and pods.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use argosy_engine::ids::{PodKey, RunId};
use argosy_runtime::backend::BackendEvent;
use argosy_store::OwnerId;

use super::connection::Connection;
use super::kept::Kept;
use super::slots::Demand;
use crate::Surroundings;
use crate::protocol::{Order, PodState, pods_of};

/// How many pods beyond the slots are kept ready, so that the keeper never waits for the runner: as
/// many as ended within a second, since on a busy machine an answer may take a good part of one.
const LEAST_AHEAD: u32 = 64;
const MOST_AHEAD: u32 = 2_048;
const WINDOW: Duration = Duration::from_secs(1);

/// How fast pods end.
#[derive(Default)]
pub(super) struct Pace {
    since: Option<Instant>,
    ended: u32,
    before: u32,
}

impl Pace {
    fn count(&mut self) {
        let since = self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= WINDOW {
            *since = Instant::now();
            self.before = self.ended;
            self.ended = 0;
        }
        self.ended += 1;
    }

    fn look_ahead(&self) -> u32 {
        self.ended.max(self.before).clamp(LEAST_AHEAD, MOST_AHEAD)
    }
}

#[derive(Default)]
pub(super) struct State {
    /// The connections to keepers.
    pub keepers: Vec<Option<Connection>>,
    /// The place of the runner's own.
    pub own: usize,
    /// When the runner's own have died of late.
    pub deaths: Vec<Instant>,
    /// Keepers that are connected, by their sockets.
    pub sockets: BTreeMap<PathBuf, usize>,
    /// Which keeper has which pod.
    pub pods: BTreeMap<PodKey, Known>,
    pub surroundings: BTreeMap<RunId, Arc<Surroundings>>,
    /// Pods that the keeper of this runner has, waiting or running, and that take slots.
    pub load: u32,
    pub announced: u32,
    pub pace: Pace,
    pub demand: Demand,
    /// Runs whose inventory is wanted, and the keepers that have yet to answer.
    pub inventories: BTreeMap<RunId, BTreeSet<usize>>,
    /// Runs that another runner has begun.
    pub taken_over: BTreeSet<RunId>,
    /// Keepers are being connected to for an inventory.
    pub is_reaching: bool,
    pub is_closed: bool,
}

/// What is known of a pod.
pub(super) struct Known {
    pub keeper: usize,
    /// Slots that it takes of this runner's.
    pub slots: u32,
    /// The keeper has been told of it.
    pub is_handed_over: bool,
    /// Whether it has begun.
    pub is_running: bool,
    /// What is needed to watch and to finish it; none for a bare pod without more.
    pub kept: Option<Arc<Kept>>,
    /// Containers that answer to their probes.
    pub ready: BTreeSet<Box<str>>,
    pub state: Option<PodState>,
}

impl State {
    /// Takes a pod in; `false` if it is known.
    pub(super) fn begin(&mut self, key: PodKey, slots: u32) -> bool {
        if self.pods.contains_key(&key) {
            return false;
        }
        self.load += 1;
        self.demand.wanted += slots;
        self.pods.insert(
            key,
            Known {
                keeper: self.own,
                slots,
                is_handed_over: false,
                is_running: false,
                kept: None,
                ready: BTreeSet::new(),
                state: None,
            },
        );
        true
    }

    /// A pod takes slots no more.
    pub(super) fn end(&mut self, key: PodKey) {
        let Some(known) = self.pods.get_mut(&key) else {
            return;
        };
        let slots = std::mem::take(&mut known.slots);
        if slots == 0 {
            return;
        }
        self.load = self.load.saturating_sub(1);
        self.pace.count();
        self.demand.wanted = self.demand.wanted.saturating_sub(slots);
        if known.is_running {
            self.demand.used = self.demand.used.saturating_sub(slots);
        }
    }

    /// How many more pods would be taken, if that has become more.
    pub(super) fn room(&mut self, slots: u32) -> Option<BackendEvent> {
        let room = (slots + self.pace.look_ahead()).saturating_sub(self.load);
        let more = room > self.announced;
        if more {
            self.announced = room;
        }
        more.then_some(BackendEvent::Slots(room))
    }

    /// Adds a connection to a keeper.
    pub(super) fn know(&mut self, socket: &Path, connection: Connection) -> usize {
        let place = self.keepers.len();
        self.keepers.push(Some(connection));
        self.sockets.insert(socket.to_owned(), place);
        place
    }

    /// Who holds the slots that a keeper uses: its socket is named for it.
    pub(super) fn owner_of(&self, keeper: usize) -> Option<OwnerId> {
        let mut sockets = self.sockets.iter();
        let (socket, _) = sockets.find(|(_, place)| **place == keeper)?;
        let name = socket.file_name()?.to_str()?;
        OwnerId::parse(name.split_once('.')?.0)
    }

    /// The runner's own keeper.
    pub(super) fn own_keeper(&mut self) -> Option<&mut Connection> {
        self.keepers.get_mut(self.own)?.as_mut()
    }

    pub(super) fn order(&mut self, keeper: usize, order: &Order) {
        if let Some(Some(connection)) = self.keepers.get_mut(keeper) {
            connection.send(std::slice::from_ref(order));
        }
    }

    /// Forgets all pods of a run, and has their keepers forget them. Gives which they were.
    pub(super) fn discard(&mut self, run: RunId) -> Vec<PodKey> {
        let pods = self.pods.range(pods_of(run));
        let keys: Vec<PodKey> = pods.map(|(key, _)| *key).collect();
        let mut keepers = BTreeSet::new();
        for key in &keys {
            self.end(*key);
            keepers.extend(self.pods.remove(key).map(|known| known.keeper));
        }
        for keeper in keepers {
            self.order(keeper, &Order::Discard(run));
            self.leave_if_done(keeper);
        }
        keys
    }

    /// Leaves the keeper of an earlier runner once all that it held has been taken over.
    pub(super) fn leave_if_done(&mut self, keeper: usize) {
        let is_wanted = keeper == self.own
            || self.is_reaching
            || self.pods.values().any(|known| known.keeper == keeper)
            || self.inventories.values().any(|open| open.contains(&keeper));
        if !is_wanted && let Some(place) = self.keepers.get_mut(keeper) {
            *place = None;
            self.sockets.retain(|_, place| *place != keeper);
        }
    }

    /// The inventories that all keepers have answered.
    pub(super) fn answered(&mut self) -> Vec<(RunId, Vec<PodKey>)> {
        let done: Vec<RunId> = self
            .inventories
            .iter()
            .filter(|(_, open)| open.is_empty())
            .map(|(run, _)| *run)
            .collect();
        done.into_iter()
            .map(|run| {
                self.inventories.remove(&run);
                let of_run = |key: &&PodKey| key.run == run;
                (run, self.pods.keys().filter(of_run).copied().collect())
            })
            .collect()
    }
}
