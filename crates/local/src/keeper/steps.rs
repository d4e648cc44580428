//! The processes of steps: begun as slots become free, taken in when they end, ended when it is time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argosy_engine::ids::{NodeIndex, PodKey, RunId};

use super::cgroups::{Cgroup, Cgroups};
use super::{Keeper, Pod, orphans, signals};
use crate::protocol::{End, Progress, Report, Role};
use crate::spawn::spawn;

/// How long processes have to end by themselves.
const GRACE: Duration = Duration::from_secs(30);

impl Keeper {
    /// Starts what waits, as long as there are slots. One that is alone starts in any case, so that
    /// a pod which takes more than its share of the machine can't wait for ever.
    pub(super) fn start_next(&mut self) {
        while let Some(&key) = self.waiting.front() {
            let Some(pod) = self.pods.get_mut(&key) else {
                self.waiting.pop_front();
                continue;
            };
            let slots = pod.spawn.slots;
            let fits = self.used == 0 || self.used + slots <= self.limit;
            if self.limit == 0 || !fits {
                return;
            }
            self.waiting.pop_front();
            pod.holds = slots;
            self.used += slots;
            if let Some(seconds) = pod.spawn.deadline_seconds {
                let at = Instant::now() + Duration::from_secs(seconds);
                pod.deadline = Some(at);
                self.timers.insert((at, key));
            }
            self.advance(key);
        }
    }

    /// Starts what may begin in a pod, and tells how it stands.
    pub(super) fn advance(&mut self, key: PodKey) {
        let lacks_one = self.start_what_may_begin(key);
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        if pod.is_over() {
            self.used -= std::mem::take(&mut pod.holds);
            for at in [pod.deadline.take(), pod.kill_at.take()]
                .into_iter()
                .flatten()
            {
                self.timers.remove(&(at, key));
            }
            if pod.needs_search {
                self.orphans.step_ended();
            }
        } else if lacks_one {
            pod.dismissed = true;
            self.terminate(key, GRACE, |_| true);
        } else if pod.work_is_over() && !pod.dismissed {
            pod.dismissed = true;
            self.terminate(key, GRACE, |role| role == Role::Sidecar);
        }
        if let Some(pod) = self.pods.get(&key) {
            let report = Report::Pod(pod.state());
            let is_masterless = pod.spawn.is_bound && !self.clients.contains_key(&pod.client);
            if pod.is_over() && (is_masterless || pod.is_unwanted) {
                self.pods.remove(&key);
                return;
            }
            self.tell(key.run, &report);
        }
    }

    /// Starts the processes of a pod that may begin. Says whether one could not: then the others
    /// are to end.
    fn start_what_may_begin(&mut self, key: PodKey) -> bool {
        let mut cookie = None;
        while let Some(place) = self.pods.get_mut(&key).and_then(Pod::next) {
            let cookie = cookie.get_or_insert_with(|| orphans::cookie(&self.name, key));
            let progress = self.start_process(key, place, cookie);
            let Some(pod) = self.pods.get_mut(&key) else {
                return false;
            };
            let could_not = matches!(progress, Progress::Ended(_));
            pod.progress[usize::from(place)] = progress;
            // A machine that lacks a command will not get it by waiting, as a cluster may get an
            // image: without one of its containers the pod ends.
            if could_not {
                pod.give_up();
                return true;
            }
        }
        false
    }

    /// Starts a process of a pod, in a cgroup where there may be any. Gives what has come of it.
    fn start_process(&mut self, key: PodKey, place: u16, cookie: &str) -> Progress {
        let at = seconds_now();
        let Some(pod) = self.pods.get_mut(&key) else {
            return Progress::NotRun;
        };
        pod.begins(place);
        let process = &pod.spawn.processes[usize::from(place)];
        let cgroup = self.cgroups.as_mut().and_then(Cgroups::take);
        let into = cgroup.as_ref().map(Cgroup::as_raw_fd);
        let started = spawn(process, &pod.base, cookie, into);
        let is_in = started.as_ref().is_ok_and(|started| started.in_cgroup);
        pod.needs_search |= !is_in;
        match (cgroup, &started) {
            (Some(cgroup), Ok(started)) if is_in => {
                self.in_cgroups.insert(started.pid, cgroup);
            }
            (Some(cgroup), _) => {
                if let Some(cgroups) = &mut self.cgroups {
                    cgroups.give_back(cgroup, None);
                }
            }
            (None, _) => {}
        }
        match started {
            Ok(started) => {
                self.processes.insert(started.pid, (key, place));
                if let Some(output) = started.output {
                    self.outputs.insert(started.pid, output);
                }
                Progress::Running {
                    pid: started.pid,
                    started_at: at,
                }
            }
            Err(error) => Progress::Ended(End {
                exit_code: 128,
                error: Some(error),
                started_at: at,
                finished_at: at,
            }),
        }
    }

