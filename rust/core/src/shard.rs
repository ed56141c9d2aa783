//! A worker's share: its viewers, its copy of the program table, and who shows what.

use std::sync::Arc;

use crate::clock::WallClock;
use crate::history::HistoryLimits;
use crate::keyframes::KeyframeReason;
use crate::layers::CutPolicy;
use crate::line::LineReport;
use crate::packet::{Layer, OutPacket, RtxPacket, Source, TrackId, TrackPacket};
use crate::program::{Program, ProgramId, ProgramTable, Slot, TrackSpec};
use crate::time::Time;
use crate::viewer::{ViewerConfig, ViewerKey};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardConfig {
    pub wall: WallClock,
    pub history: HistoryLimits,
    pub cuts: CutPolicy,
}

/// Hand this to the publisher's worker: `Publisher::ask_keyframe`. Already merged within the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyframeNeed {
    pub source: Source,
    pub reason: KeyframeReason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardEvent {
    /// Every line of this shard that shows the slot has its keyframe (or 5 s are over, `missing` lines still wait).
    SlotShown {
        program: ProgramId,
        slot: u16,
        track: Option<TrackId>,
        asked: Time,
        first: Time,
        last: Time,
        lines: u32,
        missing: u32,
    },
    /// Who is heard in a program, loudest first.
    Speaking { program: ProgramId, tracks: Vec<TrackId> },
    /// The viewer did not negotiate the codec of what its line should show.
    Undecodable { viewer: ViewerKey, line: u8, track: TrackId },
}

/// Counters since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardStats {
    pub packets_out: u64,
    pub rtx_out: u64,
    pub nacks_in: u64,
    /// NACKed packets that are no longer (or not yet) in a history.
    pub nacks_missed: u64,
    /// NACKed packets not sent because the viewer asked for more than its share.
    pub nacks_limited: u64,
    pub keyframe_requests_in: u64,
    pub events_dropped: u64,
}

/// One worker's viewers and what they see.
#[derive(Debug)]
pub struct Shard;

#[allow(unused_variables, clippy::todo, reason = "interface first; bodies follow in the next commits")]
impl Shard {
    pub fn new(config: ShardConfig) -> Self {
        todo!()
    }
    pub fn table(&self) -> &ProgramTable {
        todo!()
    }

    // What control says, the same to every shard, in the same order.
    pub fn set_track(&mut self, spec: TrackSpec, now: Time) {
        todo!()
    }
    pub fn remove_track(&mut self, track: TrackId, now: Time) {
        todo!()
    }
    pub fn set_program(&mut self, id: ProgramId, program: Program, now: Time) {
        todo!()
    }
    pub fn remove_program(&mut self, id: ProgramId, now: Time) {
        todo!()
    }
    /// False: no such program, or slot out of range.
    pub fn set_slot(&mut self, id: ProgramId, slot: usize, to: Slot, now: Time) -> bool {
        todo!()
    }
    pub fn set_mics(&mut self, id: ProgramId, mics: Vec<TrackId>, now: Time) -> bool {
        todo!()
    }

    // Viewers of this shard. Calls with a key that is gone do nothing.
    pub fn add_viewer(&mut self, config: &ViewerConfig, now: Time) -> ViewerKey {
        todo!()
    }
    pub fn remove_viewer(&mut self, key: ViewerKey) {
        todo!()
    }
    pub fn attach(&mut self, key: ViewerKey, program: Option<ProgramId>, now: Time) {
        todo!()
    }
    /// Points a video line (its index among the video lines) at a track; none: back to the program.
    pub fn pin(
        &mut self,
        key: ViewerKey,
        video_line: usize,
        track: Option<TrackId>,
        ceiling: Layer,
        now: Time,
    ) {
        todo!()
    }
    pub fn set_ceiling(&mut self, key: ViewerKey, ceiling: Layer, now: Time) {
        todo!()
    }

    // Media.
    /// Packets of ONE source (same track and layer), ideally a whole frame: up to its marker or 5 ms. Sorted here by
    /// sequence. `sink` is called viewer by viewer, so a viewer's packets of the frame follow each other (one GSO
    /// message).
    pub fn forward(&mut self, batch: &mut [Arc<TrackPacket>], now: Time, sink: impl FnMut(OutPacket<'_>)) {
        todo!()
    }
    /// A generic NACK (RFC 4585 §6.2.1) for the line with this media SSRC, its pid/blp already spread out.
    pub fn on_nack(
        &mut self,
        key: ViewerKey,
        ssrc: u32,
        lost: impl IntoIterator<Item = u16>,
        now: Time,
        sink: impl FnMut(RtxPacket<'_>),
    ) {
        todo!()
    }
    /// PLI or FIR for the line with this media SSRC.
    pub fn on_keyframe_request(&mut self, key: ViewerKey, ssrc: u32, now: Time) {
        todo!()
    }
    /// A report block: `fraction_lost` in 1/256.
    pub fn on_receiver_report(&mut self, key: ViewerKey, ssrc: u32, fraction_lost: u8, now: Time) {
        todo!()
    }
    /// Sender reports of a viewer's lines that sent anything; at most every second or so, and at once after a cut
    /// (`OutHeader::cut`).
    pub fn sender_reports(&self, key: ViewerKey, now: Time, sink: impl FnMut(LineReport)) {
        todo!()
    }
    /// Call every 50 ms or so: speakers, layers that went silent, promotions, repeated keyframe needs.
    pub fn tick(&mut self, now: Time) {
        todo!()
    }
    pub fn poll_keyframe_need(&mut self) -> Option<KeyframeNeed> {
        todo!()
    }
    pub fn poll_event(&mut self) -> Option<ShardEvent> {
        todo!()
    }
    /// Smoothed microphone levels, dBov (0 to -127).
    pub fn levels(&self, now: Time) -> impl Iterator<Item = (TrackId, i8)> {
        std::iter::empty()
    }
    /// 90th percentile of the loss viewers report (0 to 1): what receiver reports to publishers should carry at least.
    pub fn loss_p90(&self) -> f32 {
        todo!()
    }
    /// Loss of a viewer (0 to 1), worst line, last report.
    pub fn viewer_loss(&self, key: ViewerKey) -> f32 {
        todo!()
    }
    pub fn stats(&self) -> ShardStats {
        todo!()
    }
}
