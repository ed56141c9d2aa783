//! Offers of real browsers (Chromium 156 and Firefox ESR 153, captured; Safari's written by hand after its known
//! shape), what we answer, and what we offer ourselves.

use std::net::SocketAddr;

use diemcau_wire::dtls::Fingerprint;
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::sdp::{
    AnswerConfig, Codec, MAX_MEDIA, MediaKind, OfferConfig, SdpError, SessionDescription, Setup,
    ViewerAnswer, answer_offer, answer_viewer, offer_viewer, parse_answer,
};

const CHROMIUM: &str = include_str!("fixtures/chromium-site.sdp");
const INTERLEAVED: &str = include_str!("fixtures/chromium-interleaved.sdp");
const FIREFOX: &str = include_str!("fixtures/firefox-site.sdp");
const SAFARI: &str = include_str!("fixtures/safari-like.sdp");

const FINGERPRINT: Fingerprint = Fingerprint([0xab; 32]);

fn credentials() -> IceCredentials {
    IceCredentials::from_random(&[7; 24])
}

fn answer(offer: &str) -> Result<ViewerAnswer, SdpError> {
    let candidates: [SocketAddr; 2] =
        ["192.0.2.1:4000".parse().unwrap(), "[2001:db8::1]:4000".parse().unwrap()];
    answer_viewer(
        offer,
        &AnswerConfig {
            credentials: &credentials(),
            fingerprint: &FINGERPRINT,
            candidates: &candidates,
            tcp_candidates: &[],
            session_id: 42,
            first_ssrc: 1000,
            max_audio: 8,
            max_video: 32,
            ptime: 60,
            transport_cc: false,
        },
    )
}

#[test]
fn chromium_gets_both_video_codecs_with_retransmission_on_every_line() {
    let answer = answer(CHROMIUM).unwrap();
    assert_eq!(answer.lines.len(), 8);
    for line in &answer.lines[..4] {
        assert_eq!((line.kind, line.payload_types.opus, line.rtx_ssrc), (MediaKind::Audio, Some(111), None));
        assert!(!line.nack);
    }
    for (n, line) in answer.lines[4..].iter().enumerate() {
        assert_eq!((line.kind, line.number, line.nack), (MediaKind::Video, n, true));
        // 108 is constrained baseline with packetization-mode 1; 102, before it, is plain baseline.
        assert_eq!((line.payload_types.h264, line.payload_types.vp8), (Some(108), Some(96)));
        assert_eq!((line.rtx_payload_types.h264, line.rtx_payload_types.vp8), (Some(109), Some(97)));
        assert_eq!(line.payload_types.codec_of(96), Some(Codec::Vp8));
        assert_eq!((line.extensions.abs_send_time, line.extensions.transport_cc), (Some(2), None));
        assert!(line.rtx_ssrc.is_some());
    }
    let mut ssrcs: Vec<u32> =
        answer.lines.iter().flat_map(|l| [Some(l.ssrc), l.rtx_ssrc]).flatten().collect();
    ssrcs.sort_unstable();
    ssrcs.dedup();
    assert_eq!(ssrcs.len(), 12, "every SSRC is its own");
    assert_eq!(answer.remote.setup, Setup::Actpass);
    assert_eq!(answer.remote.candidates, [], "mDNS names give no address");
}

