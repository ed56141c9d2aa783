//! Lines that need not wait for a keyframe: they begin with the last one and what followed it.

use std::sync::Arc;

use super::Shard;
use super::fanout::{LineRef, Plain, Sink, seat_of};
use crate::keyframes::KeyframeReason;
use crate::opening::Opening;
use crate::packet::{Kind, Layer, OutPacket, Source, TrackPacket};
use crate::time::Time;
use crate::viewer::Viewer;

/// A line that is to begin with an opening.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning {
    at: LineRef,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// With all of it. Why it would ask for a keyframe otherwise.
    Whole(KeyframeReason),
    /// With the keyframe in it, until the next one, which has been asked for.
    Glimpse,
}

impl How {
    fn packets(self, opening: &Opening, now: Time) -> Option<&[Arc<TrackPacket>]> {
        match self {
            Self::Whole(_) => opening.ready(now),
            Self::Glimpse => opening.glimpse(now),
        }
    }
}

impl Shard {
    /// Notes a line that waits for a source. False: it has to be asked for a keyframe.
    pub(super) fn begin_with_opening(&mut self, at: LineRef, reason: KeyframeReason, now: Time) -> bool {
        // A cut of many shows the lowest layer first: there every packet counts thousands of times.
        let crowd = seat_of(&mut self.viewers, at).is_some_and(|seat| seat.low);
        let found = self
            .opening_for(at, |opening| opening.inviting(crowd, now))
            .map(|source| (source, How::Whole(reason)))
            .or_else(|| {
                let source = self.opening_for(at, |opening| crowd && opening.glimpse(now).is_some())?;
                Some((source, How::Glimpse))
            });
        let Some((source, how)) = found else { return false };
        let Some(seat) = seat_of(&mut self.viewers, at) else { return false };
        if !std::mem::replace(&mut seat.opening, true) {
            self.openings.push_back(Beginning { at, how });
        }
        // Who is shown nothing may begin with a small picture, and still wants a larger one.
        how != How::Glimpse && seat.line.wanted() == Some(source)
    }

    /// The source with whose opening a line may begin. A line that shows another layer of the track need not.
    fn opening_for(&self, at: LineRef, good: impl Fn(&Opening) -> bool) -> Option<Source> {
        let line = &self.viewer(at.viewer)?.seats.get(usize::from(at.line))?.line;
        let wanted = line.wanted().filter(|_| line.is_waiting() && line.kind() == Kind::Video)?;
        let layers = &self.tracks.get(&wanted.track)?.layers;
        let small = Source { layer: Layer::LOW, ..wanted };
        let candidates = match line.current() {
            None => &[wanted, small][..],
            Some(current) if current.track != wanted.track => &[wanted],
            Some(_) => &[],
        };
        candidates.iter().copied().find(|source| good(&layers[source.layer.index()].opening))
    }

    /// Whether lines wait to begin with what is at hand: call [`Self::next_opening`] and [`Self::open_to`] soon.
    #[must_use]
    pub fn has_openings(&self) -> bool {
        !self.openings.is_empty()
    }

    /// Puts what the next line begins with into `batch`. False: no line waits any more. Where what was at hand is so no
    /// more, a keyframe is asked.
    pub fn next_opening(&mut self, batch: &mut Vec<Arc<TrackPacket>>, now: Time) -> bool {
        batch.clear();
        while let Some(Beginning { at, how }) = self.openings.front().copied() {
            let source = self.opening_for(at, |opening| how.packets(opening, now).is_some());
            let layer =
                source.and_then(|source| Some(&self.tracks.get(&source.track)?.layers[source.layer.index()]));
            if let Some(packets) = layer.and_then(|layer| how.packets(&layer.opening, now)) {
                batch.extend(packets.iter().cloned());
                return true;
            }
            self.openings.pop_front();
            let Some(seat) = seat_of(&mut self.viewers, at) else { continue };
            seat.opening = false;
            if let (How::Whole(reason), Some(wanted)) = (how, seat.line.wanted())
                && seat.line.is_waiting()
            {
                self.need(wanted, reason, now);
            }
        }
        false
    }

    /// Has up to `most` of the lines begin with what [`Self::next_opening`] gave; the others have their turn later, so
    /// that ten thousand lines that are cut at once do not keep the sound waiting.
    pub fn open_to(&mut self, batch: &[Arc<TrackPacket>], most: usize, now: Time, sink: &mut impl Sink) {
        let (Some(first), Some(Beginning { how, .. })) = (batch.first(), self.openings.front().copied())
        else {
            return;
        };
        let glimpse = how == How::Glimpse;
        let ready = |opening: &Opening| how.packets(opening, now).is_some();
        let same = |next: &&Beginning| {
            (next.how == How::Glimpse) == glimpse && self.opening_for(next.at, ready) == Some(first.source)
        };
        let count = self.openings.iter().take(most).take_while(same).count();
        let lines: Vec<LineRef> = self.openings.drain(..count).map(|next| next.at).collect();
        for (place, at) in lines.iter().copied().enumerate() {
            self.announce(&lines, place, sink);
            self.open_line(at, batch, glimpse, now, sink);
        }
    }

    /// Has all of them begin, as [`Self::forward`] sends: for who has nothing else to send meanwhile.
    pub fn open_all(&mut self, now: Time, sink: impl FnMut(OutPacket<'_>)) {
        let (mut batch, mut sink) = (Vec::new(), Plain(sink));
        while self.next_opening(&mut batch, now) {
            self.open_to(&batch, usize::MAX, now, &mut sink);
        }
    }

    fn open_line(
        &mut self,
        at: LineRef,
        batch: &[Arc<TrackPacket>],
        glimpse: bool,
        now: Time,
        sink: &mut impl Sink,
    ) {
        let Some(Viewer { seats, audio_lines, program, .. }) = super::of_key(&mut self.viewers, at.viewer)
        else {
            return;
        };
        let Some(seat) = seats.get_mut(usize::from(at.line)) else { return };
        seat.opening = false;
        let first = if glimpse {
            batch.first().and_then(|keyframe| seat.line.glimpse(keyframe))
        } else {
            seat.line.open(batch)
        };
        let Some(first) = first else { return };
        for (place, packet) in batch.iter().enumerate() {
            let header = if place == 0 { Some(first) } else { seat.line.forward(packet) };
            let Some(header) = header else { continue };
            self.stats.packets_out += 1;
            sink.packet(OutPacket { viewer: at.viewer, line: at.line, header, packet, repeat: false });
        }
        let counted = std::mem::take(&mut seat.counted).then_some(*program).flatten();
        let slot = at.line.saturating_sub(*audio_lines);
        self.note_cut(counted, slot, now);
    }
}
