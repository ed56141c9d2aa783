//! What control has said and what the node has: the one place that knows names. No sockets: commands and
//! workers' reports in, orders to workers and [`Out`]s to control out.

mod commands;
mod cuts;
mod names;
mod programs;
mod reports;
mod snapshot;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use diemcau_control::{
    Failure, Happening, Layer, LinkState, ReplyData, Slot, Stats, Step, TrackInfo, VideoCodec,
};
use diemcau_core::{ProgramId, TrackId};

use crate::clock::Clock;
use crate::mail::Outbox;
use crate::message::{ConnId, Order, TableOrder};
use crate::stats::WorkerStats;
use cuts::Cuts;
use names::Names;

/// Most programs, microphones of a program, and tracks lined up.
pub const MAX_PROGRAMS: usize = 10_000;
pub const MAX_MICS: usize = 1_024;
pub const MAX_LINE_UP: usize = 256;

/// Something for control.
#[derive(Debug)]
pub enum Out {
    /// Answer to the command with this id.
    Reply(String, Result<ReplyData, Failure>),
    Event(Happening),
}

/// What a command got at once.
#[derive(Debug)]
pub enum Answer {
    Now(Result<ReplyData, Failure>),
    /// An [`Out::Reply`] follows.
    Later,
    /// Done, and a snapshot event is wanted.
    Snapshot,
}

/// The hub's end of a worker.
pub struct Worker {
    pub orders: Outbox<Order>,
    /// Orders that found its queue full. The hub must never wait for a worker, which may be waiting for the hub.
    pub backlog: VecDeque<Order>,
    pub stats: Arc<Mutex<WorkerStats>>,
    /// Connections given to it.
    pub viewers: usize,
    pub publishers: usize,
}

/// Bounds that the operator sets.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub viewers: usize,
    pub publishers: usize,
}

struct Viewer {
    conn: ConnId,
    worker: usize,
    party: Option<String>,
    program: Option<String>,
    ceiling: Layer,
    state: LinkState,
    /// What its line carries, as last reported.
    step: Step,
    /// Known once answered.
    video_lines: Option<u16>,
    pins: BTreeMap<u16, (String, Layer)>,
}

struct Publisher {
    conn: ConnId,
    worker: usize,
    party: Option<String>,
    state: LinkState,
    tracks: Vec<Track>,
}

struct Track {
    id: TrackId,
    info: TrackInfo,
    live: bool,
}

struct Program {
    id: ProgramId,
    codec: VideoCodec,
    slots: Vec<Slot>,
    mics: Vec<String>,
}

enum Owner {
    Viewer(String),
    Publisher(String),
}

/// See the module.
pub struct Hub {
    workers: Vec<Worker>,
    limits: Limits,
    clock: Clock,
    incarnation: String,
    names: Names,
    viewers: HashMap<String, Viewer>,
    publishers: HashMap<String, Publisher>,
    programs: BTreeMap<String, Program>,
    program_names: HashMap<ProgramId, String>,
    conns: HashMap<ConnId, Owner>,
    /// Commands that wait for a worker's answer.
    opening: HashMap<ConnId, String>,
    lined_up: Vec<String>,
    cuts: Cuts,
    next: u64,
    names_kept: usize,
    out: Vec<Out>,
    started: Instant,
    /// Test of isolation: a viewer of this name panics.
    pub faulty_viewer: Option<String>,
    /// Counters of the thread that listens for TCP.
    pub listener_stats: Arc<Mutex<WorkerStats>>,
}

pub(crate) fn failure(code: &str, message: impl Into<String>) -> Failure {
    Failure { code: code.to_owned(), message: message.into() }
}

impl Hub {
    pub fn new(workers: Vec<Worker>, limits: Limits, clock: Clock, incarnation: String) -> Self {
        Self {
            workers,
            limits,
            clock,
            incarnation,
            names: Names::default(),
            viewers: HashMap::new(),
            publishers: HashMap::new(),
            programs: BTreeMap::new(),
            program_names: HashMap::new(),
            conns: HashMap::new(),
            opening: HashMap::new(),
            lined_up: Vec::new(),
            cuts: Cuts::default(),
            next: 0,
            names_kept: 1_024,
            out: Vec::new(),
            started: Instant::now(),
            faulty_viewer: None,
            listener_stats: Arc::default(),
        }
    }

