//! What a shard decides: programs, parties, pins, layers, speakers, keyframe needs, feedback.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::camera::Camera;
use common::world::line;
use diemcau_core::layers::CutPolicy;
use diemcau_core::shard::ShardConfig;
use diemcau_core::*;

const PROGRAM: ProgramId = ProgramId(1);

/// Tracks 0 to 9: cameras of publishers 0 to 9 and parties 0 to 9 with two layers; 10 to 19 their microphones.
struct Hall {
    now: Time,
    shard: Shard,
    publisher: Publisher,
    tracks: Vec<Camera>,
}

/// Line and track of each packet that went out, by viewer.
type Out = Vec<(ViewerKey, u8, TrackId, Layer)>;

impl Hall {
    fn new(codec: Codec) -> Self {
        let now = Time::from_millis(1_000);
        let mut config = ShardConfig::new(WallClock { unix_micros: 0 });
        config.cuts = CutPolicy { low_first_above: 4, spread: Duration::from_secs(1) };
        let mut hall =
            Self { now, shard: Shard::new(config), publisher: Publisher::new(), tracks: Vec::new() };
        for id in 0..20_u32 {
            let (codec, layers) = if id < 10 { (codec, 2) } else { (Codec::Opus, 1) };
            hall.publisher.add_track(TrackId(id), codec, layers);
            hall.tracks.push(Camera::new(id, codec, usize::from(layers), 3));
            hall.announce(id, codec);
        }
        hall.shard.set_program(PROGRAM, Program::default(), now);
        hall
    }

    fn announce(&mut self, id: u32, codec: Codec) {
        let party = Some(PartyId(id % 10));
        let spec = TrackSpec { id: TrackId(id), publisher: PublisherId(id % 10), party, codec };
        self.shard.set_track(spec, self.now);
    }

    fn viewer(&mut self, party: Option<u32>, audio: u32, video: u32) -> ViewerKey {
        let config = ViewerConfig {
            party: party.map(PartyId),
            codecs: vec![Codec::H264, Codec::Opus],
            ceiling: Layer::TOP,
            audio: (0..audio).map(|at| line(100 + 2 * at, 5)).collect(),
            video: (0..video).map(|at| line(200 + 2 * at, 5)).collect(),
        };
        let key = self.shard.add_viewer(&config, self.now);
        self.shard.attach(key, Some(PROGRAM), self.now);
        key
    }

    fn slot(&mut self, slot: usize, track: u32, alternate: Option<u32>) {
        let to = Slot { track: Some(TrackId(track)), alternate: alternate.map(TrackId) };
        assert!(self.shard.set_slot(PROGRAM, slot, to, self.now));
    }

    fn mics(&mut self, mics: &[u32]) {
        assert!(self.shard.set_mics(PROGRAM, mics.iter().copied().map(TrackId).collect(), self.now));
    }

    /// One frame of a track on a layer, 20 ms later; keyframe or not.
    fn send(&mut self, track: u32, layer: u8, key: bool) -> Out {
        self.send_at_level(track, layer, key, 30)
    }

    fn send_at_level(&mut self, track: u32, layer: u8, key: bool, level: u8) -> Out {
        self.now = self.now + Duration::from_millis(20);
        let camera = &mut self.tracks[track as usize];
        if key {
            camera.want_keyframe(Layer(layer));
        }
        let source = Source { track: TrackId(track), layer: Layer(layer) };
        let mut batch = Vec::new();
        for mut rtp in camera.frame(usize::from(layer), self.now) {
            rtp.audio_level = rtp.audio_level.map(|_| level);
            batch.extend(self.publisher.ingest(source, rtp, self.now));
        }
        let mut out = Out::new();
        self.shard.forward(&mut batch, self.now, |packet| {
            out.push((packet.viewer, packet.line, packet.packet.source.track, packet.packet.source.layer));
        });
        out.dedup();
        out
    }

    fn needs(&mut self) -> Vec<(u32, u8, KeyframeReason)> {
        std::iter::from_fn(|| self.shard.poll_keyframe_need())
            .map(|need| (need.source.track.0, need.source.layer.0, need.reason))
            .collect()
    }

    fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        self.shard.tick(self.now);
    }
}

