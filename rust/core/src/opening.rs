//! What a line may begin with at once: the packets of a source since its last keyframe, while they are few.
//!
//! A camera of two pictures a second answers a request for a keyframe after up to half a second, a browser ignores it
//! within 300 ms of its last one, and who comes while many do waits for the keyframe that all share. Where the last
//! keyframe and what followed it are at hand, none of them needs to be waited for.

use std::sync::Arc;
use std::time::Duration;

use crate::packet::TrackPacket;
use crate::time::Time;

/// Frames after the keyframe: a third of a second of a camera.
const FRAMES: usize = 10;
/// Payload bytes after the keyframe, which may be as many as the keyframe's own, or these few: more would take a viewer
/// longer than the keyframe that it could wait for.
const FEW_BYTES: usize = 6 << 10;
const MANY_BYTES: usize = 2 * FEW_BYTES;
/// And never more than a narrow line (150 kbit/s) carries in less than a second.
const BYTES: usize = 16 << 10;
/// Packets together.
const PACKETS: usize = 256;
/// Packets kept where there is no keyframe before them: it may come late, behind some of its own.
const STRAGGLERS: usize = 16;
/// A source that has been silent for longer shows what is no longer true.
const FRESH: Duration = Duration::from_secs(1);
/// A source that leaves so long between frames is slow: its next keyframe is worth no wait.
const SLOW: Duration = Duration::from_millis(250);

/// Packets by sequence number, the first of a keyframe in front; the last few where they became too many.
#[derive(Debug, Default)]
pub struct Opening {
    packets: Vec<Arc<TrackPacket>>,
    /// The last ones that became too many, or that a keyframe took the place of: who began with them may miss one.
    earlier: Vec<Arc<TrackPacket>>,
}

impl Opening {
    /// A packet of the source came. A late one takes its place.
    pub fn push(&mut self, packet: &Arc<TrackPacket>) {
        if packet.keyframe {
            self.begin(packet);
            return;
        }
        if self.packets.first().is_some_and(|first| packet.epoch != first.epoch) {
            self.packets.clear();
        }
        let mut at = self.packets.len();
        while at > 0 && self.packets[at - 1].seq >= packet.seq {
            at -= 1;
        }
        let before = at == 0 && self.packets.first().is_some_and(|first| first.keyframe);
        if before || self.packets.get(at).is_some_and(|held| held.seq == packet.seq) {
            return;
        }
        self.packets.insert(at, Arc::clone(packet));
        if self.is_too_much() {
            self.keep_earlier();
            let more = self.packets.len().saturating_sub(STRAGGLERS);
            self.packets.drain(..more.max(1));
        }
    }

    fn begin(&mut self, keyframe: &Arc<TrackPacket>) {
        let known = self.packets.first().filter(|held| held.keyframe && held.epoch == keyframe.epoch);
        if known.is_some_and(|held| held.seq >= keyframe.seq) {
            // An older one that came late.
            return;
        }
        self.keep_earlier();
        self.packets.retain(|held| held.epoch == keyframe.epoch && held.seq > keyframe.seq);
        self.packets.insert(0, Arc::clone(keyframe));
    }

    fn keep_earlier(&mut self) {
        if self.packets.first().is_some_and(|held| held.keyframe) {
            self.earlier.clone_from(&self.packets);
        }
    }

    fn is_too_much(&self) -> bool {
        let Some(first) = self.packets.first() else { return false };
        if !first.keyframe {
            return self.packets.len() > STRAGGLERS;
        }
        let (of_keyframe, after, frames) = self.sizes();
        self.packets.len() > PACKETS || after > of_keyframe.clamp(MANY_BYTES, BYTES) || frames > FRAMES
    }

