//! The way of a frame: from its publisher to the other workers and to this one's viewers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use diemcau_core::{Kind, OutPacket, Shard, ShardEvent, Sink, Time, TrackPacket, ViewerKey};
use diemcau_wire::prefetch::{prefetch, prefetch_bytes};

use super::emit::{Door, FramePlan, Turn, send_packet};
use super::publisher::Brought;
use super::streamed::send_streamed;
use super::{
    CROSSINGS_PER_TURN, Conn, Entry, MAX_REPEATS, OPENINGS_PER_TURN, REPEAT_AFTER, Repeat, Worker, datagram,
};
use crate::message::{Crossing, Report};
use crate::stats::WorkerStats;
use crate::stream::path;
use crate::stream::streams::Streams;
use crate::sys::send::Egress;
use crate::sys::udp::Udp;

impl Worker {
    pub(super) fn take_crossings(&mut self) {
        self.parts.crossings.acknowledge();
        for _ in 0..CROSSINGS_PER_TURN {
            match self.parts.crossings.take() {
                Some(Crossing::Frame(frame)) => self.forward(&frame, Instant::now()),
                Some(Crossing::Keyframe(need)) => {
                    let now = self.parts.clock.now();
                    self.with_publisher_of(need.source.track, |publisher| {
                        publisher.ask_keyframe(need.source, need.reason, now);
                    });
                }
                None => return,
            }
        }
        self.parts.crossings.remind();
    }

    pub(super) fn drive_due_publishers(&mut self, now: Instant) {
        for at in 0..self.publishers.len() {
            let Some(place) = self.publishers.get(at).copied() else { return };
            let due = self.publisher_at(place).is_some_and(|publisher| publisher.next() <= now);
            if due {
                self.guarded(place, |worker| worker.drive_publisher(place, now));
            }
        }
    }

    pub(super) fn drive_publisher(&mut self, place: usize, now: Instant) {
        let Self { entries, egress, streams, parts, stats, frames, .. } = self;
        let Some(Entry { id, conn: Conn::Publisher(publisher), .. }) = &mut entries[place] else { return };
        let id = *id;
        let hub = &parts.hub;
        let driven = publisher.drive(
            now,
            &parts.clock,
            stats,
            |to, bytes| datagram(egress, streams, &parts.udp, to, bytes),
            |brought| match brought {
                Brought::Frame(frame) => frames.push(frame),
                Brought::Link(state) => hub.send(Report::Link(id, state)),
                Brought::Live(track) => hub.send(Report::TrackLive(track)),
                Brought::Lost(track) => hub.send(Report::TrackLost(track)),
                Brought::Layers(track, layers) => hub.send(Report::TrackLayers(track, layers)),
            },
        );
        if let Err(reason) = driven {
            self.end(place, reason);
        }
    }

    /// Hands the frames of this turn to whoever has viewers, this worker included.
    pub(super) fn forward_frames(&mut self, now: Instant) {
        let mut frames = std::mem::take(&mut self.frames);
        for frame in frames.drain(..) {
            note(&frame);
            self.cross(&frame);
            self.forward(&frame, now);
        }
        self.frames = frames;
    }

    fn cross(&mut self, frame: &Arc<[Arc<TrackPacket>]>) {
        let audio = frame.first().is_some_and(|packet| packet.codec.kind() == Kind::Audio);
        for (index, peer) in self.parts.peers.iter().enumerate() {
            // Worker 0 listens to all microphones: it tells control who speaks.
            let listens = peer.viewers.load(Ordering::Relaxed) > 0 || (index == 0 && audio);
            if index == usize::from(self.parts.index) || !listens {
                continue;
            }
            if peer.crossings.try_send(Crossing::Frame(Arc::clone(frame))).is_err() {
                self.stats.queue_dropped += frame.len() as u64;
            }
        }
    }

    /// Sends a frame to this worker's viewers.
    fn forward(&mut self, frame: &[Arc<TrackPacket>], now: Instant) {
        self.batch.clear();
        self.batch.extend(frame.iter().cloned());
        self.send_batch(now, |shard, batch, time, sending| shard.forward_to(batch, time, sending));
    }

