//! SRTP end to end: what is sent is what arrives, once; everything else gets nowhere and changes nothing.

use diemcau_wire::dtls::DtlsRole;
use diemcau_wire::rtp::{RtpHeader, write_header};
use diemcau_wire::srtp::{
    KeyingMaterial, MAX_RX_SSRCS, MasterKey, SrtpError, SrtpProfile, SrtpRx, SrtpTx, TxLine,
};
use proptest::prelude::*;

const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm];
const SSRC: u32 = 0xcafe_f00d;

fn key(profile: SrtpProfile) -> MasterKey {
    let bytes: Vec<u8> = (0..46).collect();
    MasterKey::new(profile, &bytes[..profile.key_len()], &bytes[32..32 + profile.salt_len()]).unwrap()
}

struct Pair {
    tx: SrtpTx,
    rx: SrtpRx,
    line: TxLine,
}

impl Pair {
    fn new(profile: SrtpProfile) -> Self {
        let mut tx = SrtpTx::new(&key(profile)).unwrap();
        let line = tx.add_line(SSRC, true).unwrap();
        Self { tx, rx: SrtpRx::new(&key(profile), true).unwrap(), line }
    }

    fn seal(&mut self, index: u64, payload: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let (mut buf, head, len) = packet(index, payload);
        let len = self.tx.protect_rtp(self.line, index, head, &mut buf, len)?;
        buf.truncate(len);
        Ok(buf)
    }

    fn open(&mut self, mut packet: Vec<u8>) -> Result<(Vec<u8>, u64), SrtpError> {
        let (len, index) = self.rx.unprotect_rtp(&mut packet)?;
        Ok((packet[12..len].to_vec(), index))
    }
}

/// A packet of SSRC [`SSRC`] with room behind it: (buffer, header length, length).
fn packet(index: u64, payload: &[u8]) -> (Vec<u8>, usize, usize) {
    let mut buf = vec![0; 12 + payload.len() + 16];
    let header = RtpHeader { payload_type: 96, sequence: index as u16, ssrc: SSRC, ..RtpHeader::default() };
    let head = write_header(&mut buf, &header, &[]).unwrap();
    buf[head..head + payload.len()].copy_from_slice(payload);
    (buf, head, head + payload.len())
}

fn profiles() -> impl Strategy<Value = SrtpProfile> {
    prop::sample::select(&PROFILES[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rtp_arrives_once_in_any_order_over_wraps(
        profile in profiles(),
        start in 0u64..0x8000,
        steps in prop::collection::vec(1u64..3000, 1..60),
        swap in any::<prop::sample::Index>(),
    ) {
        let mut pair = Pair::new(profile);
        let mut index = start;
        let mut sent = Vec::new();
        for step in steps {
            sent.push((index, pair.seal(index, &index.to_be_bytes()).unwrap()));
            index += step;
        }
        // One packet comes late, unless that is the very first or more than the window.
        let at = 1 + swap.index(sent.len());
        if at + 1 < sent.len() && sent[at + 1].0 - sent[at].0 < 128 {
            sent.swap(at, at + 1);
        }
        for (index, packet) in &sent {
            prop_assert_eq!(pair.open(packet.clone()), Ok((index.to_be_bytes().to_vec(), *index)));
            prop_assert_eq!(pair.open(packet.clone()), Err(SrtpError::Replay));
        }
    }

    #[test]
    fn a_changed_or_cut_packet_gets_nowhere_and_leaves_no_trace(
        profile in profiles(),
        payload in prop::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut pair = Pair::new(profile);
        let good = pair.seal(7, &payload).unwrap();
        let mut forged = good.clone();
        forged[at.index(good.len())] ^= 1 << bit;
        prop_assert!(pair.open(forged).is_err());
        prop_assert!(pair.open(good[..cut.index(good.len())].to_vec()).is_err());
        prop_assert_eq!(pair.open(good), Ok((payload, 7)));
    }

    #[test]
    fn rtcp_arrives_once_and_a_changed_one_gets_nowhere(
        profile in profiles(),
        words in 0usize..20,
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let mut pair = Pair::new(profile);
        let plain: Vec<u8> = [0x80, 201, 0, 1].into_iter().chain(0..4 + 4 * words as u8).collect();
        let mut buf = plain.clone();
        buf.resize(plain.len() + 20, 0);
        let len = pair.tx.protect_rtcp(&mut buf, plain.len()).unwrap();
        prop_assert_eq!(len, plain.len() + profile.rtcp_overhead());
        buf.truncate(len);
        let mut forged = buf.clone();
        forged[at.index(len)] ^= 1 << bit;
        prop_assert!(pair.rx.unprotect_rtcp(&mut forged).is_err());
        let mut first = buf.clone();
        prop_assert_eq!(pair.rx.unprotect_rtcp(&mut first), Ok(plain.len()));
        prop_assert_eq!(&first[..plain.len()], &plain[..]);
        prop_assert_eq!(pair.rx.unprotect_rtcp(&mut buf), Err(SrtpError::Replay));
    }

    #[test]
    fn no_bytes_make_it_panic(profile in profiles(), mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut pair = Pair::new(profile);
        prop_assert!(pair.rx.unprotect_rtp(&mut bytes).is_err());
        prop_assert!(pair.rx.unprotect_rtcp(&mut bytes).is_err());
    }
}

#[test]
fn a_packet_older_than_the_window_is_refused_even_if_never_seen() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let packets: Vec<_> = (1..=200).map(|i| pair.seal(i, b"x").unwrap()).collect();
        pair.open(packets[199].clone()).unwrap();
        assert_eq!(pair.open(packets[199 - 127].clone()).unwrap().1, 73);
        assert_eq!(pair.open(packets[199 - 128].clone()), Err(SrtpError::Replay));
    }
}