    /// Payload bytes of the keyframe and after it, and frames after it.
    fn sizes(&self) -> (usize, usize, usize) {
        let (mut of_keyframe, mut after, mut frames) = (0, 0, 0);
        let Some(first) = self.packets.first() else { return (0, 0, 0) };
        for packet in &self.packets {
            if packet.timestamp == first.timestamp {
                of_keyframe += packet.payload.len();
            } else {
                after += packet.payload.len();
                frames += usize::from(packet.marker);
            }
        }
        (of_keyframe, after, frames)
    }

    /// [`Self::ready`], and little enough for a line that could ask for a keyframe instead: for one of a crowd that is
    /// cut at once no more than the keyframe that it could wait for. Lines that have begun to wait for their turn take
    /// what has come meanwhile too.
    #[must_use]
    pub fn inviting(&self, crowd: bool, now: Time) -> bool {
        let (of_keyframe, after, _) = self.sizes();
        let most = if crowd { 0 } else { of_keyframe.clamp(FEW_BYTES, BYTES) };
        self.ready(now).is_some() && after <= most
    }

    /// The packets, if a decoder can show them: none missing, the last frame whole, and the source still sends.
    #[must_use]
    pub fn ready(&self, now: Time) -> Option<&[Arc<TrackPacket>]> {
        self.shown(self.packets.len(), now)
    }

    /// The keyframe without what followed it, of a slow source that still sends: what a crowd may look at until the
    /// next one comes.
    #[must_use]
    pub fn glimpse(&self, now: Time) -> Option<&[Arc<TrackPacket>]> {
        let first = self.packets.first()?;
        let of_keyframe =
            self.packets.iter().take_while(|packet| packet.timestamp == first.timestamp).count();
        let next = self.packets.get(of_keyframe)?;
        let slow = next.arrival.since(first.arrival) >= SLOW && self.sizes().0 <= FEW_BYTES;
        self.shown(of_keyframe, now).filter(|_| slow)
    }

    /// So many packets from the first, if a decoder can show them.
    fn shown(&self, count: usize, now: Time) -> Option<&[Arc<TrackPacket>]> {
        let packets = self.packets.get(..count)?;
        let (first, last) = (packets.first()?, packets.last()?);
        let whole = first.keyframe && last.marker && last.seq - first.seq + 1 == count as u64;
        let fresh = now.since(self.packets.last()?.arrival) <= FRESH;
        (whole && fresh).then_some(packets)
    }