#[test]
fn a_cut_shows_the_new_track_from_its_keyframe_and_the_old_until_then() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 2);
    hall.slot(0, 0, None);
    hall.slot(1, 1, None);
    assert_eq!(hall.send(0, 0, true), [(viewer, 0, TrackId(0), Layer(0))]);
    assert_eq!(hall.send(1, 0, true), [(viewer, 1, TrackId(1), Layer(0))]);
    hall.slot(0, 2, None);
    assert_eq!(hall.send(0, 0, false).len(), 1, "the old goes on");
    hall.send(2, 0, true);
    hall.tracks[2].frame(0, hall.now);
    assert_eq!(hall.send(2, 0, false).len(), 1);
    assert!(hall.send(0, 0, true).is_empty(), "the old is dropped");
    let shown: Vec<_> = std::iter::from_fn(|| hall.shard.poll_event()).collect();
    hall.pass(50);
    let shown: Vec<_> = shown.into_iter().chain(std::iter::from_fn(|| hall.shard.poll_event())).collect();
    assert!(
        shown.iter().any(|event| matches!(event,
            ShardEvent::SlotShown { slot: 0, track: Some(TrackId(2)), lines: 1, missing: 0, first, asked, .. } if first > asked)),
        "{shown:?}"
    );
}

#[test]
fn the_speaker_sees_the_alternate_and_hears_the_others() {
    let mut hall = Hall::new(Codec::H264);
    let (speaker, other) = (hall.viewer(Some(3), 2, 1), hall.viewer(Some(4), 2, 1));
    hall.mics(&[13, 10, 11]);
    hall.slot(0, 3, Some(0));
    assert_eq!(hall.send(3, 0, true), [(other, 2, TrackId(3), Layer(0))]);
    assert_eq!(hall.send(0, 0, true), [(speaker, 2, TrackId(0), Layer(0))]);
    // The stage's microphone is line 0; the speaker gets the reserve there.
    let heard: Vec<_> = [13, 10, 11].into_iter().flat_map(|mic| hall.send(mic, 0, true)).collect();
    assert!(heard.contains(&(other, 0, TrackId(13), Layer(0))), "{heard:?}");
    assert!(!heard.iter().any(|(viewer, _, track, _)| *viewer == speaker && *track == TrackId(13)));
    let mut lines: Vec<_> = heard.iter().filter(|out| out.0 == speaker).map(|out| (out.1, out.2.0)).collect();
    lines.sort_unstable();
    assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_pinned_line_stays_at_its_track_and_comes_back_to_the_program() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 1, 2);
    hall.slot(1, 1, None);
    hall.shard.pin(viewer, 1, Some(TrackId(5)), Layer::LOW, hall.now);
    assert!(hall.needs().contains(&(5, 0, KeyframeReason::Cut)));
    assert_eq!(hall.send(5, 0, true), [(viewer, 2, TrackId(5), Layer(0))]);
    hall.slot(1, 2, None);
    assert!(hall.send(2, 0, true).is_empty());
    hall.send(5, 1, true);
    assert!(hall.send(5, 1, true).is_empty(), "its ceiling holds");
    hall.shard.pin(viewer, 1, None, Layer::TOP, hall.now);
    assert_eq!(hall.send(2, 0, true), [(viewer, 2, TrackId(2), Layer(0))]);
    // Nonsense does nothing.
    hall.shard.pin(viewer, usize::MAX, Some(TrackId(5)), Layer::TOP, hall.now);
    hall.shard.pin(ViewerKey { index: 99, generation: 0 }, 0, None, Layer::TOP, hall.now);
}

#[test]
fn a_line_that_shows_a_picture_keeps_it_until_the_layer_it_wants_begins() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 1);
    for track in [0, 1] {
        hall.send(track, 0, true);
        hall.send(track, 1, true);
    }
    hall.slot(0, 0, None);
    hall.send(0, 0, true);
    hall.send(0, 1, true);
    hall.slot(0, 1, None);
    assert!(hall.send(1, 0, true).is_empty(), "one cut is one keyframe where there is a picture already");
    assert_eq!(hall.send(1, 1, true), [(viewer, 0, TrackId(1), Layer(1))]);
}