#[test]
fn answer_says_what_browsers_need() {
    let answer = answer(CHROMIUM).unwrap();
    let lines: Vec<&str> = answer.sdp.split("\r\n").collect();
    let count = |wanted: &str| lines.iter().filter(|line| **line == wanted).count();
    assert_eq!(count("a=group:BUNDLE 0 1 2 3 4 5 6 7"), 1);
    assert_eq!(count("a=ice-lite"), 1);
    assert_eq!(count("a=setup:passive"), 8);
    assert_eq!(count("a=sendonly"), 8);
    assert_eq!(count("a=rtcp-mux"), 8);
    assert_eq!(count("a=ptime:60"), 4);
    assert_eq!(count("a=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host"), 1);
    assert_eq!(count("a=candidate:2 1 udp 2130706175 2001:db8::1 4000 typ host"), 1);
    assert_eq!(count("m=video 9 UDP/TLS/RTP/SAVPF 108 109 96 97"), 4);
    assert_eq!(count("a=rtcp-fb:108 nack pli"), 4);
    assert_eq!(count("a=rtcp-fb:108 goog-remb"), 4);
    assert_eq!(count("a=fmtp:109 apt=108"), 4);
    // Lips and voice of the stage are one stream; the other lines each have their own.
    assert_eq!(count("a=msid:line-0 audio-0"), 1);
    assert_eq!(count("a=msid:line-0 video-0"), 1);
    assert_eq!(count("a=msid:line-video-3 video-3"), 1);
    assert!(!answer.sdp.contains("sdes:mid"), "packets carry no MID");
    assert!(!answer.sdp.contains("transport-cc"));
    let line = &answer.lines[4];
    assert_eq!(count(&format!("a=ssrc-group:FID {} {}", line.ssrc, line.rtx_ssrc.unwrap())), 1);
}

#[test]
fn lines_may_come_in_any_order() {
    let answer = answer(INTERLEAVED).unwrap();
    let kinds: Vec<(MediaKind, usize, &str)> =
        answer.lines.iter().map(|l| (l.kind, l.number, l.mid.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (MediaKind::Video, 0, "0"),
            (MediaKind::Audio, 0, "1"),
            (MediaKind::Video, 1, "2"),
            (MediaKind::Audio, 1, "3"),
        ]
    );
}

#[test]
fn firefox_without_its_h264_plugin_gets_vp8_and_its_bundle_only_lines() {
    let answer = answer(FIREFOX).unwrap();
    assert_eq!(answer.lines.len(), 8, "port 0 with bundle-only is no refusal");
    for line in &answer.lines[4..] {
        assert_eq!((line.payload_types.h264, line.payload_types.vp8), (None, Some(120)));
        assert_eq!(line.rtx_payload_types.vp8, Some(124));
        assert_eq!(line.extensions.abs_send_time, Some(4));
    }
    assert!(answer.sdp.contains("a=fmtp:120 max-fs=12288;max-fr=60\r\n"));
}

#[test]
fn safari_gets_constrained_baseline_not_its_preferred_high_profile() {
    let answer = answer(SAFARI).unwrap();
    assert_eq!(answer.lines[1].payload_types.h264, Some(98));
    assert_eq!(answer.lines[1].payload_types.vp8, Some(100));
}

#[test]
fn transport_feedback_is_answered_where_asked_for() {
    let candidates = ["192.0.2.1:4000".parse().unwrap()];
    let config = AnswerConfig {
        credentials: &credentials(),
        fingerprint: &FINGERPRINT,
        candidates: &candidates,
        tcp_candidates: &[],
        session_id: 1,
        first_ssrc: u32::MAX,
        max_audio: 4,
        max_video: 4,
        ptime: 60,
        transport_cc: true,
    };
    let answer = answer_viewer(CHROMIUM, &config).unwrap();
    assert_eq!(answer.lines[0].extensions.transport_cc, Some(3));
    assert!(answer.sdp.contains("a=rtcp-fb:108 transport-cc\r\n"));
    assert!(answer.lines.iter().all(|line| line.ssrc != 0), "SSRCs wrap past zero");
    let few = AnswerConfig { max_video: 3, ..config };
    let error = answer_viewer(CHROMIUM, &few).unwrap_err();
    assert_eq!(error, SdpError::TooManyLines { kind: "video", limit: 3 });
    assert_eq!(error.code(), "sdp_too_many_lines");
}

