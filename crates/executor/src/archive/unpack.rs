//! What both kinds of archives unpack into.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use argosy_artifacts::tree::{self, Limits, NewTree};

/// Puts the entries of an archive below a folder, and nothing anywhere else.
///
/// Symbolic links are made last: no entry is written through one, and each is checked against all
/// that the archive holds.
pub(super) struct Unpacker {
    tree: NewTree,
    limits: Limits,
    bytes_left: u64,
    entries_left: u64,
    links: BTreeMap<PathBuf, PathBuf>,
    tops: BTreeSet<OsString>,
}

impl Unpacker {
    pub fn new(into: &Path, limits: &Limits) -> io::Result<Self> {
        Ok(Self {
            tree: NewTree::create(into)?,
            limits: *limits,
            bytes_left: limits.bytes,
            entries_left: limits.entries,
            links: BTreeMap::new(),
            tops: BTreeSet::new(),
        })
    }

    /// Where an entry goes. `None` for the folder that everything is in. As in Argo a slash at the
    /// beginning means nothing.
    pub fn entry(&mut self, name: &Path) -> io::Result<Option<PathBuf>> {
        self.entries_left = self.entries_left.checked_sub(1).ok_or_else(|| {
            refused(format!(
                "it holds more than {} entries, the most that is allowed",
                self.limits.entries
            ))
        })?;
        let path = inside(name)?;
        if path.components().count() > self.limits.depth {
            return Err(refused(format!(
                "{} is more than the {} folders deep that are allowed",
                path.display(),
                self.limits.depth
            )));
        }
        let Some(Component::Normal(top)) = path.components().next() else {
            return Ok(None);
        };
        self.tops.insert(top.to_owned());
        self.links.remove(&path);
        Ok(Some(path))
    }

    /// Takes as many bytes from what the archive may unpack to.
    pub fn take(&mut self, bytes: u64) -> io::Result<()> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or_else(|| {
            refused(format!(
                "it unpacks to more than {} bytes, the most that is allowed",
                self.limits.bytes
            ))
        })?;
        Ok(())
    }

    pub fn directory(&mut self, path: &Path) -> io::Result<()> {
        self.tree.directory(path)
    }

    /// Writes a file of a length that has been taken into account, which must be right.
    pub fn file(
        &mut self,
        path: &Path,
        mode: u32,
        modified: Option<SystemTime>,
        length: u64,
        content: &mut impl Read,
    ) -> io::Result<()> {
        let mut file = self.tree.file(path, mode)?;
        let copied = io::copy(&mut content.take(length), &mut file)?;
        if copied < length {
            return Err(refused(format!(
                "{} ends after {copied} of {length} bytes",
                path.display()
            )));
        }
        match modified {
            Some(modified) => file.set_modified(modified),
            None => Ok(()),
        }
    }

    pub fn link(&mut self, path: PathBuf, target: PathBuf) {
        self.links.insert(path, target);
    }

    pub fn hard_link(&mut self, path: &Path, existing: &Path) -> io::Result<()> {
        self.tree.hard_link(path, &inside(existing)?)
    }

    /// Makes the links. Gives the name of what is at the top, if that is one thing.
    pub fn finish(self) -> io::Result<Option<OsString>> {
        let mut tops = self.tops.into_iter();
        let only = match (tops.next(), tops.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        // One thing at the top becomes the artifact: then links must stay inside that.
        let base = usize::from(only.is_some());
        for (path, target) in &self.links {
            if path.components().count() <= base || !tree::stays_inside(path, target, base) {
                return Err(tree::leads_out(path, target));
            }
            self.tree.link(path, target)?;
        }
        Ok(only)
    }
}

/// An entry's path, which need be no text, without `.`, `..` and doubled slashes.
fn lexically(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir) => {}
                _ => clean.push(".."),
            },
            part => clean.push(part),
        }
    }
    if clean.as_os_str().is_empty() {
        clean.push(".");
    }
    clean
}

/// The path of an entry, which must not leave the folder that it is unpacked to.
fn inside(name: &Path) -> io::Result<PathBuf> {
    let clean = lexically(name);
    let clean = clean.strip_prefix("/").unwrap_or(&clean);
    if clean == Path::new(".") {
        return Ok(PathBuf::new());
    }
    if clean
        .components()
        .any(|part| !matches!(part, Component::Normal(_)))
    {
        return Err(refused(format!(
            "the entry {} leads out of the folder",
            name.display()
        )));
    }
    Ok(clean.to_owned())
}

pub(super) fn refused(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