#[test]
fn the_ceiling_moves_a_line_between_layers_at_keyframes() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 1);
    hall.send(0, 0, true);
    hall.send(0, 1, true);
    hall.slot(0, 0, None);
    assert_eq!(hall.send(0, 0, true), [(viewer, 0, TrackId(0), Layer(0))], "a small picture beats none");
    assert_eq!(
        hall.send(0, 1, true),
        [(viewer, 0, TrackId(0), Layer(1))],
        "the high layer is there and allowed"
    );
    assert!(hall.send(0, 0, true).is_empty(), "it has the high layer");
    hall.shard.set_ceiling(viewer, Layer::LOW, hall.now);
    assert_eq!(hall.send(0, 1, false).len(), 1, "until the keyframe");
    assert_eq!(hall.send(0, 0, true), [(viewer, 0, TrackId(0), Layer(0))]);
    assert!(hall.send(0, 1, true).is_empty());
}

#[test]
fn a_layer_that_falls_silent_is_replaced_by_one_that_is_sent() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 1);
    hall.slot(0, 0, None);
    hall.send(0, 0, true);
    hall.send(0, 1, true);
    assert_eq!(hall.send(0, 1, true), [(viewer, 0, TrackId(0), Layer(1))]);
    for _ in 0..70 {
        hall.send(0, 0, false);
        hall.shard.tick(hall.now);
    }
    assert!(hall.needs().iter().any(|(track, layer, _)| (*track, *layer) == (0, 0)));
    assert_eq!(hall.send(0, 0, true), [(viewer, 0, TrackId(0), Layer(0))]);
}

#[test]
fn a_cut_of_many_goes_out_low_first_and_is_promoted_in_turn() {
    let mut hall = Hall::new(Codec::H264);
    let viewers: Vec<_> = (0..10).map(|_| hall.viewer(None, 0, 1)).collect();
    for at in 0..15 {
        hall.send(0, 0, at == 0);
        hall.send(0, 1, at == 0);
    }
    hall.needs();
    hall.slot(0, 0, None);
    assert_eq!(hall.needs(), [(0, 0, KeyframeReason::Cut)], "one need for ten lines");
    assert_eq!(hall.send(0, 0, true).len(), viewers.len());
    assert!(hall.send(0, 1, true).is_empty());
    hall.pass(470);
    assert_eq!(hall.send(0, 1, true).len(), 5, "half of them after half the time");
    assert_eq!(hall.send(0, 0, false).len(), 5);
    hall.pass(600);
    assert_eq!(hall.send(0, 1, true).len(), 10);
    assert!(hall.send(0, 0, true).is_empty());
}

#[test]
fn needs_of_many_viewers_are_one_need() {
    let mut hall = Hall::new(Codec::H264);
    let viewers: Vec<_> = (0..50).map(|_| hall.viewer(None, 0, 1)).collect();
    hall.slot(0, 0, None);
    hall.send(0, 0, true);
    hall.needs();
    hall.pass(300);
    for viewer in &viewers {
        hall.shard.on_keyframe_request(*viewer, 200, hall.now);
        hall.shard.on_keyframe_request(*viewer, 999, hall.now);
    }
    assert_eq!(hall.needs(), [(0, 0, KeyframeReason::Loss)]);
    assert_eq!(hall.shard.stats().keyframe_requests_in, 100);
}

#[test]
fn a_line_that_waits_keeps_asking() {
    let mut hall = Hall::new(Codec::H264);
    hall.viewer(None, 0, 1);
    hall.slot(0, 0, None);
    assert_eq!(hall.needs().len(), 1);
    hall.pass(1_100);
    assert_eq!(hall.needs(), [(0, 0, KeyframeReason::Loss)]);
    hall.pass(1_100);
    assert_eq!(hall.needs().len(), 1);
}

