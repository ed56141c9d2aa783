//! What must hold of a line's numbers under any interleaving.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use common::world::line;
use diemcau_core::depacket::vp8::{PictureId, Vp8Descriptor};
use diemcau_core::opening::Opening;
use diemcau_core::*;
use proptest::prelude::*;

const SOURCES: usize = 4;

fn source(at: usize) -> Source {
    Source { track: TrackId(at as u32 / 2), layer: Layer(at as u8 % 2) }
}

/// Something that happens to a line.
#[derive(Debug, Clone)]
enum Act {
    Want(Option<usize>),
    /// A source sends `skip` packets that are lost before the node, then one that arrives.
    Send {
        at: usize,
        skip: u8,
        key: bool,
        marker: bool,
    },
    /// A packet sent before arrives again, or late: so many behind the newest.
    Again {
        at: usize,
        behind: u8,
    },
    /// The lost ones arrive after all: so many behind the newest.
    Late {
        at: usize,
        behind: u8,
    },
    /// The publisher begins anew.
    Anew {
        at: usize,
        timestamp: u32,
    },
    Pause {
        millis: u16,
    },
    /// The line begins with what is at hand of a source, if it waits for it.
    Open {
        at: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let at = 0..SOURCES;
    prop_oneof![
        2 => proptest::option::weighted(0.9, 0..SOURCES).prop_map(Act::Want),
        20 => (at.clone(), prop_oneof![8 => Just(0_u8), 1 => 1..70_u8], proptest::bool::weighted(0.2), any::<bool>())
            .prop_map(|(at, skip, key, marker)| Act::Send { at, skip, key, marker }),
        3 => (at.clone(), 0..200_u8).prop_map(|(at, behind)| Act::Again { at, behind }),
        3 => (at.clone(), 0..200_u8).prop_map(|(at, behind)| Act::Late { at, behind }),
        1 => (at, any::<u32>()).prop_map(|(at, timestamp)| Act::Anew { at, timestamp }),
        2 => (1..5_000_u16).prop_map(|millis| Act::Pause { millis }),
        4 => (0..SOURCES).prop_map(|at| Act::Open { at }),
    ]
}

/// A publisher's stream as the node gets it.
struct Stream {
    seq: u64,
    epoch: u16,
    timestamp: u32,
    picture: u16,
    last_at: Time,
    /// Every packet that exists, sent or lost.
    made: BTreeMap<u64, Arc<TrackPacket>>,
    opening: Opening,
}

impl Stream {
    fn make(&mut self, at: usize, key: bool, marker: bool, now: Time) -> Arc<TrackPacket> {
        self.timestamp =
            self.timestamp.wrapping_add(now.ticks(90_000).wrapping_sub(self.last_at.ticks(90_000)));
        self.last_at = now;
        self.seq += 1;
        if key || marker {
            self.picture = (self.picture + 1) & 0x7fff;
        }
        let packet = Arc::new(TrackPacket {
            source: source(at),
            codec: Codec::Vp8,
            seq: self.seq,
            epoch: self.epoch,
            timestamp: self.timestamp,
            marker,
            keyframe: key,
            vp8: Some(Vp8Descriptor {
                picture_id: Some(PictureId { value: self.picture, wide: true, offset: 2 }),
                tl0: Some((self.picture as u8, 4)),
                tid: 0,
                frame_start: true,
                keyframe: key,
            }),
            audio_level: None,
            duration: 0,
            capture: now - Duration::from_millis(30 * at as u64),
            arrival: now,
            payload: Arc::from([0; 8]),
        });
        self.made.insert(self.seq, Arc::clone(&packet));
        packet
    }
}

/// Checks one line against all that must hold.
struct Check {
    line: Line,
    given: HashMap<u64, (Source, u64, OutHeader)>,
    cut_at: u64,
    highest: Option<(u64, u32)>,
}

impl Check {
    fn forward(&mut self, packet: &TrackPacket) -> Result<(), TestCaseError> {
        let before = self.line.current();
        let Some(header) = self.line.forward(packet) else { return Ok(()) };
        self.sent(before, packet, header)
    }

