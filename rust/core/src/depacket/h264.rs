//! What an H.264 payload carries (RFC 6184 §5): single NAL unit, STAP-A, FU-A.

/// NAL units that matter to a cut, as found in one payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct H264Info {
    /// A sequence parameter set (type 7).
    pub sps: bool,
    /// An IDR slice (type 5) begins here.
    pub idr: bool,
}

/// Looks into the payload. Malformed ones carry nothing.
#[must_use]
pub fn inspect(payload: &[u8]) -> H264Info {
    let mut info = H264Info::default();
    let Some((&first, rest)) = payload.split_first() else { return info };
    match first & 0x1f {
        kind @ 1..=23 => info.note(kind),
        // STAP-A (§5.7.1): 16-bit size, unit, repeated.
        24 => {
            let mut rest = rest;
            while let Some((size, tail)) = rest.split_first_chunk::<2>() {
                let size = usize::from(u16::from_be_bytes(*size));
                if size == 0 || size > tail.len() {
                    break;
                }
                info.note(tail[0] & 0x1f);
                rest = &tail[size..];
            }
        }
        // FU-A (§5.8): only the packet with the start bit begins a unit.
        28 => {
            if let Some(header) = rest.first()
                && header & 0x80 != 0
            {
                info.note(header & 0x1f);
            }
        }
        _ => {}
    }
    info
}

impl H264Info {
    fn note(&mut self, kind: u8) {
        self.sps |= kind == 7;
        self.idr |= kind == 5;
    }
}

/// Finds where keyframes begin in one stream: at the parameter set that precedes the IDR slices, so that a decoder
/// that starts there has all it needs. A stream that never carries parameter sets may start at its IDR slices, from
/// the second keyframe on (at the first a reordered parameter set could still be on its way).
#[derive(Debug, Clone, Default)]
pub struct KeyframeFinder {
    /// Timestamp of the last frame in which a parameter set was seen, and of the last with an IDR slice.
    sps_at: Option<u32>,
    idr_at: Option<u32>,
}

impl KeyframeFinder {
    /// Whether this payload, of the frame at `timestamp`, begins a keyframe. Says so once a frame.
    pub fn starts_keyframe(&mut self, timestamp: u32, payload: &[u8]) -> bool {
        let info = inspect(payload);
        let first_sps = info.sps && self.sps_at != Some(timestamp);
        let bare =
            info.idr && self.sps_at.is_none() && !info.sps && self.idr_at.is_some_and(|at| at != timestamp);
        if info.sps {
            self.sps_at = Some(timestamp);
        }
        if info.idr {
            self.idr_at = Some(timestamp);
        }
        first_sps || bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_and_idr_are_found_in_every_packing() {
        assert!(inspect(&[0x67, 1, 2]).sps);
        assert!(inspect(&[0x65, 1, 2]).idr);
        let both = inspect(&[0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 9]);
        assert!(both.sps && both.idr);
        assert!(inspect(&[0x7c, 0x85, 0]).idr, "FU-A start");
        assert!(!inspect(&[0x7c, 0x05, 0]).idr, "FU-A middle");
        assert_eq!(inspect(&[0x61, 1]), H264Info::default());
    }

    #[test]
    fn a_lying_aggregate_ends_the_search() {
        assert_eq!(inspect(&[0x78, 0, 9, 0x67]), H264Info::default());
        assert_eq!(inspect(&[0x78, 0, 0, 0, 1, 0x67]), H264Info::default());
        assert_eq!(inspect(&[0x78, 0]), H264Info::default());
        assert_eq!(inspect(&[]), H264Info::default());
    }

    #[test]
    fn a_keyframe_begins_at_its_parameter_set_and_only_there() {
        let mut finder = KeyframeFinder::default();
        assert!(finder.starts_keyframe(10, &[0x78, 0, 2, 0x67, 1, 0, 1, 0x68]));
        assert!(!finder.starts_keyframe(10, &[0x7c, 0x85, 0]), "its slices follow");
        assert!(!finder.starts_keyframe(20, &[0x61, 0]));
        assert!(!finder.starts_keyframe(30, &[0x65, 0]), "an IDR without its parameter set");
        assert!(finder.starts_keyframe(40, &[0x67, 0]));
        assert!(!finder.starts_keyframe(40, &[0x67, 0]));
    }

    #[test]
    fn a_stream_without_parameter_sets_may_start_at_its_second_idr() {
        let mut finder = KeyframeFinder::default();
        assert!(!finder.starts_keyframe(10, &[0x65, 0]));
        assert!(!finder.starts_keyframe(10, &[0x65, 0]));
        assert!(finder.starts_keyframe(20, &[0x65, 0]));
        assert!(!finder.starts_keyframe(20, &[0x65, 0]), "second slice of the same frame");
    }
}
