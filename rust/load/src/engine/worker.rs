//! One thread: waits, reads its clients' sockets, does what is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::Receiver as Inbox;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::slot::{Client, Slot, ahead, take};
use super::{ClientId, Happening, Order};
use crate::client::{ClientError, Clock, Identity, Parcel, Publisher, Shared, Viewer};
use crate::clips::Library;
use crate::stats::{Counters, Stats};
use crate::sys::{Epoll, Receiver, Waker};

pub(super) const WAKER: u64 = u64::MAX;
pub(super) const SHARED: u64 = u64::MAX - 1;
/// While packets come, the shared socket is read so often and not watched in between: a wake-up for nearly every packet
/// costs more than the packet, here and in the sender. A packet is seen so much later at most.
const GATHER: Duration = Duration::from_millis(1);
/// Batches of the shared socket that are read before sockets of single clients and orders have their turn.
const BATCHES: usize = 32;
/// Timers that fire before what they had sent leaves.
const FLUSH_EVERY: usize = 64;

/// What a worker begins with.
pub(super) struct Parts {
    pub epoll: Epoll,
    pub waker: Arc<Waker>,
    pub inbox: Inbox<Order>,
    pub happenings: UnboundedSender<Happening>,
    pub identity: Identity,
    pub library: Arc<Library>,
    pub clock: Clock,
    pub shared: Option<Shared>,
}

pub(super) struct Worker {
    parts: Parts,
    /// When the shared socket is read next; none: when epoll says so.
    gathered_at: Option<Instant>,
    clients: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_id: HashMap<ClientId, usize>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    stats: Stats,
    /// For sockets of one client, and for the shared one.
    buffers: Receiver,
    many: Receiver,
}

impl Worker {
    pub(super) fn new(parts: Parts, gro: bool) -> Self {
        Self {
            parts,
            gathered_at: None,
            clients: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            timers: BinaryHeap::new(),
            stats: Stats::default(),
            buffers: Receiver::new(gro),
            many: Receiver::of_many(gro),
        }
    }

    pub(super) fn run(&mut self) {
        let mut ready: Vec<u64> = Vec::new();
        loop {
            let next = self.timers.peek().map(|Reverse((at, _))| *at);
            let next = next.into_iter().chain(self.gathered_at).min();
            let wait = next.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            let wait = wait.min(Duration::from_secs(1));
            ready.clear();
            match self.parts.epoll.wait(wait) {
                Ok(tokens) => ready.extend(tokens),
                Err(error) => {
                    tracing::error!(%error, "epoll failed; this thread's clients are lost");
                    return;
                }
            }
            for token in &ready {
                match *token {
                    WAKER => {
                        self.parts.waker.clear();
                        if !self.obey() {
                            self.flush();
                            return;
                        }
                    }
                    SHARED => self.gathered_at = Some(Instant::now()),
                    place => self.read(place as usize),
                }
            }
            if self.gathered_at.is_some_and(|at| at <= Instant::now()) {
                self.read_shared();
            }
            self.tick();
            self.flush();
        }
    }

    fn obey(&mut self) -> bool {
        while let Ok(order) = self.parts.inbox.try_recv() {
            match order {
                Order::Viewer(id, config) => {
                    self.stats.counters.viewers += 1;
                    let opened = {
                        let Parts { identity, clock, shared, .. } = &mut self.parts;
                        Viewer::open(*config, identity, shared.as_mut(), clock.now())
                    };
                    self.insert(id, opened.map(|viewer| Client::Viewer(Box::new(viewer))), true);
                }
                Order::Publisher(id, config) => {
                    self.stats.counters.publishers += 1;
                    let opened = {
                        let Parts { library, identity, clock, .. } = &self.parts;
                        Publisher::open(*config, library, identity, clock.now())
                    };
                    self.insert(id, opened.map(|publisher| Client::Publisher(Box::new(publisher))), false);
                }
                Order::Close(id) => {
                    if let Some(place) = self.by_id.get(&id).copied()
                        && let Some(mut slot) = self.remove(place)
                    {
                        slot.client.link().close(Instant::now());
                    }
                }
                Order::Cut { line, cut, except } => {
                    for slot in self.clients.iter_mut().flatten() {
                        if let Client::Viewer(viewer) = &mut slot.client {
                            // Nobody is shown himself: his line may well fall silent.
                            let cut = cut.filter(|_| viewer.site != except);
                            viewer.cut(line, cut, &mut self.stats);
                        }
                    }
                    // Their deadlines for the cut are looked at with their next packet or report.
                }
                Order::Stats(reply) => {
                    let now = Instant::now();
                    let mut stats = self.stats.clone();
                    for slot in self.clients.iter().flatten() {
                        if let Client::Viewer(viewer) = &slot.client {
                            stats.counters.stalled += viewer.stalled(now, &self.parts.library);
                        }
                    }
                    let _ = reply.send(stats);
                }
                Order::Stop => {
                    for slot in self.clients.iter_mut().flatten() {
                        slot.client.link().close(Instant::now());
                    }
                    return false;
                }
            }
        }
        true
    }

