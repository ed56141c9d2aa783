//! The server's answer to a viewer.

use std::fmt::Write;
use std::net::SocketAddr;

use super::negotiate::{Choice, choose, extension_ids};
use super::{
    Codec, Direction, LineSpec, MediaKind, MediaSection, PayloadTypes, RemoteTransport, SdpError,
    SessionDescription, Setup,
};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;
use crate::rtp::{ABS_SEND_TIME_URI, TRANSPORT_CC_URI};

/// What an answer needs beside the offer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerConfig<'a> {
    /// Ours.
    pub credentials: &'a IceCredentials,
    /// Of our certificate.
    pub fingerprint: &'a Fingerprint,
    /// Our UDP addresses, best first, IPv4 and IPv6.
    pub candidates: &'a [SocketAddr],
    /// Our TCP addresses, which wait to be connected to (RFC 6544); tried when no UDP gets through.
    pub tcp_candidates: &'a [SocketAddr],
    /// For the `o=` line.
    pub session_id: u64,
    /// First of the SSRCs given to the lines, which then count up from it (wrapping): any random number.
    pub first_ssrc: u32,
    /// Most lines of each kind; an offer with more is refused.
    pub max_audio: usize,
    pub max_video: usize,
    /// Packet time of Opus, ms.
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
/// other kinds, not to be received, or without a codec in common are refused by port 0. `setup` is passive, ICE
/// is lite. The first audio and the first video line share a media stream, so that lips and voice keep together.
pub fn answer_viewer(offer: &str, config: &AnswerConfig<'_>) -> Result<ViewerAnswer, SdpError> {
    let offer = SessionDescription::parse(offer)?;
    if offer.transport.ice_lite {
        return Err(SdpError::Unsupported("ICE-lite on both sides"));
    }
    if !matches!(offer.transport.setup, Setup::Actpass | Setup::Active) {
        return Err(SdpError::Unsupported("a passive DTLS client"));
    }
    let mut ssrc = config.first_ssrc;
    let mut lines: Vec<LineSpec> = Vec::new();
    let mut accepted: Vec<Option<(usize, Vec<Choice<'_>>)>> = Vec::new();
    for section in &offer.media {
        let choices = if wanted(section) { choose(section) } else { Vec::new() };
        let Some(kind) = section.kind.filter(|_| !choices.is_empty()) else {
            accepted.push(None);
            continue;
        };
        if !section.rtcp_mux {
            return Err(SdpError::Unsupported("media without rtcp-mux"));
        }
        let number = lines.iter().filter(|line| line.kind == kind).count();
        let limit = if kind == MediaKind::Audio { config.max_audio } else { config.max_video };
        if number == limit {
            return Err(SdpError::TooManyLines { kind: kind.as_str(), limit });
        }
        accepted.push(Some((lines.len(), choices.clone())));
        lines.push(line(section, kind, number, &choices, &mut ssrc, config)?);
    }
    if lines.is_empty() {
        return Err(SdpError::Unsupported("no line with a codec that is spoken here"));
    }
    if lines.len() > 1 && !lines.iter().all(|line| offer.bundle.contains(&line.mid)) {
        return Err(SdpError::Unsupported("more than one transport (lines outside the BUNDLE)"));
    }
    let sdp = write(&offer, &lines, &accepted, config);
    Ok(ViewerAnswer { sdp, lines, remote: offer.transport })
}

/// The viewer wants to receive on this section.
fn wanted(section: &MediaSection) -> bool {
    section.is_active() && matches!(section.direction, Direction::RecvOnly | Direction::SendRecv)
}

fn line(
    section: &MediaSection,
    kind: MediaKind,
    number: usize,
    choices: &[Choice<'_>],
    ssrc: &mut u32,
    config: &AnswerConfig<'_>,
) -> Result<LineSpec, SdpError> {
    let mut next_ssrc = || {
        // Zero is allowed but has surprised receivers.
        *ssrc = ssrc.wrapping_add(1).max(1);
        *ssrc
    };
    let mut payload_types = PayloadTypes::default();
    let mut rtx_payload_types = PayloadTypes::default();
    for choice in choices {
        payload_types.set(choice.codec, choice.format.payload_type);
        if let Some(rtx) = choice.rtx {
            rtx_payload_types.set(choice.codec, rtx.payload_type);
        }
    }
    let rtx = rtx_payload_types != PayloadTypes::default();
    Ok(LineSpec {
        kind,
        number,
        mid: section.mid.clone().ok_or(SdpError::Missing("a mid"))?,
        ssrc: next_ssrc(),
        rtx_ssrc: rtx.then(next_ssrc),
        payload_types,
        rtx_payload_types,
        extensions: extension_ids(section, config.transport_cc),
        nack: choices.iter().any(|choice| choice.format.has_feedback("nack")),
    })
}

fn write(
    offer: &SessionDescription,
    lines: &[LineSpec],
    accepted: &[Option<(usize, Vec<Choice<'_>>)>],
    config: &AnswerConfig<'_>,
) -> String {
    let mut out = Sdp(String::with_capacity(512 + 1024 * lines.len()));
    out.line(format_args!("v=0"));
    out.line(format_args!("o=- {} 1 IN IP4 127.0.0.1", config.session_id & i64::MAX as u64));
    out.line(format_args!("s=-"));
    out.line(format_args!("t=0 0"));
    let mids: Vec<&str> = lines.iter().map(|line| line.mid.as_str()).collect();
    out.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
    out.line(format_args!("a=ice-lite"));
    out.line(format_args!("a=msid-semantic: WMS *"));
    for (section, accepted) in offer.media.iter().zip(accepted) {
        match accepted {
            None => refuse(&mut out, section),
            Some((at, choices)) => write_line(&mut out, section, &lines[*at], choices, *at == 0, config),
        }
    }
    out.0
}

pub(super) fn refuse(out: &mut Sdp, section: &MediaSection) {
    out.line(format_args!("m={} 0 {}", section.kind_name, section.protocol_and_formats));
    out.line(format_args!("c=IN IP4 0.0.0.0"));
    if let Some(mid) = &section.mid {
        out.line(format_args!("a=mid:{mid}"));
    }
    out.line(format_args!("a=inactive"));
}

fn write_line(
    out: &mut Sdp,
    section: &MediaSection,
    line: &LineSpec,
    choices: &[Choice<'_>],
    first: bool,
    config: &AnswerConfig<'_>,
) {
    let formats: String = choices
        .iter()
        .flat_map(|choice| [Some(choice.format), choice.rtx])
        .flatten()
        .fold(String::new(), |list, format| format!("{list} {}", format.payload_type));
    out.line(format_args!("m={} 9 UDP/TLS/RTP/SAVPF{formats}", line.kind.as_str()));
    out.line(format_args!("c=IN IP4 0.0.0.0"));
    out.transport(config.credentials, config.fingerprint, "passive");
    if first {
        out.candidates(config.candidates, config.tcp_candidates);
    }
    out.line(format_args!("a=mid:{}", line.mid));
    let extensions = &line.extensions;
    if let Some(id) = extensions.abs_send_time {
        out.line(format_args!("a=extmap:{id} {ABS_SEND_TIME_URI}"));
    }
    if let Some(id) = extensions.transport_cc {
        out.line(format_args!("a=extmap:{id} {TRANSPORT_CC_URI}"));
    }
    out.line(format_args!("a=sendonly"));
    out.line(format_args!("a=rtcp-mux"));
    if section.rtcp_rsize {
        out.line(format_args!("a=rtcp-rsize"));
    }
    for choice in choices {
        write_format(out, choice, config.transport_cc);
    }
    if line.kind == MediaKind::Audio {
        out.line(format_args!("a=ptime:{}", config.ptime));
        out.line(format_args!("a=maxptime:{}", config.ptime.max(60)));
    }
    write_ssrcs(out, line);
}

pub(super) fn write_format(out: &mut Sdp, choice: &Choice<'_>, transport_cc: bool) {
    let pt = choice.format.payload_type;
    let name = match choice.codec {
        Codec::Opus => "opus/48000/2",
        Codec::H264 => "H264/90000",
        Codec::Vp8 => "VP8/90000",
    };
    out.line(format_args!("a=rtpmap:{pt} {name}"));
    let answered = ["nack", "nack pli", "ccm fir", "goog-remb"];
    for feedback in answered.into_iter().chain(transport_cc.then_some("transport-cc")) {
        if choice.format.has_feedback(feedback) {
            out.line(format_args!("a=rtcp-fb:{pt} {feedback}"));
        }
    }
    if !choice.format.fmtp.is_empty() {
        // As offered: for H.264 it must be the same profile, for Opus it says what its sender wants.
        out.line(format_args!("a=fmtp:{pt} {}", choice.format.fmtp));
    }
    if let Some(rtx) = choice.rtx {
        out.line(format_args!("a=rtpmap:{} rtx/90000", rtx.payload_type));
        out.line(format_args!("a=fmtp:{} apt={pt}", rtx.payload_type));
    }
}

fn write_ssrcs(out: &mut Sdp, line: &LineSpec) {
    // Line 0 of both kinds is the stage: one stream, so that a browser keeps them in step.
    let stream = match (line.number, line.kind) {
        (0, _) => "line-0".to_owned(),
        (n, kind) => format!("line-{}-{n}", kind.as_str()),
    };
    let track = format!("{}-{}", line.kind.as_str(), line.number);
    out.line(format_args!("a=msid:{stream} {track}"));
    if let Some(rtx) = line.rtx_ssrc {
        out.line(format_args!("a=ssrc-group:FID {} {rtx}", line.ssrc));
    }
    for ssrc in [Some(line.ssrc), line.rtx_ssrc].into_iter().flatten() {
        out.line(format_args!("a=ssrc:{ssrc} cname:diemcau"));
        out.line(format_args!("a=ssrc:{ssrc} msid:{stream} {track}"));
    }
}

/// A description being written, CRLF at the end of each line.
pub(super) struct Sdp(pub String);

impl Sdp {
    pub fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }

    pub fn transport(&mut self, ice: &IceCredentials, fingerprint: &Fingerprint, setup: &str) {
        self.line(format_args!("a=ice-ufrag:{}", ice.ufrag));
        self.line(format_args!("a=ice-pwd:{}", ice.pwd));
        self.line(format_args!("a=fingerprint:sha-256 {fingerprint}"));
        self.line(format_args!("a=setup:{setup}"));
    }

    /// Host candidates, the first with the highest priority, every UDP one before TCP (RFC 8445 §5.1.2.1; RFC 6544
    /// §4.2, where 4 is the direction preference of a passive host candidate).
    fn candidates(&mut self, udp: &[SocketAddr], tcp: &[SocketAddr]) {
        let mut number = 0;
        let mut each = |candidates: &[SocketAddr], kind: u32, top: u32, transport: &str, extension: &str| {
            for (i, candidate) in candidates.iter().enumerate() {
                number += 1;
                let priority = kind << 24 | top.saturating_sub(i as u32) << 8 | 255;
                let (ip, port) = (candidate.ip().to_canonical(), candidate.port());
                self.line(format_args!(
                    "a=candidate:{number} 1 {transport} {priority} {ip} {port} typ host{extension}"
                ));
            }
        };
        each(udp, 126, 65_535, "udp", "");
        each(tcp, 90, 4 << 13 | 8_191, "tcp", " tcptype passive");
        self.line(format_args!("a=end-of-candidates"));
    }
}
