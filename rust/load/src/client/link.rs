//! What viewers and publishers have in common: ICE, DTLS and SRTP over a socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_wire::dtls::{Certificate, DtlsError};
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::sdp::{RemoteTransport, SdpError};
use diemcau_wire::srtp::MAX_OVERHEAD;
use diemcau_wire::transport::{Incoming, Transport, TransportConfig, TransportError, TransportRole};
use thiserror::Error;

use super::shared::Shared;
use super::socket::{Came, Socket};
use crate::stats::Counters;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A node that has been sending media (reports at least once a second) and says nothing for so long is gone, as a
/// browser would call it disconnected. RFC 7675 alone would wait 30 s.
const MEDIA_SILENCE: Duration = Duration::from_secs(6);
/// Without media there are only consent checks, every 4 to 5 s: two of them may be lost.
const IDLE_SILENCE: Duration = Duration::from_secs(15);
/// Room for a packet with its tag.
pub const PACKET: usize = 1_500;

/// Why a client could not begin or go on.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error("answer: {0}")]
    Sdp(#[from] SdpError),
    #[error("{0}")]
    Transport(#[from] TransportError),
    #[error("{0}")]
    Dtls(#[from] DtlsError),
    #[error("socket: {0}")]
    Io(#[from] std::io::Error),
    #[error("the node's address {0} is not this machine's loopback; --allow-remote permits it")]
    Remote(SocketAddr),
    #[error("the answer has no address")]
    NoCandidate,
    #[error("no clip in the codec of the answer")]
    NoClip,
    #[error("the node closed the connection")]
    Closed,
    #[error("the node has fallen silent")]
    Silent,
}

impl ClientError {
    /// Short stable name for counting.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sdp(_) => "sdp",
            Self::Transport(error) => error.code(),
            Self::Dtls(error) => error.code(),
            Self::Io(_) => "socket",
            Self::Remote(_) => "remote_address",
            Self::NoCandidate => "no_candidate",
            Self::NoClip => "no_clip",
            Self::Closed => "closed_by_node",
            Self::Silent => "silent",
        }
    }
}

/// The process's certificate; all clients share it.
#[derive(Clone)]
pub struct Identity {
    pub certificate: Arc<Certificate>,
}

impl Identity {
    /// # Errors
    /// When no key can be made.
    pub fn generate() -> Result<Self, ClientError> {
        Ok(Self { certificate: Arc::new(Certificate::generate()?) })
    }
}

/// Where to go: what the answer said, and the address that was chosen of it.
#[derive(Debug, Clone)]
pub struct Remote {
    pub transport: RemoteTransport,
    pub address: SocketAddr,
    pub tcp: bool,
}

/// Which of the node's candidates a client may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    pub allow_remote: bool,
    /// Over TCP, and no UDP.
    pub tcp: bool,
    /// IPv6, and no IPv4.
    pub ipv6: bool,
}

impl Reach {
    /// The first candidate on loopback, else the first of all where that is allowed.
    ///
    /// # Errors
    /// `Remote` when it is not allowed, `NoCandidate`.
    pub fn choose(self, transport: &RemoteTransport) -> Result<SocketAddr, ClientError> {
        let all = if self.tcp { &transport.tcp_candidates } else { &transport.candidates };
        let mut usable = all.iter().copied().filter(|address| address.is_ipv6() || !self.ipv6);
        let first = usable.clone().next().ok_or(ClientError::NoCandidate)?;
        match usable.find(|address| address.ip().is_loopback()) {
            Some(local) => Ok(local),
            None if self.allow_remote => Ok(first),
            None => Err(ClientError::Remote(first)),
        }
    }
}

/// See the module.
pub struct Link {
    transport: Transport,
    socket: Socket,
    to: SocketAddr,
    drops: u32,
    heard: Instant,
    heard_media: Option<Instant>,
}

