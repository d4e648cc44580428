//! A mount namespace for one step.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::protocol::Mount;

/// Mounts as the system call wants them.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "mount namespaces are Linux's")
)]
pub(super) struct Mounts {
    /// What fills folders of the pod's own, by path.
    inner: Vec<(CString, CString)>,
    /// What covers the machine's paths.
    covers: Vec<Cover>,
    /// What maps this user to itself in a namespace of its own; none for root.
    user: Option<(CString, CString)>,
}

/// A mount over a path of the machine.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "mount namespaces are Linux's")
)]
struct Cover {
    source: CString,
    target: CString,
    read_only: bool,
}

/// How many paths of the machine a step may cover.
const MAX_COVERS: usize = 256;

impl Mounts {
    /// `None` if there are none, so that no namespace is needed.
    pub(super) fn new(mounts: &[Mount]) -> io::Result<Option<Self>> {
        if mounts.is_empty() {
            return Ok(None);
        }
        let text =
            |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
        let inner = mounts
            .iter()
            .filter(|mount| mount.inner)
            .map(|mount| Ok((text(&mount.source)?, text(&mount.target)?)))
            .collect::<io::Result<_>>()?;
        let covers: Vec<Cover> = mounts
            .iter()
            .filter(|mount| !mount.inner)
            .map(|mount| {
                Ok(Cover {
                    source: text(&mount.source)?,
                    target: text(&mount.target)?,
                    read_only: mount.read_only,
                })
            })
            .collect::<io::Result<_>>()?;
        if covers.len() > MAX_COVERS {
            return Err(io::Error::other(format!(
                "a step may declare {MAX_COVERS} paths and volumes; this one needs {} mounts",
                covers.len()
            )));
        }
        // SAFETY: these can't fail.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let map = |id: u32| CString::new(format!("{id} {id} 1")).map_err(io::Error::other);
        let user = (user != 0)
            .then(|| Ok::<_, io::Error>((map(user)?, map(group)?)))
            .transpose()?;
        Ok(Some(Self {
            inner,
            covers,
            user,
        }))
    }

    /// Goes into a mount namespace and makes the mounts. Makes only system calls.
    #[cfg(target_os = "linux")]
    pub(super) fn enter(&self) -> io::Result<()> {
        let flags = match self.user {
            Some(_) => libc::CLONE_NEWUSER | libc::CLONE_NEWNS,
            None => libc::CLONE_NEWNS,
        };
        // SAFETY: plain system calls on prepared memory.
        unsafe {
            checked(libc::unshare(flags))?;
            if let Some((user, group)) = &self.user {
                write_file(c"/proc/self/setgroups", c"deny")?;
                write_file(c"/proc/self/uid_map", user)?;
                write_file(c"/proc/self/gid_map", group)?;
            }
            let none = std::ptr::null();
            checked(libc::mount(
                none,
                c"/".as_ptr(),
                none,
                libc::MS_REC | libc::MS_PRIVATE,
                none.cast(),
            ))?;
            let bind = libc::MS_BIND | libc::MS_REC;
            for (source, target) in &self.inner {
                let (source, target) = (source.as_ptr(), target.as_ptr());
                checked(libc::mount(source, target, none, bind, none.cast()))?;
            }
            // Sources are held open, since what covers `/tmp` or `/` may hide the next one.
            let mut held = [-1; MAX_COVERS];
            for (cover, file) in self.covers.iter().zip(&mut held) {
                *file = libc::open(cover.source.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
                checked(*file)?;
            }
            for (cover, &file) in self.covers.iter().zip(&held) {
                if cover.target.to_bytes() == b"/" {
                    checked(libc::fchdir(file))?;
                    checked(libc::chroot(c".".as_ptr()))?;
                    continue;
                }
                let (source, target) = (held_path(file), cover.target.as_ptr());
                let source = source.as_ptr().cast();
                checked(libc::mount(source, target, none, bind, none.cast()))?;
                if cover.read_only {
                    let again = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
                    checked(libc::mount(none, target, none, again, none.cast()))?;
                }
            }
            Ok(())
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn enter(&self) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// The path of an open file, ended by a zero. Without allocation: it is made after the fork.
#[cfg(target_os = "linux")]
fn held_path(file: libc::c_int) -> [u8; 32] {
    const PREFIX: &[u8] = b"/proc/self/fd/";
    let mut path = [0; 32];
    path[..PREFIX.len()].copy_from_slice(PREFIX);
    let mut digits = [0; 10];
    let (mut rest, mut count) = (file.unsigned_abs(), 0);
    loop {
        digits[count] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    for (place, digit) in digits[..count].iter().rev().enumerate() {
        path[PREFIX.len() + place] = *digit;
    }
    path
}

#[cfg(target_os = "linux")]
fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn write_file(path: &std::ffi::CStr, text: &std::ffi::CStr) -> io::Result<()> {
    // SAFETY: plain system calls on prepared memory.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        checked(file)?;
        let bytes = text.to_bytes();
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let error = io::Error::last_os_error();
        libc::close(file);
        if written < 0 {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether steps can have mount namespaces here; else why not.
///
/// # Errors
/// The reason.
pub fn namespaces_work() -> Result<(), String> {
    #[cfg(not(target_os = "linux"))]
    return Err("mount namespaces are Linux's; this is another system".to_owned());
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let mut probe = std::process::Command::new("/proc/self/exe");
        // SAFETY: plain system calls. The program itself is never run.
        unsafe {
            probe.pre_exec(|| {
                let flags = if libc::geteuid() == 0 {
                    libc::CLONE_NEWNS
                } else {
                    libc::CLONE_NEWUSER | libc::CLONE_NEWNS
                };
                checked(libc::unshare(flags))?;
                libc::_exit(0)
            });
        }
        match probe.status() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("this machine gives no mount namespace: {error}")),
        }
    }
}
