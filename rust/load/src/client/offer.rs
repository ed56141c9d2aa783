//! Offers, and what a publisher needs of its answer. The viewer's side is `diemcau_wire`'s.

use std::fmt::Write;

use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtp::{ABS_SEND_TIME_URI, AUDIO_LEVEL_URI, TRANSPORT_CC_URI};
use diemcau_wire::sdp::{
    Acceptance, Codec, CodecName, MediaKind, OfferConfig, SessionDescription, ViewerSession, answer_offer,
    offer_viewer,
};

use super::link::{ClientError, Identity};
use crate::clips::VideoCodec;

const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";

/// An offer (or an answer) and the credentials in it.
#[derive(Debug, Clone)]
pub struct Offer {
    pub sdp: String,
    pub credentials: IceCredentials,
    pub ssrcs: Ssrcs,
}

/// What a publisher without simulcast announces, as browsers do: without a rid a server has nothing else to tell its
/// streams by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ssrcs {
    pub audio: u32,
    pub video: u32,
    /// Of the video's retransmissions.
    pub rtx: u32,
}

/// An offer to receive so many lines of each kind.
#[must_use]
pub fn viewer_offer(
    identity: &Identity,
    audio_lines: usize,
    video_lines: usize,
    codecs: &[VideoCodec],
) -> Offer {
    let credentials = IceCredentials::generate();
    let codecs: Vec<Codec> = codecs
        .iter()
        .map(|codec| match codec {
            VideoCodec::H264 => Codec::H264,
            VideoCodec::Vp8 => Codec::Vp8,
        })
        .collect();
    let sdp = offer_viewer(&OfferConfig {
        credentials: &credentials,
        fingerprint: identity.certificate.fingerprint(),
        session_id: fastrand::u64(1..1 << 62),
        audio_lines,
        video_lines,
        video_codecs: &codecs,
    });
    Offer { sdp, credentials, ssrcs: Ssrcs::default() }
}

/// An answer to the offer of a server that sends, its credentials, and what the offer says.
///
/// # Errors
/// When the offer cannot be answered.
pub fn viewer_answer(identity: &Identity, offer: &str) -> Result<(Offer, ViewerSession), ClientError> {
    let credentials = IceCredentials::generate();
    let session_id = fastrand::u64(1..1 << 62);
    let Acceptance { sdp, session } =
        answer_offer(offer, &credentials, identity.certificate.fingerprint(), session_id)?;
    Ok((Offer { sdp, credentials, ssrcs: Ssrcs::default() }, session))
}

/// An offer to send a microphone and a camera, as Chromium writes it; with `simulcast` of two layers, lowest first.
#[must_use]
pub fn publisher_offer(identity: &Identity, codecs: &[VideoCodec], simulcast: bool) -> Offer {
    let credentials = IceCredentials::generate();
    let mut out = String::with_capacity(3_000);
    let ssrcs = Ssrcs { audio: fastrand::u32(1..), video: fastrand::u32(1..), rtx: fastrand::u32(1..) };
    let session = fastrand::u64(1..1 << 62);
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = out.write_fmt(text);
        out.push_str("\r\n");
    };
    line(format_args!("v=0"));
    line(format_args!("o=- {session} 2 IN IP4 127.0.0.1"));
    line(format_args!("s=-"));
    line(format_args!("t=0 0"));
    line(format_args!("a=group:BUNDLE 0 1"));
    line(format_args!("a=extmap-allow-mixed"));
    line(format_args!("a=msid-semantic: WMS site"));
    for mid in [0, 1] {
        let video = mid == 1;
        if video {
            let numbers: Vec<&str> = codecs
                .iter()
                .map(|codec| if *codec == VideoCodec::H264 { "108 109" } else { "96 97" })
                .collect();
            line(format_args!("m=video 9 UDP/TLS/RTP/SAVPF {}", numbers.join(" ")));
        } else {
            line(format_args!("m=audio 9 UDP/TLS/RTP/SAVPF 111"));
        }
        line(format_args!("c=IN IP4 0.0.0.0"));
        line(format_args!("a=rtcp:9 IN IP4 0.0.0.0"));
        line(format_args!("a=ice-ufrag:{}", credentials.ufrag));
        line(format_args!("a=ice-pwd:{}", credentials.pwd));
        line(format_args!("a=ice-options:trickle"));
        line(format_args!("a=fingerprint:sha-256 {}", identity.certificate.fingerprint()));
        line(format_args!("a=setup:actpass"));
        line(format_args!("a=mid:{mid}"));
        if !video {
            line(format_args!("a=extmap:1 {AUDIO_LEVEL_URI}"));
        }
        line(format_args!("a=extmap:2 {ABS_SEND_TIME_URI}"));
        line(format_args!("a=extmap:3 {TRANSPORT_CC_URI}"));
        line(format_args!("a=extmap:4 {MID_URI}"));
        if video && simulcast {
            line(format_args!("a=extmap:10 {RID_URI}"));
            line(format_args!("a=extmap:11 {REPAIRED_RID_URI}"));
        }
        line(format_args!("a=sendonly"));
        line(format_args!("a=msid:site {}", if video { "camera" } else { "microphone" }));
        line(format_args!("a=rtcp-mux"));
        line(format_args!("a=rtcp-rsize"));
        if !video {
            line(format_args!("a=rtpmap:111 opus/48000/2"));
            line(format_args!("a=rtcp-fb:111 transport-cc"));
            line(format_args!("a=fmtp:111 minptime=10;useinbandfec=1"));
            if !simulcast {
                line(format_args!("a=ssrc:{} cname:site", ssrcs.audio));
            }
            continue;
        }
        for codec in codecs {
            let (pt, name) = if *codec == VideoCodec::H264 { (108, "H264") } else { (96, "VP8") };
            line(format_args!("a=rtpmap:{pt} {name}/90000"));
            for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
                line(format_args!("a=rtcp-fb:{pt} {feedback}"));
            }
            if *codec == VideoCodec::H264 {
                line(format_args!(
                    "a=fmtp:{pt} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
                ));
            }
            line(format_args!("a=rtpmap:{} rtx/90000", pt + 1));
            line(format_args!("a=fmtp:{} apt={pt}", pt + 1));
        }
        if simulcast {
            line(format_args!("a=rid:low send"));
            line(format_args!("a=rid:high send"));
            line(format_args!("a=simulcast:send low;high"));
        } else {
            line(format_args!("a=ssrc-group:FID {} {}", ssrcs.video, ssrcs.rtx));
            line(format_args!("a=ssrc:{} cname:site", ssrcs.video));
            line(format_args!("a=ssrc:{} cname:site", ssrcs.rtx));
        }
    }
    Offer { sdp: out, credentials, ssrcs }
}

