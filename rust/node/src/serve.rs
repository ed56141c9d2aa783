//! A node: its sockets bound, its threads started, and the end of it.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anyhow::Context;
use diemcau_wire::dtls::Certificate;

use crate::clock::Clock;
use crate::control::{Server, Stop, listen};
use crate::hub::{Hub, Limits};
use crate::mail::{Outbox, mailbox};
use crate::message::Report;
use crate::stats::WorkerStats;
use crate::stream::listener::{Arrival, Listener};
use crate::sys::udp::Udp;
use crate::sys::{random, tcp};
use crate::worker::{Parts, Peer, Worker};

/// Orders that may wait at one worker; more are refused with `busy`.
const ORDERS: usize = 16_384;
/// Frames that may wait at one worker; more are dropped and counted.
const CROSSINGS: usize = 4_096;
/// Connections over TCP that may wait at one worker; more are closed and counted.
const ARRIVALS: usize = 256;
/// Reports that may wait for the hub; workers then wait for it.
const REPORTS: usize = 16_384;

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Path of the control socket.
    pub control: PathBuf,
    /// Worker i uses port + i; port 0 lets the kernel choose each.
    pub bind: SocketAddr,
    /// Addresses under which viewers and publishers reach us, best first.
    pub announce: Vec<IpAddr>,
    pub workers: usize,
    pub limits: Limits,
    /// The TCP port, one for all workers: 0 lets the kernel choose; none: nothing by TCP.
    pub tcp_port: Option<u16>,
    /// Whether to try UDP segmentation offload.
    pub gso: bool,
    /// Test of isolation: a viewer of this name panics at its first datagram.
    pub faulty_viewer: Option<String>,
}

impl Config {
    /// Defaults: loopback, any ports, one worker.
    pub fn new(control: PathBuf) -> Self {
        Self {
            control,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            announce: Vec::new(),
            workers: 1,
            limits: Limits { viewers: 20_000, publishers: 500 },
            tcp_port: Some(0),
            gso: true,
            faulty_viewer: None,
        }
    }
}

/// A running node.
pub struct Node {
    /// UDP port of each worker.
    pub ports: Vec<u16>,
    /// The TCP port.
    pub tcp_port: Option<u16>,
    /// Ends the listener, once nobody is left to hand connections to.
    listener: Option<(Outbox<()>, JoinHandle<()>)>,
    stop: Outbox<Stop>,
    threads: Vec<JoinHandle<()>>,
}

/// Stops a node from elsewhere (a signal, the end of stdin).
#[derive(Clone)]
pub struct Stopper(Outbox<Stop>);

impl Stopper {
    pub fn stop(&self) {
        // A full queue holds a stop already.
        let _ = self.0.try_send(Stop);
    }
}

impl Node {
    /// Binds and starts everything; when this returns, the node serves.
    ///
    /// # Errors
    /// A port or the control path that cannot be had.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        let announce = announced(&config);
        let count = config.workers.clamp(1, 256);
        let sockets =
            (0..count).map(|index| bind(config.bind, index)).collect::<anyhow::Result<Vec<Udp>>>()?;
        let tcp_listener = config.tcp_port.map(|port| listen_tcp(config.bind, port)).transpose()?;
        let tcp_port = tcp_listener.as_ref().map(TcpListener::local_addr).transpose()?.map(|at| at.port());
        let listener = listen(&config.control)
            .with_context(|| format!("cannot listen at {}", config.control.display()))?;
        let clock = Clock::start();
        let certificate = Arc::new(Certificate::generate().context("cannot make a certificate")?);
        let (reports, report_inbox) = mailbox::<Report>(REPORTS)?;
        let (stop, stop_inbox) = mailbox(1)?;
        let mut peers = Vec::new();
        let mut inboxes = Vec::new();
        let mut hub_workers = Vec::new();
        let mut porches = Vec::new();
        for _ in 0..count {
            let (crossings, crossing_inbox) = mailbox(CROSSINGS)?;
            let (orders, order_inbox) = mailbox(ORDERS)?;
            let stats = Arc::new(Mutex::new(WorkerStats::default()));
            peers.push(Peer { crossings, viewers: Arc::new(AtomicU32::new(0)) });
            hub_workers.push(crate::hub::Worker {
                orders,
                backlog: VecDeque::new(),
                stats: Arc::clone(&stats),
                viewers: 0,
                publishers: 0,
            });
            let arrivals = match tcp_port {
                Some(port) => {
                    let (porch, arrivals) = mailbox::<Arrival>(ARRIVALS)?;
                    porches.push(porch);
                    Some((arrivals, port))
                }
                None => None,
            };
            inboxes.push((order_inbox, crossing_inbox, stats, arrivals));
        }
        let ports: Vec<u16> = sockets.iter().map(|udp| udp.local.port()).collect();
        let mut threads = Vec::new();
        for (index, (udp, inboxes)) in sockets.into_iter().zip(inboxes).enumerate() {
            let (orders, crossings, stats, arrivals) = inboxes;
            let worker = Worker::new(Parts {
                index: index as u16,
                udp,
                announce: announce.clone(),
                clock,
                certificate: Arc::clone(&certificate),
                orders,
                crossings,
                peers: peers.clone(),
                hub: reports.clone(),
                stats,
                gso: config.gso,
                arrivals,
            })?;
            threads.push(spawn(format!("worker-{index}"), move || worker.run())?);
        }
        let mut hub = Hub::new(hub_workers, config.limits, clock, format!("{:016x}", random::u64()));
        hub.faulty_viewer = config.faulty_viewer;
        let listener_stats = Arc::clone(&hub.listener_stats);
        let listener_thread = match tcp_listener {
            Some(socket) => {
                let (stop, stopped) = mailbox(1)?;
                let listener = Listener::new(socket, porches, stopped, listener_stats)?;
                Some((stop, spawn("tcp".into(), move || listener.run())?))
            }
            None => None,
        };
        let server = Server::new(hub, listener, config.control, report_inbox, stop_inbox)?;
        threads.push(spawn("control".into(), move || server.run())?);
        Ok(Self { ports, tcp_port, listener: listener_thread, stop, threads })
    }

    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Waits until the node has ended.
    pub fn join(self) {
        for thread in self.threads {
            // One that failed has ended the process.
            let _ = thread.join();
        }
        if let Some((stop, thread)) = self.listener {
            // A full queue holds a stop already.
            let _ = stop.try_send(());
            let _ = thread.join();
        }
    }

    /// Says goodbye to everyone and waits until it is said.
    pub fn stop(self) {
        self.stopper().stop();
        self.join();
    }
}