    /// What is for control since the last call, in order.
    pub fn take_out(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Tells every worker to say goodbye and end.
    pub fn stop(&mut self) {
        for worker in 0..self.workers.len() {
            self.order(worker, Order::Stop);
        }
    }

    /// Gives workers what did not fit before; true: some of it still waits, call again soon.
    pub fn retry(&mut self) -> bool {
        let mut waits = false;
        for worker in &mut self.workers {
            while let Some(order) = worker.backlog.pop_front() {
                if let Err(order) = worker.orders.try_send(order) {
                    worker.backlog.push_front(order);
                    waits = true;
                    break;
                }
            }
        }
        waits
    }

    /// Counters of all workers together.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            viewers: u32::try_from(self.viewers.len()).unwrap_or(u32::MAX),
            publishers: u32::try_from(self.publishers.len()).unwrap_or(u32::MAX),
            tracks: self.publishers.values().map(|publisher| publisher.tracks.len() as u32).sum(),
            cpu_us: u64::try_from(crate::sys::usage::process_cpu().as_micros()).unwrap_or(u64::MAX),
            rss_bytes: crate::sys::usage::resident_bytes(),
            ..Stats::default()
        };
        for counters in self.workers.iter().map(|worker| &worker.stats).chain([&self.listener_stats]) {
            counters.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add_to(&mut stats);
        }
        stats
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn event(&mut self, happening: Happening) {
        self.out.push(Out::Event(happening));
    }

    /// Whether every worker takes `count` more orders; a command that would overrun one is refused whole.
    fn has_room(&self, count: usize) -> Result<(), Failure> {
        if self.workers.iter().all(|worker| worker.backlog.is_empty() && worker.orders.has_room(count)) {
            Ok(())
        } else {
            Err(failure("busy", "a worker has too many commands waiting; try again"))
        }
    }

    /// In order and without waiting. What a command makes beyond the room it was checked for (a publisher that goes
    /// touches every slot that named it) waits here, as much as there is state at most.
    fn order(&mut self, worker: usize, order: Order) {
        let worker = &mut self.workers[worker];
        if !worker.backlog.is_empty() {
            worker.backlog.push_back(order);
        } else if let Err(order) = worker.orders.try_send(order) {
            worker.backlog.push_back(order);
        }
    }

    fn table(&mut self, order: &TableOrder) {
        for worker in 0..self.workers.len() {
            self.order(worker, Order::Table(order.clone()));
        }
    }

    /// Names are kept only while something uses them.
    fn forget_unused_names(&mut self) {
        if self.names.len() < 2 * self.names_kept {
            return;
        }
        let mut tracks: std::collections::HashSet<&str> = self.lined_up.iter().map(String::as_str).collect();
        for program in self.programs.values() {
            tracks.extend(program.mics.iter().map(String::as_str));
            tracks.extend(
                program.slots.iter().flat_map(|s| [&s.track, &s.alternate]).flatten().map(String::as_str),
            );
        }
        tracks.extend(self.viewers.values().flat_map(|v| v.pins.values().map(|(track, _)| track.as_str())));
        let parties: std::collections::HashSet<&str> =
            (self.viewers.values().filter_map(|v| v.party.as_deref()))
                .chain(self.publishers.values().filter_map(|p| p.party.as_deref()))
                .collect();
        // By the publisher's name, for one whose worker has not answered yet has no tracks, but their numbers are
        // promised to the worker.
        let published = |track: &str| match track.rsplit_once('/') {
            Some((publisher, "audio" | "video")) => self.publishers.contains_key(publisher),
            _ => false,
        };
        self.names
            .retain(|track| tracks.contains(track) || published(track), |party| parties.contains(party));
        self.names_kept = self.names.len().max(1_024);
    }
}

/// The control protocol's layer as the core's ceiling.
pub(crate) fn ceiling(layer: Layer) -> diemcau_core::Layer {
    match layer {
        Layer::Low => diemcau_core::Layer::LOW,
        Layer::High => diemcau_core::Layer::TOP,
    }
}

#[cfg(test)]
mod tests;