    /// Has some of the lines that wait begin with what came before; the others have their turn when what came
    /// meanwhile, sound above all, has gone out.
    pub(super) fn open_lines(&mut self, now: Instant) {
        let time = self.parts.clock.time(now);
        if self.shard.has_openings() && self.shard.next_opening(&mut self.batch, time) {
            self.send_batch(now, |shard, batch, time, mut sending| {
                let most = (OPENINGS_PER_TURN / batch.len().max(1)).max(1);
                shard.open_to(batch, most, time, &mut sending);
            });
        }
    }

    /// Sends what `act` has the shard make of the packets in `batch`, which are of one source.
    fn send_batch(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Shard, &mut [Arc<TrackPacket>], Time, Sending<'_>),
    ) {
        self.forwarded = now;
        let time = self.parts.clock.time(now);
        let Self {
            shard,
            entries,
            by_key,
            egress,
            streams,
            parts,
            plan,
            batch,
            repeats,
            reports_due,
            ending,
            stats,
            strain,
            ..
        } = self;
        plan.make(batch, egress.gso());
        let turn = Turn::new(parts.clock.wall().ntp(time));
        let sending = Sending {
            entries,
            by_key,
            egress,
            streams,
            udp: &parts.udp,
            plan,
            repeats,
            reports_due,
            ending,
            stats,
            strained: strain.is_strained(),
            turn,
            now,
        };
        act(shard, batch, time, sending);
        batch.clear();
    }

    /// Second copies of audio packets, to viewers that lose many.
    pub(super) fn send_repeats(&mut self, now: Instant) {
        while self.repeats.front().is_some_and(|repeat| repeat.due <= now) {
            let Some(repeat) = self.repeats.pop_front() else { return };
            let Some(Entry { id, conn: Conn::Viewer(viewer), .. }) = &self.entries[repeat.place] else {
                continue;
            };
            if *id != repeat.id {
                continue;
            }
            let to = viewer.transport.remote_addr();
            if let Some(to) = to.filter(|to| path::stream_of(*to).is_none()) {
                self.egress.datagram(&self.parts.udp, to, &repeat.bytes);
            }
        }
    }

    /// What the shard wants others to know.
    pub(super) fn shard_output(&mut self, now: Instant) {
        while let Some(need) = self.shard.poll_keyframe_need() {
            let Some(home) = self.homes.get(&need.source.track).copied() else { continue };
            if home == self.parts.index {
                let time = self.parts.clock.time(now);
                self.with_publisher_of(need.source.track, |publisher| {
                    publisher.ask_keyframe(need.source, need.reason, time);
                });
            } else if let Some(peer) = self.parts.peers.get(usize::from(home))
                && peer.crossings.try_send(Crossing::Keyframe(need)).is_err()
            {
                self.stats.queue_dropped += 1;
            }
        }
        while let Some(event) = self.shard.poll_event() {
            match event {
                ShardEvent::SlotShown { program, slot, track, last, lines, missing, .. } => {
                    let worker = self.parts.index;
                    let last_micros = last.micros();
                    self.parts.hub.send(Report::SlotShown {
                        worker,
                        program,
                        slot,
                        track,
                        last_micros,
                        lines,
                        missing,
                    });
                }
                ShardEvent::Speaking { program, tracks } if self.parts.index == 0 => {
                    self.tell(Report::Speaking(program, tracks));
                }
                ShardEvent::Speaking { .. } => {}
                ShardEvent::Undecodable { viewer: key, line, track } => {
                    let place = self.by_key.get(key.index as usize).copied().unwrap_or(usize::MAX);
                    if let Some(Some(Entry { id, conn: Conn::Viewer(viewer), .. })) = self.entries.get(place)
                        && viewer.key == Some(key)
                    {
                        let line = u16::from(line).saturating_sub(viewer.audio_lines);
                        self.tell(Report::Undecodable(*id, line, track));
                    }
                }
            }
        }
    }