    /// Takes in the processes that have ended, orphans of steps among them.
    pub(super) fn reap(&mut self) {
        while let Some(pid) = signals::ended_child() {
            // Before it is reaped, so that the group's number can't be another's by now: what a
            // step leaves behind in its group ends with it.
            let known = self.processes.remove(&pid);
            if known.is_some() {
                signals::send_to_group(pid, libc::SIGKILL);
                // And what has left the group.
                if let Some(cgroup) = self.in_cgroups.remove(&pid)
                    && let Some(cgroups) = &mut self.cgroups
                {
                    cgroups.give_back(cgroup, Some(pid));
                }
            }
            let exit_code = signals::reap(pid);
            let Some((key, place)) = known else {
                continue;
            };
            if let Some(mut output) = self.outputs.remove(&pid) {
                output.copy();
            }
            let mut log_goes_on = None;
            if let Some(pod) = self.pods.get_mut(&key)
                && let Some(at) = pod.ended(place, exit_code, seconds_now())
            {
                self.timers.insert((at, key));
                log_goes_on = Some(pod.spawn.processes[usize::from(place)].log.clone());
            }
            self.log_ended(pid, log_goes_on.as_deref());
            self.advance(key);
        }
    }

    /// Ends what has run for as long as it may, and kills what does not end.
    pub(super) fn enforce(&mut self) {
        let now = Instant::now();
        while let Some(&(at, key)) = self.timers.first() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            let Some(pod) = self.pods.get_mut(&key) else {
                continue;
            };
            if pod.kill_at.is_some_and(|at| at <= now) {
                pod.kill_at = None;
                for (pid, _) in pod.running() {
                    signals::send_to_group(pid, libc::SIGKILL);
                }
            }
            let wakes = pod.wake(now);
            if pod.deadline.is_some_and(|at| at <= now) {
                pod.deadline = None;
                pod.deadline_exceeded = true;
                pod.give_up();
                self.terminate(key, GRACE, |_| true);
            }
            if wakes {
                self.advance(key);
            }
        }
    }

    pub(super) fn look_for_orphans(&mut self) {
        let (processes, pods, name) = (&self.processes, &self.pods, &self.name);
        let runs = |mark: &str| {
            let mut parts = mark.split('/');
            let mine = parts.next() == Some(name.as_str());
            let mut number = || parts.next()?.parse::<u64>().ok();
            let key = || {
                Some(PodKey {
                    run: RunId(number()?),
                    node: NodeIndex(u32::try_from(number()?).ok()?),
                    incarnation: u32::try_from(number()?).ok()?,
                })
            };
            let mut key = key;
            mine && key()
                .and_then(|key| pods.get(&key))
                .is_some_and(|pod| !pod.is_over())
        };
        self.orphans.look(
            Instant::now(),
            &|pid| processes.contains_key(&pid),
            &runs,
            processes.is_empty(),
        );
    }

    /// Tells processes of a pod to end, and has them killed when the grace has passed.
    pub(super) fn terminate(&mut self, key: PodKey, grace: Duration, meant: impl Fn(Role) -> bool) {
        let Some(pod) = self.pods.get_mut(&key) else {
            return;
        };
        for (pid, _) in pod.running().filter(|(_, role)| meant(*role)) {
            signals::send_to_group(pid, libc::SIGTERM);
        }
        let at = Instant::now() + grace;
        let at = pod.kill_at.map_or(at, |before| before.min(at));
        pod.kill_at = Some(at);
        self.timers.insert((at, key));
    }
}

pub(super) fn seconds_now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() as i64)
}
