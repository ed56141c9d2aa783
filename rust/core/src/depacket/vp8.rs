//! VP8 payload descriptor (RFC 7741 §4.2) and the start of a keyframe (§4.3).

/// The fields a line rewrites, and where they lie in the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Picture id, 7 or 15 bits.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX and its offset.
    pub tl0: Option<(u8, u8)>,
    /// Temporal layer; 0 where the stream has none.
    pub tid: u8,
    /// First packet of a frame: S = 1 and partition 0.
    pub frame_start: bool,
    /// `frame_start`, and the frame header says keyframe.
    pub keyframe: bool,
}

/// A picture id in a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId {
    pub value: u16,
    /// Two bytes (15 bits) rather than one (7 bits).
    pub wide: bool,
    pub offset: u8,
}

/// Reads the descriptor; none if the payload is too short to hold what it announces.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Vp8Descriptor> {
    let first = *payload.first()?;
    let mut at = 1;
    let mut picture_id = None;
    let mut tl0 = None;
    let mut tid = 0;
    if first & 0x80 != 0 {
        let extension = *payload.get(at)?;
        at += 1;
        if extension & 0x80 != 0 {
            let high = *payload.get(at)?;
            let wide = high & 0x80 != 0;
            let value = if wide {
                u16::from(high & 0x7f) << 8 | u16::from(*payload.get(at + 1)?)
            } else {
                u16::from(high)
            };
            picture_id = Some(PictureId { value, wide, offset: at as u8 });
            at += if wide { 2 } else { 1 };
        }
        if extension & 0x40 != 0 {
            tl0 = Some((*payload.get(at)?, at as u8));
            at += 1;
        }
        // T or K: one byte holds both (§4.2).
        if extension & 0x30 != 0 {
            let byte = *payload.get(at)?;
            if extension & 0x20 != 0 {
                tid = byte >> 6;
            }
            at += 1;
        }
    }
    let frame_start = first & 0x10 != 0 && first & 0x07 == 0;
    // P bit of the first byte of the frame: 0 is a keyframe (RFC 6386 §9.1).
    let header = *payload.get(at)?;
    Some(Vp8Descriptor { picture_id, tl0, tid, frame_start, keyframe: frame_start && header & 0x01 == 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_descriptor_is_read() {
        // X S | I L T K | M + 0x1234 | tl0 | tid 1, Y | keyframe header
        let got = parse(&[0x90, 0xf0, 0x92, 0x34, 0x07, 0x60, 0x10, 0, 0]).unwrap();
        assert_eq!(got.picture_id, Some(PictureId { value: 0x1234, wide: true, offset: 2 }));
        assert_eq!((got.tl0, got.tid), (Some((7, 4)), 1));
        assert!(got.frame_start && got.keyframe);
    }

    #[test]
    fn a_short_picture_id_and_a_bare_descriptor_are_read() {
        let got = parse(&[0x90, 0x80, 0x55, 0x01]).unwrap();
        assert_eq!(got.picture_id, Some(PictureId { value: 0x55, wide: false, offset: 2 }));
        assert!(got.frame_start && !got.keyframe);
        let bare = parse(&[0x10, 0x00]).unwrap();
        assert!(bare.keyframe && bare.picture_id.is_none());
        assert!(!parse(&[0x00, 0x00]).unwrap().frame_start, "continuation");
        assert!(!parse(&[0x11, 0x00]).unwrap().frame_start, "start of a later partition");
    }

    #[test]
    fn every_truncation_is_refused() {
        let whole = [0x90, 0xf0, 0x92, 0x34, 0x07, 0x60, 0x10];
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), None);
        }
    }
}
