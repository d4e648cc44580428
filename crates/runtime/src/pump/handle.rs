//! How a pump is reached from other threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use argosy_engine::fact::Command;
use argosy_engine::ids::RunId;
use argosy_engine::settings::Settings;
use argosy_store::StoreError;

use crate::backend::{BackendEvent, EventSink};

/// What reaches the pump.
#[derive(Debug)]
pub(super) enum Message {
    Backend(Vec<BackendEvent>),
    Committed(u64, Result<(), StoreError>),
    Ask(RunId, Command),
    Adopt(RunId),
    Configure(Arc<Settings>),
    Stop,
}

/// Reaches a pump from other threads. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    // A sender is not Sync before it is put behind a lock; sends are short.
    sender: Arc<Mutex<Sender<Message>>>,
}

impl Handle {
    /// One end of a channel, and the handle that sends to it.
    ///
    /// The channel has no bound of its own, since the threads that send may hold what the pump waits
    /// for. What sends is bounded: commits by how many may be under way, pods by the slots.
    pub(super) fn new() -> (Self, Receiver<Message>) {
        let (sender, inbox) = channel();
        let sender = Arc::new(Mutex::new(sender));
        (Self { sender }, inbox)
    }

    pub(super) fn send(&self, message: Message) {
        let sender = self
            .sender
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        // A pump that is gone needs no more messages.
        let _ = sender.send(message);
    }

    /// Asks something of a run that the pump owns.
    pub fn ask(&self, run: RunId, command: Command) {
        self.send(Message::Ask(run, command));
    }

    /// Has the pump take a run over.
    pub fn adopt(&self, run: RunId) {
        self.send(Message::Adopt(run));
    }

    /// Gives the pump other settings: limits hold at once, all else for runs that it takes over
    /// from now on.
    pub fn configure(&self, settings: Arc<Settings>) {
        self.send(Message::Configure(settings));
    }

    /// Has the pump end after what it is doing. Its runs stay as they are in the store.
    pub fn stop(&self) {
        self.send(Message::Stop);
    }
}

impl EventSink for Handle {
    fn send(&self, event: BackendEvent) {
        Handle::send(self, Message::Backend(vec![event]));
    }

    fn send_all(&self, events: Vec<BackendEvent>) {
        Handle::send(self, Message::Backend(events));
    }
}
