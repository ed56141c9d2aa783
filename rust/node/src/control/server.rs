//! The control thread: connections in and out, the hub between them and the workers.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_control::{
    Command, Event, Failure, FromNode, Happening, MAX_LINE, REMEMBERED, Reply, ReplyData, Request,
};

use super::ledger::{Ledger, Seen};
use super::link::{Input, Link};
use crate::clock::unix_millis;
use crate::hub::{Answer, Hub, Out, failure};
use crate::mail::Inbox;
use crate::message::Report;
use crate::sys::epoll::{Epoll, Interest, Ready};

const LISTENER: u64 = 0;
const REPORTS: u64 = 1;
const STOP: u64 = 2;
const FIRST_LINK: u64 = 16;

/// Control connections at a time; more are closed at once.
const MAX_LINKS: usize = 8;
/// Longest id of a command, bytes.
const MAX_ID: usize = 128;
const REPORTS_PER_TURN: usize = 4_096;
const TICK: Duration = Duration::from_secs(1);
/// How soon orders that found a worker's queue full are tried again.
const RETRY: Duration = Duration::from_millis(5);
/// Workers that have not said goodbye by then are left behind.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Tells the server to stop.
pub struct Stop;

/// See the module.
pub struct Server {
    hub: Hub,
    listener: UnixListener,
    path: PathBuf,
    reports: Inbox<Report>,
    stop: Inbox<Stop>,
    epoll: Epoll,
    links: BTreeMap<u64, Link>,
    /// The connection that gets events: the last that said hello.
    active: Option<u64>,
    next_link: u64,
    ledger: Ledger,
    seq: u64,
    running: usize,
    stop_by: Option<Instant>,
}

impl Server {
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new(
        hub: Hub,
        listener: UnixListener,
        path: PathBuf,
        reports: Inbox<Report>,
        stop: Inbox<Stop>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(&listener, LISTENER, Interest::Read)?;
        epoll.add(&reports, REPORTS, Interest::Read)?;
        epoll.add(&stop, STOP, Interest::Read)?;
        let running = hub.workers();
        Ok(Self {
            hub,
            listener,
            path,
            reports,
            stop,
            epoll,
            links: BTreeMap::new(),
            active: None,
            next_link: FIRST_LINK,
            ledger: Ledger::default(),
            seq: 0,
            running,
            stop_by: None,
        })
    }

