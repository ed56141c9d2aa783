//! Control, as a test speaks it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use diemcau_control::{
    Command, Event, Failure, FromNode, Happening, Layer, ReplyData, Request, Slot, Stats, VERSION, VideoCodec,
};

use super::PATIENCE;

pub struct Control {
    reader: BufReader<UnixStream>,
    pub writer: UnixStream,
    events: VecDeque<Event>,
    next: u64,
    name: String,
}

impl Control {
    /// Connects and says hello; the snapshot that follows is the first event.
    pub fn connect(path: &Path) -> Self {
        let mut control = Self::silent(path);
        control.ask(Command::Hello { version: VERSION }).expect("hello");
        control
    }

    /// Connects and says nothing.
    pub fn silent(path: &Path) -> Self {
        let writer = UnixStream::connect(path).expect("the control socket");
        writer.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(writer.try_clone().unwrap());
        let name = format!("{:?}-", Instant::now()).replace(|c: char| !c.is_ascii_alphanumeric(), "");
        Self { reader, writer, events: VecDeque::new(), next: 0, name }
    }

    pub fn send_line(&mut self, line: &str) {
        self.writer.write_all(line.as_bytes()).unwrap();
        self.writer.write_all(b"\n").unwrap();
    }

    /// The next message; `None` when the node closed the connection.
    pub fn receive(&mut self) -> Option<FromNode> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
            Err(error) => panic!("nothing from the node: {error}"),
        }
    }

    /// Sends a command under a fresh id and waits for its reply.
    pub fn ask(&mut self, command: Command) -> Result<ReplyData, Failure> {
        self.next += 1;
        let id = format!("{}{}", self.name, self.next);
        self.ask_as(&id, command)
    }

    pub fn ask_as(&mut self, id: &str, command: Command) -> Result<ReplyData, Failure> {
        let request = Request { id: id.into(), command };
        self.send_line(&serde_json::to_string(&request).unwrap());
        self.reply(id)
    }

    pub fn reply(&mut self, id: &str) -> Result<ReplyData, Failure> {
        loop {
            match self.receive().expect("a reply") {
                FromNode::Reply(reply) if reply.re == id => {
                    return match (reply.ok, reply.error) {
                        (Some(data), None) => Ok(data),
                        (None, Some(failure)) => Err(failure),
                        other => panic!("neither answer nor failure: {other:?}"),
                    };
                }
                FromNode::Reply(other) => panic!("a reply nobody asked for: {other:?}"),
                FromNode::Event(event) => self.events.push_back(event),
            }
        }
    }

    /// The next event that `pick` wants, earlier ones included; others are kept.
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Happening) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            while let Some(event) = self.events.get(seen) {
                if let Some(found) = pick(&event.what) {
                    self.events.remove(seen);
                    return found;
                }
                seen += 1;
            }
            assert!(
                Instant::now() < end,
                "no {what}; the last of {}: {:?}",
                self.events.len(),
                self.events.back()
            );
            if let Some(FromNode::Event(event)) = self.receive() {
                self.events.push_back(event);
            }
        }
    }

    pub fn program(&mut self, program: &str, slots: &[Option<&str>], mics: &[&str]) {
        let slots = slots.iter().map(|track| slot(*track)).collect();
        let mics = mics.iter().map(|mic| (*mic).to_owned()).collect();
        self.ask(Command::ProgramSet { program: program.into(), codec: VideoCodec::Vp8, slots, mics })
            .unwrap();
    }

    pub fn cut(&mut self, program: &str, at: u16, track: &str) {
        let source = slot(Some(track));
        self.ask(Command::SlotSet { program: program.into(), slot: at, source }).unwrap();
    }

    pub fn ceiling(&mut self, viewer: &str, ceiling: Layer) {
        self.ask(Command::ViewerCeiling { viewer: viewer.into(), ceiling }).unwrap();
    }

    pub fn stats(&mut self) -> Stats {
        match self.ask(Command::Stats) {
            Ok(ReplyData::Stats(stats)) => stats,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for the counters until they satisfy, every 50 ms (they are published that often).
    pub fn stats_until(&mut self, what: &str, good: impl Fn(&Stats) -> bool) -> Stats {
        let end = Instant::now() + PATIENCE;
        loop {
            let stats = self.stats();
            if good(&stats) {
                return stats;
            }
            assert!(Instant::now() < end, "never {what}: {stats:?}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

pub fn slot(track: Option<&str>) -> Slot {
    Slot { track: track.map(str::to_owned), alternate: None }
}
