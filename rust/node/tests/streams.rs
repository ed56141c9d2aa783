//! ICE over TCP: who gets in, what a slow reader gets, and that nobody else notices.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use common::viewer::{Got, Opening};
use common::{Control, PATIENCE, Publisher, Viewer, World};
use diemcau_control::Command;
use diemcau_wire::framing;
use diemcau_wire::sdp::MediaKind;

fn over_tcp(control: &mut Control, name: &str) -> Viewer {
    let opening = Opening { program: Some("p".into()), tcp: true, ..Opening::default() };
    let mut viewer = Viewer::open(control, name, opening).unwrap();
    viewer.connect();
    viewer
}

#[test]
fn viewers_over_tcp_see_and_hear_whichever_worker_they_belong_to() {
    let world = World::start(2);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    let mut viewers = [over_tcp(&mut control, "v1"), over_tcp(&mut control, "v2")];
    for viewer in &mut viewers {
        assert!(viewer.picture(0, b'a').1, "a line begins with a keyframe");
        viewer.until("sound", |got| matches!(got, Got::Media { kind: MediaKind::Audio, .. }).then_some(()));
        viewer.until("a sender report", |got| matches!(got, Got::Report { .. }).then_some(()));
        viewer.during(Duration::from_millis(200));
        assert!(viewer.missing.values().all(Vec::is_empty), "TCP loses nothing");
    }
    control.stats_until("both counted", |stats| stats.tcp_open == 2);
    control.ask(Command::ViewerClose { viewer: "v2".into() }).unwrap();
    viewers[1].until("goodbye", |got| matches!(got, Got::Bye).then_some(()));
    control.stats_until("closed with its viewer", |stats| stats.tcp_open == 1);
}

#[test]
fn a_slow_reader_loses_whole_frames_goes_on_with_a_keyframe_and_costs_nobody_else_anything() {
    let world = World::start(1);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut slow = over_tcp(&mut control, "slow");
    slow.picture(0, b'a');
    let mut quick = Viewer::start(&mut control, "quick", "p");
    quick.picture(0, b'a');
    let asked = a.keyframes();
    // Nothing is read of it until frames were dropped; what waits is in the sockets and, at most, the backlog.
    control.stats_until("dropped", |stats| stats.tcp_dropped > 10);
    assert_eq!(a.keyframes(), asked, "no keyframe is asked for while there is no room for it");
    quick.during(Duration::from_millis(300));
    assert!(quick.missing.values().all(Vec::is_empty), "the other viewer lost nothing");
    let (mut last, mut frame, mut parts, mut gaps) = (None, None, 0, 0);
    slow.until("a keyframe behind the gap", |got| {
        let Got::Media { kind: MediaKind::Video, tag: Some(tag), index, keyframe, .. } = got else {
            return None;
        };
        let gap = last.is_some_and(|last| *index != last + 1);
        last = Some(*index);
        if gap {
            gaps += 1;
            assert_eq!(parts, 3, "a frame of three packets came in part");
            assert!(*keyframe, "behind a gap something came that cannot be decoded: {tag:?}");
        }
        parts = if frame == Some(tag.frame) { parts + 1 } else { 1 };
        frame = Some(tag.frame);
        (gap && *keyframe).then_some(())
    });
    assert_eq!(gaps, 1);
    assert!(a.keyframes() > asked);
    slow.picture(0, b'a');
}

/// Reads until the node closes; what it said before.
fn heard(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => all,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => all,
        Err(error) => panic!("the node keeps a stranger: {error}"),
    }
}

#[test]
fn strangers_hear_nothing_and_take_bounded_room() {
    let world = World::start(1);
    let mut control = world.control();
    let viewer = Viewer::open(&mut control, "v", Opening { tcp: true, ..Opening::default() }).unwrap();
    let node = viewer.tcp.as_ref().unwrap().stream.peer_addr().unwrap();
    let check = viewer.check([7; 12], true);
    let mut forged = check.clone();
    // The password's proof: HMAC-SHA1 of 20 bytes before the fingerprint of 8.
    let at = forged.len() - 9;
    forged[at] ^= 1;
    let mut unknown = check.clone();
    let ufrag = unknown.windows(10).position(|bytes| bytes == viewer.ufrags.1.as_bytes()).unwrap();
    unknown[ufrag + 9] ^= 1;
    for nonsense in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0xff; 40], framed(&[0; 60])] {
        let mut stream = TcpStream::connect(node).unwrap();
        stream.write_all(&nonsense).unwrap();
        assert_eq!(heard(&mut stream), b"");
    }
    for (bytes, reason) in [(forged, "stun_unauthenticated"), (unknown, "stun_unknown")] {
        let mut stream = TcpStream::connect(node).unwrap();
        stream.write_all(&framed(&bytes)).unwrap();
        assert_eq!(heard(&mut stream), b"");
        control.stats_until(reason, |stats| stats.refused.contains_key(reason));
    }
    // Who says nothing gives way to the next.
    let mut silent: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(node).unwrap()).collect();
    control
        .stats_until("crowded", |stats| stats.refused.get("tcp_crowded").is_some_and(|count| *count >= 16));
    assert_eq!(heard(&mut silent[0]), b"");
    let mut honest = TcpStream::connect(node).unwrap();
    honest.write_all(&framed(&check)).unwrap();
    honest.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = [0; 4];
    honest.read_exact(&mut answer).expect("an answer to the honest check");
    assert_eq!(answer[2..], [1, 1], "a binding success response");
    assert_eq!(control.stats_until("one", |stats| stats.tcp_open == 1).tcp_opened, 1);
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    framing::write(&mut framed, bytes);
    framed
}

#[test]
fn one_address_family_or_the_other_udp_or_tcp() {
    let world = World::with(1, |config| {
        config.bind = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        config.announce = vec![IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()];
    });
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    for (number, (candidate, tcp)) in [(0, false), (1, false), (0, true), (1, true)].into_iter().enumerate() {
        let opening = Opening { program: Some("p".into()), candidate, tcp, ..Opening::default() };
        let mut viewer = Viewer::open(&mut control, &format!("v{number}"), opening).unwrap();
        viewer.connect();
        viewer.picture(0, b'a');
    }
}
