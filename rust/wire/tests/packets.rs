//! RTP, RTCP and STUN: what is written is read again, real vectors are understood, and no bytes make a parser panic.

use std::net::SocketAddr;

use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtcp::{
    self, ReportBlock, RtcpError, RtcpPacket, RtcpWriter, SenderInfo, nack_pairs, packets,
};
use diemcau_wire::rtp::{
    AudioLevel, RtpError, RtpHeader, RtpPacket, abs_send_time, add_padding, header_len, sequence_newer,
    write_header,
};
use diemcau_wire::sdp::SessionDescription;
use diemcau_wire::stun::{
    BindingRequest, StunClass, StunError, StunMessage, is_stun, peek_local_ufrag, write_error, write_request,
    write_success,
};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|p| u8::from_str_radix(&p.iter().collect::<String>(), 16).unwrap()).collect()
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn rtp_header() -> impl Strategy<Value = RtpHeader> {
    (any::<bool>(), 0u8..128, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(marker, payload_type, sequence, timestamp, ssrc)| RtpHeader {
            marker,
            payload_type,
            sequence,
            timestamp,
            ssrc,
        },
    )
}

fn report() -> impl Strategy<Value = ReportBlock> {
    (any::<u32>(), any::<u8>(), -0x80_0000..=0x7f_ffffi32, any::<[u32; 4]>()).prop_map(
        |(ssrc, fraction_lost, cumulative_lost, rest)| ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence: rest[0],
            jitter: rest[1],
            last_sr: rest[2],
            delay_since_last_sr: rest[3],
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn rtp_is_read_as_written(
        header in rtp_header(),
        extensions in prop::collection::btree_map(1u8..=14, prop::collection::vec(any::<u8>(), 1..=16), 0..4),
        wide in prop::collection::btree_map(15u8..=255, prop::collection::vec(any::<u8>(), 0..40), 0..2),
        payload in prop::collection::vec(any::<u8>(), 0..50),
        padding in 0u8..=16,
    ) {
        let all: Vec<(u8, &[u8])> = extensions.iter().chain(&wide).map(|(id, d)| (*id, &d[..])).collect();
        let mut buf = [0; 400];
        let head = write_header(&mut buf, &header, &all).unwrap();
        buf[head..head + payload.len()].copy_from_slice(&payload);
        let len = add_padding(&mut buf, head + payload.len(), padding).unwrap();
        let read = RtpPacket::parse(&buf[..len]).unwrap();
        prop_assert_eq!(read.header, header);
        prop_assert_eq!(read.header_len, head);
        prop_assert_eq!(header_len(&buf[..len]), Ok(head));
        prop_assert_eq!(read.payload, &payload[..]);
        prop_assert_eq!(read.padding_len, usize::from(padding));
        prop_assert_eq!(read.extensions().collect::<Vec<_>>(), all);
    }

    #[test]
    fn rtcp_reports_are_read_as_written(
        info in any::<[u32; 4]>(),
        ntp in any::<u64>(),
        reports in prop::collection::vec(report(), 0..4),
        cname in "[a-z0-9]{0,20}",
    ) {
        let info = SenderInfo { ssrc: info[0], ntp, rtp: info[1], packets: info[2], octets: info[3] };
        let mut buf = [0; 600];
        let mut writer = RtcpWriter::new(&mut buf);
        writer.sender_report(&info, &reports).unwrap().sdes_cname(info.ssrc, &cname).unwrap();
        writer.receiver_report(5, &reports).unwrap().bye(&[info.ssrc, 9]).unwrap();
        let len = writer.len();
        let all: Vec<RtcpPacket<'_>> = packets(&buf[..len]).collect::<Result<_, _>>().unwrap();
        let [
            RtcpPacket::SenderReport { info: read, reports: first },
            RtcpPacket::SourceDescription(mut chunks),
            RtcpPacket::ReceiverReport { ssrc: 5, reports: second },
            RtcpPacket::Bye(gone),
        ] = all[..] else {
            panic!("{all:?}");
        };
        prop_assert_eq!(read, info);
        prop_assert_eq!(first.collect::<Vec<_>>(), reports.clone());
        prop_assert_eq!(second.collect::<Vec<_>>(), reports);
        prop_assert_eq!(chunks.next(), Some((info.ssrc, cname.as_bytes())));
        prop_assert_eq!(chunks.next(), None);
        prop_assert_eq!(gone.collect::<Vec<_>>(), vec![info.ssrc, 9]);
    }

    #[test]
    fn a_nack_asks_for_what_is_lost_and_nothing_else(
        start in any::<u16>(),
        steps in prop::collection::vec(1u16..40, 1..60),
    ) {
        let lost: Vec<u16> = steps
            .iter()
            .scan(start, |at, step| {
                *at = at.wrapping_add(*step);
                Some(*at)
            })
            .collect();
        let mut buf = [0; 400];
        let mut writer = RtcpWriter::new(&mut buf);
        writer.nack(1, 2, &lost).unwrap();
        let len = writer.len();
        prop_assert_eq!(len, 12 + 4 * nack_pairs(&lost).count());
        match packets(&buf[..len]).next() {
            Some(Ok(RtcpPacket::Nack { sender_ssrc: 1, media_ssrc: 2, lost: read })) => {
                prop_assert_eq!(read.collect::<Vec<_>>(), lost);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn transport_feedback_is_read_as_written(
        base in any::<u16>(),
        start in 0u64..1 << 40,
        steps in prop::collection::vec(prop::option::weighted(0.8, -20_000i64..2_000_000), 1..100),
    ) {
        let mut at = start + 4_000_000;
        let arrivals: Vec<Option<u64>> = steps
            .iter()
            .map(|step| {
                step.map(|step| {
                    at = at.saturating_add_signed(step).max(start);
                    at
                })
            })
            .collect();
        let mut buf = [0; 1200];
        let mut writer = RtcpWriter::new(&mut buf);
        writer.transport_feedback(1, 2, 3, base, &arrivals).unwrap();
        let len = writer.len();
        let Some(Ok(RtcpPacket::TransportFeedback(read))) = packets(&buf[..len]).next() else {
            panic!("{:?}", packets(&buf[..len]).next());
        };
        prop_assert_eq!((read.base_sequence, read.feedback_count), (base, 3));
        let read: Vec<_> = read.arrivals().collect();
        prop_assert_eq!(read.len(), arrivals.len());
        // Times are told in 250 us and modulo 2^24 * 64 ms: compare the distances.
        let first = read.iter().find_map(|(_, at)| *at);
        let first_sent = arrivals.iter().flatten().next();
        for (i, ((sequence, read), sent)) in read.iter().zip(&arrivals).enumerate() {
            prop_assert_eq!(*sequence, base.wrapping_add(i as u16));
            prop_assert_eq!(read.is_some(), sent.is_some());
            if let (Some(read), Some(sent)) = (read, sent) {
                let read = read - first.unwrap();
                let sent = (sent / 250) as i64 - (first_sent.unwrap() / 250) as i64;
                prop_assert_eq!(read, sent * 250);
            }
        }
    }

    #[test]
    fn remb_is_told_within_its_18_bits(bitrate in any::<u64>(), shift in 0u32..64) {
        let bitrate = bitrate >> shift;
        let mut buf = [0; 64];
        let mut writer = RtcpWriter::new(&mut buf);
        writer.remb(1, bitrate, &[2, 3]).unwrap();
        let len = writer.len();
        let Some(Ok(RtcpPacket::Remb { bitrate: read, ssrcs, .. })) = packets(&buf[..len]).next() else {
            panic!();
        };
        prop_assert!(read <= bitrate && bitrate - read <= bitrate >> 17);
        prop_assert_eq!(ssrcs.collect::<Vec<_>>(), vec![2, 3]);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
        // The same with headers that look right, which get further in.
        if bytes.len() >= 12 {
            for kind in 200..=206 {
                bytes[0] = 0x80 | bytes[0] & 0x3f;
                bytes[1] = kind;
                bytes[2] = 0;
                bytes[3] = bytes[3].min((bytes.len() / 4 - 1) as u8);
                exercise(&bytes);
            }
            bytes[0] = 0xb0;
            exercise(&bytes);
            let len = bytes.len();
            bytes[..8].copy_from_slice(&[0, 1, 0, (len.saturating_sub(20) & 0xfc) as u8, 0x21, 0x12, 0xa4, 0x42]);
            exercise(&bytes);
        }
    }

    #[test]
    fn a_damaged_real_message_does_not_panic(
        which in 0usize..3,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut message = [REQUEST, RESPONSE_V4, RESPONSE_V6].map(hex)[which].clone();
        let at = at.index(message.len());
        message[at] = byte;
        exercise(&message);
        exercise(&message[..cut.index(message.len())]);
    }

    #[test]
    fn damaged_descriptions_do_not_panic(
        at in any::<prop::sample::Index>(),
        junk in "\\PC{0,40}",
        cut in any::<prop::sample::Index>(),
    ) {
        let offer = include_str!("fixtures/chromium-interleaved.sdp");
        let mut lines: Vec<&str> = offer.split("\r\n").collect();
        let at = at.index(lines.len());
        let (kept, _) = lines[at].split_at(cut.index(lines[at].len() + 1));
        let damaged = format!("{kept}{junk}");
        lines[at] = &damaged;
        let _ = SessionDescription::parse(&lines.join("\r\n"));
        let _ = SessionDescription::parse(&junk);
    }
}

/// Reads everything that can be read.
fn exercise(bytes: &[u8]) {
    if let Ok(packet) = RtpPacket::parse(bytes) {
        assert!(packet.header_len + packet.payload.len() + packet.padding_len == bytes.len());
        let _ = packet.extensions().count();
        let _ = packet.audio_level(1);
    }
    for packet in packets(bytes).flatten() {
        match packet {
            RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. } => {
                assert!(reports.count() < 32);
            }
            RtcpPacket::SourceDescription(chunks) => assert!(chunks.count() < 32),
            RtcpPacket::Bye(ssrcs) | RtcpPacket::Remb { ssrcs, .. } => assert!(ssrcs.count() < 256),
            RtcpPacket::Nack { lost, .. } => assert!(lost.count() <= bytes.len() / 4 * 17),
            RtcpPacket::Fir { entries, .. } => assert!(entries.count() <= bytes.len() / 8),
            RtcpPacket::TransportFeedback(feedback) => {
                assert_eq!(feedback.arrivals().count(), usize::from(feedback.status_count));
            }
            RtcpPacket::Pli { .. } | RtcpPacket::Other { .. } => {}
        }
    }
    if let Ok(message) = StunMessage::parse(bytes) {
        let _ = message.authentic(b"password");
        let _ = message.ufrags();
    }
    let _ = peek_local_ufrag(bytes);
    let _ = is_stun(bytes);
}

#[test]
fn broken_rtp_is_refused_by_name() {
    assert_eq!(RtpPacket::parse(&[]).unwrap_err(), RtpError::Truncated);
    assert_eq!(RtpPacket::parse(&[0x40; 12]).unwrap_err(), RtpError::Version);
    assert_eq!(RtpPacket::parse(&[0x81; 12]).unwrap_err(), RtpError::Truncated);
    let mut padded = [0; 14];
    padded[0] = 0xa0;
    assert_eq!(RtpPacket::parse(&padded).unwrap_err(), RtpError::Padding);
    padded[13] = 3;
    assert_eq!(RtpPacket::parse(&padded).unwrap_err(), RtpError::Padding);
    padded[13] = 2;
    assert_eq!(RtpPacket::parse(&padded).unwrap().payload, []);
    let header = RtpHeader::default();
    assert_eq!(write_header(&mut [0; 11], &header, &[]), Err(RtpError::NoSpace));
    assert_eq!(write_header(&mut [0; 19], &header, &[(1, &[0; 4])]), Err(RtpError::NoSpace));
    assert_eq!(write_header(&mut [0; 99], &header, &[(0, &[0; 4])]), Err(RtpError::Extension));
    assert_eq!(add_padding(&mut padded, 12, 1), Err(RtpError::Padding), "padded already");
}

#[test]
fn audio_level_and_send_time_are_in_their_units() {
    assert_eq!(AudioLevel::parse(&[0x80 | 30]), Some(AudioLevel { voice: true, level: 30 }));
    assert_eq!(AudioLevel { voice: false, level: 127 }.to_byte(), 0x7f);
    // 6.18 fixed point: 1.5 s is 0x060000; the seconds wrap at 64.
    assert_eq!(abs_send_time(0x1_8000_0000), [0x06, 0, 0]);
    assert_eq!(abs_send_time(0x41_8000_0000), [0x06, 0, 0]);
    assert!(sequence_newer(0, 0xffff) && !sequence_newer(0xffff, 0) && !sequence_newer(5, 5));
}

#[test]
fn broken_rtcp_is_refused_and_ends_the_walk() {
    let first = |bytes: &[u8]| packets(bytes).next().unwrap().unwrap_err();
    assert_eq!(first(&[0x80, 201, 0]), RtcpError::Truncated);
    assert_eq!(first(&[0x80, 201, 0, 9, 0, 0, 0, 0]), RtcpError::Truncated);
    assert_eq!(first(&[0x00, 201, 0, 0]), RtcpError::Version);
    assert_eq!(first(&[0x81, 205, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]), RtcpError::Malformed, "a NACK of nothing");
    assert_eq!(first(&[0x9f, 201, 0, 1, 0, 0, 0, 1]), RtcpError::Truncated, "31 reports promised");
    assert_eq!(first(&[0xa0, 201, 0, 1, 0, 0, 0, 0]), RtcpError::Malformed, "padding of nothing");
    // A padded packet that is not the last, as str0m writes transport-wide feedback: what follows is read.
    let padded = [0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 1, 0, 0, 0, 1];
    assert_eq!(packets(&padded).filter(Result::is_ok).count(), 2);
    assert_eq!(packets(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0, 0]).count(), 2);
    // 65,535 packets in 12 bytes of feedback: refused, not inflated.
    let bomb = [0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff, 0, 0];
    assert_eq!(first(&bomb), RtcpError::Malformed);
    // The same honestly run-length coded: "received nothing", eight thousand at a time.
    let mut bomb = [0x8f, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xf8, 0, 0, 0, 0].to_vec();
    bomb.extend([0x1f, 0xff].repeat(8));
    assert_eq!(bomb.len(), 36);
    assert_eq!(first(&bomb), RtcpError::Malformed);
}

#[test]
fn requests_for_keyframes_are_read_as_written() {
    let mut buf = [0; 64];
    let mut writer = RtcpWriter::new(&mut buf);
    writer.pli(1, 2).unwrap().fir(1, 2, 7).unwrap();
    let len = writer.len();
    let all: Vec<_> = packets(&buf[..len]).map(Result::unwrap).collect();
    assert!(matches!(all[0], RtcpPacket::Pli { sender_ssrc: 1, media_ssrc: 2 }));
    let RtcpPacket::Fir { mut entries, .. } = all[1] else { panic!("{all:?}") };
    assert_eq!(entries.next(), Some((2, 7)));
    let mut small = [0; 15];
    let mut writer = RtcpWriter::new(&mut small);
    assert_eq!(writer.pli(1, 2).unwrap().len(), 12);
    assert_eq!(writer.pli(1, 2).unwrap_err(), RtcpError::NoSpace);
    assert_eq!(writer.len(), 12, "what was there stays");
    assert_eq!(rtcp::ntp_middle(0x1111_2222_3333_4444), 0x2222_3333);
}

/// RFC 5769 §2.1-2.3; the password of all three.
const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74
    002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56
    781ef2b5b2d3f249c1b571a280280004e57a3bcf";
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220
    002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed41
    80280004c8fb0b4c";

#[test]
fn stun_messages_of_rfc_5769_are_understood() {
    let request = hex(REQUEST);
    let message = StunMessage::parse(&request).unwrap();
    assert_eq!((message.class, message.username), (StunClass::Request, Some("evtj:h6vY")));
    assert_eq!((message.priority, message.controlled), (Some(0x6e00_01ff), Some(0x932f_f9b1_5126_3b36)));
    assert!(message.authentic(PASSWORD) && !message.authentic(b"VOkJxbRl1RmTxUk/WvJxBT"));
    assert_eq!(peek_local_ufrag(&request), Some("evtj"));

    for (vector, mapped) in
        [(RESPONSE_V4, "192.0.2.1:32853"), (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let response = hex(vector);
        let message = StunMessage::parse(&response).unwrap();
        assert_eq!((message.class, message.mapped), (StunClass::Success, Some(addr(mapped))));
        assert!(message.authentic(PASSWORD));
    }
}

#[test]
fn stun_is_read_as_written() {
    let ice = IceCredentials::generate();
    let mut buf = [0; 600];
    let request = BindingRequest {
        transaction: [3; 12],
        remote_ufrag: &ice.ufrag,
        local_ufrag: "local",
        priority: 77,
        controlling: 99,
        use_candidate: true,
    };
    let len = write_request(&mut buf, &request, ice.pwd.as_bytes()).unwrap();
    let message = StunMessage::parse(&buf[..len]).unwrap();
    assert_eq!(message.ufrags(), Some((ice.ufrag.as_str(), "local")));
    assert_eq!((message.priority, message.controlling), (Some(77), Some(99)));
    assert!(message.use_candidate && message.authentic(ice.pwd.as_bytes()));

    for from in ["192.0.2.7:1", "[2001:db8::7]:65535"].map(addr) {
        let len = write_success(&mut buf, &[4; 12], from, b"pwd").unwrap();
        let message = StunMessage::parse(&buf[..len]).unwrap();
        assert_eq!((message.mapped, message.transaction), (Some(from), [4; 12]));
    }
    // An IPv4 address that came through an IPv6 socket is told as IPv4.
    let len = write_success(&mut buf, &[4; 12], addr("[::ffff:192.0.2.7]:9"), b"pwd").unwrap();
    assert_eq!(StunMessage::parse(&buf[..len]).unwrap().mapped, Some(addr("192.0.2.7:9")));

    let len = write_error(&mut buf, &[5; 12], 420, Some(0x7777), None).unwrap();
    let message = StunMessage::parse(&buf[..len]).unwrap();
    assert_eq!((message.class, message.error_code), (StunClass::Error, Some(420)));
    assert!(!message.authentic(b""), "no integrity is no authenticity");
    assert_eq!(write_request(&mut [0; 40], &request, b"pwd"), Err(StunError::NoSpace));
}

#[test]
fn broken_stun_is_refused_by_name() {
    let good = hex(REQUEST);
    let refused = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut message = good.clone();
        edit(&mut message);
        StunMessage::parse(&message).unwrap_err()
    };
    assert_eq!(refused(&|m| m.truncate(19)), StunError::Truncated);
    assert_eq!(refused(&|m| m.truncate(60)), StunError::Truncated);
    assert_eq!(refused(&|m| m.extend([0; 4])), StunError::Truncated);
    assert_eq!(refused(&|m| m[1] = 3), StunError::NotBinding);
    assert_eq!(refused(&|m| m[5] = 0), StunError::NotBinding);
    assert_eq!(refused(&|m| m[30] ^= 1), StunError::Fingerprint);
    // Empty attributes without end.
    let mut flood = vec![0, 1, 0, 200, 0x21, 0x12, 0xa4, 0x42];
    flood.resize(220, 0);
    flood[20..].chunks_mut(4).for_each(|a| a.copy_from_slice(&[0x80, 0x50, 0, 0]));
    assert_eq!(StunMessage::parse(&flood).unwrap_err(), StunError::Malformed);
}

/// What stands behind MESSAGE-INTEGRITY is anyone's: it must not count (RFC 8489 §14.5).
#[test]
fn attributes_behind_the_integrity_are_not_believed() {
    let mut buf = [0; 300];
    let request = BindingRequest {
        transaction: [3; 12],
        remote_ufrag: "remote",
        local_ufrag: "local",
        priority: 1,
        controlling: 1,
        use_candidate: false,
    };
    let len = write_request(&mut buf, &request, b"pwd").unwrap();
    // In place of the fingerprint, USE-CANDIDATE.
    let end = len - 8;
    buf[end..end + 4].copy_from_slice(&[0, 0x25, 0, 0]);
    let total = (end + 4 - 20) as u16;
    buf[2..4].copy_from_slice(&total.to_be_bytes());
    let message = StunMessage::parse(&buf[..end + 4]).unwrap();
    assert!(message.authentic(b"pwd"));
    assert!(!message.use_candidate);
}
