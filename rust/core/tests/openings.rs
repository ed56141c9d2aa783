//! Lines begin with what a source sent before, where that is little.

mod common;

use std::time::Duration;

use common::camera::Camera;
use common::net::Path;
use common::world::{World, line};
use diemcau_core::layers::CutPolicy;
use diemcau_core::opening::Opening;
use diemcau_core::shard::ShardConfig;
use diemcau_core::*;

const PROGRAM: ProgramId = ProgramId(3);
const LOSSY: Path =
    Path { loss: 0.1, double: 0.0, delay: Duration::from_millis(20), jitter: Duration::from_millis(5) };

/// Two cameras of two pictures a second, lined up, and one viewer.
fn slow_world(codec: Codec, down: Path, seed: u64) -> World {
    slow(World::new(codec, 2, 1, Path::CLEAN, down, seed))
}

fn slow(mut world: World) -> World {
    world.interval_ms = 500;
    for (at, (publisher, _)) in world.publishers.iter_mut().enumerate() {
        publisher.keep_keyframes(TrackId(at as u32), Some(Duration::from_secs(2)));
    }
    world.run(Duration::from_millis(2_100));
    world
}

#[test]
fn a_cut_to_a_slow_source_is_seen_at_once_and_goes_on_without_a_gap() {
    for codec in [Codec::H264, Codec::Vp8] {
        let mut world = slow_world(codec, Path::CLEAN, 21);
        for cut in 0..20_u32 {
            let asked = world.now;
            world.cut_to(cut % 2);
            world.run(Duration::from_millis(1_700 + u64::from(cut) * 61));
            let shown: Vec<_> = world.receiver.shown.iter().filter(|shown| shown.at > asked).collect();
            // What was on its way may still come.
            let first = shown.iter().position(|shown| shown.tag.track == cut % 2).unwrap();
            let new = &shown[first..];
            assert!(new.iter().all(|shown| shown.tag.track == cut % 2), "nothing of the old source after it");
            // One step of the world, 10 ms of the line.
            assert!(new[0].at.since(asked) <= Duration::from_millis(11), "{:?}", new[0].at.since(asked));
            assert!(new[0].tag.key && new.windows(2).all(|pair| pair[1].tag.frame == pair[0].tag.frame + 1));
            // What was captured before the cut lies close together, the rest as it was captured.
            let from = new.iter().position(|shown| shown.tag.capture >= asked.micros()).unwrap();
            let (before, after) = new.split_at(from);
            let span = before.last().unwrap().timestamp.wrapping_sub(before[0].timestamp);
            assert!(span <= 90_000 * 5 / 32, "{span}");
            assert!(after.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == 45_000));
        }
        assert_eq!(world.cuts.len(), 20);
    }
}

#[test]
fn a_crowd_looks_at_the_last_keyframe_of_a_slow_source_until_the_next() {
    for codec in [Codec::H264, Codec::Vp8] {
        let mut world = slow(World::crowded(codec, 2, Path::CLEAN, 23));
        let (mut halts, mut base) = (0, None);
        for cut in 0..20_u32 {
            let asked = world.now;
            world.cut_to(cut % 2);
            world.run(Duration::from_millis(2_200 + u64::from(cut) * 61));
            let shown: Vec<_> = world.receiver.shown.iter().filter(|shown| shown.at > asked).collect();
            let first = shown.iter().position(|shown| shown.tag.track == cut % 2).unwrap();
            let new = &shown[first..];
            assert!(new.iter().all(|shown| shown.tag.track == cut % 2), "nothing of the old source after it");
            assert!(new[0].at.since(asked) <= Duration::from_millis(11), "{:?}", new[0].at.since(asked));
            assert!(new[0].tag.key && new[1].at.since(asked) <= Duration::from_millis(520));
            let halted = new[1].tag.frame != new[0].tag.frame + 1;
            assert!(!halted || new[1].tag.key, "what follows a keyframe that was left needs it");
            halts += u32::from(halted);
            assert!(new[1..].windows(2).all(|pair| pair[1].tag.frame == pair[0].tag.frame + 1));
            // What was captured since is where it belongs, as after every other cut.
            for shown in new.iter().filter(|shown| shown.tag.capture >= asked.micros()) {
                let ideal = (shown.tag.capture * 9 / 100) as u32;
                let base = *base.get_or_insert(shown.timestamp.wrapping_sub(ideal));
                let off = shown.timestamp.wrapping_sub(ideal).wrapping_sub(base).cast_signed();
                assert!(off.abs() <= 90 * 12, "{off}");
            }
        }
        assert!((5..=15).contains(&halts), "{halts} of 20");
    }
}

