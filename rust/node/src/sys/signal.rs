//! SIGTERM and SIGINT as something to wait for.

use std::io;
use std::mem;

fn set() -> libc::sigset_t {
    // SAFETY: a signal set is plain memory, and these calls only write to it.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        set
    }
}

/// Blocks both for this thread and those it starts from now on.
///
/// # Errors
/// As `pthread_sigmask`.
pub fn block() -> io::Result<()> {
    let set = set();
    // SAFETY: a valid set; the old mask is not wanted.
    match unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Waits for one of them and gives its name.
///
/// # Errors
/// As `sigwait`.
pub fn wait() -> io::Result<&'static str> {
    let set = set();
    let mut signal = 0;
    // SAFETY: a valid set and a place for the number.
    match unsafe { libc::sigwait(&raw const set, &raw mut signal) } {
        0 => Ok(if signal == libc::SIGTERM { "SIGTERM" } else { "SIGINT" }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}
