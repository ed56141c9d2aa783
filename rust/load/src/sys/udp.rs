//! UDP sockets: a client's own, and one that many clients share.

use std::io;
use std::mem::size_of;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use super::check;

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

/// As [`udp`], bound to a port of every IPv4 address; each datagram comes with the address that it was sent to.
///
/// # Errors
/// As `bind` and `setsockopt`.
pub fn udp_of_many(gro: bool, receive_buffer: i32) -> io::Result<UdpSocket> {
    let socket = udp(([0, 0, 0, 0], 0).into(), gro, receive_buffer)?;
    set(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
    Ok(socket)
}

/// Bytes that wait in the kernel for this socket at most, its bookkeeping included.
///
/// # Errors
/// As `getsockopt`.
pub fn receive_buffer(socket: &UdpSocket) -> io::Result<u64> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: a live integer and its size.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUF,
            (&raw mut value).cast(),
            &raw mut len,
        )
    })?;
    Ok(u64::try_from(value).unwrap_or(0))
}

fn set(fd: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: a live integer and its size.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), len) }).map(drop)
}
