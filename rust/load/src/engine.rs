//! Threads that own clients: each has an epoll, its clients' sockets and timers, and its own statistics.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{
    ClientError, Clock, Identity, Link, Moment, Publisher, PublisherConfig, Viewer, ViewerConfig,
};
use crate::clips::Library;
use crate::stats::Stats;
use crate::sys::{Epoll, Receiver, Waker};
use crate::watch::Cut;

const WAKER: u64 = u64::MAX;

/// Names a client; given by the caller, never used twice.
pub type ClientId = u64;

/// What becomes of a client; one of the first two at most once, `Ended` last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    Connected(ClientId),
    /// The viewer's first frame.
    Pictured(ClientId),
    /// It is gone; not said when the caller closed it.
    Ended(ClientId, &'static str),
}

enum Order {
    Viewer(ClientId, Box<ViewerConfig>),
    Publisher(ClientId, Box<PublisherConfig>),
    Close(ClientId),
    Cut { line: usize, cut: Option<Cut>, except: String },
    Stats(Sender<Stats>),
    Stop,
}

struct Handle {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// All threads. Dropping it closes all clients.
pub struct Engine {
    threads: Vec<Handle>,
    pub library: Arc<Library>,
    pub identity: Identity,
    pub clock: Clock,
}

impl Engine {
    /// Starts `threads` threads. What happens comes out of the receiver, a few messages a client.
    ///
    /// # Errors
    /// No key, or no descriptors.
    pub fn start(
        threads: usize,
        gro: bool,
        library: Arc<Library>,
    ) -> Result<(Self, UnboundedReceiver<Happening>), ClientError> {
        let identity = Identity::generate()?;
        let clock = Clock::start();
        let (happenings, outbox) = unbounded_channel();
        let mut handles = Vec::new();
        for number in 0..threads.max(1) {
            let waker = Arc::new(Waker::new()?);
            let epoll = Epoll::new()?;
            epoll.add(waker.fd(), WAKER)?;
            let (orders, inbox) = channel();
            let mut worker = Worker {
                epoll,
                waker: waker.clone(),
                inbox,
                happenings: happenings.clone(),
                identity: identity.clone(),
                library: library.clone(),
                clock,
                clients: Vec::new(),
                free: Vec::new(),
                by_id: HashMap::new(),
                timers: BinaryHeap::new(),
                stats: Stats::default(),
                buffers: Receiver::new(gro),
            };
            let thread =
                std::thread::Builder::new().name(format!("load-{number}")).spawn(move || worker.run())?;
            handles.push(Handle { orders, waker, thread: Some(thread) });
        }
        Ok((Self { threads: handles, library, identity, clock }, outbox))
    }

    fn order(&self, thread: usize, order: Order) {
        // Fails only when the thread has ended, which its panic has said.
        let _ = self.threads[thread].orders.send(order);
        self.threads[thread].waker.wake();
    }

    fn thread_of(&self, id: ClientId) -> usize {
        // Callers number within a site or from zero: both halves of the id must spread.
        ((id ^ id >> 20) % self.threads.len() as u64) as usize
    }

    pub fn open_viewer(&self, id: ClientId, config: ViewerConfig) {
        self.order(self.thread_of(id), Order::Viewer(id, Box::new(config)));
    }

    pub fn open_publisher(&self, id: ClientId, config: PublisherConfig) {
        self.order(self.thread_of(id), Order::Publisher(id, Box::new(config)));
    }

    pub fn close(&self, id: ClientId) {
        self.order(self.thread_of(id), Order::Close(id));
    }

    /// Tells all viewers that the stage has cut video line `line`; those of site `except` await nothing of it.
    pub fn cut(&self, line: usize, cut: Option<Cut>, except: &str) {
        for thread in 0..self.threads.len() {
            self.order(thread, Order::Cut { line, cut, except: except.to_owned() });
        }
    }

