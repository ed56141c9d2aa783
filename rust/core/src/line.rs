//! One outgoing line of one viewer: one SSRC whose numbers go on without a break, whatever it shows.
//!
//! A line shows one source at a time. When another is wanted it keeps showing the old one until a keyframe of the new
//! one comes, and changes over exactly there: a **cut** (a change of layer is the same). Between two cuts the numbers
//! of the source are moved by constants, a segment; the last few segments are remembered, so that a NACK for a
//! number given out before a cut still leads to the packet that had it. A cut may begin with what the source sent
//! before, its **opening** ([`crate::opening`]): a segment whose frames follow each other within moments.

mod times;

use std::sync::Arc;

use crate::packet::{Codec, Kind, Layer, OutHeader, Patches, Source, TrackId, TrackPacket};
use crate::time::Time;
use times::{VIDEO_STEP, VIDEO_STEP_TIME, squeeze};

/// What the answer gave a line. Random values are the shell's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineConfig {
    pub ssrc: u32,
    /// None where the viewer did not offer RTX: its NACKs are not answered.
    pub rtx_ssrc: Option<u32>,
    /// First sequence numbers; the top bit is ignored, so that a receiver cannot miss the first roll-over
    /// (RFC 3711 §3.3.1).
    pub first_sequence: u16,
    pub first_rtx_sequence: u16,
    /// Random offset of the line's timestamps.
    pub first_timestamp: u32,
}

/// For a sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineReport {
    pub ssrc: u32,
    /// 32.32 fixed point.
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// Segments a line remembers: cuts within the age of a history.
pub const SEGMENTS: usize = 8;
/// A step forward of the source beyond this is not a loss but another stream.
pub const MAX_GAP: u64 = 1_000;
/// Packets later than this many others are not forwarded; a NACK still gets them.
pub const REORDER: u64 = 128;

/// How the numbers of a source are moved from `start` on.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    source_start: u64,
    track: TrackId,
    layer: Layer,
    /// Added to TL0PICIDX and to the picture id (mod 2^15).
    tl0: u8,
    picture: u16,
    /// Timestamps at the start: the source's, and the line's.
    origin: u32,
    timestamp: u32,
}

impl Segment {
    fn source(&self) -> Source {
        Source { track: self.track, layer: self.layer }
    }
}

const NO_SEGMENT: Segment = Segment {
    start: u64::MAX,
    source_start: 0,
    track: TrackId(0),
    layer: Layer::LOW,
    tl0: 0,
    picture: 0,
    origin: 0,
    timestamp: 0,
};

/// Which packet once had a sequence number of this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    pub source: Source,
    /// Extended sequence number in the source.
    pub seq: u64,
    index: u64,
    segment: u8,
}

/// One outgoing line. Copies of it are never made: an index given out twice would break the cipher.
#[derive(Debug)]
pub struct Line {
    current: Option<Source>,
    wanted: Option<Source>,
    /// Next index to give out; 48 bits.
    next: u64,
    /// Bit k: index `next - 1 - k` was given out.
    given: u128,
    segments: [Segment; SEGMENTS],
    /// Place of the newest segment.
    newest: u8,
    /// Bit k: segment k is an opening's.
    openings: u8,
    started: bool,
    /// Shows a keyframe from a moment ago, and nothing more of the source before its next one.
    halted: bool,
    kind: Kind,
    epoch: u16,
    /// Of the packet with the highest index; timestamps are the line's and the source's.
    last_timestamp: u32,
    last_source: u32,
    last_capture: Time,
    last_duration: u16,
    last_picture: u16,
    last_tl0: u8,
    ssrc: u32,
    rtx_ssrc: Option<u32>,
    rtx_next: u64,
    timestamp_base: u32,
    packets: u32,
    octets: u32,
}

