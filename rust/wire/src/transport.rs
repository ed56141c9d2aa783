//! One connection: ICE, DTLS and SRTP behind one object, told apart by the first byte (RFC 7983).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::dtls::{Certificate, DimplDtls, Dtls, DtlsError, DtlsEvent, DtlsRole, Fingerprint};
use crate::ice::{IceClient, IceCredentials, IceDrop, IceLite, IceOutcome, IceState};
use crate::prefetch::prefetch;
use crate::srtp::{KeyingMaterial, SrtpError, SrtpProfile, SrtpRx, SrtpTx};

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
    /// Authenticated, from the remote address or one that may yet become it: what else comes from there is this
    /// connection's.
    Checked,
    /// The remote address is now this one; a client's handshake has begun.
    Selected(SocketAddr),
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

/// Most DTLS datagrams kept until their sender is selected: a ClientHello in fragments.
const MAX_EARLY: usize = 4;
/// Longest of them, bytes.
const MAX_EARLY_LEN: usize = 1500;

/// The two ICE agents as one.
enum Ice {
    Lite(IceLite),
    Client(IceClient),
}

/// One connection of either role.
pub struct Transport {
    ice: Ice,
    dtls: Option<Box<dyn Dtls>>,
    srtp: Option<Box<(SrtpTx, SrtpRx)>>,
    /// A browser begins DTLS on the first path that works and nominates it up to 50 ms later. What came in
    /// between, from an address whose check was authentic, waits here instead of for a retransmission.
    early: Vec<(SocketAddr, Box<[u8]>)>,
    receive_rtp: bool,
    /// Connected by a timer, and nobody has been told yet.
    unannounced: bool,
    connect_by: Instant,
    drop_dtls_after: Option<Duration>,
    drop_dtls_at: Option<Instant>,
    drops: [u32; DropReason::ALL.len()],
}

impl Transport {
    /// A client's first check goes out at the first [`Transport::handle_timeout`].
    pub fn new(config: TransportConfig, now: Instant) -> Result<Self, TransportError> {
        let role = match config.role {
            TransportRole::Server => DtlsRole::Server,
            TransportRole::Client { .. } => DtlsRole::Client,
        };
        let dtls = DimplDtls::new(role, &config.certificate, config.remote_fingerprint, now)?;
        let ice = match config.role {
            TransportRole::Server => Ice::Lite(IceLite::new(config.local, config.remote.ufrag, now)),
            TransportRole::Client { candidate } => {
                Ice::Client(IceClient::new(config.local, config.remote, candidate, now))
            }
        };
        Ok(Self {
            ice,
            dtls: Some(Box::new(dtls)),
            srtp: None,
            early: Vec::new(),
            receive_rtp: config.receive_rtp,
            unannounced: false,
            connect_by: now + config.connect_timeout,
            drop_dtls_after: config.drop_dtls_after,
            drop_dtls_at: None,
            drops: [0; DropReason::ALL.len()],
        })
    }

    /// Has what an RTP packet takes brought near, in two steps with time between them: each reads what the one before
    /// has asked for, the first this value itself.
    pub fn prefetch(&self, step: usize) {
        if let Some(srtp) = &self.srtp {
            match step {
                0 => prefetch(&srtp.1),
                _ => srtp.1.prefetch(),
            }
        }
    }

    /// The same for a packet that is to be sent.
    pub fn prefetch_tx(&self, step: usize) {
        if let Some(srtp) = &self.srtp {
            match step {
                0 => prefetch(&srtp.0),
                _ => srtp.0.prefetch(),
            }
        }
    }