    fn insert(&mut self, id: ClientId, opened: Result<Client, ClientError>, viewer: bool) {
        let added = opened.and_then(|mut client| {
            let place = self.free.last().copied().unwrap_or(self.clients.len());
            let socket = client.link().socket();
            match (socket.seat(), &mut self.parts.shared) {
                (Some(address), Some(shared)) => shared.own(address, Some(place)),
                _ => self.parts.epoll.add(socket.fd(), place as u64)?,
            }
            Ok((place, client))
        });
        match added {
            Ok((place, client)) => {
                let due = Instant::now();
                let slot = Some(Slot { id, client, due });
                if self.free.pop().is_some() {
                    self.clients[place] = slot;
                } else {
                    self.clients.push(slot);
                }
                self.by_id.insert(id, place);
                self.timers.push(Reverse((due, place)));
            }
            Err(error) => self.note_end(id, &error, viewer),
        }
    }

    fn remove(&mut self, place: usize) -> Option<Slot> {
        let mut slot = self.clients.get_mut(place)?.take()?;
        if let (Some(address), Some(shared)) = (slot.client.link().socket().seat(), &mut self.parts.shared) {
            shared.own(address, None);
        }
        self.by_id.remove(&slot.id);
        self.free.push(place);
        Some(slot)
    }

    fn note_end(&mut self, id: ClientId, error: &ClientError, viewer: bool) {
        let counters = &mut self.stats.counters;
        *if viewer { &mut counters.viewers_failed } else { &mut counters.publishers_failed } += 1;
        tracing::debug!(id, %error, "client ended");
        let _ = self.parts.happenings.send(Happening::Ended(id, error.code()));
    }

    fn end(&mut self, place: usize, error: &ClientError) {
        if let Some(slot) = self.remove(place) {
            self.note_end(slot.id, error, matches!(slot.client, Client::Viewer(_)));
        }
    }

    fn read(&mut self, place: usize) {
        loop {
            // A client that has just ended may still be named by an event of the same round.
            let Self { clients, buffers, stats, parts, .. } = &mut *self;
            let Parts { library, clock, happenings, .. } = parts;
            let Some(Some(slot)) = clients.get_mut(place) else { return };
            let mut failed = None;
            match slot.client.link().datagrams() {
                Ok(None) => {}
                Ok(Some(came)) => {
                    for mut datagram in came.datagrams {
                        let moment = clock.now();
                        let taken = take(slot, moment, came.node, &mut datagram, library, stats, happenings);
                        if let Err(error) = taken {
                            failed = Some(error);
                            break;
                        }
                    }
                    // What is left makes the socket readable again.
                    match failed {
                        Some(error) => self.end(place, &error),
                        None => self.schedule(place),
                    }
                    return;
                }
                Err(error) => {
                    self.end(place, &error);
                    return;
                }
            }
            let socket = slot.client.link().socket().fd();
            let received = buffers.receive(socket, |from, _, datagram| {
                if failed.is_none() {
                    let moment = clock.now();
                    failed = take(slot, moment, from, datagram, library, stats, happenings).err();
                }
            });
            let more = match received {
                Ok(received) => {
                    slot.client.link().note_drops(received.dropped, &mut stats.counters);
                    received.more
                }
                // "Port unreachable" of a node that is gone: the transport's own timers decide.
                Err(_) => false,
            };
            if let Some(error) = failed {
                self.end(place, &error);
                return;
            }
            self.schedule(place);
            if !more {
                return;
            }
        }
    }

