//! The few system calls the node needs and the standard library lacks, each behind a safe type.

pub mod address;
pub mod epoll;
pub mod random;
pub mod receive;
pub mod send;
pub mod signal;
pub mod tcp;
pub mod udp;
pub mod usage;

use std::io;

/// Turns the C convention (-1 and errno) into a `Result`.
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
