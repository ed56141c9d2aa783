//! What browsers always do and other senders may leave out: naming their SSRCs or marking packets with a MID, and
//! repeating H.264 parameter sets in the stream.

use std::collections::VecDeque;
use std::sync::Arc;

use diemcau_core::depacket::h264;

/// Longest packet of parameter sets taken from an offer, bytes.
const MAX_SETS: usize = 1_000;
/// Insertions whose places are remembered, for packets that come late.
const REMEMBERED: usize = 16;

/// Payload type and SSRC of an RTP packet; none for RTCP and all else (RFC 3550 §5.1, RFC 5761 §4).
#[must_use]
pub fn rtp_source(datagram: &[u8]) -> Option<(u8, u32)> {
    let (header, _) = datagram.split_first_chunk::<12>()?;
    let rtcp = (192..=223).contains(&header[1]);
    let ssrc = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
    (header[0] >> 6 == 2 && !rtcp).then_some((header[1] & 0x7f, ssrc))
}

/// The sets of `sprop-parameter-sets` (RFC 6184 §8.1) as one STAP-A; none where they are not two at least, or not
/// sets.
#[must_use]
pub fn aggregated(sprop: &str) -> Option<Vec<u8>> {
    // NRI of 3, type 24 (RFC 6184 §5.7.1).
    let mut packet = vec![0x78];
    let (mut sps, mut pps) = (false, false);
    for word in sprop.split(',') {
        let unit = base64(word.trim())?;
        match unit.first()? & 0x1f {
            7 => sps = true,
            8 => pps = true,
            _ => return None,
        }
        packet.extend_from_slice(&u16::try_from(unit.len()).ok()?.to_be_bytes());
        packet.extend_from_slice(&unit);
        if packet.len() > MAX_SETS {
            return None;
        }
    }
    (sps && pps).then_some(packet)
}

/// RFC 4648 §4, padding optional.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() > 2 * MAX_SETS {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}

/// Puts the sets of an offer before every keyframe of a stream that does not carry its own, and numbers the packets
/// behind them anew. Once a set was seen in the stream nothing is put in any more.
pub struct ParameterSets {
    packet: Arc<[u8]>,
    in_band: bool,
    /// Timestamp of the keyframe that has them.
    last: Option<u32>,
    /// How many were put in before the remembered places.
    before: u16,
    /// Sequence numbers, as sent, of the packets that a set was put in front of.
    places: VecDeque<u16>,
}

impl ParameterSets {
    #[must_use]
    pub fn new(packet: Vec<u8>) -> Self {
        Self { packet: packet.into(), in_band: false, last: None, before: 0, places: VecDeque::new() }
    }

    /// The packet's number from now on, and the packet to go before it under the number one less.
    pub fn place(&mut self, sequence: u16, timestamp: u32, payload: &[u8]) -> (u16, Option<Arc<[u8]>>) {
        let found = h264::inspect(payload);
        self.in_band |= found.sps;
        let wanted = found.idr && !self.in_band && self.last != Some(timestamp);
        // Not for a packet that comes late: its neighbours' numbers are given out.
        let newest = self.places.back().is_none_or(|place| sequence.wrapping_sub(*place) < 0x8000);
        if wanted && newest {
            self.last = Some(timestamp);
            if self.places.len() == REMEMBERED {
                self.places.pop_front();
                self.before = self.before.wrapping_add(1);
            }
            self.places.push_back(sequence);
        }
        let behind = self.places.iter().filter(|place| sequence.wrapping_sub(**place) < 0x8000).count();
        let number = sequence.wrapping_add(self.before).wrapping_add(behind as u16);
        (number, (wanted && newest).then(|| Arc::clone(&self.packet)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDR: &[u8] = &[0x65, 0];
    const SLICE: &[u8] = &[0x61, 0];

    #[test]
    fn sets_of_an_offer_become_one_packet() {
        let packet = aggregated("Z0IAHg==,aM48gA==").unwrap();
        assert_eq!(packet, [0x78, 0, 4, 0x67, 0x42, 0, 0x1e, 0, 4, 0x68, 0xce, 0x3c, 0x80]);
        assert!(h264::inspect(&packet).sps);
        for bad in ["", ",", "Z0IAHg==", "Z0IAHg==,", "Z0IAHg==,ZZ==", "Z0IA Hg,aM48gA", "Z0IAHg==;aM48gA=="]
        {
            assert_eq!(aggregated(bad), None, "{bad:?}");
        }
        assert_eq!(aggregated(&format!("Z0IAHg==,aM{}", "A".repeat(3_000))), None);
    }

    #[test]
    fn every_keyframe_gets_its_sets_and_no_number_is_given_twice() {
        let mut sets = ParameterSets::new(vec![0x78]);
        let mut numbers = Vec::new();
        let mut put_in = 0;
        let mut sequence = 65_530_u16;
        for frame in 0..60_u32 {
            for slice in 0..3 {
                let payload = if frame % 2 == 0 && slice < 2 { IDR } else { SLICE };
                let (number, set) = sets.place(sequence, frame, payload);
                if set.is_some() {
                    assert!(slice == 0 && frame % 2 == 0);
                    numbers.push(number.wrapping_sub(1));
                    put_in += 1;
                }
                numbers.push(number);
                sequence = sequence.wrapping_add(1);
            }
        }
        assert_eq!(put_in, 30);
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{numbers:?}");
    }

    #[test]
    fn a_late_packet_keeps_the_number_of_its_place() {
        let mut sets = ParameterSets::new(vec![0x78]);
        assert_eq!(sets.place(10, 1, SLICE).0, 10);
        let (number, set) = sets.place(12, 2, IDR);
        assert!(set.is_some());
        assert_eq!(number, 13, "and the sets are 12");
        assert_eq!(sets.place(11, 1, SLICE), (11, None));
        assert_eq!(sets.place(13, 2, IDR), (14, None), "a second slice of the same keyframe");
        assert_eq!(sets.place(9, 0, IDR), (9, None), "a keyframe of long ago");
    }

    #[test]
    fn a_stream_that_has_its_own_sets_is_left_alone() {
        let mut sets = ParameterSets::new(vec![0x78]);
        assert_eq!(sets.place(1, 1, &[0x67, 1]), (1, None));
        assert_eq!(sets.place(2, 1, IDR), (2, None));
        assert_eq!(sets.place(3, 2, IDR), (3, None));
    }

    #[test]
    fn only_rtp_has_a_source() {
        let rtp = [0x80, 0xe0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert_eq!(rtp_source(&rtp), Some((96, 3)));
        assert_eq!(rtp_source(&[0x80, 200, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]), None, "RTCP");
        assert_eq!(rtp_source(&[22; 40]), None, "DTLS");
        assert_eq!(rtp_source(&rtp[..11]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_more_than_sets(text in "[A-Za-z0-9+/=, ]{0,400}") {
            if let Some(packet) = aggregated(&text) {
                proptest::prop_assert!(h264::inspect(&packet).sps && packet.len() <= MAX_SETS);
            }
        }
    }
}
