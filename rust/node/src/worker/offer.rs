//! What has to be known of a publisher's offer before `str0m` reads it, and what its answer lacks.

use diemcau_control::VideoCodec;
use diemcau_wire::sdp::{CodecName, MediaKind, SessionDescription};

/// What an offer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered {
    pub has_video: bool,
    h264: bool,
    vp8: bool,
}

impl Offered {
    /// The codec to answer: the one asked for, or the other where it is not offered. Only one is answered, so
    /// that a track never changes its codec.
    pub fn video_codec(self, asked: VideoCodec) -> Option<VideoCodec> {
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
    let mut offered = Offered { has_video: false, h264: false, vp8: false };
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
    Ok(offered)
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

/// Adds the packet time to the audio sections: Chromium then sends Opus frames of that length.
pub fn with_packet_time(answer: &str, millis: u32) -> String {
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
        out.push_str(line);
        out.push_str("\r\n");
    }
    close(&mut out, in_audio);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_time_goes_to_audio_only() {
        let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n";
        let with = with_packet_time(answer, 60);
        assert_eq!(
            with,
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ptime:60\r\na=maxptime:60\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
        );
    }

    #[test]
    fn the_codec_asked_for_is_taken_where_it_is_offered() {
        let both = Offered { has_video: true, h264: true, vp8: true };
        assert_eq!(both.video_codec(VideoCodec::Vp8), Some(VideoCodec::Vp8));
        let vp8 = Offered { h264: false, ..both };
        assert_eq!(vp8.video_codec(VideoCodec::H264), Some(VideoCodec::Vp8));
        assert_eq!(Offered { vp8: false, ..vp8 }.video_codec(VideoCodec::H264), None);
    }

    #[test]
    fn only_mode_1_baseline_is_usable() {
        assert!(is_usable_h264("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F"));
        assert!(!is_usable_h264("packetization-mode=0;profile-level-id=42e01f"));
        assert!(!is_usable_h264("packetization-mode=1;profile-level-id=640c1f"));
    }
}