    /// A line that waits for the source and shows no other layer of it begins with it, and leaves nothing out.
    fn open(&mut self, packets: &[Arc<TrackPacket>]) -> Result<(), TestCaseError> {
        let (source, before) = (packets[0].source, self.line.current());
        let waits = self.line.is_waiting() && self.line.wanted() == Some(source);
        let Some(header) = self.line.open(packets) else {
            prop_assert!(!waits || before.is_some_and(|before| before.track == source.track));
            return Ok(());
        };
        prop_assert!(header.cut);
        self.sent(before, &packets[0], header)?;
        for packet in &packets[1..] {
            let given = self.given.len();
            self.forward(packet)?;
            prop_assert_eq!(self.given.len(), given + 1);
        }
        Ok(())
    }

    fn sent(
        &mut self,
        before: Option<Source>,
        packet: &TrackPacket,
        header: OutHeader,
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(header.ssrc, 9);
        let clash = self.given.insert(header.index, (packet.source, packet.seq, header));
        prop_assert!(clash.is_none(), "index {} given out twice", header.index);
        if header.cut {
            prop_assert!(packet.keyframe, "a cut in the middle of something");
            prop_assert_eq!(self.line.current(), Some(packet.source));
            if let Some((highest, _)) = self.highest {
                prop_assert_eq!(header.index, highest + 1, "no number is left out at a cut");
            }
            self.cut_at = header.index;
        } else {
            prop_assert_eq!(before, Some(packet.source), "forwarded what is not shown");
        }
        prop_assert!(header.index >= self.cut_at, "numbers went back across a cut");
        if let Some((highest, timestamp)) = self.highest
            && header.index > highest
        {
            let step = header.timestamp.wrapping_sub(timestamp).cast_signed();
            prop_assert!(step >= i32::from(header.cut), "timestamps went back by {}", step);
        }
        if self.highest.is_none_or(|(highest, _)| header.index > highest) {
            self.highest = Some((header.index, header.timestamp));
        }
        Ok(())
    }

