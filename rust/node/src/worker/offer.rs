//! What has to be known of a publisher's offer before `str0m` reads it, and what its answer lacks.

use diemcau_control::VideoCodec;
use diemcau_core::MAX_LAYERS;
use diemcau_wire::sdp::{CodecName, MAX_MEDIA, MediaKind, SessionDescription};

use super::plain;

/// RFC 9143 §15.1: the extension that says which section a packet is of.
const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

/// What an offer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    pub has_video: bool,
    h264: bool,
    vp8: bool,
    /// Sections with a mid, in order.
    pub sections: Vec<Section>,
}

/// A section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub mid: String,
    /// Simulcast layers that are sent, lowest first; empty without simulcast.
    pub rids: Vec<String>,
    /// Payload types of the codecs that are spoken here, when nothing but them tells its packets: it names no SSRC
    /// and has no MID extension.
    pub told_by: Vec<u8>,
    /// H.264 parameter sets of the description, as a packet.
    pub parameter_sets: Option<Vec<u8>>,
}

impl Offered {
    /// The codec to answer: the one asked for, or the other where it is not offered. Only one is answered, so
    /// that a track never changes its codec.
    pub fn video_codec(&self, asked: VideoCodec) -> Option<VideoCodec> {
        let has = |codec| match codec {
            VideoCodec::H264 => self.h264,
            VideoCodec::Vp8 => self.vp8,
        };
        let other = match asked {
            VideoCodec::H264 => VideoCodec::Vp8,
            VideoCodec::Vp8 => VideoCodec::H264,
        };
        [asked, other].into_iter().find(|codec| has(*codec))
    }
}

/// Reads an offer.
///
/// # Errors
/// Words for `bad_offer`.
pub fn read(sdp: &str) -> Result<Offered, String> {
    let description = SessionDescription::parse(sdp).map_err(|error| format!("{}: {error}", error.code()))?;
    let mut offered = Offered { has_video: false, h264: false, vp8: false, sections: sections(sdp) };
    for section in description.media.iter().filter(|section| section.kind == Some(MediaKind::Video)) {
        offered.has_video = true;
        for format in &section.formats {
            match format.codec {
                CodecName::H264 => offered.h264 |= is_usable_h264(&format.fmtp),
                CodecName::Vp8 => offered.vp8 = true,
                _ => {}
            }
        }
    }
    for section in &mut offered.sections {
        let media = description.media.iter().find(|media| media.mid.as_deref() == Some(&section.mid));
        let Some(media) = media else { continue };
        let spoken = media.formats.iter().filter(|format| match format.codec {
            CodecName::H264 => is_usable_h264(&format.fmtp),
            CodecName::Opus | CodecName::Vp8 => true,
            _ => false,
        });
        if media.ssrcs.is_empty() && media.extension_id(MID_URI).is_none() && section.rids.is_empty() {
            section.told_by = spoken.clone().map(|format| format.payload_type).collect();
        }
        section.parameter_sets =
            spoken.filter_map(|format| format.parameter("sprop-parameter-sets")).find_map(plain::aggregated);
    }
    Ok(offered)
}

/// Mids and simulcast layers by section (RFC 8853 §5.1).
fn sections(sdp: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    for text in sdp.split("\nm=").skip(1).take(MAX_MEDIA) {
        let attribute = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name));
        let Some(mid) = attribute("a=mid:") else { continue };
        let sent = attribute("a=simulcast:").and_then(|value| {
            let mut words = value.split_ascii_whitespace().skip_while(|word| *word != "send");
            words.nth(1)
        });
        let mut rids: Vec<String> = sent.map_or_else(Vec::new, |list| {
            // Of alternatives the first, paused (`~`) or not.
            let first =
                |layer: &str| layer.split(',').next().unwrap_or_default().trim_start_matches('~').to_owned();
            list.split(';').map(first).filter(|rid| !rid.is_empty()).take(MAX_LAYERS).collect()
        });
        if runs_downwards(&rids) {
            rids.reverse();
        }
        sections.push(Section { mid: mid.to_owned(), rids, told_by: Vec::new(), parameter_sets: None });
    }
    sections
}

/// Layers come in the order of the page's encodings, lowest first as ours are; well-known names that run the other
/// way are recognised.
fn runs_downwards(rids: &[String]) -> bool {
    let full = rids.iter().any(|rid| rid == "f");
    let rank = |rid: &String| match rid.as_str() {
        "f" | "high" | "hi" | "2" => Some(2),
        "h" if !full => Some(2),
        "h" | "m" | "mid" | "medium" | "1" => Some(1),
        "l" | "q" | "low" | "lo" | "0" => Some(0),
        _ => None,
    };
    let ranks: Option<Vec<i32>> = rids.iter().map(rank).collect();
    ranks.is_some_and(|ranks| ranks.len() > 1 && ranks.windows(2).all(|pair| pair[0] > pair[1]))
}

/// Packetization mode 1 and a baseline profile, constrained or plain (RFC 6184 §8.1).
fn is_usable_h264(fmtp: &str) -> bool {
    let value = |name: &str| {
        fmtp.split(';')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|pair| pair.1)
    };
    let profile = value("profile-level-id").unwrap_or("42e01f").to_ascii_lowercase();
    value("packetization-mode") == Some("1") && profile.starts_with("42")
}

