//! The TCP connections of one worker. Nothing here waits: what a connection does not take stays in its backlog.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use diemcau_wire::framing::{FrameReader, TooLong};

use super::backlog::{Backlog, VideoPacket};
use super::path::{self, Number};
use crate::message::ConnId;
use crate::sys::epoll::{Epoll, Interest, Ready};

/// A connection that takes nothing for so long while something waits is closed.
const STUCK: Duration = Duration::from_secs(10);
/// So is one on which nothing has come for so long: browsers check the paths they keep.
const SILENT: Duration = Duration::from_secs(60);
/// Read at a time, bytes.
const READ: usize = 64 << 10;
/// Longest packet that is made here, bytes.
const PACKET: usize = 2048;

/// A connection whose peer has proved which ICE session it is of.
struct Stream {
    socket: TcpStream,
    path: SocketAddr,
    place: usize,
    id: ConnId,
    reader: FrameReader,
    backlog: Backlog,
    /// The kernel's buffer was full: the epoll tells when it is not.
    full: bool,
    dirty: bool,
    /// When it last took something, or had nothing to take.
    moved: Instant,
    heard: Instant,
}

/// Counted since the start, but for `open`.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamStats {
    pub open: u32,
    pub opened: u64,
    /// Video frames and single packets that a slow connection did not get.
    pub dropped: u64,
    pub writes: u64,
    pub bytes: u64,
}

/// Bytes of one stream, to be cut into datagrams.
pub struct Inflow {
    reader: FrameReader,
    buffer: Box<[u8]>,
    len: usize,
}

impl Inflow {
    /// What came with a connection.
    pub fn first(bytes: Vec<u8>) -> Self {
        Self { reader: FrameReader::default(), len: bytes.len(), buffer: bytes.into() }
    }

    /// Calls `each` with every whole datagram of at most `longest` bytes.
    ///
    /// # Errors
    /// A longer one is announced.
    pub fn datagrams(&mut self, longest: usize, each: impl FnMut(&mut [u8])) -> Result<(), TooLong> {
        self.reader.push(&mut self.buffer[..self.len], longest, each)
    }
}

/// A line of a viewer that needs a keyframe: its connection's place and name, and the line.
pub type KeyframeWanted = (usize, ConnId, u8);

/// See the module.
pub struct Streams {
    epoll: Epoll,
    open: HashMap<Number, Stream>,
    last: u32,
    dirty: Vec<Number>,
    /// To be closed, as soon as the worker looks.
    broken: Vec<Number>,
    keyframes: Vec<KeyframeWanted>,
    buffer: Box<[u8]>,
    packet: Box<[u8]>,
    pub stats: StreamStats,
}

