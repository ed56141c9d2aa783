//! DTLS-SRTP key agreement (RFC 5764, RFC 8827 §6.5): a small trait, and `dimpl` behind it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use dimpl::Output;
use thiserror::Error;

use crate::srtp::{KeyingMaterial, SrtpProfile};

/// Why a handshake cannot go on. Every one is the end of the connection.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum DtlsError {
    #[error("certificate could not be made")]
    Certificate,
    #[error("peer's certificate does not have the fingerprint that its SDP announced")]
    FingerprintMismatch,
    #[error("no SRTP profile in common")]
    NoSrtpProfile,
    #[error("DTLS handshake failed")]
    Handshake,
    #[error("DTLS handshake took too long")]
    Timeout,
    #[error("fingerprint is not sha-256 in hexadecimal")]
    FingerprintFormat,
}

impl DtlsError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Certificate => "dtls_certificate",
            Self::FingerprintMismatch => "dtls_fingerprint_mismatch",
            Self::NoSrtpProfile => "dtls_no_srtp_profile",
            Self::Handshake => "dtls_handshake",
            Self::Timeout => "dtls_timeout",
            Self::FingerprintFormat => "dtls_fingerprint_format",
        }
    }
}

/// SHA-256 of a certificate in DER. `Display` is the form of SDP: `AB:CD:…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// Our certificate and key: self-signed ECDSA P-256, one a process, made once, cheap to share by `Arc`.
pub struct Certificate {
    inner: dimpl::DtlsCertificate,
    fingerprint: Fingerprint,
}

/// Which side of the handshake we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DtlsRole {
    /// Passive: waits for a ClientHello.
    Server,
    /// Active: sends it.
    Client,
}

/// What a handshake step brought.
#[derive(Debug)]
pub enum DtlsEvent {
    /// The peer is who its SDP said, and these are the keys. Comes once.
    Connected(Box<KeyingMaterial>),
    /// The peer closed the association.
    Closed,
}

impl Fingerprint {
    /// Reads the value of `a=fingerprint:sha-256 …` (RFC 8122 §5), without the hash's name.
    pub fn parse(text: &str) -> Result<Self, DtlsError> {
        let mut bytes = [0; 32];
        let mut parts = text.trim().split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2).ok_or(DtlsError::FingerprintFormat)?;
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(DtlsError::FingerprintFormat);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| DtlsError::FingerprintFormat)?;
        }
        if parts.next().is_some() { Err(DtlsError::FingerprintFormat) } else { Ok(Self(bytes)) }
    }

    /// Of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Certificate {
    /// Makes a new key and certificate (about 0.1 ms); do it once a process and share it.
    pub fn generate() -> Result<Self, DtlsError> {
        let inner =
            dimpl::certificate::generate_self_signed_certificate().map_err(|_| DtlsError::Certificate)?;
        let fingerprint = Fingerprint::of(&inner.certificate);
        Ok(Self { inner, fingerprint })
    }

    /// What our SDP announces.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Takes one DTLS record or flight to send.
pub type SendFn<'a> = dyn FnMut(&[u8]) + 'a;

/// One association, sans-IO. A returned error ends it.
pub trait Dtls: Send {
    /// Takes one datagram. Malformed and repeated ones are dropped inside.
    fn handle_packet(
        &mut self,
        now: Instant,
        packet: &[u8],
        send: &mut SendFn<'_>,
    ) -> Result<Option<DtlsEvent>, DtlsError>;

