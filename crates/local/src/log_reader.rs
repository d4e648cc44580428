//! Reading a log line by line, from its beginning, its last lines or a time on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use crate::log_bound::first_kept;
use crate::log_times::LogTimes;

/// What is longer is more than one line. Argo: `maxTokenLength` of `util/logs/workflow-logger.go`.
const MAX_LINE: u64 = 1 << 20;

/// How much is looked at at a time on the way back from a log's end.
const BLOCK: u64 = 1 << 16;

/// Whether a log's last line is whole although nothing ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// More of it may come.
    Open,
    /// Nothing more is written.
    Whole,
}

/// A line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// What stands in it, without its end.
    pub text: &'a [u8],
    /// When it was written, to about a second.
    pub at: SystemTime,
}

/// Reads what a log holds when it is opened.
pub struct LogReader {
    reader: BufReader<File>,
    times: LogTimes,
    /// The bytes that are read, and when the last of them was written.
    size: u64,
    written: SystemTime,
    end: LogEnd,
    /// What stands before this was not kept.
    first: u64,
    place: u64,
    line: Vec<u8>,
}

impl LogReader {
    /// Opens a log at its beginning.
    ///
    /// # Errors
    /// If it can't be opened.
    pub fn open(log: &Path, end: LogEnd) -> io::Result<Self> {
        let file = File::open(log)?;
        let found = file.metadata()?;
        let mut reader = Self {
            size: found.len(),
            written: found.modified()?,
            reader: BufReader::with_capacity(BLOCK as usize, file),
            times: LogTimes::open(log),
            end,
            first: 0,
            place: 0,
            line: Vec::new(),
        };
        reader.skip_gone()?;
        Ok(reader)
    }

    /// Leaves out what is not kept from the next place on, and the line that is kept in part.
    fn skip_gone(&mut self) -> io::Result<()> {
        let kept = first_kept(self.reader.get_ref(), self.place);
        if kept == self.place {
            self.reader.seek(SeekFrom::Start(kept))?;
            return Ok(());
        }
        self.reader.seek(SeekFrom::Start(kept))?;
        let most = MAX_LINE.min(self.size.saturating_sub(kept));
        let cut = (&mut self.reader)
            .take(most)
            .read_until(b'\n', &mut self.line)?;
        self.line.clear();
        self.place = kept + cut as u64;
        self.first = self.place;
        Ok(())
    }

