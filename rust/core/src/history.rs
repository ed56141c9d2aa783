//! Recent packets of one source, for retransmission.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::packet::TrackPacket;
use crate::time::Time;

/// Bounds of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLimits {
    pub packets: usize,
    /// Payload bytes.
    pub bytes: usize,
    pub age: Duration,
}

impl Default for HistoryLimits {
    /// 1.5 s of a 5 Mbit/s stream.
    fn default() -> Self {
        Self { packets: 1_024, bytes: 1 << 20, age: Duration::from_millis(1_500) }
    }
}

/// Packets by sequence number, oldest dropped first.
#[derive(Debug, Default)]
pub struct History {
    limits: HistoryLimits,
    packets: VecDeque<Arc<TrackPacket>>,
    bytes: usize,
}

impl History {
    #[must_use]
    pub fn new(limits: HistoryLimits) -> Self {
        Self { limits, packets: VecDeque::new(), bytes: 0 }
    }

    /// Keeps a packet, a late one in its place. A number that is already there is left as it is.
    pub fn insert(&mut self, packet: Arc<TrackPacket>, now: Time) {
        // Nearly always the newest, so look from the back.
        let mut at = self.packets.len();
        while at > 0 && self.packets[at - 1].seq >= packet.seq {
            at -= 1;
        }
        if self.packets.get(at).is_some_and(|found| found.seq == packet.seq) {
            return;
        }
        self.bytes += packet.payload.len();
        self.packets.insert(at, packet);
        self.trim(now);
    }

    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Arc<TrackPacket>> {
        let at = self.packets.binary_search_by_key(&seq, |packet| packet.seq).ok()?;
        self.packets.get(at)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Drops what is beyond the limits.
    pub fn trim(&mut self, now: Time) {
        while let Some(oldest) = self.packets.front() {
            let beyond = self.packets.len() > self.limits.packets
                || self.bytes > self.limits.bytes
                || now.since(oldest.arrival) > self.limits.age;
            if !beyond {
                break;
            }
            self.bytes -= oldest.payload.len();
            self.packets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Codec, Layer, Source, TrackId};

    fn packet(seq: u64, at: u64, size: usize) -> Arc<TrackPacket> {
        Arc::new(TrackPacket {
            source: Source { track: TrackId(1), layer: Layer::LOW },
            codec: Codec::H264,
            seq,
            epoch: 0,
            timestamp: 0,
            marker: false,
            keyframe: false,
            vp8: None,
            audio_level: None,
            duration: 0,
            capture: Time::ZERO,
            arrival: Time::from_millis(at),
            payload: Arc::from(vec![0; size]),
        })
    }

    #[test]
    fn late_packets_find_their_place_and_doubles_are_left() {
        let mut history = History::new(HistoryLimits::default());
        for seq in [5, 9, 7, 6, 7, 8] {
            history.insert(packet(seq, 0, 10), Time::ZERO);
        }
        assert_eq!(history.len(), 5);
        assert!((5..10).all(|seq| history.get(seq).is_some_and(|found| found.seq == seq)));
        assert!(history.get(4).is_none() && history.get(10).is_none());
    }

    #[test]
    fn it_is_bounded_in_packets_bytes_and_age() {
        let limits = HistoryLimits { packets: 10, bytes: 1_000, age: Duration::from_secs(1) };
        let mut history = History::new(limits);
        for seq in 0..100 {
            history.insert(packet(seq, 0, 1), Time::ZERO);
        }
        assert_eq!(history.len(), 10);
        history.insert(packet(100, 0, 990), Time::ZERO);
        assert_eq!(history.len(), 10);
        history.insert(packet(101, 0, 500), Time::ZERO);
        assert_eq!(history.len(), 1);
        history.trim(Time::from_millis(1_001));
        assert!(history.is_empty());
    }
}
