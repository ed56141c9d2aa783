//! From a publisher through the node to viewers: real clients, real sockets.

mod common;

use std::time::Duration;

use common::viewer::{Got, Opening};
use common::{Publisher, Viewer, World};
use diemcau_control::{Command, Happening, Layer};
use diemcau_wire::sdp::MediaKind;

#[test]
fn a_viewer_sees_and_hears_the_program_and_a_cut_begins_with_a_keyframe() {
    let world = World::start(2);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    let _b = Publisher::start(&mut control, "b", b'b', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    // Two viewers, one on each worker: packets cross.
    let mut viewers = [Viewer::start(&mut control, "v1", "p"), Viewer::start(&mut control, "v2", "p")];
    for viewer in &mut viewers {
        assert!(viewer.picture(0, b'a').1, "a line begins with a keyframe");
        viewer.until("sound", |got| match got {
            Got::Media { kind: MediaKind::Audio, line: 0, tag: Some(tag), .. } => {
                (tag.letter == b'a').then_some(())
            }
            _ => None,
        });
        viewer.until("a sender report", |got| matches!(got, Got::Report { .. }).then_some(()));
    }
    let asked = a.keyframes();
    control.cut("p", 0, "b/video");
    for viewer in &mut viewers {
        assert!(viewer.picture(0, b'b').1, "a cut begins with a keyframe");
    }
    let (track, lines, missing) = control.wait("slot shown", |event| match event {
        Happening::SlotShown { track, lines, missing, .. } => Some((track.clone(), *lines, *missing)),
        _ => None,
    });
    assert_eq!((track.as_deref(), lines, missing), (Some("b/video"), 2, 0));
    assert_eq!(a.keyframes(), asked, "the source that was left is not asked");
    for viewer in &mut viewers {
        let got = viewer.during(Duration::from_millis(300));
        let strangers = got.iter().filter(|got| {
            matches!(got, Got::Media { kind: MediaKind::Video, tag: Some(tag), .. } if tag.letter != b'b')
        });
        assert_eq!(strangers.count(), 0);
        assert!(viewer.missing.values().all(Vec::is_empty), "no number is left out over a cut");
    }
}

#[test]
fn the_ceiling_chooses_the_layer() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 2);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    let layer = |viewer: &mut Viewer, wanted: u8| {
        viewer.until("the layer", |got| match got {
            Got::Media { kind: MediaKind::Video, tag: Some(tag), .. } => (tag.layer == wanted).then_some(()),
            _ => None,
        });
    };
    layer(&mut viewer, 1);
    control.ceiling("v", Layer::Low);
    layer(&mut viewer, 0);
    control.ceiling("v", Layer::High);
    layer(&mut viewer, 1);
    assert!(viewer.missing.values().all(Vec::is_empty));
}

#[test]
fn nobody_gets_what_his_own_party_sends_and_sees_the_alternate_instead() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    let _b = Publisher::start(&mut control, "b", b'b', 1);
    control.program("p", &[], &["a/audio", "b/audio"]);
    let source = diemcau_control::Slot { track: Some("a/video".into()), alternate: Some("b/video".into()) };
    control.ask(Command::SlotSet { program: "p".into(), slot: 0, source }).unwrap();
    let opening =
        Opening { party: Some("a".into()), program: Some("p".into()), audio: 2, ..Opening::default() };
    let mut viewer = Viewer::open(&mut control, "v", opening).unwrap();
    viewer.connect();
    viewer.picture(0, b'b');
    for got in viewer.during(Duration::from_millis(500)) {
        if let Got::Media { tag: Some(tag), .. } = got {
            assert_eq!(tag.letter, b'b');
        }
    }
}

#[test]
fn a_microphone_that_is_closed_is_silent() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    let sound = |got: &Got| matches!(got, Got::Media { kind: MediaKind::Audio, .. }).then_some(());
    viewer.until("sound", sound);
    let speaking = control.wait("speaking", |event| match event {
        Happening::Speaking { tracks, .. } => Some(tracks.clone()),
        _ => None,
    });
    assert_eq!(speaking, ["a/audio"]);
    control.wait("levels", |event| match event {
        Happening::Levels { levels } => {
            levels.iter().find(|l| l.track == "a/audio" && l.dbov > -30).map(|_| ())
        }
        _ => None,
    });
    control.ask(Command::MicsSet { program: "p".into(), mics: vec![] }).unwrap();
    // The reply means the order is on its way; a packet that left before it may still be in the socket.
    viewer.during(Duration::from_millis(60));
    let after = viewer.during(Duration::from_millis(400));
    assert!(after.iter().all(|got| sound(got).is_none()), "sound after the microphone was closed");
    assert!(after.iter().any(|got| matches!(got, Got::Media { kind: MediaKind::Video, .. })));
}

#[test]
fn a_pin_shows_its_track_on_its_line_only() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    let _b = Publisher::start(&mut control, "b", b'b', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    let pin = |track: Option<&str>| Command::ViewerPin {
        viewer: "v".into(),
        line: 1,
        track: track.map(str::to_owned),
        ceiling: Layer::Low,
    };
    control.ask(pin(Some("b/video"))).unwrap();
    viewer.picture(1, b'b');
    viewer.picture(0, b'a');
    control.ask(pin(None)).unwrap();
    viewer.during(Duration::from_millis(100));
    let after = viewer.during(Duration::from_millis(300));
    assert!(!after.iter().any(|got| matches!(got, Got::Media { kind: MediaKind::Video, line: 1, .. })));
}

