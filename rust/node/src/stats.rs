//! Counters of a worker. The worker owns its copy and publishes it twenty times a second; nothing is locked per
//! packet.

use std::collections::BTreeMap;

use diemcau_control::Stats;
use diemcau_core::ShardStats;

use crate::stream::streams::StreamStats;
use crate::sys::send::Sent;

/// Counters since start.
#[derive(Debug, Clone, Default)]
pub struct WorkerStats {
    pub packets_in: u64,
    pub bytes_in: u64,
    pub sent: Sent,
    pub streams: StreamStats,
    pub shard: ShardStats,
    pub plis_in: u64,
    pub keyframe_requests: u64,
    pub queue_dropped: u64,
    pub panics: u64,
    /// Packets that help a weak line and were left out because this worker had too much to do.
    pub spared: u64,
    pub refused: BTreeMap<&'static str, u64>,
}

impl WorkerStats {
    /// Counts a datagram (or what was in it) that got nowhere.
    pub fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_insert(0) += 1;
    }

    pub fn add_to(&self, stats: &mut Stats) {
        stats.packets_in += self.packets_in;
        stats.bytes_in += self.bytes_in;
        stats.packets_out += self.sent.packets;
        stats.bytes_out += self.sent.bytes + self.streams.bytes;
        stats.messages_out += self.sent.messages + self.streams.writes;
        stats.tcp_open += self.streams.open;
        stats.tcp_opened += self.streams.opened;
        stats.tcp_dropped += self.streams.dropped;
        stats.send_blocked += self.sent.blocked;
        stats.send_refused += self.sent.refused;
        stats.gso_refused += self.sent.split;
        stats.rtx_out += self.shard.rtx_out;
        stats.nacks_in += self.shard.nacks_in;
        stats.plis_in += self.plis_in;
        stats.keyframe_requests += self.keyframe_requests;
        stats.queue_dropped += self.queue_dropped;
        stats.panics += self.panics;
        if self.spared > 0 {
            *stats.refused.entry("strained".to_owned()).or_insert(0) += self.spared;
        }
        for (reason, count) in &self.refused {
            *stats.refused.entry((*reason).to_owned()).or_insert(0) += count;
        }
    }
}
