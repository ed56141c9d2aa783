use super::*;
use crate::mail::{Inbox, mailbox};
use crate::message::{Report, ViewerOpened};
use diemcau_control::Command;

struct World {
    hub: Hub,
    orders: Vec<Inbox<Order>>,
    count: u32,
}

impl World {
    fn new(workers: usize) -> Self {
        let (mut ends, mut orders) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (outbox, inbox) = mailbox(8).unwrap();
            ends.push(Worker {
                orders: outbox,
                backlog: VecDeque::new(),
                stats: Arc::default(),
                viewers: 0,
                publishers: 0,
            });
            orders.push(inbox);
        }
        let limits = Limits { viewers: 100, publishers: 100 };
        Self { hub: Hub::new(ends, limits, Clock::start(), "i".into()), orders, count: 0 }
    }

    fn command(&mut self, command: Command) -> Answer {
        self.count += 1;
        self.hub.command(&self.count.to_string(), command)
    }

    fn done(&mut self, command: Command) {
        let answer = self.command(command);
        assert!(matches!(answer, Answer::Now(Ok(ReplyData::Done))), "{answer:?}");
    }

    fn code(&mut self, command: Command) -> String {
        match self.command(command) {
            Answer::Now(Err(failure)) => failure.code,
            other => panic!("{other:?}"),
        }
    }

    fn drain(&self) -> Vec<Order> {
        self.orders.iter().flat_map(|inbox| std::iter::from_fn(|| inbox.take())).collect()
    }

    fn open(&mut self, viewer: &str) -> ConnId {
        let answer = self.command(Command::ViewerOpen {
            viewer: viewer.into(),
            party: Some("p".into()),
            offer: String::new(),
            program: None,
            ceiling: Layer::High,
        });
        assert!(matches!(answer, Answer::Later), "{answer:?}");
        self.hub.viewers[viewer].conn
    }
}

fn program() -> Command {
    Command::ProgramSet { program: "p".into(), codec: VideoCodec::H264, slots: vec![], mics: vec![] }
}

fn opened() -> ViewerOpened {
    ViewerOpened { answer: "v=0".into(), audio_lines: 1, video_lines: 2, codecs: vec![] }
}

#[test]
fn viewers_are_spread_over_the_workers() {
    let mut world = World::new(3);
    for name in ["a", "b", "c", "d"] {
        world.open(name);
    }
    let mut counts: Vec<usize> = world.hub.workers.iter().map(|worker| worker.viewers).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
}

#[test]
fn a_worker_without_room_refuses_the_command_whole() {
    let mut world = World::new(2);
    world.done(program());
    // One worker reads, the other does not.
    let set = |slot| Command::SlotSet { program: "p".into(), slot, source: Slot::default() };
    for slot in 0..7 {
        world.done(set(slot));
        while world.orders[0].take().is_some() {}
    }
    assert_eq!(world.code(set(7)), "busy");
    assert_eq!(world.hub.programs["p"].slots.len(), 7, "nothing was changed");
    assert!(world.orders[0].take().is_none(), "nor ordered");
    world.drain();
    world.done(set(7));
}

#[test]
fn an_open_is_answered_once_and_a_close_meanwhile_refuses_it() {
    let mut world = World::new(1);
    let conn = world.open("v");
    world.hub.report(Report::ViewerOpened(conn, Ok(opened())));
    let out = world.hub.take_out();
    assert!(matches!(&out[..], [Out::Reply(id, Ok(ReplyData::Viewer { .. }))] if id == "1"), "{out:?}");
    world.done(Command::ViewerClose { viewer: "v".into() });
    let again = world.open("v");
    world.done(Command::ViewerClose { viewer: "v".into() });
    world.hub.take_out();
    // The worker's words come too late to mean anything.
    world.hub.report(Report::ViewerOpened(again, Ok(opened())));
    world.hub.report(Report::Gone(conn, "closed"));
    world.hub.report(Report::Gone(again, "closed"));
    assert!(world.hub.take_out().is_empty());
    assert_eq!((world.hub.viewers.len(), world.hub.conns.len(), world.hub.opening.len()), (0, 0, 0));
    assert_eq!(world.hub.workers[0].viewers, 0);
}