#[test]
fn a_slot_may_name_a_track_before_it_comes_and_after_it_went() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 1);
    hall.slot(0, 0, None);
    assert_eq!(hall.send(0, 0, true).len(), 1);
    hall.shard.remove_track(TrackId(1), hall.now);
    hall.slot(0, 1, None);
    assert_eq!(hall.send(0, 0, false).len(), 1, "what is shown goes on meanwhile");
    assert!(hall.send(1, 0, true).is_empty(), "not announced, not taken");
    assert!(hall.shard.stats().unknown_in > 0);
    hall.needs();
    hall.announce(1, Codec::H264);
    assert_eq!(hall.needs(), [(1, 0, KeyframeReason::Cut)], "asked as soon as it is there");
    assert_eq!(hall.send(1, 0, true), [(viewer, 0, TrackId(1), Layer(0))]);
    hall.shard.remove_track(TrackId(1), hall.now);
    hall.announce(1, Codec::H264);
    assert!(hall.send(1, 0, false).is_empty(), "it begins with a keyframe again");
    assert_eq!(hall.send(1, 0, true).len(), 1);
}

#[test]
fn a_viewer_that_cannot_decode_is_told_of_and_sent_nothing() {
    let mut hall = Hall::new(Codec::Vp8);
    let viewer = hall.viewer(None, 0, 1);
    hall.slot(0, 0, None);
    assert!(hall.send(0, 0, true).is_empty());
    let told: Vec<_> = std::iter::from_fn(|| hall.shard.poll_event())
        .filter(|event| matches!(event, ShardEvent::Undecodable { .. }))
        .collect();
    assert_eq!(told, [ShardEvent::Undecodable { viewer, line: 0, track: TrackId(0) }]);
}

#[test]
fn a_closed_microphone_is_heard_for_no_packet_more() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 1, 0);
    hall.mics(&[10]);
    assert_eq!(hall.send(10, 0, true), [(viewer, 0, TrackId(10), Layer(0))]);
    hall.mics(&[]);
    assert!(hall.send(10, 0, true).is_empty());
}

#[test]
fn the_loudest_are_heard_each_on_a_line_of_its_own() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 2, 0);
    hall.mics(&[10, 11, 12, 13, 14]);
    // 13 and 14 speak; the others are open and quiet.
    for _ in 0..60 {
        for (mic, level) in [(10, 90), (11, 90), (12, 90), (13, 25), (14, 30)] {
            hall.send_at_level(mic, 0, true, level);
        }
        hall.shard.tick(hall.now);
    }
    let heard = |hall: &mut Hall| {
        let mut heard: Vec<_> = (10..15).flat_map(|mic| hall.send_at_level(mic, 0, true, 40)).collect();
        heard.sort_unstable_by_key(|out| out.1);
        heard
    };
    let first = heard(&mut hall);
    assert_eq!(first.len(), 2);
    assert!(
        first.iter().all(|out| out.0 == viewer && [TrackId(13), TrackId(14)].contains(&out.2)),
        "{first:?}"
    );
    assert_eq!(heard(&mut hall), first, "and keep their lines");
    let speaking = std::iter::from_fn(|| hall.shard.poll_event()).last();
    assert_eq!(
        speaking,
        Some(ShardEvent::Speaking { program: PROGRAM, tracks: vec![TrackId(13), TrackId(14)] })
    );
}

#[test]
fn a_shard_without_viewers_answers_a_cut_and_tells_who_speaks() {
    let mut hall = Hall::new(Codec::H264);
    hall.slot(0, 1, None);
    hall.mics(&[11]);
    for _ in 0..30 {
        hall.send_at_level(11, 0, true, 20);
        hall.shard.tick(hall.now);
    }
    let told: Vec<_> = std::iter::from_fn(|| hall.shard.poll_event()).collect();
    assert!(matches!(told[0], ShardEvent::SlotShown { slot: 0, lines: 0, missing: 0, .. }), "{told:?}");
    assert_eq!(told[1..], [ShardEvent::Speaking { program: PROGRAM, tracks: vec![TrackId(11)] }]);
    assert_eq!(hall.shard.levels(hall.now).collect::<Vec<_>>(), [(TrackId(11), -20)]);
}

fn heard(fraction_lost: u8) -> Heard {
    Heard { ssrc: 100, fraction_lost, ..Heard::default() }
}

