//! Beginning a process inside a cgroup. The C library has no call for it that shares memory with the
//! child, and moving a process later makes the kernel wait for all processors, each time.

use std::io;
use std::os::fd::RawFd;

/// What runs in the child, on a stack of its own. What it gives is the exit code.
pub(super) type Body = extern "C" fn(*mut libc::c_void) -> libc::c_int;

/// Begins a process that shares this one's memory, in a cgroup, and waits until it has left that
/// memory by running a program or ending.
///
/// # Errors
/// If the kernel refuses: it is older than Linux 5.7, or the cgroup takes no processes.
///
/// # Safety
/// `stack` must be `stack_bytes` of memory that nobody else uses, aligned to 16 bytes and a multiple
/// of them, and `body` must do with `argument` what may be done after a `vfork`.
pub(super) unsafe fn begin(
    body: Body,
    argument: *mut libc::c_void,
    stack: *mut u8,
    stack_bytes: usize,
    cgroup: RawFd,
) -> io::Result<libc::pid_t> {
    // SAFETY: all of its fields are numbers, for which zero means "not wanted".
    let mut wanted: libc::clone_args = unsafe { std::mem::zeroed() };
    let shared = libc::CLONE_VM | libc::CLONE_VFORK;
    wanted.flags = shared.unsigned_abs().into();
    wanted.flags |= 0x2_0000_0000; // CLONE_INTO_CGROUP
    wanted.exit_signal = libc::SIGCHLD.unsigned_abs().into();
    wanted.stack = stack as u64;
    wanted.stack_size = stack_bytes as u64;
    wanted.cgroup = cgroup.unsigned_abs().into();
    let result: isize;
    // SAFETY: the parent goes on behind the label with all registers but the named ones as they
    // were. The child begins on its own stack, of which it uses nothing from before, calls the body
    // and ends: it never comes back into this function.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit,
            inlateout("rax") libc::SYS_clone3 as isize => result,
            in("rdi") &raw const wanted,
            in("rsi") size_of::<libc::clone_args>(),
            in("r12") argument,
            in("r13") body,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    match i32::try_from(result) {
        Ok(pid) if pid > 0 => Ok(pid),
        Ok(error) => Err(io::Error::from_raw_os_error(-error)),
        Err(_) => Err(io::ErrorKind::Other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn gives_seven(argument: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the test hands it a number of its own.
        unsafe { *argument.cast::<i32>() += 1 };
        7
    }

    #[test]
    fn what_is_no_cgroup_is_refused_and_nothing_begins() {
        let mut stack = vec![0_u128; 1_024];
        let mut number = 1_i32;
        // SAFETY: the stack and the number live through the call.
        let begun = unsafe {
            begin(
                gives_seven,
                (&raw mut number).cast(),
                stack.as_mut_ptr().cast(),
                stack.len() * size_of::<u128>(),
                // A file, but no cgroup.
                0,
            )
        };
        assert!(begun.is_err());
        assert_eq!(number, 1);
    }
}
