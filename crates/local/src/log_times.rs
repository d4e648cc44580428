//! When the lines of a log were written.
//!
//! Steps write their logs themselves, so nobody sees a line come. Each second the keeper notes how
//! long the logs of the processes that run have become, and when they were last written to: beside a
//! log stands a file of such notes, 16 bytes each (nanoseconds since the epoch, then the size). A
//! line's time is that of the first note whose size covers it; lines that none covers have the time
//! of the log's last change. So times are true to about a second, and a step that ends within one
//! costs nothing.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The bytes of a note.
const NOTE: u64 = 16;

/// How long a log was at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    at: SystemTime,
    size: u64,
}

impl Note {
    fn read(bytes: [u8; NOTE as usize]) -> Self {
        let [time, size] = [0, 8].map(|from| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[from..from + 8]);
            part
        });
        let since = Duration::from_nanos(u64::from_le_bytes(time));
        Self {
            at: UNIX_EPOCH + since,
            size: u64::from_le_bytes(size),
        }
    }
}

/// Where the notes of a log stand.
fn notes_of(log: &Path) -> PathBuf {
    log.with_extension("times")
}

/// Notes how long a log is, if that is more than it was. Gives its size.
///
/// # Errors
/// If there is no log, or the note can't be written.
pub(crate) fn note(log: &Path, before: u64) -> io::Result<u64> {
    let found = fs::metadata(log)?;
    let size = found.size();
    if size <= before {
        return Ok(before);
    }
    let nanoseconds = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    let time = u64::try_from(nanoseconds).unwrap_or(0);
    let mut notes = File::options()
        .create(true)
        .append(true)
        .open(notes_of(log))?;
    // What a full disk has cut off would shift all that comes after it.
    let whole = notes.metadata()?.len();
    if whole % NOTE != 0 {
        notes.set_len(whole - whole % NOTE)?;
    }
    let mut bytes = [0; NOTE as usize];
    bytes[..8].copy_from_slice(&time.to_le_bytes());
    bytes[8..].copy_from_slice(&size.to_le_bytes());
    notes.write_all(&bytes)?;
    Ok(size)
}

/// The notes of a log, read from front to back.
pub(crate) struct LogTimes {
    notes: Option<BufReader<File>>,
    next: Option<Note>,
}

impl LogTimes {
    /// Those of a log. One that has none is one without notes.
    pub(crate) fn open(log: &Path) -> Self {
        let notes = File::open(notes_of(log)).ok();
        Self {
            notes: notes.map(|file| BufReader::with_capacity(4_096, file)),
            next: None,
        }
    }

    /// The time of the line that ends at this place; `None` if no note covers it. Places must not
    /// fall from call to call.
    pub(crate) fn of(&mut self, end: u64) -> Option<SystemTime> {
        if self.next.is_none() {
            self.seek(|note| note.size >= end)?;
        }
        loop {
            match self.next {
                Some(note) if note.size >= end => return Some(note.at),
                _ => {}
            }
            let mut bytes = [0; NOTE as usize];
            if self.notes.as_mut()?.read_exact(&mut bytes).is_err() {
                // No note covers what comes after it either.
                self.notes = None;
                return None;
            }
            self.next = Some(Note::read(bytes));
        }
    }

    /// A place before which nothing was written since this time: the size at the last note before.
    pub(crate) fn place_before(&mut self, time: SystemTime) -> u64 {
        let first = self.seek(|note| note.at >= time);
        let notes = self.notes.as_ref().map(BufReader::get_ref);
        let before = first.and_then(|place| place.checked_sub(1));
        match (notes, before) {
            (Some(notes), Some(place)) => note_at(notes, place).map_or(0, |note| note.size),
            _ => 0,
        }
    }

    /// Goes to the first note of which this holds, as it does of all after it. Gives its number.
    fn seek(&mut self, holds: impl Fn(&Note) -> bool) -> Option<u64> {
        let notes = self.notes.as_mut()?;
        let file = notes.get_ref();
        let (mut low, mut high) = (0, file.metadata().ok()?.len() / NOTE);
        while low < high {
            let middle = low + (high - low) / 2;
            match holds(&note_at(file, middle)?) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        notes.seek(SeekFrom::Start(low * NOTE)).ok()?;
        Some(low)
    }
}

fn note_at(notes: &File, number: u64) -> Option<Note> {
    let mut bytes = [0; NOTE as usize];
    notes.read_exact_at(&mut bytes, number * NOTE).ok()?;
    Some(Note::read(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn lines_have_the_time_of_the_first_note_that_covers_them() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        let mut file = File::create(&log).expect("a log");
        let mut size = 0;
        for second in [10, 20, 20, 30] {
            file.write_all(b"0123456789").expect("written");
            file.set_modified(at(second)).expect("a time");
            size = note(&log, size).expect("noted");
            // Without growth nothing is noted.
            assert_eq!(note(&log, size).expect("noted"), size);
        }
        let notes = fs::metadata(notes_of(&log)).expect("notes").len();
        assert_eq!(notes, 4 * NOTE);
        for first in [1, 11, 25, 40, 41] {
            let mut times = LogTimes::open(&log);
            for end in first..50 {
                let expected = match end {
                    0..=10 => Some(at(10)),
                    11..=30 => Some(at(20)),
                    31..=40 => Some(at(30)),
                    _ => None,
                };
                assert_eq!(times.of(end), expected, "{end} after {first}");
            }
        }
        for (since, place) in [(5, 0), (10, 0), (11, 10), (20, 10), (21, 30), (31, 40)] {
            let mut times = LogTimes::open(&log);
            assert_eq!(times.place_before(at(since)), place, "since {since}");
        }
    }

    #[test]
    fn a_note_that_was_cut_off_shifts_no_other() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        fs::write(&log, "12345").expect("a log");
        fs::write(notes_of(&log), "cut").expect("notes");
        note(&log, 0).expect("noted");
        assert!(LogTimes::open(&log).of(5).is_some());
        assert!(LogTimes::open(&log).of(6).is_none());
    }

    #[test]
    fn a_log_without_notes_has_no_times() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        assert!(note(&log, 0).is_err(), "there is no log");
        assert_eq!(LogTimes::open(&log).of(1), None);
        assert_eq!(LogTimes::open(&log).place_before(at(1)), 0);
    }
}
