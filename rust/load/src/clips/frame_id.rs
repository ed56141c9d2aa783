//! Which frame of which clip a received frame is, told by its bytes.
//!
//! Every viewer of this process knows all clips of this process. So it can tell, without decoding, whether the frame
//! it received decodes: it is a keyframe, or the frame that follows the last one in the same encoding.

use std::hash::Hasher;

/// Which frame it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameId {
    /// Of the clip.
    pub number: u16,
    pub h264: bool,
    /// 0 low, 1 high.
    pub layer: u8,
    /// Index of the encoding in its layer.
    pub encoding: u16,
    pub position: u16,
}

const HEAD: usize = 48;
const TAIL: usize = 16;

/// Grows with a frame's bytes, however they are cut into packets: length, a sum of all bytes (CRC-32), first and last
/// bytes. The sum is what tells still pictures' keyframes apart: they begin with the same parameter sets and end with the
/// same macroblocks, and among some hundred of about one length two have the same.
#[derive(Debug, Clone)]
pub struct Fingerprint {
    sum: crc32fast::Hasher,
    head: [u8; HEAD],
    tail: [u8; TAIL],
    length: usize,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self { sum: crc32fast::Hasher::new(), head: [0; HEAD], tail: [0; TAIL], length: 0 }
    }
}

impl Fingerprint {
    /// The next bytes of the frame.
    pub fn add(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        if self.length < HEAD {
            let take = bytes.len().min(HEAD - self.length);
            self.head[self.length..self.length + take].copy_from_slice(&bytes[..take]);
        }
        self.length += bytes.len();
        if bytes.len() >= TAIL {
            self.tail.copy_from_slice(&bytes[bytes.len() - TAIL..]);
        } else {
            self.tail.copy_within(bytes.len().., 0);
            self.tail[TAIL - bytes.len()..].copy_from_slice(bytes);
        }
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// 64 bits of it.
    #[must_use]
    pub fn finish(self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(&self.head);
        hasher.write(&self.tail);
        hasher.write_usize(self.length);
        hasher.write_u32(self.sum.finalize());
        hasher.finish()
    }

    /// Of a whole VP8 frame, or of an H.264 access unit in Annex B (start codes do not count).
    #[must_use]
    pub fn of(frame: &[u8], h264: bool) -> u64 {
        let mut print = Self::default();
        if h264 {
            super::nal_units(frame).for_each(|unit| print.add(unit));
        } else {
            print.add(frame);
        }
        print.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cuts_between_packets_do_not_matter(data: Vec<u8>, cuts in proptest::collection::vec(0..200_usize, 0..6)) {
            let mut pieces = Fingerprint::default();
            let mut rest = &data[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.add(piece);
                rest = after;
            }
            pieces.add(rest);
            prop_assert_eq!(pieces.finish(), Fingerprint::of(&data, false));
        }
    }

    #[test]
    fn frames_that_differ_in_one_byte_anywhere_are_told_apart() {
        // As keyframes of two still pictures of one length may be: the same parameter sets, the same last macroblocks.
        let frame: Vec<u8> = (0..2_193).map(|at| (at % 251) as u8).collect();
        let mut prints: Vec<u64> = (0..frame.len())
            .map(|at| {
                let mut other = frame.clone();
                other[at] ^= 1;
                Fingerprint::of(&other, false)
            })
            .collect();
        prints.push(Fingerprint::of(&frame, false));
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), frame.len() + 1);
    }

    #[test]
    fn start_codes_do_not_matter() {
        let mut units = Fingerprint::default();
        units.add(&[0x67, 1]);
        units.add(&[0x65, 2, 3]);
        let print = units.finish();
        assert_eq!(print, Fingerprint::of(&[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 2, 3], true));
        assert_ne!(print, Fingerprint::of(&[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 2, 4], true));
    }
}
