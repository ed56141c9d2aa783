//! The UDP socket of a worker.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::address::KernelAddress;
use super::check;

/// Asked of the kernel for each direction, bytes. What it grants is in [`Udp::buffers`].
const BUFFER: libc::c_int = 8 << 20;

/// A bound, non-blocking UDP socket.
#[derive(Debug)]
pub struct Udp {
    pub socket: UdpSocket,
    pub is_v6: bool,
    /// Where it is bound; port 0 was replaced by the kernel's choice.
    pub local: SocketAddr,
}

impl Udp {
    /// Binds. An unspecified IPv6 address serves IPv4 too.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::from(bound(libc::SOCK_DGRAM, address)?);
        let fd = socket.as_raw_fd();
        // The forced form exceeds the system's limit where we may; the plain form asks for what is allowed.
        for (forced, plain) in
            [(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF), (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)]
        {
            if set_option(fd, libc::SOL_SOCKET, forced, BUFFER).is_err() {
                set_option(fd, libc::SOL_SOCKET, plain, BUFFER)?;
            }
        }
        let local = socket.local_addr()?;
        let udp = Self { is_v6: local.is_ipv6(), socket, local };
        udp.discover_mtu(libc::IP_PMTUDISC_DO);
        Ok(udp)
    }

    /// From now on the kernel cuts up what a path does not carry whole.
    pub fn allow_fragments(&self) {
        self.discover_mtu(libc::IP_PMTUDISC_WANT);
    }

    /// A packet that is never to be cut up needs no identification, and finding one is a twentieth of what sending a
    /// packet costs. Where a path proves too narrow we go back to what the kernel does by itself.
    fn discover_mtu(&self, how: libc::c_int) {
        let fd = self.socket.as_raw_fd();
        for (level, name) in
            [(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER), (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)]
        {
            // The numbers mean the same for both. An IPv4 socket has no IPv6 options, and any works without.
            let _ = set_option(fd, level, name, how);
        }
    }

    /// Send and receive buffer that the kernel granted, bytes (it counts twice what was asked).
    pub fn buffers(&self) -> (i32, i32) {
        let fd = self.socket.as_raw_fd();
        let read = |option| get_option(fd, libc::SOL_SOCKET, option).unwrap_or(0);
        (read(libc::SO_SNDBUF), read(libc::SO_RCVBUF))
    }
}

/// A bound, non-blocking socket of this kind. An unspecified IPv6 address serves IPv4 too, whatever the system's
/// default (`net.ipv6.bindv6only`) is.
///
/// # Errors
/// When the address is taken or not ours.
pub fn bound(kind: libc::c_int, address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    let flags = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; a fresh descriptor that only we own.
    let socket = unsafe { OwnedFd::from_raw_fd(check(libc::socket(family, flags, 0))?) };
    let fd = socket.as_raw_fd();
    if address.is_ipv6() {
        let only = libc::c_int::from(!address.ip().is_unspecified());
        set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only)?;
    }
    if kind == libc::SOCK_STREAM {
        // A restarted node must not wait for connections of the one before to be forgotten.
        set_option(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    }
    let mut kernel = KernelAddress::empty();
    let len = kernel.set(address, address.is_ipv6());
    // SAFETY: a live address and its length.
    check(unsafe { libc::bind(fd, (&raw const kernel).cast(), len) })?;
    Ok(socket)
}

/// Sets an integer socket option.
///
/// # Errors
/// As `setsockopt`.
pub fn set_option(
    fd: libc::c_int,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: a valid integer and its size.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) }).map(|_| ())
}

fn get_option(fd: libc::c_int, level: libc::c_int, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: a valid integer and its size.
    check(unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut len) })?;
    Ok(value)
}
