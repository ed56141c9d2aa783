//! Lips and voice stay together across cuts, whatever clocks the publishers have.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::camera::{Camera, Tag};
use common::net::{Net, Path};
use common::world::line;
use diemcau_core::shard::ShardConfig;
use diemcau_core::track::RtpIn;
use diemcau_core::*;

const PROGRAM: ProgramId = ProgramId(7);
const WALL: WallClock = WallClock { unix_micros: 1_700_000_000_123_456 };

/// A site: camera and microphone on one clock that is not the node's.
struct Site {
    publisher: Publisher,
    camera: Camera,
    mic: Camera,
    net: Net<Up>,
    /// Its NTP clock minus the node's, microseconds.
    ahead: i64,
    phase: u64,
}

#[derive(Clone)]
enum Up {
    Rtp(Source, RtpIn),
    Report(Source, i64, u32),
}

/// A packet as the viewer places it in time.
struct Placed {
    audio: bool,
    site: u32,
    at: Time,
    /// Error of the capture time by the line's last sender report, and by the line's first timestamp alone;
    /// microseconds.
    by_report: i64,
    by_line: i64,
}

struct Stage {
    now: Time,
    sites: Vec<Site>,
    shard: Shard,
    viewer: ViewerKey,
    reports: HashMap<u32, LineReport>,
    placed: Vec<Placed>,
    /// Cuts that began with what came before.
    openings: u32,
}

impl Stage {
    fn new(with_reports: bool) -> Self {
        let now = Time::from_millis(5_000);
        let mut shard = Shard::new(ShardConfig::new(WALL));
        let mut sites = Vec::new();
        let settings = [(10, -3_600_000_000_000_i64, 0), (60, 7_777_777, 17), (150, 86_400_000_000, 29)];
        for (at, (delay, ahead, phase)) in settings.into_iter().enumerate() {
            let (video, audio) = (at as u32, at as u32 + 10);
            let mut publisher = Publisher::new();
            for (id, codec) in [(video, Codec::H264), (audio, Codec::Opus)] {
                publisher.add_track(TrackId(id), codec, 1);
                let spec = TrackSpec {
                    id: TrackId(id),
                    publisher: PublisherId(at as u32),
                    party: Some(PartyId(at as u32)),
                    codec,
                };
                shard.set_track(spec, now);
            }
            let path = Path {
                loss: 0.0,
                double: 0.0,
                delay: Duration::from_millis(delay),
                jitter: Duration::from_millis(12),
            };
            sites.push(Site {
                publisher,
                camera: Camera::new(video, Codec::H264, 1, 40),
                mic: Camera::new(audio, Codec::Opus, 1, 50),
                net: Net::new(path, at as u64),
                ahead: if with_reports { ahead } else { i64::MIN },
                phase,
            });
        }
        let mics = vec![TrackId(10), TrackId(11), TrackId(12)];
        shard.set_program(PROGRAM, Program { slots: vec![Slot::default()], mics }, now);
        let config = ViewerConfig {
            party: None,
            codecs: vec![Codec::H264, Codec::Opus],
            ceiling: Layer::TOP,
            audio: vec![line(100, 1)],
            video: vec![line(200, 2)],
        };
        let viewer = shard.add_viewer(&config, now);
        shard.attach(viewer, Some(PROGRAM), now);
        Self { now, sites, shard, viewer, reports: HashMap::new(), placed: Vec::new(), openings: 0 }
    }

    fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now = self.now + Duration::from_millis(1);
            self.publish();
            self.forward();
            if self.now.micros().is_multiple_of(1_000_000) {
                self.report();
            }
            if self.now.micros().is_multiple_of(50_000) {
                self.shard.tick(self.now);
            }
            while let Some(need) = self.shard.poll_keyframe_need() {
                self.sites[need.source.track.0 as usize].camera.want_keyframe(need.source.layer);
            }
        }
    }

    fn publish(&mut self) {
        let millis = self.now.micros() / 1_000;
        for site in &mut self.sites {
            // The camera's encoder takes 120 ms; 60 ms of sound are sent when the last of it was spoken.
            if millis % 40 == site.phase {
                let source = Source { track: site.camera.track, layer: Layer::LOW };
                for packet in site.camera.frame(0, self.now - Duration::from_millis(120)) {
                    site.net.send(Up::Rtp(source, packet), self.now);
                }
            }
            if millis % 60 == site.phase {
                let source = Source { track: site.mic.track, layer: Layer::LOW };
                for packet in site.mic.frame(0, self.now - Duration::from_millis(65)) {
                    site.net.send(Up::Rtp(source, packet), self.now);
                }
            }
            if millis % 1_000 == 400 + site.phase && site.ahead != i64::MIN {
                let ntp = self.now.micros().cast_signed() + site.ahead;
                for camera in [&site.camera, &site.mic] {
                    let source = Source { track: camera.track, layer: Layer::LOW };
                    site.net.send(Up::Report(source, ntp, camera.timestamp(0, self.now)), self.now);
                }
            }
        }
    }

    fn forward(&mut self) {
        let mut batch = Vec::new();
        for site in &mut self.sites {
            for up in site.net.arrived(self.now) {
                match up {
                    Up::Rtp(source, rtp) => batch.extend(site.publisher.ingest(source, rtp, self.now)),
                    Up::Report(source, ntp, timestamp) => {
                        site.publisher.sender_report(source, ntp, timestamp);
                    }
                }
            }
        }
        let mut out = Vec::new();
        self.shard.forward(&mut batch, self.now, |packet| out.push((packet.header, packet.packet.clone())));
        self.place(out);
        let mut opened = Vec::new();
        self.shard.open_all(self.now, |packet| opened.push((packet.header, packet.packet.clone())));
        if let Some(last) = opened.last().map(|(header, _)| header.timestamp) {
            self.openings += 1;
            self.report();
            // The frames before its last are shown for a moment: their time is squeezed.
            opened.retain(|(header, _)| header.timestamp == last);
        }
        self.place(opened);
    }

    fn place(&mut self, out: Vec<(OutHeader, Arc<TrackPacket>)>) {
        if out.iter().any(|(header, _)| header.moved) {
            self.report();
        }
        for (header, packet) in out {
            let report = self.reports[&header.ssrc];
            let rate = header.codec.clock_rate();
            let tag = Tag::read(&packet.payload);
            let capture = Time::from_micros(tag.capture);
            let micros = |units: u32| i64::from(units.cast_signed()) * 1_000_000 / i64::from(rate);
            let by_report = micros_of(report.ntp) + micros(header.timestamp.wrapping_sub(report.timestamp));
            let first = line(header.ssrc, 0).first_timestamp;
            self.placed.push(Placed {
                audio: header.codec == Codec::Opus,
                site: tag.track % 10,
                at: self.now,
                by_report: by_report - tag.capture.cast_signed(),
                by_line: micros(header.timestamp.wrapping_sub(first).wrapping_sub(capture.ticks(rate))),
            });
        }
    }

    fn report(&mut self) {
        let mut reports = Vec::new();
        self.shard.sender_reports(self.viewer, self.now, |report| reports.push(report));
        self.reports.extend(reports.into_iter().map(|report| (report.ssrc, report)));
    }

    /// Largest distance of a frame from the sound nearest to it in time, of the same site.
    fn worst_skew(&self, from: Time, error: impl Fn(&Placed) -> i64) -> i64 {
        let frames = self.placed.iter().filter(|placed| !placed.audio && placed.at >= from);
        frames
            .filter_map(|frame| {
                let sounds = self.placed.iter().filter(|sound| sound.audio && sound.site == frame.site);
                let near = sounds.min_by_key(|sound| sound.at.diff(frame.at).abs())?;
                (near.at.diff(frame.at).abs() < 500_000).then(|| (error(frame) - error(near)).abs())
            })
            .max()
            .unwrap()
    }
}