    /// Reports that may be lost: they are soon followed by fresher ones.
    pub(super) fn tell(&self, report: Report) {
        if self.parts.hub.try_send(report).is_err() {
            tracing::debug!("the hub is behind; a report was dropped");
        }
    }
}

/// Puts a frame's packets on the way, viewer by viewer.
struct Sending<'a> {
    entries: &'a mut [Option<Entry>],
    by_key: &'a [usize],
    egress: &'a mut Egress,
    streams: &'a mut Streams,
    udp: &'a Udp,
    plan: &'a mut FramePlan,
    repeats: &'a mut VecDeque<Repeat>,
    reports_due: &'a mut Vec<usize>,
    ending: &'a mut Vec<(usize, &'static str)>,
    stats: &'a mut WorkerStats,
    strained: bool,
    turn: Turn,
    now: Instant,
}

impl Sink for Sending<'_> {
    fn packet(&mut self, out: OutPacket<'_>) {
        let Some(place) = self.by_key.get(out.viewer.index as usize).copied() else { return };
        if catch_unwind(AssertUnwindSafe(|| self.send(place, &out))).is_err() {
            self.stats.panics += 1;
            if !self.ending.iter().any(|(at, _)| *at == place) {
                self.ending.push((place, "panic"));
            }
        }
    }

    #[inline]
    fn soon(&mut self, viewer: ViewerKey, line: u8, step: usize) {
        let Some(entry) = self.by_key.get(viewer.index as usize).and_then(|place| self.entries.get(*place))
        else {
            return;
        };
        if step == 0 {
            prefetch(entry);
            return;
        }
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = entry else { return };
        match step {
            1 => prefetch(&**viewer),
            2 => {
                viewer.transport.prefetch_tx(0);
                viewer.lines.get(usize::from(line)).into_iter().for_each(prefetch);
            }
            _ => viewer.transport.prefetch_tx(1),
        }
    }

    #[inline]
    fn near(&mut self, start: *const u8, bytes: usize) {
        prefetch_bytes(start, bytes);
    }
}

impl Sending<'_> {
    fn send(&mut self, place: usize, out: &OutPacket<'_>) {
        let Some(entry) = self.entries.get_mut(place).and_then(Option::as_mut) else { return };
        let Conn::Viewer(viewer) = &mut entry.conn else { return };
        if viewer.key != Some(out.viewer) {
            return;
        }
        let Some(line) = viewer.lines.get(usize::from(out.line)) else { return };
        let Some(to) = viewer.transport.remote_addr() else { return };
        let Some(srtp) = viewer.transport.srtp_tx() else { return };
        if out.header.moved && !viewer.report_due {
            viewer.report_due = true;
            self.reports_due.push(place);
        }
        if let Some(number) = path::stream_of(to) {
            if send_streamed(self.streams, number, srtp, line, out, &self.turn, self.now).is_none() {
                self.stats.refuse("not_sent");
            }
            return;
        }
        let mut door = Door { udp: self.udp, egress: self.egress, to, srtp };
        let Some(len) = send_packet(&mut door, line, out, self.plan, &self.turn) else {
            self.stats.refuse("not_sent");
            return;
        };
        if out.repeat && self.strained {
            self.stats.spared += 1;
        } else if out.repeat && self.repeats.len() < MAX_REPEATS {
            let bytes = self.egress.committed(len).into();
            self.repeats.push_back(Repeat { due: self.now + REPEAT_AFTER, place, id: entry.id, bytes });
        }
    }
}

/// Packet sizes for whoever records them (`bench/record_sizes.py`): target `frames`, level trace.
fn note(frame: &[Arc<TrackPacket>]) {
    if !tracing::enabled!(target: "frames", tracing::Level::TRACE) {
        return;
    }
    if let Some(first) = frame.first() {
        let sizes: Vec<usize> = frame.iter().map(|packet| packet.payload.len()).collect();
        let (track, layer, at) = (first.source.track.0, first.source.layer.0, first.arrival.micros());
        tracing::trace!(target: "frames", track, layer, codec = ?first.codec, at, ?sizes);
    }
}