    /// Takes one datagram; answers go to `out` as (to, bytes). An error ends the connection.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'a mut [u8],
        out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<Incoming<'a>, TransportError> {
        // RFC 7983 §7, and RFC 5761 §4 for what is RTCP.
        let result = match datagram {
            [0..=3, ..] => self.handle_stun(now, from, datagram, out),
            [20..=63, ..] => self.handle_dtls(now, from, datagram, out)?,
            [128..=191, 192..=223, ..] => self.handle_rtcp(from, datagram),
            [128..=191, _, ..] => self.handle_rtp(from, datagram),
            _ => Err(DropReason::Unknown),
        };
        if let Ok(Incoming::Selected(to)) = result {
            self.begin(now, to, out)?;
        }
        if self.unannounced && matches!(result, Ok(Incoming::None | Incoming::Checked)) {
            self.unannounced = false;
            return Ok(Incoming::Connected);
        }
        Ok(result.unwrap_or_else(|reason| {
            let count = &mut self.drops[reason as usize];
            *count = count.saturating_add(1);
            Incoming::Dropped(reason)
        }))
    }

    fn handle_stun<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<Incoming<'a>, DropReason> {
        let outcome = match &mut self.ice {
            Ice::Lite(ice) => ice.handle_stun(now, from, datagram, out),
            Ice::Client(ice) => ice.handle_stun(now, from, datagram, out),
        };
        match outcome {
            IceOutcome::Checked if self.remote_addr() == Some(from) || self.may_be_selected(from) => {
                Ok(Incoming::Checked)
            }
            IceOutcome::Checked => Ok(Incoming::None),
            IceOutcome::Selected(to) => Ok(Incoming::Selected(to)),
            IceOutcome::Dropped(IceDrop::Unauthenticated) => Err(DropReason::StunUnauthenticated),
            IceOutcome::Dropped(IceDrop::Malformed | IceDrop::Unexpected) => Err(DropReason::StunMalformed),
        }
    }

    /// Starts a client's handshake, or gives a server what came before the selection.
    fn begin(
        &mut self,
        now: Instant,
        selected: SocketAddr,
        out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<(), TransportError> {
        for (from, datagram) in std::mem::take(&mut self.early) {
            if from == selected {
                // It cannot complete a handshake, for nothing of ours has been answered yet.
                let _ = self.handle_dtls(now, from, &datagram, out)?;
            }
        }
        self.handle_timeout(now, out)
    }

    fn may_be_selected(&self, from: SocketAddr) -> bool {
        matches!(&self.ice, Ice::Lite(ice) if ice.may_be_selected(from))
    }

    /// Keeps a datagram that came before its sender was selected; false when there is no reason or no room.
    fn keep_early(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let keep =
            self.may_be_selected(from) && self.early.len() < MAX_EARLY && datagram.len() <= MAX_EARLY_LEN;
        if keep {
            self.early.push((from, datagram.into()));
        }
        keep
    }

    fn handle_dtls<'a>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<Result<Incoming<'a>, DropReason>, TransportError> {
        if self.remote_addr() != Some(from) {
            let kept = self.keep_early(from, datagram);
            return Ok(if kept { Ok(Incoming::None) } else { Err(DropReason::WrongAddress) });
        }
        let Some(dtls) = &mut self.dtls else { return Ok(Err(DropReason::Dtls)) };
        match dtls.handle_packet(now, datagram, &mut |packet| out(from, packet)) {
            Ok(None) => Ok(Ok(Incoming::None)),
            Ok(Some(DtlsEvent::Connected(keys))) => {
                self.connect(now, &keys)?;
                Ok(Ok(Incoming::Connected))
            }
            Ok(Some(DtlsEvent::Closed)) => {
                self.dtls = None;
                Ok(Ok(Incoming::Closed))
            }
            Err(_) if self.srtp.is_some() => {
                // The keys are agreed: nothing that DTLS stumbles over now may stop the picture.
                self.dtls = None;
                Ok(Err(DropReason::Dtls))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn connect(&mut self, now: Instant, keys: &KeyingMaterial) -> Result<(), TransportError> {
        let tx = SrtpTx::new(&keys.local).map_err(|_| DtlsError::NoSrtpProfile)?;
        let rx = SrtpRx::new(&keys.remote, self.receive_rtp).map_err(|_| DtlsError::NoSrtpProfile)?;
        self.srtp = Some(Box::new((tx, rx)));
        self.drop_dtls_at = self.drop_dtls_after.map(|after| now + after);
        Ok(())
    }

    fn media(&mut self, from: SocketAddr) -> Result<&mut SrtpRx, DropReason> {
        if self.remote_addr() != Some(from) {
            return Err(DropReason::WrongAddress);
        }
        self.srtp.as_mut().map(|srtp| &mut srtp.1).ok_or(DropReason::BeforeKeys)
    }

    fn handle_rtp<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Result<Incoming<'a>, DropReason> {
        let (len, index) = self.media(from)?.unprotect_rtp(datagram).map_err(drop_reason)?;
        Ok(Incoming::Rtp { packet: &datagram[..len], index })
    }

    fn handle_rtcp<'a>(
        &mut self,
        from: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Result<Incoming<'a>, DropReason> {
        let len = self.media(from)?.unprotect_rtcp(datagram).map_err(drop_reason)?;
        Ok(Incoming::Rtcp(&datagram[..len]))
    }

    /// Does what is due. Call at or after [`Transport::next_timeout`]; earlier does no harm. An error ends the
    /// connection.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        out: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> Result<(), TransportError> {
        if let Ice::Client(ice) = &mut self.ice {
            ice.handle_timeout(now, out);
        }
        if self.ice_state(now) == IceState::Dead {
            return Err(TransportError::ConsentExpired);
        }
        if self.srtp.is_none() && now >= self.connect_by {
            return Err(TransportError::ConnectTimeout);
        }
        if self.drop_dtls_at.is_some_and(|at| now >= at) {
            self.dtls = None;
            self.drop_dtls_at = None;
        }
        let Some(to) = self.remote_addr() else { return Ok(()) };
        let Some(dtls) = &mut self.dtls else { return Ok(()) };
        if dtls.next_timeout().is_none_or(|at| now < at) {
            return Ok(());
        }
        match dtls.handle_timeout(now, &mut |packet| out(to, packet)) {
            Err(error) if self.srtp.is_none() => Err(error.into()),
            Err(_) => {
                self.dtls = None;
                Ok(())
            }
            Ok(Some(DtlsEvent::Connected(keys))) => {
                // A handshake ends with a datagram, not with a timer; but should one ever, it must not be lost.
                self.unannounced = true;
                self.connect(now, &keys)
            }
            Ok(_) => Ok(()),
        }
    }

    /// When [`Transport::handle_timeout`] should come next. Read it again after every call: a connected server
    /// waits for nothing but the peer's silence.
    pub fn next_timeout(&self) -> Instant {
        let (mut next, selected) = match &self.ice {
            Ice::Lite(ice) => (ice.dies_at(), ice.selected()),
            Ice::Client(ice) => (ice.next_timeout().min(ice.dies_at()), ice.selected()),
        };
        if self.srtp.is_none() {
            next = next.min(self.connect_by);
        }
        if selected.is_some() {
            let dtls = self.dtls.as_ref().and_then(|dtls| dtls.next_timeout());
            next = [dtls, self.drop_dtls_at].into_iter().flatten().fold(next, Instant::min);
        }
        next
    }

    /// Where to send: the address of the latest authenticated USE-CANDIDATE, or the candidate that answered.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        match &self.ice {
            Ice::Lite(ice) => ice.selected(),
            Ice::Client(ice) => ice.selected(),
        }
    }

    /// There once connected.
    pub fn srtp_tx(&mut self) -> Option<&mut SrtpTx> {
        self.srtp.as_mut().map(|srtp| &mut srtp.0)
    }

    /// There once connected.
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.srtp.as_ref().map(|srtp| srtp.0.profile())
    }

    pub fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    /// Whether the DTLS state is still held.
    pub fn holds_dtls(&self) -> bool {
        self.dtls.is_some()
    }

    pub fn ice_state(&self, now: Instant) -> IceState {
        match &self.ice {
            Ice::Lite(ice) => ice.state(now),
            Ice::Client(ice) => ice.state(now),
        }
    }

    /// Datagrams of this connection that got nowhere, by reason.
    pub fn drops(&self, reason: DropReason) -> u32 {
        self.drops[reason as usize]
    }

    /// Says goodbye where DTLS is still there (close_notify).
    pub fn close(&mut self, now: Instant, out: &mut impl FnMut(SocketAddr, &[u8])) {
        if let (Some(mut dtls), Some(to)) = (self.dtls.take(), self.remote_addr()) {
            dtls.close(now, &mut |packet| out(to, packet));
        }
    }
}

fn drop_reason(error: SrtpError) -> DropReason {
    match error {
        SrtpError::Replay => DropReason::SrtpReplayed,
        SrtpError::Unexpected | SrtpError::TooManySsrcs => DropReason::SrtpUnexpected,
        _ => DropReason::SrtpForged,
    }
}
