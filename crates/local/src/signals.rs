//! How signals reach this process.

/// Whether this process ignores a signal, which it may have been begun to do.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the structure lives through the call, which changes nothing, and a zeroed one is valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_told() {
        // Rust's programs are begun to ignore this one, and none of its own use that one.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGUSR2));
        assert!(!is_ignored(-1));
    }
}
