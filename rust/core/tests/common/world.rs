//! Publishers, one shard and one viewer, joined by bad networks, in steps of a millisecond.

use std::collections::HashMap;
use std::time::Duration;

use diemcau_core::layers::CutPolicy;
use diemcau_core::line::LineConfig;
use diemcau_core::shard::ShardConfig;
use diemcau_core::track::RtpIn;
use diemcau_core::*;

use super::Random;
use super::camera::Camera;
use super::net::{Net, Path};
use super::receiver::{Received, VideoReceiver};

/// What leaves the node.
#[derive(Debug, Clone)]
pub struct Sent {
    pub ssrc: u32,
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    /// RTX only.
    pub original: Option<u16>,
}

pub struct World {
    pub now: Time,
    pub shard: Shard,
    pub publishers: Vec<(Publisher, Camera)>,
    pub viewer: ViewerKey,
    pub receiver: VideoReceiver,
    pub line: LineConfig,
    uplink: Net<(usize, u8, RtpIn)>,
    downlink: Net<Sent>,
    /// Payload by index, of all that went out on the line.
    pub sent: HashMap<u64, Vec<u8>>,
    pub rtx_sent: u64,
    last_rtx: Option<u64>,
    pub cuts: Vec<u64>,
    random: Random,
    /// Between two frames of a camera; 40 at first.
    pub interval_ms: u64,
}

pub const PROGRAM: ProgramId = ProgramId(1);

pub fn line(ssrc: u32, first_sequence: u16) -> LineConfig {
    LineConfig {
        ssrc,
        rtx_ssrc: Some(ssrc + 1),
        first_sequence,
        first_rtx_sequence: 0x7ff0,
        first_timestamp: ssrc.wrapping_mul(2_654_435_761),
    }
}

impl World {
    pub fn new(codec: Codec, cameras: u32, layers: usize, up: Path, down: Path, seed: u64) -> Self {
        let config = ShardConfig::new(WallClock { unix_micros: 1_700_000_000_000_000 });
        Self::of(config, codec, cameras, layers, up, down, seed)
    }

    /// The one viewer counts as a crowd.
    pub fn crowded(codec: Codec, cameras: u32, down: Path, seed: u64) -> Self {
        let mut config = ShardConfig::new(WallClock { unix_micros: 1_700_000_000_000_000 });
        config.cuts = CutPolicy { low_first_above: 0, spread: Duration::from_millis(10) };
        Self::of(config, codec, cameras, 1, Path::CLEAN, down, seed)
    }

    fn of(
        config: ShardConfig,
        codec: Codec,
        cameras: u32,
        layers: usize,
        up: Path,
        down: Path,
        seed: u64,
    ) -> Self {
        let now = Time::from_millis(1_000);
        let mut shard = Shard::new(config);
        let mut publishers = Vec::new();
        for id in 0..cameras {
            let mut publisher = Publisher::new();
            publisher.add_track(TrackId(id), codec, layers as u8);
            shard.set_track(
                TrackSpec { id: TrackId(id), publisher: PublisherId(id), party: None, codec },
                now,
            );
            publishers.push((publisher, Camera::new(id, codec, layers, seed)));
        }
        shard.set_program(PROGRAM, Program { slots: vec![Slot::default()], mics: Vec::new() }, now);
        let line = line(1_000, 0x7f00);
        let viewer = shard.add_viewer(
            &ViewerConfig {
                party: None,
                codecs: vec![codec],
                ceiling: Layer::TOP,
                audio: Vec::new(),
                video: vec![line],
            },
            now,
        );
        shard.attach(viewer, Some(PROGRAM), now);
        Self {
            now,
            shard,
            publishers,
            viewer,
            receiver: VideoReceiver::new(codec),
            line,
            uplink: Net::new(up, seed + 1),
            downlink: Net::new(down, seed + 2),
            sent: HashMap::new(),
            rtx_sent: 0,
            last_rtx: None,
            cuts: Vec::new(),
            random: Random::new(seed + 3),
            interval_ms: 40,
        }
    }

