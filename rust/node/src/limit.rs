//! The physical limit: what it costs to encrypt packets and hand them to the kernel for N receivers, with the
//! node's own cipher, buffers, batches and packet sizes, and nothing else. What the node costs above this is ours.

mod receivers;
mod recording;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use diemcau_wire::rtp::{self, RtpHeader};
use diemcau_wire::srtp::{MasterKey, SrtpProfile, SrtpTx, TxLine};

use crate::sys::send::{Egress, Group, plan};
use crate::sys::udp::Udp;
use crate::sys::{random, usage};
use receivers::Receivers;
pub use recording::{Frame, Recording};

/// What is measured.
#[derive(clap::Args)]
pub struct Limit {
    /// Receivers, each a UDP socket on loopback.
    #[arg(long, default_value_t = 100)]
    receivers: usize,
    /// How long, after a second of warming up.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Recorded packet sizes (`bench/data/chromium_packet_sizes.json`).
    #[arg(long)]
    sizes: PathBuf,
    /// Names of the tracks in it that are sent; default: all.
    #[arg(long)]
    track: Vec<String>,
    /// Receivers let the kernel join datagrams (`UDP_GRO`).
    #[arg(long)]
    gro: bool,
    /// Send packet by packet.
    #[arg(long)]
    no_gso: bool,
}

struct Receiver {
    to: SocketAddr,
    srtp: SrtpTx,
    line: TxLine,
    index: u64,
}

/// Header with abs-send-time, as the node writes it.
const HEADER: usize = rtp::FIXED_HEADER_LEN + 8;
const SSRC: u32 = 1;

/// Runs and prints one JSON line.
///
/// # Errors
/// A recording that cannot be read, or sockets that cannot be had.
pub fn run(limit: &Limit) -> anyhow::Result<()> {
    let recording = Recording::read(&limit.sizes)?;
    let frames = recording.schedule(&limit.track)?;
    usage::raise_file_limit(limit.receivers as u64 + 64);
    let sinks = Receivers::start(limit.receivers, limit.gro)?;
    let udp = Udp::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut egress = Egress::new(!limit.no_gso);
    let mut receivers: Vec<Receiver> =
        sinks.addresses().iter().map(|to| Receiver::new(*to)).collect::<Result<_, _>>()?;
    let mut groups = Vec::new();
    let warm = Duration::from_secs(1);
    let length = Duration::from_secs(limit.seconds.max(1));
    let start = Instant::now();
    let mut begun: Option<(Duration, u64, u64, u64, Duration)> = None;
    let mut late = Duration::ZERO;
    'run: for round in 0u32.. {
        for frame in &frames.frames {
            let due = start + frames.length * round + frame.at;
            let now = Instant::now();
            if now < due {
                std::thread::sleep(due - now);
            } else {
                late = late.max(now - due);
            }
            let passed = start.elapsed();
            if begun.is_none() && passed >= warm {
                let sent = egress.sent;
                begun = Some((usage::thread_cpu(), sent.packets, sent.messages, sinks.received(), passed));
                late = Duration::ZERO;
            }
            if passed >= warm + length {
                break 'run;
            }
            send(frame, &mut receivers, &udp, &mut egress, &mut groups);
        }
    }
    let (cpu, packets, messages, received, since) = begun.context("the recording is empty")?;
    let cpu = usage::thread_cpu() - cpu;
    let wall = start.elapsed() - since;
    // What is still in the receivers' sockets is read before it is counted as lost.
    sinks.settle(egress.sent.packets);
    let packets = egress.sent.packets - packets;
    let messages = egress.sent.messages - messages;
    let received = sinks.received() - received;
    println!(
        "{}",
        serde_json::json!({
            "receivers": limit.receivers,
            "gro": limit.gro,
            "gso": egress.gso(),
            "profile": "AEAD_AES_256_GCM",
            "seconds": wall.as_secs_f64(),
            "packets": packets,
            "messages": messages,
            "packets_per_message": packets as f64 / messages.max(1) as f64,
            "bytes_per_packet": egress.sent.bytes as f64 / egress.sent.packets.max(1) as f64,
            "cpu_us": cpu.as_secs_f64() * 1e6,
            "us_per_packet": cpu.as_secs_f64() * 1e6 / packets.max(1) as f64,
            "core_share": cpu.as_secs_f64() / wall.as_secs_f64(),
            "lost": packets.saturating_sub(received),
            "blocked": egress.sent.blocked,
            "latest_ms": late.as_secs_f64() * 1e3,
        })
    );
    Ok(())
}

impl Receiver {
    fn new(to: SocketAddr) -> anyhow::Result<Self> {
        let (mut key, mut salt) = ([0; 32], [0; 12]);
        random::fill(&mut key);
        random::fill(&mut salt);
        let mut srtp = SrtpTx::new(&MasterKey::new(SrtpProfile::AeadAes256Gcm, &key, &salt)?)?;
        let line = srtp.add_line(SSRC, false)?;
        Ok(Self { to, srtp, line, index: 0 })
    }
}

fn send(frame: &Frame, receivers: &mut [Receiver], udp: &Udp, egress: &mut Egress, groups: &mut Vec<Group>) {
    plan(&frame.sizes, egress.gso(), groups);
    for receiver in receivers {
        let mut sizes = frame.sizes.iter();
        for group in groups.iter() {
            let segment = group.segment + HEADER + receiver.srtp.profile().rtp_overhead();
            egress.begin(udp, receiver.to, Group { count: group.count, segment });
            for (place, size) in sizes.by_ref().take(group.count).enumerate() {
                let last = place + 1 == group.count;
                receiver.index += 1;
                let header = RtpHeader {
                    marker: last,
                    payload_type: 96,
                    sequence: receiver.index as u16,
                    timestamp: 0,
                    ssrc: SSRC,
                };
                let buf = egress.room();
                let written = rtp::write_header(buf, &header, &[(2, &[0, 0, 0])]).unwrap_or(HEADER);
                let end = written + size;
                buf[written..end].copy_from_slice(&PAYLOAD[..*size]);
                let padding = if last { 0 } else { group.segment - size };
                let len = rtp::add_padding(buf, end, padding as u8).unwrap_or(end);
                if let Ok(len) = receiver.srtp.protect_rtp(receiver.line, receiver.index, written, buf, len) {
                    egress.commit(len);
                }
            }
        }
    }
    egress.flush(udp);
}

/// Longest payload of a recording.
pub(crate) const MAX_PAYLOAD: usize = 1_500;
static PAYLOAD: [u8; MAX_PAYLOAD] = [0xa5; MAX_PAYLOAD];
