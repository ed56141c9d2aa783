//! What is checked must be found when it is broken on purpose.

use std::time::{Duration, Instant};

use super::*;
use crate::clips::{Player, VideoCodec};
use crate::packetize;

struct Rig {
    library: Library,
    stats: Stats,
    line: VideoLine,
    start: Instant,
    now_ms: u64,
    index: u64,
    shown: Vec<Option<FrameId>>,
}

impl Rig {
    fn new() -> Self {
        Self {
            library: crate::clips::tests_library(3),
            stats: Stats::default(),
            line: VideoLine::new(false, true),
            start: Instant::now(),
            now_ms: 0,
            index: 100,
            shown: Vec::new(),
        }
    }

    fn player(&self, number: u16, codec: VideoCodec) -> Player {
        Player::new(self.library.video_for(&format!("s_{number}"), codec).unwrap())
    }

    /// Sends frame `number` of the player's layer; `lose` says which of its packets do not arrive.
    fn send(&mut self, player: &mut Player, layer: usize, number: u64, lose: impl Fn(usize) -> bool) {
        let h264 = player.video().codec == VideoCodec::H264;
        self.now_ms = number * 50;
        let Some(frame) = player.frame(layer, number) else { return };
        let mut payloads = Vec::new();
        if h264 {
            packetize::h264(&frame.data, |p| payloads.push(p.to_vec()));
        } else {
            packetize::vp8(&frame.data, number as u16, 0, |p| payloads.push(p.to_vec()));
        }
        let count = payloads.len();
        for (i, payload) in payloads.into_iter().enumerate() {
            if !lose(i) {
                self.packet(h264, number as u32 * 4_500, i + 1 == count, &payload);
            }
            self.index += 1;
        }
    }

    fn packet(&mut self, h264: bool, timestamp: u32, marker: bool, payload: &[u8]) {
        let Self { library, stats, line, shown, .. } = self;
        let now = self.start + Duration::from_millis(self.now_ms);
        let mut watching = Watching { library, now, unix_us: self.now_ms * 1000, stats };
        line.push(self.index, (h264, timestamp, marker), payload, &mut watching, &mut |_, id| shown.push(id));
    }

    fn due(&mut self) -> (Vec<u16>, bool) {
        let Self { library, stats, line, shown, .. } = self;
        let now = self.start + Duration::from_millis(self.now_ms);
        let mut watching = Watching { library, now, unix_us: self.now_ms * 1000, stats };
        line.due(&mut watching, &mut |_, id| shown.push(id))
    }

    fn violations(&self) -> Vec<&'static str> {
        self.stats.violations.keys().copied().collect()
    }
}

#[test]
fn a_clean_stream_has_no_complaint() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let mut rig = Rig::new();
        let mut player = rig.player(1, codec);
        for number in 0..60 {
            rig.send(&mut player, 1, number, |_| false);
            assert_eq!(rig.due(), (vec![], false));
        }
        assert_eq!(rig.violations(), [] as [&str; 0]);
        let counters = &rig.stats.counters;
        assert_eq!((counters.frames, counters.frames_known, counters.freezes), (60, 60, 0));
        assert_eq!(counters.keyframes, 10);
        assert!(rig.stats.transit.summary().max < 1.0);
    }
}

#[test]
fn a_cut_to_a_frame_that_is_no_keyframe_is_found() {
    let mut rig = Rig::new();
    let (mut one, mut two) = (rig.player(1, VideoCodec::H264), rig.player(2, VideoCodec::H264));
    for number in 0..10 {
        rig.send(&mut one, 0, number, |_| false);
        two.frame(0, number);
    }
    // The switch comes in the middle of the other clip's loop.
    rig.send(&mut two, 0, 10, |_| false);
    assert_eq!(rig.violations(), ["broken_reference"]);
    assert!(rig.due().1, "and a keyframe is asked for");
    rig.send(&mut two, 0, 11, |_| false);
    assert_eq!(rig.stats.counters.undecodable, 1);
    rig.send(&mut two, 0, 12, |_| false);
    assert_eq!(rig.shown.last().unwrap().unwrap().number, 2);
    assert_eq!(rig.stats.violations["broken_reference"], 1);
}

