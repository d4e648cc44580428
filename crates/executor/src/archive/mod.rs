//! Packing what a step has written and unpacking what it is given. Argo: `untar` and `unzip` of its
//! executor, and `util/archive`.

mod pack;
mod tar_reader;
mod unpack;
mod zip_reader;

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use argosy_api::ArchiveStrategy;
use argosy_artifacts::tree::{self, Limits};

pub(crate) use pack::{Packed, pack_tar, pack_zip};

/// How an artifact is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Tar,
    Zip,
}

/// How what was loaded is packed: as the artifact says, else, if it looks like one, as a gzipped
/// tar. A zip is only recognised where the artifact says so, as in Argo.
pub(crate) fn kind_of(strategy: Option<&ArchiveStrategy>, loaded: &Path) -> io::Result<Kind> {
    match strategy {
        Some(strategy) if strategy.none.is_some() => Ok(Kind::Plain),
        Some(strategy) if strategy.tar.is_some() => Ok(Kind::Tar),
        Some(strategy) if strategy.zip.is_some() => Ok(Kind::Zip),
        _ => {
            let file = tree::open(loaded)?;
            let is_tar = file.metadata()?.is_file() && tar_reader::is_tar(BufReader::new(file));
            Ok(if is_tar { Kind::Tar } else { Kind::Plain })
        }
    }
}

/// Unpacks an archive into a folder that is made for it. Gives what was in it: the one file or
/// folder at its top, or if there are several, the folder with them.
pub(crate) fn unpack(
    kind: Kind,
    archive: &Path,
    into: &Path,
    limits: &Limits,
) -> io::Result<PathBuf> {
    let file = tree::open(archive)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(
            "it is a folder, not an archive; leave out `archive`, or say `none`",
        ));
    }
    let mut unpacker = unpack::Unpacker::new(into, limits)?;
    match kind {
        Kind::Plain => return Ok(archive.to_owned()),
        Kind::Tar => tar_reader::read(BufReader::new(file), &mut unpacker)?,
        Kind::Zip => zip_reader::read(BufReader::new(file), &mut unpacker)?,
    }
    let only = unpacker.finish()?;
    Ok(only.map_or_else(|| into.to_owned(), |only| into.join(only)))
}