impl Streams {
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new()?,
            open: HashMap::new(),
            last: 0,
            dirty: Vec::new(),
            broken: Vec::new(),
            keyframes: Vec::new(),
            buffer: Box::default(),
            packet: Box::default(),
            stats: StreamStats::default(),
        })
    }

    /// Readable when a stream is ready: for the worker's own epoll.
    pub fn epoll(&self) -> &Epoll {
        &self.epoll
    }

    /// Takes a connection over; answers its number.
    ///
    /// # Errors
    /// When the kernel refuses to watch it.
    pub fn add(
        &mut self,
        socket: TcpStream,
        peer: SocketAddr,
        (place, id): (usize, ConnId),
        now: Instant,
    ) -> io::Result<Number> {
        // After 2^32 connections of one worker numbers begin anew; the oldest are long gone.
        self.last = self.last.checked_add(1).unwrap_or(1);
        let Some(number) = Number::new(self.last) else { return Err(io::Error::other("no number")) };
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ].into();
            self.packet = vec![0; PACKET].into();
        }
        self.epoll.add(&socket, u64::from(number.get()), Interest::Read)?;
        let path = path::of_stream(peer, number);
        let stream = Stream {
            socket,
            path,
            place,
            id,
            reader: FrameReader::default(),
            backlog: Backlog::default(),
            full: false,
            dirty: false,
            moved: now,
            heard: now,
        };
        self.open.insert(number, stream);
        self.stats.open = self.open.len() as u32;
        self.stats.opened += 1;
        Ok(number)
    }

    /// Streams that are readable; those that are writable again are written to.
    ///
    /// # Errors
    /// As `epoll_wait`.
    pub fn ready(&mut self, ready: &mut Vec<Ready>, now: Instant) -> io::Result<()> {
        self.epoll.wait(Some(Duration::ZERO), ready)?;
        for one in ready.iter().filter(|one| one.writable) {
            if let Some(number) = number_of(one.token) {
                self.write(number, now);
            }
        }
        Ok(())
    }

    /// Reads what is there, at most 64 KiB; give it back with [`Self::done`]. A stream that ended is broken afterwards.
    pub fn read(&mut self, number: Number, now: Instant) -> Option<Inflow> {
        let stream = self.open.get_mut(&number)?;
        match stream.socket.read(&mut self.buffer) {
            Ok(len) if len > 0 => {
                stream.heard = now;
                let reader = std::mem::take(&mut stream.reader);
                Some(Inflow { reader, buffer: std::mem::take(&mut self.buffer), len })
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                None
            }
            Ok(_) | Err(_) => {
                self.broken.push(number);
                None
            }
        }
    }

    /// What was read has been looked at. `whole`: it made sense; else the stream is broken afterwards.
    pub fn done(&mut self, number: Number, inflow: Inflow, whole: bool) {
        if self.buffer.len() < inflow.buffer.len() {
            self.buffer = inflow.buffer;
        }
        match self.open.get_mut(&number) {
            Some(stream) if whole => stream.reader = inflow.reader,
            Some(_) => self.broken.push(number),
            None => {}
        }
    }

    fn queue(&mut self, number: Number, put: impl FnOnce(&mut Backlog)) {
        let Some(stream) = self.open.get_mut(&number) else { return };
        put(&mut stream.backlog);
        self.stats.dropped += stream.backlog.take_dropped();
        if !stream.dirty {
            stream.dirty = true;
            self.dirty.push(number);
        }
    }

    /// Queues a STUN, DTLS or RTCP packet.
    pub fn control(&mut self, number: Number, packet: &[u8]) {
        self.queue(number, |backlog| backlog.control(packet));
    }

    /// Queues a media packet that `write` makes in the buffer it is given; it answers the length. `video`: where it
    /// belongs; none for sound.
    pub fn media(
        &mut self,
        number: Number,
        video: Option<VideoPacket>,
        now: Instant,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let mut packet = std::mem::take(&mut self.packet);
        let len = write(&mut packet);
        if let Some(bytes) = len.and_then(|len| packet.get(..len)) {
            self.queue(number, |backlog| match video {
                Some(video) => backlog.video(video, bytes, now),
                None => backlog.audio(bytes, now),
            });
        }
        self.packet = packet;
        len
    }

    /// Writes what was queued this turn.
    pub fn flush(&mut self, now: Instant) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for number in dirty.drain(..) {
            if let Some(stream) = self.open.get_mut(&number) {
                stream.dirty = false;
                if !stream.full {
                    self.write(number, now);
                }
            }
        }
        self.dirty = dirty;
    }

    fn write(&mut self, number: Number, now: Instant) {
        let Self { open, stats, broken, keyframes, epoll, .. } = self;
        let Some(stream) = open.get_mut(&number) else { return };
        let mut full = false;
        loop {
            let bytes = stream.backlog.pending(now);
            if bytes.is_empty() {
                stream.moved = now;
                break;
            }
            match stream.socket.write(bytes) {
                Ok(len) => {
                    stats.bytes += len as u64;
                    stats.writes += 1;
                    stream.backlog.wrote(len);
                    stream.moved = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    full = true;
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    broken.push(number);
                    break;
                }
            }
        }
        stats.dropped += stream.backlog.take_dropped();
        while let Some(line) = stream.backlog.needs_keyframe(now) {
            keyframes.push((stream.place, stream.id, line));
        }
        if full != stream.full {
            stream.full = full;
            let interest = if full { Interest::ReadWrite } else { Interest::Read };
            if epoll.change(&stream.socket, u64::from(number.get()), interest).is_err() {
                broken.push(number);
            }
        }
    }

    /// Streams that broke, took nothing or said nothing for too long; they are to be closed.
    pub fn take_broken(&mut self) -> Vec<Number> {
        std::mem::take(&mut self.broken)
    }

    /// Lines that need a keyframe, now that their streams have room for one.
    pub fn take_keyframes(&mut self) -> Vec<KeyframeWanted> {
        std::mem::take(&mut self.keyframes)
    }

    /// Once a second: finds the stuck and the silent, and asks again for keyframes that did not come.
    pub fn tick(&mut self, now: Instant) {
        let Self { open, broken, keyframes, .. } = self;
        for (number, stream) in open {
            let stuck = !stream.backlog.is_empty() && now.saturating_duration_since(stream.moved) > STUCK;
            if stuck || now.saturating_duration_since(stream.heard) > SILENT {
                broken.push(*number);
            }
            while let Some(line) = stream.backlog.needs_keyframe(now) {
                keyframes.push((stream.place, stream.id, line));
            }
        }
    }

    /// Writes what still goes, and closes. Answers whose it was.
    pub fn close(&mut self, number: Number, now: Instant) -> Option<(usize, ConnId)> {
        self.write(number, now);
        let stream = self.open.remove(&number)?;
        self.stats.open = self.open.len() as u32;
        Some((stream.place, stream.id))
    }

    /// Whose a stream is, and its path.
    pub fn owner(&self, number: Number) -> Option<(usize, ConnId, SocketAddr)> {
        self.open.get(&number).map(|stream| (stream.place, stream.id, stream.path))
    }
}

/// The stream that an epoll's token names.
pub fn number_of(token: u64) -> Option<Number> {
    u32::try_from(token).ok().and_then(Number::new)
}