/// Node time of an NTP timestamp.
fn micros_of(ntp: u64) -> i64 {
    let seconds = (ntp >> 32) - 2_208_988_800;
    let micros = seconds * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32);
    micros.cast_signed() - WALL.unix_micros.cast_signed()
}

fn stage_of(site: u32) -> Slot {
    Slot { track: Some(TrackId(site)), alternate: None }
}

#[test]
fn lips_and_voice_stay_within_20_ms_across_cuts() {
    let mut stage = Stage::new(true);
    // Warm: as line-up keeps the next speakers.
    stage.shard.set_slot(PROGRAM, 0, stage_of(0), stage.now);
    stage.run(6_000);
    let from = stage.now;
    for cut in 1..=30_u32 {
        let site = cut % 3;
        stage.shard.set_slot(PROGRAM, 0, stage_of(site), stage.now);
        stage.run(700 + u64::from(cut) * 37 % 300);
        let last: Vec<_> = stage.placed.iter().rev().take(8).collect();
        assert!(last.iter().all(|placed| placed.site == site), "cut {cut} is seen and heard");
        assert!(last.iter().any(|placed| placed.audio) && last.iter().any(|placed| !placed.audio));
    }
    let worst = stage.worst_skew(from, |placed| placed.by_report);
    assert!(worst <= 20_000, "lips and voice are {worst} us apart by the reports");
    // The first source began before its first report; two cuts later the timestamps alone do it too.
    let worst = stage.worst_skew(from + Duration::from_secs(2), |placed| placed.by_line);
    assert!(worst <= 20_000, "lips and voice are {worst} us apart by the timestamps");
}

#[test]
fn lips_and_voice_stay_together_where_a_cut_begins_with_what_came_before() {
    let mut stage = Stage::new(true);
    stage.shard.set_slot(PROGRAM, 0, stage_of(0), stage.now);
    stage.run(6_000);
    let from = stage.now;
    for cut in 1..=30_u32 {
        let site = cut % 3;
        stage.sites[site as usize].camera.want_keyframe(Layer::LOW);
        // So long later it has come, and few frames after it.
        stage.run([62, 112, 202][site as usize] + u64::from(cut) * 13 % 60);
        stage.shard.set_slot(PROGRAM, 0, stage_of(site), stage.now);
        stage.run(700);
        assert!(stage.placed.iter().rev().take(8).all(|placed| placed.site == site), "cut {cut}");
    }
    assert!(stage.openings >= 15, "{}", stage.openings);
    let worst = stage.worst_skew(from, |placed| placed.by_report);
    assert!(worst <= 20_000, "lips and voice are {worst} us apart by the reports");
}

#[test]
fn without_sender_reports_lips_are_as_far_off_as_the_encoders_no_more() {
    let mut stage = Stage::new(false);
    stage.shard.set_slot(PROGRAM, 0, stage_of(1), stage.now);
    stage.run(3_000);
    let worst = stage.worst_skew(Time::from_millis(6_000), |placed| placed.by_report);
    // 120 ms of the camera, 65 ms of the microphone, 12 ms of jitter.
    assert!((40_000..=75_000).contains(&worst), "{worst} us");
}

#[test]
fn the_first_sender_report_moves_timestamps_smoothly() {
    let mut stage = Stage::new(true);
    stage.shard.set_slot(PROGRAM, 0, stage_of(0), stage.now);
    stage.run(4_000);
    for audio in [true, false] {
        let errors: Vec<i64> = stage
            .placed
            .iter()
            .filter(|placed| placed.audio == audio)
            .map(|placed| placed.by_report)
            .collect();
        // 60 ms of slewing at 5 %, plus what one sender report is ahead of the next.
        assert!(errors.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 55_000), "{errors:?}");
    }
    let settled = stage.worst_skew(stage.now - Duration::from_millis(1_000), |placed| placed.by_report);
    assert!(settled <= 20_000, "{settled} us apart after three reports");
}
