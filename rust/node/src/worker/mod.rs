//! A worker: one thread, one UDP port, its connections. It owns everything it touches per packet; other threads
//! reach it through its two queues (orders of the hub, packets of other workers).

mod addresses;
mod datagrams;
mod emit;
mod media;
mod offer;
mod orders;
mod plain;
mod publisher;
mod strain;
mod streamed;
mod tick;
mod viewer;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diemcau_core::{Shard, ShardConfig, TrackId, TrackPacket};
use diemcau_wire::dtls::Certificate;
use diemcau_wire::ice::IceCredentials;

use self::strain::Strain;
use crate::clock::Clock;
use crate::mail::{Inbox, Outbox};
use crate::message::{ConnId, Crossing, Order, Report};
use crate::stats::WorkerStats;
use crate::stream::listener::Arrival;
use crate::stream::path::{self, Number};
use crate::stream::streams::Streams;
use crate::sys::epoll::{Epoll, Interest, Ready};
use crate::sys::receive::Receiver;
use crate::sys::send::Egress;
use crate::sys::udp::Udp;
use addresses::Addresses;
use emit::FramePlan;
use publisher::Publisher;
use viewer::Viewer;

pub use viewer::{MAX_AUDIO, MAX_VIDEO, PTIME};

const SOCKET: u64 = 0;
const ORDERS: u64 = 1;
const CROSSINGS: u64 = 2;
const ARRIVALS: u64 = 3;
const STREAMS: u64 = 4;

/// Time between two looks at timers.
pub const TICK: Duration = Duration::from_millis(50);
/// Every connection is looked at once in this many ticks: a second.
const PHASES: usize = 20;
/// Ticks at once of a worker for which nobody waits: being woken is most of what they cost.
const QUIET_TICKS: u32 = 5;
/// So long after the last frame a worker without publishers reads its socket only at ticks.
const QUIET_AFTER: Duration = Duration::from_secs(1);
/// So long after the last frame no viewer's report says anything: what it could report was repeated by then, or not.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// Batches of datagrams, orders and crossings taken per turn, so that none starves the others.
const BATCHES: usize = 8;
const ORDERS_PER_TURN: usize = 256;
const CROSSINGS_PER_TURN: usize = 1_024;
/// Packets that lines begin with, per turn: as many as a keyframe of three packets takes that goes to five thousand
/// lines, some 50 ms of sending. Fewer were a trap on a full machine: each turn then ends with sound for all.
const OPENINGS_PER_TURN: usize = 16_384;
/// Audio packets waiting to be sent a second time; beyond it they are not repeated.
const MAX_REPEATS: usize = 16_384;
/// How long after its first a repeated audio packet goes out.
const REPEAT_AFTER: Duration = Duration::from_millis(60);

/// Another worker, as this one sees it.
#[derive(Clone)]
pub struct Peer {
    pub crossings: Outbox<Crossing>,
    /// Viewers connected there: with none, packets need not cross.
    pub viewers: Arc<AtomicU32>,
}

/// What a worker is made of.
pub struct Parts {
    pub index: u16,
    pub udp: Udp,
    pub announce: Vec<IpAddr>,
    pub clock: Clock,
    pub certificate: Arc<Certificate>,
    pub orders: Inbox<Order>,
    pub crossings: Inbox<Crossing>,
    /// All workers, this one included.
    pub peers: Vec<Peer>,
    pub hub: Outbox<Report>,
    pub stats: Arc<Mutex<WorkerStats>>,
    pub gso: bool,
    /// TCP connections for this worker, and the port they come by; none where nothing listens.
    pub arrivals: Option<(Inbox<Arrival>, u16)>,
}