    /// All threads' statistics added up.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut total = Stats::default();
        for thread in 0..self.threads.len() {
            let (reply, answer) = channel();
            self.order(thread, Order::Stats(reply));
            if let Ok(stats) = answer.recv() {
                total.merge(&stats);
            }
        }
        total
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for thread in 0..self.threads.len() {
            self.order(thread, Order::Stop);
        }
        for handle in &mut self.threads {
            if let Some(thread) = handle.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

enum Client {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

struct Slot {
    id: ClientId,
    client: Client,
    /// The one timer in the heap that counts.
    due: Instant,
}

struct Worker {
    epoll: Epoll,
    waker: Arc<Waker>,
    inbox: Inbox<Order>,
    happenings: UnboundedSender<Happening>,
    identity: Identity,
    library: Arc<Library>,
    clock: Clock,
    clients: Vec<Option<Slot>>,
    free: Vec<usize>,
    by_id: HashMap<ClientId, usize>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    stats: Stats,
    buffers: Receiver,
}

impl Worker {
    fn run(&mut self) {
        let mut ready: Vec<u64> = Vec::new();
        loop {
            let next =
                self.timers.peek().map(|Reverse((at, _))| at.saturating_duration_since(Instant::now()));
            let wait = next.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1));
            ready.clear();
            match self.epoll.wait(wait) {
                Ok(tokens) => ready.extend(tokens),
                Err(error) => {
                    tracing::error!(%error, "epoll failed; this thread's clients are lost");
                    return;
                }
            }
            for token in &ready {
                if *token == WAKER {
                    self.waker.clear();
                    if !self.obey() {
                        return;
                    }
                } else {
                    self.read(*token as usize);
                }
            }
            self.tick();
        }
    }

    fn obey(&mut self) -> bool {
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Viewer(id, config) => {
                    self.stats.counters.viewers += 1;
                    let opened = Viewer::open(*config, &self.identity, self.clock.now());
                    self.insert(id, opened.map(|viewer| Client::Viewer(Box::new(viewer))), true);
                }
                Order::Publisher(id, config) => {
                    self.stats.counters.publishers += 1;
                    let opened = Publisher::open(*config, &self.library, &self.identity, self.clock.now());
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
                            stats.counters.stalled += viewer.stalled(now);
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
            self.epoll.add(client.link().socket().fd(), place as u64)?;
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
        let slot = self.clients.get_mut(place)?.take()?;
        self.by_id.remove(&slot.id);
        self.free.push(place);
        Some(slot)
    }

    fn note_end(&mut self, id: ClientId, error: &ClientError, viewer: bool) {
        let counters = &mut self.stats.counters;
        *if viewer { &mut counters.viewers_failed } else { &mut counters.publishers_failed } += 1;
        tracing::debug!(id, %error, "client ended");
        let _ = self.happenings.send(Happening::Ended(id, error.code()));
    }

    fn end(&mut self, place: usize, error: &ClientError) {
        if let Some(slot) = self.remove(place) {
            self.note_end(slot.id, error, matches!(slot.client, Client::Viewer(_)));
        }
    }

    fn read(&mut self, place: usize) {
        loop {
            // A client that has just ended may still be named by an event of the same round.
            let Self { clients, buffers, stats, library, clock, happenings, .. } = &mut *self;
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
            let received = buffers.receive(socket, |from, datagram| {
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
        loop {
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
            let moment = self.clock.at(now);
            let result = match &mut slot.client {
                Client::Viewer(viewer) => {
                    viewer.timeout(moment, &self.library, &mut self.stats).map(|pictured| {
                        if pictured {
                            self.stats.counters.pictured += 1;
                            let _ = self.happenings.send(Happening::Pictured(slot.id));
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

fn take(
    slot: &mut Slot,
    moment: Moment,
    from: std::net::SocketAddr,
    datagram: &mut [u8],
    library: &Library,
    stats: &mut Stats,
    happenings: &UnboundedSender<Happening>,
) -> Result<(), ClientError> {
    let connected = match &mut slot.client {
        Client::Viewer(viewer) => {
            let progress = viewer.datagram(moment, from, datagram, library, stats)?;
            if progress.pictured {
                stats.counters.pictured += 1;
                let _ = happenings.send(Happening::Pictured(slot.id));
            }
            stats.counters.connected += u64::from(progress.connected);
            progress.connected
        }
        Client::Publisher(publisher) => {
            let connected = publisher.datagram(moment, from, datagram, stats)?;
            stats.counters.publishers_connected += u64::from(connected);
            connected
        }
    };
    if connected {
        let _ = happenings.send(Happening::Connected(slot.id));
    }
    Ok(())
}

impl Client {
    fn link(&mut self) -> &mut Link {
        match self {
            Self::Viewer(viewer) => viewer.link(),
            Self::Publisher(publisher) => publisher.link(),
        }
    }

    fn next_timeout(&self) -> Instant {
        match self {
            Self::Viewer(viewer) => viewer.next_timeout(),
            Self::Publisher(publisher) => publisher.next_timeout(),
        }
    }
}
