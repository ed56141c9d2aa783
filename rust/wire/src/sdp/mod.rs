//! Session descriptions: a tolerant, bounded parser, the server's answers to viewers, the load client's offers.
//! (RFC 8866, RFC 8829, RFC 8839, RFC 8842, RFC 8843, RFC 5576, RFC 4588.)

mod accept;
mod answer;
mod negotiate;
mod offer;
mod parse;

use std::net::SocketAddr;

use thiserror::Error;

use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;

pub use accept::{Acceptance, answer_offer};
pub use answer::{AnswerConfig, ViewerAnswer, answer_viewer};
pub use offer::{OfferConfig, ViewerSession, offer_viewer, parse_answer};
pub use parse::{CodecName, Direction, MediaSection, PayloadFormat, SessionDescription, Setup};

/// Longest description that is read, bytes.
pub const MAX_SDP_LEN: usize = 256 * 1024;
/// Most m-lines that are read.
pub const MAX_MEDIA: usize = 64;

/// Why a description cannot be used. `line` counts from 1.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum SdpError {
    #[error("SDP is longer than {MAX_SDP_LEN} bytes")]
    TooLong,
    #[error("SDP line {line} is malformed: {what}")]
    Malformed { line: usize, what: &'static str },
    #[error(
        "SDP has more than {MAX_MEDIA} media sections, or more payload types or attributes than are read"
    )]
    TooMany,
    #[error("SDP lacks {0}")]
    Missing(&'static str),
    #[error("SDP asks for {0}, which is not supported")]
    Unsupported(&'static str),
    #[error("offer has more than {limit} {kind} lines")]
    TooManyLines { kind: &'static str, limit: usize },
    #[error("answer does not fit the offer: {0}")]
    Mismatch(&'static str),
}

impl SdpError {
    /// Stable code for clients, counters and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "sdp_too_long",
            Self::Malformed { .. } => "sdp_malformed",
            Self::TooMany => "sdp_too_many",
            Self::Missing(_) => "sdp_missing",
            Self::Unsupported(_) => "sdp_unsupported",
            Self::TooManyLines { .. } => "sdp_too_many_lines",
            Self::Mismatch(_) => "sdp_mismatch",
        }
    }
}

/// What an m-line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    Audio,
    Video,
}

impl MediaKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// Codecs that a line may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    /// Constrained baseline, packetization-mode 1.
    H264,
    Vp8,
}

/// One payload type by codec; `None` where it was not negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadTypes {
    pub opus: Option<u8>,
    pub h264: Option<u8>,
    pub vp8: Option<u8>,
}

impl PayloadTypes {
    pub fn get(&self, codec: Codec) -> Option<u8> {
        match codec {
            Codec::Opus => self.opus,
            Codec::H264 => self.h264,
            Codec::Vp8 => self.vp8,
        }
    }

    pub fn set(&mut self, codec: Codec, payload_type: u8) {
        *match codec {
            Codec::Opus => &mut self.opus,
            Codec::H264 => &mut self.h264,
            Codec::Vp8 => &mut self.vp8,
        } = Some(payload_type);
    }

    /// The codec that has this payload type.
    pub fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        [Codec::Opus, Codec::H264, Codec::Vp8].into_iter().find(|c| self.get(*c) == Some(payload_type))
    }
}

/// Header extension ids of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    pub abs_send_time: Option<u8>,
    pub transport_cc: Option<u8>,
}

/// One negotiated line from the server down to a viewer, in the order of the m-lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineSpec {
    pub kind: MediaKind,
    /// Position among the lines of its kind, from 0.
    pub number: usize,
    pub mid: String,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub payload_types: PayloadTypes,
    /// Payload type of the retransmission of each codec (RFC 4588).
    pub rtx_payload_types: PayloadTypes,
    pub extensions: ExtensionIds,
    /// Generic NACK was negotiated.
    pub nack: bool,
}

/// The other side's transport as its description says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTransport {
    pub ice: IceCredentials,
    pub ice_lite: bool,
    pub fingerprint: Fingerprint,
    pub setup: Setup,
    /// UDP candidates with literal addresses, in the order written.
    pub candidates: Vec<SocketAddr>,
    /// TCP candidates that wait to be connected to (RFC 6544), likewise.
    pub tcp_candidates: Vec<SocketAddr>,
}
