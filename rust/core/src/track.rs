//! The publisher's side: packets come in here, on the worker that owns the connection, and are parsed once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{PublisherClock, StreamClock};
use crate::depacket::h264::KeyframeFinder;
use crate::depacket::{opus, vp8};
use crate::keyframes::{INTERVAL, KeyframeGate, KeyframeReason};
use crate::packet::{Codec, Kind, Layer, MAX_LAYERS, Source, TrackId, TrackPacket};
use crate::sequence::{Sequence, Taken};
use crate::time::Time;

/// Longest payload taken: what fits a datagram to a viewer with its own overhead.
pub const MAX_PAYLOAD: usize = 1_400;
/// A track without packets for this long is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(2);
/// From so long between two frames on a source is slow.
const SLOW: Duration = Duration::from_millis(150);
/// Timestamps that disagree with the clock by more than this began anew, microseconds.
const TIMESTAMP_LEAP: i64 = 5_000_000;
/// Events kept for a shell that does not ask; the oldest are dropped.
const MAX_EVENTS: usize = 256;

/// A received RTP packet, as numbers.
#[derive(Debug, Clone)]
pub struct RtpIn {
    /// Of the original, where it came by RTX.
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// -dBov, 0 to 127 (RFC 6464), where the packet carries it.
    pub audio_level: Option<u8>,
    /// Without padding.
    pub payload: Arc<[u8]>,
}

/// Why a packet is not taken. The words before the colon are stable: count by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    #[error("unknown_source: no such track or layer")]
    UnknownSource,
    #[error("duplicate: this sequence number was taken before")]
    Duplicate,
    #[error("leap: the sequence number leapt, forward or back; the next packet must confirm it")]
    Leap,
    #[error("malformed: the payload is not of its codec")]
    Malformed,
    #[error("too_long: payload above the limit")]
    TooLong,
}

/// Something the shell tells control or the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublisherEvent {
    /// Send one PLI to the publisher for this layer.
    RequestKeyframe(Source),
    /// First packet (video: first keyframe) of a track, or its first after a loss.
    Live(TrackId),
    /// No packet of a live track for 2 s.
    Lost(TrackId),
}

/// A publisher connection: its tracks, their clocks, and when to ask for keyframes.
#[derive(Debug, Default)]
pub struct Publisher {
    clock: PublisherClock,
    tracks: Vec<Track>,
    events: VecDeque<PublisherEvent>,
}

#[derive(Debug)]
struct Track {
    id: TrackId,
    codec: Codec,
    live: bool,
    last: Option<Time>,
    layers: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    sequence: Sequence,
    clock: StreamClock,
    keyframes: KeyframeFinder,
    gate: KeyframeGate,
    epoch: u16,
    /// Timestamp and arrival of the newest packet.
    newest: Option<(u32, Time)>,
    /// Between two frames, smoothed.
    interval: Duration,
    /// Line-up.
    keep: Option<Duration>,
}

impl Publisher {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `layers` is how many simulcast layers were negotiated, 1 to [`MAX_LAYERS`].
    pub fn add_track(&mut self, id: TrackId, codec: Codec, layers: u8) {
        let layers = usize::from(layers).clamp(1, MAX_LAYERS);
        self.tracks.push(Track {
            id,
            codec,
            live: false,
            last: None,
            layers: (0..layers).map(|_| Stream::new(codec)).collect(),
        });
    }

    /// Takes a packet. The result goes to every shard (in batches of a frame: `Shard::forward`).
    ///
    /// # Errors
    /// [`IngestError`]: the packet is to be dropped and counted.
    pub fn ingest(&mut self, source: Source, rtp: RtpIn, now: Time) -> Result<Arc<TrackPacket>, IngestError> {
        let track = self
            .tracks
            .iter_mut()
            .find(|track| track.id == source.track)
            .ok_or(IngestError::UnknownSource)?;
        let codec = track.codec;
        let stream = track.layers.get_mut(usize::from(source.layer.0)).ok_or(IngestError::UnknownSource)?;
        if rtp.payload.len() > MAX_PAYLOAD {
            return Err(IngestError::TooLong);
        }
        let read = Payload::read(codec, &rtp.payload).ok_or(IngestError::Malformed)?;
        let (seq, newest) = match stream.sequence.take(rtp.sequence) {
            Taken::Newest(seq) => (seq, true),
            Taken::Late(seq) => (seq, false),
            Taken::Anew(seq) => {
                stream.begin_anew();
                (seq, true)
            }
            Taken::Duplicate => return Err(IngestError::Duplicate),
            Taken::Leap => return Err(IngestError::Leap),
        };
        if newest {
            if stream.timestamp_leapt(codec, rtp.timestamp, now) {
                stream.begin_anew();
            }
            stream.note(rtp.timestamp, now);
        }
        let keyframe = match codec {
            Codec::Opus => true,
            Codec::Vp8 => read.vp8.is_some_and(|vp8| vp8.keyframe),
            Codec::H264 => stream.keyframes.starts_keyframe(rtp.timestamp, &rtp.payload),
        };
        // Asked here also, once a picture: a cut waits for it, and the next tick is up to 100 ms away.
        let asks = !keyframe && rtp.marker && codec.kind() == Kind::Video && stream.gate.poll(now);
        if keyframe {
            stream.gate.on_keyframe(now);
        }
        let packet = TrackPacket {
            source,
            codec,
            seq,
            epoch: stream.epoch,
            timestamp: rtp.timestamp,
            marker: rtp.marker,
            keyframe,
            vp8: read.vp8,
            audio_level: rtp.audio_level.map(|level| level.min(127)),
            duration: read.duration,
            capture: stream.clock.capture(rtp.timestamp, now, &mut self.clock),
            arrival: now,
            payload: rtp.payload,
        };
        track.last = Some(now);
        if keyframe && !track.live {
            track.live = true;
            self.event(PublisherEvent::Live(source.track));
        }
        if asks {
            self.event(PublisherEvent::RequestKeyframe(source));
        }
        Ok(Arc::new(packet))
    }

