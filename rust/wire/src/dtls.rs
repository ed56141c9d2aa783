//! DTLS-SRTP key agreement (RFC 5764, RFC 8827 §6.5): a small trait, and `dimpl` behind it.

use std::fmt;
use std::time::Instant;

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
