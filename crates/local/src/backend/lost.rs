//! When a keeper dies, its steps die with it. The runner starts another and goes on.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argosy_engine::ids::PodKey;
use argosy_runtime::backend::BackendEvent;

use super::begun::begun;
use super::connection::Connection;
use super::{Shared, State};
use crate::keeper;
use crate::protocol::{Order, Stage};

/// A keeper that dies more often than this within [`SPAN`] is not started again.
const MOST_DEATHS: usize = 5;
const SPAN: Duration = Duration::from_secs(60);

impl Shared {
    /// A keeper is gone: what became of its pods is told, and the runner's own is replaced.
    pub(super) fn keeper_gone(self: &Arc<Self>, place: usize) {
        let mut events = Vec::new();
        let was_own;
        {
            let mut state = self.lock();
            let was_left = state.keepers.get(place).is_none_or(Option::is_none);
            if was_left || state.is_closed {
                return;
            }
            let socket = state
                .sockets
                .iter()
                .find(|(_, known)| **known == place)
                .map(|(socket, _)| socket.clone());
            if let Some(socket) = &socket {
                keeper::sweep(socket);
                state.sockets.remove(socket);
            }
            state.keepers[place] = None;
            let lost: Vec<PodKey> = state
                .pods
                .iter()
                .filter(|(_, known)| known.keeper == place && known.is_handed_over)
                // The end of those that are over is told, or is being collected.
                .filter(|(_, known)| {
                    let state = known.state.as_ref();
                    state.is_none_or(|pod| pod.stage != Stage::Over)
                })
                .map(|(key, _)| *key)
                .collect();
            let begun = begun(&self.config.data_dir, &lost);
            for key in lost {
                state.end(key);
                match begun.contains(&key) {
                    true => events.extend(self.begun_and_gone(key)),
                    false => events.push(self.deleted(key)),
                }
            }
            for open in state.inventories.values_mut() {
                open.remove(&place);
            }
            events.extend(self.answered(&mut state));
            was_own = place == state.own;
            // Under the same lock, so that no pod is handed to nobody in between.
            if was_own && let Err(why) = self.start_keeper(&mut state, socket.as_deref()) {
                events.push(BackendEvent::Broken(format!(
                    "the keeper, which is the parent of all steps, has died, and its steps with it; {why}; `argosy run --resume` goes on"
                )));
            }
            events.extend(state.room(self.slots()));
        }
        if was_own {
            self.plugins_lost();
        }
        self.sink.send_all(events);
        self.demand_changed.notify_all();
    }

    fn start_keeper(
        self: &Arc<Self>,
        state: &mut State,
        dead: Option<&Path>,
    ) -> Result<(), String> {
        let now = Instant::now();
        state
            .deaths
            .retain(|death| now.duration_since(*death) < SPAN);
        state.deaths.push(now);
        if state.deaths.len() > MOST_DEATHS {
            return Err(format!(
                "it is the {}th within a minute, so there is no other",
                state.deaths.len()
            ));
        }
        let cannot = |error: io::Error| format!("another can't be started: {error}");
        let dead = dead.ok_or("where it was is not known")?;
        let (socket, stream) =
            keeper::start_again(&self.config.keeper, dead, &self.owner).map_err(cannot)?;
        let reader = stream.try_clone().map_err(cannot)?;
        let before = state.own;
        let own = state.know(&socket, Connection::new(stream));
        state.own = own;
        // What is still being prepared goes to the new one.
        for known in state.pods.values_mut() {
            if known.keeper == before && !known.is_handed_over {
                known.keeper = own;
            }
        }
        let held = state.demand.begin_anew();
        state.order(own, &Order::Slots(held));
        self.listen(own, reader);
        Ok(())
    }
}
