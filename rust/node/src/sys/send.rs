//! Sending: many packets to one receiver as one message (UDP GSO), many receivers with one system call.
//!
//! The kernel splits a message into datagrams of one size, of which only the last may be shorter
//! (`UDP_SEGMENT`, udp(7)). [`plan`] groups the packets of a frame so that this holds, with at most
//! [`MAX_PADDING`] bytes of RTP padding on each; [`Egress`] holds the buffers.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::address::KernelAddress;
use super::check;
use super::udp::Udp;

/// Most RTP padding put on a packet to make it as long as its neighbours, bytes.
pub const MAX_PADDING: usize = 16;
/// Most datagrams of one message (`UDP_MAX_SEGMENTS` of every kernel since 4.18).
pub const MAX_SEGMENTS: usize = 64;
/// Most bytes of one message: IPv6's payload limit less headers.
pub const MAX_MESSAGE: usize = 65_000;
/// Messages handed to the kernel per call.
pub const BATCH: usize = 64;
/// Buffer that the batch is written into, bytes.
const ARENA: usize = 512 << 10;
/// How long a full socket buffer is waited for before packets are dropped, and how often.
const BLOCKED_WAIT: Duration = Duration::from_millis(1);
const BLOCKED_TRIES: u32 = 4;

/// Packets that go out as one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// How many packets, in order.
    pub count: usize,
    /// Size that all but the last are padded to, bytes.
    pub segment: usize,
}

/// Groups packets of these sizes (bytes on the wire before padding) into messages; `groups` is replaced.
/// In a group every packet but the last is at most [`MAX_PADDING`] shorter than the segment, and the last is
/// not longer.
pub fn plan(sizes: &[usize], gso: bool, groups: &mut Vec<Group>) {
    groups.clear();
    let mut rest = sizes;
    while let Some((&first, after)) = rest.split_first() {
        let (mut low, mut high, mut count) = (first, first, 1);
        if gso {
            for &size in after {
                let next_high = high.max(size);
                let fits = count < MAX_SEGMENTS && next_high * (count + 1) <= MAX_MESSAGE;
                // All that went before stop being last now, so they must reach the segment by padding.
                if !fits || next_high - low > MAX_PADDING {
                    break;
                }
                (low, high, count) = (low.min(size), next_high, count + 1);
            }
        }
        groups.push(Group { count, segment: high });
        rest = &rest[count..];
    }
}

/// What was sent, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    pub packets: u64,
    pub bytes: u64,
    pub messages: u64,
    /// Packets dropped because the socket buffer stayed full.
    pub blocked: u64,
    /// Packets the kernel refused (no route, no permission).
    pub refused: u64,
    /// Messages that had to be sent packet by packet because GSO was refused.
    pub split: u64,
}

/// One message being written or waiting for the flush.
#[derive(Debug, Clone, Copy, Default)]
struct Message {
    start: usize,
    len: usize,
    packets: usize,
    segment: usize,
    to: Option<SocketAddr>,
}

/// `cmsghdr` and a `u16`, as `CMSG_SPACE(2)` lays them out.
type Control = [u64; 3];

/// Preset message headers and the buffer packets are encrypted into. Nothing is allocated per packet.
pub struct Egress {
    arena: Box<[u8]>,
    used: usize,
    messages: Vec<Message>,
    addresses: Box<[KernelAddress]>,
    controls: Box<[Control]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    gso: bool,
    gso_failures: u32,
    pub sent: Sent,
}

// SAFETY: the raw pointers point into this struct's own boxes.
unsafe impl Send for Egress {}

impl Default for Egress {
    fn default() -> Self {
        Self::new(true)
    }
}

