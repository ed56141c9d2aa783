//! The node's one TCP port: a thread that accepts, waits for the first check, and hands the connection to the worker
//! that its ufrag names. It never writes: who does not belong here hears nothing.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diemcau_wire::framing;
use diemcau_wire::stun;

use super::ufrag;
use crate::mail::{Inbox, Outbox};
use crate::stats::WorkerStats;
use crate::sys::epoll::{Epoll, Interest, Ready};
use crate::sys::tcp;

/// Connections without a first check at a time, in all and of one address (IPv6: of one /64). Who comes when there
/// are so many takes the place of the oldest: an honest peer's check follows its connection at once.
const MAX_WAITING: usize = 512;
const MAX_WAITING_OF_ONE: usize = 64;
/// A connection has so long to send its first check.
const FIRST_CHECK: Duration = Duration::from_secs(5);
/// Longest first check, bytes.
const LONGEST: usize = 1_024;
/// Connections accepted per turn.
const ACCEPTS: usize = 64;
/// When descriptors run out, nothing is accepted for so long.
const PAUSE: Duration = Duration::from_millis(100);

const LISTENER: u64 = 0;
const STOP: u64 = 1;
const FIRST: u64 = 2;

/// A connection with its first check.
#[derive(Debug)]
pub struct Arrival {
    pub socket: TcpStream,
    pub peer: SocketAddr,
    /// All that was read, framed; begins with a whole STUN message.
    pub bytes: Vec<u8>,
}

struct Waiting {
    socket: TcpStream,
    peer: SocketAddr,
    bytes: Vec<u8>,
    until: Instant,
}

/// See the module.
pub struct Listener {
    listener: TcpListener,
    workers: Vec<Outbox<Arrival>>,
    stop: Inbox<()>,
    stats: Arc<Mutex<WorkerStats>>,
    epoll: Epoll,
    /// By token, which count up: the oldest is the first.
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
    paused: Option<Instant>,
}

impl Listener {
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new(
        listener: TcpListener,
        workers: Vec<Outbox<Arrival>>,
        stop: Inbox<()>,
        stats: Arc<Mutex<WorkerStats>>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        epoll.add(&listener, LISTENER, Interest::Read)?;
        epoll.add(&stop, STOP, Interest::Read)?;
        Ok(Self {
            listener,
            workers,
            stop,
            stats,
            epoll,
            waiting: BTreeMap::new(),
            next: FIRST,
            paused: None,
        })
    }

    /// Works until told to stop.
    ///
    /// # Errors
    /// When the kernel refuses what the loop stands on.
    pub fn run(mut self) -> io::Result<()> {
        let mut ready: Vec<Ready> = Vec::new();
        loop {
            let now = Instant::now();
            let first = self.waiting.values().next().map(|waiting| waiting.until);
            let next = first.into_iter().chain(self.paused).min();
            let timeout = next.map(|at| at.saturating_duration_since(now));
            self.epoll.wait(timeout, &mut ready)?;
            let now = Instant::now();
            for one in &ready {
                match one.token {
                    LISTENER => self.accept(now)?,
                    STOP => {
                        self.stop.acknowledge();
                        return Ok(());
                    }
                    token => self.hear(token),
                }
            }
            self.expire(now)?;
        }
    }

    fn refuse(&self, reason: &'static str) {
        self.stats.lock().unwrap_or_else(std::sync::PoisonError::into_inner).refuse(reason);
    }

    fn accept(&mut self, now: Instant) -> io::Result<()> {
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((socket, peer)) => {
                    self.admit(socket, SocketAddr::new(peer.ip().to_canonical(), peer.port()), now)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if out_of_descriptors(&error) => {
                    self.refuse("tcp_no_descriptors");
                    self.waiting.pop_first();
                    self.epoll.change(&self.listener, LISTENER, Interest::Nothing)?;
                    self.paused = Some(now + PAUSE);
                    return Ok(());
                }
                // One that was given up before it was accepted.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn admit(&mut self, socket: TcpStream, peer: SocketAddr, now: Instant) {
        let of_one = |waiting: &Waiting| network(waiting.peer.ip()) == network(peer.ip());
        let evicted = if self.waiting.values().filter(|waiting| of_one(waiting)).count() >= MAX_WAITING_OF_ONE
        {
            self.waiting.iter().find(|(_, waiting)| of_one(waiting)).map(|(token, _)| *token)
        } else if self.waiting.len() >= MAX_WAITING {
            self.waiting.keys().next().copied()
        } else {
            None
        };
        if let Some(token) = evicted {
            self.waiting.remove(&token);
            self.refuse("tcp_crowded");
        }
        let token = self.next;
        if tcp::prepare(&socket).and_then(|()| self.epoll.add(&socket, token, Interest::Read)).is_err() {
            return;
        }
        self.next += 1;
        self.waiting.insert(token, Waiting { socket, peer, bytes: Vec::new(), until: now + FIRST_CHECK });
    }

    /// Something came on a connection that waits, or it ended.
    fn hear(&mut self, token: u64) {
        let Some(mut waiting) = self.waiting.remove(&token) else { return };
        let mut buffer = [0; framing::HEAD + LONGEST];
        let room = buffer.len() - waiting.bytes.len();
        match waiting.socket.read(&mut buffer[..room]) {
            Ok(0) => return,
            Ok(len) => waiting.bytes.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        match first_check(&waiting.bytes) {
            Ok(None) => {
                self.waiting.insert(token, waiting);
            }
            Ok(Some(worker)) => self.hand_over(worker, waiting),
            Err(reason) => self.refuse(reason),
        }
    }

    fn hand_over(&self, worker: u16, waiting: Waiting) {
        let Some(outbox) = self.workers.get(usize::from(worker)) else {
            self.refuse("stun_unknown");
            return;
        };
        // It is the worker's epoll that watches it from now on.
        let Waiting { socket, peer, bytes, .. } = waiting;
        if self.epoll.remove(&socket).is_ok() && outbox.try_send(Arrival { socket, peer, bytes }).is_err() {
            self.refuse("tcp_crowded");
        }
    }

    fn expire(&mut self, now: Instant) -> io::Result<()> {
        while self.waiting.first_key_value().is_some_and(|(_, waiting)| waiting.until <= now) {
            self.waiting.pop_first();
            self.refuse("tcp_no_check");
        }
        if self.paused.is_some_and(|until| until <= now) {
            self.paused = None;
            self.epoll.change(&self.listener, LISTENER, Interest::Read)?;
        }
        Ok(())
    }
}

/// The worker that the first framed datagram names; `None` while it is not whole.
///
/// # Errors
/// Why this is nobody's: a reason to count.
pub fn first_check(bytes: &[u8]) -> Result<Option<u16>, &'static str> {
    let Some(len) = framing::framed_len(bytes) else { return Ok(None) };
    if !(framing::HEAD + 20..=framing::HEAD + LONGEST).contains(&len) {
        return Err("tcp_not_stun");
    }
    // A stranger who sends something else is told from the first byte on.
    if bytes.get(framing::HEAD).is_some_and(|first| *first > 3) {
        return Err("tcp_not_stun");
    }
    let Some(check) = bytes.get(framing::HEAD..len) else { return Ok(None) };
    if !stun::is_stun(check) {
        return Err("tcp_not_stun");
    }
    let worker = stun::peek_local_ufrag(check).and_then(ufrag::worker_of);
    worker.map(Some).ok_or("stun_unknown")
}

/// What one customer is given: an IPv4 address, or a /64.
fn network(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
    }
}

fn out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1_200)) {
            let _ = first_check(&bytes);
        }
    }
}