#[test]
fn the_roll_over_counter_is_the_senders_and_the_receiver_follows() {
    let mut pair = Pair::new(SrtpProfile::AeadAes128Gcm);
    for index in (0x7f00..0x5_0000).step_by(0x1000) {
        let packet = pair.seal(index, b"x").unwrap();
        assert_eq!(pair.open(packet).unwrap().1, index);
    }
}

#[test]
fn an_index_is_used_once() {
    let mut pair = Pair::new(SrtpProfile::AeadAes128Gcm);
    pair.seal(5, b"one").unwrap();
    assert_eq!(pair.seal(5, b"two"), Err(SrtpError::NonceReuse));
    assert_eq!(pair.seal(4, b"two"), Err(SrtpError::NonceReuse));
    pair.seal(6, b"two").unwrap();
    assert_eq!(pair.tx.add_line(SSRC, false), Err(SrtpError::NonceReuse), "one SSRC, one line");
    assert_eq!(pair.seal(1 << 48 | 7, b"x"), Err(SrtpError::Exhausted));
    // The packet must be the one that line and index say.
    let (mut buf, head, len) = packet(7, b"x");
    assert_eq!(pair.tx.protect_rtp(pair.line, 8, head, &mut buf, len), Err(SrtpError::NonceReuse));
    buf[8] ^= 1;
    assert_eq!(pair.tx.protect_rtp(pair.line, 7, head, &mut buf, len), Err(SrtpError::NonceReuse));
}

#[test]
fn a_repeat_is_the_identical_packet_or_nothing() {
    let mut pair = Pair::new(SrtpProfile::AeadAes128Gcm);
    let again = |pair: &mut Pair, index, payload: &[u8]| {
        let (mut buf, head, len) = packet(index, payload);
        pair.tx.protect_rtp_again(pair.line, index, head, &mut buf, len).map(|len| buf[..len].to_vec())
    };
    let first = pair.seal(1, b"voice").unwrap();
    assert_eq!(again(&mut pair, 1, b"voice"), Ok(first));
    assert_eq!(again(&mut pair, 1, b"other"), Err(SrtpError::NonceReuse));
    assert_eq!(again(&mut pair, 2, b"voice"), Err(SrtpError::NonceReuse), "never sent");
    for index in 2..=9 {
        pair.seal(index, b"voice").unwrap();
    }
    assert_eq!(again(&mut pair, 1, b"voice"), Err(SrtpError::NonceReuse), "longer ago than eight packets");
    assert!(again(&mut pair, 2, b"voice").is_ok());

    let video = pair.tx.add_line(77, false).unwrap();
    let (mut buf, head, len) = packet(1, b"x");
    buf[8..12].copy_from_slice(&77u32.to_be_bytes());
    let plain = buf.clone();
    pair.tx.protect_rtp(video, 1, head, &mut buf, len).unwrap();
    buf = plain;
    assert_eq!(pair.tx.protect_rtp_again(video, 1, head, &mut buf, len), Err(SrtpError::NonceReuse));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let mut pair = Pair::new(SrtpProfile::AeadAes128Gcm);
    let (mut buf, head, len) = packet(1, b"x");
    let line = pair.line;
    assert_eq!(pair.tx.protect_rtp(line, 1, head, &mut buf[..len + 15], len), Err(SrtpError::NoSpace));
    assert_eq!(pair.tx.protect_rtp(line, 1, len + 1, &mut buf, len), Err(SrtpError::Malformed));
    assert_eq!(pair.tx.protect_rtp(line, 1, 11, &mut buf, len), Err(SrtpError::Malformed));
    assert_eq!(pair.tx.protect_rtp(line, 1, head, &mut buf[..12], 13), Err(SrtpError::Malformed));
    assert_eq!(pair.tx.protect_rtcp(&mut buf, 7), Err(SrtpError::Malformed));
    assert_eq!(pair.tx.protect_rtcp(&mut [0; 27], 8), Err(SrtpError::NoSpace));
    // None of these has used the index up.
    assert!(pair.tx.protect_rtp(line, 1, head, &mut buf, len).is_ok());
}

