//! One keyed cipher: seals and opens RTP or RTCP of one direction, given the index.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::kdf::{SessionKeys, Stream, counter_key, counter_mode, session_keys};
use super::{MasterKey, SrtpError, SrtpProfile};
use crate::prefetch::prefetch;

/// RTCP header and sender SSRC, which stay in the clear.
pub(super) const RTCP_CLEAR: usize = 8;
const GCM_TAG: usize = 16;
const HMAC_TAG: usize = 10;
const E_BIT: u32 = 1 << 31;

/// Boxed: a key schedule is 0.5 to 1.3 kB, and who holds a cipher is moved about.
pub(super) enum Cipher {
    Gcm { key: Box<LessSafeKey>, salt: [u8; 12] },
    CmHmac { key: Box<EncryptingKey>, auth: Box<hmac::Key>, salt: [u8; 14] },
}

impl Cipher {
    pub fn new(master: &MasterKey, stream: Stream) -> Result<Self, SrtpError> {
        Self::from_session_keys(master.profile(), &session_keys(master, stream)?)
    }

    fn from_session_keys(profile: SrtpProfile, keys: &SessionKeys) -> Result<Self, SrtpError> {
        let key = &keys.key[..profile.key_len()];
        let algorithm = match profile {
            SrtpProfile::Aes128CmSha1_80 => {
                let auth = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys.auth));
                return Ok(Self::CmHmac { key: Box::new(counter_key(key)?), auth, salt: keys.salt });
            }
            SrtpProfile::AeadAes128Gcm => &AES_128_GCM,
            SrtpProfile::AeadAes256Gcm => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::KeyLength)?;
        let mut salt = [0; 12];
        salt.copy_from_slice(&keys.salt[..12]);
        Ok(Self::Gcm { key: Box::new(LessSafeKey::new(key)), salt })
    }

    /// Has the key brought near.
    pub fn prefetch(&self) {
        if let Self::Gcm { key, .. } = self {
            prefetch(&**key);
        }
    }

    /// `buf[..len]` becomes SRTP. `header_len <= len` and the SSRC at byte 8 are the caller's to have checked.
    pub fn seal_rtp(
        &self,
        index: u64,
        header_len: usize,
        buf: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let ssrc = be32(buf, 8);
        match self {
            Self::Gcm { key, salt } => {
                let packet = buf.get_mut(..len + GCM_TAG).ok_or(SrtpError::NoSpace)?;
                let (header, body) = packet.split_at_mut(header_len);
                gcm_seal(key, gcm_rtp_nonce(salt, ssrc, index), header, body).map(|()| len + GCM_TAG)
            }
            Self::CmHmac { key, auth, salt } => {
                let packet = buf.get_mut(..len + HMAC_TAG).ok_or(SrtpError::NoSpace)?;
                counter_mode(key, cm_iv(salt, ssrc, index), &mut packet[header_len..len])?;
                let tag = hmac_tag(auth, &packet[..len], &roll_over_counter(index));
                packet[len..].copy_from_slice(&tag.as_ref()[..HMAC_TAG]);
                Ok(len + HMAC_TAG)
            }
        }
    }

    /// Checks and decrypts a whole SRTP packet. Returns its RTP length. On an error the bytes behind the header
    /// are void.
    pub fn open_rtp(&self, index: u64, header_len: usize, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = be32(packet, 8);
        match self {
            Self::Gcm { key, salt } => {
                let len = packet.len().checked_sub(GCM_TAG).filter(|len| *len >= header_len);
                let len = len.ok_or(SrtpError::Malformed)?;
                let (header, body) = packet.split_at_mut(header_len);
                gcm_open(key, gcm_rtp_nonce(salt, ssrc, index), header, body)?;
                Ok(len)
            }
            Self::CmHmac { key, auth, salt } => {
                let len = packet.len().checked_sub(HMAC_TAG).filter(|len| *len >= header_len);
                let len = len.ok_or(SrtpError::Malformed)?;
                let tag = hmac_tag(auth, &packet[..len], &roll_over_counter(index));
                verify_slices_are_equal(&tag.as_ref()[..HMAC_TAG], &packet[len..])
                    .map_err(|_| SrtpError::Authentication)?;
                counter_mode(key, cm_iv(salt, ssrc, index), &mut packet[header_len..len])?;
                Ok(len)
            }
        }
    }

    /// `buf[..len]` becomes SRTCP. `len >= 8` is the caller's to have checked.
    pub fn seal_rtcp(&self, index: u32, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let ssrc = be32(buf, 4);
        let trailer = (index | E_BIT).to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let packet = buf.get_mut(..len + GCM_TAG + 4).ok_or(SrtpError::NoSpace)?;
                let (packet, tail) = packet.split_at_mut(len + GCM_TAG);
                let (header, body) = packet.split_at_mut(RTCP_CLEAR);
                gcm_seal(key, gcm_rtcp_nonce(salt, ssrc, index), &rtcp_aad(header, trailer), body)?;
                tail.copy_from_slice(&trailer);
                Ok(len + GCM_TAG + 4)
            }
            Self::CmHmac { key, auth, salt } => {
                let packet = buf.get_mut(..len + 4 + HMAC_TAG).ok_or(SrtpError::NoSpace)?;
                counter_mode(key, cm_iv(salt, ssrc, u64::from(index)), &mut packet[RTCP_CLEAR..len])?;
                packet[len..len + 4].copy_from_slice(&trailer);
                let tag = hmac_tag(auth, &packet[..len + 4], &[]);
                packet[len + 4..].copy_from_slice(&tag.as_ref()[..HMAC_TAG]);
                Ok(len + 4 + HMAC_TAG)
            }
        }
    }

    /// SRTCP index of a packet, before anything is checked.
    pub fn rtcp_index(&self, packet: &[u8]) -> Result<u32, SrtpError> {
        let (behind, tag) = match self {
            Self::Gcm { .. } => (0, GCM_TAG),
            Self::CmHmac { .. } => (HMAC_TAG, HMAC_TAG),
        };
        if packet.len() < RTCP_CLEAR + tag + 4 {
            return Err(SrtpError::Malformed);
        }
        let word = be32(packet, packet.len() - behind - 4);
        // WebRTC does not allow unencrypted SRTCP (RFC 8827 §6.5).
        if word & E_BIT == 0 { Err(SrtpError::NotEncrypted) } else { Ok(word & !E_BIT) }
    }

    /// Checks and decrypts SRTCP whose index came from [`Cipher::rtcp_index`]. Returns the RTCP length.
    pub fn open_rtcp(&self, index: u32, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = be32(packet, 4);
        match self {
            Self::Gcm { key, salt } => {
                let end = packet.len() - 4;
                let (header, body) = packet[..end].split_at_mut(RTCP_CLEAR);
                let aad = rtcp_aad(header, (index | E_BIT).to_be_bytes());
                gcm_open(key, gcm_rtcp_nonce(salt, ssrc, index), &aad, body)?;
                Ok(end - GCM_TAG)
            }
            Self::CmHmac { key, auth, salt } => {
                let end = packet.len() - HMAC_TAG;
                let tag = hmac_tag(auth, &packet[..end], &[]);
                verify_slices_are_equal(&tag.as_ref()[..HMAC_TAG], &packet[end..])
                    .map_err(|_| SrtpError::Authentication)?;
                let len = end - 4;
                counter_mode(key, cm_iv(salt, ssrc, u64::from(index)), &mut packet[RTCP_CLEAR..len])?;
                Ok(len)
            }
        }
    }
}

