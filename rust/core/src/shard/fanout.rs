//! From a track to the lines that show it.

use std::sync::Arc;
use std::time::Duration;

use super::Shard;
use crate::history::{History, HistoryLimits};
use crate::layers::LayerActivity;
use crate::opening::Opening;
use crate::packet::{Kind, Layer, MAX_LAYERS, OutPacket, Source, TrackPacket};
use crate::program::ProgramId;
use crate::speakers::Loudness;
use crate::time::Time;
use crate::viewer::{Seat, Viewer, ViewerKey};

/// A line that listens to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineRef {
    pub viewer: ViewerKey,
    pub line: u8,
}

/// A track as this shard knows it.
#[derive(Debug)]
pub(super) struct TrackState {
    pub layers: [LayerState; MAX_LAYERS],
    pub activity: LayerActivity,
    pub loudness: Loudness,
}

/// A layer: its recent packets and who listens. The list may hold lines that no longer do: they are taken out when the
/// list is next gone through, so that a cut of ten thousand lines searches no list.
#[derive(Debug)]
pub(super) struct LayerState {
    pub history: History,
    pub opening: Opening,
    lines: Vec<LineRef>,
    rate: Meter,
    /// Entries that are of use, or whose line still believes to be listed.
    live: usize,
}

/// What a layer takes on a viewer's line: counted once, however many are sent it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    bytes: u64,
    rate: u64,
    last: u64,
}

/// Headers and tag of a packet: IPv4, UDP, RTP with its extension, SRTP.
const HEADERS: u64 = 28 + 20 + 16;

impl Meter {
    fn count(&mut self, packets: &[Arc<TrackPacket>]) {
        self.bytes += packets.iter().map(|packet| packet.payload.len() as u64 + HEADERS).sum::<u64>();
    }

    /// So much time has passed since the last call.
    fn roll(&mut self, span: Duration) {
        let micros = (span.as_micros() as u64).max(1);
        let now = std::mem::take(&mut self.bytes) * 8_000_000 / micros;
        self.rate = if self.rate == 0 { now } else { (self.rate + now) / 2 };
        self.last = now;
    }
}

impl TrackState {
    /// bit/s of a layer, over the last seconds.
    pub fn rate(&self, layer: Layer) -> u64 {
        self.layers[layer.index()].rate.rate
    }

    /// bit/s of a layer as certainly sent: a publisher that has just gone down counts as what it sends now.
    pub fn rate_at_least(&self, layer: Layer) -> u64 {
        let meter = &self.layers[layer.index()].rate;
        meter.rate.min(meter.last)
    }

    /// Call every second or so.
    pub fn roll(&mut self, span: Duration) {
        for layer in &mut self.layers {
            layer.rate.roll(span);
        }
    }

    pub fn new(limits: HistoryLimits) -> Self {
        Self {
            layers: std::array::from_fn(|_| LayerState {
                history: History::new(limits),
                opening: Opening::default(),
                lines: Vec::new(),
                rate: Meter::default(),
                live: 0,
            }),
            activity: LayerActivity::default(),
            loudness: Loudness::default(),
        }
    }

    pub fn lines(&self) -> impl Iterator<Item = LineRef> {
        self.layers.iter().flat_map(|layer| layer.lines.iter().copied())
    }
}

pub(super) fn seat_of(viewers: &mut [Option<Box<Viewer>>], at: LineRef) -> Option<&mut Seat> {
    let viewer = viewers.get_mut(at.viewer.index as usize)?.as_deref_mut()?;
    if viewer.generation != at.viewer.generation {
        return None;
    }
    viewer.seats.get_mut(usize::from(at.line))
}

