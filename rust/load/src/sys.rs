//! The few system calls that the standard library lacks: epoll, batched receiving with GRO, drop counters.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
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

    /// Watches `fd`, which must outlive its registration, under `token`.
    ///
    /// # Errors
    /// As `epoll_ctl`.
    pub fn add(&self, fd: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: `event` lives through the call.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event) })
            .map(drop)
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

/// A bound, non-blocking UDP socket that counts its own drops; with `gro` the kernel may join datagrams.
///
/// # Errors
/// As `bind` and `setsockopt`.
pub fn udp(bind: SocketAddr, gro: bool, receive_buffer: i32) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(bind)?;
    socket.set_nonblocking(true)?;
    let fd = socket.as_raw_fd();
    set(fd, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
    if set(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, receive_buffer).is_err() {
        set(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, receive_buffer)?;
    }
    if gro {
        set(fd, libc::SOL_UDP, libc::UDP_GRO, 1)?;
    }
    Ok(socket)
}

fn set(fd: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: a live integer and its size.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) }).map(drop)
}

const BATCH: usize = 32;
const CONTROL: usize = 64;

/// Buffers for `recvmmsg`, shared by all sockets of a thread; the structures that point at them are filled in once.
pub struct Receiver {
    buffers: Vec<Vec<u8>>,
    /// Held for what `messages` points at.
    _controls: Vec<[u64; CONTROL / 8]>,
    names: Vec<libc::sockaddr_storage>,
    /// The same.
    _vectors: Vec<libc::iovec>,
    messages: Vec<libc::mmsghdr>,
}

// SAFETY: the pointers point into the heap blocks of this value's own vectors, which never grow and move with it.
unsafe impl Send for Receiver {}

/// What one call brought besides datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    pub datagrams: usize,
    /// The socket's drop counter since it was opened; `None` when it never dropped.
    pub dropped: Option<u32>,
    /// The batch was full: there may be more.
    pub more: bool,
}

impl Receiver {
    /// With `gro` every buffer takes 64 kB.
    #[must_use]
    pub fn new(gro: bool) -> Self {
        let (count, size) = if gro { (8, 65_536) } else { (BATCH, 2_048) };
        let mut buffers = vec![vec![0; size]; count];
        let mut controls = vec![[0; CONTROL / 8]; count];
        // SAFETY: all-zero is a valid value of these plain C structures.
        let (mut names, mut vectors, mut messages): (Vec<_>, Vec<_>, Vec<_>) = unsafe {
            (
                vec![zeroed::<libc::sockaddr_storage>(); count],
                vec![zeroed::<libc::iovec>(); count],
                vec![zeroed::<libc::mmsghdr>(); count],
            )
        };
        for i in 0..count {
            vectors[i].iov_base = buffers[i].as_mut_ptr().cast();
            vectors[i].iov_len = size;
            let header = &mut messages[i].msg_hdr;
            header.msg_name = (&raw mut names[i]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut vectors[i];
            header.msg_iovlen = 1;
            header.msg_control = controls[i].as_mut_ptr().cast();
            header.msg_controllen = CONTROL as _;
        }
        Self { buffers, _controls: controls, names, _vectors: vectors, messages }
    }

    /// Reads what is there on an open UDP socket, at most one batch; joined datagrams are handed out one by one.
    ///
    /// # Errors
    /// As `recvmmsg`, except that nothing to read is no error.
    pub fn receive(
        &mut self,
        socket: RawFd,
        mut take: impl FnMut(SocketAddr, &mut [u8]),
    ) -> io::Result<Received> {
        let count = self.messages.len();
        // SAFETY: every pointer that `new` set is live and as long as said.
        let got = unsafe {
            libc::recvmmsg(
                socket,
                self.messages.as_mut_ptr(),
                count as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let got = match check(got) {
            Ok(got) => got as usize,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::default()),
            Err(error) => return Err(error),
        };
        let mut result = Received { more: got == count, ..Received::default() };
        for i in 0..got {
            let (dropped, segment) = read_control(&self.messages[i].msg_hdr);
            result.dropped = dropped.or(result.dropped);
            let from = read_address(&self.names[i]);
            let length = (self.messages[i].msg_len as usize).min(self.buffers[i].len());
            // The kernel has written what it used of these; the next call offers the whole again.
            let header = &mut self.messages[i].msg_hdr;
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_controllen = CONTROL as _;
            let Some(from) = from else { continue };
            let size = segment.filter(|s| *s > 0).unwrap_or(length.max(1));
            for datagram in self.buffers[i][..length].chunks_mut(size) {
                result.datagrams += 1;
                take(from, datagram);
            }
        }
        Ok(result)
    }
}

/// Drop counter and GRO segment size, where the kernel told them.
fn read_control(header: &libc::msghdr) -> (Option<u32>, Option<usize>) {
    let (mut dropped, mut segment) = (None, None);
    // SAFETY: the kernel filled `header`; the macros stay within msg_controllen, and both messages carry an int.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            let value = || libc::CMSG_DATA(message).cast::<u32>().read_unaligned();
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => dropped = Some(value()),
                (libc::SOL_UDP, libc::UDP_GRO) => segment = Some(value() as usize),
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    (dropped, segment)
}

fn read_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which structure it is, and storage is large and aligned enough for it.
            let v4 = unsafe { *(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::new(ip.into(), u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let v6 = unsafe { *(&raw const *storage).cast::<libc::sockaddr_in6>() };
            Some(SocketAddr::new(Ipv6Addr::from(v6.sin6_addr.s6_addr).into(), u16::from_be(v6.sin6_port)))
        }
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_arrive_one_by_one_with_and_without_gro() {
        for gro in [false, true] {
            let receiver = udp("127.0.0.1:0".parse().unwrap(), gro, 1 << 20).unwrap();
            let sender = udp("127.0.0.1:0".parse().unwrap(), false, 1 << 20).unwrap();
            let to = receiver.local_addr().unwrap();
            let mut epoll = Epoll::new().unwrap();
            epoll.add(receiver.as_raw_fd(), 7).unwrap();
            for i in 0..100_u8 {
                sender.send_to(&[i; 1200], to).unwrap();
            }
            let mut buffers = Receiver::new(gro);
            let mut seen = Vec::new();
            while seen.len() < 100 {
                assert_eq!(epoll.wait(Duration::from_secs(5)).unwrap().collect::<Vec<_>>(), [7]);
                buffers
                    .receive(receiver.as_raw_fd(), |from, datagram| {
                        assert_eq!(from, sender.local_addr().unwrap());
                        assert_eq!(datagram.len(), 1200);
                        seen.push(datagram[0]);
                    })
                    .unwrap();
            }
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_receive_buffer_is_counted() {
        let receiver = udp("127.0.0.1:0".parse().unwrap(), false, 2_048).unwrap();
        let sender = udp("127.0.0.1:0".parse().unwrap(), false, 1 << 20).unwrap();
        let to = receiver.local_addr().unwrap();
        let mut buffers = Receiver::new(false);
        let (mut got, mut dropped) = (0, 0);
        for _ in 0..2 {
            for _ in 0..100 {
                sender.send_to(&[0; 1200], to).unwrap();
            }
            while let Ok(Received { datagrams: n @ 1.., dropped: d, .. }) =
                buffers.receive(receiver.as_raw_fd(), |_, _| {})
            {
                got += n;
                dropped = d.unwrap_or(dropped);
            }
        }
        // The counter travels with the next datagram that is queued: the second round's drops may be still to come.
        assert!(got < 200 && dropped > 0, "{got} received, {dropped} dropped");
    }
}