    pub fn cut_to(&mut self, track: u32) {
        let slot = Slot { track: Some(TrackId(track)), alternate: None };
        assert!(self.shard.set_slot(PROGRAM, 0, slot, self.now));
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now = self.now + Duration::from_millis(1);
        let now = self.now;
        let millis = now.micros() / 1_000;
        for (at, (_, camera)) in self.publishers.iter_mut().enumerate() {
            // Each publisher at its own phase.
            if millis % self.interval_ms == (at as u64 * 13) % self.interval_ms {
                for layer in 0..camera.layer_count() {
                    for packet in camera.frame(layer, now) {
                        if !self.uplink.send((at, layer as u8, packet.clone()), now)
                            && self.random.chance(0.98)
                        {
                            // The publisher's retransmission, late.
                            let back = Duration::from_millis(30 + self.random.below(60));
                            self.uplink.put((at, layer as u8, packet), now + back);
                        }
                    }
                }
            }
        }
        self.ingest();
        self.deliver();
        if millis.is_multiple_of(10) {
            self.feedback();
        }
        if millis.is_multiple_of(50) {
            self.shard.tick(now);
            for (publisher, _) in &mut self.publishers {
                publisher.tick(now);
            }
        }
        self.keyframes();
    }

    fn ingest(&mut self) {
        let mut batch = Vec::new();
        for (at, layer, rtp) in self.uplink.arrived(self.now) {
            let (publisher, camera) = &mut self.publishers[at];
            let source = Source { track: camera.track, layer: Layer(layer) };
            if let Ok(packet) = publisher.ingest(source, rtp, self.now) {
                batch.push(packet);
            }
        }
        let mut out = Vec::new();
        let mut sink = |packet: OutPacket<'_>| {
            let mut payload = vec![0; packet.payload_len()];
            packet.write_payload(&mut payload);
            out.push((packet.header, payload));
        };
        self.shard.forward(&mut batch, self.now, &mut sink);
        self.shard.open_all(self.now, &mut sink);
        for (header, payload) in out {
            assert_eq!(header.ssrc, self.line.ssrc);
            assert!(self.sent.insert(header.index, payload.clone()).is_none(), "an index given out twice");
            if header.cut {
                self.cuts.push(header.index);
            }
            let floor = self.cuts.last().copied().unwrap_or(0);
            assert!(header.index >= floor, "numbers went back across a cut");
            self.downlink.send(
                Sent {
                    ssrc: header.ssrc,
                    index: header.index,
                    timestamp: header.timestamp,
                    marker: header.marker,
                    payload,
                    original: None,
                },
                self.now,
            );
        }
    }

    fn deliver(&mut self) {
        for packet in self.downlink.arrived(self.now) {
            let sequence = packet.original.unwrap_or(packet.index as u16);
            let (timestamp, marker, payload) = (packet.timestamp, packet.marker, packet.payload);
            self.receiver.receive(Received { sequence, timestamp, marker, payload }, self.now);
        }
    }

    fn feedback(&mut self) {
        let lost = self.receiver.nacks(self.now);
        let mut out = Vec::new();
        self.shard.on_nack(self.viewer, self.line.ssrc, lost, self.now, |rtx| {
            let mut payload = vec![0; rtx.payload_len()];
            rtx.write_payload(&mut payload);
            out.push((rtx.header, rtx.osn, payload));
        });
        for (header, osn, payload) in out {
            assert_eq!(Some(header.ssrc), self.line.rtx_ssrc);
            assert!(
                self.last_rtx.is_none_or(|last| header.index == last + 1),
                "RTX numbers are its own, unbroken"
            );
            self.last_rtx = Some(header.index);
            self.rtx_sent += 1;
            assert_eq!(payload[..2], osn.to_be_bytes());
            let payload = payload[2..].to_vec();
            let index = self.index_of(osn);
            if let Some(before) = self.sent.get(&index) {
                assert_eq!(*before, payload, "a retransmission differs from what was sent");
            }
            let (timestamp, marker) = (header.timestamp, header.marker);
            self.downlink.send(
                Sent {
                    ssrc: header.ssrc,
                    index: header.index,
                    timestamp,
                    marker,
                    payload,
                    original: Some(osn),
                },
                self.now,
            );
        }
        if self.receiver.pli(self.now) {
            self.shard.on_keyframe_request(self.viewer, self.line.ssrc, self.now);
        }
    }

    fn index_of(&self, sequence: u16) -> u64 {
        let highest = self.sent.keys().max().copied().unwrap();
        highest - u64::from((highest as u16).wrapping_sub(sequence))
    }

    fn keyframes(&mut self) {
        while let Some(need) = self.shard.poll_keyframe_need() {
            let (publisher, _) =
                self.publishers.iter_mut().find(|(_, camera)| camera.track == need.source.track).unwrap();
            publisher.ask_keyframe(need.source, need.reason, self.now);
        }
        for (publisher, camera) in &mut self.publishers {
            while let Some(event) = publisher.poll_event() {
                if let PublisherEvent::RequestKeyframe(source) = event {
                    camera.want_keyframe(source.layer);
                }
            }
        }
    }
}
