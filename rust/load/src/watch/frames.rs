//! Frames from payloads in order (RFC 6184 for H.264, RFC 7741 for VP8).

use diemcau_core::depacket::{h264, vp8};

use crate::clips::Fingerprint;

/// Larger than any frame here, bytes; what grows beyond is dropped.
const MAX_FRAME: usize = 4 << 20;

/// A frame of which every packet came.
#[derive(Debug)]
pub struct Whole {
    pub timestamp: u32,
    pub h264: bool,
    pub keyframe: bool,
    pub fingerprint: u64,
    pub length: usize,
    /// VP8 only.
    pub picture_id: Option<u16>,
    /// False for what may have been sent before the line showed its source: its age says nothing.
    pub live: bool,
    /// The frame itself (H.264 as Annex B), when the assembler keeps bytes.
    pub bytes: Option<Vec<u8>>,
}

/// Builds one line's frames.
#[derive(Debug, Default)]
pub struct Assembler {
    keep: bool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    timestamp: u32,
    h264: bool,
    /// Began at the frame's first packet and has no gap.
    good: bool,
    keyframe: bool,
    picture_id: Option<u16>,
    print: Fingerprint,
    bytes: Vec<u8>,
}

/// What one payload did.
#[derive(Debug)]
pub enum Built {
    Nothing,
    Whole(Box<Whole>),
    /// A frame ended of which something is missing or malformed.
    Broken,
}

impl Assembler {
    /// With `keep` frames carry their bytes (for a decoder).
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self { keep, open: None }
    }

    /// Packets were lost: the frame under way is broken, and says so at its end.
    pub fn gap(&mut self) {
        if let Some(open) = &mut self.open {
            open.good = false;
        }
    }

    /// The next payload of the line. `fresh`: the packet right before it is known, so that a frame that begins here
    /// began with this packet. Otherwise only what cannot but begin a frame does: a parameter set of H.264; a VP8
    /// descriptor says it of itself.
    pub fn push(&mut self, h264: bool, timestamp: u32, marker: bool, payload: &[u8], fresh: bool) -> Built {
        let mut broken = false;
        if self.open.as_ref().is_some_and(|open| open.timestamp != timestamp || open.h264 != h264) {
            // A frame without a marker: its end was lost, or its sender forgot it.
            self.open = None;
            broken = true;
        }
        let keep = self.keep;
        let open = self.open.get_or_insert_with(|| Open {
            timestamp,
            h264,
            good: fresh || !h264 || h264::inspect(payload).sps,
            keyframe: false,
            picture_id: None,
            print: Fingerprint::default(),
            bytes: Vec::new(),
        });
        open.good &= open.print.len() + payload.len() <= MAX_FRAME;
        let fits = open.good && if h264 { open.add_h264(payload, keep) } else { open.add_vp8(payload, keep) };
        open.good = fits;
        if !marker {
            return if broken { Built::Broken } else { Built::Nothing };
        }
        match self.open.take() {
            Some(open) if open.good => Built::Whole(Box::new(Whole {
                timestamp: open.timestamp,
                h264: open.h264,
                keyframe: open.keyframe,
                length: open.print.len(),
                fingerprint: open.print.finish(),
                picture_id: open.picture_id,
                live: true,
                bytes: keep.then_some(open.bytes),
            })),
            _ => Built::Broken,
        }
    }
}

impl Open {
    fn add_vp8(&mut self, payload: &[u8], keep: bool) -> bool {
        let Some(descriptor) = vp8::parse(payload) else { return false };
        // A frame begins with its first partition, and nothing else of it does.
        if descriptor.frame_start != self.print.is_empty() {
            return false;
        }
        if descriptor.frame_start {
            self.keyframe = descriptor.keyframe;
            self.picture_id = descriptor.picture_id.map(|id| id.value);
        }
        let Some(body) = payload.get(vp8_descriptor_len(payload)..) else { return false };
        self.print.add(body);
        if keep {
            self.bytes.extend(body);
        }
        true
    }

    fn add_h264(&mut self, payload: &[u8], keep: bool) -> bool {
        let info = h264::inspect(payload);
        self.keyframe |= info.idr;
        let Some((&first, rest)) = payload.split_first() else { return false };
        match first & 0x1f {
            1..=23 => self.add_unit(&[], payload, keep),
            24 => {
                let mut rest = rest;
                while !rest.is_empty() {
                    let Some((size, tail)) = rest.split_first_chunk::<2>() else { return false };
                    let size = usize::from(u16::from_be_bytes(*size));
                    if size == 0 || size > tail.len() {
                        return false;
                    }
                    self.add_unit(&[], &tail[..size], keep);
                    rest = &tail[size..];
                }
                true
            }
            28 => {
                let Some((&fu, body)) = rest.split_first() else { return false };
                if fu & 0x80 != 0 {
                    return self.add_unit(&[first & 0xe0 | fu & 0x1f], body, keep);
                }
                self.print.add(body);
                if keep {
                    self.bytes.extend(body);
                }
                true
            }
            _ => false,
        }
    }

