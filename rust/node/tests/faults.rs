//! What must not hurt: lost control, hostile lines, garbage from the network, a connection that panics.

mod common;

use std::io::Write;
use std::net::UdpSocket;
use std::time::Duration;

use common::viewer::{Got, Opening};
use common::{Control, PATIENCE, Publisher, Viewer, World};
use diemcau_control::{Command, FromNode, Happening, LinkState, MAX_LINE, ReplyData, VideoCodec};
use diemcau_wire::sdp::MediaKind;

fn snapshot(control: &mut Control) -> Happening {
    control.wait("snapshot", |event| matches!(event, Happening::Snapshot { .. }).then(|| event.clone()))
}

#[test]
fn killing_control_leaves_pictures_running_and_its_successor_finds_everything() {
    let world = World::start(2);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 2);
    control.program("p", &[Some("a/video"), Some("nobody/video")], &["a/audio"]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    control.ask(Command::LineUp { tracks: vec!["a/video".into()] }).unwrap();
    control.ask(Command::Snapshot).unwrap();
    drop(control);
    let got = viewer.during(Duration::from_millis(500));
    assert!(got.iter().filter(|got| matches!(got, Got::Media { kind: MediaKind::Video, .. })).count() > 15);
    let mut successor = world.control();
    let Happening::Snapshot { viewers, publishers, programs, lined_up } = snapshot(&mut successor) else {
        unreachable!()
    };
    assert_eq!(viewers.len(), 1);
    assert_eq!((viewers[0].viewer.as_str(), viewers[0].state), ("v", LinkState::Connected));
    assert_eq!(viewers[0].program.as_deref(), Some("p"));
    assert_eq!((publishers[0].publisher.as_str(), publishers[0].tracks.len()), ("a", 2));
    assert_eq!(programs[0].slots[1].track.as_deref(), Some("nobody/video"));
    assert_eq!((programs[0].mics.len(), lined_up.len()), (1, 1));
    // And it is obeyed.
    successor.ask(Command::ViewerClose { viewer: "v".into() }).unwrap();
    viewer.until("bye", |got| (*got == Got::Bye).then_some(()));
}

#[test]
fn a_command_is_done_once_however_often_it_is_sent() {
    let world = World::start(1);
    let mut control = world.control();
    let set =
        Command::ProgramSet { program: "p".into(), codec: VideoCodec::Vp8, slots: vec![], mics: vec![] };
    control.ask_as("once", set).unwrap();
    // The same id again is answered alike, whatever it asks for now.
    control.ask_as("once", Command::ProgramDelete { program: "p".into() }).unwrap();
    control.ask(Command::ProgramDelete { program: "p".into() }).unwrap();
    let refused = control.ask_as("twice", Command::ProgramDelete { program: "p".into() }).unwrap_err();
    assert_eq!(refused.code, "program_not_found");
    // Also over another connection.
    let mut other = world.control();
    assert_eq!(other.ask_as("twice", Command::Stats).unwrap_err().code, "program_not_found");
}

#[test]
fn commands_that_cannot_be_done_are_refused_with_their_code() {
    let world = World::with(1, |config| config.limits.viewers = 1);
    let mut control = world.control();
    let mut code = |command| control.ask(command).unwrap_err().code;
    let name = || String::from("x");
    assert_eq!(code(Command::ViewerClose { viewer: name() }), "viewer_not_found");
    assert_eq!(code(Command::PublisherClose { publisher: name() }), "publisher_not_found");
    assert_eq!(code(Command::Keyframe { track: name() }), "track_not_found");
    assert_eq!(code(Command::MicsSet { program: name(), mics: vec![] }), "program_not_found");
    let source = common::control::slot(None);
    assert_eq!(code(Command::SlotSet { program: name(), slot: 9_999, source }), "bad_slot");
    let open = |viewer: &str, offer: &str| Command::ViewerOpen {
        viewer: viewer.into(),
        party: None,
        offer: offer.into(),
        program: None,
        ceiling: diemcau_control::Layer::High,
    };
    assert_eq!(code(open("a b", "")), "bad_name");
    assert_eq!(code(open("x", "v=0\r\nnonsense")), "bad_offer");
    let publish = Command::PublisherOpen {
        publisher: name(),
        party: None,
        offer: "v=0".into(),
        codec: VideoCodec::H264,
    };
    assert_eq!(code(publish), "bad_offer");
    Viewer::open(&mut control, "one", Opening::default()).unwrap();
    let second = Viewer::open(&mut control, "two", Opening::default()).err().unwrap();
    assert_eq!(second.code, "full");
    let again = Viewer::open(&mut control, "one", Opening::default()).err().unwrap();
    assert_eq!(again.code, "exists");
}