/// Extension ids of one section; 0 where not agreed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extensions {
    pub audio_level: u8,
    pub abs_send_time: u8,
    pub transport_cc: u8,
    pub mid: u8,
    pub rid: u8,
    pub repaired_rid: u8,
}

/// What a publisher was answered.
#[derive(Debug, Clone)]
pub struct PublisherAnswer {
    pub transport: diemcau_wire::sdp::RemoteTransport,
    /// Payload type and packet time (ms); none where audio was refused.
    pub audio: Option<(u8, u32, Extensions)>,
    /// Codec, payload type, payload type of RTX; none where video was refused.
    pub video: Option<(VideoCodec, u8, Option<u8>, Extensions)>,
    /// Both layers, or only the high one.
    pub simulcast: bool,
}

impl PublisherAnswer {
    /// # Errors
    /// When the answer is not one.
    pub fn parse(sdp: &str) -> Result<Self, ClientError> {
        let answer = SessionDescription::parse(sdp)?;
        let mut this = Self {
            transport: answer.transport,
            audio: None,
            video: None,
            simulcast: sdp.lines().any(|line| {
                line.strip_prefix("a=simulcast:recv ")
                    .is_some_and(|rids| rids.contains("low") && rids.contains("high"))
            }),
        };
        let ptime = sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=ptime:"))
            .filter_map(|value| value.trim().parse().ok())
            .find(|ms| (10..=120).contains(ms));
        for section in answer.media.iter().filter(|section| section.is_active()) {
            let id = |uri| section.extension_id(uri).filter(|id| *id < 15).unwrap_or(0);
            let extensions = Extensions {
                audio_level: id(AUDIO_LEVEL_URI),
                abs_send_time: id(ABS_SEND_TIME_URI),
                transport_cc: id(TRANSPORT_CC_URI),
                mid: id(MID_URI),
                rid: id(RID_URI),
                repaired_rid: id(REPAIRED_RID_URI),
            };
            match section.kind {
                Some(MediaKind::Audio) => {
                    let opus = section.formats.iter().find(|format| format.codec == CodecName::Opus);
                    this.audio = opus.map(|format| (format.payload_type, ptime.unwrap_or(20), extensions));
                }
                Some(MediaKind::Video) => {
                    let known = section.formats.iter().find_map(|format| match format.codec {
                        CodecName::H264 => Some((VideoCodec::H264, format.payload_type)),
                        CodecName::Vp8 => Some((VideoCodec::Vp8, format.payload_type)),
                        _ => None,
                    });
                    this.video = known.map(|(codec, pt)| {
                        let apt = pt.to_string();
                        let rtx = section.formats.iter().find(|format| {
                            format.codec == CodecName::Rtx && format.parameter("apt") == Some(apt.as_str())
                        });
                        (codec, pt, rtx.map(|format| format.payload_type), extensions)
                    });
                }
                None => {}
            }
        }
        Ok(this)
    }
}