#[test]
fn what_is_lost_comes_again_and_a_picture_loss_brings_a_keyframe() {
    let world = World::start(1);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    let ssrc = viewer.ssrc(MediaKind::Video, 0);
    viewer.lose_every = Some(10);
    viewer.during(Duration::from_millis(500));
    viewer.lose_every = None;
    viewer.during(Duration::from_millis(100));
    let lost = viewer.missing[&ssrc].clone();
    assert!(!lost.is_empty());
    viewer.rtcp(|compound| {
        compound.nack(1, ssrc, &lost).unwrap();
    });
    viewer.until("the last retransmission", |got| matches!(got, Got::Media { rtx: true, .. }).then_some(()));
    viewer.during(Duration::from_millis(100));
    assert!(viewer.missing[&ssrc].is_empty(), "{:?} of {lost:?}", viewer.missing[&ssrc]);
    let before = a.keyframes();
    viewer.rtcp(|compound| {
        compound.pli(1, ssrc).unwrap();
    });
    viewer.until("a keyframe", |got| matches!(got, Got::Media { keyframe: true, .. }).then_some(()));
    assert!(a.keyframes() > before);
    control.stats_until("counted", |stats| stats.rtx_out == lost.len() as u64 && stats.plis_in == 1);
    let quality = control.wait("quality", |event| match event {
        Happening::Quality { viewers } => viewers.iter().find(|one| one.nacks > 0).cloned(),
        _ => None,
    });
    assert_eq!(quality.viewer, "v");
}

#[test]
fn a_sender_that_names_no_ssrc_and_marks_no_packet_is_told_by_its_payload_types() {
    let world = World::start(1);
    let mut control = world.control();
    // `start_with` waits for `track_live`, which takes a packet that was told.
    let _plain = Publisher::start_with(&mut control, "plain", b'p', 1, |offer| {
        let told = |line: &&str| {
            !line.starts_with("a=ssrc") && !line.starts_with("a=extmap") && !line.starts_with("a=msid:")
        };
        offer.lines().filter(told).map(|line| format!("{line}\r\n")).collect()
    });
    control.program("p", &[Some("plain/video")], &["plain/audio"]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    assert!(viewer.picture(0, b'p').1);
}

#[test]
fn a_track_that_stops_is_lost_and_comes_again() {
    let world = World::start(1);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    a.pause_video(true);
    control.wait("track lost", |event| match event {
        Happening::TrackLost { track } => (track == "a/video").then_some(()),
        _ => None,
    });
    a.pause_video(false);
    control.wait("track live", |event| match event {
        Happening::TrackLive(info) => (info.track == "a/video").then_some(()),
        _ => None,
    });
}

#[test]
fn a_publisher_that_comes_again_under_its_name_is_shown_without_a_new_cut() {
    let world = World::start(2);
    let mut control = world.control();
    let a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    control.ask(Command::PublisherClose { publisher: "a".into() }).unwrap();
    drop(a);
    let _again = Publisher::start(&mut control, "a", b'A', 1);
    assert!(viewer.picture(0, b'A').1);
}

#[test]
fn a_viewer_that_leaves_is_gone_at_once_and_one_that_is_sent_away_hears_it() {
    let mut world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut leaves = Viewer::start(&mut control, "leaves", "p");
    let mut stays = Viewer::start(&mut control, "stays", "p");
    leaves.picture(0, b'a');
    leaves.close();
    let gone = |control: &mut common::Control| {
        control.wait("viewer gone", |event| match event {
            Happening::ViewerGone { viewer, reason } => Some((viewer.clone(), reason.clone())),
            _ => None,
        })
    };
    assert_eq!(gone(&mut control), ("leaves".into(), "closed".into()));
    stays.picture(0, b'a');
    // SIGTERM does the same: everyone is told.
    world.stop();
    stays.until("bye", |got| (*got == Got::Bye).then_some(()));
    stays.until("close_notify", |got| (*got == Got::Closed).then_some(()));
    assert!(!world.path.exists(), "the control socket is removed");
}

#[test]
fn one_socket_serves_both_families() {
    let world = World::with(1, |config| {
        config.bind = "[::]:0".parse().unwrap();
        config.announce = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    });
    let mut control = world.control();
    // The publisher comes over IPv4.
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    for candidate in [0, 1] {
        let opening = Opening { program: Some("p".into()), candidate, ..Opening::default() };
        let mut viewer = Viewer::open(&mut control, &format!("v{candidate}"), opening).unwrap();
        viewer.connect();
        viewer.picture(0, b'a');
    }
}

#[test]
fn without_segmentation_offload_everything_goes_out_too() {
    let world = World::with(1, |config| config.gso = false);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &["a/audio"]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    let stats = control.stats_until("sent", |stats| stats.packets_out > 20);
    assert!(stats.messages_out >= stats.packets_out);
    assert!(viewer.missing.values().all(Vec::is_empty));
}

#[test]
fn frames_of_uneven_packets_share_messages() {
    let world = World::start(1);
    let mut control = world.control();
    let _a = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    let before = control.stats_until("begun", |stats| stats.packets_out > 6);
    viewer.during(Duration::from_secs(1));
    let after = control.stats();
    let (packets, messages) =
        (after.packets_out - before.packets_out, after.messages_out - before.messages_out);
    // Three packets a frame, a byte between them. On a busy machine a frame may come in pieces; hardly all do.
    assert!(packets > messages + 10, "{packets} packets in {messages} messages");
    assert!(viewer.missing.values().all(Vec::is_empty));
}