/// Where forwarded packets go. Among ten thousand viewers nothing of one is in the cache when its turn comes, so the
/// sink is told some turns before, and may have what it needs fetched meanwhile.
pub trait Sink {
    fn packet(&mut self, out: OutPacket<'_>);

    /// A line's turn comes in some packets, said [`SOON`] times with falling distance (0, 1, ...).
    fn soon(&mut self, _viewer: ViewerKey, _line: u8, _step: usize) {}

    /// These bytes of the shard's will be read. A hint: nothing is to be read through `start`.
    fn near(&mut self, _start: *const u8, _bytes: usize) {}
}

/// A sink that fetches nothing ahead.
pub(super) struct Plain<F>(pub F);

impl<F: FnMut(OutPacket<'_>)> Sink for Plain<F> {
    fn packet(&mut self, out: OutPacket<'_>) {
        self.0(out);
    }
}

/// How often a sink hears of a line before its turn, and how many turns ahead.
pub const SOON: usize = AHEAD.len();
const AHEAD: [usize; 4] = [16, 12, 8, 4];

impl Shard {
    /// Packets of a track, ideally all of a frame: up to its marker, or what came within 5 ms. They are put in order
    /// here. `sink` is called viewer by viewer, so that a viewer's packets of the frame follow each other and fit one
    /// GSO message. No allocation per packet.
    pub fn forward(&mut self, batch: &mut [Arc<TrackPacket>], now: Time, sink: impl FnMut(OutPacket<'_>)) {
        self.forward_to(batch, now, Plain(sink));
    }

    /// The same, into a sink that is told whose turn is near.
    pub fn forward_to(&mut self, batch: &mut [Arc<TrackPacket>], now: Time, mut sink: impl Sink) {
        batch.sort_unstable_by_key(|packet| (packet.source, packet.seq));
        for packets in batch.chunk_by(|a, b| a.source == b.source) {
            self.forward_source(packets, now, &mut sink);
        }
    }

    fn forward_source(&mut self, packets: &[Arc<TrackPacket>], now: Time, sink: &mut impl Sink) {
        let Some(first) = packets.first() else { return };
        let source = first.source;
        let Some(track) = self.tracks.get_mut(&source.track) else {
            self.stats.unknown_in += packets.len() as u64;
            return;
        };
        if packets.iter().any(|packet| packet.keyframe) {
            self.asked.remove(&source);
        }
        for level in packets.iter().filter_map(|packet| packet.audio_level) {
            track.loudness.hear(level, now, &self.config.speakers);
        }
        let layers_changed = track.activity.on_packet(source.layer, now);
        let layer = &mut track.layers[source.layer.index()];
        layer.rate.count(packets);
        // A history serves those who were sent the packets.
        if !layer.lines.is_empty() {
            for packet in packets {
                layer.history.insert(Arc::clone(packet), now);
            }
        }
        if first.codec.kind() == Kind::Video {
            packets.iter().for_each(|packet| layer.opening.push(packet));
        }
        let mut lines = std::mem::take(&mut layer.lines);
        self.forward_lines(&mut lines, source, packets, now, sink);
        if let Some(track) = self.tracks.get_mut(&source.track) {
            let layer = &mut track.layers[source.layer.index()];
            layer.live = lines.len();
            layer.lines = lines;
        }
        if layers_changed {
            self.aim_all_at(source.track, crate::keyframes::KeyframeReason::Join, now);
        }
    }

    fn forward_lines(
        &mut self,
        lines: &mut Vec<LineRef>,
        source: Source,
        packets: &[Arc<TrackPacket>],
        now: Time,
        sink: &mut impl Sink,
    ) {
        let mut place = 0;
        while let Some(at) = lines.get(place).copied() {
            self.announce(lines, place, sink);
            let viewer = self.viewers.get_mut(at.viewer.index as usize).and_then(Option::as_deref_mut);
            let Some(viewer) = viewer.filter(|viewer| viewer.generation == at.viewer.generation) else {
                lines.swap_remove(place);
                continue;
            };
            let repeat = viewer.repeat;
            let audio_lines = viewer.audio_lines;
            let program = viewer.program;
            let seat = &mut viewer.seats[usize::from(at.line)];
            if !seat.line.listens_to(source) {
                for listed in &mut seat.listed {
                    *listed = listed.filter(|listed| *listed != source);
                }
                lines.swap_remove(place);
                continue;
            }
            let mut cut = false;
            for packet in packets {
                let Some(header) = seat.line.forward(packet) else { continue };
                cut |= header.cut;
                self.stats.packets_out += 1;
                sink.packet(OutPacket {
                    viewer: at.viewer,
                    line: at.line,
                    header,
                    packet,
                    repeat: repeat && seat.line.kind() == Kind::Audio,
                });
            }
            if cut {
                let counted = std::mem::take(&mut seat.counted).then_some(program).flatten();
                self.note_cut(counted, at.line.saturating_sub(audio_lines), now);
            }
            place += 1;
        }
    }

    /// A line changed over; `counted`: the program whose cut waits for it.
    pub(super) fn note_cut(&mut self, counted: Option<ProgramId>, slot: u8, now: Time) {
        self.stats.cuts += 1;
        if let Some(showing) = counted.and_then(|program| self.showing.get_mut(&program)) {
            showing.line_cut(slot, now);
        }
    }

    /// Has the lines whose turn is near fetched, step by step: each reads what the one before has asked for.
    #[inline]
    pub(super) fn announce(&self, lines: &[LineRef], place: usize, sink: &mut impl Sink) {
        for (step, ahead) in AHEAD.into_iter().enumerate() {
            let Some(at) = lines.get(place + ahead) else { continue };
            sink.soon(at.viewer, at.line, step);
            if step > 1 {
                continue;
            }
            let Some(viewer) = self.viewers.get(at.viewer.index as usize).and_then(Option::as_deref) else {
                continue;
            };
            if step == 0 {
                sink.near(std::ptr::from_ref(viewer).cast(), size_of::<Viewer>());
            } else if let Some(seat) = viewer.seats.get(usize::from(at.line)) {
                sink.near(std::ptr::from_ref(seat).cast(), size_of::<Seat>());
            }
        }
    }

    /// Puts a line into the list of a source, once: true if it was not there. Unknown tracks have no list: it is put
    /// there when they come.
    pub(super) fn list(&mut self, source: Source, at: LineRef) -> bool {
        let Some(seat) = seat_of(&mut self.viewers, at) else { return false };
        if seat.listed.contains(&Some(source)) || !self.tracks.contains_key(&source.track) {
            return false;
        }
        let free = seat.listed.iter().position(Option::is_none).or_else(|| {
            // All places hold sources; at most two of them are of use.
            seat.listed.iter().position(|listed| listed.is_some_and(|old| !seat.line.listens_to(old)))
        });
        let Some(free) = free else { return false };
        let old = seat.listed[free].replace(source);
        if let Some(old) = old {
            // The line has forgotten this entry, so it must not stay: it would stand there twice one day.
            if let Some(track) = self.tracks.get_mut(&old.track) {
                let layer = &mut track.layers[old.layer.index()];
                if let Some(place) =
                    layer.lines.iter().position(|entry| entry.viewer == at.viewer && entry.line == at.line)
                {
                    layer.lines.swap_remove(place);
                    layer.live = layer.live.saturating_sub(1);
                }
            }
        }
        if let Some(track) = self.tracks.get_mut(&source.track) {
            let layer = &mut track.layers[source.layer.index()];
            layer.lines.push(at);
            layer.live += 1;
        }
        true
    }

    /// A viewer that was listed at a source went. The list is swept when most of it is dead.
    pub(super) fn unlist(&mut self, source: Source) {
        let Some(track) = self.tracks.get_mut(&source.track) else { return };
        let layer = &mut track.layers[source.layer.index()];
        layer.live = layer.live.saturating_sub(1);
        if layer.lines.len() > 2 * layer.live + 64 {
            let viewers = &self.viewers;
            layer.lines.retain(|entry| {
                viewers
                    .get(entry.viewer.index as usize)
                    .and_then(Option::as_deref)
                    .is_some_and(|viewer| viewer.generation == entry.viewer.generation)
            });
            layer.live = layer.lines.len();
        }
    }
}
