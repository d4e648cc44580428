//! From the paths that a step knows to the files of this machine.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use argosy_artifacts::tree;

/// How many symbolic links a path may lead over; Linux's own number.
const MAX_LINKS: usize = 40;

/// Where the paths of a step lie on this machine.
pub trait PathMap {
    /// What backs a path of the step: of the path as it is written, links not followed.
    fn host_path(&self, inside: &str) -> PathBuf;

    /// Opens what the step would find at a path, a file or a folder, for reading. Links are followed
    /// as the step would follow them: where they lead is again looked up by [`Self::host_path`].
    ///
    /// # Errors
    /// `NotFound` if there is nothing.
    fn open(&self, inside: &str) -> io::Result<File> {
        let path = resolve(self, Path::new(inside), Last::Follow)?;
        tree::open(&self.host_path(utf8(&path)?))
    }

    /// Where something is to be put that the step shall find at a path. Links on the way are
    /// followed as the step would follow them; one at the path itself isn't. Folders that are
    /// missing above it are made.
    ///
    /// # Errors
    /// If that fails.
    fn place(&self, inside: &str) -> io::Result<PathBuf> {
        let path = resolve(self, Path::new(inside), Last::Keep)?;
        let host = self.host_path(utf8(&path)?);
        if let Some(parent) = host.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(host)
    }
}

/// The step sees the machine as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityPathMap;

impl PathMap for IdentityPathMap {
    fn host_path(&self, inside: &str) -> PathBuf {
        PathBuf::from(inside)
    }
}

/// The step's root is a folder of the machine, over which others may be mounted.
#[derive(Clone, Debug)]
pub struct RootedPathMap {
    root: PathBuf,
    mounts: Vec<(PathBuf, PathBuf)>,
}

impl RootedPathMap {
    /// With this root. Relative paths are taken to begin there.
    pub fn new(root: PathBuf) -> Self {
        Self {
            root,
            mounts: Vec::new(),
        }
    }

    /// With a file or folder of the machine mounted at a path of the step.
    #[must_use]
    pub fn mount(mut self, inside: &Path, host: PathBuf) -> Self {
        self.mounts.push((inside.to_owned(), host));
        // The innermost mount is the one that counts.
        self.mounts
            .sort_by_key(|(inside, _)| std::cmp::Reverse(inside.components().count()));
        self
    }
}

impl PathMap for RootedPathMap {
    fn host_path(&self, inside: &str) -> PathBuf {
        let inside = Path::new(inside);
        for (mount, host) in &self.mounts {
            if let Ok(rest) = inside.strip_prefix(mount) {
                return join(host, rest);
            }
        }
        join(&self.root, inside.strip_prefix("/").unwrap_or(inside))
    }
}

/// Joining nothing would end the path of a file in a slash.
fn join(host: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() {
        host.to_owned()
    } else {
        host.join(rest)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Follow,
    Keep,
}

enum Part {
    Root,
    Up,
    Name(std::ffi::OsString),
}

/// The path, in the step's view, at which following all links ends.
fn resolve(paths: &(impl PathMap + ?Sized), inside: &Path, last: Last) -> io::Result<PathBuf> {
    let mut waiting: VecDeque<Part> = parts(inside).collect();
    let mut resolved = PathBuf::new();
    let mut links = 0;
    while let Some(part) = waiting.pop_front() {
        match part {
            Part::Root => resolved = PathBuf::from("/"),
            Part::Up => {
                if !resolved.pop() && !resolved.has_root() {
                    resolved.push("..");
                }
            }
            Part::Name(name) => {
                let next = resolved.join(name);
                let host = paths.host_path(utf8(&next)?);
                let is_last = waiting.is_empty();
                let is_link =
                    fs::symlink_metadata(&host).is_ok_and(|metadata| metadata.is_symlink());
                if !is_link || (is_last && last == Last::Keep) {
                    resolved = next;
                    continue;
                }
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other(format!(
                        "{} leads over too many symbolic links",
                        inside.display()
                    )));
                }
                for part in parts(&fs::read_link(&host)?)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                {
                    waiting.push_front(part);
                }
            }
        }
    }
    Ok(resolved)
}

fn parts(path: &Path) -> impl Iterator<Item = Part> + '_ {
    path.components().filter_map(|part| match part {
        Component::RootDir => Some(Part::Root),
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    })
}

fn utf8(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is not UTF-8", path.display()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn text(paths: &dyn PathMap, inside: &str) -> Option<String> {
        let mut text = String::new();
        paths.open(inside).ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    }

    #[test]
    fn links_are_followed_in_the_steps_view_only() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (root, volume) = (dir.path().join("root"), dir.path().join("volume"));
        fs::create_dir_all(root.join("etc"))?;
        fs::create_dir_all(root.join("tmp"))?;
        fs::create_dir_all(&volume)?;
        fs::write(dir.path().join("secret"), "of the machine")?;
        fs::write(root.join("etc/secret"), "of the step")?;
        fs::write(volume.join("data"), "of the volume")?;
        symlink("/etc/secret", root.join("tmp/absolute"))?;
        symlink("../etc/secret", root.join("tmp/relative"))?;
        symlink("../../../../../etc/secret", root.join("tmp/above"))?;
        symlink(dir.path().join("secret"), root.join("tmp/machine"))?;
        symlink("/mnt/data", root.join("tmp/volume"))?;
        symlink("/tmp/relative", volume.join("back"))?;
        symlink("loop", root.join("tmp/loop"))?;
        symlink("../etc", root.join("tmp/folder"))?;
        let paths = RootedPathMap::new(root).mount(Path::new("/mnt"), volume);
        for (inside, expected) in [
            ("/tmp/absolute", Some("of the step")),
            ("/tmp/relative", Some("of the step")),
            ("/tmp/above", Some("of the step")),
            ("/tmp/folder/secret", Some("of the step")),
            ("/tmp/folder/../etc/secret", Some("of the step")),
            ("/tmp/machine", None),
            ("/tmp/volume", Some("of the volume")),
            ("/mnt/back", Some("of the step")),
            ("/tmp/loop", None),
            ("/tmp/missing", None),
        ] {
            assert_eq!(text(&paths, inside).as_deref(), expected, "{inside}");
        }
        Ok(())
    }

    #[test]
    fn what_is_put_somewhere_stays_in_the_steps_view() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().join("root");
        fs::create_dir_all(&root)?;
        symlink("/", root.join("up"))?;
        symlink("/elsewhere", root.join("last"))?;
        let paths = RootedPathMap::new(root.clone());
        for (inside, expected) in [
            ("/up/etc/x", "etc/x"),
            ("/new/folder/x", "new/folder/x"),
            ("/last", "last"),
            ("/up/../../x", "x"),
        ] {
            assert_eq!(paths.place(inside)?, root.join(expected), "{inside}");
        }
        Ok(())
    }
}
