//! Refuses data directories on file systems that several machines share.
//!
//! SQLite's WAL keeps its index in memory that all processes map, and its locks and ours must be
//! seen by all of them. Neither holds on a network file system.

use std::path::Path;

use crate::error::StoreError;

/// Looks at the file system that a data directory is on, or will be.
pub(crate) fn refuse_network(data_dir: &Path) -> Result<(), StoreError> {
    let existing = nearest_existing(data_dir);
    match network_kind(existing)? {
        Some(kind) => Err(StoreError::NetworkFileSystem {
            path: data_dir.to_owned(),
            kind,
        }),
        None => Ok(()),
    }
}

/// The directory, or its nearest ancestor that exists.
fn nearest_existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("."))
}

#[cfg(target_os = "linux")]
fn network_kind(path: &Path) -> Result<Option<String>, StoreError> {
    const FUSE: u64 = 0x6573_5546;
    let look = |error: std::io::Error| StoreError::io("look at the file system of", path, error);
    let status = rustix::fs::statfs(path).map_err(|error| look(error.into()))?;
    // The magic numbers have 32 bits; the field's width and sign differ between machines.
    let magic = (status.f_type as u64) & 0xFFFF_FFFF;
    if magic != FUSE {
        return Ok(network_magic(magic).map(str::to_owned));
    }
    let device = rustix::fs::stat(path)
        .map_err(|error| look(error.into()))?
        .st_dev;
    let device = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    // Without the table nothing speaks against the directory.
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let kind = mounts.lines().find_map(|line| mounted_type(line, &device));
    Ok(kind.filter(|kind| is_remote_fuse(kind)).map(str::to_owned))
}

/// The name of a network file system by its magic number.
#[cfg(target_os = "linux")]
fn network_magic(magic: u64) -> Option<&'static str> {
    NETWORK_MAGICS
        .iter()
        .find(|(known, _)| *known == magic)
        .map(|(_, name)| *name)
}

#[cfg(target_os = "linux")]
fn is_remote_fuse(kind: &str) -> bool {
    !LOCAL_FUSE.contains(&kind)
}

/// The type of file system in a line of `/proc/self/mountinfo`, if the line is about this device.
#[cfg(target_os = "linux")]
fn mounted_type<'a>(line: &'a str, device: &str) -> Option<&'a str> {
    let (mount, source) = line.split_once(" - ")?;
    (mount.split(' ').nth(2)? == device).then(|| source.split(' ').next())?
}

/// `statfs(2)` and the kernel's headers list these.
#[cfg(target_os = "linux")]
const NETWORK_MAGICS: &[(u64, &str)] = &[
    (0x6969, "nfs"),
    (0x517B, "smb"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x00C3_6400, "ceph"),
    (0x7375_7245, "coda"),
    (0x0BD0_0BD0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x1983_0326, "beegfs"),
    (0x0116_1970, "gfs2"),
    (0x7461_636F, "ocfs2"),
    (0xAAD7_AAEA, "panfs"),
    (0x786F_4256, "vboxsf"),
];

/// FUSE file systems that keep their files on this machine. All others are taken for remote
/// (`fuse.sshfs`, `fuse.s3fs`, `fuse.gcsfuse`, …): refusing wrongly costs a flag, accepting wrongly
/// costs data.
#[cfg(target_os = "linux")]
const LOCAL_FUSE: &[&str] = &[
    "fuseblk",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.encfs",
    "fuse.cryfs",
    "fuse.securefs",
    "fuse.bindfs",
    "fuse.mergerfs",
    "fuse.shfs",
    "fuse.lxcfs",
    "virtiofs",
];

#[cfg(target_vendor = "apple")]
fn network_kind(path: &Path) -> Result<Option<String>, StoreError> {
    const MNT_LOCAL: u32 = 0x1000;
    let status = rustix::fs::statfs(path)
        .map_err(|error| StoreError::io("look at the file system of", path, error))?;
    if status.f_flags & MNT_LOCAL != 0 {
        return Ok(None);
    }
    let name = status.f_fstypename.iter().take_while(|byte| **byte != 0);
    Ok(Some(name.map(|byte| char::from(*byte as u8)).collect()))
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn network_kind(_path: &Path) -> Result<Option<String>, StoreError> {
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn reads_mount_lines() {
        let line =
            "36 35 0:52 / /home/ann/far rw,nosuid shared:1 - fuse.sshfs ann@far:/ rw,user_id=1000";
        assert_eq!(mounted_type(line, "0:52"), Some("fuse.sshfs"));
        assert_eq!(mounted_type(line, "0:5"), None);
        assert_eq!(mounted_type("nonsense", "0:5"), None);
    }

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for (magic, expected) in [
            (0x6969, Some("nfs")),
            (0xFF53_4D42, Some("cifs")),
            (0xFE53_4D42, Some("smb2")),
            (0x0102_1997, Some("9p")),
            (0x00C3_6400, Some("ceph")),
            (0x0BD0_0BD0, Some("lustre")),
            (0xEF53, None),      // ext4
            (0x0102_1994, None), // tmpfs
            (0x5846_5342, None), // xfs
            (0x9123_683E, None), // btrfs
            (0x794C_7630, None), // overlay
            (0x2FC1_2FC1, None), // zfs
        ] {
            assert_eq!(network_magic(magic), expected, "{magic:#x}");
        }
        for (kind, expected) in [
            ("fuse.sshfs", true),
            ("fuse.s3fs", true),
            ("fuse.glusterfs", true),
            ("fuseblk", false),
            ("fuse.gocryptfs", false),
        ] {
            assert_eq!(is_remote_fuse(kind), expected, "{kind}");
        }
    }

    #[test]
    fn the_refusal_says_where_what_and_what_to_do() {
        let error = StoreError::NetworkFileSystem {
            path: "/home/ann/far".into(),
            kind: "nfs".to_owned(),
        };
        let text = error.to_string();
        for part in ["/home/ann/far", "nfs", "--data-dir"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_local_directory_is_taken_even_before_it_exists() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(refuse_network(directory.path()).is_ok());
        assert!(refuse_network(&directory.path().join("not/yet/there")).is_ok());
    }
}
