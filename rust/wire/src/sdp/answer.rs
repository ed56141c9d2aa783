//! The server's answer to a viewer.

use std::net::SocketAddr;

use super::{LineSpec, RemoteTransport, SdpError};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;

/// What an answer needs beside the offer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerConfig<'a> {
    /// Ours.
    pub credentials: &'a IceCredentials,
    /// Of our certificate.
    pub fingerprint: &'a Fingerprint,
    /// Our UDP addresses, best first, IPv4 and IPv6.
    pub candidates: &'a [SocketAddr],
    /// For the `o=` line.
    pub session_id: u64,
    /// First of the SSRCs given to the lines, which then count up from it: any random number.
    pub first_ssrc: u32,
    /// Most lines of each kind; more are refused.
    pub max_audio: usize,
    pub max_video: usize,
    /// Packet time asked of Opus senders and announced for our own, ms.
    pub ptime: u32,
    /// Also negotiate transport-wide feedback where it was offered.
    pub transport_cc: bool,
}

/// An answer and what it means.
#[derive(Debug, Clone)]
pub struct ViewerAnswer {
    pub sdp: String,
    /// Only lines that were accepted, in the order of the m-lines.
    pub lines: Vec<LineSpec>,
    pub remote: RemoteTransport,
}

/// Answers a viewer's offer (audio and video lines to receive, in any order, one BUNDLE, rtcp-mux). Sections of
/// other kinds and lines without a codec in common are refused by port 0. `setup` is passive, ICE is lite.
pub fn answer_viewer(_offer: &str, _config: &AnswerConfig<'_>) -> Result<ViewerAnswer, SdpError> {
    todo!()
}
