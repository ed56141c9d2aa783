//! Pictures that are nothing but recorded packet sizes: for benches, which must send what browsers send.

use std::path::Path;
use std::sync::Arc;

use crate::clips::ClipError;
use crate::packetize::MAX_PAYLOAD;

/// Sizes of the RTP payloads of consecutive frames, bytes.
#[derive(Debug, Clone)]
pub struct Sizes {
    frames: Arc<Vec<Vec<usize>>>,
    /// The largest frame, which stands for keyframes.
    keyframe: usize,
}

impl Sizes {
    /// Reads a JSON array of frames, each an array of payload sizes (8 to 1,200 bytes).
    ///
    /// # Errors
    /// When it is not one.
    pub fn load(path: &Path) -> Result<Self, ClipError> {
        let text =
            std::fs::read(path).map_err(|error| ClipError::Io { path: path.display().to_string(), error })?;
        Self::new(serde_json::from_slice(&text)?)
    }

    /// # Errors
    /// When there is no frame, or a size is out of range.
    pub fn new(frames: Vec<Vec<usize>>) -> Result<Self, ClipError> {
        let sane = |frame: &Vec<usize>| {
            !frame.is_empty() && frame.iter().all(|s| (8..=MAX_PAYLOAD + 50).contains(s))
        };
        if frames.is_empty() || frames.len() > 100_000 || !frames.iter().all(sane) {
            return Err(ClipError::Content("sizes are frames of payloads of 8 to 1,200 bytes".into()));
        }
        let total = |frame: &[usize]| frame.iter().sum::<usize>();
        let keyframe = (0..frames.len()).max_by_key(|i| total(&frames[*i])).unwrap_or(0);
        Ok(Self { frames: Arc::new(frames), keyframe })
    }

    /// Payloads of frame `number`. The low layer has the first half of a frame's packets.
    pub fn payloads(&self, picture: &SizedPicture, number: u64, mut out: impl FnMut(Vec<u8>)) {
        let index = if picture.keyframe { self.keyframe } else { number as usize % self.frames.len() };
        let all = &self.frames[index];
        let count = if picture.low { all.len().div_ceil(2) } else { all.len() };
        for (i, size) in all[..count].iter().enumerate() {
            let mut payload = vec![0xa5; *size];
            // The frame's number makes frames differ.
            payload[7..(7 + 8).min(*size)].copy_from_slice(&number.to_be_bytes()[..(*size - 7).min(8)]);
            if picture.h264 {
                h264_header(&mut payload, picture.keyframe, (i == 0, i + 1 == count));
            } else {
                let [high, low] = (picture.picture_id & 0x7fff | 0x8000).to_be_bytes();
                payload[..6].copy_from_slice(&[
                    0x80 | u8::from(i == 0) << 4,
                    0xe0,
                    high,
                    low,
                    picture.tl0,
                    0,
                ]);
                // The P bit of the frame's first byte (RFC 6386 §9.1).
                payload[6] = u8::from(!picture.keyframe);
            }
            out(payload);
        }
    }
}

/// What a frame is to look like.
#[derive(Debug, Clone, Copy)]
pub struct SizedPicture {
    pub h264: bool,
    pub keyframe: bool,
    pub low: bool,
    pub picture_id: u16,
    pub tl0: u8,
}

/// One slice in FU-A over all packets. A keyframe's first packet is a STAP-A instead: parameter sets and an IDR slice of
/// the size asked for, so that it begins as real ones do.
fn h264_header(payload: &mut [u8], keyframe: bool, (first, last): (bool, bool)) {
    let kind = if keyframe { 5 } else { 1 };
    if first && last {
        payload[0] = 0x60 | kind;
        return;
    }
    if keyframe && first && payload.len() >= 16 {
        let rest = payload.len() as u16 - 1 - 3 - 3 - 2;
        payload[..7].copy_from_slice(&[0x78, 0, 1, 0x67, 0, 1, 0x68]);
        payload[7..9].copy_from_slice(&rest.to_be_bytes());
        payload[9] = 0x65;
        return;
    }
    // Behind a STAP-A the next packet starts the unit.
    payload[0] = 0x7c;
    payload[1] = u8::from(first) << 7 | u8::from(last) << 6 | kind;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{Assembler, Built};

    #[test]
    fn frames_have_the_recorded_sizes_and_come_whole() {
        let sizes = Sizes::new(vec![vec![900, 901], vec![1_100, 1_101, 1_099, 1_100], vec![300]]).unwrap();
        for h264 in [true, false] {
            for (number, keyframe, expected) in [
                (0, false, vec![900, 901]),
                (0, true, vec![1_100, 1_101, 1_099, 1_100]),
                (2, false, vec![300]),
            ] {
                let picture = SizedPicture { h264, keyframe, low: false, picture_id: 7, tl0: 1 };
                let mut payloads = Vec::new();
                sizes.payloads(&picture, number, |payload| payloads.push(payload));
                assert_eq!(payloads.iter().map(Vec::len).collect::<Vec<_>>(), expected);
                let mut assembler = Assembler::new(false);
                let last = payloads.len() - 1;
                for (i, payload) in payloads.iter().enumerate() {
                    match assembler.push(h264, 1, i == last, payload, true) {
                        Built::Whole(whole) => assert_eq!((i, whole.keyframe), (last, keyframe)),
                        Built::Nothing => assert!(i < last),
                        Built::Broken => panic!("broken"),
                    }
                }
            }
        }
        assert!(Sizes::new(vec![]).is_err() && Sizes::new(vec![vec![5_000]]).is_err());
    }
}