#[test]
fn a_keyframe_that_a_crowd_looks_at_is_sent_again() {
    for seed in 40..44 {
        let mut world = slow(World::crowded(Codec::H264, 2, LOSSY, seed));
        let mut late = 0;
        for cut in 0..40_u32 {
            let asked = world.now;
            world.cut_to(cut % 2);
            world.run(Duration::from_millis(2_300));
            let mut shown = world.receiver.shown.iter();
            let first = shown.find(|shown| shown.at > asked && shown.tag.track == cut % 2).unwrap();
            late += u32::from(first.at.since(asked) > Duration::from_millis(200));
        }
        assert!(late <= 12, "{late} of 40 cuts waited for the next frame");
        let stats = world.shard.stats();
        assert!(stats.nacks_missed * 10 <= stats.rtx_out, "{stats:?}");
    }
}

#[test]
fn packets_that_a_line_began_with_are_sent_again_though_they_are_old() {
    for seed in 30..36 {
        let mut world = slow_world(Codec::H264, LOSSY, seed);
        let mut late = 0;
        for cut in 0..40_u32 {
            let asked = world.now;
            world.cut_to(cut % 2);
            world.run(Duration::from_millis(2_300));
            let mut shown = world.receiver.shown.iter();
            let first = shown.find(|shown| shown.at > asked && shown.tag.track == cut % 2).unwrap();
            // 20 ms and 5 of jitter; a lost packet comes back within 60, if another follows it.
            late += u32::from(first.at.since(asked) > Duration::from_millis(200));
        }
        assert!(late <= 8, "{late} of 40 cuts waited for the next frame");
        let stats = world.shard.stats();
        assert!(stats.rtx_out > 20, "the line was bad");
        assert!(stats.nacks_missed * 10 <= stats.rtx_out, "{stats:?}");
    }
}

/// One publisher with a camera of two layers, and a shard.
struct Post {
    now: Time,
    shard: Shard,
    publisher: Publisher,
    camera: Camera,
    viewers: u32,
}

impl Post {
    fn new() -> Self {
        let now = Time::from_millis(1_000);
        let mut config = ShardConfig::new(WallClock { unix_micros: 0 });
        config.cuts = CutPolicy { low_first_above: 20, spread: Duration::from_secs(1) };
        let mut shard = Shard::new(config);
        let mut publisher = Publisher::new();
        for id in 0..2 {
            let spec =
                TrackSpec { id: TrackId(id), publisher: PublisherId(0), party: None, codec: Codec::H264 };
            shard.set_track(spec, now);
            publisher.add_track(TrackId(id), Codec::H264, 2);
        }
        shard.set_program(PROGRAM, Program { slots: vec![Slot::default()], mics: Vec::new() }, now);
        Self { now, shard, publisher, camera: Camera::new(0, Codec::H264, 2, 11), viewers: 0 }
    }

    fn viewer(&mut self) -> ViewerKey {
        self.viewers += 2;
        let config = ViewerConfig {
            party: None,
            codecs: vec![Codec::H264],
            ceiling: Layer::TOP,
            audio: Vec::new(),
            video: vec![line(100 + self.viewers, 5)],
        };
        let key = self.shard.add_viewer(&config, self.now);
        self.shard.attach(key, Some(PROGRAM), self.now);
        key
    }

    /// A frame 100 ms later, without its first `skip` packets; lines it went to.
    fn frame(&mut self, layer: u8, key: bool, skip: usize) -> Vec<ViewerKey> {
        self.now = self.now + Duration::from_millis(100);
        if key {
            self.camera.want_keyframe(Layer(layer));
        }
        let source = Source { track: TrackId(0), layer: Layer(layer) };
        let mut batch: Vec<_> = self
            .camera
            .frame(usize::from(layer), self.now)
            .into_iter()
            .skip(skip)
            .filter_map(|rtp| self.publisher.ingest(source, rtp, self.now).ok())
            .collect();
        let mut out = Vec::new();
        self.shard.forward(&mut batch, self.now, |packet| out.push(packet.viewer));
        out.dedup();
        out
    }

