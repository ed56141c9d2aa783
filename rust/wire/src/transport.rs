//! One connection: ICE, DTLS and SRTP behind one object, told apart by the first byte (RFC 7983).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::dtls::{Certificate, DtlsError, DtlsRole, Fingerprint};
use crate::ice::{IceCredentials, IceState};
use crate::srtp::{SrtpProfile, SrtpTx};

/// Why a connection has ended. It answers nothing any more; drop it.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum TransportError {
    #[error(transparent)]
    Dtls(#[from] DtlsError),
    #[error("no authenticated connectivity check in time")]
    ConsentExpired,
    #[error("connection was not established in time")]
    ConnectTimeout,
}

impl TransportError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Dtls(error) => error.code(),
            Self::ConsentExpired => "ice_consent_expired",
            Self::ConnectTimeout => "connect_timeout",
        }
    }
}

/// Which end we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportRole {
    /// ICE-lite and DTLS passive; learns the peer's address from its checks.
    Server,
    /// ICE controlling and DTLS active; checks this one candidate.
    Client { candidate: SocketAddr },
}

/// What a connection begins with.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    pub role: TransportRole,
    pub local: IceCredentials,
    pub remote: IceCredentials,
    pub remote_fingerprint: Fingerprint,
    pub certificate: Arc<Certificate>,
    /// Whether the peer sends media to us; otherwise only RTCP is accepted, which saves memory.
    pub receive_rtp: bool,
    /// Frees the DTLS state this long after the handshake (it must answer a retransmitted flight until then);
    /// `None` keeps it, so that a peer's close_notify is seen.
    pub drop_dtls_after: Option<Duration>,
    /// Gives up when not connected this long after the start.
    pub connect_timeout: Duration,
}

/// Why a datagram got nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The first byte belongs to no protocol here, or the datagram is empty.
    Unknown,
    /// STUN that does not parse or is not for us.
    StunMalformed,
    /// STUN without the right password.
    StunUnauthenticated,
    /// DTLS or media from an address that no authenticated check has selected.
    WrongAddress,
    /// DTLS that means nothing now.
    Dtls,
    /// Media before the handshake is done.
    BeforeKeys,
    /// SRTP or SRTCP that is malformed or whose tag does not match.
    SrtpForged,
    /// SRTP or SRTCP seen before.
    SrtpReplayed,
    /// RTP where none is expected, or too many SSRCs.
    SrtpUnexpected,
}

impl DropReason {
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::StunMalformed,
        Self::StunUnauthenticated,
        Self::WrongAddress,
        Self::Dtls,
        Self::BeforeKeys,
        Self::SrtpForged,
        Self::SrtpReplayed,
        Self::SrtpUnexpected,
    ];

    /// Stable name for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::StunMalformed => "stun_malformed",
            Self::StunUnauthenticated => "stun_unauthenticated",
            Self::WrongAddress => "wrong_address",
            Self::Dtls => "dtls",
            Self::BeforeKeys => "before_keys",
            Self::SrtpForged => "srtp_forged",
            Self::SrtpReplayed => "srtp_replayed",
            Self::SrtpUnexpected => "srtp_unexpected",
        }
    }
}

/// What a datagram brought. Packets lie decrypted in the datagram's own buffer.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// Handled inside; nothing to do.
    None,
    /// The handshake is done: [`Transport::srtp_tx`] is there from now on. Comes once.
    Connected,
    /// One RTP packet and its 48-bit index.
    Rtp { packet: &'a [u8], index: u64 },
    /// One compound RTCP packet.
    Rtcp(&'a [u8]),
    /// The peer closed the connection (an authenticated close_notify).
    Closed,
    /// Counted in [`Transport::drops`].
    Dropped(DropReason),
}

/// One connection of either role.
pub struct Transport {
    role: TransportRole,
}

impl Transport {
    /// Never fails; the client's first check goes out at the first [`Transport::handle_timeout`].
    pub fn new(_config: TransportConfig, _now: Instant) -> Self {
        todo!()
    }

    /// Takes one datagram; answers go to `out` as (to, bytes). An error ends the connection.
    pub fn handle_datagram<'a>(
        &mut self,
        _now: Instant,
        _from: SocketAddr,
        _datagram: &'a mut [u8],
        _out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<Incoming<'a>, TransportError> {
        todo!()
    }

    /// Does what is due. Call at or after [`Transport::next_timeout`]; earlier does no harm. An error ends the
    /// connection.
    pub fn handle_timeout(
        &mut self,
        _now: Instant,
        _out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<(), TransportError> {
        todo!()
    }

    /// When [`Transport::handle_timeout`] should come next. Read it again after every call.
    pub fn next_timeout(&self) -> Instant {
        todo!()
    }

    /// Where to send: the address of the latest authenticated USE-CANDIDATE, or the candidate that answered.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// There once connected.
    pub fn srtp_tx(&mut self) -> Option<&mut SrtpTx> {
        todo!()
    }

    /// There once connected.
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        todo!()
    }

    pub fn is_connected(&self) -> bool {
        todo!()
    }

    pub fn ice_state(&self, _now: Instant) -> IceState {
        todo!()
    }

    /// Datagrams of this connection that got nowhere, by reason.
    pub fn drops(&self, _reason: DropReason) -> u32 {
        todo!()
    }

    /// Says goodbye where DTLS is still there (close_notify).
    pub fn close(&mut self, _now: Instant, _out: &mut impl FnMut(SocketAddr, &[u8])) {
        todo!()
    }

    pub fn dtls_role(&self) -> DtlsRole {
        match self.role {
            TransportRole::Server => DtlsRole::Server,
            TransportRole::Client { .. } => DtlsRole::Client,
        }
    }
}