#[test]
fn audio_is_sent_twice_to_a_viewer_that_loses_much_until_it_is_calm() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 1, 0);
    hall.mics(&[10]);
    let repeats = |hall: &mut Hall| {
        hall.now = hall.now + Duration::from_millis(60);
        let rtp = hall.tracks[10].frame(0, hall.now).remove(0);
        let source = Source { track: TrackId(10), layer: Layer::LOW };
        let packet = hall.publisher.ingest(source, rtp, hall.now).unwrap();
        let mut repeat = None;
        hall.shard.forward(&mut [packet], hall.now, |packet| repeat = Some(packet.repeat));
        repeat.unwrap()
    };
    assert!(!repeats(&mut hall));
    hall.shard.on_receiver_report(viewer, &heard(20), hall.now);
    assert!(repeats(&mut hall));
    assert!((hall.shard.viewer_loss(viewer).unwrap() - 20.0 / 256.0).abs() < 1e-6);
    assert!((hall.shard.loss_p90() - 20.0 / 256.0).abs() < 1e-6);
    // Repetition hides the loss of sound from its reports, so that without video it is kept for a minute.
    for _ in 0..62 {
        hall.shard.on_receiver_report(viewer, &heard(0), hall.now);
        assert!(repeats(&mut hall) || hall.now.micros() > 61_000_000);
        hall.now = hall.now + Duration::from_secs(1);
    }
    assert!(!repeats(&mut hall));
}

#[test]
fn a_viewer_may_not_have_more_than_its_share_sent_again() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 1);
    hall.slot(0, 0, None);
    hall.send(0, 0, true);
    let mut sent = 0;
    let now = hall.now;
    hall.shard.on_nack(viewer, 200, (0..2_000).map(|_| 5), now, |_| sent += 1);
    assert_eq!(sent, 256);
    assert_eq!(hall.shard.stats().nacks_limited, 2_000 - 256);
    hall.shard.on_nack(viewer, 200, [4, 999, 65_535], now, |_| sent += 1);
    assert_eq!((sent, hall.shard.stats().nacks_missed), (256, 3), "never given out");
}

#[test]
fn viewers_come_and_go_and_their_places_are_used_again() {
    let mut hall = Hall::new(Codec::H264);
    hall.slot(0, 0, None);
    let mut keys = Vec::new();
    for round in 0..300_u32 {
        keys.push(hall.viewer(None, 1, 1));
        if round % 3 != 0 {
            let gone = keys.remove((round as usize * 7) % keys.len());
            hall.shard.remove_viewer(gone);
            hall.shard.remove_viewer(gone);
        }
        hall.slot(0, round % 10, None);
    }
    assert_eq!(hall.shard.viewer_count(), keys.len());
    hall.slot(0, 9, None);
    let mut seen: Vec<_> = hall.send(9, 0, true).into_iter().map(|out| out.0).collect();
    seen.sort_unstable();
    keys.sort_unstable();
    assert_eq!(seen, keys, "each exactly once");
    assert!(keys.iter().all(|key| key.index < 300));
}

#[test]
fn packets_of_several_sources_in_one_batch_are_told_apart() {
    let mut hall = Hall::new(Codec::H264);
    let viewer = hall.viewer(None, 0, 2);
    hall.slot(0, 0, None);
    hall.slot(1, 1, None);
    let mut batch: Vec<Arc<TrackPacket>> = Vec::new();
    let frames = [hall.tracks[0].frame(0, hall.now), hall.tracks[1].frame(0, hall.now)];
    let longest = frames.iter().map(Vec::len).max().unwrap();
    for at in (0..longest).rev() {
        for (track, frame) in frames.iter().enumerate() {
            let Some(rtp) = frame.get(at) else { continue };
            let source = Source { track: TrackId(track as u32), layer: Layer::LOW };
            batch.extend(hall.publisher.ingest(source, rtp.clone(), hall.now));
        }
    }
    let mut indices = Vec::new();
    hall.shard.forward(&mut batch, hall.now, |packet| indices.push((packet.line, packet.header.index)));
    let expected: Vec<_> = frames
        .iter()
        .enumerate()
        .flat_map(|(line, frame)| (0..frame.len() as u64).map(move |at| (line as u8, 5 + at)))
        .collect();
    assert_eq!(indices, expected, "in order, though they came backwards");
    let _ = viewer;
}