    /// Every number of the last while leads back to the packet that had it, with the same header.
    fn resolve_all(&self, streams: &[Stream]) -> Result<(), TestCaseError> {
        let Some((highest, _)) = self.highest else { return Ok(()) };
        for (index, (source, seq, header)) in &self.given {
            if highest - index > 30_000 {
                continue;
            }
            // None: older than the segments remembered. Never another packet.
            let Some(found) = self.line.resolve(*index as u16) else { continue };
            prop_assert_eq!((found.source, found.seq), (*source, *seq));
            let at = source.track.0 as usize * 2 + usize::from(source.layer.0);
            let again = self.line.header_again(&found, &streams[at].made[seq]);
            prop_assert_eq!(again, OutHeader { cut: false, moved: false, ..*header });
        }
        let next = self.line.resolve((highest + 1) as u16);
        prop_assert!(next.is_none(), "what was never given out");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_gives_numbers_once_forward_and_resolvable(
        first in any::<u16>(),
        acts in proptest::collection::vec(act(), 1..600),
    ) {
        let mut now = Time::from_millis(10_000);
        let mut streams: Vec<Stream> = (0..SOURCES)
            .map(|at| Stream {
                seq: 70_000 + at as u64 * 50_000,
                epoch: 0,
                timestamp: 0xffff_f000_u32.wrapping_mul(at as u32 + 1),
                picture: 0x7ff0,
                last_at: now,
                made: BTreeMap::new(),
                opening: Opening::default(),
            })
            .collect();
        let mut check = Check {
            line: Line::new(Kind::Video, &line(9, first)),
            given: HashMap::new(),
            cut_at: 0,
            highest: None,
        };
        for act in acts {
            now = now + Duration::from_millis(7);
            match act {
                Act::Want(at) => check.line.want(at.map(source)),
                Act::Send { at, skip, key, marker } => {
                    for _ in 0..skip {
                        streams[at].make(at, false, false, now);
                    }
                    let packet = streams[at].make(at, key, marker, now);
                    streams[at].opening.push(&packet);
                    check.forward(&packet)?;
                }
                Act::Again { at, behind } | Act::Late { at, behind } => {
                    let seq = streams[at].seq - u64::from(behind);
                    if let Some(packet) = streams[at].made.get(&seq).cloned() {
                        streams[at].opening.push(&packet);
                        check.forward(&packet)?;
                    }
                }
                Act::Anew { at, timestamp } => {
                    streams[at].seq += 1_025;
                    streams[at].epoch += 1;
                    streams[at].timestamp = timestamp;
                }
                Act::Open { at } => {
                    if let Some(packets) = streams[at].opening.ready(now) {
                        check.open(packets)?;
                    }
                }
                Act::Pause { millis } => now = now + Duration::from_millis(u64::from(millis)),
            }
        }
        check.resolve_all(&streams)?;
    }
}

fn audio(track: u32, seq: u64, capture: u64) -> TrackPacket {
    TrackPacket {
        source: Source { track: TrackId(track), layer: Layer::LOW },
        codec: Codec::Opus,
        seq,
        epoch: 0,
        timestamp: (capture * 48) as u32,
        marker: false,
        keyframe: true,
        vp8: None,
        audio_level: Some(20),
        duration: 2_880,
        capture: Time::from_millis(capture),
        arrival: Time::from_millis(capture + 70),
        payload: Arc::from([0x18, 0]),
    }
}

#[test]
fn a_muted_microphone_is_silent_at_once_and_the_next_does_not_speak_over_it() {
    let mut check = Line::new(Kind::Audio, &line(9, 0));
    check.want(Some(Source { track: TrackId(1), layer: Layer::LOW }));
    let first = check.forward(&audio(1, 10, 1_000)).unwrap();
    assert!(first.marker && first.cut, "a talkspurt begins");
    check.want(Some(Source { track: TrackId(2), layer: Layer::LOW }));
    assert!(check.forward(&audio(1, 11, 1_060)).is_none(), "not one packet more");
    assert!(check.forward(&audio(2, 900, 1_030)).is_none(), "overlaps what was sent");
    let next = check.forward(&audio(2, 901, 1_090)).unwrap();
    assert_eq!(next.index, first.index + 1);
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 90 * 48, "placed by capture");
}

#[test]
fn a_line_that_was_dark_for_hours_goes_on_with_a_small_step() {
    let mut check = Line::new(Kind::Audio, &line(9, 0));
    check.want(Some(Source { track: TrackId(1), layer: Layer::LOW }));
    let first = check.forward(&audio(1, 10, 1_000)).unwrap();
    check.want(None);
    check.want(Some(Source { track: TrackId(2), layer: Layer::LOW }));
    let next = check.forward(&audio(2, 7, 40_000_000)).unwrap();
    assert_eq!(next.timestamp.wrapping_sub(first.timestamp), 48_000);
}

#[test]
fn a_gap_that_is_no_loss_waits_for_a_keyframe() {
    let mut check = Line::new(Kind::Video, &line(9, 0));
    let packet = |seq, keyframe| TrackPacket {
        codec: Codec::H264,
        keyframe,
        duration: 0,
        source: Source { track: TrackId(1), layer: Layer::LOW },
        ..audio(1, seq, seq)
    };
    check.want(Some(Source { track: TrackId(1), layer: Layer::LOW }));
    assert!(check.forward(&packet(10, true)).is_some());
    assert!(check.forward(&packet(5_000, false)).is_none());
    assert!(check.is_waiting());
    assert_eq!(check.forward(&packet(5_010, true)).unwrap().index, 1);
}

#[test]
fn a_line_is_small() {
    assert!(std::mem::size_of::<Line>() <= 416, "{} bytes", std::mem::size_of::<Line>());
}
