//! Receiving many datagrams with one system call.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use super::address::{KERNEL_ADDRESS_LEN, KernelAddress};
use super::check;
use super::udp::{Udp, set_option};

/// Largest datagram taken, bytes; WebRTC stays below an Ethernet frame. A longer one is dropped whole.
pub const DATAGRAM: usize = 2048;
/// With GRO the kernel joins equal-sized datagrams of one sender up to this, bytes.
const JOINED: usize = 65_536;
/// Datagrams taken per call.
const BATCH: usize = 64;

/// Room for a control message with one integer, aligned as the kernel wants it.
type Control = [u64; 4];

/// Buffers for `recvmmsg`.
pub struct Receiver {
    /// Bytes per datagram.
    room: usize,
    joined: bool,
    bytes: Box<[u8]>,
    addresses: Box<[KernelAddress]>,
    controls: Box<[Control]>,
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    count: usize,
    /// Datagrams dropped because they were longer than [`DATAGRAM`].
    pub too_long: u64,
}

// SAFETY: the raw pointers point into this struct's own boxes.
unsafe impl Send for Receiver {}

impl Receiver {
    /// Buffers for a socket; `joined` asks the kernel to join datagrams of one sender (`UDP_GRO`).
    ///
    /// # Errors
    /// When the kernel does not know GRO.
    pub fn new(udp: &Udp, joined: bool) -> io::Result<Self> {
        if joined {
            set_option(udp.socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_GRO, 1)?;
        }
        let (room, batch) = if joined { (JOINED, 16) } else { (DATAGRAM, BATCH) };
        let mut receiver = Self {
            room,
            joined,
            bytes: vec![0; room * batch].into_boxed_slice(),
            addresses: vec![KernelAddress::empty(); batch].into_boxed_slice(),
            controls: vec![[0; 4]; batch].into_boxed_slice(),
            vectors: vec![libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; batch]
                .into_boxed_slice(),
            // SAFETY: zero is a value of every field.
            headers: vec![unsafe { std::mem::zeroed::<libc::mmsghdr>() }; batch].into_boxed_slice(),
            count: 0,
            too_long: 0,
        };
        let base = receiver.bytes.as_mut_ptr();
        for index in 0..batch {
            // SAFETY: within the allocation, which is `room * batch` bytes.
            receiver.vectors[index].iov_base = unsafe { base.add(index * room) }.cast();
            receiver.vectors[index].iov_len = room;
            let header = &mut receiver.headers[index].msg_hdr;
            header.msg_iov = &raw mut receiver.vectors[index];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut receiver.addresses[index]).cast();
            if joined {
                header.msg_control = receiver.controls[index].as_mut_ptr().cast();
            }
        }
        Ok(receiver)
    }

    /// Most messages of one [`Self::fill`].
    pub fn batch(&self) -> usize {
        self.headers.len()
    }

    /// Takes what waits in the socket, at most a batch; returns how many messages. 0: nothing waits.
    ///
    /// # Errors
    /// As `recvmmsg`.
    pub fn fill(&mut self, udp: &Udp) -> io::Result<usize> {
        self.count = 0;
        for message in &mut self.headers {
            message.msg_hdr.msg_namelen = KERNEL_ADDRESS_LEN;
            message.msg_hdr.msg_controllen = if self.joined { size_of::<Control>() } else { 0 };
        }
        // SAFETY: headers point at buffers that live as long as `self`.
        let result = check(unsafe {
            libc::recvmmsg(
                udp.socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        });
        match result {
            Ok(count) => self.count = count as usize,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(self.count)
    }

    /// Calls `each` with the sender and the bytes of every datagram of the last [`Self::fill`].
    pub fn for_each(&mut self, mut each: impl FnMut(SocketAddr, &mut [u8])) {
        for index in 0..self.count {
            let header = &self.headers[index];
            if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
                self.too_long += 1;
                continue;
            }
            let Some(from) = self.addresses[index].get() else { continue };
            let len = (header.msg_len as usize).min(self.room);
            let segment = if self.joined { segment_size(&header.msg_hdr) } else { 0 };
            let bytes = &mut self.bytes[index * self.room..index * self.room + len];
            match segment {
                0 => each(from, bytes),
                _ => bytes.chunks_mut(segment).for_each(|datagram| each(from, datagram)),
            }
        }
    }
}

/// Size of the datagrams that the kernel joined, bytes; 0 when it joined none.
fn segment_size(header: &libc::msghdr) -> usize {
    // SAFETY: the kernel wrote this message's control block, and the macros stay inside it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while !control.is_null() {
            if (*control).cmsg_level == libc::SOL_UDP && (*control).cmsg_type == libc::UDP_GRO {
                let size = libc::CMSG_DATA(control).cast::<libc::c_int>().read_unaligned();
                return usize::try_from(size).unwrap_or(0);
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
    }
    0
}
