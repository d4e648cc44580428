//! A runner that is connected to the keeper.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use argosy_engine::ids::RunId;

use crate::protocol::{MOST_BASES, Order, Report, put_frame, take_frames};
use crate::spawn::Base;

/// How long reports are held back while enough pods wait: each message costs the runner a commit
/// and two changes of process, so many reports go in one.
const HOLD: Duration = Duration::from_millis(10);

/// What is sent at once, however much waits.
const MOST_HELD: usize = 32 << 10;

pub(super) struct Client {
    pub stream: UnixStream,
    /// The surroundings of runs, the latest last.
    bases: VecDeque<(RunId, Rc<Base>)>,
    input: Vec<u8>,
    output: Vec<u8>,
    held_since: Option<Instant>,
    /// The socket takes no more for now.
    pub is_full: bool,
}

impl Client {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            bases: VecDeque::new(),
            input: Vec::new(),
            output: Vec::new(),
            held_since: None,
            is_full: false,
        }
    }

    /// Takes what has arrived; an error when the runner is gone.
    pub(super) fn read(&mut self) -> io::Result<Vec<Order>> {
        let mut chunk = [0; 65_536];
        let mut gone = false;
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    gone = true;
                    break;
                }
                Ok(count) => {
                    self.input.extend_from_slice(&chunk[..count]);
                    if count < chunk.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The runner has gone with reports unread: what it has sent before counts.
                Err(_) => {
                    gone = true;
                    break;
                }
            }
        }
        let orders = take_frames(&mut self.input)?;
        if gone && orders.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(orders)
    }

    pub(super) fn know_base(&mut self, run: RunId, base: Base) {
        self.bases.push_back((run, Rc::new(base)));
        if self.bases.len() > MOST_BASES {
            self.bases.pop_front();
        }
    }

    pub(super) fn base(&self, run: RunId) -> Rc<Base> {
        let found = self.bases.iter().rev().find(|(known, _)| *known == run);
        found.map(|(_, base)| base.clone()).unwrap_or_default()
    }

    pub(super) fn tell(&mut self, report: &Report, now: Instant) {
        // A report is small: it always fits into a frame.
        if put_frame(&mut self.output, report).is_ok() {
            self.held_since.get_or_insert(now);
        }
    }

    /// When reports must go out at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held_since.map(|since| since + HOLD)
    }

    /// Sends what there is; while `patient`, only what has waited long or is much.
    pub(super) fn flush(&mut self, patient: bool, now: Instant) {
        let Some(due) = self.due() else {
            return;
        };
        if self.is_full || (patient && due > now && self.output.len() < MOST_HELD) {
            return;
        }
        let mut sent = 0;
        while sent < self.output.len() {
            match self.stream.write(&self.output[sent..]) {
                Ok(0) => break,
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_full = error.kind() == io::ErrorKind::WouldBlock;
                    if !self.is_full {
                        // The runner is gone, which reading tells.
                        self.output.clear();
                        sent = 0;
                    }
                    break;
                }
            }
        }
        self.output.drain(..sent);
        if self.output.is_empty() {
            self.held_since = None;
        }
    }
}
