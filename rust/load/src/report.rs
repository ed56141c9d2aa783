//! What a run found: one table for people and one JSON line for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use crate::decode::Seen;
use crate::net::NetStats;
use crate::stats::{Counters, Stats, Summary};

/// Pictures that were really decoded.
#[derive(Debug, Clone, Serialize)]
pub struct DecodedReport {
    pub sampled: u64,
    /// No room on the way to the decoder: its shortcoming, not the node's.
    pub dropped: u64,
    pub decoded: u64,
    pub broken: BTreeMap<String, u64>,
    pub glass_ms: Summary,
    /// Frames by the number of the clip that was seen in them.
    pub numbers: BTreeMap<u16, u64>,
}

/// What this process itself used and missed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SelfReport {
    pub cpu_user_s: f64,
    pub cpu_system_s: f64,
    /// Of one core, over the whole run.
    pub cpu_share: f64,
    pub rss_mb: f64,
    pub own_drops: u64,
    pub send_blocked: u64,
    /// Frames that left over 50 ms late.
    pub late_frames: u64,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub mode: &'static str,
    pub version: &'static str,
    pub cores: usize,
    pub seconds: f64,
    pub counters: Counters,
    pub violations: BTreeMap<&'static str, u64>,
    /// Viewers by SRTP profile.
    pub profiles: BTreeMap<&'static str, u64>,
    /// Datagrams refused by viewers, by reason.
    pub refusals: BTreeMap<&'static str, u64>,
    pub connect_ms: Summary,
    pub join_ms: Summary,
    pub cut_ms: Summary,
    pub freeze_ms: Summary,
    pub transit_ms: Summary,
    /// Share of video packets that were given up, and of audio packets.
    pub video_loss: f64,
    pub audio_loss: f64,
    /// Why clients ended, by code.
    pub ended: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded: Option<DecodedReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetStats>,
    #[serde(rename = "self")]
    pub own: SelfReport,
    /// What only this mode knows.
    pub more: Value,
}

fn share(part: u64, whole: u64) -> f64 {
    if part + whole == 0 { 0.0 } else { part as f64 / (part + whole) as f64 }
}

impl Report {
    #[must_use]
    pub fn new(mode: &'static str, stats: &Stats, seconds: f64) -> Self {
        let counters = stats.counters.clone();
        let (user, system) = crate::sys::cpu_us();
        let own = SelfReport {
            cpu_user_s: user as f64 / 1e6,
            cpu_system_s: system as f64 / 1e6,
            cpu_share: (user + system) as f64 / 1e6 / seconds.max(1e-3),
            rss_mb: crate::sys::rss_bytes() as f64 / 1e6,
            own_drops: counters.own_drops,
            send_blocked: counters.send_blocked,
            late_frames: counters.late_frames,
        };
        Self {
            mode,
            version: diemcau_wire::VERSION,
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            seconds,
            violations: stats.violations.clone(),
            profiles: stats.profiles.clone(),
            refusals: stats.refusals.clone(),
            connect_ms: stats.connect.summary(),
            join_ms: stats.join.summary(),
            cut_ms: stats.cut.summary(),
            freeze_ms: stats.freeze.summary(),
            transit_ms: stats.transit.summary(),
            video_loss: share(counters.video_lost, counters.video_packets),
            audio_loss: share(counters.audio_lost, counters.audio_packets),
            ended: BTreeMap::new(),
            decoded: None,
            network: None,
            own,
            more: Value::Null,
            counters,
        }
    }

    /// Adds what the decoding child saw.
    #[must_use]
    pub fn with_decoded(mut self, seen: Option<&Seen>) -> Self {
        self.decoded = seen.map(|seen| DecodedReport {
            sampled: seen.sampled,
            dropped: seen.dropped,
            decoded: seen.decoded,
            broken: seen.broken.clone(),
            glass_ms: seen.glass.summary(),
            numbers: seen.numbers.clone(),
        });
        self
    }

    /// Whether nothing went wrong that a run is to show: no failed join, no loss, no freeze, no breach, no missed cut.
    /// Loss counts only where no bad network was asked for.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let c = &self.counters;
        let broken = self.decoded.as_ref().is_some_and(|decoded| !decoded.broken.is_empty());
        let bad_network = self.network.is_some();
        c.viewers_failed + c.publishers_failed + c.cuts_missed + c.stalled == 0
            && self.violations.is_empty()
            && !broken
            && (bad_network || c.freezes + c.video_lost + c.audio_lost == 0)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        let c = &self.counters;
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<26} {value}");
        };
        row(
            "viewers",
            format!(
                "{} opened, {} connected, {} saw a picture, {} failed",
                c.viewers, c.connected, c.pictured, c.viewers_failed
            ),
        );
        row(
            "publishers",
            format!(
                "{} opened, {} connected, {} failed",
                c.publishers, c.publishers_connected, c.publishers_failed
            ),
        );
        for (name, summary) in [
            ("join, ms", self.join_ms),
            ("of it connecting, ms", self.connect_ms),
            ("cut to picture, ms", self.cut_ms),
            ("sender to viewer, ms", self.transit_ms),
            ("freezes, ms", self.freeze_ms),
        ] {
            row(name, quantiles(&summary));
        }
        if let Some(decoded) = &self.decoded {
            row("glass to glass, ms", quantiles(&decoded.glass_ms));
            row(
                "decoded",
                format!(
                    "{} of {} frames, broken {:?}, no room for {}",
                    decoded.decoded, decoded.sampled, decoded.broken, decoded.dropped
                ),
            );
        }
        row("cuts", format!("{} awaited, {} missed", c.cuts, c.cuts_missed));
        row("freezes", format!("{} ({} lines stalled at the end)", c.freezes, c.stalled));
        row(
            "video packets",
            format!(
                "{} in {} frames ({} keyframes), lost {:.4} %",
                c.video_packets,
                c.frames,
                c.keyframes,
                self.video_loss * 100.0
            ),
        );
        row("audio packets", format!("{}, lost {:.4} %", c.audio_packets, self.audio_loss * 100.0));
        row(
            "repair",
            format!("{} NACKed, {} RTX, {} recovered, {} PLI", c.nacks, c.rtx_packets, c.recovered, c.plis),
        );
        row(
            "breaches",
            if self.violations.is_empty() { "none".into() } else { format!("{:?}", self.violations) },
        );
        row(
            "refused datagrams",
            format!("{} forged, {} replayed, {} other", c.forged, c.replayed, c.refused),
        );
        row("ended", if self.ended.is_empty() { "none".into() } else { format!("{:?}", self.ended) });
        let own = &self.own;
        row(
            "this process",
            format!(
                "{:.2} of {} cores, {:.0} MB, own drops {}, sends blocked {}, frames sent late {}",
                own.cpu_share, self.cores, own.rss_mb, own.own_drops, own.send_blocked, own.late_frames
            ),
        );
        if let Value::Object(more) = &self.more {
            for (name, value) in more {
                row(name, value.to_string());
            }
        }
        out
    }
}

fn quantiles(summary: &Summary) -> String {
    if summary.count == 0 {
        return "-".into();
    }
    let Summary { count, p50, p95, p99, max } = summary;
    format!("p50 {p50:.0}  p95 {p95:.0}  p99 {p99:.0}  max {max:.0}  ({count})")
}