    /// How far it has been read, in bytes.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// Leaves out what stands before this place.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn skip_to(&mut self, place: u64) -> io::Result<()> {
        if place > self.place {
            self.place = place;
            self.reader.seek(SeekFrom::Start(place))?;
        }
        Ok(())
    }

    /// Leaves out all but the last lines.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn skip_to_last(&mut self, lines: u64) -> io::Result<()> {
        let end = match self.end {
            LogEnd::Whole => self.size,
            // A line that is not whole is none yet.
            LogEnd::Open => self.line_break_before(self.size, 1)?,
        };
        let place = match lines {
            0 => end,
            // The break that ends the last line separates it from nothing.
            lines => self.line_break_before(end.saturating_sub(1), lines)?,
        };
        self.skip_to(place)
    }

    /// Leaves out lines that are older, as far as that is known without reading them: each line's
    /// own time still tells.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn skip_to_time(&mut self, since: SystemTime) -> io::Result<()> {
        let place = self.times.place_before(since).min(self.size);
        self.skip_to(place)
    }

    /// The place behind the `count`th line break before this one; the beginning of what is kept if
    /// that has fewer.
    fn line_break_before(&self, place: u64, count: u64) -> io::Result<u64> {
        let mut left = count;
        let mut to = place;
        let mut block = vec![0; BLOCK as usize];
        while to > self.first {
            let from = to.saturating_sub(BLOCK).max(self.first);
            let block = &mut block[..(to - from) as usize];
            self.reader.get_ref().read_exact_at(block, from)?;
            for (at, byte) in block.iter().enumerate().rev() {
                if *byte == b'\n' {
                    left -= 1;
                    if left == 0 {
                        return Ok(from + at as u64 + 1);
                    }
                }
            }
            to = from;
        }
        Ok(self.first)
    }

    /// Reads up to the next line's end. Gives how much that was.
    fn read_line(&mut self) -> io::Result<u64> {
        self.line.clear();
        let most = MAX_LINE.min(self.size.saturating_sub(self.place));
        let mut rest = (&mut self.reader).take(most);
        Ok(rest.read_until(b'\n', &mut self.line)? as u64)
    }

    /// The next line, if there is one.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<LogLine<'_>>> {
        let mut read = self.read_line()?;
        // Given back since the log was opened.
        if self.line.first() == Some(&0) {
            let before = self.place;
            self.skip_gone()?;
            if self.place > before {
                read = self.read_line()?;
            } else {
                // The step has written it.
                self.reader.seek(SeekFrom::Start(before + read))?;
            }
        }
        let has_end = self.line.last() == Some(&b'\n');
        let is_whole = has_end || read == MAX_LINE || self.end == LogEnd::Whole;
        if read == 0 || !is_whole {
            return Ok(None);
        }
        self.place += read;
        if has_end {
            self.line.pop();
        }
        let at = self.times.of(self.place).unwrap_or(self.written);
        Ok(Some(LogLine {
            text: &self.line,
            at,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn lines(reader: &mut LogReader) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(line) = reader.next_line().expect("it can be read") {
            found.push(String::from_utf8_lossy(line.text).into_owned());
        }
        found
    }

    #[test]
    fn a_log_is_cut_into_lines_from_where_it_is_wanted() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        let all = &["a", "", "b", "cut"][..];
        for (text, end, tail, expected) in [
            ("", LogEnd::Whole, None, &[][..]),
            ("", LogEnd::Open, Some(3), &[]),
            ("a\n\nb\ncut", LogEnd::Whole, None, all),
            ("a\n\nb\ncut", LogEnd::Open, None, &all[..3]),
            ("a\n\nb\ncut", LogEnd::Whole, Some(0), &[]),
            ("a\n\nb\ncut", LogEnd::Whole, Some(1), &all[3..]),
            ("a\n\nb\ncut", LogEnd::Whole, Some(3), &all[1..]),
            ("a\n\nb\ncut", LogEnd::Whole, Some(4), all),
            ("a\n\nb\ncut", LogEnd::Whole, Some(9), all),
            ("a\n\nb\ncut", LogEnd::Open, Some(0), &[]),
            ("a\n\nb\ncut", LogEnd::Open, Some(1), &all[2..3]),
            ("a\n\nb\ncut", LogEnd::Open, Some(2), &all[1..3]),
            ("a\n\nb\ncut\n", LogEnd::Open, Some(2), &all[2..]),
            ("cut", LogEnd::Open, Some(1), &[]),
        ] {
            std::fs::write(&log, text).expect("a log");
            let mut reader = LogReader::open(&log, end).expect("a log");
            if let Some(tail) = tail {
                reader.skip_to_last(tail).expect("it can be read");
            }
            assert_eq!(lines(&mut reader), expected, "{text:?} {end:?} {tail:?}");
        }
    }

    #[test]
    fn the_last_lines_of_a_large_log_are_found() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        let text: String = (0..50_000).map(|line| format!("{line}\n")).collect();
        std::fs::write(&log, text).expect("a log");
        for tail in [1, 20_000, 49_999] {
            let mut reader = LogReader::open(&log, LogEnd::Whole).expect("a log");
            reader.skip_to_last(tail).expect("it can be read");
            let found = lines(&mut reader);
            assert_eq!(found.len() as u64, tail);
            assert_eq!(found[0], (50_000 - tail).to_string());
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        std::fs::write(&log, vec![b'x'; MAX_LINE as usize * 2 + 5]).expect("a log");
        for (end, expected) in [(LogEnd::Whole, 3), (LogEnd::Open, 2)] {
            let mut reader = LogReader::open(&log, end).expect("a log");
            assert_eq!(lines(&mut reader).len(), expected, "{end:?}");
        }
    }

    #[test]
    fn lines_have_times_and_old_ones_are_left_out() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        let second = |second| UNIX_EPOCH + Duration::from_secs(second);
        let mut text = String::new();
        let mut size = 0;
        for at in [10, 20, 30] {
            text.push_str(&format!("{at}\nmore\n"));
            std::fs::write(&log, &text).expect("a log");
            let file = File::options().append(true).open(&log).expect("a log");
            file.set_modified(second(at)).expect("a time");
            if at < 30 {
                size = crate::log_times::note(&log, size).expect("noted");
            }
        }
        for (since, expected) in [(0, &[10, 10, 20, 20, 30, 30][..]), (20, &[20, 20, 30, 30])] {
            let mut reader = LogReader::open(&log, LogEnd::Whole).expect("a log");
            reader.skip_to_time(second(since)).expect("it can be read");
            let mut found = Vec::new();
            while let Some(line) = reader.next_line().expect("it can be read") {
                if line.at >= second(since) {
                    found.push(line.at);
                }
            }
            let expected: Vec<SystemTime> = expected.iter().copied().map(second).collect();
            assert_eq!(found, expected, "since {since}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_not_kept_is_left_out() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let log = directory.path().join("0-0.main.log");
        let text: String = (0..10_000)
            .map(|line| format!("line {line:04}\n"))
            .collect();
        std::fs::write(&log, &text).expect("a log");
        let size = text.len() as u64;
        let mut early = LogReader::open(&log, LogEnd::Whole).expect("opened");
        let line = early
            .next_line()
            .expect("read")
            .map(|line| line.text.to_vec());
        assert_eq!(line, Some(b"line 0000".to_vec()));
        if crate::log_bound::bound(&log, size, 20_000).is_err() {
            eprintln!("this file system knows no holes: nothing was tested");
            return;
        }
        let all = lines(&mut LogReader::open(&log, LogEnd::Whole).expect("opened"));
        assert!((1_900..2_500).contains(&all.len()), "{}", all.len());
        let first = 10_000 - all.len();
        let expected: Vec<String> = (first..10_000)
            .map(|line| format!("line {line:04}"))
            .collect();
        assert_eq!(all, expected);
        for wanted in [1, 100, 1_000_000] {
            let mut reader = LogReader::open(&log, LogEnd::Whole).expect("opened");
            reader.skip_to_last(wanted).expect("skipped");
            let expected = all.len().min(wanted as usize);
            assert_eq!(lines(&mut reader).len(), expected, "{wanted}");
        }
        // Who was reading when it went reads what was read before, then what is left.
        let rest = lines(&mut early);
        assert_eq!(rest.last(), expected.last());
        assert!(rest.iter().all(|line| line.starts_with("line ")));
        // What a step has written itself is kept, whatever it is.
        std::fs::write(&log, b"\0a\n\0\n").expect("a log");
        let zeros = lines(&mut LogReader::open(&log, LogEnd::Whole).expect("opened"));
        assert_eq!(zeros, ["\0a", "\0"]);
    }
}
