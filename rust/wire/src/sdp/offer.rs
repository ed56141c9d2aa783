//! The load client's offer and what it makes of the answer.

use super::{Codec, LineSpec, RemoteTransport, SdpError};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;

/// What an offer needs.
#[derive(Debug, Clone, Copy)]
pub struct OfferConfig<'a> {
    pub credentials: &'a IceCredentials,
    pub fingerprint: &'a Fingerprint,
    pub session_id: u64,
    pub audio_lines: usize,
    pub video_lines: usize,
    /// Video codecs, best first.
    pub video_codecs: &'a [Codec],
}

/// A viewer's session as its answer says.
#[derive(Debug, Clone)]
pub struct ViewerSession {
    pub remote: RemoteTransport,
    /// What the server will send, in the order of the m-lines.
    pub lines: Vec<LineSpec>,
}

/// An offer to receive: audio lines first, then video lines, one BUNDLE.
pub fn offer_viewer(_config: &OfferConfig<'_>) -> String {
    todo!()
}

/// Reads a server's answer to [`offer_viewer`]. Sections refused by port 0 give no line.
pub fn parse_answer(_answer: &str) -> Result<ViewerSession, SdpError> {
    todo!()
}