#[test]
fn a_cut_between_clips_whose_keyframes_look_alike_breaks_nothing() {
    // One of the two would be taken for the other, and the frame after its keyframe for garbage.
    for to in [0, 1] {
        let mut rig = Rig { library: crate::clips::tests_library_of_twins(), ..Rig::new() };
        let (mut from, mut to) = (rig.player(1 - to, VideoCodec::H264), rig.player(to, VideoCodec::H264));
        for number in 0..3 {
            rig.send(&mut from, 1, number, |_| false);
        }
        for number in 3..9 {
            rig.send(&mut to, 1, number, |_| false);
        }
        assert_eq!(rig.violations(), [] as [&str; 0]);
        let numbers: Vec<u16> = rig.shown.iter().map(|id| id.unwrap().number).collect();
        assert_eq!(numbers[..3], [from.video().number; 3]);
        assert_eq!(numbers[3..], [to.video().number; 6]);
    }
}

#[test]
fn a_skipped_frame_is_found_even_when_the_sequence_hides_it() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let mut rig = Rig::new();
        let mut player = rig.player(0, codec);
        for number in 0..4 {
            rig.send(&mut player, 0, number, |_| false);
        }
        player.frame(0, 4);
        rig.send(&mut player, 0, 5, |_| false);
        assert!(rig.violations().contains(&"broken_reference"));
        assert_eq!(rig.violations().contains(&"picture_id_gap"), codec == VideoCodec::Vp8);
    }
}

#[test]
fn a_change_of_layer_in_the_middle_is_found() {
    let mut rig = Rig::new();
    let mut player = rig.player(0, VideoCodec::Vp8);
    for number in 0..4 {
        rig.send(&mut player, 0, number, |_| false);
        player.frame(1, number);
    }
    rig.send(&mut player, 1, 4, |_| false);
    assert_eq!(rig.violations(), ["broken_reference"]);
}

#[test]
fn sequence_and_time_that_jump_are_found() {
    let mut rig = Rig::new();
    let mut player = rig.player(0, VideoCodec::Vp8);
    rig.send(&mut player, 0, 0, |_| false);
    rig.index += 5_000;
    rig.send(&mut player, 0, 1, |_| false);
    assert_eq!(rig.violations(), ["sequence_jump"]);
    let mut rig = Rig::new();
    let mut player = rig.player(0, VideoCodec::H264);
    for number in [6, 7, 0] {
        rig.send(&mut player, 0, number, |_| false);
    }
    assert!(rig.violations().contains(&"timestamp_back"));
}

#[test]
fn loss_is_asked_for_recovered_and_else_answered_by_a_keyframe() {
    let mut rig = Rig::new();
    let mut player = rig.player(0, VideoCodec::Vp8);
    for number in 0..4 {
        rig.send(&mut player, 1, number, |_| false);
    }
    rig.send(&mut player, 1, 4, |i| i == 1);
    rig.now_ms += 10;
    let (ask, pli) = rig.due();
    assert_eq!((ask.len(), pli), (1, false));
    let missing = rig.line.extend(ask[0]).unwrap();
    let mut payloads = Vec::new();
    let again = rig.library.video_for("s_0", VideoCodec::Vp8).unwrap().layers[1][0].frames[4].clone();
    packetize::vp8(&again.data, 4, 0, |p| payloads.push(p.to_vec()));
    let next = std::mem::replace(&mut rig.index, missing);
    rig.packet(false, 4 * 4_500, false, &payloads[1]);
    rig.index = next;
    assert_eq!((rig.shown.len(), rig.stats.counters.recovered), (5, 1));
    // The next loss is never repaired.
    for number in 5..12 {
        rig.send(&mut player, 1, number, |i| number == 7 && i == 0);
    }
    assert_eq!(rig.shown.len(), 7, "what follows waits");
    rig.now_ms = 7 * 50 + 400;
    assert_eq!(rig.due(), (vec![], true), "a keyframe is asked for");
    assert_eq!(rig.due(), (vec![], false), "once");
    assert_eq!((rig.stats.counters.video_lost, rig.stats.counters.undecodable), (1, 4));
    assert_eq!((rig.stats.counters.plis, rig.stats.counters.freezes), (1, 0));
    rig.send(&mut player, 1, 16, |_| false);
    rig.send(&mut player, 1, 18, |_| false);
    assert_eq!((rig.shown.len(), rig.stats.counters.freezes), (8, 1));
    rig.stats.violations.remove("picture_id_gap");
    assert_eq!(rig.violations(), [] as [&str; 0]);
}

