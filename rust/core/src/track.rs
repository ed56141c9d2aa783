//! The publisher's side: packets come in here, on the worker that owns the connection.

use std::sync::Arc;
use std::time::Duration;

use crate::keyframes::KeyframeReason;
use crate::packet::{Codec, PartyId, PublisherId, Source, TrackId, TrackPacket};
use crate::time::Time;

/// A received RTP packet, as numbers.
#[derive(Debug, Clone)]
pub struct RtpIn {
    /// RTX already resolved to the original.
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// -dBov, 0 to 127 (RFC 6464), where the packet carries it.
    pub audio_level: Option<u8>,
    /// Without padding.
    pub payload: Arc<[u8]>,
}

/// Why a packet is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    #[error("unknown_source: no such track or layer")]
    UnknownSource,
    #[error("duplicate: this sequence number was taken before")]
    Duplicate,
    #[error("too_late: older than the window of reordering")]
    TooLate,
    #[error("out_of_range: a leap of the sequence number, waiting for a second packet that confirms it")]
    Leap,
    #[error("malformed: the payload is not of its codec")]
    Malformed,
    #[error("too_long: payload above the limit")]
    TooLong,
}

/// Something the shell tells control or the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublisherEvent {
    /// Send one PLI to the publisher for this layer.
    RequestKeyframe(Source),
    /// First packet (video: first keyframe) of a track, or its first after a loss.
    Live(TrackId),
    /// No packet for 2 s.
    Lost(TrackId),
}

/// A publisher connection: its tracks, their clocks, and when to ask for keyframes.
#[derive(Debug)]
pub struct Publisher;

impl Publisher {
    pub fn new(_id: PublisherId, _party: Option<PartyId>) -> Self {
        todo!()
    }
    /// `layers` is how many simulcast layers were negotiated (1 to 3).
    pub fn add_track(&mut self, _id: TrackId, _codec: Codec, _layers: u8) {
        todo!()
    }
    /// Parses a packet; the result goes to every shard (in batches of a frame, see `Shard::forward`).
    pub fn ingest(
        &mut self,
        _source: Source,
        _rtp: RtpIn,
        _now: Time,
    ) -> Result<Arc<TrackPacket>, IngestError> {
        todo!()
    }
    /// A sender report of a layer: `timestamp` is the moment `ntp_micros` of the publisher's clock (any epoch).
    pub fn sender_report(&mut self, _source: Source, _ntp_micros: i64, _timestamp: u32) {
        todo!()
    }
    /// Somebody wants a keyframe (a shard's `KeyframeNeed`, or control).
    pub fn ask_keyframe(&mut self, _source: Source, _reason: KeyframeReason, _now: Time) {
        todo!()
    }
    /// Line-up: keyframes of the track at least this often; none: on demand.
    pub fn keep_keyframes(&mut self, _track: TrackId, _every: Option<Duration>) {
        todo!()
    }
    /// Call every 100 ms or so.
    pub fn tick(&mut self, _now: Time) {
        todo!()
    }
    pub fn poll_event(&mut self) -> Option<PublisherEvent> {
        todo!()
    }
}
