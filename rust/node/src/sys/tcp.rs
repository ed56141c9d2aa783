//! TCP sockets: the listener, and the options of what it accepts.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use super::udp::{bound, set_option};

/// Connections that wait for `accept`.
const WAITING: libc::c_int = 1024;
/// Bytes that the kernel may hold unsent before it calls the stream full: what waits in the kernel cannot be dropped.
const UNSENT: libc::c_int = 8 << 10;

/// Listens, not blocking. An unspecified IPv6 address serves IPv4 too.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bound(libc::SOCK_STREAM, address)?;
    // SAFETY: a live descriptor.
    super::check(unsafe { libc::listen(socket.as_raw_fd(), WAITING) })?;
    Ok(TcpListener::from(socket))
}

/// Makes an accepted connection fit for media: not blocking, nothing held back, little in the kernel.
///
/// # Errors
/// As `setsockopt`.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    set_option(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, UNSENT)
}
