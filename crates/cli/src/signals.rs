//! What signals ask of who carries workflows out.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A signal that is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The plain `kill`, and what a machine that shuts down sends.
    Terminate,
    /// The terminal was closed.
    HangUp,
}

impl Signal {
    /// The exit code of a process that a signal has ended, as shells count it.
    pub fn exit_code(self) -> u8 {
        128 + match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            Self::HangUp => 1,
        }
    }
}

/// What signals have asked for so far.
#[derive(Debug, Default)]
pub struct Asked {
    interrupts: AtomicU32,
    leave: OnceLock<Signal>,
}

impl Asked {
    /// Counts Ctrl-C. Gives how often it was pressed before.
    pub fn interrupt(&self) -> u32 {
        self.interrupts.fetch_add(1, Ordering::SeqCst)
    }

    /// How often Ctrl-C was pressed.
    pub fn interrupts(&self) -> u32 {
        self.interrupts.load(Ordering::SeqCst)
    }

    /// Everything is to be left as it stands.
    pub fn leave(&self, signal: Signal) {
        // The first one counts: `timeout`, for one, sends two.
        let _ = self.leave.set(signal);
    }

    /// Why everything is to be left as it stands, if it is.
    pub fn left(&self) -> Option<Signal> {
        self.leave.get().copied()
    }
}

/// Tells of each signal from now on, on a thread of its own. Those that the process was begun to
/// ignore stay ignored, as under `nohup`.
///
/// # Errors
/// If the system refuses.
pub fn listen(tell: impl Fn(Signal) + Send + 'static) -> Result<()> {
    let wanted = [SIGINT, SIGTERM, SIGHUP];
    let wanted = wanted
        .into_iter()
        .filter(|&signal| !argosy_local::is_ignored(signal));
    let mut signals = Signals::new(wanted).context("cannot listen to signals")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGINT => tell(Signal::Interrupt),
                SIGTERM => tell(Signal::Terminate),
                SIGHUP => tell(Signal::HangUp),
                // No other was asked for.
                _ => {}
            }
        }
    });
    Ok(())
}