    /// Reads the shared socket until it is empty, but not for longer than timers and orders can wait.
    fn read_shared(&mut self) {
        let mut failed: Vec<(usize, ClientError)> = Vec::new();
        let mut any = false;
        for _ in 0..BATCHES {
            let Self { clients, many, stats, parts, timers, .. } = &mut *self;
            let Parts { library, clock, happenings, shared: Some(shared), .. } = parts else { return };
            // One moment for all: they have been waiting together.
            let moment = clock.now();
            let mut counters = Counters::default();
            let (more, count) = shared.receive(many, &mut counters, |place, parcel| {
                let (from, datagram) = match parcel {
                    Parcel::Now(from, datagram) => (from, datagram),
                    Parcel::Soon(step, datagram) => return ahead(clients, place, step, datagram),
                };
                let Some(Some(slot)) = clients.get_mut(place) else { return };
                if !failed.is_empty() && failed.iter().any(|(ended, _)| *ended == place) {
                    return;
                }
                match take(slot, moment, from, datagram, library, stats, happenings) {
                    Ok(Some(due)) if due < slot.due => {
                        slot.due = due;
                        timers.push(Reverse((due, place)));
                    }
                    Ok(_) => {}
                    Err(error) => failed.push((place, error)),
                }
            });
            self.stats.counters.merge(&counters);
            any |= count > 0;
            for (place, error) in failed.drain(..) {
                self.end(place, &error);
            }
            self.flush();
            if !more {
                self.gathered_at = if any { Some(moment.now + GATHER) } else { self.watch_shared() };
                return;
            }
            self.tick();
        }
        self.gathered_at = Some(Instant::now());
    }

    /// Nothing has come for a while: epoll says when something does. Returns when to read if it cannot.
    fn watch_shared(&self) -> Option<Instant> {
        let shared = self.parts.shared.as_ref()?;
        let watched = self.parts.epoll.again(shared.fd(), SHARED);
        watched.err().map(|_| Instant::now() + GATHER)
    }

    fn flush(&mut self) {
        if let Some(shared) = &self.parts.shared {
            shared.flush(&mut self.stats.counters);
        }
    }

    fn schedule(&mut self, place: usize) {
        let Some(Some(slot)) = self.clients.get_mut(place) else { return };
        let due = slot.client.next_timeout();
        // An earlier timer than the one in the heap needs an entry; a later one is found when that one fires.
        if due < slot.due {
            slot.due = due;
            self.timers.push(Reverse((due, place)));
        }
    }

    fn tick(&mut self) {
        for done in 0.. {
            if done % FLUSH_EVERY == FLUSH_EVERY - 1 {
                self.flush();
            }
            let now = Instant::now();
            let Some(Reverse((at, place))) = self.timers.peek().copied() else { return };
            if at > now {
                return;
            }
            self.timers.pop();
            let Some(Some(slot)) = self.clients.get_mut(place) else { continue };
            if slot.due != at {
                continue;
            }
            let moment = self.parts.clock.at(now);
            let result = match &mut slot.client {
                Client::Viewer(viewer) => {
                    viewer.timeout(moment, &self.parts.library, &mut self.stats).map(|pictured| {
                        if pictured {
                            self.stats.counters.pictured += 1;
                            let _ = self.parts.happenings.send(Happening::Pictured(slot.id));
                        }
                    })
                }
                Client::Publisher(publisher) => publisher.timeout(moment, &mut self.stats),
            };
            match result {
                Ok(()) => {
                    // At least a millisecond on, so that a client that is always due cannot hold the thread.
                    slot.due = slot.client.next_timeout().max(now + Duration::from_millis(1));
                    self.timers.push(Reverse((slot.due, place)));
                }
                Err(error) => self.end(place, &error),
            }
        }
    }
}
