//! One pod of the keeper: which of its processes may begin, and when it is over.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::protocol::{ContainerState, End, PodState, Progress, Role, Spawn, Stage};
use crate::spawn::Base;

pub(super) struct Pod {
    pub spawn: Spawn,
    pub base: Rc<Base>,
    /// Who has had it started.
    pub client: u64,
    pub progress: Vec<Progress>,
    /// Slots that it has taken.
    pub holds: u32,
    /// When it has run for as long as it may.
    pub deadline: Option<Instant>,
    pub deadline_exceeded: bool,
    /// When it is killed, once it was told to end.
    pub kill_at: Option<Instant>,
    /// Its sidecars were told to end.
    pub dismissed: bool,
    /// What it leaves behind must be looked for: it was not in a cgroup.
    pub needs_search: bool,
    /// Nobody is to be told of its end.
    pub is_unwanted: bool,
    /// Nothing more of it may begin.
    is_given_up: bool,
    /// How often each process has been begun.
    begun: Vec<u32>,
    /// When each process that rests is begun again.
    again: Vec<Option<Instant>>,
}

impl Pod {
    pub(super) fn new(spawn: Spawn, base: Rc<Base>, client: u64) -> Self {
        Self {
            progress: vec![Progress::Waiting; spawn.processes.len()],
            begun: vec![0; spawn.processes.len()],
            again: vec![None; spawn.processes.len()],
            is_given_up: false,
            spawn,
            base,
            client,
            holds: 0,
            deadline: None,
            deadline_exceeded: false,
            kill_at: None,
            dismissed: false,
            needs_search: false,
            is_unwanted: false,
        }
    }

    /// The next process that may begin. Those that never may are marked so.
    pub(super) fn next(&mut self) -> Option<u16> {
        for place in 0..self.progress.len() {
            if self.progress[place] != Progress::Waiting {
                continue;
            }
            let before = &self.spawn.processes[place].after;
            let of = |place: &u16| &self.progress[usize::from(*place)];
            if before.iter().map(of).any(has_failed) {
                self.progress[place] = Progress::NotRun;
            } else if before.iter().map(of).all(has_done_well) {
                if self.spawn.processes[place].attempts == 0 {
                    self.progress[place] = done_at_once();
                    continue;
                }
                return u16::try_from(place).ok();
            }
        }
        None
    }

    /// Nothing more of it may begin.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
        for progress in &mut self.progress {
            match progress {
                Progress::Waiting => *progress = Progress::NotRun,
                Progress::Resting(end) => *progress = Progress::Ended(end.clone()),
                Progress::Running { .. } | Progress::Ended(_) | Progress::NotRun => {}
            }
        }
    }

    /// A process is begun.
    pub(super) fn begins(&mut self, place: u16) {
        self.begun[usize::from(place)] += 1;
    }

    /// Takes in a process's end. Gives when it is to be begun again, if it is.
    pub(super) fn ended(
        &mut self,
        place: u16,
        exit_code: i32,
        finished_at: i64,
    ) -> Option<Instant> {
        let place = usize::from(place);
        let process = &self.spawn.processes[place];
        let started_at = match self.progress[place] {
            Progress::Running { started_at, .. } => started_at,
            Progress::Waiting | Progress::Resting(_) | Progress::Ended(_) | Progress::NotRun => 0,
        };
        let end = End {
            exit_code,
            error: None,
            started_at,
            finished_at,
        };
        let again = exit_code != 0 && !self.is_given_up && self.begun[place] < process.attempts;
        if !again {
            self.progress[place] = Progress::Ended(end);
            return None;
        }
        self.progress[place] = Progress::Resting(end);
        let at = Instant::now() + Duration::from_millis(process.pause_milliseconds);
        self.again[place] = Some(at);
        Some(at)
    }

    /// Lets processes begin again that have rested.
    pub(super) fn wake(&mut self, now: Instant) -> bool {
        let mut woken = false;
        for (progress, again) in self.progress.iter_mut().zip(&mut self.again) {
            if again.is_some_and(|at| at <= now) {
                *again = None;
                if matches!(progress, Progress::Resting(_)) {
                    *progress = Progress::Waiting;
                    woken = true;
                }
            }
        }
        woken
    }

    /// The running processes with their roles.
    pub(super) fn running(&self) -> impl Iterator<Item = (u32, Role)> {
        self.progress
            .iter()
            .zip(&self.spawn.processes)
            .filter_map(|(progress, process)| match progress {
                Progress::Running { pid, .. } => Some((*pid, process.role)),
                Progress::Waiting
                | Progress::Resting(_)
                | Progress::Ended(_)
                | Progress::NotRun => None,
            })
    }

    pub(super) fn is_over(&self) -> bool {
        self.progress.iter().all(is_done)
    }

    /// Whether all that does the work has ended.
    pub(super) fn work_is_over(&self) -> bool {
        self.progress
            .iter()
            .zip(&self.spawn.processes)
            .all(|(progress, process)| process.role == Role::Sidecar || is_done(progress))
    }

    pub(super) fn state(&self) -> PodState {
        let has_begun = |(progress, process): (&Progress, &crate::protocol::Process)| {
            process.role != Role::Init && !matches!(progress, Progress::Waiting | Progress::NotRun)
        };
        let stage = if self.is_over() {
            Stage::Over
        } else if self
            .progress
            .iter()
            .zip(&self.spawn.processes)
            .any(has_begun)
        {
            Stage::Running
        } else {
            Stage::Preparing
        };
        let containers = self
            .spawn
            .processes
            .iter()
            .zip(&self.progress)
            .map(|(process, progress)| ContainerState {
                name: process.name.clone(),
                role: process.role,
                progress: progress.clone(),
            })
            .collect();
        PodState {
            key: self.spawn.key,
            stage,
            containers,
            deadline_exceeded: self.deadline_exceeded,
        }
    }
}

/// A container that is to be tried no time at all has done well. Argo: `retry.OnError`.
fn done_at_once() -> Progress {
    let now = super::steps::seconds_now();
    Progress::Ended(End {
        exit_code: 0,
        error: None,
        started_at: now,
        finished_at: now,
    })
}

fn is_done(progress: &Progress) -> bool {
    matches!(progress, Progress::Ended(_) | Progress::NotRun)
}

fn has_done_well(progress: &Progress) -> bool {
    matches!(progress, Progress::Ended(end) if end.exit_code == 0)
}

fn has_failed(progress: &Progress) -> bool {
    is_done(progress) && !has_done_well(progress)
}