#[test]
fn tcp_is_offered_behind_every_udp_address_and_told_apart_again() {
    let udp = ["192.0.2.1:4000".parse().unwrap(), "[2001:db8::1]:4000".parse().unwrap()];
    let tcp = ["192.0.2.1:443".parse().unwrap(), "[2001:db8::1]:443".parse().unwrap()];
    let config = AnswerConfig {
        credentials: &credentials(),
        fingerprint: &FINGERPRINT,
        candidates: &udp,
        tcp_candidates: &tcp,
        session_id: 1,
        first_ssrc: 1,
        max_audio: 4,
        max_video: 4,
        ptime: 60,
        transport_cc: false,
    };
    let answer = answer_viewer(CHROMIUM, &config).unwrap().sdp;
    let candidates: Vec<Vec<&str>> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .map(|line| line.split(' ').collect())
        .collect();
    assert_eq!(candidates.iter().map(|words| words[2]).collect::<Vec<_>>(), ["udp", "udp", "tcp", "tcp"]);
    let priorities: Vec<u32> = candidates.iter().map(|words| words[3].parse().unwrap()).collect();
    assert!(priorities.windows(2).all(|pair| pair[0] > pair[1]), "{priorities:?}");
    assert_eq!(candidates[3][4..], ["2001:db8::1", "443", "typ", "host", "tcptype", "passive"]);
    let read = parse_answer(&answer).unwrap().remote;
    assert_eq!((read.candidates, read.tcp_candidates), (udp.to_vec(), tcp.to_vec()));
}