    /// For who asks for one of them again.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<TrackPacket>> {
        let found =
            |packets: &[Arc<TrackPacket>]| packets.binary_search_by_key(&seq, |packet| packet.seq).ok();
        found(&self.packets)
            .and_then(|at| self.packets.get(at))
            .or_else(|| found(&self.earlier).and_then(|at| self.earlier.get(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Codec, Layer, Source, TrackId};

    /// Frames of two packets each, 40 ms apart: packet `seq` is of frame `seq / 2`.
    fn packet(seq: u64, keyframe: bool, size: usize) -> Arc<TrackPacket> {
        Arc::new(TrackPacket {
            source: Source { track: TrackId(1), layer: Layer::LOW },
            codec: Codec::H264,
            seq,
            epoch: 0,
            timestamp: (seq / 2) as u32 * 3_600,
            marker: seq % 2 == 1,
            keyframe: keyframe && seq.is_multiple_of(2),
            vp8: None,
            audio_level: None,
            duration: 0,
            capture: Time::ZERO,
            arrival: Time::from_millis(seq / 2 * 40),
            payload: Arc::from(vec![0; size]),
        })
    }

    fn pushed(seqs: &[u64]) -> Opening {
        let mut opening = Opening::default();
        for seq in seqs {
            opening.push(&packet(*seq, [10, 20].contains(seq), 500));
        }
        opening
    }

    fn ready(seqs: &[u64]) -> Option<Vec<u64>> {
        let now = Time::from_millis(seqs.iter().max().map_or(0, |seq| seq / 2 * 40));
        pushed(seqs).ready(now).map(|packets| packets.iter().map(|packet| packet.seq).collect())
    }

    #[test]
    fn it_is_ready_from_a_whole_keyframe_to_the_last_whole_frame() {
        for (came, expected) in [
            (vec![8, 9], None),
            (vec![8, 9, 10], None),
            (vec![8, 9, 10, 11], Some(vec![10, 11])),
            (vec![10, 11, 12], None),
            (vec![10, 11, 12, 13], Some(vec![10, 11, 12, 13])),
            (vec![10, 11, 13, 12, 12], Some(vec![10, 11, 12, 13])),
            (vec![10, 12, 13], None),
            (vec![10, 11, 12, 13, 20, 21], Some(vec![20, 21])),
            (vec![10, 11, 21, 20], Some(vec![20, 21])),
            (vec![20, 21, 10, 11], Some(vec![20, 21])),
            (vec![11, 10], Some(vec![10, 11])),
            (vec![8, 9, 12, 11, 13, 10], Some(vec![10, 11, 12, 13])),
        ] {
            assert_eq!(ready(&came), expected, "{came:?}");
        }
    }

    #[test]
    fn it_ends_where_it_would_be_long_and_begins_with_the_next_keyframe() {
        let frames: Vec<u64> = (10..12 + 2 * FRAMES as u64).filter(|seq| *seq != 20).collect();
        assert!(ready(&(10..12).collect::<Vec<_>>()).is_some());
        let mut opening = Opening::default();
        for seq in frames.iter().chain([&20]) {
            opening.push(&packet(*seq, *seq == 10, if [10, 11].contains(seq) { 1_200 } else { 100 }));
        }
        let now = Time::from_millis(600);
        assert_eq!(opening.ready(now).map(<[_]>::len), Some(2 * FRAMES + 2));
        opening.push(&packet(12 + 2 * FRAMES as u64, false, 100));
        opening.push(&packet(13 + 2 * FRAMES as u64, false, 100));
        assert!(opening.ready(now).is_none() && opening.packets.len() <= STRAGGLERS);
    }

    #[test]
    fn what_follows_the_keyframe_is_no_more_than_it() {
        for (keyframe, after, expected) in [
            (700, 3_072, true),
            (700, 3_073, false),
            (5_000, 5_000, true),
            (5_000, 5_001, false),
            (20_000, BYTES / 2, true),
            (20_000, BYTES / 2 + 1, false),
        ] {
            let mut opening = Opening::default();
            for (seq, size) in [(10, keyframe), (11, keyframe), (12, after), (13, after)] {
                opening.push(&packet(seq, seq == 10, size));
            }
            assert_eq!(opening.inviting(false, Time::from_millis(240)), expected, "{keyframe} {after}");
            assert_eq!(opening.ready(Time::from_millis(240)).is_some(), expected || after < MANY_BYTES / 2);
            assert!(!opening.inviting(true, Time::from_millis(240)));
        }
    }

    #[test]
    fn packets_are_found_when_they_have_become_too_many_and_behind_the_next_keyframe() {
        let mut opening = Opening::default();
        for seq in 10..14 {
            opening.push(&packet(seq, seq == 10, 500));
        }
        for seq in [14, 15, 40] {
            opening.push(&packet(seq, seq == 40, BYTES));
        }
        assert!(opening.ready(Time::from_millis(240)).is_none());
        assert!((10..14).all(|seq| opening.get(seq).is_some_and(|held| held.seq == seq)));
    }

    #[test]
    fn what_a_silent_source_last_showed_is_not_begun_with() {
        let opening = pushed(&[10, 11]);
        assert!(opening.ready(Time::from_millis(1_200)).is_some());
        assert!(opening.ready(Time::from_millis(1_201)).is_none());
    }

    #[test]
    fn a_source_that_begins_anew_has_another_beginning() {
        let mut opening = pushed(&[10, 11]);
        let anew = Arc::new(TrackPacket { epoch: 1, ..(*packet(12, false, 10)).clone() });
        opening.push(&anew);
        assert_eq!(opening.packets, [anew]);
        assert!(opening.ready(Time::from_millis(240)).is_none());
    }
}