impl Egress {
    /// `gso`: whether to try it; a kernel or card that refuses is noticed by itself.
    pub fn new(gso: bool) -> Self {
        let mut egress = Self {
            arena: vec![0; ARENA].into_boxed_slice(),
            used: 0,
            messages: Vec::with_capacity(BATCH),
            addresses: vec![KernelAddress::empty(); BATCH].into_boxed_slice(),
            controls: vec![[0; 3]; BATCH].into_boxed_slice(),
            vectors: vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH]
                .into_boxed_slice(),
            // SAFETY: zero is a value of every field.
            headers: vec![unsafe { std::mem::zeroed::<libc::mmsghdr>() }; BATCH].into_boxed_slice(),
            gso,
            gso_failures: 0,
            sent: Sent::default(),
        };
        for index in 0..BATCH {
            let header = &mut egress.headers[index].msg_hdr;
            header.msg_iov = &raw mut egress.vectors[index];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut egress.addresses[index]).cast();
            header.msg_control = egress.controls[index].as_mut_ptr().cast();
            header.msg_controllen = size_of::<Control>();
            // SAFETY: the control buffer has room for one header with a u16.
            unsafe {
                let control = libc::CMSG_FIRSTHDR(header);
                (*control).cmsg_level = libc::SOL_UDP;
                (*control).cmsg_type = libc::UDP_SEGMENT;
                (*control).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as usize;
            }
        }
        egress
    }

    /// Whether messages of several packets are used.
    pub fn gso(&self) -> bool {
        self.gso
    }

    /// Begins a message of up to `room` bytes; what does not fit any more is flushed first.
    pub fn begin(&mut self, udp: &Udp, to: SocketAddr, group: Group) {
        let room = (group.segment * group.count).max(group.segment);
        if self.messages.len() == BATCH || self.used + room + MAX_PADDING > ARENA {
            self.flush(udp);
        }
        self.messages.push(Message {
            start: self.used,
            len: 0,
            packets: 0,
            segment: group.segment,
            to: Some(to),
        });
    }

    /// Where the next packet of the message goes.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.arena[self.used..]
    }

    /// Takes `len` bytes of [`Self::room`] as a packet of the message begun last.
    pub fn commit(&mut self, len: usize) {
        if let Some(message) = self.messages.last_mut() {
            message.len += len;
            message.packets += 1;
            self.used += len;
        }
    }

    /// The last `len` bytes committed.
    pub fn committed(&self, len: usize) -> &[u8] {
        &self.arena[self.used - len..self.used]
    }

    /// Gives up the message begun last if nothing was committed to it.
    pub fn abandon_empty(&mut self) {
        if self.messages.last().is_some_and(|message| message.packets == 0) {
            self.messages.pop();
        }
    }

    /// One datagram of its own.
    pub fn datagram(&mut self, udp: &Udp, to: SocketAddr, bytes: &[u8]) {
        self.begin(udp, to, Group { count: 1, segment: bytes.len() });
        self.room()[..bytes.len()].copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Hands everything to the kernel.
    pub fn flush(&mut self, udp: &Udp) {
        for (index, message) in self.messages.iter().enumerate() {
            let Some(to) = message.to else { continue };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_namelen = self.addresses[index].set(to, udp.is_v6);
            // SAFETY: start and length were taken out of the arena by `commit`.
            self.vectors[index].iov_base = unsafe { self.arena.as_mut_ptr().add(message.start) }.cast();
            self.vectors[index].iov_len = message.len;
            if message.packets > 1 {
                header.msg_controllen = size_of::<Control>();
                // SAFETY: the control buffer was laid out in `new`.
                unsafe {
                    let control = libc::CMSG_FIRSTHDR(header);
                    libc::CMSG_DATA(control).cast::<u16>().write_unaligned(message.segment as u16);
                }
            } else {
                header.msg_controllen = 0;
            }
        }
        let mut next = 0;
        let mut tries = 0;
        while next < self.messages.len() {
            match self.send_from(udp, next) {
                Ok(count) => {
                    for message in &self.messages[next..next + count] {
                        self.sent.messages += 1;
                        self.sent.packets += message.packets as u64;
                        self.sent.bytes += message.len as u64;
                        self.gso_failures = if message.packets > 1 { 0 } else { self.gso_failures };
                    }
                    next += count;
                    tries = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tries += 1;
                    if tries > BLOCKED_TRIES {
                        let dropped = self.messages[next..].iter().map(|m| m.packets as u64).sum::<u64>();
                        self.sent.blocked += dropped;
                        break;
                    }
                    wait_writable(udp, BLOCKED_WAIT);
                }
                Err(error) => {
                    self.refused(udp, next, &error);
                    next += 1;
                }
            }
        }
        self.messages.clear();
        self.used = 0;
    }

    fn send_from(&mut self, udp: &Udp, next: usize) -> io::Result<usize> {
        let count = self.messages.len() - next;
        // SAFETY: the headers point at live buffers of this struct; `next + count` is within them.
        let sent = check(unsafe {
            libc::sendmmsg(
                udp.socket.as_raw_fd(),
                self.headers.as_mut_ptr().add(next),
                count as libc::c_uint,
                libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
            )
        })?;
        Ok(sent as usize)
    }

    /// The kernel refused a message: a joined one is sent packet by packet (the card or a tunnel may not
    /// segment), a single one is lost and counted.
    fn refused(&mut self, udp: &Udp, index: usize, error: &io::Error) {
        let message = self.messages[index];
        let narrow = error.raw_os_error() == Some(libc::EMSGSIZE);
        if narrow {
            tracing::info!(to = ?message.to, "a path carries less than our packets: they may be cut up from now on");
            udp.allow_fragments();
        }
        let joined = message.packets > 1;
        let (Some(to), true) = (message.to, joined || narrow) else {
            self.sent.refused += message.packets as u64;
            return;
        };
        self.sent.split += u64::from(joined);
        self.gso_failures += u32::from(joined);
        // EIO: no checksum offload, it will never work. Otherwise give it some chances: one path's small MTU
        // must not cost every other viewer.
        if error.raw_os_error() == Some(libc::EIO) || self.gso_failures > 64 {
            self.gso = false;
            tracing::warn!(%error, "the kernel refuses UDP segmentation offload; sending packet by packet");
        }
        let mut address = KernelAddress::empty();
        let address_len = address.set(to, udp.is_v6);
        let bytes = &self.arena[message.start..message.start + message.len];
        for packet in bytes.chunks(if joined { message.segment } else { bytes.len().max(1) }) {
            // SAFETY: the packet and the address are live and their lengths are given.
            let result = unsafe {
                libc::sendto(
                    udp.socket.as_raw_fd(),
                    packet.as_ptr().cast(),
                    packet.len(),
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                    (&raw const address).cast(),
                    address_len,
                )
            };
            if result >= 0 {
                self.sent.messages += 1;
                self.sent.packets += 1;
                self.sent.bytes += packet.len() as u64;
            } else if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock {
                self.sent.blocked += 1;
            } else {
                self.sent.refused += 1;
            }
        }
    }
}

fn wait_writable(udp: &Udp, limit: Duration) {
    let mut poll = libc::pollfd { fd: udp.socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut poll, 1, limit.as_millis() as libc::c_int) };
}

#[cfg(test)]
#[path = "send_tests.rs"]
mod tests;
