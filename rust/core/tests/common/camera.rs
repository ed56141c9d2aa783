//! A publisher's encoder and packetizer for one track, any number of layers.

use std::sync::Arc;

use diemcau_core::track::RtpIn;
use diemcau_core::{Codec, Layer, Time, TrackId};

use super::Random;

/// The truth about a packet, in the last bytes of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    pub track: u32,
    pub layer: u8,
    pub frame: u32,
    pub index: u8,
    pub count: u8,
    pub key: bool,
    /// Capture time on the node's clock, microseconds.
    pub capture: u64,
}

const TAG: usize = 20;

impl Tag {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend(self.track.to_be_bytes());
        payload.push(self.layer);
        payload.extend(self.frame.to_be_bytes());
        payload.extend([self.index, self.count, u8::from(self.key)]);
        payload.extend(self.capture.to_be_bytes());
    }

    pub fn read(payload: &[u8]) -> Self {
        let tag = &payload[payload.len() - TAG..];
        Self {
            track: u32::from_be_bytes(tag[0..4].try_into().unwrap()),
            layer: tag[4],
            frame: u32::from_be_bytes(tag[5..9].try_into().unwrap()),
            index: tag[9],
            count: tag[10],
            key: tag[11] != 0,
            capture: u64::from_be_bytes(tag[12..20].try_into().unwrap()),
        }
    }
}

#[derive(Debug)]
pub struct Camera {
    pub track: TrackId,
    pub codec: Codec,
    layers: Vec<Encoder>,
    random: Random,
}

#[derive(Debug)]
struct Encoder {
    sequence: u16,
    timestamp_base: u32,
    picture: u16,
    tl0: u8,
    frame: u32,
    want_key: bool,
}

impl Camera {
    pub fn new(track: u32, codec: Codec, layers: usize, seed: u64) -> Self {
        let mut random = Random::new(seed ^ u64::from(track) << 32);
        let layers = (0..layers)
            .map(|_| Encoder {
                // Some near the wrap.
                sequence: if random.chance(0.5) {
                    65_000 + random.below(500) as u16
                } else {
                    random.next() as u16
                },
                timestamp_base: random.next() as u32,
                picture: random.next() as u16 & 0x7fff,
                tl0: random.next() as u8,
                frame: 0,
                want_key: true,
            })
            .collect();
        Self { track: TrackId(track), codec, layers, random }
    }

    pub fn layer_count(&self) -> usize {
        self.layers.len()
    }

    pub fn want_keyframe(&mut self, layer: Layer) {
        self.layers[usize::from(layer.0)].want_key = true;
    }

    /// Timestamp of a capture time in a layer.
    pub fn timestamp(&self, layer: usize, capture: Time) -> u32 {
        self.layers[layer].timestamp_base.wrapping_add(capture.ticks(self.codec.clock_rate()))
    }

    /// The packets of the next frame of a layer.
    pub fn frame(&mut self, layer: usize, capture: Time) -> Vec<RtpIn> {
        let timestamp = self.timestamp(layer, capture);
        let (track, codec) = (self.track.0, self.codec);
        let encoder = &mut self.layers[layer];
        let key = std::mem::take(&mut encoder.want_key);
        let count = match (codec, key) {
            (Codec::Opus, _) => 1,
            (_, true) => 4 + self.random.below(9) as u8,
            (_, false) => 1 + self.random.below(4) as u8,
        };
        let mut packets = Vec::new();
        for index in 0..count {
            let tag = Tag {
                track,
                layer: layer as u8,
                frame: encoder.frame,
                index,
                count,
                key,
                capture: capture.micros(),
            };
            let mut payload = encoder.head(codec, index, count, key);
            for _ in 0..self.random.below(60) {
                payload.push(self.random.next() as u8);
            }
            tag.write(&mut payload);
            if codec == Codec::H264 && key && index == 0 {
                // The one unit of the aggregate runs to the end.
                let size = (payload.len() - 3) as u16;
                payload[1..3].copy_from_slice(&size.to_be_bytes());
            }
            packets.push(RtpIn {
                sequence: encoder.sequence,
                timestamp,
                marker: codec != Codec::Opus && index + 1 == count,
                audio_level: (codec == Codec::Opus).then_some(30),
                payload: Arc::from(payload),
            });
            encoder.sequence = encoder.sequence.wrapping_add(1);
        }
        encoder.frame += 1;
        encoder.picture = (encoder.picture + 1) & 0x7fff;
        encoder.tl0 = encoder.tl0.wrapping_add(1);
        packets
    }
}

impl Encoder {
    fn head(&self, codec: Codec, index: u8, count: u8, key: bool) -> Vec<u8> {
        let (first, last) = (index == 0, index + 1 == count);
        match codec {
            // SILK, 60 ms, one frame.
            Codec::Opus => vec![0x18],
            Codec::Vp8 => {
                let start = if first { 0x90 } else { 0x80 };
                let id = self.picture.to_be_bytes();
                let mut head = vec![start, 0xe0, id[0] | 0x80, id[1], self.tl0, 0x20];
                head.push(if first && key { 0x10 } else { 0x11 });
                head
            }
            Codec::H264 if key && first => vec![0x78, 0, 0, 0x67],
            Codec::H264 => {
                let begins = index == u8::from(key);
                let kind = if key { 5 } else { 1 };
                vec![0x7c, u8::from(begins) << 7 | u8::from(last) << 6 | kind]
            }
        }
    }
}
