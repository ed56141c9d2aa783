//! One control connection: lines in, lines out, both bounded.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use diemcau_control::MAX_LINE;

use crate::sys::epoll::Interest;

/// Bytes waiting to be read by the peer above which no more commands are taken from it.
const PAUSE_READING: usize = 4 << 20;
/// Bytes waiting above which events are dropped; they are let in again below a quarter of it.
const DROP_EVENTS: usize = 8 << 20;
/// Bytes read per turn, so that one busy connection does not starve the others.
const READ_TURN: usize = 256 << 10;

/// What reading brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    Lines,
    /// The peer is gone, or what it sends cannot be cut into lines any more.
    End,
}

/// A connection and its buffers.
pub struct Link {
    stream: UnixStream,
    input: Vec<u8>,
    /// Where the search for the next end of line goes on.
    scanned: usize,
    output: Vec<u8>,
    written: usize,
    /// Said hello in our version.
    pub greeted: bool,
    /// Events dropped since the last `lagged`.
    dropped: u64,
    lagging: bool,
}

impl Link {
    /// # Errors
    /// When the stream cannot be made non-blocking.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            input: Vec::new(),
            scanned: 0,
            output: Vec::new(),
            written: 0,
            greeted: false,
            dropped: 0,
            lagging: false,
        })
    }

    fn waiting(&self) -> usize {
        self.output.len() - self.written
    }

    /// What the connection waits for now.
    pub fn interest(&self) -> Interest {
        match (self.waiting() < PAUSE_READING, self.waiting() > 0) {
            (true, false) => Interest::Read,
            (true, true) => Interest::ReadWrite,
            (false, _) => Interest::Write,
        }
    }

    /// Reads what is there and calls `each` with every whole line, without its end. A line beyond
    /// [`MAX_LINE`] gives `None` and the end.
    pub fn read(&mut self, mut each: impl FnMut(Option<&[u8]>)) -> Input {
        let mut chunk = [0; 64 << 10];
        let mut turn = 0;
        let mut ended = false;
        while turn < READ_TURN {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    ended = true;
                    break;
                }
                Ok(count) => {
                    self.input.extend_from_slice(&chunk[..count]);
                    turn += count;
                    if self.input.len() > MAX_LINE + READ_TURN {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    ended = true;
                    break;
                }
            }
        }
        let mut start = 0;
        while let Some(at) = self.input[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let end = self.scanned + at;
            if end - start > MAX_LINE {
                each(None);
                return Input::End;
            }
            each(Some(&self.input[start..end]));
            start = end + 1;
            self.scanned = start;
        }
        self.input.drain(..start);
        self.scanned = self.input.len();
        if self.input.len() > MAX_LINE {
            each(None);
            return Input::End;
        }
        if ended { Input::End } else { Input::Lines }
    }

    /// Queues a reply or a snapshot. Never dropped: a peer that does not read them is not read from either.
    pub fn push(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.push(b'\n');
    }

    /// Queues an event unless the peer has fallen behind; false: dropped and counted.
    pub fn push_event(&mut self, line: &str) -> bool {
        if self.lagging || self.waiting() > DROP_EVENTS {
            self.lagging = true;
            self.dropped += 1;
            return false;
        }
        self.push(line);
        true
    }

    /// How many events were dropped, once the peer has caught up again; then counting starts anew.
    pub fn caught_up(&mut self) -> Option<u64> {
        if !self.lagging || self.waiting() > DROP_EVENTS / 4 {
            return None;
        }
        self.lagging = false;
        Some(std::mem::take(&mut self.dropped))
    }

    /// Writes what the socket takes. False: the peer is gone.
    pub fn write(&mut self) -> bool {
        while self.waiting() > 0 {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => return false,
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        if self.waiting() == 0 {
            self.output.clear();
            self.output.shrink_to(1 << 20);
            self.written = 0;
        } else if self.written > 1 << 20 {
            self.output.drain(..self.written);
            self.written = 0;
        }
        true
    }
}

impl AsRawFd for Link {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Link, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Link::new(ours).unwrap(), theirs)
    }

    fn lines(link: &mut Link) -> (Vec<Option<String>>, Input) {
        let mut got = Vec::new();
        let end = link.read(|line| got.push(line.map(|line| String::from_utf8(line.to_vec()).unwrap())));
        (got, end)
    }

    #[test]
    fn lines_come_whole_however_they_were_sent() {
        let (mut link, mut peer) = pair();
        peer.write_all(b"one\ntw").unwrap();
        assert_eq!(lines(&mut link), (vec![Some("one".into())], Input::Lines));
        peer.write_all(b"o\n\nthree\n").unwrap();
        let want = vec![Some("two".into()), Some(String::new()), Some("three".into())];
        assert_eq!(lines(&mut link), (want, Input::Lines));
        drop(peer);
        assert_eq!(lines(&mut link).1, Input::End);
    }

    #[test]
    fn an_endless_line_ends_the_connection_in_bounded_memory() {
        let (mut link, mut peer) = pair();
        let writer = std::thread::spawn(move || while peer.write_all(&[b'x'; 4096]).is_ok() {});
        loop {
            match lines(&mut link) {
                (_, Input::Lines) => assert!(link.input.len() <= MAX_LINE + 2 * READ_TURN),
                (got, Input::End) => {
                    assert_eq!(got, [None]);
                    break;
                }
            }
        }
        drop(link);
        writer.join().unwrap();
    }

    #[test]
    fn a_slow_reader_loses_events_is_told_how_many_and_gets_the_next_again() {
        let (mut link, mut peer) = pair();
        let event = "e".repeat(1000);
        let mut dropped = 0;
        for _ in 0..12_000 {
            dropped += u64::from(!link.push_event(&event));
            assert!(link.write());
        }
        assert!(dropped > 0 && link.caught_up().is_none());
        peer.set_nonblocking(true).unwrap();
        let mut sink = [0; 64 << 10];
        let told = loop {
            while matches!(peer.read(&mut sink), Ok(count) if count > 0) {}
            assert!(link.write());
            if let Some(told) = link.caught_up() {
                break told;
            }
        };
        assert_eq!(told, dropped);
        assert!(link.push_event(&event));
    }
}