/// Starts a thread of the node. However it fails, the process ends: half a node is worse than none, and the
/// supervisor starts a whole one.
fn spawn(
    name: String,
    run: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> anyhow::Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
        // The panic hook has said what and where; nothing that the thread left behind is looked at again.
        let error = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => String::from("panic"),
        };
        tracing::error!(error, thread = name, "a thread of the node failed");
        std::process::exit(1);
    });
    thread.context("cannot start a thread")
}

fn bind(base: SocketAddr, index: usize) -> anyhow::Result<Udp> {
    let mut address = base;
    if base.port() != 0 {
        let port = usize::from(base.port()) + index;
        address.set_port(u16::try_from(port).context("the workers' ports go beyond 65535")?);
    }
    let udp = Udp::bind(address).with_context(|| format!("cannot bind UDP {address}"))?;
    let (send, receive) = udp.buffers();
    tracing::info!(address = %udp.local, send, receive, "bound");
    Ok(udp)
}

fn listen_tcp(mut address: SocketAddr, port: u16) -> anyhow::Result<TcpListener> {
    address.set_port(port);
    let listener = tcp::listen(address).with_context(|| format!("cannot listen on TCP {address}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening (TCP)");
    Ok(listener)
}

/// What is announced when nothing was said: the address that is bound, or loopback where that is all of them.
fn announced(config: &Config) -> Vec<IpAddr> {
    if !config.announce.is_empty() {
        return config.announce.clone();
    }
    let ip = config.bind.ip();
    if ip.is_unspecified() {
        tracing::warn!("no --announce: only this machine can connect");
        let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
        return if ip.is_ipv6() { vec![v4, IpAddr::V6(Ipv6Addr::LOCALHOST)] } else { vec![v4] };
    }
    vec![ip]
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Set: this process is the one that is to end, and how.
    const FAIL_BY: &str = "DIEMCAU_TEST_FAIL_BY";

    /// Not a test but the process of the one below; without the variable it does nothing.
    #[test]
    fn a_process_whose_thread_fails() {
        let Ok(by) = std::env::var(FAIL_BY) else { return };
        let thread = spawn("worker-0".into(), move || match by.as_str() {
            "panic" => panic!("a fault that a test asked for"),
            "error" => Err(std::io::Error::other("a fault that a test asked for")),
            _ => Ok(()),
        });
        // It must be the thread that ends the process: a test run ends with 0 or 101.
        let _ = thread.expect("a thread").join();
    }

    #[test]
    fn a_thread_that_fails_ends_the_process_with_status_1() {
        for (by, status) in [("panic", 1), ("error", 1), ("nothing", 0)] {
            let process = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "serve::tests::a_process_whose_thread_fails"])
                .env(FAIL_BY, by)
                .output()
                .unwrap();
            assert_eq!(process.status.code(), Some(status), "{by}: {process:?}");
        }
    }
}
