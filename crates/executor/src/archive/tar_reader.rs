//! Reading gzipped tars.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::unpack::{Unpacker, refused};

/// What the headers of one entry may hold: long names and extended attributes are read into memory.
const MAX_HEADERS: u64 = 1 << 20;
/// What fills up the last block of an entry.
const PADDING: u64 = 1_024;

/// Whether it begins as a gzipped tar does that holds anything.
pub(super) fn is_tar(file: impl BufRead) -> bool {
    let (reader, allowed) = Metered::new(MultiGzDecoder::new(file));
    allowed.set(MAX_HEADERS);
    let mut archive = tar::Archive::new(reader);
    let first = archive
        .entries()
        .ok()
        .and_then(|mut entries| entries.next());
    matches!(first, Some(Ok(_)))
}

pub(super) fn read(file: impl BufRead, unpacker: &mut Unpacker) -> io::Result<()> {
    let (reader, allowed) = Metered::new(MultiGzDecoder::new(file));
    let mut archive = tar::Archive::new(reader);
    allowed.set(MAX_HEADERS);
    let mut entries = archive.entries()?;
    loop {
        allowed.set(MAX_HEADERS);
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        read_entry(entry.map_err(not_a_tar)?, &allowed, unpacker)?;
    }
}

fn read_entry(
    mut entry: tar::Entry<'_, impl Read>,
    allowed: &Cell<u64>,
    unpacker: &mut Unpacker,
) -> io::Result<()> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        // As in what `git archive` writes: about the archive, not in it.
        let length = entry.size();
        unpacker.take(length)?;
        allowed.set(length.saturating_add(PADDING));
        return io::copy(&mut entry, &mut io::sink()).map(drop);
    }
    let is_folder = kind == EntryType::Directory || entry.path_bytes().ends_with(b"/");
    let name = entry.path()?.into_owned();
    let Some(path) = unpacker.entry(&name)? else {
        return Ok(());
    };
    match kind {
        EntryType::Directory => unpacker.directory(&path),
        EntryType::Regular | EntryType::Continuous if is_folder => unpacker.directory(&path),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let length = entry.size();
            unpacker.take(length)?;
            allowed.set(length.saturating_add(PADDING));
            let mode = entry.header().mode()?;
            let modified = UNIX_EPOCH.checked_add(Duration::from_secs(entry.header().mtime()?));
            unpacker.file(&path, mode, modified, length, &mut entry)
        }
        EntryType::Symlink => {
            let target = entry.link_name()?.map(|target| target.into_owned());
            unpacker.link(path, target.unwrap_or_default());
            Ok(())
        }
        EntryType::Link => {
            let existing = entry.link_name()?.map(|existing| existing.into_owned());
            unpacker.hard_link(&path, existing.as_deref().unwrap_or(Path::new("")))
        }
        kind => Err(refused(format!(
            "{} is neither a file nor a folder nor a link, but of the kind {kind:?}",
            name.display()
        ))),
    }
}

fn not_a_tar(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("it is no gzipped tar, or damaged: {error}"),
    )
}

/// A reader that gives no more than it is allowed to until it is allowed more.
struct Metered<R> {
    inner: R,
    allowed: Rc<Cell<u64>>,
}

impl<R> Metered<R> {
    fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let allowed = Rc::new(Cell::new(0));
        (
            Self {
                inner,
                allowed: Rc::clone(&allowed),
            },
            allowed,
        )
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowed.get();
        if allowed == 0 && !buffer.is_empty() {
            return Err(refused(
                "the headers of an entry are larger than 1 MiB".to_owned(),
            ));
        }
        let most = usize::try_from(allowed)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.allowed.set(allowed - count as u64);
        Ok(count)
    }
}