#[test]
fn data_channels_and_unknown_codecs_are_refused_by_port_zero() {
    let offer = format!(
        "{}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\n",
        SAFARI.replace("opus/48000/2", "speex/16000")
    );
    let answer = answer(&offer).unwrap();
    assert_eq!(answer.lines.len(), 1);
    assert!(answer.sdp.contains("a=group:BUNDLE 1\r\n"));
    assert!(answer.sdp.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111 9 0 8 13 110 126\r\n"));
    assert!(answer.sdp.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
}

#[test]
fn offers_that_cannot_be_served_are_refused_by_code() {
    let code = |offer: &str| answer(offer).unwrap_err().code();
    assert_eq!(code(""), "sdp_malformed");
    assert_eq!(code("v=0\r\n"), "sdp_missing");
    assert_eq!(code(&SAFARI.replace("a=ice-ufrag:3PXe\r\n", "")), "sdp_missing");
    assert_eq!(code(&SAFARI.replace("a=ice-ufrag:3PXe", "a=ice-ufrag:a b c d")), "sdp_malformed");
    assert_eq!(code(&SAFARI.replace("sha-256 7E:", "sha-256 ZZ:")), "sdp_malformed");
    assert_eq!(code(&SAFARI.replace("sha-256", "sha-1")), "sdp_missing");
    assert_eq!(code(&SAFARI.replace("a=rtcp-mux\r\n", "")), "sdp_unsupported");
    assert_eq!(code(&SAFARI.replace("a=group:BUNDLE 0 1\r\n", "")), "sdp_unsupported");
    assert_eq!(code(&SAFARI.replace("setup:actpass", "setup:passive")), "sdp_unsupported");
    assert_eq!(code(&SAFARI.replace("a=mid:1", "a=mid:0")), "sdp_malformed");
    assert_eq!(code(&SAFARI.replace("recvonly", "sendonly")), "sdp_unsupported");
    assert_eq!(code(&format!("{SAFARI}a=ice-lite\r\n")), "sdp_unsupported");
    let media = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(MAX_MEDIA);
    assert_eq!(code(&format!("{SAFARI}{media}")), "sdp_too_many");
    assert_eq!(code(&format!("v=0\r\n{}", "a=x\r\n".repeat(60_000))), "sdp_too_long");
    let repeated = SAFARI.replace("SAVPF 111 9", "SAVPF 111 111");
    assert_eq!(
        answer(&repeated).unwrap_err(),
        SdpError::Malformed { line: 8, what: "names a payload type twice" }
    );
}

#[test]
fn our_offer_and_our_answer_understand_each_other() {
    let offer = offer_viewer(&OfferConfig {
        credentials: &IceCredentials::from_random(&[9; 24]),
        fingerprint: &Fingerprint([0xcd; 32]),
        session_id: 7,
        audio_lines: 4,
        video_lines: 4,
        video_codecs: &[Codec::H264, Codec::Vp8],
    });
    let answered = answer(&offer).unwrap();
    assert_eq!(answered.remote.ice, IceCredentials::from_random(&[9; 24]));
    assert_eq!(answered.remote.fingerprint, Fingerprint([0xcd; 32]));
    let session = parse_answer(&answered.sdp).unwrap();
    assert_eq!(session.lines, answered.lines, "both ends mean the same lines");
    assert_eq!(session.remote.ice, credentials());
    assert_eq!(session.remote.fingerprint, FINGERPRINT);
    assert!(session.remote.ice_lite);
    assert_eq!(session.remote.candidates.len(), 2);
}

/// What a server that makes the offer writes: sound, a picture with retransmission, something we do not speak, data.
const SENDING: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a v x d\r\na=ice-lite\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n\
a=setup:actpass\r\na=mid:a\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:11 cname:c\r\n\
a=candidate:1 1 udp 1 192.0.2.1 4000 typ host\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 97 98 99\r\na=mid:v\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:97 H264/90000\r\n\
a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 nack pli\r\n\
a=rtcp-fb:97 transport-cc\r\na=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=97\r\na=rtpmap:99 AV1/90000\r\n\
a=ssrc-group:FID 21 22\r\na=ssrc:21 cname:c\r\na=ssrc:22 cname:c\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 100\r\na=mid:x\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:100 AV1/90000\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\na=sctp-port:5000\r\n";

#[test]
fn a_servers_offer_is_answered_with_what_is_spoken_here() {
    let taken = answer_offer(SENDING, &credentials(), &FINGERPRINT, 7).unwrap();
    let lines = &taken.session.lines;
    assert_eq!(
        lines.iter().map(|l| (l.kind, l.ssrc, l.rtx_ssrc)).collect::<Vec<_>>(),
        [(MediaKind::Audio, 11, None), (MediaKind::Video, 21, Some(22)),]
    );
    assert_eq!((lines[1].payload_types.h264, lines[1].rtx_payload_types.h264), (Some(97), Some(98)));
    assert_eq!(taken.session.remote.candidates, ["192.0.2.1:4000".parse().unwrap()]);
    let read = SessionDescription::parse(&taken.sdp).unwrap();
    assert_eq!(
        (read.transport.setup, &read.bundle[..]),
        (Setup::Active, &["a".to_owned(), "v".to_owned()][..])
    );
    assert_eq!(read.media.iter().map(|m| m.is_active()).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(read.media[1].formats[0].feedback, ["nack", "nack pli"]);
    let passive_only = SENDING.replace("a=setup:actpass", "a=setup:active");
    let refused = answer_offer(&passive_only, &credentials(), &FINGERPRINT, 7).unwrap_err();
    assert_eq!(refused.code(), "sdp_mismatch");
}

#[test]
fn a_viewer_of_one_codec_gets_that_one() {
    let offer = offer_viewer(&OfferConfig {
        credentials: &credentials(),
        fingerprint: &FINGERPRINT,
        session_id: 7,
        audio_lines: 0,
        video_lines: 1,
        video_codecs: &[Codec::Vp8],
    });
    let lines = answer(&offer).unwrap().lines;
    assert_eq!((lines[0].payload_types.h264, lines[0].payload_types.vp8), (None, Some(96)));
}

#[test]
fn bare_newlines_and_unknown_lines_are_read_over() {
    let offer = SAFARI.replace("\r\n", "\n").replace("t=0 0\n", "t=0 0\nb=AS:3000\nk=prompt\na=future:1\n\n");
    assert_eq!(SessionDescription::parse(&offer).unwrap(), SessionDescription::parse(SAFARI).unwrap());
}
