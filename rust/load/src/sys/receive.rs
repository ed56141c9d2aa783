//! Datagrams in, in batches.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;

use super::check;

const BATCH: usize = 32;
/// Of a socket that many share.
const MANY: usize = 128;
const MANY_JOINED: usize = 32;
/// Room for a drop counter, a segment size and an address, with their headers.
const CONTROL: usize = 128;

/// Buffers for `recvmmsg`, shared by all sockets of a thread; the structures that point at them are filled in once.
pub struct Receiver {
    told: Vec<Control>,
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

/// How often a message is announced.
pub const AHEAD: usize = 5;

/// What [`Receiver::receive_ahead`] says.
pub enum Step<'a> {
    /// This is to come: for the first time (0), ... the last ([`AHEAD`] - 1). Of the bytes only the beginning may count.
    Soon {
        step: usize,
        to: Ipv4Addr,
        datagram: &'a [u8],
    },
    Now {
        from: SocketAddr,
        to: Option<Ipv4Addr>,
        datagram: &'a mut [u8],
    },
}

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
        Self::of(count, size)
    }

    /// For a socket that many clients share: larger batches.
    #[must_use]
    pub fn of_many(gro: bool) -> Self {
        let (count, size) = if gro { (MANY_JOINED, 65_536) } else { (MANY, 2_048) };
        Self::of(count, size)
    }

    fn of(count: usize, size: usize) -> Self {
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
        Self {
            told: Vec::with_capacity(count),
            buffers,
            _controls: controls,
            names,
            _vectors: vectors,
            messages,
        }
    }

    /// Reads what is there on an open UDP socket, at most one batch; joined datagrams are handed out one by one, with
    /// their sender and, on a socket of [`super::udp_of_many`], the address that they were sent to.
    ///
    /// # Errors
    /// As `recvmmsg`, except that nothing to read is no error.
    pub fn receive(
        &mut self,
        socket: RawFd,
        mut take: impl FnMut(SocketAddr, Option<Ipv4Addr>, &mut [u8]),
    ) -> io::Result<Received> {
        self.receive_ahead(socket, |step| {
            if let Step::Now { from, to, datagram } = step {
                take(from, to, datagram);
            }
        })
    }

    /// As [`Self::receive`], and says beforehand what comes: each message [`AHEAD`] times, ever nearer.
    ///
    /// # Errors
    /// The same.
    pub fn receive_ahead(&mut self, socket: RawFd, mut take: impl FnMut(Step<'_>)) -> io::Result<Received> {
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
        self.told.clear();
        self.told.extend(self.messages[..got].iter().map(|message| read_control(&message.msg_hdr)));
        for i in 0..got {
            let Control { dropped, segment, to } = self.told[i];
            result.dropped = dropped.or(result.dropped);
            for step in 0..AHEAD {
                // Two messages are the time of one fetch.
                let soon = i + 2 * (AHEAD - step);
                if let Some(Control { to: Some(to), .. }) = self.told.get(soon) {
                    take(Step::Soon { step, to: *to, datagram: &self.buffers[soon] });
                }
            }
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
                take(Step::Now { from, to, datagram });
            }
        }
        Ok(result)
    }
}

/// Drop counter, GRO segment size and destination, where the kernel told them.
#[derive(Clone, Copy, Default)]
struct Control {
    dropped: Option<u32>,
    segment: Option<usize>,
    to: Option<Ipv4Addr>,
}

fn read_control(header: &libc::msghdr) -> Control {
    let mut control = Control::default();
    // SAFETY: the kernel filled `header`; the macros stay within msg_controllen, and each message carries what its type
    // says: an int, or an in_pktinfo.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while !message.is_null() {
            let value = || libc::CMSG_DATA(message).cast::<u32>().read_unaligned();
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => control.dropped = Some(value()),
                (libc::SOL_UDP, libc::UDP_GRO) => control.segment = Some(value() as usize),
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = libc::CMSG_DATA(message).cast::<libc::in_pktinfo>().read_unaligned();
                    control.to = Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)));
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    control
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

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    use super::super::{Epoll, udp};
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
                    .receive(receiver.as_raw_fd(), |from, to, datagram| {
                        assert_eq!(to, None, "not asked for");
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
                buffers.receive(receiver.as_raw_fd(), |_, _, _| {})
            {
                got += n;
                dropped = d.unwrap_or(dropped);
            }
        }
        // The counter travels with the next datagram that is queued: the second round's drops may be still to come.
        assert!(got < 200 && dropped > 0, "{got} received, {dropped} dropped");
    }
}
