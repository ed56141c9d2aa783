//! A line's timestamps: on the node's time by capture, and never back.

use std::time::Duration;

use super::{Line, LineReport, SEGMENTS};
use crate::clock::WallClock;
use crate::packet::{Codec, Kind, TrackPacket};
use crate::time::Time;

/// Least step of a video timestamp at a cut: 1 ms.
pub(super) const VIDEO_STEP: u32 = 90;
pub(super) const VIDEO_STEP_TIME: Duration = Duration::from_millis(1);
/// Between frames of an opening, which are shown as fast as they decode, passes this part of their time (binary
/// logarithm). Their own timestamps would have a receiver wait as long again for each.
const SQUEEZE: u32 = 5;
/// Audio of a new source that overlaps what was sent is left out, but no more than this, 48 kHz units (200 ms).
const AUDIO_OVERLAP: i32 = 9_600;
/// A line silent for longer than this does not carry the pause into its timestamps: receivers compare them modulo
/// 2^32, 13 hours of video.
const LONG_PAUSE: Duration = Duration::from_secs(3_600);

/// A publisher's timestamp may step back a little: a step back stays a step back.
pub(super) fn squeeze(passed: u32) -> u32 {
    (passed.cast_signed() >> SQUEEZE).cast_unsigned()
}

impl Line {
    /// Timestamps lie on the node's time by capture, alike on all lines of all viewers but for a constant, so lips
    /// and voice stay together across a cut.
    pub(super) fn ideal(&self, packet: &TrackPacket) -> u32 {
        self.timestamp_base.wrapping_add(packet.capture.ticks(self.clock_rate()))
    }

    /// And they never go back. None: not yet, this audio was already spoken over.
    pub(super) fn timestamp_at_cut(&mut self, ideal: u32, capture: Time) -> Option<u32> {
        if !self.started {
            return Some(ideal);
        }
        if capture.since(self.last_capture) > LONG_PAUSE {
            let timestamp = self.last_timestamp.wrapping_add(self.clock_rate());
            self.timestamp_base = self.timestamp_base.wrapping_add(timestamp.wrapping_sub(ideal));
            return Some(timestamp);
        }
        let ahead = ideal.wrapping_sub(self.last_timestamp).cast_signed();
        let least = match self.kind {
            Kind::Audio => u32::from(self.last_duration).max(1),
            Kind::Video => VIDEO_STEP,
        };
        if i64::from(ahead) >= i64::from(least) {
            return Some(ideal);
        }
        if self.kind == Kind::Audio && ahead > -AUDIO_OVERLAP {
            return None;
        }
        Some(self.last_timestamp.wrapping_add(least))
    }

    /// The line's timestamp of a packet in the segment at this place.
    pub(super) fn timestamp(&self, place: u8, packet: &TrackPacket) -> u32 {
        let segment = &self.segments[usize::from(place) % SEGMENTS];
        let passed = packet.timestamp.wrapping_sub(segment.origin);
        segment.timestamp.wrapping_add(if self.is_squeezed(place) { squeeze(passed) } else { passed })
    }

    /// Whether the segment at this place is an opening's.
    pub(super) fn is_squeezed(&self, place: u8) -> bool {
        self.openings & (1 << place) != 0
    }

    /// Whether a packet's timestamp lies elsewhere than the last one's tells, by more than 1 ms of video.
    pub(super) fn is_elsewhere(&self, packet: &TrackPacket, timestamp: u32) -> bool {
        let by_last = self.last_timestamp.wrapping_add(self.ticks_since_last(packet.capture));
        timestamp.wrapping_sub(by_last).cast_signed().unsigned_abs() > VIDEO_STEP
    }

    fn ticks_since_last(&self, time: Time) -> u32 {
        let rate = self.clock_rate();
        time.ticks(rate).wrapping_sub(self.last_capture.ticks(rate))
    }

    /// All codecs of a kind have the same.
    pub(super) fn clock_rate(&self) -> u32 {
        match self.kind {
            Kind::Audio => Codec::Opus.clock_rate(),
            Kind::Video => Codec::H264.clock_rate(),
        }
    }

    /// What a sender report says now: where the node's time lies on the line's timestamps, by what was sent last.
    /// None before the first packet.
    #[must_use]
    pub fn report(&self, now: Time, wall: &WallClock) -> Option<LineReport> {
        if !self.started {
            return None;
        }
        Some(LineReport {
            ssrc: self.ssrc,
            ntp: wall.ntp(now),
            timestamp: self.last_timestamp.wrapping_add(self.ticks_since_last(now)),
            packets: self.packets,
            octets: self.octets,
        })
    }
}