    fn cut(&mut self) {
        let to = Slot { track: Some(TrackId(0)), alternate: None };
        assert!(self.shard.set_slot(PROGRAM, 0, to, self.now));
    }

    /// Viewers that begin, `most` at a time, and on which layer.
    fn open(&mut self, most: usize) -> Vec<(ViewerKey, u8)> {
        struct Seen(Vec<(ViewerKey, u8)>);
        impl Sink for &mut Seen {
            fn packet(&mut self, out: OutPacket<'_>) {
                self.0.push((out.viewer, out.packet.source.layer.0));
            }
        }
        let (mut batch, mut seen) = (Vec::new(), Seen(Vec::new()));
        if self.shard.next_opening(&mut batch, self.now) {
            self.shard.open_to(&batch, most, self.now, &mut &mut seen);
        }
        assert!(seen.0.is_empty() || seen.0.len().is_multiple_of(batch.len()), "whole openings");
        seen.0.dedup();
        seen.0
    }

    fn needs(&mut self) -> Vec<(u8, KeyframeReason)> {
        std::iter::from_fn(|| self.shard.poll_keyframe_need())
            .map(|need| (need.source.layer.0, need.reason))
            .collect()
    }
}

#[test]
fn many_lines_begin_some_at_a_time_without_a_request_and_the_cut_counts_them() {
    let mut post = Post::new();
    let viewers: Vec<_> = (0..10).map(|_| post.viewer()).collect();
    post.frame(0, true, 0);
    post.frame(0, false, 0);
    post.cut();
    assert!(post.needs().is_empty());
    let mut began = Vec::new();
    for _ in 0..3 {
        began.extend(post.open(4).into_iter().map(|(viewer, _)| viewer));
    }
    assert_eq!(began, viewers);
    assert!(post.open(4).is_empty() && !post.shard.has_openings());
    assert_eq!(post.frame(0, false, 0).len(), 10, "and go on");
    post.shard.tick(post.now);
    assert!(std::iter::from_fn(|| post.shard.poll_event()).any(|event| matches!(
        event,
        ShardEvent::SlotShown { track: Some(TrackId(0)), lines: 10, missing: 0, .. }
    )));
    assert!(post.needs().is_empty());
}

#[test]
fn a_crowd_begins_with_a_keyframe_alone_and_otherwise_asks_for_one() {
    for (frames, begins) in [(1, true), (2, false)] {
        // Ten pictures a second: the next one is worth its wait.
        let mut post = Post::new();
        let viewers: Vec<_> = (0..30).map(|_| post.viewer()).collect();
        for frame in 0..frames {
            post.frame(0, frame == 0, 0);
        }
        post.cut();
        assert_eq!(post.needs().is_empty(), begins);
        assert_eq!(post.open(100).len(), if begins { viewers.len() } else { 0 });
        // Who comes then is no crowd.
        let last = post.viewer();
        assert_eq!(post.open(100), [(last, 0)]);
    }
}

#[test]
fn a_crowd_that_looks_at_a_keyframe_is_sent_nothing_before_the_next_and_the_cut_is_done() {
    let mut post = Post::new();
    let viewers: Vec<_> = (0..30).map(|_| post.viewer()).collect();
    post.frame(0, true, 0);
    post.now = post.now + Duration::from_millis(400);
    post.frame(0, false, 0);
    post.cut();
    // Once, and at once.
    assert_eq!(post.needs(), [(0, KeyframeReason::Cut)]);
    assert_eq!(post.open(20).len() + post.open(20).len(), viewers.len());
    post.shard.tick(post.now);
    assert!(std::iter::from_fn(|| post.shard.poll_event()).any(|event| matches!(
        event,
        ShardEvent::SlotShown { track: Some(TrackId(0)), lines: 30, missing: 0, .. }
    )));
    assert!(post.frame(0, false, 0).is_empty(), "it follows what they have not got");
    assert_eq!(post.frame(0, true, 0), viewers);
    assert_eq!(post.frame(0, false, 0), viewers);
    assert!(post.needs().is_empty());
}