impl Link {
    /// A socket of its own, or, where there is one and the node is on IPv4 loopback, an address on the shared one.
    ///
    /// # Errors
    /// No socket, or no DTLS.
    pub fn open(
        remote: Remote,
        local: IceCredentials,
        identity: &Identity,
        (receive_rtp, gro): (bool, bool),
        shared: Option<&mut Shared>,
        now: Instant,
    ) -> Result<Self, ClientError> {
        let to = remote.address;
        let config = TransportConfig {
            role: TransportRole::Client { candidate: to },
            local,
            remote: remote.transport.ice,
            remote_fingerprint: remote.transport.fingerprint,
            certificate: identity.certificate.clone(),
            receive_rtp,
            drop_dtls_after: None,
            connect_timeout: CONNECT_TIMEOUT,
        };
        let socket = match shared {
            _ if remote.tcp => Socket::tcp(to)?,
            Some(shared) if to.is_ipv4() && to.ip().is_loopback() => Socket::Shared(shared.seat()?),
            _ => Socket::udp(to, gro, if receive_rtp { 512 << 10 } else { 128 << 10 })?,
        };
        let transport = Transport::new(config, now)?;
        Ok(Self { transport, socket, to, drops: 0, heard: now, heard_media: None })
    }

    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What came on a connection over TCP; `None` for UDP.
    ///
    /// # Errors
    /// The node ended it.
    pub fn datagrams(&mut self) -> Result<Option<Came>, ClientError> {
        Ok(self.socket.datagrams()?)
    }

    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.transport.is_connected()
    }

    /// The transport, for SRTP.
    pub fn transport(&mut self) -> &mut Transport {
        &mut self.transport
    }

    /// The kernel's drop counter of this socket, as it came with the last datagram.
    pub fn note_drops(&mut self, dropped: Option<u32>, counters: &mut Counters) {
        if let Some(dropped) = dropped {
            counters.own_drops += u64::from(dropped.wrapping_sub(self.drops));
            self.drops = dropped;
        }
    }

    /// See [`Transport::prefetch`].
    pub fn prefetch(&self, step: usize) {
        self.transport.prefetch(step);
    }

    /// Takes a datagram; answers go out at once.
    ///
    /// # Errors
    /// The connection is over.
    pub fn datagram<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Result<Incoming<'a>, TransportError> {
        let socket = &mut self.socket;
        let incoming = self.transport.handle_datagram(now, from, datagram, &mut |to, bytes| {
            // A full buffer loses it, as the network may; the protocols above repeat what matters.
            socket.send(to, bytes);
        })?;
        match incoming {
            Incoming::Dropped(_) => {}
            Incoming::Rtp { .. } | Incoming::Rtcp(_) => (self.heard, self.heard_media) = (now, Some(now)),
            Incoming::None
            | Incoming::Checked
            | Incoming::Selected(_)
            | Incoming::Connected
            | Incoming::Closed => self.heard = now,
        }
        Ok(incoming)
    }

    /// Does what is due.
    ///
    /// # Errors
    /// The connection is over.
    pub fn timeout(&mut self, now: Instant) -> Result<(), ClientError> {
        let socket = &mut self.socket;
        socket.flush();
        self.transport.handle_timeout(now, &mut |to, bytes| {
            socket.send(to, bytes);
        })?;
        // The last that was heard was media, or nearly so.
        let media =
            self.heard_media.is_some_and(|at| self.heard.saturating_duration_since(at) < MEDIA_SILENCE / 2);
        let patience = if media { MEDIA_SILENCE } else { IDLE_SILENCE };
        if self.is_connected() && now.saturating_duration_since(self.heard) > patience {
            return Err(ClientError::Silent);
        }
        Ok(())
    }

    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        self.transport.next_timeout()
    }

    /// Sends protected bytes; false when the socket's buffer is full.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.socket.send(self.to, bytes)
    }

    /// Protects and sends a compound RTCP packet of `len` bytes in `buf`, which has room for the tag.
    pub fn send_rtcp(&mut self, buf: &mut [u8], len: usize) {
        debug_assert!(buf.len() >= len + MAX_OVERHEAD);
        if let Some(Ok(len)) = self.transport.srtp_tx().map(|srtp| srtp.protect_rtcp(buf, len)) {
            self.send(&buf[..len]);
        }
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Instant) {
        let socket = &mut self.socket;
        self.transport.close(now, &mut |to, bytes| {
            socket.send(to, bytes);
        });
    }
}