/// Adds the packet time to the audio sections: Chromium then sends Opus frames of that length. Where redundant audio
/// (RFC 2198) was agreed it is put first, so that it is what is sent.
pub fn with_audio_wishes(answer: &str, millis: u32) -> String {
    let red = red_payload_type(answer).map(|number| number.to_string());
    let mut out = String::with_capacity(answer.len() + 64);
    let mut in_audio = false;
    let close = |out: &mut String, in_audio: bool| {
        if in_audio {
            out.push_str(&format!("a=ptime:{millis}\r\na=maxptime:{millis}\r\n"));
        }
    };
    for line in answer.lines() {
        if line.starts_with("m=") {
            close(&mut out, in_audio);
            in_audio = line.starts_with("m=audio ") && !line.starts_with("m=audio 0 ");
        }
        match &red {
            Some(red) if in_audio && line.starts_with("m=") => out.push_str(&red_first(line, red)),
            _ => out.push_str(line),
        }
        out.push_str("\r\n");
    }
    close(&mut out, in_audio);
    out
}

fn red_first(line: &str, red: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if let Some(at) = words.iter().skip(3).position(|word| *word == red) {
        words[3..=3 + at].rotate_right(1);
    }
    words.join(" ")
}

/// The payload type that redundant audio was given in a description.
pub fn red_payload_type(sdp: &str) -> Option<u8> {
    let (number, _) = sdp.lines().find_map(|line| {
        line.strip_prefix("a=rtpmap:")?.split_once(' ').filter(|(_, name)| name.starts_with("red/48000"))
    })?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_time_goes_to_audio_only() {
        let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n";
        let with = with_audio_wishes(answer, 60);
        assert_eq!(
            with,
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ptime:60\r\na=maxptime:60\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
        );
    }

    #[test]
    fn redundant_audio_is_put_first_where_it_was_agreed() {
        let answer =
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n";
        assert_eq!(red_payload_type(answer), Some(63));
        assert!(with_audio_wishes(answer, 60).starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"));
    }

    #[test]
    fn the_codec_asked_for_is_taken_where_it_is_offered() {
        let both = Offered { has_video: true, h264: true, vp8: true, sections: Vec::new() };
        assert_eq!(both.video_codec(VideoCodec::Vp8), Some(VideoCodec::Vp8));
        let vp8 = Offered { h264: false, ..both };
        assert_eq!(vp8.video_codec(VideoCodec::H264), Some(VideoCodec::Vp8));
        assert_eq!(Offered { vp8: false, ..vp8 }.video_codec(VideoCodec::H264), None);
    }

    #[test]
    fn layers_are_lowest_first_whatever_the_order_of_well_known_names() {
        let rids = |list: &str| {
            let sdp = format!("v=0\r\nm=video 9 X 96\r\na=mid:1\r\na=simulcast:recv z send {list}\r\n");
            sections(&sdp)[0].rids.join(" ")
        };
        assert_eq!(rids("l;h"), "l h");
        assert_eq!(rids("h;l"), "l h");
        assert_eq!(rids("f;h;q"), "q h f");
        assert_eq!(rids("one;~two,three"), "one two");
        assert_eq!(sections("v=0\r\nm=video 9 X 96\r\na=mid:1\r\n")[0].rids, Vec::<String>::new());
    }

    #[test]
    fn a_sender_that_is_no_browser_is_told_by_its_payload_types() {
        let offer = |more: &str| {
            let sdp = format!(
                "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\n\
                 m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtpmap:96 H264/90000\r\n\
                 a=fmtp:96 packetization-mode=1;profile-level-id=42c01f;sprop-parameter-sets=Z0IAHg==,aM48gA==\r\n\
                 a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n{more}",
                "p".repeat(22),
                ["AB"; 32].join(":"),
            );
            read(&sdp).unwrap().sections.remove(0)
        };
        let plain = offer("");
        assert_eq!(plain.told_by, [96]);
        assert_eq!(plain.parameter_sets.map(|sets| sets.len()), Some(13));
        for more in ["a=ssrc:5 cname:x\r\n", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"] {
            assert_eq!(offer(more).told_by, Vec::<u8>::new());
        }
    }

    #[test]
    fn only_mode_1_baseline_is_usable() {
        assert!(is_usable_h264("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F"));
        assert!(!is_usable_h264("packetization-mode=0;profile-level-id=42e01f"));
        assert!(!is_usable_h264("packetization-mode=1;profile-level-id=640c1f"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)(\\PC|[\r\n;,~:=]|m=audio |m=video |a=mid:|a=simulcast:send ){0,200}") {
            let offered = sections(&text);
            proptest::prop_assert!(offered.iter().all(|section| section.rids.len() <= MAX_LAYERS));
            let _ = read(&text);
            let longer = with_audio_wishes(&text, 60);
            proptest::prop_assert!(longer.lines().count() <= 3 * text.lines().count() + 2);
        }
    }
}