enum Conn {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

struct Entry {
    id: ConnId,
    ufrag: String,
    pwd: String,
    /// Addresses this connection is known by, latest last.
    addresses: Vec<SocketAddr>,
    /// TCP connections that proved to be this one's, oldest first.
    streams: Vec<Number>,
    conn: Conn,
}

struct Repeat {
    due: Instant,
    place: usize,
    id: ConnId,
    bytes: Box<[u8]>,
}

/// See the module.
pub struct Worker {
    parts: Parts,
    candidates: Candidates,
    shard: Shard,
    egress: Egress,
    streams: Streams,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    by_id: HashMap<ConnId, usize>,
    addresses: Addresses,
    by_ufrag: HashMap<String, usize>,
    /// Place of a viewer by the index of its key.
    by_key: Vec<usize>,
    publishers: Vec<usize>,
    connecting: Vec<usize>,
    /// Worker that has a track's publisher.
    homes: HashMap<TrackId, u16>,
    /// Frames of this worker's publishers, to be forwarded this turn.
    frames: Vec<Arc<[Arc<TrackPacket>]>>,
    batch: Vec<Arc<TrackPacket>>,
    plan: FramePlan,
    repeats: VecDeque<Repeat>,
    /// Places of viewers whose lines are tried for a higher step.
    trials: Vec<usize>,
    reports_due: Vec<usize>,
    /// Connections to be ended this turn, and why.
    ending: Vec<(usize, &'static str)>,
    stats: WorkerStats,
    strain: Strain,
    phase: usize,
    /// When viewers were last sent something: frames, or padding that measures a line.
    forwarded: Instant,
    next_tick: Instant,
    next_levels: Instant,
    stopping: bool,
}

/// What answers announce.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
}

/// One way out for what is not a viewer's media: by UDP, or into a stream's backlog.
fn datagram(egress: &mut Egress, streams: &mut Streams, udp: &Udp, to: SocketAddr, bytes: &[u8]) {
    match path::stream_of(to) {
        None => egress.datagram(udp, to, bytes),
        Some(number) => streams.control(number, bytes),
    }
}

impl Worker {
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new(parts: Parts) -> std::io::Result<Self> {
        let now = Instant::now();
        let with = |port| parts.announce.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let tcp = parts.arrivals.as_ref().map(|(_, port)| with(*port)).unwrap_or_default();
        let candidates = Candidates { udp: with(parts.udp.local.port()), tcp };
        Ok(Self {
            candidates,
            streams: Streams::new()?,
            shard: Shard::new(ShardConfig::new(parts.clock.wall())),
            egress: Egress::new(parts.gso),
            entries: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            addresses: Addresses::default(),
            by_ufrag: HashMap::new(),
            by_key: Vec::new(),
            publishers: Vec::new(),
            connecting: Vec::new(),
            homes: HashMap::new(),
            frames: Vec::new(),
            batch: Vec::new(),
            plan: FramePlan::default(),
            repeats: VecDeque::new(),
            trials: Vec::new(),
            reports_due: Vec::new(),
            ending: Vec::new(),
            stats: WorkerStats::default(),
            strain: Strain::new(now),
            phase: 0,
            forwarded: now,
            next_tick: now,
            next_levels: now + Duration::from_secs(1),
            stopping: false,
            parts,
        })
    }

    /// Works until told to stop.
    ///
    /// # Errors
    /// When the kernel refuses what the loop stands on.
    pub fn run(mut self) -> std::io::Result<()> {
        let mut epoll = Epoll::new()?;
        epoll.add(&self.parts.udp.socket, SOCKET, Interest::Read)?;
        epoll.add(&self.parts.orders, ORDERS, Interest::Read)?;
        epoll.add(&self.parts.crossings, CROSSINGS, Interest::Read)?;
        if let Some((arrivals, _)) = &self.parts.arrivals {
            epoll.add(arrivals, ARRIVALS, Interest::Read)?;
            epoll.add(self.streams.epoll(), STREAMS, Interest::Read)?;
        }
        let mut receiver = Receiver::new(&self.parts.udp, false)?;
        let (mut ready, mut streams_ready): (Vec<Ready>, Vec<Ready>) = (Vec::new(), Vec::new());
        let mut listening = true;
        while !self.stopping {
            let quiet = self.is_quiet(Instant::now());
            if quiet == listening {
                listening = !quiet;
                let interest = if listening { Interest::Read } else { Interest::Nothing };
                epoll.change(&self.parts.udp.socket, SOCKET, interest)?;
            }
            let timeout = self.next_due().saturating_duration_since(Instant::now());
            let from = Instant::now();
            epoll.wait(Some(timeout), &mut ready)?;
            self.strain.waited(from, Instant::now());
            let is_ready = |token| ready.iter().any(|one| one.token == token);
            // Orders first: a packet of a new track must find the track there.
            if is_ready(ORDERS) {
                self.take_orders();
            }
            if is_ready(CROSSINGS) {
                self.take_crossings();
            }
            if is_ready(SOCKET) || !listening {
                self.take_datagrams(&mut receiver);
            }
            if is_ready(ARRIVALS) {
                self.take_arrivals();
            }
            if is_ready(STREAMS) {
                self.take_streams(&mut streams_ready)?;
            }
            self.turn();
        }
        self.goodbye();
        self.parts.hub.send(Report::Stopped);
        Ok(())
    }

    /// Whether nobody waits for what comes in: nothing is shown or spoken, nobody is connecting. What viewers who
    /// stand by say now and then (checks, reports) is then read once a tick, not one by one: being woken for each is
    /// most of what they cost.
    fn is_quiet(&self, now: Instant) -> bool {
        self.publishers.is_empty()
            && self.connecting.is_empty()
            && self.repeats.is_empty()
            && self.trials.is_empty()
            && now.saturating_duration_since(self.forwarded) > QUIET_AFTER
    }

