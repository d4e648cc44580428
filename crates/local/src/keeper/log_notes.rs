//! Noting when logs grow, for those who ask for the times of their lines.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Keeper;
use crate::log_bound::bound;
use crate::log_times::note;
use crate::protocol::Process;

/// How often it is looked: lines' times are true to this.
const EVERY: Duration = Duration::from_secs(1);

impl Keeper {
    /// When it is to be looked next; never where nothing runs.
    pub(super) fn logs_due(&self) -> Option<Instant> {
        let due = self.logs_noted + EVERY;
        (!self.processes.is_empty()).then_some(due)
    }

    /// Notes how far the logs of the processes that run have come, if it is time.
    pub(super) fn note_logs(&mut self) {
        let now = Instant::now();
        if self.logs_due().is_none_or(|due| due > now) {
            return;
        }
        self.logs_noted = now;
        for (&pid, &(key, place)) in &self.processes {
            let Some(pod) = self.pods.get(&key) else {
                continue;
            };
            let process = &pod.spawn.processes[usize::from(place)];
            let log = &process.log;
            let before = self.log_sizes.get(&pid).copied().unwrap_or(0);
            // Where the disk is full, lines have later times.
            if let Ok(size) = note(log, before)
                && size > before
            {
                self.log_sizes.insert(pid, size);
                bound_all(process, size, self.limits.log_bytes);
            }
        }
    }

    /// A process has ended. What it has printed last has its log's own time, unless another is to
    /// write to the same log.
    pub(super) fn log_ended(&mut self, pid: u32, log_goes_on: Option<&Path>) {
        let before = self.log_sizes.remove(&pid).unwrap_or(0);
        if let Some(log) = log_goes_on {
            let _ = note(log, before);
        }
    }
}

/// Has what a process prints take no more of the disk than it may. Where that can't be done, the log
/// is longer.
fn bound_all(process: &Process, size: u64, most: Option<u64>) {
    let Some(most) = most.filter(|most| size > *most) else {
        return;
    };
    for file in [Some(&process.log), process.capture.as_ref()]
        .into_iter()
        .flatten()
    {
        let _ = bound(file, size, most);
    }
}