#[test]
fn a_pin_beyond_the_viewers_lines_is_refused() {
    let mut world = World::new(1);
    let conn = world.open("v");
    world.hub.report(Report::ViewerOpened(conn, Ok(opened())));
    let pin = |line| Command::ViewerPin {
        viewer: "v".into(),
        line,
        track: Some("t/video".into()),
        ceiling: Layer::Low,
    };
    world.done(pin(1));
    assert_eq!(world.code(pin(2)), "bad_slot");
}

#[test]
fn deleting_a_program_detaches_its_viewers_in_the_snapshot() {
    let mut world = World::new(1);
    world.done(program());
    world.open("v");
    world.done(Command::ViewerAttach { viewer: "v".into(), program: Some("p".into()) });
    world.done(Command::ProgramDelete { program: "p".into() });
    let Happening::Snapshot { viewers, programs, .. } = world.hub.snapshot() else { panic!() };
    assert_eq!(viewers[0].program, None);
    assert!(programs.is_empty());
}

#[test]
fn names_that_nothing_uses_are_forgotten() {
    let mut world = World::new(1);
    world.done(program());
    let kept = |mics: Vec<String>| Command::MicsSet { program: "p".into(), mics };
    for round in 0..40 {
        world.done(kept((0..1_000).map(|n| format!("r{round}n{n}/audio")).collect()));
        world.drain();
    }
    assert!(world.hub.names.len() < 5_000, "{} names", world.hub.names.len());
    // What is used keeps its number.
    let mic = &world.hub.programs["p"].mics[0].clone();
    let before = world.hub.names.track(mic);
    world.done(kept(vec![mic.clone()]));
    assert_eq!(world.hub.names.track(mic), before);
}

#[test]
fn a_publisher_that_is_being_opened_keeps_the_numbers_that_its_worker_was_given() {
    let mut world = World::new(1);
    world.done(program());
    world.drain();
    let answer = world.command(Command::PublisherOpen {
        publisher: "a".into(),
        party: None,
        offer: String::new(),
        codec: VideoCodec::H264,
    });
    assert!(matches!(answer, Answer::Later), "{answer:?}");
    let Some(Order::OpenPublisher(open)) = world.drain().pop() else { panic!("no order to open") };
    // Enough names come and go meanwhile that those without use are forgotten, more than once.
    for round in 0..5 {
        let mics = (0..1_000).map(|n| format!("r{round}n{n}/audio")).collect();
        world.done(Command::MicsSet { program: "p".into(), mics });
        world.drain();
    }
    assert!(world.hub.names.len() < 5_000, "nothing was forgotten");
    let source = Slot { track: Some("a/video".into()), alternate: None };
    world.done(Command::SlotSet { program: "p".into(), slot: 0, source });
    world.done(Command::MicsSet { program: "p".into(), mics: vec!["a/audio".into()] });
    match &world.drain()[..] {
        [Order::Table(TableOrder::SetSlot(_, 0, slot)), Order::Table(TableOrder::SetMics(_, mics))] => {
            assert_eq!((slot.track, &mics[..]), (Some(open.video), &[open.audio][..]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_one_command_makes_beyond_the_room_is_given_later_and_in_order() {
    let mut world = World::new(1);
    world.done(program());
    let name = |slot: u16| Slot { track: Some("a/video".into()), alternate: Some(format!("x{slot}/video")) };
    for slot in 0..20 {
        world.done(Command::SlotSet { program: "p".into(), slot, source: name(slot) });
        world.drain();
    }
    // Room for eight orders; the track's new number concerns twenty slots.
    world.hub.renumber("a/video");
    assert_eq!(world.code(program()), "busy");
    let mut slots = Vec::new();
    let mut more = true;
    while more {
        slots.extend(world.drain().into_iter().map(|order| match order {
            Order::Table(TableOrder::SetSlot(_, slot, _)) => slot,
            other => panic!("{other:?}"),
        }));
        more = world.hub.retry() || slots.len() < 20;
        assert!(slots.len() <= 20);
    }
    assert_eq!(slots, (0..20).collect::<Vec<u16>>());
}