    /// Whether viewers have been sent nothing for a while, media or padding: their reports are not opened, and they are
    /// looked at half as often. Opening a report is half of what an idle viewer costs.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.forwarded) > SILENT_AFTER
    }

    /// What follows from what came in, and what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        self.drive_due_publishers(now);
        self.forward_frames(now);
        self.open_lines(now);
        self.send_repeats(now);
        let ticks = if self.is_quiet(now) { QUIET_TICKS } else { 1 };
        self.next_tick = self.next_tick.min(now + TICK * ticks);
        if now >= self.next_tick {
            self.tick(ticks, now);
            self.next_tick = now + TICK * ticks;
        }
        self.shard_output(now);
        self.send_due_reports(now);
        self.end_connections();
        self.egress.flush(&self.parts.udp);
        self.streams.flush(now);
        self.tend_streams(now);
    }

    fn next_due(&self) -> Instant {
        let publishers = self.publishers.iter().filter_map(|place| match &self.entries[*place] {
            Some(Entry { conn: Conn::Publisher(publisher), .. }) => Some(publisher.next()),
            _ => None,
        });
        let repeat = self.repeats.front().map(|repeat| repeat.due);
        let opening = self.shard.has_openings().then(Instant::now);
        publishers.chain(repeat).chain(opening).fold(self.next_tick, Instant::min)
    }

    fn insert(&mut self, id: ConnId, local: IceCredentials, conn: Conn) -> usize {
        let IceCredentials { ufrag, pwd } = local;
        let entry = Entry { id, ufrag: ufrag.clone(), pwd, addresses: Vec::new(), streams: Vec::new(), conn };
        let place = match self.free.pop() {
            Some(place) => {
                self.entries[place] = Some(entry);
                place
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() - 1
            }
        };
        self.by_id.insert(id, place);
        self.by_ufrag.insert(ufrag, place);
        place
    }

    /// Ends a connection at the end of the turn; the first reason counts.
    fn end(&mut self, place: usize, reason: &'static str) {
        if !self.ending.iter().any(|(at, _)| *at == place) {
            self.ending.push((place, reason));
        }
    }

    fn end_connections(&mut self) {
        for (place, reason) in std::mem::take(&mut self.ending) {
            self.remove(place, reason);
        }
    }

    /// Forgets a connection and reports why.
    fn remove(&mut self, place: usize, reason: &'static str) {
        let Some(mut entry) = self.entries[place].take() else { return };
        let now = Instant::now();
        let Self { egress, streams, parts, stats, .. } = self;
        // Whatever state a connection that panicked is in, it must not take the worker with it.
        let said = catch_unwind(AssertUnwindSafe(|| {
            let mut send = |to: SocketAddr, bytes: &[u8]| datagram(egress, streams, &parts.udp, to, bytes);
            match &mut entry.conn {
                Conn::Viewer(viewer) => viewer.goodbye(now, &mut send),
                Conn::Publisher(publisher) => {
                    publisher.goodbye();
                    // It is over either way.
                    let _ = publisher.drive(now, &parts.clock, stats, &mut send, |_| {});
                }
            }
        }));
        if said.is_err() {
            self.stats.panics += 1;
        }
        if let Conn::Viewer(viewer) = &entry.conn
            && let Some(key) = viewer.key
        {
            self.shard.remove_viewer(key);
            self.parts.peers[usize::from(self.parts.index)].viewers.fetch_sub(1, Ordering::Relaxed);
        }
        for number in &entry.streams {
            self.streams.close(*number, now);
        }
        self.by_id.remove(&entry.id);
        self.by_ufrag.remove(&entry.ufrag);
        self.addresses.forget(place, &entry.addresses);
        self.publishers.retain(|at| *at != place);
        self.connecting.retain(|at| *at != place);
        self.reports_due.retain(|at| *at != place);
        self.trials.retain(|at| *at != place);
        self.free.push(place);
        self.parts.hub.send(Report::Gone(entry.id, reason));
    }

    /// Runs `act` for one connection; a panic in it ends that connection only.
    fn guarded<T>(&mut self, place: usize, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| act(self))) {
            Ok(value) => Some(value),
            Err(_) => {
                self.stats.panics += 1;
                self.end(place, "panic");
                None
            }
        }
    }

    fn goodbye(&mut self) {
        for place in 0..self.entries.len() {
            self.remove(place, "closed");
        }
        self.egress.flush(&self.parts.udp);
        self.publish_stats();
    }
}
