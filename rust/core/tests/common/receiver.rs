//! A strict video receiver: it decides by RTP alone which frames decode, as a browser does, and then checks each
//! against the truth hidden in the payload. A frame shown that is not whole, or refers to one not shown, is a panic.

use std::collections::BTreeMap;
use std::time::Duration;

use diemcau_core::depacket::{h264, vp8};
use diemcau_core::{Codec, Time};

use super::camera::Tag;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub tag: Tag,
    pub timestamp: u32,
    pub at: Time,
}

/// Picture id and TL0PICIDX; VP8 only.
type Picture = Option<(u16, u8)>;

#[derive(Debug)]
pub struct VideoReceiver {
    codec: Codec,
    packets: BTreeMap<u64, Received>,
    highest: Option<u64>,
    /// What follows the last frame shown, and what it was.
    next: Option<u64>,
    last: Option<(Tag, u32, Picture)>,
    asked: BTreeMap<u64, (u8, Time)>,
    moved: Time,
    pli_at: Time,
    pub shown: Vec<Shown>,
}

impl VideoReceiver {
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            packets: BTreeMap::new(),
            highest: None,
            next: None,
            last: None,
            asked: BTreeMap::new(),
            moved: Time::ZERO,
            pli_at: Time::ZERO,
            shown: Vec::new(),
        }
    }

    /// A packet, or one that RTX brought back.
    pub fn receive(&mut self, packet: Received, now: Time) {
        let seq = match self.highest {
            None => u64::from(packet.sequence) + 65_536,
            Some(highest) => {
                let step = packet.sequence.wrapping_sub(highest as u16).cast_signed();
                highest.checked_add_signed(i64::from(step)).unwrap()
            }
        };
        self.highest = Some(self.highest.map_or(seq, |highest| highest.max(seq)));
        if self.next.is_some_and(|next| seq < next) {
            return;
        }
        if let Some(known) = self.packets.get(&seq) {
            assert_eq!(*known, packet, "one sequence number, two contents");
            return;
        }
        self.packets.insert(seq, packet);
        self.asked.remove(&seq);
        self.show(now);
    }

    fn show(&mut self, now: Time) {
        loop {
            let following = self.next.and_then(|next| Some((next, self.whole_frame(next)?, true)));
            let found = following.or_else(|| {
                let start = self
                    .packets
                    .keys()
                    .copied()
                    .find(|seq| self.starts_keyframe(*seq) && self.whole_frame(*seq).is_some())?;
                Some((start, self.whole_frame(start)?, false))
            });
            let Some((start, end, following)) = found else { return };
            self.show_frame(start, end, following, now);
        }
    }

    /// The last packet of the frame that begins here, if all of it is there.
    fn whole_frame(&self, start: u64) -> Option<u64> {
        let first = self.packets.get(&start)?;
        if self.codec == Codec::Vp8 && !vp8::parse(&first.payload)?.frame_start {
            return None;
        }
        let mut seq = start;
        loop {
            let packet = self.packets.get(&seq)?;
            if packet.timestamp != first.timestamp {
                return None;
            }
            if packet.marker {
                return Some(seq);
            }
            seq += 1;
        }
    }

    fn starts_keyframe(&self, seq: u64) -> bool {
        let payload = &self.packets[&seq].payload;
        match self.codec {
            Codec::Vp8 => vp8::parse(payload).is_some_and(|descriptor| descriptor.keyframe),
            _ => h264::inspect(payload).sps,
        }
    }

    fn show_frame(&mut self, start: u64, end: u64, following: bool, now: Time) {
        let frame: Vec<Received> = (start..=end).map(|seq| self.packets[&seq].clone()).collect();
        let tags: Vec<Tag> = frame.iter().map(|packet| Tag::read(&packet.payload)).collect();
        let tag = tags[0];
        assert_eq!(usize::from(tag.count), frame.len(), "a frame shown is not whole: {tags:?}");
        for (index, other) in tags.iter().enumerate() {
            assert_eq!(*other, Tag { index: index as u8, ..tag }, "a frame shown is mixed: {tags:?}");
        }
        let timestamp = frame[0].timestamp;
        let picture = self.picture(&frame);
        if let Some((last, last_timestamp, last_picture)) = self.last {
            let step = timestamp.wrapping_sub(last_timestamp).cast_signed();
            assert!(step > 0, "timestamps go back by {step}");
            assert!(step < 90_000 * 20, "timestamps leap by {step}");
            if let (Some((id, tl0)), Some((last_id, last_tl0))) = (picture, last_picture) {
                let step = id.wrapping_sub(last_id) & 0x7fff;
                assert!(step > 0 && step < 0x4000, "picture ids go back: {last_id} to {id}");
                if following {
                    assert_eq!((step, tl0.wrapping_sub(last_tl0)), (1, 1), "no frame between, yet ids leap");
                }
            }
            if !tag.key {
                assert_eq!(
                    (tag.track, tag.layer, tag.frame),
                    (last.track, last.layer, last.frame + 1),
                    "shown without what it refers to"
                );
            }
        }
        if self.last.is_none() || !following {
            assert!(tag.key, "shown first, but not a keyframe");
        }
        self.last = Some((tag, timestamp, picture));
        self.next = Some(end + 1);
        self.packets = self.packets.split_off(&(end + 1));
        self.asked = self.asked.split_off(&(end + 1));
        self.moved = now;
        self.shown.push(Shown { tag, timestamp, at: now });
    }

    fn picture(&self, frame: &[Received]) -> Picture {
        if self.codec != Codec::Vp8 {
            return None;
        }
        let ids: Vec<(u16, u8)> = frame
            .iter()
            .map(|packet| {
                let descriptor = vp8::parse(&packet.payload).unwrap();
                (descriptor.picture_id.unwrap().value, descriptor.tl0.unwrap().0)
            })
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "one frame, several picture ids");
        Some(ids[0])
    }

    /// Sequence numbers to NACK now: each again every 40 ms, ten times at most.
    pub fn nacks(&mut self, now: Time) -> Vec<u16> {
        let (Some(highest), Some(&first)) = (self.highest, self.packets.keys().next()) else {
            return Vec::new();
        };
        let from = self.next.unwrap_or(first);
        let mut nacks = Vec::new();
        for seq in from..highest {
            if self.packets.contains_key(&seq) {
                continue;
            }
            let (times, at) = self.asked.entry(seq).or_insert((0, now));
            // The first look only notes it: it may just be late.
            if now.since(*at) >= Duration::from_millis(if *times == 0 { 10 } else { 40 }) && *times < 10 {
                *times += 1;
                *at = now;
                nacks.push(seq as u16);
            }
        }
        nacks
    }

    /// Whether to send a PLI now: packets come, but no frame has decoded for 300 ms.
    pub fn pli(&mut self, now: Time) -> bool {
        let stuck = !self.packets.is_empty() && now.since(self.moved) > Duration::from_millis(300);
        if stuck && now.since(self.pli_at) > Duration::from_millis(300) {
            self.pli_at = now;
            return true;
        }
        false
    }
}
