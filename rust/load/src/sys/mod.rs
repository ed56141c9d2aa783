//! The few system calls that the standard library lacks: epoll, datagrams in batches, drop counters.

mod receive;
mod send;
mod udp;

pub use receive::{AHEAD, Received, Receiver, Step};
pub use send::Outbox;
pub use udp::{receive_buffer, udp, udp_of_many};

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An epoll instance, level triggered, for reading only.
pub struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// # Errors
    /// As `epoll_create1`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the descriptor that comes back is ours alone.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 512] })
    }

    /// Watches `fd` for one readiness: silent after it until [`Self::again`].
    ///
    /// # Errors
    /// As `epoll_ctl`.
    pub fn add_once(&self, fd: RawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN | libc::EPOLLONESHOT, token)
    }

    /// Watches an `fd` of [`Self::add_once`] for its next readiness, which may be there already.
    ///
    /// # Errors
    /// As `epoll_ctl`.
    pub fn again(&self, fd: RawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, libc::EPOLLIN | libc::EPOLLONESHOT, token)
    }

    /// Watches `fd`, which must outlive its registration, under `token`.
    ///
    /// # Errors
    /// As `epoll_ctl`.
    pub fn add(&self, fd: RawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN, token)
    }

    fn control(&self, what: libc::c_int, fd: RawFd, events: libc::c_int, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        // SAFETY: `event` lives through the call.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), what, fd, &raw mut event) }).map(drop)
    }

    /// Tokens that are readable, at most 512, after at most `timeout` (rounded up to a millisecond).
    ///
    /// # Errors
    /// As `epoll_wait`; an interruption by a signal is no error.
    pub fn wait(&mut self, timeout: Duration) -> io::Result<impl Iterator<Item = u64> + '_> {
        let ms = i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        // SAFETY: the buffer is as long as said.
        let count = unsafe {
            libc::epoll_wait(
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as libc::c_int,
                ms,
            )
        };
        let count = match check(count) {
            Ok(count) => count as usize,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        Ok(self.events[..count].iter().map(|event| event.u64))
    }
}

/// Wakes an [`Epoll`] from another thread.
pub struct Waker(OwnedFd);

impl Waker {
    /// # Errors
    /// As `eventfd`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the descriptor that comes back is ours alone.
        let fd =
            unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC))?) };
        Ok(Self(fd))
    }

    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Wakes. A waker that is already awake stays so.
    pub fn wake(&self) {
        let one = 1_u64;
        // SAFETY: eight bytes of a live integer; a full counter means it is awake already.
        let _ = unsafe { libc::write(self.fd(), (&raw const one).cast(), 8) };
    }

    /// Puts it back to sleep.
    pub fn clear(&self) {
        let mut value = 0_u64;
        // SAFETY: eight bytes of a live integer.
        let _ = unsafe { libc::read(self.fd(), (&raw mut value).cast(), 8) };
    }
}

/// CPU time of this process, microseconds of user and of system time.
#[must_use]
pub fn cpu_us() -> (u64, u64) {
    // SAFETY: all-zero is valid, and the pointer is live.
    let usage = unsafe {
        let mut usage: libc::rusage = zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let micros = |t: libc::timeval| t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64;
    (micros(usage.ru_utime), micros(usage.ru_stime))
}

/// Resident memory of this process, bytes; 0 where `/proc` does not tell.
#[must_use]
pub fn rss_bytes() -> u64 {
    let read = || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<u64>().ok();
    read().unwrap_or(0) * 4096
}

/// Raises the limit of open files to what the system allows; returns it.
pub fn raise_file_limit() -> u64 {
    // SAFETY: the pointer is live in both calls.
    unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
        limit.rlim_cur
    }
}
