//! Packing. The same files give the same archive: names are in order, owners and the time of
//! packing are left out.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use argosy_artifacts::tree::{self, Found, Limits};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// From this length on a file of a zip needs the larger headers.
const LARGE: u64 = 4_000_000_000;

/// An open file or folder that is to be packed.
pub(crate) enum Packed {
    File(File),
    Folder(File),
}

impl Packed {
    /// What an open file is.
    pub fn of(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            Ok(Self::Folder(file))
        } else if metadata.is_file() {
            Ok(Self::File(file))
        } else {
            Err(io::Error::other("it is neither a file nor a folder"))
        }
    }
}

/// Packs as a gzipped tar, under a name. The level is that of Go's gzip: 0 to 9, -1 for the usual
/// one, -2 for the fastest.
pub(crate) fn pack_tar(
    what: &Packed,
    name: &OsStr,
    to: &File,
    level: Option<i32>,
    limits: &Limits,
) -> io::Result<()> {
    let compression = match level {
        None | Some(-1) => Compression::default(),
        Some(-2) => Compression::fast(),
        Some(level @ 0..=9) => Compression::new(level.unsigned_abs()),
        Some(level) => {
            return Err(io::Error::other(format!(
                "{level} is no compression level; choose one from 0 to 9"
            )));
        }
    };
    let mut builder = tar::Builder::new(GzEncoder::new(BufWriter::new(to), compression));
    match what {
        Packed::File(file) => {
            let metadata = file.metadata()?;
            let stamp = (metadata.permissions().mode(), metadata.modified()?);
            append_file(&mut builder, Path::new(name), stamp, file, metadata.len())?;
        }
        Packed::Folder(folder) => {
            let metadata = folder.metadata()?;
            let stamp = (metadata.permissions().mode(), metadata.modified()?);
            append_folder(&mut builder, Path::new(name), stamp)?;
            tree::walk(folder, limits, &mut |entry| {
                let path = Path::new(name).join(entry.path);
                let stamp = (entry.mode, entry.modified);
                match entry.found {
                    Found::Directory => append_folder(&mut builder, &path, stamp),
                    Found::File { file, length } => {
                        append_file(&mut builder, &path, stamp, file, length)
                    }
                    Found::Link { target } => {
                        let mut header = header(EntryType::Symlink, stamp, 0);
                        builder.append_link(&mut header, path, target)
                    }
                    // Argo packs pipes and leaves them out when it unpacks.
                    Found::Special => Ok(()),
                }
            })?;
        }
    }
    builder.into_inner()?.finish()?.flush()
}

type Stamp = (u32, SystemTime);

fn append_folder<W: Write>(
    builder: &mut tar::Builder<W>,
    path: &Path,
    stamp: Stamp,
) -> io::Result<()> {
    builder.append_data(
        &mut header(EntryType::Directory, stamp, 0),
        path,
        io::empty(),
    )
}

fn append_file<W: Write>(
    builder: &mut tar::Builder<W>,
    path: &Path,
    stamp: Stamp,
    file: &File,
    length: u64,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, stamp, length);
    builder.append_data(&mut header, path, Exactly { file, left: length })
}

fn header(kind: EntryType, (mode, modified): Stamp, length: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode & 0o777);
    header.set_mtime(
        modified
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
    );
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(length);
    header
}

/// Packs as a zip, under a name. Unlike Argo's, which keep neither modes nor empty folders and put
/// a single file under the whole path that it had.
pub(crate) fn pack_zip(what: &Packed, name: &OsStr, to: &File, limits: &Limits) -> io::Result<()> {
    let mut writer = ZipWriter::new(BufWriter::new(to));
    match what {
        Packed::File(file) => {
            let metadata = file.metadata()?;
            zip_file(
                &mut writer,
                Path::new(name),
                metadata.permissions().mode(),
                file,
                metadata.len(),
            )?;
        }
        Packed::Folder(folder) => {
            let mode = folder.metadata()?.permissions().mode();
            writer.add_directory(zip_name(Path::new(name))?, options(mode, 0))?;
            tree::walk(folder, limits, &mut |entry| {
                let path = Path::new(name).join(entry.path);
                match entry.found {
                    Found::Directory => {
                        Ok(writer.add_directory(zip_name(&path)?, options(entry.mode, 0))?)
                    }
                    Found::File { file, length } => {
                        zip_file(&mut writer, &path, entry.mode, file, length)
                    }
                    Found::Link { target } => {
                        let target = zip_name(target)?;
                        Ok(writer.add_symlink(zip_name(&path)?, target, options(entry.mode, 0))?)
                    }
                    Found::Special => Ok(()),
                }
            })?;
        }
    }
    writer.finish()?.flush()
}

fn zip_file<W: Write + io::Seek>(
    writer: &mut ZipWriter<W>,
    path: &Path,
    mode: u32,
    file: &File,
    length: u64,
) -> io::Result<()> {
    writer.start_file(zip_name(path)?, options(mode, length))?;
    io::copy(&mut Exactly { file, left: length }, writer).map(drop)
}

fn options(mode: u32, length: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .unix_permissions(mode & 0o777)
        .large_file(length >= LARGE)
}

fn zip_name(path: &Path) -> io::Result<String> {
    PathBuf::from(path)
        .into_os_string()
        .into_string()
        .map_err(|_| {
            io::Error::other(format!(
                "the name {} is not UTF-8, which a zip needs; use tar",
                path.display()
            ))
        })
}

/// A file that must be as long as it was when its header was written.
struct Exactly<'a> {
    file: &'a File,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = (&mut &*self.file).read(&mut buffer[..most])?;
        if count == 0 {
            return Err(io::Error::other(
                "a file became shorter while it was packed; let the step end its writing first",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}
