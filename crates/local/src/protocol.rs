//! What the runner and the keeper say to each other: frames of postcard behind a length.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use argosy_engine::ids::PodKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest frame: a step's environment and arguments are below 2 MB on Linux.
const MAX_FRAME: usize = 16 << 20;

/// A step's process, as it is to be started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spawn {
    /// Which pod this is; it is started at most once.
    pub key: PodKey,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
    /// Where it starts.
    pub working_directory: PathBuf,
    /// Where its standard output goes.
    pub log: PathBuf,
    /// Where its standard error goes, where that must be kept apart; to the log otherwise.
    pub errors: Option<PathBuf>,
    /// What its mount namespace shows elsewhere; none for no namespace.
    pub mounts: Vec<Mount>,
    /// Seconds that it may run.
    pub deadline_seconds: Option<u64>,
    /// How many slots it takes.
    pub slots: u32,
}

/// One mount of a step's namespace, in the order in which they are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is shown.
    pub source: PathBuf,
    /// Where it is shown.
    pub target: PathBuf,
    /// Whether it can't be written.
    pub read_only: bool,
    /// It fills a folder of the pod's own, and is made before anything of the machine is covered.
    pub inner: bool,
}

/// What the runner tells the keeper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Start this when a slot is free.
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
    /// Tell of all that are known.
    Inventory,
    /// How many slots there are.
    Slots(u32),
}

/// What the keeper tells the runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The keeper takes orders from this runner.
    Ready,
    /// A step has begun.
    Started {
        /// Which.
        key: PodKey,
        /// When, in seconds since the epoch.
        at: i64,
    },
    /// A step has ended.
    Ended(End),
    /// A step that was waiting was stopped before it began.
    Dropped(PodKey),
    /// All that are known have been told.
    InventoryEnd(Vec<PodKey>),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Which.
    pub key: PodKey,
    /// Its exit code; 128 + N where signal N ended it.
    pub exit_code: i32,
    /// Why it could not be started.
    pub error: Option<String>,
    /// It ran into its deadline.
    pub deadline_exceeded: bool,
    /// When it began, in seconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: i64,
}

/// Writes one frame.
///
/// # Errors
/// If the other side is gone.
pub fn write_frame<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let mut frame = vec![0; 4];
    frame = postcard::to_extend(message, frame).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame)
}

/// Reads one frame; `None` at the end.
///
/// # Errors
/// If what arrives is no frame.
pub fn read_frame<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other(
            "a message of the keeper's socket is too large",
        ));
    }
    let mut frame = vec![0; length];
    from.read_exact(&mut frame)?;
    postcard::from_bytes(&frame)
        .map(Some)
        .map_err(io::Error::other)
}

/// Takes whole frames off the front of what has been read so far.
///
/// # Errors
/// If what arrived is no frame.
pub fn take_frame<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> io::Result<Option<T>> {
    let Some(length) = buffer.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_FRAME {
        return Err(io::Error::other("a message of the runner is too large"));
    }
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    let message = postcard::from_bytes(&buffer[4..4 + length]).map_err(io::Error::other)?;
    buffer.drain(..4 + length);
    Ok(Some(message))
}
