//! What runners and a keeper say to each other: frames of postcard behind a length.

use std::ffi::OsString;
use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use argosy_engine::ids::{NodeIndex, PodKey, RunId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest frame: a step's environment and arguments are below 2 MB on Linux.
const MAX_FRAME: usize = 16 << 20;

/// How many runs' surroundings a keeper keeps for a runner.
pub(crate) const MOST_BASES: usize = 64;

/// Names and values of environment variables.
pub(crate) type Variables = Vec<(String, String)>;

/// A pod, as it is to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spawn {
    /// Which pod this is; it is started at most once.
    pub key: PodKey,
    /// Its containers.
    pub processes: Vec<Process>,
    /// Seconds that it may run.
    pub deadline_seconds: Option<u64>,
    /// How many slots it takes. One that takes none starts at once.
    pub slots: u32,
    /// It ends when the runner that has started it is gone.
    pub is_bound: bool,
}

/// A container of a pod, as a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The container's name.
    pub name: Box<str>,
    /// What it is in its pod.
    pub role: Role,
    /// Processes of the pod that must have ended well before this one begins.
    pub after: Vec<u16>,
    /// How often it is begun in all, until it does well; 0 takes it for done.
    pub attempts: u32,
    /// Milliseconds between two attempts.
    pub pause_milliseconds: u64,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its environment beyond the surroundings of its run.
    pub environment: Variables,
    /// Where it starts.
    pub working_directory: PathBuf,
    /// Where its standard output and error go.
    pub log: PathBuf,
    /// Where its standard output goes besides.
    pub capture: Option<PathBuf>,
    /// What its mount namespace shows elsewhere; none for no namespace.
    pub mounts: Vec<Mount>,
}

/// What a container is in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// Runs before all others.
    Init,
    /// Does the work: when all of these have ended, the pod is over.
    Main,
    /// Runs beside them and is ended with them.
    Sidecar,
}

/// One mount of a step's namespace, in the order in which they are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    /// What is shown.
    pub source: PathBuf,
    /// Where it is shown.
    pub target: PathBuf,
    /// Whether it can't be written.
    pub read_only: bool,
    /// It fills a folder of the pod's own, and is made before anything of the machine is covered.
    pub inner: bool,
}

/// What a runner tells a keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// The environment on which that of a run's spawns rests. A keeper keeps the last
    /// [`MOST_BASES`] of them for each runner.
    Surroundings {
        /// Which run.
        run: RunId,
        /// Its environment.
        variables: Vec<(OsString, OsString)>,
        /// Its umask; the keeper's own if none.
        umask: Option<u32>,
    },
    /// Start this when slots are free.
    Spawn(Box<Spawn>),
    /// End it: SIGTERM, then SIGKILL.
    Stop {
        /// Which.
        key: PodKey,
        /// Seconds between the two.
        grace_seconds: u32,
    },
    /// The end of these is committed.
    Acknowledge(Vec<PodKey>),
    /// Tell of all pods of this run, and from now on of what becomes of them.
    Take(RunId),
    /// Use at most so many slots. Answered by how many are in use.
    Slots(u32),
    /// This pod needs its slots no more, though it runs on.
    Yield(PodKey),
    /// Nobody wants this run any more: end its pods, and tell nobody.
    Discard(RunId),
    /// The runner goes, having done all it had to: what has not begun is left to whoever takes its
    /// runs over.
    Leave,
}

/// Where all pods of a run are in what is sorted by pods.
pub(crate) fn pods_of(run: RunId) -> RangeInclusive<PodKey> {
    let key = |node, incarnation| PodKey {
        run,
        node: NodeIndex(node),
        incarnation,
    };
    key(0, 0)..=key(u32::MAX, u32::MAX)
}

/// What a keeper tells a runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// A pod stands in this state.
    Pod(PodState),
    /// A pod that was waiting was stopped before it began.
    Dropped(PodKey),
    /// These are all pods of the run that there are; their states have been told.
    Taken(RunId, Vec<PodKey>),
    /// The most slots that are used, and how many are in use.
    Slots {
        /// As ordered.
        limit: u32,
        /// Taken by pods that run.
        used: u32,
    },
}

/// How a pod fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PodState {
    /// Which.
    pub key: PodKey,
    /// How far it is.
    pub stage: Stage,
    /// Its containers.
    pub containers: Vec<ContainerState>,
    /// It ran into its deadline.
    pub deadline_exceeded: bool,
}

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Nothing but init containers has begun.
    Preparing,
    /// A container has begun.
    Running,
    /// All have ended.
    Over,
}

/// How a container fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContainerState {
    /// Its name.
    pub name: Box<str>,
    /// What it is in its pod.
    pub role: Role,
    /// How far it is.
    pub progress: Progress,
}

/// How far a container is. Times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Progress {
    /// Not begun.
    Waiting,
    /// Begun.
    Running {
        /// The process, which is its session too.
        pid: u32,
        /// When it began.
        started_at: i64,
    },
    /// It has failed, and is to be begun again.
    Resting(End),
    /// Ended.
    Ended(End),
    /// Never begun, and will not be: one before it failed, or the pod was stopped.
    NotRun,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// Its exit code; 128 + N where signal N ended it.
    pub exit_code: i32,
    /// Why it could not be started.
    pub error: Option<String>,
    /// When it began, in seconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: i64,
}

/// Adds one frame to what is to be sent.
///
/// # Errors
/// If the message is too large.
pub(crate) fn put_frame<T: Serialize>(to: &mut Vec<u8>, message: &T) -> io::Result<()> {
    let start = to.len();
    let mut frame = std::mem::take(to);
    frame.extend([0; 4]);
    frame = postcard::to_extend(message, frame).map_err(io::Error::other)?;
    let length = frame.len() - start - 4;
    if length > MAX_FRAME {
        frame.truncate(start);
        *to = frame;
        return Err(io::Error::other("a message for the keeper is too large"));
    }
    frame[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
    *to = frame;
    Ok(())
}

/// Takes all whole frames off the front of what has been read so far.
///
/// # Errors
/// If what arrived is no frame.
pub(crate) fn take_frames<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> io::Result<Vec<T>> {
    let mut messages = Vec::new();
    let mut taken = 0;
    while let Some(length) = buffer[taken..].first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(io::Error::other(
                "a message on the keeper's socket is too large",
            ));
        }
        let Some(frame) = buffer.get(taken + 4..taken + 4 + length) else {
            break;
        };
        messages.push(postcard::from_bytes(frame).map_err(io::Error::other)?);
        taken += 4 + length;
    }
    buffer.drain(..taken);
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_whole_however_they_arrive() -> io::Result<()> {
        let orders: Vec<Order> = (0..5).map(Order::Slots).collect();
        let mut sent = Vec::new();
        for order in &orders {
            put_frame(&mut sent, order)?;
        }
        for cut in 0..sent.len() {
            let mut buffer = sent[..cut].to_vec();
            let mut got: Vec<Order> = take_frames(&mut buffer)?;
            buffer.extend(&sent[cut..]);
            got.extend(take_frames::<Order>(&mut buffer)?);
            assert_eq!(got, orders, "cut at {cut}");
            assert!(buffer.is_empty());
        }
        let mut huge = u32::MAX.to_le_bytes().to_vec();
        assert!(take_frames::<Order>(&mut huge).is_err());
        Ok(())
    }
}
