//! Reading zips.

use std::ffi::OsString;
use std::io::{self, Read, Seek};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::unpack::{Unpacker, refused};

/// The longest target of a symbolic link.
const MAX_TARGET: u64 = 4_096;

const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

pub(super) fn read(file: impl Read + Seek, unpacker: &mut Unpacker) -> io::Result<()> {
    let mut archive = ZipArchive::new(file).map_err(|error| match error {
        ZipError::Io(error) => error,
        error => refused(format!("it is no zip, or damaged: {error}")),
    })?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::from)?;
        let name = entry.name().to_owned();
        let Some(path) = unpacker.entry(Path::new(&name))? else {
            continue;
        };
        // Archives of systems without modes say nothing: then it is as Go has it.
        let mode = entry.unix_mode().unwrap_or(0o666);
        let length = entry.size();
        match mode & KIND {
            _ if entry.is_dir() => unpacker.directory(&path)?,
            FOLDER => unpacker.directory(&path)?,
            LINK => {
                let mut target = Vec::new();
                entry.take(MAX_TARGET).read_to_end(&mut target)?;
                unpacker.link(path, PathBuf::from(OsString::from_vec(target)));
            }
            0 | FILE => {
                // What the header says is only what it says: no more than that is read.
                unpacker.take(length)?;
                unpacker.file(&path, mode, None, length, &mut entry)?;
            }
            _ => {
                return Err(refused(format!(
                    "{name} is neither a file nor a folder nor a link"
                )));
            }
        }
    }
    Ok(())
}