    fn add_unit(&mut self, header: &[u8], body: &[u8], keep: bool) -> bool {
        self.print.add(header);
        self.print.add(body);
        if keep {
            self.bytes.extend([0, 0, 0, 1]);
            self.bytes.extend(header);
            self.bytes.extend(body);
        }
        true
    }
}

/// Length of a descriptor that [`vp8::parse`] has accepted.
fn vp8_descriptor_len(payload: &[u8]) -> usize {
    let Some((&first, rest)) = payload.split_first() else { return 0 };
    let Some(&extension) = rest.first().filter(|_| first & 0x80 != 0) else { return 1 };
    let wide = rest.get(1).is_some_and(|byte| byte & 0x80 != 0);
    let picture_id = if extension & 0x80 == 0 { 0 } else { 1 + usize::from(wide) };
    2 + picture_id + usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clips::{Fingerprint, nal_units};
    use crate::packetize;
    use proptest::prelude::*;

    fn payloads(frame: &[u8], h264: bool) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        if h264 {
            packetize::h264(frame, |payload| out.push(payload.to_vec()));
        } else {
            packetize::vp8(frame, 0x1234, 7, |payload| out.push(payload.to_vec()));
        }
        out
    }

    fn assemble(payloads: &[Vec<u8>], h264: bool, skip: Option<usize>) -> Built {
        let mut assembler = Assembler::new(true);
        let mut fresh = true;
        for (i, payload) in payloads.iter().enumerate() {
            assert!(payload.len() <= packetize::MAX_PAYLOAD);
            if skip == Some(i) {
                assembler.gap();
                fresh = false;
                continue;
            }
            match assembler.push(h264, 90, i + 1 == payloads.len(), payload, fresh) {
                Built::Nothing => {}
                done => return done,
            }
        }
        Built::Nothing
    }

    fn access_unit(sizes: &[usize]) -> Vec<u8> {
        let mut out = Vec::new();
        for (i, size) in sizes.iter().enumerate() {
            out.extend([0, 0, 0, 1, [0x67, 0x68, 0x65][i % 3]]);
            out.extend((0..*size).map(|at| (at % 250 + 1) as u8));
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_cut_into_packets_comes_back(sizes in proptest::collection::vec(1..5_000_usize, 1..6), vp8_size in 1..20_000_usize) {
            let frame = access_unit(&sizes);
            let Built::Whole(whole) = assemble(&payloads(&frame, true), true, None) else { panic!("not whole") };
            prop_assert_eq!(whole.fingerprint, Fingerprint::of(&frame, true));
            let bytes = whole.bytes.unwrap();
            prop_assert!(nal_units(&bytes).eq(nal_units(&frame)));
            let frame: Vec<u8> = (0..vp8_size).map(|at| (at % 251) as u8).collect();
            let Built::Whole(whole) = assemble(&payloads(&frame, false), false, None) else { panic!("not whole") };
            prop_assert_eq!(whole.fingerprint, Fingerprint::of(&frame, false));
            prop_assert_eq!(whole.bytes.unwrap(), frame);
            prop_assert!(whole.keyframe && whole.picture_id == Some(0x1234));
        }

        #[test]
        fn hostile_payloads_are_broken_frames_at_worst(payloads in proptest::collection::vec(any::<Vec<u8>>(), 1..20), h264: bool) {
            let mut assembler = Assembler::new(true);
            for (i, payload) in payloads.iter().enumerate() {
                assembler.push(h264, (i / 3) as u32, i % 3 == 2, payload, true);
            }
        }
    }

    #[test]
    fn a_frame_without_one_of_its_packets_is_broken() {
        for h264 in [true, false] {
            let all = payloads(&access_unit(&[10, 10, 9_000]), h264);
            assert!(all.len() > 4);
            for missing in 0..all.len() - 1 {
                assert!(matches!(assemble(&all, h264, Some(missing)), Built::Broken), "{h264} {missing}");
            }
            assert!(matches!(assemble(&all, h264, Some(all.len() - 1)), Built::Nothing), "not ended");
        }
    }
}
