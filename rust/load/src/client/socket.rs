//! A client's socket: UDP, its own or shared, or a connection over TCP that carries framed datagrams (RFC 4571).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use diemcau_wire::framing::{self, FrameReader};

use super::link::PACKET;
use super::shared::Seat;
use crate::sys;

/// Longest wait for a connection; the node is near.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that wait for a slow node; more is lost, as a full UDP socket loses it.
const MAX_WAITING: usize = 256 << 10;

/// See the module.
pub enum Socket {
    Udp(UdpSocket),
    Shared(Seat),
    Tcp(Box<Tcp>),
}

/// What came on a connection over TCP.
pub struct Came {
    pub node: SocketAddr,
    pub datagrams: Vec<Vec<u8>>,
}

/// A connection to the node.
pub struct Tcp {
    stream: TcpStream,
    node: SocketAddr,
    reader: FrameReader,
    waiting: Vec<u8>,
}

impl Socket {
    /// UDP for packets to `to`.
    ///
    /// # Errors
    /// As `bind`.
    pub fn udp(to: SocketAddr, gro: bool, receive_buffer: i32) -> io::Result<Self> {
        let bind: IpAddr = match to.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_loopback() => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(Self::Udp(sys::udp((bind, 0).into(), gro, receive_buffer)?))
    }

    /// Connects to a node's passive candidate.
    ///
    /// # Errors
    /// As `connect`.
    pub fn tcp(node: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&node, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(Box::new(Tcp { stream, node, reader: FrameReader::default(), waiting: Vec::new() })))
    }

    /// Its address on a shared socket.
    #[must_use]
    pub fn seat(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Shared(seat) => Some(seat.address()),
            Self::Udp(_) | Self::Tcp(_) => None,
        }
    }

    /// Of its own, or of the shared socket.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        match self {
            Self::Udp(socket) => socket.as_raw_fd(),
            Self::Shared(seat) => seat.fd(),
            Self::Tcp(tcp) => tcp.stream.as_raw_fd(),
        }
    }

    /// False: lost, because the socket's buffer is full.
    pub fn send(&mut self, to: SocketAddr, bytes: &[u8]) -> bool {
        match self {
            Self::Udp(socket) => socket.send_to(bytes, to).is_ok(),
            Self::Shared(seat) => match to {
                SocketAddr::V4(to) => seat.send(to, bytes),
                SocketAddr::V6(_) => false,
            },
            Self::Tcp(tcp) => tcp.send(bytes),
        }
    }

    /// What came on a connection over TCP; `None` for UDP.
    ///
    /// # Errors
    /// The node ended it, or what came is no datagram.
    pub fn datagrams(&mut self) -> io::Result<Option<Came>> {
        match self {
            Self::Udp(_) | Self::Shared(_) => Ok(None),
            Self::Tcp(tcp) => Ok(Some(Came { node: tcp.node, datagrams: tcp.receive()? })),
        }
    }

    /// Sends on what waits.
    pub fn flush(&mut self) {
        if let Self::Tcp(tcp) = self {
            tcp.flush();
        }
    }
}

impl Tcp {
    fn send(&mut self, bytes: &[u8]) -> bool {
        let fits = self.waiting.len() + bytes.len() <= MAX_WAITING;
        if fits {
            framing::write(&mut self.waiting, bytes);
        }
        self.flush();
        fits
    }

    fn flush(&mut self) {
        let mut sent = 0;
        // A broken connection is noticed when it is read.
        while let Ok(len) = self.stream.write(&self.waiting[sent..]) {
            sent += len;
            if len == 0 {
                break;
            }
        }
        self.waiting.drain(..sent);
    }

    fn receive(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut buffer = [0; 16 << 10];
        let len = match self.stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(error) => return Err(error),
        };
        let mut all = Vec::new();
        self.reader
            .push(&mut buffer[..len], PACKET, |datagram| all.push(datagram.to_vec()))
            .map_err(io::Error::other)?;
        Ok(all)
    }
}
