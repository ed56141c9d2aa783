//! Threads that own clients: each has an epoll, a socket for its viewers, timers, and its own statistics.

mod slot;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use worker::Worker;

use crate::client::{ClientError, Clock, Identity, LEAST_BUFFER, PublisherConfig, Shared, ViewerConfig};
use crate::clips::Library;
use crate::stats::Stats;
use crate::sys::{Epoll, Waker};
use crate::watch::Cut;

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

/// How viewers are given sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sockets {
    /// Let the kernel join datagrams on their way in.
    pub gro: bool,
    /// One for each viewer, whatever else could be.
    pub each: bool,
}

/// All threads. Dropping it closes all clients.
pub struct Engine {
    threads: Vec<Handle>,
    pub library: Arc<Library>,
    pub identity: Identity,
    pub clock: Clock,
    /// Bytes that the kernel lets wait on each shared socket; none where every viewer has one of its own.
    pub shared_buffer: Option<u64>,
}

impl Engine {
    /// Starts `threads` threads. What happens comes out of the receiver, a few messages a client.
    ///
    /// # Errors
    /// No key, or no descriptors.
    pub fn start(
        threads: usize,
        sockets: Sockets,
        library: Arc<Library>,
    ) -> Result<(Self, UnboundedReceiver<Happening>), ClientError> {
        let identity = Identity::generate()?;
        let clock = Clock::start();
        let (happenings, outbox) = unbounded_channel();
        let mut handles = Vec::new();
        let mut shared_buffer = None;
        for number in 0..threads.max(1) {
            let waker = Arc::new(Waker::new()?);
            let epoll = Epoll::new()?;
            epoll.add(waker.fd(), worker::WAKER)?;
            let (orders, inbox) = channel();
            let shared = if sockets.each { None } else { open_shared(sockets.gro)? };
            if let Some(shared) = &shared {
                epoll.add_once(shared.fd(), worker::SHARED)?;
                shared_buffer = Some(shared.buffer());
            }
            let mut worker = Worker::new(
                worker::Parts {
                    epoll,
                    waker: waker.clone(),
                    inbox,
                    happenings: happenings.clone(),
                    identity: identity.clone(),
                    library: library.clone(),
                    clock,
                    shared,
                },
                sockets.gro,
            );
            let thread =
                std::thread::Builder::new().name(format!("load-{number}")).spawn(move || worker.run())?;
            handles.push(Handle { orders, waker, thread: Some(thread) });
        }
        Ok((Self { threads: handles, library, identity, clock, shared_buffer }, outbox))
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

/// A socket for all viewers of a thread; none where the kernel would give it too little room.
fn open_shared(gro: bool) -> Result<Option<Shared>, ClientError> {
    let shared = Shared::open(gro)?;
    if shared.buffer() >= LEAST_BUFFER {
        return Ok(Some(shared));
    }
    tracing::warn!(
        bytes = shared.buffer(),
        "the kernel gives a shared socket too little room (net.core.rmem_max): a socket each"
    );
    Ok(None)
}
