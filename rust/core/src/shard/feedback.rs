//! What viewers report, and what they are told of their lines.

use std::time::Duration;

use super::{Shard, of_key};
use crate::keyframes::KeyframeReason;
use crate::line::LineReport;
use crate::packet::{RtxPacket, TrackId};
use crate::time::Time;
use crate::viewer::ViewerKey;

/// What a report block says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    pub ssrc: u32,
    /// In 1/256.
    pub fraction_lost: u8,
    /// Highest sequence number, cycles above.
    pub highest: u32,
    /// Middle of the NTP time of the last sender report, and the delay since, 1/65,536 s; 0: none.
    pub last_sr: u32,
    pub delay: u32,
}

impl Heard {
    /// `now`: middle 32 bits of the NTP time. None without a sender report, or where the figures cannot be.
    pub(crate) fn round_trip(&self, now: u32) -> Option<Duration> {
        let ticks = now.wrapping_sub(self.last_sr).wrapping_sub(self.delay);
        (self.last_sr != 0 && ticks < 60 << 16)
            .then(|| Duration::from_micros((u64::from(ticks) * 1_000_000) >> 16))
    }
}

impl Shard {
    /// A generic NACK (RFC 4585 §6.2.1) for the line with this media SSRC, its bit mask already spread out. What is
    /// found goes out on the line's RTX stream, whichever track had the number; what is not, and what goes beyond the
    /// viewer's share, is counted.
    pub fn on_nack(
        &mut self,
        key: ViewerKey,
        ssrc: u32,
        lost: impl IntoIterator<Item = u16>,
        now: Time,
        mut sink: impl FnMut(RtxPacket<'_>),
    ) {
        let Some(viewer) = of_key(&mut self.viewers, key) else { return };
        let Some(line) = viewer.line_of(ssrc) else { return };
        for sequence in lost {
            self.stats.nacks_in += 1;
            let found = viewer.seats[line].line.resolve(sequence).and_then(|resolved| {
                let track = self.tracks.get(&resolved.source.track)?;
                let layer = &track.layers[resolved.source.layer.index()];
                // An opening is older than what a history keeps.
                let packet = layer.history.get(resolved.seq).or_else(|| layer.opening.get(resolved.seq))?;
                Some((resolved, packet))
            });
            let Some((resolved, packet)) = found else {
                self.stats.nacks_missed += 1;
                continue;
            };
            if !viewer.may_retransmit(now) {
                self.stats.nacks_limited += 1;
                continue;
            }
            let seat = &mut viewer.seats[line];
            let Some((rtx_ssrc, rtx_index)) = seat.line.next_rtx() else {
                self.stats.nacks_missed += 1;
                continue;
            };
            let mut header = seat.line.header_again(&resolved, packet);
            header.ssrc = rtx_ssrc;
            header.index = rtx_index;
            self.stats.rtx_out += 1;
            sink(RtxPacket { viewer: key, line: line as u8, header, osn: sequence, packet });
        }
    }

    /// PLI or FIR (RFC 4585 §6.3.1, RFC 5104 §4.3.1) for the line with this media SSRC.
    pub fn on_keyframe_request(&mut self, key: ViewerKey, ssrc: u32, now: Time) {
        self.stats.keyframe_requests_in += 1;
        let Some(viewer) = self.viewer(key) else { return };
        let Some(line) = viewer.line_of(ssrc) else { return };
        let line = &viewer.seats[line].line;
        // While it waits for a cut, what is shown still has to decode.
        for source in [line.current(), line.wanted().filter(|_| line.is_waiting())].into_iter().flatten() {
            self.need(source, KeyframeReason::Loss, now);
        }
    }

    /// A report block (RFC 3550 §6.4.1).
    pub fn on_receiver_report(&mut self, key: ViewerKey, heard: &Heard, now: Time) {
        let middle = (self.config.wall.ntp(now) >> 16) as u32;
        let Some(viewer) = of_key(&mut self.viewers, key) else { return };
        if let Some(line) = viewer.line_of(heard.ssrc) {
            viewer.report(line, heard, &mut self.shared, middle, now);
        }
    }

    /// What the sender reports of a viewer's lines say, for lines that sent anything. Send them every second or so, and
    /// at once after a cut (`OutHeader::moved`).
    pub fn sender_reports(&self, key: ViewerKey, now: Time, sink: impl FnMut(LineReport)) {
        let Some(viewer) = self.viewer(key) else { return };
        viewer.seats.iter().filter_map(|seat| seat.line.report(now, &self.config.wall)).for_each(sink);
    }

    /// Loss of a viewer by its last reports, worst line, 0 to 1.
    #[must_use]
    pub fn viewer_loss(&self, key: ViewerKey) -> Option<f32> {
        Some(f32::from(self.viewer(key)?.loss()?) / 256.0)
    }

    /// 90th percentile of the loss that viewers report, 0 to 1: receiver reports to publishers carry at least this, so
    /// that their Opus encoders add the redundancy that the viewers need.
    #[must_use]
    pub fn loss_p90(&self) -> f32 {
        let mut counts = [0_usize; 256];
        let mut total = 0_usize;
        for loss in self.viewers.iter().flatten().filter_map(|viewer| viewer.loss()) {
            counts[usize::from(loss)] += 1;
            total += 1;
        }
        let rank = (total * 9).div_ceil(10);
        let mut seen = 0;
        for (loss, count) in counts.iter().enumerate() {
            seen += count;
            if total > 0 && seen >= rank {
                return loss as f32 / 256.0;
            }
        }
        0.0
    }

    /// Smoothed levels of the microphones heard from, dBov (0 loudest, -127 silence).
    pub fn levels(&self, now: Time) -> impl Iterator<Item = (TrackId, i8)> {
        let config = &self.config.speakers;
        self.tracks
            .iter()
            .filter(|(_, track)| track.loudness.is_known())
            .map(move |(id, track)| (*id, (track.loudness.level(now, config) - 127.0).round() as i8))
    }
}
