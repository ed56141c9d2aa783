//! Session keys from the master key (RFC 3711 §4.3; AES-256 after RFC 6188, salts of 12 bytes after RFC 7714 §11).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};

use super::{MasterKey, SrtpError};

/// What a key is for; RTCP's labels are three higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Rtp = 0,
    Rtcp = 3,
}

/// Session keys of one stream direction. `auth` is only used by the HMAC profile.
#[derive(Clone)]
pub(super) struct SessionKeys {
    pub key: [u8; 32],
    pub auth: [u8; 20],
    pub salt: [u8; 14],
}

pub(super) fn session_keys(master: &MasterKey, stream: Stream) -> Result<SessionKeys, SrtpError> {
    let label = stream as u8;
    let profile = master.profile();
    let mut keys = SessionKeys { key: [0; 32], auth: [0; 20], salt: [0; 14] };
    derive(master, label, &mut keys.key[..profile.key_len()])?;
    derive(master, label + 1, &mut keys.auth)?;
    derive(master, label + 2, &mut keys.salt[..profile.salt_len()])?;
    Ok(keys)
}

/// The AES-CM pseudo-random function, key derivation rate zero (RFC 3711 §4.3.1, §4.3.3).
fn derive(master: &MasterKey, label: u8, out: &mut [u8]) -> Result<(), SrtpError> {
    // x = label || index (48 bits of zero) XOR master salt, in 112 bits; the counter is x * 2^16.
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(&master.salt);
    iv[7] ^= label;
    out.fill(0);
    counter_mode(&counter_key(master.key())?, iv, out)
}

/// AES in counter mode keyed for [`counter_mode`]; 16 or 32 bytes.
pub(super) fn counter_key(key: &[u8]) -> Result<EncryptingKey, SrtpError> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr).map_err(|_| SrtpError::KeyLength)
}

/// XORs `data` with the key stream that begins at `iv`.
pub(super) fn counter_mode(key: &EncryptingKey, iv: [u8; 16], data: &mut [u8]) -> Result<(), SrtpError> {
    if data.is_empty() {
        return Ok(());
    }
    let context = EncryptionContext::Iv128(iv.into());
    key.less_safe_encrypt(data, context).map(drop).map_err(|_| SrtpError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::SrtpProfile;
    use crate::srtp::cipher::tests::hex;

    /// RFC 3711 §B.3.
    #[test]
    fn derives_the_keys_of_rfc_3711() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(SrtpProfile::Aes128CmSha1_80, &key, &salt).unwrap();
        let keys = session_keys(&master, Stream::Rtp).unwrap();
        assert_eq!(keys.key[..16], hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keys.auth[..], hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
        // The vector's authentication key goes on to 94 bytes.
        let mut long = [0; 94];
        derive(&master, 1, &mut long).unwrap();
        let all = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE\
                   E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25\
                   6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2";
        assert_eq!(long[..], hex(all));
    }

    /// RFC 3711 §B.2: the key stream of AES-CM.
    #[test]
    fn key_stream_is_that_of_rfc_3711() {
        let key = counter_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let iv: [u8; 16] = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
        let mut stream = vec![0; 0xff03 * 16];
        counter_mode(&key, iv, &mut stream).unwrap();
        assert_eq!(stream[..16], hex("E03EAD0935C95E80E166B16DD92B4EB4"));
        assert_eq!(stream[16..32], hex("D23513162B02D0F72A43A2FE4A5F97AB"));
        assert_eq!(stream[0xfeff * 16..0xff00 * 16], hex("EC8CDF7398607CB0F2D21675EA9EA1E4"));
        assert_eq!(stream[0xff00 * 16..0xff01 * 16], hex("362B7C3C6773516318A077D7FC5073AE"));
    }
}