    /// Starts a client's handshake at the first call, and retransmits what is due.
    fn handle_timeout(&mut self, now: Instant, send: &mut SendFn<'_>)
    -> Result<Option<DtlsEvent>, DtlsError>;

    /// When to call [`Dtls::handle_timeout`] next; `None` when nothing is waited for.
    fn next_timeout(&self) -> Option<Instant>;

    /// Sends close_notify where there is an association to close.
    fn close(&mut self, now: Instant, send: &mut SendFn<'_>);
}

/// First retransmission. RFC 6347 §4.2.4.1 proposes 1 s; a viewer waits for it, and ICE has already measured
/// that the path is there.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(400);
const RETRANSMISSIONS: usize = 6;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// A timer further off than this is no timer.
const NEVER: Duration = Duration::from_secs(3600);
/// Room for one record; dimpl keeps to its MTU of 1,150.
const RECORD_ROOM: usize = 2048;

fn dimpl_config() -> Result<Arc<dimpl::Config>, DtlsError> {
    static CONFIG: OnceLock<Result<Arc<dimpl::Config>, DtlsError>> = OnceLock::new();
    let build = || {
        dimpl::Config::builder()
            // ICE has verified return routability: a cookie would cost a round trip for nothing.
            .use_server_cookie(false)
            .flight_start_rto(FIRST_RETRANSMISSION)
            .flight_retries(RETRANSMISSIONS)
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .build()
            .map(Arc::new)
            .map_err(|_| DtlsError::Handshake)
    };
    CONFIG.get_or_init(build).clone()
}

/// [`Dtls`] by the crate `dimpl`: DTLS 1.2, ECDHE with ECDSA, AES-GCM.
pub struct DimplDtls {
    inner: dimpl::Dtls,
    role: DtlsRole,
    remote: Fingerprint,
    verified: bool,
    keys: Option<Box<KeyingMaterial>>,
    connected: bool,
    next_timeout: Option<Instant>,
}

impl DimplDtls {
    /// `remote` is the fingerprint that the peer's SDP announced. Nothing is sent yet.
    pub fn new(
        role: DtlsRole,
        certificate: &Certificate,
        remote: Fingerprint,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        let mut inner = dimpl::Dtls::new_12(dimpl_config()?, certificate.inner.clone(), now);
        inner.set_active(role == DtlsRole::Client);
        let mut next_timeout = Some(now);
        if role == DtlsRole::Server {
            next_timeout = None;
            // It makes its random from the time of the first tick, and needs it before the first packet. A
            // client must not: its ClientHello goes out at the first tick that has somewhere to send to.
            inner.handle_timeout(now).map_err(failure)?;
        }
        Ok(Self { inner, role, remote, verified: false, keys: None, connected: false, next_timeout })
    }

    fn drain(&mut self, now: Instant, send: &mut SendFn<'_>) -> Result<Option<DtlsEvent>, DtlsError> {
        let mut stack = [0; RECORD_ROOM];
        let mut heap = Vec::new();
        let mut event = None;
        loop {
            let room = if heap.is_empty() { &mut stack[..] } else { &mut heap[..] };
            match self.inner.poll_output(room) {
                Output::Packet(packet) => send(packet),
                Output::BufferTooSmall { needed } => heap.resize(needed, 0),
                Output::Timeout(at) => {
                    self.next_timeout = Some(at).filter(|at| *at < now + NEVER);
                    return Ok(event);
                }
                Output::PeerCert(der) => {
                    let found = Fingerprint::of(der);
                    verify_slices_are_equal(&found.0, &self.remote.0)
                        .map_err(|_| DtlsError::FingerprintMismatch)?;
                    self.verified = true;
                }
                Output::KeyingMaterial(material, profile) => {
                    let profile = match profile {
                        dimpl::SrtpProfile::AES128_CM_SHA1_80 => SrtpProfile::Aes128CmSha1_80,
                        dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
                        dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
                        _ => return Err(DtlsError::NoSrtpProfile),
                    };
                    let keys = KeyingMaterial::from_exporter(profile, &material, self.role)
                        .map_err(|_| DtlsError::NoSrtpProfile)?;
                    self.keys = Some(Box::new(keys));
                }
                Output::Connected => self.connected = true,
                Output::CloseNotify => event = Some(DtlsEvent::Closed),
                // Nothing speaks data channels here.
                Output::ApplicationData(_) => {}
                _ => {}
            }
            // Keys count only once the handshake is complete and the certificate was the right one, in whatever
            // order the three were told.
            if self.connected
                && self.verified
                && let Some(keys) = self.keys.take()
            {
                event = Some(DtlsEvent::Connected(keys));
            }
        }
    }
}

impl Dtls for DimplDtls {
    fn handle_packet(
        &mut self,
        now: Instant,
        packet: &[u8],
        send: &mut SendFn<'_>,
    ) -> Result<Option<DtlsEvent>, DtlsError> {
        let was_connected = self.connected;
        self.inner.handle_timeout(now).map_err(failure)?;
        self.inner.handle_packet(packet).map_err(failure)?;
        let event = self.drain(now, send)?;
        if self.connected && !was_connected && !matches!(event, Some(DtlsEvent::Connected(_))) {
            // A peer that completes the handshake without use_srtp or without a certificate is none of ours.
            return Err(if self.verified {
                DtlsError::NoSrtpProfile
            } else {
                DtlsError::FingerprintMismatch
            });
        }
        Ok(event)
    }

    fn handle_timeout(
        &mut self,
        now: Instant,
        send: &mut SendFn<'_>,
    ) -> Result<Option<DtlsEvent>, DtlsError> {
        self.inner.handle_timeout(now).map_err(failure)?;
        self.drain(now, send)
    }

    fn next_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    fn close(&mut self, now: Instant, send: &mut SendFn<'_>) {
        // Whether it worked or not, nothing is left to do.
        if self.inner.close().is_ok() {
            let _ = self.drain(now, send);
        }
    }
}

fn failure(error: dimpl::Error) -> DtlsError {
    match error {
        dimpl::Error::Timeout(_) => DtlsError::Timeout,
        _ => DtlsError::Handshake,
    }
}