impl Line {
    #[must_use]
    pub fn new(kind: Kind, config: &LineConfig) -> Self {
        Self {
            current: None,
            wanted: None,
            next: u64::from(config.first_sequence & 0x7fff),
            given: 0,
            segments: [NO_SEGMENT; SEGMENTS],
            newest: 0,
            openings: 0,
            started: false,
            halted: false,
            kind,
            epoch: 0,
            last_timestamp: 0,
            last_source: 0,
            last_capture: Time::ZERO,
            last_duration: 0,
            last_picture: config.first_timestamp as u16 & 0x7fff,
            last_tl0: (config.first_timestamp >> 16) as u8,
            ssrc: config.ssrc,
            rtx_ssrc: config.rtx_ssrc,
            rtx_next: u64::from(config.first_rtx_sequence & 0x7fff),
            timestamp_base: config.first_timestamp,
            packets: 0,
            octets: 0,
        }
    }

    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is being shown.
    #[must_use]
    pub fn current(&self) -> Option<Source> {
        self.current
    }

    /// What should be shown.
    #[must_use]
    pub fn wanted(&self) -> Option<Source> {
        self.wanted
    }

    /// Waits for a keyframe of the wanted source.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.wanted.is_some() && (self.halted || self.wanted != self.current)
    }

    /// Whether packets of the source are of use to this line.
    #[must_use]
    pub fn listens_to(&self, source: Source) -> bool {
        self.current == Some(source) || self.wanted == Some(source) || self.takes(source)
    }

    /// A line that shows nothing takes the first keyframe of the wanted track: a small picture beats none while the
    /// layer it wants begins.
    fn takes(&self, source: Source) -> bool {
        self.current.is_none()
            && self.wanted.is_some_and(|wanted| wanted.track == source.track && wanted.layer > source.layer)
    }

    /// What the line should show from now on. Video keeps what it shows until the new source's keyframe; audio, and a
    /// line that should show nothing, stops at once: a muted microphone is not heard for one packet more.
    pub fn want(&mut self, source: Option<Source>) {
        self.wanted = source;
        let same_track = matches!((source, self.current), (Some(new), Some(old)) if new.track == old.track);
        if source.is_none() || (self.kind == Kind::Audio && !same_track) {
            self.current = None;
        }
    }

    /// A track ended: nothing more will come of it.
    pub fn drop_track(&mut self, track: TrackId) {
        if self.current.is_some_and(|source| source.track == track) {
            self.current = None;
        }
        if self.wanted.is_some_and(|source| source.track == track) {
            self.wanted = None;
        }
    }

    /// The numbers this packet goes out under, or none if it does not.
    #[inline]
    pub fn forward(&mut self, packet: &TrackPacket) -> Option<OutHeader> {
        if self.current == Some(packet.source) {
            if self.halted && (packet.timestamp != self.last_source || packet.epoch != self.epoch) {
                let wanted = self.wanted.is_some_and(|wanted| wanted.track == packet.source.track);
                return if wanted && packet.keyframe { self.cut(packet) } else { None };
            }
            if packet.epoch != self.epoch {
                return self.begin_anew(packet);
            }
            return self.go_on(packet);
        }
        let of_use = self.wanted == Some(packet.source) || self.takes(packet.source);
        if of_use && packet.keyframe { self.cut(packet) } else { None }
    }

    fn go_on(&mut self, packet: &TrackPacket) -> Option<OutHeader> {
        let segment = self.segments[usize::from(self.newest)];
        // From before the cut: its place was never given out, and the frame it belongs to is not shown here.
        let offset = packet.seq.checked_sub(segment.source_start)?;
        let index = segment.start + offset;
        let moved = index >= self.next
            && self.is_squeezed(self.newest)
            && packet.timestamp != self.last_source
            && self.goes_elsewhere(packet, index == self.next);
        if index >= self.next {
            let step = index - self.next;
            if step > MAX_GAP {
                return self.begin_anew(packet);
            }
            self.given =
                u32::try_from(step + 1).ok().and_then(|by| self.given.checked_shl(by)).unwrap_or(0) | 1;
            self.next = index + 1;
            self.last_timestamp = self.timestamp(self.newest, packet);
            self.last_source = packet.timestamp;
            if !self.halted {
                self.last_capture = packet.capture;
            }
            self.last_duration = packet.duration;
        } else {
            let behind = self.next - 1 - index;
            if behind >= REORDER || self.given & (1 << behind) != 0 {
                return None;
            }
            self.given |= 1 << behind;
        }
        self.count(packet);
        let mut header = self.header(self.newest, index, packet);
        header.moved = moved;
        if index + 1 == self.next
            && let Some(vp8) = &packet.vp8
        {
            self.remember_picture(&segment, vp8);
        }
        Some(header)
    }

    /// A frame of an opening's segment begins. As soon as one need not be squeezed any more, another segment begins with
    /// it, under the same numbers, at the time that is true: with the opening's last frame, or some later where what
    /// was shown before is younger than that. Not with one of which the first packet may be missing: that is of the
    /// segment before. True if the frame's timestamp lies elsewhere than those before it told.
    #[cold]
    fn goes_elsewhere(&mut self, packet: &TrackPacket, first: bool) -> bool {
        let ideal = self.ideal(packet);
        if first
            && ideal.wrapping_sub(self.last_timestamp).cast_signed() >= VIDEO_STEP.cast_signed()
            && let Some(timestamp) = self.timestamp_at_cut(ideal, packet.capture)
        {
            let opening = self.segments[usize::from(self.newest)];
            let (start, source_start, origin) = (self.next, packet.seq, packet.timestamp);
            self.push(Segment { start, source_start, origin, timestamp, ..opening }, false);
        }
        self.is_elsewhere(packet, self.timestamp(self.newest, packet))
    }

    fn push(&mut self, segment: Segment, squeezed: bool) {
        self.newest = (self.newest + 1) % SEGMENTS as u8;
        self.segments[usize::from(self.newest)] = segment;
        let bit = 1 << self.newest;
        self.openings = if squeezed { self.openings | bit } else { self.openings & !bit };
    }

    /// The source's numbers began anew, or so much is missing that it is another stream.
    fn begin_anew(&mut self, packet: &TrackPacket) -> Option<OutHeader> {
        // A straggler of the time before.
        if packet.epoch.wrapping_sub(self.epoch).cast_signed() < 0 {
            return None;
        }
        if packet.keyframe && self.wanted == self.current {
            return self.cut(packet);
        }
        self.current = None;
        None
    }

    fn cut(&mut self, packet: &TrackPacket) -> Option<OutHeader> {
        let timestamp = self.timestamp_at_cut(self.ideal(packet), packet.capture)?;
        Some(self.begin(packet, timestamp, false))
    }

    /// Cuts to an opening of the wanted source: the numbers its first packet goes out under; the others are to be
    /// forwarded after it. The last frame has the timestamp of its capture, those before lie shortly before it.
    /// None: the line does not wait for this, or shows another layer of it.
    pub fn open(&mut self, opening: &[Arc<TrackPacket>]) -> Option<OutHeader> {
        let (first, last) = (opening.first()?, opening.last()?);
        if !self.may_open(first) {
            return None;
        }
        let span = squeeze(last.timestamp.wrapping_sub(first.timestamp));
        let timestamp = self.timestamp_at_cut(self.ideal(last).wrapping_sub(span), last.capture)?;
        Some(self.begin(first, timestamp, true))
    }

    /// Cuts to a keyframe of the wanted source that others have followed, and stays with it until the next one; its
    /// further packets are to be forwarded. Where what was shown before is younger, it is stamped as if captured right
    /// after that: so the line's last report goes on being true, and ten thousand viewers need none of a still.
    pub fn glimpse(&mut self, keyframe: &TrackPacket) -> Option<OutHeader> {
        if !self.may_open(keyframe) {
            return None;
        }
        let before = self.last_timestamp.wrapping_add(VIDEO_STEP);
        let after = self.last_capture + VIDEO_STEP_TIME;
        let timestamp = self.timestamp_at_cut(self.ideal(keyframe), keyframe.capture)?;
        let behind = self.started && timestamp == before;
        let mut header = self.begin(keyframe, timestamp, false);
        if behind {
            self.last_capture = after;
            header.moved = false;
        }
        self.halted = true;
        Some(header)
    }

    fn may_open(&self, first: &TrackPacket) -> bool {
        let other = self.current.is_none_or(|current| current.track != first.source.track);
        let of_use = self.wanted == Some(first.source) || self.takes(first.source);
        self.kind == Kind::Video && other && of_use && first.keyframe
    }

    fn begin(&mut self, packet: &TrackPacket, timestamp: u32, squeezed: bool) -> OutHeader {
        // An exact cut goes on where the line's last report says: ten thousand viewers need no report of it.
        let moved = !self.started || self.is_elsewhere(packet, timestamp);
        let start = self.next;
        let segment = Segment {
            start,
            source_start: packet.seq,
            track: packet.source.track,
            layer: packet.source.layer,
            origin: packet.timestamp,
            timestamp,
            picture: packet
                .vp8
                .and_then(|vp8| vp8.picture_id)
                .map_or(0, |id| self.last_picture.wrapping_add(1).wrapping_sub(id.value)),
            tl0: packet
                .vp8
                .and_then(|vp8| vp8.tl0)
                .map_or(0, |(value, _)| self.last_tl0.wrapping_add(1).wrapping_sub(value)),
        };
        self.push(segment, squeezed);
        self.current = Some(packet.source);
        self.epoch = packet.epoch;
        self.started = true;
        self.halted = false;
        self.next = start + 1;
        self.given = self.given << 1 | 1;
        self.last_timestamp = timestamp;
        self.last_source = packet.timestamp;
        self.last_capture = packet.capture;
        self.last_duration = packet.duration;
        if let Some(vp8) = &packet.vp8 {
            self.remember_picture(&segment, vp8);
        }
        self.count(packet);
        let mut header = self.header(self.newest, start, packet);
        header.cut = true;
        header.moved = moved;
        header
    }

    fn header(&self, place: u8, index: u64, packet: &TrackPacket) -> OutHeader {
        let segment = &self.segments[usize::from(place) % SEGMENTS];
        let mut patches = Patches::NONE;
        if let Some(vp8) = &packet.vp8 {
            if let Some(id) = vp8.picture_id {
                let value = id.value.wrapping_add(segment.picture) & 0x7fff;
                if id.wide {
                    patches.set_picture_id(id.offset, 2, [(value >> 8) as u8 | 0x80, value as u8]);
                } else {
                    patches.set_picture_id(id.offset, 1, [value as u8 & 0x7f, 0]);
                }
            }
            if let Some((value, offset)) = vp8.tl0 {
                patches.set_tl0(offset, value.wrapping_add(segment.tl0));
            }
        }
        OutHeader {
            codec: packet.codec,
            ssrc: self.ssrc,
            index,
            timestamp: self.timestamp(place, packet),
            // A talkspurt begins (RFC 3551 §4.1): the receiver may adapt its delay here.
            marker: packet.marker || (packet.codec == Codec::Opus && index == segment.start),
            patches,
            cut: false,
            moved: false,
        }
    }

    fn remember_picture(&mut self, segment: &Segment, vp8: &crate::depacket::vp8::Vp8Descriptor) {
        if let Some(id) = vp8.picture_id {
            let mask = if id.wide { 0x7fff } else { 0x7f };
            self.last_picture = id.value.wrapping_add(segment.picture) & mask;
        }
        if let Some((value, _)) = vp8.tl0 {
            self.last_tl0 = value.wrapping_add(segment.tl0);
        }
    }

    fn count(&mut self, packet: &TrackPacket) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
    }

    /// Which packet has, or had, this sequence number; none if it was never given out or is forgotten. The index is
    /// the one nearest below what was given out last.
    #[must_use]
    pub fn resolve(&self, sequence: u16) -> Option<Resolved> {
        let last = self.next.checked_sub(1)?;
        let behind = (last as u16).wrapping_sub(sequence);
        let index = last.checked_sub(u64::from(behind))?;
        for back in 0..SEGMENTS as u8 {
            let at = (self.newest + SEGMENTS as u8 - back) % SEGMENTS as u8;
            let segment = &self.segments[usize::from(at)];
            if segment.start == u64::MAX {
                return None;
            }
            if segment.start <= index {
                let seq = segment.source_start + (index - segment.start);
                return Some(Resolved { source: segment.source(), seq, index, segment: at });
            }
        }
        None
    }

    /// The header this line gave (or would have given) the packet that [`Self::resolve`] found; `cut` is not set.
    #[must_use]
    pub fn header_again(&self, resolved: &Resolved, packet: &TrackPacket) -> OutHeader {
        self.header(resolved.segment, resolved.index, packet)
    }

    /// SSRC and next index of the line's RTX stream (its own numbers: RFC 4588 §4); none if it has no such stream.
    pub fn next_rtx(&mut self) -> Option<(u32, u64)> {
        let ssrc = self.rtx_ssrc?;
        let index = self.rtx_next;
        self.rtx_next += 1;
        Some((ssrc, index))
    }
}
