//! Receivers that only count, in a thread of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sys::epoll::{Epoll, Interest};
use crate::sys::receive::Receiver;
use crate::sys::udp::Udp;

#[derive(Default)]
struct Shared {
    received: AtomicU64,
    stop: AtomicBool,
}

pub struct Receivers {
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Receivers {
    pub fn start(count: usize, gro: bool) -> anyhow::Result<Self> {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let sockets = (0..count).map(|_| Udp::bind(loopback)).collect::<std::io::Result<Vec<Udp>>>()?;
        let addresses = sockets.iter().map(|udp| udp.local).collect();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let run = move || receive(&sockets, gro, &theirs);
        let thread = Some(std::thread::Builder::new().name("receivers".into()).spawn(run)?);
        Ok(Self { addresses, shared, thread })
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// Waits until this many were received, or nothing comes any more.
    pub fn settle(&self, sent: u64) {
        let end = Instant::now() + Duration::from_secs(2);
        while self.received() < sent && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only counted.
            let _ = thread.join();
        }
    }
}

fn receive(sockets: &[Udp], gro: bool, shared: &Shared) -> std::io::Result<()> {
    let mut epoll = Epoll::new()?;
    for (index, udp) in sockets.iter().enumerate() {
        epoll.add(&udp.socket, index as u64, Interest::Read)?;
        if gro {
            Receiver::new(udp, true)?;
        }
    }
    let mut buffers = Receiver::new(&sockets[0], gro)?;
    let mut ready = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        epoll.wait(Some(Duration::from_millis(50)), &mut ready)?;
        for one in &ready {
            if buffers.fill(&sockets[one.token as usize])? > 0 {
                let mut count = 0;
                buffers.for_each(|_, _| count += 1);
                shared.received.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}
