//! The load client's answer to servers that make the offer themselves (Janus, for one), which ours does not.

use super::answer::{Sdp, refuse, write_format};
use super::negotiate::{choose, extension_ids};
use super::offer::session;
use super::{Direction, MediaKind, MediaSection, SdpError, SessionDescription, Setup, ViewerSession};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;
use crate::rtp::ABS_SEND_TIME_URI;

/// An answer and what the offer said.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub sdp: String,
    pub session: ViewerSession,
}

/// Answers an offer to receive all that it sends in codecs that are spoken here; the rest is refused by port 0. DTLS is
/// active. Feedback is what [`super::offer_viewer`] asks of our own server and acts upon: no transport-wide sequence numbers.
pub fn answer_offer(
    offer: &str,
    credentials: &IceCredentials,
    fingerprint: &Fingerprint,
    session_id: u64,
) -> Result<Acceptance, SdpError> {
    let mut offer = SessionDescription::parse(offer)?;
    if !matches!(offer.transport.setup, Setup::Actpass | Setup::Passive) {
        return Err(SdpError::Mismatch("the server must be able to be the DTLS server"));
    }
    let taken = |section: &MediaSection| {
        let sends = matches!(section.direction, Direction::SendOnly | Direction::SendRecv);
        section.is_active() && sends && !choose(section).is_empty()
    };
    let mids: Vec<&str> =
        offer.media.iter().filter(|section| taken(section)).filter_map(|s| s.mid.as_deref()).collect();
    let mut out = Sdp(String::with_capacity(512 + 512 * offer.media.len()));
    out.line(format_args!("v=0"));
    out.line(format_args!("o=- {} 1 IN IP4 127.0.0.1", session_id & i64::MAX as u64));
    out.line(format_args!("s=-"));
    out.line(format_args!("t=0 0"));
    out.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
    for section in &offer.media {
        if taken(section) {
            take(&mut out, section, credentials, fingerprint);
        } else {
            refuse(&mut out, section);
        }
    }
    offer.media.retain(taken);
    Ok(Acceptance { sdp: out.0, session: session(offer)? })
}

fn take(out: &mut Sdp, section: &MediaSection, credentials: &IceCredentials, fingerprint: &Fingerprint) {
    let choices = choose(section);
    let formats: String = choices
        .iter()
        .flat_map(|choice| [Some(choice.format), choice.rtx])
        .flatten()
        .fold(String::new(), |list, format| format!("{list} {}", format.payload_type));
    let kind = section.kind.unwrap_or(MediaKind::Video).as_str();
    out.line(format_args!("m={kind} 9 UDP/TLS/RTP/SAVPF{formats}"));
    out.line(format_args!("c=IN IP4 0.0.0.0"));
    out.transport(credentials, fingerprint, "active");
    if let Some(mid) = &section.mid {
        out.line(format_args!("a=mid:{mid}"));
    }
    if let Some(id) = extension_ids(section, false).abs_send_time {
        out.line(format_args!("a=extmap:{id} {ABS_SEND_TIME_URI}"));
    }
    out.line(format_args!("a=recvonly"));
    out.line(format_args!("a=rtcp-mux"));
    if section.rtcp_rsize {
        out.line(format_args!("a=rtcp-rsize"));
    }
    for choice in &choices {
        write_format(out, choice, false);
    }
}