/// Encrypts all but the last 16 bytes of `body` and puts the tag there.
fn gcm_seal(key: &LessSafeKey, nonce: Nonce, aad: &[u8], body: &mut [u8]) -> Result<(), SrtpError> {
    let (text, tag_slot) = body.split_at_mut(body.len() - GCM_TAG);
    let tag =
        key.seal_in_place_separate_tag(nonce, Aad::from(aad), text).map_err(|_| SrtpError::Malformed)?;
    tag_slot.copy_from_slice(tag.as_ref());
    Ok(())
}

fn gcm_open(key: &LessSafeKey, nonce: Nonce, aad: &[u8], body: &mut [u8]) -> Result<(), SrtpError> {
    key.open_in_place(nonce, Aad::from(aad), body).map(drop).map_err(|_| SrtpError::Authentication)
}

/// RFC 7714 §8.1.
fn gcm_rtp_nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut iv = [0; 12];
    iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
    iv[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    xor(&mut iv, salt);
    Nonce::assume_unique_for_key(iv)
}

/// RFC 7714 §9.1.
fn gcm_rtcp_nonce(salt: &[u8; 12], ssrc: u32, index: u32) -> Nonce {
    gcm_rtp_nonce(salt, ssrc, u64::from(index))
}

/// RFC 7714 §9.2.
fn rtcp_aad(header: &[u8], trailer: [u8; 4]) -> [u8; 12] {
    let mut aad = [0; 12];
    aad[..RTCP_CLEAR].copy_from_slice(header);
    aad[RTCP_CLEAR..].copy_from_slice(&trailer);
    aad
}

