//! Whose an address is: a participant with a password of his own and another's address on the envelope gets nothing
//! that is not his, and one who checks gets what is.

mod common;

use std::time::Duration;

use common::viewer::Opening;
use common::{Control, PATIENCE, Publisher, Viewer, World};
use diemcau_control::{Command, Happening, LinkState};

fn join(control: &mut Control, name: &str) -> Viewer {
    let mut viewer = Viewer::open(control, name, Opening::default()).unwrap();
    viewer.connect();
    viewer
}

/// A node that sends its viewers nothing does not open what they report.
fn somebody_sends(control: &mut Control) -> Publisher {
    Publisher::start(control, "somebody", b's', 1)
}

/// Whether what this viewer sends under its own keys reaches its own connection: requests for a keyframe are counted
/// there and nowhere else.
fn is_heard(control: &mut Control, viewer: &mut Viewer) {
    let before = control.stats().plis_in;
    viewer.rtcp(|rtcp| {
        rtcp.pli(1, 2).unwrap();
    });
    control.stats_until("heard", |stats| stats.plis_in > before);
}

/// Waits for a datagram with such a first byte and leaves it in the viewer's socket.
fn skip_until(viewer: &Viewer, wanted: impl Fn(u8) -> bool) {
    viewer.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut first = [0];
    loop {
        viewer.socket.peek(&mut first).expect("something of the node");
        if wanted(first[0]) {
            return;
        }
        viewer.socket.recv(&mut first).unwrap();
    }
}

#[test]
fn a_check_from_anothers_address_does_not_take_a_viewers() {
    let world = World::start(1);
    let mut control = world.control();
    let _sends = somebody_sends(&mut control);
    let (mut victim, thief) = (join(&mut control, "victim"), join(&mut control, "thief"));
    victim.hears_others = true;
    let node = ("127.0.0.1", world.ports[0]);
    for (round, use_candidate) in [(1, true), (2, false), (3, true)] {
        victim.socket.send_to(&thief.check([round; 12], use_candidate), node).unwrap();
    }
    control.stats_until("refused", |stats| stats.refused.contains_key("address_taken"));
    is_heard(&mut control, &mut victim);
}

#[test]
fn a_check_from_anothers_address_does_not_stop_a_publishers_picture() {
    let world = World::start(1);
    let mut control = world.control();
    let publisher = Publisher::start(&mut control, "a", b'a', 1);
    control.program("p", &[Some("a/video")], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.picture(0, b'a');
    let thief = join(&mut control, "thief");
    for round in 1..=50 {
        publisher.socket.send_to(&thief.check([round; 12], true), publisher.node).unwrap();
        viewer.picture(0, b'a');
    }
    let refused = control.stats_until("all refused", |stats| {
        stats.refused.get("address_taken") == Some(&50)
            || stats.refused.keys().any(|key| key.contains("srtp"))
    });
    assert_eq!(refused.refused.get("address_taken"), Some(&50), "{:?}", refused.refused);
}

#[test]
fn a_viewer_whose_address_was_anothers_meanwhile_gets_it_back_with_its_next_check() {
    let world = World::start(1);
    let mut control = world.control();
    let _sends = somebody_sends(&mut control);
    let (mut viewer, other) = (join(&mut control, "v"), join(&mut control, "other"));
    viewer.hears_others = true;
    let link = |control: &mut Control, state: LinkState| {
        control.wait("link", |event| match event {
            Happening::ViewerLink { viewer, state: told } if viewer == "v" && *told == state => Some(()),
            _ => None,
        });
    };
    link(&mut control, LinkState::Connected);
    // Silent for long enough to lose it ...
    link(&mut control, LinkState::Degraded);
    let taken = control.stats();
    viewer.socket.send_to(&other.check([1; 12], true), ("127.0.0.1", world.ports[0])).unwrap();
    control.stats_until("taken", |stats| stats.packets_in > taken.packets_in);
    // ... and the other is gone, with a goodbye to where it seemed to be, before the viewer is back from there.
    control.ask(Command::ViewerClose { viewer: "other".into() }).unwrap();
    skip_until(&viewer, |first| first >= 128);
    viewer.step(Duration::from_millis(1));
    link(&mut control, LinkState::Connected);
    is_heard(&mut control, &mut viewer);
}

#[test]
fn what_a_viewer_reports_is_opened_only_while_viewers_are_sent_something() {
    let world = World::start(1);
    let mut control = world.control();
    control.program("p", &[None], &[]);
    let mut viewer = Viewer::start(&mut control, "v", "p");
    viewer.hears_others = true; // the answer to a check that it does not know of
    viewer.during(Duration::from_millis(2_200));
    let before = control.stats().packets_in;
    viewer.rtcp(|rtcp| {
        rtcp.pli(1, 2).unwrap();
    });
    viewer.socket.send_to(&viewer.check([7; 12], false), ("127.0.0.1", world.ports[0])).unwrap();
    let stats = control.stats_until("both came", |stats| stats.packets_in >= before + 2);
    assert_eq!((stats.plis_in, stats.refused.len()), (0, 0));
    let _publisher = Publisher::start(&mut control, "a", b'a', 1);
    control.cut("p", 0, "a/video");
    viewer.picture(0, b'a');
    is_heard(&mut control, &mut viewer);
}

#[test]
fn a_client_hello_before_the_nomination_is_answered_with_it() {
    let world = World::start(1);
    let mut control = world.control();
    let mut viewer = Viewer::open(&mut control, "v", Opening::default()).unwrap();
    viewer.begin_before_nomination();
    // The viewer does not look at its clock meanwhile, so nothing was sent a second time.
    skip_until(&viewer, |first| first == 22);
    viewer.connect();
    let stats = control.stats_until("counted", |stats| stats.viewers == 1);
    assert!(stats.refused.is_empty(), "{:?}", stats.refused);
}
