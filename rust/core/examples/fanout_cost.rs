//! What the deciding costs, without encryption and sockets: `cargo run --release -p diemcau-core --example fanout_cost`.
//! Prints nanoseconds per packet per viewer, microseconds per cut of all viewers, and bytes per viewer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_core::line::LineConfig;
use diemcau_core::shard::ShardConfig;
use diemcau_core::track::RtpIn;
use diemcau_core::*;

const PROGRAM: ProgramId = ProgramId(1);
const FRAMES: u32 = 400;

fn main() {
    println!("{:>8} {:>18} {:>14}", "viewers", "ns/packet/viewer", "us/cut of all");
    for viewers in [100, 1_000, 5_000, 10_000] {
        let (forward, cut) = measure(viewers);
        println!("{viewers:>8} {forward:>18.1} {cut:>14.0}");
    }
    println!("a line is {} bytes", std::mem::size_of::<Line>());
}

fn measure(viewers: u32) -> (f64, f64) {
    let mut now = Time::from_millis(1);
    let mut shard = Shard::new(ShardConfig::new(WallClock { unix_micros: 0 }));
    let mut publisher = Publisher::new();
    for id in 0..2 {
        publisher.add_track(TrackId(id), Codec::Vp8, 1);
        let spec = TrackSpec { id: TrackId(id), publisher: PublisherId(id), party: None, codec: Codec::Vp8 };
        shard.set_track(spec, now);
    }
    shard.set_program(PROGRAM, Program::default(), now);
    for viewer in 0..viewers {
        let line = |at: u32| LineConfig {
            ssrc: viewer * 100 + at,
            rtx_ssrc: Some(viewer * 100 + at + 50),
            first_sequence: 0,
            first_rtx_sequence: 0,
            first_timestamp: at,
        };
        let config = ViewerConfig {
            party: Some(PartyId(viewer)),
            codecs: vec![Codec::Vp8, Codec::Opus],
            ceiling: Layer::TOP,
            audio: (0..4).map(line).collect(),
            video: (4..8).map(line).collect(),
        };
        let key = shard.add_viewer(&config, now);
        shard.attach(key, Some(PROGRAM), now);
    }
    let mut sequence = [0_u16; 2];
    let (mut sent, mut sum) = (0_u64, 0_u64);
    let (mut forwarding, mut cutting) = (Duration::ZERO, Duration::ZERO);
    let mut cuts = 0;
    for frame in 0..FRAMES {
        now = now + Duration::from_millis(40);
        let track = frame / 100 % 2;
        let key = frame % 100 == 0;
        if key {
            let begin = Instant::now();
            shard.set_slot(PROGRAM, 0, Slot { track: Some(TrackId(track)), alternate: None }, now);
            cutting += begin.elapsed();
            cuts += 1;
        }
        let mut batch = Vec::new();
        for index in 0..3_u8 {
            let start = if index == 0 { 0x90 } else { 0x80 };
            let mut payload = vec![start, 0xe0, 0x80, frame as u8, frame as u8, 0x20, u8::from(!key)];
            payload.resize(1_150, 0);
            let number = &mut sequence[track as usize];
            *number = number.wrapping_add(1);
            let rtp = RtpIn {
                sequence: *number,
                timestamp: frame * 3_600,
                marker: index == 2,
                audio_level: None,
                payload: Arc::from(payload),
            };
            let source = Source { track: TrackId(track), layer: Layer::LOW };
            batch.extend(publisher.ingest(source, rtp, now));
        }
        let begin = Instant::now();
        shard.forward(&mut batch, now, |packet| {
            sent += 1;
            sum = sum.wrapping_add(packet.header.index ^ u64::from(packet.header.timestamp));
        });
        forwarding += begin.elapsed();
    }
    assert_eq!(sent, u64::from(viewers) * 3 * u64::from(FRAMES), "all of it went out ({sum})");
    (forwarding.as_nanos() as f64 / sent as f64, cutting.as_micros() as f64 / f64::from(cuts))
}