#[test]
fn a_line_whose_very_first_packet_is_lost_waits_for_a_whole_keyframe() {
    for codec in [VideoCodec::H264, VideoCodec::Vp8] {
        let mut rig = Rig::new();
        let mut player = rig.player(1, codec);
        // Nothing tells the receiver that something came before: an H.264 keyframe looks whole without its parameter sets.
        for number in 0..6 {
            rig.send(&mut player, 1, number, |packet| number == 0 && packet == 0);
        }
        assert!(rig.shown.is_empty() && rig.due().1, "a keyframe is asked for");
        for number in 6..60 {
            rig.send(&mut player, 1, number, |_| false);
        }
        assert_eq!(rig.violations(), [] as [&str; 0]);
        assert!(rig.shown.len() > 40 && rig.shown.iter().all(Option::is_some));
    }
}

#[test]
fn a_gap_of_over_300_ms_is_a_freeze_unless_it_was_meant() {
    let mut rig = Rig::new();
    let mut player = rig.player(0, VideoCodec::H264);
    for number in [0, 6, 12] {
        rig.send(&mut player, 0, number, |_| false);
    }
    assert_eq!(rig.stats.counters.freezes, 0, "300 ms is none");
    rig.send(&mut player, 0, 24, |_| false);
    assert_eq!(rig.stats.counters.freezes, 1);
    rig.line.pause();
    rig.send(&mut player, 0, 25, |_| false);
    assert!(!rig.line.stalled(rig.start + Duration::from_secs(100), &rig.library), "silence was meant");
    rig.send(&mut player, 0, 60, |_| false);
    assert_eq!(rig.stats.counters.freezes, 1);
    assert!(!rig.line.stalled(rig.start + Duration::from_millis(60 * 50 + 1_000), &rig.library));
    assert!(rig.line.stalled(rig.start + Duration::from_millis(60 * 50 + 1_001), &rig.library));
}

#[test]
fn at_two_frames_a_second_a_freeze_is_a_frame_that_is_late_by_half_of_its_interval() {
    let mut rig = Rig::new();
    rig.library.loop_ms = 3_000;
    let mut player = rig.player(0, VideoCodec::H264);
    for number in [0, 10, 25] {
        rig.send(&mut player, 0, number, |_| false);
    }
    assert_eq!(rig.stats.counters.freezes, 0, "500 and 750 ms are none");
    rig.send(&mut player, 0, 42, |_| false);
    assert_eq!(rig.stats.counters.freezes, 1, "850 ms is one");
}

#[test]
fn a_cut_is_measured_until_the_new_clip_shows() {
    let mut rig = Rig::new();
    let (mut one, mut two) = (rig.player(1, VideoCodec::H264), rig.player(2, VideoCodec::H264));
    for number in 0..5 {
        rig.send(&mut one, 0, number, |_| false);
    }
    let cut = |rig: &Rig, number| Cut { at: rig.start + Duration::from_millis(rig.now_ms), number };
    let same = cut(&rig, 1);
    rig.line.expect(same, &mut rig.stats);
    assert_eq!(rig.stats.counters.cuts, 0, "it shows already");
    let other = cut(&rig, 2);
    rig.line.expect(other, &mut rig.stats);
    rig.send(&mut one, 0, 5, |_| false);
    rig.send(&mut two, 0, 6, |_| false);
    assert_eq!(rig.stats.cut.summary().max, 100.0);
    let back = cut(&rig, 1);
    rig.line.expect(back, &mut rig.stats);
    rig.now_ms += 5_000;
    rig.due();
    assert_eq!((rig.stats.counters.cuts, rig.stats.counters.cuts_missed), (2, 1));
}

#[test]
fn a_cut_whose_picture_comes_before_the_word_of_it_counts_too() {
    let mut rig = Rig::new();
    let (mut one, mut two) = (rig.player(1, VideoCodec::H264), rig.player(2, VideoCodec::H264));
    rig.send(&mut one, 0, 0, |_| false);
    let cut = Cut { at: rig.start + Duration::from_millis(rig.now_ms), number: 2 };
    rig.now_ms += 70;
    for number in 1..4 {
        rig.send(&mut two, 0, number, |_| false);
    }
    let took = rig.line.frames.began.unwrap().duration_since(cut.at).as_secs_f64() * 1_000.0;
    assert!(took >= 70.0);
    rig.line.expect(cut, &mut rig.stats);
    rig.line.expect(Cut { at: cut.at + Duration::from_secs(1), ..cut }, &mut rig.stats);
    assert_eq!((rig.stats.counters.cuts, rig.stats.cut.summary().max), (1, took));
}