#[test]
fn a_line_that_looks_at_a_keyframe_asks_again_for_the_next_and_may_be_cut_away() {
    let mut post = Post::new();
    let viewers: Vec<_> = (0..30).map(|_| post.viewer()).collect();
    post.frame(0, true, 0);
    post.now = post.now + Duration::from_millis(400);
    post.frame(0, false, 0);
    post.cut();
    post.needs();
    assert_eq!(post.open(100).len(), viewers.len());
    for _ in 0..2 {
        post.now = post.now + Duration::from_secs(1);
        post.shard.tick(post.now);
    }
    assert_eq!(post.needs(), [(0, KeyframeReason::Loss)]);
    let nothing = Slot { track: Some(TrackId(1)), alternate: None };
    assert!(post.shard.set_slot(PROGRAM, 0, nothing, post.now));
    assert!(post.frame(0, true, 0).is_empty(), "another source is wanted");
    post.cut();
    assert_eq!(post.frame(0, true, 0), viewers);
}

#[test]
fn who_comes_begins_with_the_picture_that_the_others_have() {
    let mut post = Post::new();
    let first = post.viewer();
    post.cut();
    post.needs();
    assert_eq!(post.frame(0, true, 0), [first]);
    let second = post.viewer();
    assert!(post.needs().is_empty());
    assert_eq!(post.open(8), [(second, 0)]);
    // One that went before its turn is nobody's.
    let third = post.viewer();
    post.shard.remove_viewer(third);
    assert!(post.open(8).is_empty());
    assert_eq!(post.frame(0, false, 0), [first, second]);
}

#[test]
fn where_what_was_at_hand_is_broken_before_its_turn_a_keyframe_is_asked() {
    let mut post = Post::new();
    let viewer = post.viewer();
    post.frame(0, true, 0);
    post.cut();
    assert!(post.needs().is_empty());
    // A keyframe of which the first packets are lost on their way here.
    while post.frame(0, true, 3).is_empty() && post.now < Time::from_millis(1_300) {}
    assert!(post.open(8).is_empty());
    assert_eq!(post.needs(), [(0, KeyframeReason::Cut)]);
    assert_eq!(post.frame(0, true, 0), [viewer]);
}

#[test]
fn who_has_nothing_begins_with_a_small_picture_and_asks_for_the_large_one() {
    let mut post = Post::new();
    for at in 0..15 {
        post.frame(0, at == 14, 0);
        post.frame(1, at == 0, 0);
    }
    post.cut();
    let viewer = post.viewer();
    assert_eq!(post.needs(), [(1, KeyframeReason::Join)]);
    assert_eq!(post.open(8), [(viewer, 0)]);
    assert_eq!(post.frame(0, false, 0), [viewer]);
    assert_eq!(post.frame(1, true, 0), [viewer]);
    assert!(post.frame(0, true, 0).is_empty());
    // It shows the track: the other layer is waited for, however little it were.
    post.shard.set_ceiling(viewer, Layer::LOW, post.now);
    assert!(!post.shard.has_openings());
    assert_eq!(post.needs(), [(0, KeyframeReason::Join)]);
}

#[test]
fn an_opening_takes_no_more_than_its_bounds() {
    let mut opening = Opening::default();
    let mut camera = Camera::new(0, Codec::H264, 1, 3);
    let mut publisher = Publisher::new();
    publisher.add_track(TrackId(0), Codec::H264, 1);
    let mut most = 0;
    for at in 0..2_000_u64 {
        let now = Time::from_millis(1_000 + at * 40);
        if at % 97 == 0 {
            camera.want_keyframe(Layer::LOW);
        }
        let source = Source { track: TrackId(0), layer: Layer::LOW };
        for rtp in camera.frame(0, now) {
            opening.push(&publisher.ingest(source, rtp, now).unwrap());
        }
        most = most.max(opening.ready(now).map_or(0, <[_]>::len));
    }
    assert!((12..=256).contains(&most), "{most}");
}
