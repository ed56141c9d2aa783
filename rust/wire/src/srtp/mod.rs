//! SRTP and SRTCP (RFC 3711; AES-GCM after RFC 7714), in place, without allocation or lock per packet.
//!
//! [`SrtpTx`] is told each packet's 48-bit index by the line that numbers it and refuses any that would use a
//! nonce twice. [`SrtpRx`] estimates the index, checks the tag in constant time and then the replay window.

mod cipher;
mod kdf;
mod rx;
mod tx;

use std::fmt;

use thiserror::Error;

pub use rx::{MAX_RX_SSRCS, SrtpRx};
pub use tx::{SrtpTx, TxLine};

use crate::dtls::DtlsRole;

/// Most bytes that protection adds to an RTP or an RTCP packet.
pub const MAX_OVERHEAD: usize = 20;

/// Why a packet was not protected, or was refused.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SrtpError {
    #[error("packet is too short, or its header is not RTP or RTCP")]
    Malformed,
    #[error("buffer has no room for the authentication tag")]
    NoSpace,
    #[error("authentication tag does not match")]
    Authentication,
    #[error("packet was seen before, or is older than the replay window")]
    Replay,
    #[error("too many SSRCs in one session")]
    TooManySsrcs,
    #[error("index, SSRC or content would use a nonce twice")]
    NonceReuse,
    #[error("packet index space is used up")]
    Exhausted,
    #[error("SRTCP packet is not encrypted")]
    NotEncrypted,
    #[error("this session does not receive RTP")]
    Unexpected,
    #[error("keying material has the wrong length")]
    KeyLength,
}

impl SrtpError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "srtp_malformed",
            Self::NoSpace => "srtp_no_space",
            Self::Authentication => "srtp_authentication",
            Self::Replay => "srtp_replay",
            Self::TooManySsrcs => "srtp_too_many_ssrcs",
            Self::NonceReuse => "srtp_nonce_reuse",
            Self::Exhausted => "srtp_exhausted",
            Self::NotEncrypted => "srtp_not_encrypted",
            Self::Unexpected => "srtp_unexpected",
            Self::KeyLength => "srtp_key_length",
        }
    }
}

/// Protection profiles we speak (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    Aes128CmSha1_80,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// As the registry of DTLS-SRTP profiles writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        }
    }

    /// Master key, bytes.
    pub fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Master salt, bytes.
    pub fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    pub fn rtp_overhead(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes that protection adds to a compound RTCP packet.
    pub fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + 4
    }
}

/// A master key and salt of one direction. `Debug` shows no secret.
#[derive(Clone)]
pub struct MasterKey {
    profile: SrtpProfile,
    key: [u8; 32],
    salt: [u8; 14],
}

impl MasterKey {
    /// Key and salt must have the profile's lengths.
    pub fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(SrtpError::KeyLength);
        }
        let mut this = Self { profile, key: [0; 32], salt: [0; 14] };
        this.key[..key.len()].copy_from_slice(key);
        this.salt[..salt.len()].copy_from_slice(salt);
        Ok(this)
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_len()]
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Both directions' keys of one connection.
#[derive(Debug, Clone)]
pub struct KeyingMaterial {
    pub profile: SrtpProfile,
    /// What we send with.
    pub local: MasterKey,
    /// What the peer sends with.
    pub remote: MasterKey,
}

impl KeyingMaterial {
    /// Splits what the DTLS exporter gave: client key, server key, client salt, server salt (RFC 5764 §4.2).
    /// `role` is ours in DTLS.
    pub fn from_exporter(profile: SrtpProfile, material: &[u8], role: DtlsRole) -> Result<Self, SrtpError> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        if material.len() != 2 * (key + salt) {
            return Err(SrtpError::KeyLength);
        }
        let (keys, salts) = material.split_at(2 * key);
        let client = MasterKey::new(profile, &keys[..key], &salts[..salt])?;
        let server = MasterKey::new(profile, &keys[key..], &salts[salt..])?;
        let (local, remote) = match role {
            DtlsRole::Client => (client, server),
            DtlsRole::Server => (server, client),
        };
        Ok(Self { profile, local, remote })
    }
}