    /// Serves until told to stop and the workers have ended.
    ///
    /// # Errors
    /// When the kernel refuses what the loop stands on.
    pub fn run(mut self) -> io::Result<()> {
        let mut ready: Vec<Ready> = Vec::new();
        let mut next_tick = Instant::now() + TICK;
        while self.running > 0 && self.stop_by.is_none_or(|by| Instant::now() < by) {
            let mut due = self.stop_by.map_or(next_tick, |by| by.min(next_tick));
            if self.hub.retry() {
                due = due.min(Instant::now() + RETRY);
            }
            self.epoll.wait(Some(due.saturating_duration_since(Instant::now())), &mut ready)?;
            for one in &ready {
                match one.token {
                    LISTENER => self.accept(),
                    REPORTS => self.take_reports(),
                    STOP => self.begin_stop(),
                    link => self.serve(link, *one),
                }
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.hub.tick();
            }
            self.deliver();
            self.tend_links();
        }
        // Somebody else's socket by now if it was replaced; then the removal of the name is theirs to mend.
        let _ = std::fs::remove_file(&self.path);
        Ok(())
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.links.len() >= MAX_LINKS {
                tracing::warn!("too many control connections; one was closed");
                continue;
            }
            let Ok(link) = Link::new(stream) else { continue };
            let token = self.next_link;
            self.next_link += 1;
            if self.epoll.add(&link, token, Interest::Read).is_ok() {
                self.links.insert(token, link);
            }
        }
    }

    fn begin_stop(&mut self) {
        self.stop.acknowledge();
        if self.stop.take().is_some() && self.stop_by.is_none() {
            self.stop_by = Some(Instant::now() + STOP_WITHIN);
            self.hub.stop();
        }
    }

    fn take_reports(&mut self) {
        self.reports.acknowledge();
        for _ in 0..REPORTS_PER_TURN {
            match self.reports.take() {
                Some(Report::Stopped) => self.running -= 1,
                Some(report) => self.hub.report(report),
                None => return,
            }
        }
        self.reports.remind();
    }

    fn serve(&mut self, token: u64, ready: Ready) {
        let Some(link) = self.links.get_mut(&token) else { return };
        if ready.writable && !link.write() {
            self.drop_link(token);
            return;
        }
        if !ready.readable {
            return;
        }
        let mut lines = Vec::new();
        let input = link.read(|line| lines.push(line.map(<[u8]>::to_vec)));
        for line in lines {
            match line {
                Some(line) => self.line(token, &line),
                None => self.reply(token, "", Err(too_long())),
            }
            // Replies and events leave in the order of what caused them.
            self.deliver();
        }
        if input == Input::End {
            if let Some(link) = self.links.get_mut(&token) {
                link.write();
            }
            self.drop_link(token);
        }
    }

    fn drop_link(&mut self, token: u64) {
        self.links.remove(&token);
        if self.active == Some(token) {
            self.active = None;
            tracing::info!("control is gone; pictures go on");
        }
    }

    fn line(&mut self, token: u64, line: &[u8]) {
        let request = match read(line) {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err((id, failure)) => {
                self.reply(token, &id, Err(failure));
                return;
            }
        };
        let Request { id, command } = request;
        let greeting = matches!(command, Command::Hello { .. });
        let greeted = self.links.get(&token).is_some_and(|link| link.greeted);
        if !greeting && !greeted {
            self.reply(token, &id, Err(failure("hello_required", "say hello first")));
            return;
        }
        // Hello and snapshot concern the connection: they are done each time.
        if greeting || matches!(command, Command::Snapshot) {
            self.direct(token, &id, command);
            return;
        }
        if self.ledger.begun() >= REMEMBERED {
            self.reply(token, &id, Err(failure("busy", "too many commands without an answer")));
            return;
        }
        match self.ledger.begin(&id, token) {
            Seen::Answered(line) => {
                if let Some(link) = self.links.get_mut(&token) {
                    link.push(&line);
                }
            }
            Seen::Begun => {}
            Seen::New => match self.hub.command(&id, command) {
                Answer::Now(result) => self.answer(&id, result),
                Answer::Later => {}
                Answer::Snapshot => self.answer(&id, Ok(ReplyData::Done)),
            },
        }
    }

    fn direct(&mut self, token: u64, id: &str, command: Command) {
        let answer = self.hub.command(id, command);
        match answer {
            Answer::Now(result) => {
                let hello = matches!(result, Ok(ReplyData::Hello { .. }));
                self.reply(token, id, result);
                if hello {
                    if let Some(link) = self.links.get_mut(&token) {
                        link.greeted = true;
                    }
                    self.active = Some(token);
                    self.snapshot(token);
                }
            }
            Answer::Snapshot => {
                self.reply(token, id, Ok(ReplyData::Done));
                self.snapshot(token);
            }
            Answer::Later => {}
        }
    }

    /// A snapshot carries the next number: what comes after it is not in it.
    fn snapshot(&mut self, token: u64) {
        self.deliver();
        let line = self.event_line(self.hub.snapshot());
        if let Some(link) = self.links.get_mut(&token) {
            link.push(&line);
        }
    }

    fn event_line(&mut self, what: Happening) -> String {
        self.seq += 1;
        json(&FromNode::Event(Event { seq: self.seq, at: unix_millis(), what }))
    }

    fn reply(&mut self, token: u64, id: &str, result: Result<ReplyData, Failure>) {
        if let Some(link) = self.links.get_mut(&token) {
            link.push(&reply_line(id, result));
        }
    }

    /// Answers a remembered command, to all who asked it.
    fn answer(&mut self, id: &str, result: Result<ReplyData, Failure>) {
        let line: Arc<str> = reply_line(id, result).into();
        for token in self.ledger.answer(id, &line) {
            if let Some(link) = self.links.get_mut(&token) {
                link.push(&line);
            }
        }
    }

    fn deliver(&mut self) {
        for out in self.hub.take_out() {
            match out {
                Out::Reply(id, result) => self.answer(&id, result),
                Out::Event(what) => {
                    let line = self.event_line(what);
                    if let Some(link) = self.active.and_then(|token| self.links.get_mut(&token)) {
                        link.push_event(&line);
                    }
                }
            }
        }
    }

    fn tend_links(&mut self) {
        let mut gone = Vec::new();
        let mut lagged = None;
        for (token, link) in &mut self.links {
            if !link.write() {
                gone.push(*token);
                continue;
            }
            if let Some(dropped) = link.caught_up() {
                lagged = Some((*token, dropped));
            }
        }
        if let Some((token, dropped)) = lagged {
            let line = self.event_line(Happening::Lagged { dropped });
            if let Some(link) = self.links.get_mut(&token) {
                link.push(&line);
                link.write();
            }
        }
        for (token, link) in &self.links {
            if self.epoll.change(link, *token, link.interest()).is_err() {
                gone.push(*token);
            }
        }
        for token in gone {
            self.drop_link(token);
        }
    }
}

fn json(message: &FromNode) -> String {
    serde_json::to_string(message).unwrap_or_else(|error| {
        // Cannot be: every field is plain data with string keys.
        tracing::error!(%error, "a message could not be written");
        String::from("{}")
    })
}

fn reply_line(id: &str, result: Result<ReplyData, Failure>) -> String {
    let (ok, error) = match result {
        Ok(data) => (Some(data), None),
        Err(failure) => (None, Some(failure)),
    };
    json(&FromNode::Reply(Reply { re: id.to_owned(), ok, error }))
}

fn too_long() -> Failure {
    failure("line_too_long", format!("lines have at most {MAX_LINE} bytes; the connection is closed"))
}

/// Reads a line; an empty one is nothing. An error carries the id where one could be read.
fn read(line: &[u8]) -> Result<Option<Request>, (String, Failure)> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let bad = |id: String, message: String| (id, failure("bad_request", message));
    let request = serde_json::from_slice::<Request>(line).map_err(|error| {
        // What is not a command may still have an id to be answered by.
        let id = serde_json::from_slice::<serde_json::Value>(line).ok();
        let id = id.as_ref().and_then(|value| value.get("id")?.as_str()).filter(|id| id.len() <= MAX_ID);
        bad(id.unwrap_or_default().to_owned(), error.to_string())
    })?;
    if request.id.is_empty() || request.id.len() > MAX_ID {
        return Err(bad(String::new(), format!("ids have 1 to {MAX_ID} bytes")));
    }
    Ok(Some(request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Err((id, failure)) = read(&line) {
                prop_assert!(id.len() <= MAX_ID);
                prop_assert_eq!(failure.code, "bad_request");
            }
        }

        #[test]
        fn a_command_with_one_byte_changed_is_read_or_refused(at in 0usize..120, byte in any::<u8>()) {
            let mut line = br#"{"id":"7","cmd":"viewer_pin","viewer":"v","line":3,"track":"a/video","ceiling":"low"}"#.to_vec();
            let at = at % line.len();
            line[at] = byte;
            if let Ok(Some(request)) = read(&line) {
                prop_assert!((1..=MAX_ID).contains(&request.id.len()));
            }
        }
    }
}
