//! What is done by the clock: handshakes, consent, sender reports, statistics.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use diemcau_control::LinkState;
use diemcau_core::{Review, ViewerKey};
use diemcau_wire::ice::IceState;

use super::datagrams::ending;
use super::emit::{self, Door, Turn};
use super::publisher::Brought;
use super::{Conn, Entry, PHASES, Worker, datagram};
use crate::message::Report;

impl Worker {
    /// Every [`super::TICK`], or once for so many of them.
    pub(super) fn tick(&mut self, ticks: u32, now: Instant) {
        let time = self.parts.clock.time(now);
        self.shard.tick(time);
        // Nobody who is sent nothing reports anything: every other second will do for who has fallen silent himself.
        let phases = if self.is_silent(now) { 2 * PHASES } else { PHASES };
        for at in 0..self.connecting.len() {
            if let Some(place) = self.connecting.get(at).copied() {
                self.guarded(place, |worker| worker.viewer_timeout(place, now));
            }
        }
        let mut quality = Vec::new();
        for _ in 0..ticks {
            self.phase = (self.phase + 1) % phases;
            let mut place = self.phase;
            while place < self.entries.len() {
                if let Some(Some(told)) = self.guarded(place, |worker| worker.viewer_tick(place, now)) {
                    quality.push(told);
                }
                place += phases;
            }
            if self.phase == 0 {
                self.streams.tick(now);
            }
        }
        self.try_on(now);
        if !quality.is_empty() {
            self.tell(Report::Quality(quality));
        }
        for at in 0..self.publishers.len() {
            if let Some(place) = self.publishers.get(at).copied() {
                self.guarded(place, |worker| worker.publisher_tick(place, now));
            }
        }
        if self.parts.index == 0 && now >= self.next_levels {
            self.next_levels = now + Duration::from_secs(1);
            let levels: Vec<_> = self.shard.levels(time).collect();
            if !levels.is_empty() {
                self.tell(Report::Levels(levels));
            }
        }
        self.strain.look(now);
        self.publish_stats();
    }

    fn viewer_timeout(&mut self, place: usize, now: Instant) {
        let Self { entries, egress, streams, parts, .. } = self;
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return };
        if viewer.transport.next_timeout() > now {
            return;
        }
        let mut out = |to: SocketAddr, bytes: &[u8]| datagram(egress, streams, &parts.udp, to, bytes);
        if let Err(error) = viewer.transport.handle_timeout(now, &mut out) {
            self.end(place, ending(error));
        }
    }

    /// Once a second for each connected viewer.
    fn viewer_tick(
        &mut self,
        place: usize,
        now: Instant,
    ) -> Option<(crate::message::ConnId, diemcau_control::ViewerQuality)> {
        self.viewer_timeout(place, now);
        let time = self.parts.clock.time(now);
        let Self { entries, shard, egress, streams, parts, .. } = self;
        let Some(Entry { id, conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return None };
        viewer.key?;
        let state = match viewer.transport.ice_state(now) {
            IceState::Degraded => LinkState::Degraded,
            _ => LinkState::Connected,
        };
        if state != viewer.state {
            viewer.state = state;
            parts.hub.send(Report::Link(*id, state));
        }
        viewer.reports(shard, time, |to, bytes| datagram(egress, streams, &parts.udp, to, bytes));
        let (id, key, measurable) = (*id, viewer.key?, viewer.measurable());
        let review = shard.review(key, measurable, time);
        self.follow(place, key, &review, now);
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut self.entries[place] else { return None };
        viewer.take_quality(now).map(|quality| (id, quality))
    }

    /// Does what a look at a viewer's line came to: notes its step, sends padding.
    fn follow(&mut self, place: usize, key: ViewerKey, review: &Review, now: Instant) {
        let time = self.parts.clock.time(now);
        let turn = Turn::new(self.parts.clock.wall().ntp(time));
        let Self { entries, shard, egress, parts, trials, forwarded, .. } = self;
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return };
        if let Some((step, why)) = review.step {
            viewer.quality.step(step, why);
        }
        if review.trying && !trials.contains(&place) {
            trials.push(place);
        }
        let (Some(to), count) = (viewer.transport.remote_addr(), usize::from(review.padding)) else { return };
        if count > 0 && self.strain.is_strained() {
            // The trial fails, and is made again later.
            self.stats.spared += count as u64;
            return;
        }
        let Some(srtp) = viewer.transport.srtp_tx() else { return };
        if count > 0 {
            *forwarded = now;
        }
        let mut door = Door { udp: &parts.udp, egress, to, srtp };
        let gso = door.egress.gso();
        for at in 0..count {
            let Some(padding) = shard.padding(key, time) else { return };
            let Some(line) = viewer.lines.get(usize::from(padding.line)) else { return };
            // Without segmentation offload each is a message.
            let message = if gso { (at == 0, count) } else { (true, 1) };
            if emit::send_padding(&mut door, line, &padding, message, &turn).is_none() {
                return;
            }
        }
    }

    /// Goes on with the trials of higher steps.
    fn try_on(&mut self, now: Instant) {
        for place in std::mem::take(&mut self.trials) {
            self.guarded(place, |worker| {
                let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &worker.entries[place] else { return };
                let Some(key) = viewer.key else { return };
                let time = worker.parts.clock.time(now);
                let review = worker.shard.probe_turn(key, time);
                worker.follow(place, key, &review, now);
            });
        }
    }

    fn publisher_tick(&mut self, place: usize, now: Instant) {
        let Self { entries, parts, stats, .. } = self;
        let Some(Entry { id, conn: Conn::Publisher(publisher), .. }) = &mut entries[place] else { return };
        let (id, hub) = (*id, &parts.hub);
        let ticked = publisher.tick(now, &parts.clock, stats, |brought| match brought {
            Brought::Frame(_) => {}
            Brought::Link(state) => hub.send(Report::Link(id, state)),
            Brought::Live(track) => hub.send(Report::TrackLive(track)),
            Brought::Lost(track) => hub.send(Report::TrackLost(track)),
            Brought::Layers(track, layers) => hub.send(Report::TrackLayers(track, layers)),
        });
        if let Err(reason) = ticked {
            self.end(place, reason);
        }
    }

    /// Sender reports of viewers that were cut this turn: their lips are set right at once.
    pub(super) fn send_due_reports(&mut self, now: Instant) {
        let time = self.parts.clock.time(now);
        for place in std::mem::take(&mut self.reports_due) {
            self.guarded(place, |worker| {
                let Self { entries, shard, egress, streams, parts, .. } = worker;
                if let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] {
                    viewer.reports(shard, time, |to, bytes| datagram(egress, streams, &parts.udp, to, bytes));
                }
            });
        }
    }

    pub(super) fn publish_stats(&mut self) {
        self.stats.sent = self.egress.sent;
        self.stats.streams = self.streams.stats;
        self.stats.shard = self.shard.stats();
        if let Ok(mut published) = self.parts.stats.lock() {
            published.clone_from(&self.stats);
        }
    }
}