#[test]
fn hostile_lines_are_answered_with_a_code_and_hurt_nobody() {
    let world = World::start(1);
    let mut good = world.control();
    let mut bad = Control::silent(&world.path);
    let refused = |control: &mut Control| match control.receive().unwrap() {
        FromNode::Reply(reply) => (reply.re, reply.error.unwrap().code),
        other => panic!("{other:?}"),
    };
    bad.send_line(r#"{"id":"early","cmd":"stats"}"#);
    assert_eq!(refused(&mut bad), ("early".into(), "hello_required".into()));
    bad.send_line(r#"{"id":"old","cmd":"hello","version":99}"#);
    assert_eq!(refused(&mut bad), ("old".into(), "version".into()));
    for line in
        ["{", "null", "[]", r#"{"cmd":"stats"}"#, r#"{"id":"","cmd":"hello","version":1}"#, "\u{0}\u{1}"]
    {
        bad.send_line(line);
        assert_eq!(refused(&mut bad), (String::new(), "bad_request".into()), "{line}");
    }
    bad.send_line(r#"{"id":"k","cmd":"explode"}"#);
    assert_eq!(refused(&mut bad), ("k".into(), "bad_request".into()));
    bad.writer.write_all(&[0xff, 0xfe, b'\n']).unwrap();
    assert_eq!(refused(&mut bad).1, "bad_request");
    // Deeply nested: the parser's own limit, not the stack.
    bad.send_line(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(refused(&mut bad).1, "bad_request");
    // An endless line ends that connection only. The write may fail once the node has closed.
    let _ = bad.writer.write_all(&vec![b'x'; 2 * MAX_LINE]);
    assert_eq!(refused(&mut bad).1, "line_too_long");
    good.stats();
}

#[test]
fn garbage_from_the_network_is_counted_and_answered_by_nothing() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let node = format!("127.0.0.1:{}", world.ports[0]);
    let mut seed = 5u64;
    let mut sent = 0;
    for round in 0..2_000usize {
        let mut bytes: Vec<u8> = (0..round % 1_400)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        // Every protocol's first byte has its turn.
        if let Some(first) = bytes.first_mut() {
            *first = [0, 20, 22, 128, 160, 64, 255][round % 7];
        }
        sent += usize::from(stranger.send_to(&bytes, &node).is_ok());
        if round % 100 == 0 {
            viewer.step(Duration::from_millis(1));
        }
    }
    assert_eq!(sent, 2_000);
    let stats = control.stats_until("counted", |stats| {
        stats.refused.get("unknown_address").unwrap_or(&0) + stats.refused.get("stun_unknown").unwrap_or(&0)
            >= 1_900
    });
    assert_eq!(stats.panics, 0);
    assert!(stranger.recv(&mut [0; 64]).is_err(), "a stranger got an answer");
    viewer.picture(0, b'a');
}

#[test]
fn garbage_from_a_known_address_ends_no_connection() {
    let world = World::start(1);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    // A forger writes any sender's address he likes: DTLS records and alerts, RTP, RTCP, STUN, nothing of it true.
    let heads: [&[u8]; 8] = [
        &[21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
        &[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 40],
        &[23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 20],
        &[20, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1],
        &[128, 96, 0, 1],
        &[128, 200, 0, 6],
        &[144, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff],
        &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
    ];
    let mut sent = 0;
    for round in 0..400usize {
        let mut bytes = heads[round % heads.len()].to_vec();
        bytes.resize(bytes.len() + (round * 7) % 60, round as u8);
        a.socket.send_to(&bytes, a.node).unwrap();
        viewer.socket.send_to(&bytes, a.node).unwrap();
        sent += 2;
        if round % 50 == 0 {
            viewer.step(Duration::from_millis(1));
        }
    }
    let stats = control.stats_until("all taken", |stats| stats.packets_in >= sent);
    assert!(stats.refused.values().sum::<u64>() >= 200, "{:?}", stats.refused);
    assert_eq!((stats.panics, stats.viewers, stats.publishers), (0, 1, 1));
    viewer.during(Duration::from_millis(100));
    viewer.picture(0, b'a');
    viewer.until("sound", |got| matches!(got, Got::Media { kind: MediaKind::Audio, .. }).then_some(()));
}

#[test]
fn a_forged_check_does_not_move_a_viewer() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    // What a stranger on the path may have seen: the names in a check, but not the password.
    let ufrags = viewer.ufrags.clone();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let request = diemcau_wire::stun::BindingRequest {
        transaction: [7; 12],
        remote_ufrag: &ufrags.1,
        local_ufrag: &ufrags.0,
        priority: 1,
        controlling: 1,
        use_candidate: true,
    };
    let mut buf = [0; 512];
    let len = diemcau_wire::stun::write_request(&mut buf, &request, b"not the password at all").unwrap();
    stranger.send_to(&buf[..len], format!("127.0.0.1:{}", world.ports[0])).unwrap();
    control.stats_until("refused", |stats| stats.refused.get("stun_unauthenticated") == Some(&1));
    // At most an error of STUN comes back, no longer than what was sent: nothing to amplify with.
    let mut answer = [0; 2048];
    while let Ok(got) = stranger.recv(&mut answer) {
        assert!(diemcau_wire::stun::is_stun(&answer[..got]) && got <= len, "media went to a forged address");
    }
    viewer.picture(0, b'a');
}

#[test]
fn a_connection_that_panics_ends_alone() {
    let world = World::with(1, |config| config.faulty_viewer = Some("bad".into()));
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut good = Viewer::start(&mut control, "good", "p");
    good.picture(0, b'a');
    let mut bad = Viewer::open(&mut control, "bad", Opening::default()).unwrap();
    bad.step(Duration::from_millis(10));
    let gone = control.wait("viewer gone", |event| match event {
        Happening::ViewerGone { viewer, reason } => Some((viewer.clone(), reason.clone())),
        _ => None,
    });
    assert_eq!(gone, ("bad".into(), "panic".into()));
    good.picture(0, b'a');
    control.stats_until("counted", |stats| stats.panics == 1 && stats.viewers == 1);
}

#[test]
fn a_slow_reader_is_told_what_it_missed_and_nothing_else_stops() {
    let world = World::start(1);
    let mut control = world.control();
    // Every cut is told; long names make it long.
    let long = "n".repeat(58);
    control.program(&long, &[], &[]);
    let mut slow = world.control();
    snapshot(&mut slow);
    // The slow one is active now and does not read; another makes the events.
    for round in 0..45_000u32 {
        let source =
            common::control::slot(Some(&format!("{long}/{}", if round % 2 == 0 { "video" } else { "vide" })));
        control.ask(Command::SlotSet { program: long.clone(), slot: (round % 60) as u16, source }).unwrap();
    }
    let dropped = slow.wait("lagged", |event| match event {
        Happening::Lagged { dropped } => Some(*dropped),
        _ => None,
    });
    assert!(dropped > 0);
    slow.ask(Command::Snapshot).unwrap();
    snapshot(&mut slow);
}

#[test]
fn viewers_that_never_come_are_given_up() {
    let world = World::start(1);
    let mut control = world.control();
    Viewer::open(&mut control, "absent", Opening::default()).unwrap();
    control.writer.set_read_timeout(Some(2 * PATIENCE)).unwrap();
    let begun = std::time::Instant::now();
    loop {
        if let Some(FromNode::Event(event)) = control.receive()
            && let Happening::ViewerGone { viewer, reason } = event.what
        {
            assert_eq!((viewer.as_str(), reason.as_str()), ("absent", "timeout"));
            break;
        }
    }
    assert!(begun.elapsed() > Duration::from_secs(10));
    let ReplyData::Stats(stats) = control.ask(Command::Stats).unwrap() else { panic!() };
    assert_eq!(stats.viewers, 0);
}
