//! A published packet as every worker shares it, and what a line makes of it.

use std::sync::Arc;

use crate::depacket::vp8::Vp8Descriptor;
use crate::time::Time;
use crate::viewer::ViewerKey;

/// Simulcast layers a track may have.
pub const MAX_LAYERS: usize = 3;

/// A track at this node. Numbers are given by the shell, counting up; one is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u32);

/// A publisher connection: the tracks of one share a clock. Never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublisherId(pub u32);

/// Whose viewer or track it is, interned by the shell. A viewer never gets what its own party sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(pub u32);

/// A simulcast layer, lowest first, below [`MAX_LAYERS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Layer(pub u8);

impl Layer {
    pub const LOW: Self = Self(0);
    /// No ceiling.
    pub const TOP: Self = Self(MAX_LAYERS as u8 - 1);

    pub(crate) fn index(self) -> usize {
        usize::from(self.0).min(MAX_LAYERS - 1)
    }
}

/// One stream of packets: a layer of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub track: TrackId,
    pub layer: Layer,
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Audio,
    Video,
}

/// What a track is encoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Constrained baseline, packetization mode 1 (RFC 6184).
    H264,
    /// RFC 7741.
    Vp8,
    /// RFC 7587.
    Opus,
}

impl Codec {
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::H264 | Self::Vp8 => Kind::Video,
        }
    }

    /// RTP clock rate, Hz.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::H264 | Self::Vp8 => 90_000,
        }
    }
}

/// A packet of a track, parsed once and shared by all workers. Immutable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackPacket {
    pub source: Source,
    pub codec: Codec,
    /// Extended sequence number; never repeats within a source.
    pub seq: u64,
    /// Goes up when the publisher began its numbers anew (a leap of sequence or timestamp): what follows is another
    /// stream, and a line may go on only at a keyframe.
    pub epoch: u16,
    /// As the publisher wrote it.
    pub timestamp: u32,
    pub marker: bool,
    /// First packet of a frame that decodes by itself: where a line may start. Always set for audio.
    pub keyframe: bool,
    /// VP8 only.
    pub vp8: Option<Vp8Descriptor>,
    /// Audio level in -dBov, 0 (loudest) to 127 (silence), RFC 6464.
    pub audio_level: Option<u8>,
    /// Media time carried, RTP units; audio only, else 0.
    pub duration: u16,
    /// When it was captured, by the node's clock, as far as known.
    pub capture: Time,
    pub arrival: Time,
    /// Without padding; empty for a packet that was padding only.
    pub payload: Arc<[u8]>,
}

/// Header fields of a packet that goes out. The shell adds the payload type (its table by codec), extensions,
/// padding and encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutHeader {
    pub codec: Codec,
    pub ssrc: u32,
    /// 48-bit SRTP packet index: roll-over counter * 2^16 + sequence number (RFC 3711 §3.3.1). Given out once.
    pub index: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// Bytes of the payload to overwrite.
    pub patches: Patches,
    /// First packet after a cut of this line.
    pub cut: bool,
    /// From this packet on the line's timestamps lie elsewhere than its last sender report says: it needs one at once.
    pub moved: bool,
}

impl OutHeader {
    #[must_use]
    pub const fn sequence(&self) -> u16 {
        self.index as u16
    }

    #[must_use]
    pub const fn roc(&self) -> u32 {
        (self.index >> 16) as u32
    }
}

/// At most two short overwrites near the start of a payload (VP8 picture id and TL0PICIDX).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patches {
    /// (offset, length 0 to 2, bytes); length 0 is unused.
    items: [(u8, u8, [u8; 2]); 2],
}

impl Patches {
    pub const NONE: Self = Self { items: [(0, 0, [0; 2]); 2] };

    pub(crate) fn set_picture_id(&mut self, offset: u8, length: u8, bytes: [u8; 2]) {
        self.items[0] = (offset, length, bytes);
    }

    pub(crate) fn set_tl0(&mut self, offset: u8, value: u8) {
        self.items[1] = (offset, 1, [value, 0]);
    }

    /// Overwrites in `payload`, a copy of the packet's; what would lie outside is left out.
    pub fn apply(&self, payload: &mut [u8]) {
        for (offset, length, bytes) in &self.items {
            let from = usize::from(*offset);
            let length = usize::from(*length).min(2);
            if let Some(place) = payload.get_mut(from..from + length) {
                place.copy_from_slice(&bytes[..length]);
            }
        }
    }
}

/// A packet to send on a viewer's line.
#[derive(Debug, Clone, Copy)]
pub struct OutPacket<'a> {
    pub viewer: ViewerKey,
    /// Line of that viewer: audio lines first, then video lines.
    pub line: u8,
    pub header: OutHeader,
    pub packet: &'a Arc<TrackPacket>,
    /// Send the same ciphertext once more 60 ms later (audio of a viewer that loses more than 3 %).
    pub repeat: bool,
}

impl OutPacket<'_> {
    /// Payload bytes of it.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.packet.payload.len()
    }

    /// Writes the payload as it goes out into `out`, which is exactly [`Self::payload_len`] long.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn write_payload(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.packet.payload);
        self.header.patches.apply(out);
    }
}

/// A retransmission on the line's RTX stream (RFC 4588 §4): payload is the original sequence number, big endian, then
/// the original payload.
#[derive(Debug, Clone, Copy)]
pub struct RtxPacket<'a> {
    pub viewer: ViewerKey,
    pub line: u8,
    /// Of the RTX stream: its own SSRC and index. Timestamp, marker, codec and patches are the original's.
    pub header: OutHeader,
    /// Original sequence number.
    pub osn: u16,
    pub packet: &'a Arc<TrackPacket>,
}

impl RtxPacket<'_> {
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.packet.payload.len() + 2
    }

    /// Writes the RTX payload into `out`, which is exactly [`Self::payload_len`] long.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn write_payload(&self, out: &mut [u8]) {
        let (osn, original) = out.split_at_mut(2);
        osn.copy_from_slice(&self.osn.to_be_bytes());
        original.copy_from_slice(&self.packet.payload);
        self.header.patches.apply(original);
    }
}