/// RFC 3711 §4.1.1.
fn cm_iv(salt: &[u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
    iv[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    xor(&mut iv[..14], salt);
    iv
}

fn xor(value: &mut [u8], pad: &[u8]) {
    value.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
}

fn hmac_tag(key: &hmac::Key, packet: &[u8], behind: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(behind);
    context.sign()
}

/// High 32 bits of the index, which the HMAC covers behind the packet (RFC 3711 §4.2).
fn roll_over_counter(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

pub(super) fn be32(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Keys of RFC 7714 §16, which are session keys: key 00 01 02 …, salt "Quid pro quo".
    fn cipher(profile: SrtpProfile) -> Cipher {
        let mut keys = SessionKeys { key: [0; 32], auth: [0; 20], salt: [0; 14] };
        for (i, byte) in keys.key.iter_mut().enumerate() {
            *byte = i as u8;
        }
        keys.salt[..12].copy_from_slice(&hex("517569642070726f2071756f"));
        Cipher::from_session_keys(profile, &keys).unwrap()
    }

    const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                       69736120 696e2070 61727465 73207472 6573";

    fn seals_and_opens_rtp(profile: SrtpProfile, expected: &str) {
        let cipher = cipher(profile);
        let plain = hex(RTP);
        let mut buf = plain.clone();
        buf.resize(plain.len() + 16, 0);
        let len = cipher.seal_rtp(0xf17b, 12, &mut buf, plain.len()).unwrap();
        assert_eq!(buf[..len], hex(expected));
        assert_eq!(cipher.open_rtp(0xf17b, 12, &mut buf), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }

    /// RFC 7714 §16.1.1.
    #[test]
    fn aes_128_gcm_rtp_is_that_of_rfc_7714() {
        seals_and_opens_rtp(
            SrtpProfile::AeadAes128Gcm,
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
             51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        );
    }

    /// RFC 7714 §16.2.1.
    #[test]
    fn aes_256_gcm_rtp_is_that_of_rfc_7714() {
        seals_and_opens_rtp(
            SrtpProfile::AeadAes256Gcm,
            "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
             76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
        );
    }

    const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                        deadbeef deadbeef deadbeef deadbeef deadbeef";

    fn seals_and_opens_rtcp(profile: SrtpProfile, expected: &str) {
        let cipher = cipher(profile);
        let plain = hex(RTCP);
        let mut buf = plain.clone();
        buf.resize(plain.len() + 20, 0);
        let len = cipher.seal_rtcp(0x5d4, &mut buf, plain.len()).unwrap();
        assert_eq!(buf[..len], hex(expected));
        assert_eq!(cipher.rtcp_index(&buf), Ok(0x5d4));
        assert_eq!(cipher.open_rtcp(0x5d4, &mut buf), Ok(plain.len()));
        assert_eq!(buf[..plain.len()], plain);
    }

    /// RFC 7714 §17.1.
    #[test]
    fn aes_128_gcm_rtcp_is_that_of_rfc_7714() {
        seals_and_opens_rtcp(
            SrtpProfile::AeadAes128Gcm,
            "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
             4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        );
    }

    /// RFC 7714 §17.3.
    #[test]
    fn aes_256_gcm_rtcp_is_that_of_rfc_7714() {
        seals_and_opens_rtcp(
            SrtpProfile::AeadAes256Gcm,
            "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
             8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        );
    }

    #[test]
    fn unencrypted_rtcp_is_refused() {
        let cipher = cipher(SrtpProfile::AeadAes128Gcm);
        let mut packet = hex(RTCP);
        packet.extend([0; 16]);
        packet.extend(0x5d4_u32.to_be_bytes());
        assert_eq!(cipher.rtcp_index(&packet), Err(SrtpError::NotEncrypted));
    }
}