#[test]
fn senders_beyond_the_table_are_refused_and_only_authentic_ones_count() {
    let profile = SrtpProfile::AeadAes128Gcm;
    let mut tx = SrtpTx::new(&key(profile)).unwrap();
    let mut rx = SrtpRx::new(&key(profile), true).unwrap();
    let seal = |tx: &mut SrtpTx, ssrc: u32| {
        let line = tx.add_line(ssrc, false).unwrap();
        let (mut buf, head, len) = packet(1, b"x");
        buf[8..12].copy_from_slice(&ssrc.to_be_bytes());
        tx.protect_rtp(line, 1, head, &mut buf, len).unwrap();
        buf
    };
    for forged in 0..1000u32 {
        let (mut buf, ..) = packet(1, b"xxxxxxxxxxxxxxxxxx");
        buf[8..12].copy_from_slice(&forged.to_be_bytes());
        assert_eq!(rx.unprotect_rtp(&mut buf), Err(SrtpError::Authentication));
    }
    for ssrc in 0..MAX_RX_SSRCS as u32 {
        assert!(rx.unprotect_rtp(&mut seal(&mut tx, ssrc)).is_ok());
    }
    assert_eq!(rx.unprotect_rtp(&mut seal(&mut tx, 5000)), Err(SrtpError::TooManySsrcs));
}

#[test]
fn a_session_without_rtp_opens_none() {
    let profile = SrtpProfile::AeadAes128Gcm;
    let mut rx = SrtpRx::new(&key(profile), false).unwrap();
    assert_eq!(rx.unprotect_rtp(&mut packet(1, b"x").0), Err(SrtpError::Unexpected));
}

/// RFC 5764 §4.2: client key, server key, client salt, server salt.
#[test]
fn exported_keys_are_split_by_role() {
    for profile in PROFILES {
        let material: Vec<u8> = (0..2 * (profile.key_len() + profile.salt_len()) as u8).collect();
        let client = KeyingMaterial::from_exporter(profile, &material, DtlsRole::Client).unwrap();
        let server = KeyingMaterial::from_exporter(profile, &material, DtlsRole::Server).unwrap();
        // The client key and salt seal what the client sends: the server opens it, the client itself does not.
        let (k, s) = (profile.key_len(), profile.salt_len());
        let expected = MasterKey::new(profile, &material[..k], &material[2 * k..2 * k + s]).unwrap();
        let mut tx = SrtpTx::new(&client.local).unwrap();
        let mut buf = [0x80, 201, 0, 1, 0, 0, 0, 1].to_vec();
        buf.resize(28, 0);
        let len = tx.protect_rtcp(&mut buf, 8).unwrap();
        for (key, opens) in [(&server.remote, true), (&expected, true), (&client.remote, false)] {
            let mut rx = SrtpRx::new(key, false).unwrap();
            assert_eq!(rx.unprotect_rtcp(&mut buf[..len].to_vec()).is_ok(), opens);
        }
        assert!(KeyingMaterial::from_exporter(profile, &material[1..], DtlsRole::Client).is_err());
    }
}

#[test]
fn secrets_are_not_printed() {
    let text = format!("{:?}", key(SrtpProfile::AeadAes128Gcm));
    assert_eq!(text, "MasterKey { profile: AeadAes128Gcm, .. }");
}
