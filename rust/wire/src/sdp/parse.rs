//! The parser.

use super::{MediaKind, RemoteTransport, SdpError};

/// `a=setup` (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    Active,
    Passive,
    Actpass,
    Holdconn,
}

/// `a=sendrecv` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// Encoding names that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecName {
    Opus,
    H264,
    Vp8,
    Rtx,
    Other,
}

/// One payload type of a media section with its format parameters and feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFormat {
    pub payload_type: u8,
    pub codec: CodecName,
    /// Hz.
    pub clock_rate: u32,
    /// `a=fmtp` as written.
    pub fmtp: String,
    /// `a=rtcp-fb` values as written, those for all payload types included.
    pub feedback: Vec<String>,
}

/// One m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSection {
    /// `None` for a section that is neither audio nor video (data channels).
    pub kind: Option<MediaKind>,
    /// The word after `m=`.
    pub kind_name: String,
    /// Transport and formats of the m-line, to be echoed where the section is refused.
    pub protocol: String,
    pub mid: Option<String>,
    pub direction: Direction,
    pub rtcp_mux: bool,
    pub port: u16,
    pub formats: Vec<PayloadFormat>,
    /// Header extensions (RFC 8285 §5).
    pub extensions: Vec<(u8, String)>,
    /// SSRCs in the order written, each once.
    pub ssrcs: Vec<u32>,
    /// Media and retransmission SSRC (RFC 5576 §4.2, RFC 4588).
    pub fid: Option<(u32, u32)>,
    pub msid: Option<String>,
}

/// A parsed offer or answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// Of the first section that is not refused, or of the session.
    pub transport: RemoteTransport,
    /// Mids of the BUNDLE group.
    pub bundle: Vec<String>,
    pub media: Vec<MediaSection>,
}

impl SessionDescription {
    /// Reads a description; ends of lines may be CRLF or LF, unknown lines are skipped.
    pub fn parse(_text: &str) -> Result<Self, SdpError> {
        todo!()
    }
}
