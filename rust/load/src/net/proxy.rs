//! The proxy: one port for each port of the node, one socket to the node for each client, one thread for all.
//!
//! It changes no byte. Clients are sent to it because its address is announced in place of the node's (or beside it).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::conditions::{Direction, Outage, Profile};
use super::fate::{Fate, Link, Loss};
use crate::sys::{Epoll, Receiver, Waker, udp};

/// Clients at a time; a new one beyond this gets nowhere, and is counted.
const MAX_FLOWS: usize = 20_000;
/// Bytes on their way; what is beyond is dropped, and counted.
const MAX_PENDING: usize = 256 << 20;
const MAX_ROUTES: usize = 256;
/// A client that neither sends nor gets anything for so long is forgotten.
const IDLE: Duration = Duration::from_secs(120);
const WAKER: u64 = u64::MAX;
const FLOW: u64 = 1 << 32;

/// One port of the emulator and the port of the node behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Route {
    pub listen: SocketAddr,
    pub to: SocketAddr,
}

/// Packets of one direction since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WayStats {
    pub received: u64,
    pub delivered: u64,
    pub duplicated: u64,
    pub lost_random: u64,
    pub lost_burst: u64,
    pub lost_queue: u64,
    pub lost_outage: u64,
}

/// What the emulator did, and what it could not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetStats {
    pub up: WayStats,
    pub down: WayStats,
    pub clients: usize,
    /// Own shortcomings, which are not part of the conditions.
    pub refused_clients: u64,
    pub overflow: u64,
    pub send_failed: u64,
    pub receive_dropped: u64,
}

enum Order {
    Set(Box<Profile>),
    Outage(Duration),
    Route(SocketAddr, SocketAddr, Sender<io::Result<Route>>),
    Stats(Sender<NetStats>),
    Stop,
}

/// A running emulator; dropping it stops it.
pub struct Emulator {
    orders: Sender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts one without routes.
    ///
    /// # Errors
    /// When the kernel gives no descriptors.
    pub fn spawn(seed: u64, profile: Profile) -> io::Result<Self> {
        let waker = Arc::new(Waker::new()?);
        let epoll = Epoll::new()?;
        epoll.add(waker.fd(), WAKER)?;
        let (orders, inbox) = channel();
        let mut proxy = Proxy {
            epoll,
            waker: waker.clone(),
            inbox,
            seed,
            profile,
            started: Instant::now(),
            routes: Vec::new(),
            flows: Vec::new(),
            by_client: HashMap::new(),
            free: Vec::new(),
            appeared: 0,
            pending: BinaryHeap::new(),
            pending_bytes: 0,
            order: 0,
            stats: NetStats::default(),
        };
        let thread = std::thread::Builder::new().name("net".into()).spawn(move || {
            if let Err(error) = proxy.run() {
                tracing::error!(%error, "network emulator ended");
            }
        })?;
        Ok(Self { orders, waker, thread: Some(thread) })
    }

    fn order(&self, order: Order) {
        // Fails only when the thread has ended, which it said in the log.
        let _ = self.orders.send(order);
        self.waker.wake();
    }

    /// Opens a port at `listen` (port 0: any) that leads to `to`.
    ///
    /// # Errors
    /// When the port is taken, there are 256 routes already, or the emulator has ended.
    pub fn route(&self, listen: SocketAddr, to: SocketAddr) -> io::Result<Route> {
        let (reply, answer) = channel();
        self.order(Order::Route(listen, to, reply));
        answer.recv().unwrap_or_else(|_| Err(io::Error::other("network emulator has ended")))
    }

    /// New conditions, from now on; packets on their way keep their times.
    pub fn set(&self, profile: Profile) {
        self.order(Order::Set(Box::new(profile)));
    }

    /// Nothing gets through for `span` from now on, both ways.
    pub fn outage(&self, span: Duration) {
        self.order(Order::Outage(span));
    }

