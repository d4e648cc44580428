//! Connections to keepers: the runner's own, and those that earlier runners have left.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use argosy_engine::ids::RunId;
use argosy_store::{RunFilter, StoreError};

use super::Shared;
use crate::keeper::{address, sweep};
use crate::protocol::{MOST_BASES, Order, Report, put_frame, take_frames};

/// How long a keeper of a dead runner has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A keeper that takes orders. Dropping it leaves the keeper.
pub(super) struct Connection {
    stream: UnixStream,
    /// Runs whose surroundings the keeper knows, as it keeps them itself.
    knows: VecDeque<RunId>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            knows: VecDeque::new(),
        }
    }

    pub(super) fn send(&mut self, orders: &[Order]) {
        let mut frames = Vec::new();
        for order in orders {
            // What is too large was refused before: arguments and environment have limits.
            let _ = put_frame(&mut frames, order);
        }
        // A keeper that is gone is told by its reader.
        let _ = self.stream.write_all(&frames);
    }

    /// Whether the keeper must be told a run's surroundings. It is taken to know them then.
    pub(super) fn knows_not(&mut self, run: RunId) -> bool {
        if self.knows.contains(&run) {
            return false;
        }
        self.knows.push_back(run);
        if self.knows.len() > MOST_BASES {
            self.knows.pop_front();
        }
        true
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Its reader ends with it.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Shared {
    /// Connects to a keeper.
    pub(super) fn connect(self: &Arc<Self>, socket: &Path) -> io::Result<()> {
        let (address, _folder) = address(socket)?;
        self.attach(socket, UnixStream::connect(address)?)?;
        Ok(())
    }

    /// Takes a connection to a keeper up. Gives its place among them.
    pub(super) fn attach(self: &Arc<Self>, socket: &Path, stream: UnixStream) -> io::Result<usize> {
        let reader = stream.try_clone()?;
        let place = self.lock().know(socket, Connection::new(stream));
        self.listen(place, reader);
        Ok(place)
    }

    /// Takes in what a keeper tells, until it is gone.
    pub(super) fn listen(self: &Arc<Self>, place: usize, reader: UnixStream) {
        let shared = self.clone();
        thread::spawn(move || {
            // Ends when the keeper is gone or was left, or says what can't be understood.
            let _ = shared.read(place, reader);
            shared.keeper_gone(place);
        });
    }

    /// Connects to a keeper, unless that is done; what a dead one has left is swept up.
    ///
    /// # Errors
    /// If a keeper may live there that can't be connected to.
    pub(super) fn reach(self: &Arc<Self>, socket: &Path) -> io::Result<()> {
        if self.lock().sockets.contains_key(socket) {
            return Ok(());
        }
        match self.connect(socket) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => sweep(socket),
            // It ended of itself, with nothing left to tell.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            connected => return connected,
        }
        Ok(())
    }

    /// Has a keeper whose runner is dead forget what it holds of runs that are over: whoever ended
    /// one may have died before it said so, and nobody takes such a run over again.
    pub(super) fn discard_over(&self, mut keeper: UnixStream) -> io::Result<()> {
        keeper.set_read_timeout(Some(PATIENCE))?;
        keeper.set_write_timeout(Some(PATIENCE))?;
        let mut frames = Vec::new();
        put_frame(&mut frames, &Order::List)?;
        keeper.write_all(&frames)?;
        let mut chunk = vec![0; 65_536];
        let mut input = Vec::new();
        loop {
            let count = keeper.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            input.extend_from_slice(&chunk[..count]);
            for report in take_frames::<Report>(&mut input)? {
                let Report::Holds(runs) = report else {
                    continue;
                };
                frames.clear();
                for run in runs {
                    if self.is_over(run).map_err(io::Error::other)? {
                        put_frame(&mut frames, &Order::Discard(run))?;
                    }
                }
                return keeper.write_all(&frames);
            }
        }
    }

    /// Whether nobody will ever take a run over.
    fn is_over(&self, run: RunId) -> Result<bool, StoreError> {
        let store = &self.config.store;
        let filter = RunFilter {
            ids: vec![run],
            ..RunFilter::default()
        };
        let Some(row) = store.runs(&filter)?.pop() else {
            return Ok(true);
        };
        let mut is_done = true;
        store.outbox(run, &mut |_, _| is_done = false)?;
        Ok(row.summary.completed && is_done)
    }

    fn read(self: &Arc<Self>, place: usize, mut stream: UnixStream) -> io::Result<()> {
        let mut chunk = vec![0; 65_536];
        let mut input = Vec::new();
        loop {
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            input.extend_from_slice(&chunk[..count]);
            let reports: Vec<Report> = take_frames(&mut input)?;
            if !reports.is_empty() {
                self.take_in(place, reports);
            }
        }
    }
}
