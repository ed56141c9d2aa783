//! A worker: one thread, one UDP port, its connections. It owns everything it touches per packet; other threads
//! reach it through its two queues (orders of the hub, packets of other workers).

mod addresses;
mod datagrams;
mod emit;
mod media;
mod offer;
mod orders;
mod publisher;
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

use crate::clock::Clock;
use crate::mail::{Inbox, Outbox};
use crate::message::{ConnId, Crossing, Order, Report};
use crate::stats::WorkerStats;
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

/// Time between two looks at timers.
pub const TICK: Duration = Duration::from_millis(50);
/// Every connection is looked at once in this many ticks: a second.
const PHASES: usize = 20;
/// Batches of datagrams, orders and crossings taken per turn, so that none starves the others.
const BATCHES: usize = 8;
const ORDERS_PER_TURN: usize = 256;
const CROSSINGS_PER_TURN: usize = 1_024;
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
}

enum Conn {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

struct Entry {
    id: ConnId,
    ufrag: String,
    /// Addresses this connection is known by, latest last.
    addresses: Vec<SocketAddr>,
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
    candidates: Vec<SocketAddr>,
    shard: Shard,
    egress: Egress,
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
    phase: usize,
    next_tick: Instant,
    next_levels: Instant,
    stopping: bool,
}

impl Worker {
    pub fn new(parts: Parts) -> Self {
        let now = Instant::now();
        let port = parts.udp.local.port();
        let candidates = parts.announce.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        Self {
            candidates,
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
            phase: 0,
            next_tick: now,
            next_levels: now + Duration::from_secs(1),
            stopping: false,
            parts,
        }
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
        let mut receiver = Receiver::new(&self.parts.udp, false)?;
        let mut ready: Vec<Ready> = Vec::new();
        while !self.stopping {
            let timeout = self.next_due().saturating_duration_since(Instant::now());
            epoll.wait(Some(timeout), &mut ready)?;
            let is_ready = |token| ready.iter().any(|one| one.token == token);
            // Orders first: a packet of a new track must find the track there.
            if is_ready(ORDERS) {
                self.take_orders();
            }
            if is_ready(CROSSINGS) {
                self.take_crossings();
            }
            if is_ready(SOCKET) {
                self.take_datagrams(&mut receiver);
            }
            self.turn();
        }
        self.goodbye();
        self.parts.hub.send(Report::Stopped);
        Ok(())
    }

    /// What follows from what came in, and what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        self.drive_due_publishers(now);
        self.forward_frames(now);
        self.send_repeats(now);
        if now >= self.next_tick {
            self.tick(now);
            self.next_tick = now + TICK;
        }
        self.shard_output(now);
        self.send_due_reports(now);
        self.end_connections();
        self.egress.flush(&self.parts.udp);
    }

    fn next_due(&self) -> Instant {
        let publishers = self.publishers.iter().filter_map(|place| match &self.entries[*place] {
            Some(Entry { conn: Conn::Publisher(publisher), .. }) => Some(publisher.next()),
            _ => None,
        });
        let repeat = self.repeats.front().map(|repeat| repeat.due);
        publishers.chain(repeat).fold(self.next_tick, Instant::min)
    }

    fn insert(&mut self, id: ConnId, ufrag: String, conn: Conn) -> usize {
        let entry = Entry { id, ufrag: ufrag.clone(), addresses: Vec::new(), conn };
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
        let Self { egress, parts, stats, .. } = self;
        // Whatever state a connection that panicked is in, it must not take the worker with it.
        let said = catch_unwind(AssertUnwindSafe(|| {
            let mut send = |to: SocketAddr, bytes: &[u8]| egress.datagram(&parts.udp, to, bytes);
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