    /// Counters; all zero when the emulator has ended.
    #[must_use]
    pub fn stats(&self) -> NetStats {
        let (reply, answer) = channel();
        self.order(Order::Stats(reply));
        answer.recv().unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Flow {
    client: SocketAddr,
    route: usize,
    /// Connected to the node's port.
    upstream: UdpSocket,
    up: Link,
    down: Link,
    used: Instant,
    /// Tells this flow from an earlier one in the same place.
    number: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    due: u64,
    order: u64,
    flow: usize,
    number: u64,
    up: bool,
    bytes: Vec<u8>,
}

struct Proxy {
    epoll: Epoll,
    waker: Arc<Waker>,
    inbox: Inbox<Order>,
    seed: u64,
    profile: Profile,
    started: Instant,
    routes: Vec<(UdpSocket, Route)>,
    flows: Vec<Option<Flow>>,
    by_client: HashMap<(usize, SocketAddr), usize>,
    free: Vec<usize>,
    appeared: u64,
    pending: BinaryHeap<Reverse<Pending>>,
    pending_bytes: usize,
    order: u64,
    stats: NetStats,
}

impl Proxy {
    fn now(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    fn run(&mut self) -> io::Result<()> {
        let mut buffers = Receiver::new(false);
        let mut swept = Instant::now();
        loop {
            let next = self.pending.peek().map_or(1_000_000, |Reverse(p)| p.due.saturating_sub(self.now()));
            let wait = Duration::from_micros(next.min(1_000_000));
            let ready: Vec<u64> = self.epoll.wait(wait)?.collect();
            for token in ready {
                match token {
                    WAKER => {
                        self.waker.clear();
                        if !self.obey() {
                            return Ok(());
                        }
                    }
                    token if token >= FLOW => self.take_from_node((token - FLOW) as usize, &mut buffers),
                    route => self.take_from_clients(route as usize, &mut buffers),
                }
            }
            self.deliver();
            if swept.elapsed() > Duration::from_secs(10) {
                swept = Instant::now();
                self.sweep();
            }
        }
    }

    fn obey(&mut self) -> bool {
        while let Ok(order) = self.inbox.try_recv() {
            match order {
                Order::Set(profile) => self.profile = *profile,
                Order::Outage(span) => {
                    let from_s = self.now() as f64 / 1e6;
                    let outage = Outage { from_s, for_s: span.as_secs_f64(), every_s: None };
                    for way in [&mut self.profile.up, &mut self.profile.down] {
                        way.outages.retain(|o| o.every_s.is_some() || o.from_s + o.for_s > from_s);
                        way.outages.push(outage);
                    }
                }
                Order::Route(listen, to, reply) => {
                    let _ = reply.send(self.add_route(listen, to));
                }
                Order::Stats(reply) => {
                    let clients = self.flows.len() - self.free.len();
                    let _ = reply.send(NetStats { clients, ..self.stats.clone() });
                }
                Order::Stop => return false,
            }
        }
        true
    }

    fn add_route(&mut self, listen: SocketAddr, to: SocketAddr) -> io::Result<Route> {
        if self.routes.len() == MAX_ROUTES {
            return Err(io::Error::other("too many routes"));
        }
        let socket = udp(listen, false, 8 << 20)?;
        let route = Route { listen: socket.local_addr()?, to };
        self.epoll.add(socket.as_raw_fd(), self.routes.len() as u64)?;
        self.routes.push((socket, route));
        Ok(route)
    }

    fn take_from_clients(&mut self, route: usize, buffers: &mut Receiver) {
        let socket = self.routes[route].0.as_raw_fd();
        let result = buffers.receive(socket, |client, _, datagram| {
            self.stats.up.received += 1;
            if let Some(flow) = self.flow_of(route, client) {
                self.admit(flow, Direction::Up, datagram);
            }
        });
        self.note_drops(result.ok().and_then(|r| r.dropped));
    }

    fn take_from_node(&mut self, flow: usize, buffers: &mut Receiver) {
        let Some(Some(found)) = self.flows.get(flow) else { return };
        let socket = found.upstream.as_raw_fd();
        let result = buffers.receive(socket, |_, _, datagram| {
            self.stats.down.received += 1;
            self.admit(flow, Direction::Down, datagram);
        });
        // An error here is the node's "port unreachable": to the client it is silence.
        self.note_drops(result.ok().and_then(|r| r.dropped));
    }

    fn note_drops(&mut self, dropped: Option<u32>) {
        // Counters are a socket's own; the largest seen is a lower bound, which is enough to say "not clean".
        self.stats.receive_dropped = self.stats.receive_dropped.max(dropped.map_or(0, u64::from));
    }

    fn flow_of(&mut self, route: usize, client: SocketAddr) -> Option<usize> {
        if let Some(found) = self.by_client.get(&(route, client)) {
            return Some(*found);
        }
        let made = if self.by_client.len() < MAX_FLOWS { self.open(route, client) } else { None };
        if made.is_none() {
            self.stats.refused_clients += 1;
        }
        made
    }

    fn open(&mut self, route: usize, client: SocketAddr) -> Option<usize> {
        let to = self.routes[route].1.to;
        let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        let upstream = udp(any, false, 1 << 20).ok()?;
        upstream.connect(to).ok()?;
        let place = self.free.pop().unwrap_or(self.flows.len());
        if self.epoll.add(upstream.as_raw_fd(), FLOW + place as u64).is_err() {
            self.free.extend((place < self.flows.len()).then_some(place));
            return None;
        }
        let number = self.appeared;
        self.appeared += 1;
        let flow = Flow {
            client,
            route,
            upstream,
            up: Link::new(self.seed, number, Direction::Up),
            down: Link::new(self.seed, number, Direction::Down),
            used: Instant::now(),
            number,
        };
        if place == self.flows.len() {
            self.flows.push(Some(flow));
        } else {
            self.flows[place] = Some(flow);
        }
        self.by_client.insert((route, client), place);
        Some(place)
    }

    fn admit(&mut self, place: usize, direction: Direction, datagram: &[u8]) {
        let now = self.now();
        let Some(Some(flow)) = self.flows.get_mut(place) else { return };
        flow.used = Instant::now();
        let up = direction == Direction::Up;
        let (link, conditions, stats) = if up {
            (&mut flow.up, &self.profile.up, &mut self.stats.up)
        } else {
            (&mut flow.down, &self.profile.down, &mut self.stats.down)
        };
        let (at, again) = match link.admit(conditions, now, datagram.len()) {
            Fate::Deliver { at, again } => (at, again),
            Fate::Lost(why) => {
                *match why {
                    Loss::Random => &mut stats.lost_random,
                    Loss::Burst => &mut stats.lost_burst,
                    Loss::Queue => &mut stats.lost_queue,
                    Loss::Outage => &mut stats.lost_outage,
                } += 1;
                return;
            }
        };
        stats.duplicated += u64::from(again.is_some());
        let number = flow.number;
        for due in [Some(at), again].into_iter().flatten() {
            if self.pending_bytes + datagram.len() > MAX_PENDING {
                self.stats.overflow += 1;
                return;
            }
            self.pending_bytes += datagram.len();
            self.order += 1;
            let bytes = datagram.to_vec();
            self.pending.push(Reverse(Pending { due, order: self.order, flow: place, number, up, bytes }));
        }
    }

    fn deliver(&mut self) {
        let now = self.now();
        while self.pending.peek().is_some_and(|Reverse(p)| p.due <= now) {
            let Some(Reverse(packet)) = self.pending.pop() else { return };
            self.pending_bytes -= packet.bytes.len();
            let Some(flow) = self.flows[packet.flow].as_ref().filter(|f| f.number == packet.number) else {
                continue;
            };
            let (sent, stats) = if packet.up {
                (flow.upstream.send(&packet.bytes), &mut self.stats.up)
            } else {
                (self.routes[flow.route].0.send_to(&packet.bytes, flow.client), &mut self.stats.down)
            };
            match sent {
                Ok(_) => stats.delivered += 1,
                Err(_) => self.stats.send_failed += 1,
            }
        }
    }

    fn sweep(&mut self) {
        for place in 0..self.flows.len() {
            if self.flows[place].as_ref().is_some_and(|flow| flow.used.elapsed() > IDLE) {
                if let Some(flow) = self.flows[place].take() {
                    self.by_client.remove(&(flow.route, flow.client));
                }
                self.free.push(place);
            }
        }
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
