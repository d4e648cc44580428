//! Packing and unpacking artifacts. Argo: `workflow/executor/executor.go` (`untar`, `unzip`),
//! `util/archive`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::ExecutorError;

/// The most bytes that an archive may unpack to.
const MAX_UNPACKED: u64 = 64 << 30;

/// Packs a file or folder as a gzipped tar, under its own name.
pub(crate) fn pack_tar(from: &Path, to: &Path, level: Option<i32>) -> io::Result<()> {
    let compression = match level {
        Some(level) => Compression::new(level.clamp(0, 9).unsigned_abs()),
        None => Compression::fast(),
    };
    let encoder = GzEncoder::new(BufWriter::new(File::create(to)?), compression);
    let mut builder = tar::Builder::new(encoder);
    builder.follow_symlinks(false);
    let name = from.file_name().unwrap_or_default();
    if from.symlink_metadata()?.is_dir() {
        builder.append_dir_all(name, from)?;
    } else {
        builder.append_path_with_name(from, name)?;
    }
    builder.into_inner()?.finish()?.flush()
}

/// Packs a file or folder as a zip.
pub(crate) fn pack_zip(from: &Path, to: &Path) -> io::Result<()> {
    let mut writer = zip::ZipWriter::new(BufWriter::new(File::create(to)?));
    let base = from.parent().unwrap_or(from);
    let mut open = vec![from.to_owned()];
    while let Some(path) = open.pop() {
        let name = path
            .strip_prefix(base)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        let metadata = path.metadata()?;
        let options = zip::write::SimpleFileOptions::default().unix_permissions(mode(&metadata));
        if metadata.is_dir() {
            writer
                .add_directory(name, options)
                .map_err(io::Error::other)?;
            let mut entries: Vec<_> = fs::read_dir(&path)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
            entries.sort();
            open.extend(entries.into_iter().rev());
        } else {
            writer.start_file(name, options).map_err(io::Error::other)?;
            io::copy(&mut File::open(&path)?, &mut writer)?;
        }
    }
    writer.finish().map_err(io::Error::other)?.flush()
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> u32 {
    0o644
}

/// What kind of archive a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tar,
    Zip,
    Plain,
}

pub(crate) fn kind_of(path: &Path) -> io::Result<Kind> {
    if path.is_dir() {
        return Ok(Kind::Plain);
    }
    let mut head = [0; 4];
    let count = File::open(path)?.read(&mut head)?;
    Ok(match &head[..count] {
        [0x1f, 0x8b, ..] => match is_tar(path) {
            true => Kind::Tar,
            false => Kind::Plain,
        },
        [b'P', b'K', 3 | 5, 4 | 6] => Kind::Zip,
        _ => Kind::Plain,
    })
}

fn is_tar(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let first = archive
        .entries()
        .ok()
        .and_then(|mut entries| entries.next());
    matches!(first, Some(Ok(_)))
}

/// Unpacks an archive into a new folder.
pub(crate) fn unpack(
    name: &str,
    kind: Kind,
    from: &Path,
    into: &Path,
) -> Result<(), ExecutorError> {
    let refused = |why: String| ExecutorError::Archive(name.to_owned(), why);
    fs::create_dir_all(into).map_err(|error| ExecutorError::io("make", into, error))?;
    let file = File::open(from).map_err(|error| ExecutorError::io("open", from, error))?;
    match kind {
        Kind::Plain => Ok(()),
        Kind::Tar => {
            let reader = GzDecoder::new(BufReader::new(file)).take(MAX_UNPACKED);
            let mut archive = tar::Archive::new(reader);
            archive.set_preserve_permissions(true);
            archive.set_overwrite(false);
            for entry in archive
                .entries()
                .map_err(|error| refused(error.to_string()))?
            {
                let mut entry = entry.map_err(|error| refused(error.to_string()))?;
                let kind = entry.header().entry_type();
                if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
                    return Err(refused(format!("it holds a special file ({kind:?})")));
                }
                let path = entry
                    .path()
                    .map_err(|error| refused(error.to_string()))?
                    .into_owned();
                if !stays_inside(&path) {
                    return Err(refused(format!("{} leads out of it", path.display())));
                }
                if !entry
                    .unpack_in(into)
                    .map_err(|error| refused(error.to_string()))?
                {
                    return Err(refused(format!("{} leads out of it", path.display())));
                }
            }
            Ok(())
        }
        Kind::Zip => {
            let mut archive = zip::ZipArchive::new(BufReader::new(file))
                .map_err(|error| refused(error.to_string()))?;
            archive
                .extract(into)
                .map_err(|error| refused(error.to_string()))
        }
    }
}

fn stays_inside(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Copies a file or folder as it is.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let metadata = from.symlink_metadata()?;
        if metadata.is_dir() {
            fs::create_dir_all(&to)?;
            for entry in fs::read_dir(&from)? {
                let entry = entry?;
                open.push((entry.path(), to.join(entry.file_name())));
            }
        } else if metadata.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