    /// A sender report of a layer: `timestamp` is the moment `ntp_micros` of the publisher's clock (any epoch, the same
    /// for all its tracks).
    pub fn sender_report(&mut self, source: Source, ntp_micros: i64, timestamp: u32) {
        if let Some(stream) = self.stream(source) {
            stream.clock.report(ntp_micros, timestamp);
        }
    }

    /// Somebody wants a keyframe (a shard's `KeyframeNeed`, or control). Merged: see [`KeyframeGate`].
    pub fn ask_keyframe(&mut self, source: Source, reason: KeyframeReason, now: Time) {
        let Some(stream) = self.stream(source) else { return };
        if stream.gate.ask(reason, now) {
            self.event(PublisherEvent::RequestKeyframe(source));
        }
    }

    /// Line-up: keyframes of the track's layers at least this often, of a layer of few pictures a second once in
    /// [`INTERVAL`]; none: on demand.
    pub fn keep_keyframes(&mut self, id: TrackId, every: Option<Duration>) {
        for track in self.tracks.iter_mut().filter(|track| track.id == id) {
            for stream in &mut track.layers {
                stream.keep = every;
                stream.keep_as_needed();
            }
        }
    }

    /// Layers of a track that sent in the last second.
    pub fn layers(&self, id: TrackId, now: Time) -> impl Iterator<Item = Layer> {
        self.tracks
            .iter()
            .filter(move |track| track.id == id)
            .flat_map(|track| track.layers.iter().enumerate())
            .filter(move |(_, stream)| stream.sends(now))
            .map(|(at, _)| Layer(at as u8))
    }

    /// Call every 100 ms or so.
    pub fn tick(&mut self, now: Time) {
        let mut events = Vec::new();
        for track in &mut self.tracks {
            if track.live && track.last.is_none_or(|last| now.since(last) >= LOST_AFTER) {
                track.live = false;
                events.push(PublisherEvent::Lost(track.id));
            }
            if track.codec.kind() == Kind::Audio {
                continue;
            }
            for (at, stream) in track.layers.iter_mut().enumerate() {
                // A layer that is not sent cannot answer.
                if stream.sends(now) && stream.gate.poll(now) {
                    let layer = Layer(at as u8);
                    events.push(PublisherEvent::RequestKeyframe(Source { track: track.id, layer }));
                }
            }
        }
        for event in events {
            self.event(event);
        }
    }

    pub fn poll_event(&mut self) -> Option<PublisherEvent> {
        self.events.pop_front()
    }

    fn event(&mut self, event: PublisherEvent) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn stream(&mut self, source: Source) -> Option<&mut Stream> {
        let track = self.tracks.iter_mut().find(|track| track.id == source.track)?;
        if track.codec.kind() == Kind::Audio && source.layer != Layer::LOW {
            return None;
        }
        track.layers.get_mut(usize::from(source.layer.0))
    }
}

impl Stream {
    fn new(codec: Codec) -> Self {
        Self {
            sequence: Sequence::default(),
            clock: StreamClock::new(codec.clock_rate()),
            keyframes: KeyframeFinder::default(),
            gate: KeyframeGate::default(),
            epoch: 0,
            newest: None,
            interval: Duration::ZERO,
            keep: None,
        }
    }

    /// The newest packet came.
    fn note(&mut self, timestamp: u32, now: Time) {
        if let Some((_, at)) = self.newest.filter(|(last, _)| *last != timestamp) {
            self.interval = (self.interval * 3 + now.since(at).min(SLOW * 4)) / 4;
            self.keep_as_needed();
        }
        self.newest = Some((timestamp, now));
    }

    /// A slow source's frames since its keyframe are few only where that comes often: a cut begins with them
    /// ([`crate::opening`]) instead of waiting for the next frame.
    fn keep_as_needed(&mut self) {
        // Asked half a frame ahead, a keyframe comes with the frame that is due then, and not with the next.
        let slow = INTERVAL.saturating_sub(self.interval / 2);
        self.gate.keep(self.keep.map(|every| if self.interval >= SLOW { every.min(slow) } else { every }));
    }

    fn begin_anew(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.clock.reset();
        self.newest = None;
    }

    fn timestamp_leapt(&self, codec: Codec, timestamp: u32, now: Time) -> bool {
        let Some((last, at)) = self.newest else { return false };
        let rate = codec.clock_rate();
        let expected = last.wrapping_add(now.ticks(rate).wrapping_sub(at.ticks(rate)));
        let off = i64::from(timestamp.wrapping_sub(expected).cast_signed()) * 1_000_000 / i64::from(rate);
        off.abs() > TIMESTAMP_LEAP
    }

    fn sends(&self, now: Time) -> bool {
        self.newest.is_some_and(|(_, at)| now.since(at) <= Duration::from_secs(1))
    }
}

/// What ingest needs of a payload; an empty one (padding only) is of every codec.
#[derive(Default)]
struct Payload {
    vp8: Option<vp8::Vp8Descriptor>,
    duration: u16,
}

impl Payload {
    fn read(codec: Codec, payload: &[u8]) -> Option<Self> {
        let mut read = Self::default();
        if payload.is_empty() {
            return Some(read);
        }
        match codec {
            Codec::Vp8 => read.vp8 = Some(vp8::parse(payload)?),
            Codec::Opus => read.duration = opus::duration(payload)?,
            Codec::H264 => {}
        }
        Some(read)
    }
}
