//! The load client's offer and what it makes of the answer.

use super::answer::Sdp;
use super::negotiate::{choose, extension_ids};
use super::{
    Codec, Direction, LineSpec, MediaKind, PayloadTypes, RemoteTransport, SdpError, SessionDescription, Setup,
};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;
use crate::rtp::{ABS_SEND_TIME_URI, TRANSPORT_CC_URI};

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

const OPUS_PT: u8 = 111;
/// (media, retransmission).
const H264_PTS: (u8, u8) = (108, 109);
const VP8_PTS: (u8, u8) = (96, 97);
const ABS_SEND_TIME_ID: u8 = 2;
const TRANSPORT_CC_ID: u8 = 4;

/// An offer to receive: audio lines first, then video lines, one BUNDLE; the payload types are Chromium's.
pub fn offer_viewer(config: &OfferConfig<'_>) -> String {
    let count = config.audio_lines + config.video_lines;
    let mut out = Sdp(String::with_capacity(256 + 900 * count));
    out.line(format_args!("v=0"));
    out.line(format_args!("o=- {} 2 IN IP4 127.0.0.1", config.session_id & i64::MAX as u64));
    out.line(format_args!("s=-"));
    out.line(format_args!("t=0 0"));
    let mids: Vec<String> = (0..count).map(|mid| mid.to_string()).collect();
    out.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
    for (i, mid) in mids.iter().enumerate() {
        let kind = if i < config.audio_lines { MediaKind::Audio } else { MediaKind::Video };
        write_section(&mut out, kind, mid, config);
    }
    out.0
}

fn write_section(out: &mut Sdp, kind: MediaKind, mid: &str, config: &OfferConfig<'_>) {
    let codecs = match kind {
        MediaKind::Audio => &[Codec::Opus],
        MediaKind::Video => config.video_codecs,
    };
    let mut formats = String::new();
    for codec in codecs {
        formats += &match codec {
            Codec::Opus => format!(" {OPUS_PT}"),
            Codec::H264 => format!(" {} {}", H264_PTS.0, H264_PTS.1),
            Codec::Vp8 => format!(" {} {}", VP8_PTS.0, VP8_PTS.1),
        };
    }
    out.line(format_args!("m={} 9 UDP/TLS/RTP/SAVPF{formats}", kind.as_str()));
    out.line(format_args!("c=IN IP4 0.0.0.0"));
    out.transport(config.credentials, config.fingerprint, "actpass");
    out.line(format_args!("a=mid:{mid}"));
    out.line(format_args!("a=extmap:{ABS_SEND_TIME_ID} {ABS_SEND_TIME_URI}"));
    out.line(format_args!("a=extmap:{TRANSPORT_CC_ID} {TRANSPORT_CC_URI}"));
    out.line(format_args!("a=recvonly"));
    out.line(format_args!("a=rtcp-mux"));
    out.line(format_args!("a=rtcp-rsize"));
    for codec in codecs {
        match codec {
            Codec::Opus => {
                out.line(format_args!("a=rtpmap:{OPUS_PT} opus/48000/2"));
                out.line(format_args!("a=rtcp-fb:{OPUS_PT} transport-cc"));
                out.line(format_args!("a=fmtp:{OPUS_PT} minptime=10;useinbandfec=1"));
            }
            Codec::H264 => {
                let parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
                write_video(out, H264_PTS, "H264", Some(parameters));
            }
            Codec::Vp8 => write_video(out, VP8_PTS, "VP8", None),
        }
    }
}

fn write_video(out: &mut Sdp, (pt, rtx): (u8, u8), name: &str, parameters: Option<&str>) {
    out.line(format_args!("a=rtpmap:{pt} {name}/90000"));
    for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
        out.line(format_args!("a=rtcp-fb:{pt} {feedback}"));
    }
    if let Some(parameters) = parameters {
        out.line(format_args!("a=fmtp:{pt} {parameters}"));
    }
    out.line(format_args!("a=rtpmap:{rtx} rtx/90000"));
    out.line(format_args!("a=fmtp:{rtx} apt={pt}"));
}

/// Reads a server's answer to [`offer_viewer`]. Sections refused by port 0 give no line.
pub fn parse_answer(answer: &str) -> Result<ViewerSession, SdpError> {
    let answer = SessionDescription::parse(answer)?;
    if answer.transport.setup != Setup::Passive {
        return Err(SdpError::Mismatch("the server must be the DTLS server"));
    }
    session(answer)
}

/// What a server that sends says of itself, in an answer or in an offer.
pub(super) fn session(answer: SessionDescription) -> Result<ViewerSession, SdpError> {
    if answer.transport.candidates.is_empty() {
        return Err(SdpError::Missing("a UDP candidate"));
    }
    let mut lines: Vec<LineSpec> = Vec::new();
    for section in answer.media.iter().filter(|section| section.is_active()) {
        let Some(kind) = section.kind else { continue };
        if !matches!(section.direction, Direction::SendOnly | Direction::SendRecv) {
            continue;
        }
        let mut payload_types = PayloadTypes::default();
        let mut rtx_payload_types = PayloadTypes::default();
        let choices = choose(section);
        for choice in &choices {
            payload_types.set(choice.codec, choice.format.payload_type);
            if let Some(rtx) = choice.rtx {
                rtx_payload_types.set(choice.codec, rtx.payload_type);
            }
        }
        if choices.is_empty() {
            return Err(SdpError::Mismatch("a line without a codec of the offer"));
        }
        let ssrc = section.fid.map(|fid| fid.0).or(section.ssrcs.first().copied());
        lines.push(LineSpec {
            kind,
            number: lines.iter().filter(|line| line.kind == kind).count(),
            mid: section.mid.clone().ok_or(SdpError::Missing("a mid"))?,
            ssrc: ssrc.ok_or(SdpError::Missing("an SSRC"))?,
            rtx_ssrc: section.fid.map(|fid| fid.1),
            payload_types,
            rtx_payload_types,
            extensions: extension_ids(section, true),
            nack: choices.iter().any(|choice| choice.format.has_feedback("nack")),
        });
    }
    Ok(ViewerSession { remote: answer.transport, lines })
}
