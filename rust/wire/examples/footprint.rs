//! What a connected viewer costs its server: memory with its DTLS state and without (resident, and live on Rust's
//! heap: dropped blocks leave holes that only new viewers fill), and what one idle tick and one packet take. Run in release. Argument: number of viewers (default 2,000).

#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../tests/common/mod.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{PERFECT, World};
use diemcau_wire::rtp::{RtpHeader, write_header};
use diemcau_wire::transport::Transport;

/// Counts what is live.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands everything to the system's allocator and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Resident set once free memory has been given back, bytes (Linux with glibc).
fn resident() -> usize {
    // SAFETY: takes no pointers; only tells the allocator to release free pages.
    unsafe { libc::malloc_trim(0) };
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    4096 * statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0)
}

fn main() {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(2000);
    let connect = || {
        let mut world = World::new(1, PERFECT);
        world.connect();
        world
    };
    drop(connect());

    // Each client is freed before the next comes, so what grows is the servers.
    let (before, live) = (resident(), LIVE.load(Ordering::Relaxed));
    let start = Instant::now();
    let mut servers: Vec<Transport> = Vec::with_capacity(count);
    let mut now = Instant::now();
    for _ in 0..count {
        let world = connect();
        now = now.max(world.now);
        servers.push(world.server);
    }
    let report = |what: &str| {
        let resident = resident().saturating_sub(before) / count.max(1);
        let live = LIVE.load(Ordering::Relaxed).saturating_sub(live) / count.max(1);
        println!("{what}: {resident} B resident, {live} B live a viewer");
    };
    println!("struct {} B, join (both ends) {:?}", size_of::<Transport>(), start.elapsed() / count as u32);
    report("with DTLS");

    let start = Instant::now();
    for server in &mut servers {
        server.handle_timeout(now, &mut |_, _| {}).unwrap();
    }
    println!("idle tick {:?}", start.elapsed() / count as u32);

    let later = now + Duration::from_secs(11);
    for server in &mut servers {
        server.handle_timeout(later, &mut |_, _| {}).unwrap();
    }
    report("without");

    let payload = [0x55; 1150];
    let mut buf = [0; 1500];
    let rounds = 50;
    let lines: Vec<_> =
        servers.iter_mut().map(|server| server.srtp_tx().unwrap().add_line(7, false).unwrap()).collect();
    let start = Instant::now();
    for sequence in 0..rounds {
        for (server, line) in servers.iter_mut().zip(&lines) {
            let header = RtpHeader { sequence, ssrc: 7, ..RtpHeader::default() };
            let head = write_header(&mut buf, &header, &[]).unwrap();
            buf[head..head + payload.len()].copy_from_slice(&payload);
            let srtp = server.srtp_tx().unwrap();
            srtp.protect_rtp(*line, u64::from(sequence), head, &mut buf, head + payload.len()).unwrap();
        }
    }
    println!("copy and protect 1,150 B {:?}", start.elapsed() / (u32::from(rounds) * count as u32));
}
