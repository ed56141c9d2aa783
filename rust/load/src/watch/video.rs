//! One video line: every packet and frame checked the way a decoder would suffer from it.

use std::time::{Duration, Instant};

use super::frames::{Assembler, Built, Whole};
use super::order::{Order, OrderConfig, Step};
use crate::clips::{FrameId, Library};
use crate::stats::Stats;

/// A packet missing for so long is given up, as browsers do when a keyframe is the shorter way.
const PATIENCE: Duration = Duration::from_millis(400);
/// A longer gap between two frames is a freeze, unless the clips' own frames are further apart than it allows for.
pub const FREEZE: Duration = Duration::from_millis(300);
/// No frame for so long: stalled. With the same exception.
const STALLED: Duration = Duration::from_secs(1);
/// One PLI in this time.
const PLI_AGAIN: Duration = Duration::from_millis(500);
/// What comes so soon after the first frame of a source may have been sent before the cut: the line began with it
/// (`diemcau-core`, opening), and its age is no delay.
const OPENING: Duration = Duration::from_millis(50);
/// A cut that has not shown after this has failed.
const CUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A cut that the control side has announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub at: Instant,
    /// Clip that must show.
    pub number: u16,
}

/// What frames are looked at with.
pub struct Watching<'a> {
    pub library: &'a Library,
    pub now: Instant,
    /// The same moment, Unix time, microseconds.
    pub unix_us: u64,
    pub stats: &'a mut Stats,
}

#[derive(Debug)]
struct Held {
    h264: bool,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

struct Packet<'a> {
    h264: bool,
    timestamp: u32,
    marker: bool,
    payload: &'a [u8],
}

/// See the module. `shown` gets every frame that a decoder could show.
#[derive(Debug)]
pub struct VideoLine {
    order: Order<Held>,
    frames: Frames,
}

#[derive(Debug)]
struct Frames {
    assembler: Assembler,
    /// The packet before came; false after loss, and at the line's first packet: one before it may have been lost.
    fresh: bool,
    /// Nothing can be shown before a keyframe.
    lost_reference: bool,
    /// When the line began to wait for a keyframe.
    waiting_since: Option<Instant>,
    last_pli: Option<Instant>,
    last_timestamp: Option<u32>,
    last_picture_id: Option<u16>,
    /// When the line began with what it shows.
    began: Option<Instant>,
    /// Last frame shown, when it came, and which of our clips' it was.
    last_shown: Option<Instant>,
    last_id: Option<FrameId>,
    cut: Option<Cut>,
    /// The next long gap was meant.
    paused: bool,
}

impl VideoLine {
    /// With `keep`, frames carry their bytes. `nack`: whether it was negotiated.
    #[must_use]
    pub fn new(keep: bool, nack: bool) -> Self {
        Self {
            order: Order::new(OrderConfig { nack, patience: PATIENCE }),
            frames: Frames {
                assembler: Assembler::new(keep),
                fresh: false,
                lost_reference: true,
                waiting_since: None,
                last_pli: None,
                last_timestamp: None,
                last_picture_id: None,
                began: None,
                last_shown: None,
                last_id: None,
                cut: None,
                paused: false,
            },
        }
    }

    /// Takes a packet that SRTP has accepted: header and payload without padding.
    pub fn push(
        &mut self,
        index: u64,
        (h264, timestamp, marker): (bool, u32, bool),
        payload: &[u8],
        watching: &mut Watching<'_>,
        shown: &mut impl FnMut(Whole, Option<FrameId>),
    ) {
        let frames = &mut self.frames;
        if self.order.pass(index) {
            frames.packet(&Packet { h264, timestamp, marker, payload }, watching, shown);
            return;
        }
        let held = Held { h264, timestamp, marker, payload: payload.to_vec() };
        let recovered = self.order.push(index, held, watching.now, |step| frames.take(step, watching, shown));
        watching.stats.counters.recovered += u64::from(recovered);
    }

    /// Index of a retransmission's original; none before the line's first packet.
    #[must_use]
    pub fn extend(&self, sequence: u16) -> Option<u64> {
        self.order.extend(sequence)
    }

    /// Does what time brings. Returns sequence numbers to ask for, and whether to send a PLI.
    pub fn due(
        &mut self,
        watching: &mut Watching<'_>,
        shown: &mut impl FnMut(Whole, Option<FrameId>),
    ) -> (Vec<u16>, bool) {
        let frames = &mut self.frames;
        let now = watching.now;
        let ask = self.order.due(now, |step| frames.take(step, watching, shown));
        if frames.cut.is_some_and(|cut| now >= cut.at + CUT_TIMEOUT) {
            frames.cut = None;
            watching.stats.counters.cuts_missed += 1;
        }
        watching.stats.counters.nacks += ask.len() as u64;
        (ask, frames.pli_due(now, watching.stats))
    }

    /// When [`Self::due`] has something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let pli = self.frames.pli_at();
        let cut = self.frames.cut.map(|cut| cut.at + CUT_TIMEOUT);
        [self.order.next_due(), pli, cut].into_iter().flatten().min()
    }

    /// The stage has cut this line to the clip; measured until it shows.
    pub fn expect(&mut self, cut: Cut, stats: &mut Stats) {
        if self.frames.last_id.is_some_and(|id| id.number == cut.number) {
            if self.frames.cut.take().is_some() {
                // Cut away and back before it showed.
                stats.counters.cuts -= 1;
            }
            // The picture was here before the word of it.
            if let Some(took) = self.frames.began.and_then(|began| began.checked_duration_since(cut.at)) {
                stats.counters.cuts += 1;
                stats.cut.add(took);
            }
            return;
        }
        stats.counters.cuts += 1;
        if self.frames.cut.replace(cut).is_some() {
            // Cut again before it showed: neither shown nor missed.
            stats.counters.cuts -= 1;
        }
    }

    /// The line's source goes silent by intention, or to one that we do not know: the next gap is no freeze. Frames on
    /// their way may still come before it.
    pub fn pause(&mut self) {
        self.frames.paused = true;
        self.frames.cut = None;
    }

    /// Whether frames came but none for a second (at few frames a second: for two intervals).
    #[must_use]
    pub fn stalled(&self, now: Instant, library: &Library) -> bool {
        let patience = STALLED.max(freeze_after(library.frame_interval()));
        !self.frames.paused && self.frames.last_shown.is_some_and(|last| now.duration_since(last) > patience)
    }
}

impl Frames {
    fn take(
        &mut self,
        step: Step<'_, Held>,
        watching: &mut Watching<'_>,
        shown: &mut impl FnMut(Whole, Option<FrameId>),
    ) {
        match step {
            Step::Packet(Held { h264, timestamp, marker, payload }) => {
                let packet = Packet { h264: *h264, timestamp: *timestamp, marker: *marker, payload };
                self.packet(&packet, watching, shown);
            }
            Step::Lost(count) => {
                watching.stats.counters.video_lost += count;
                self.lose(watching.now);
            }
            Step::Jump => {
                watching.stats.violation("sequence_jump");
                self.lose(watching.now);
            }
        }
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        watching: &mut Watching<'_>,
        shown: &mut impl FnMut(Whole, Option<FrameId>),
    ) {
        if packet.payload.is_empty() {
            // Padding only: a probe. It takes a sequence number and says nothing.
            return;
        }
        let Packet { h264, timestamp, marker, payload } = *packet;
        let built = self.assembler.push(h264, timestamp, marker, payload, self.fresh);
        self.fresh = true;
        match built {
            Built::Nothing => {}
            Built::Broken => self.break_reference(watching.now),
            Built::Whole(whole) => self.whole(*whole, watching, shown),
        }
    }

    fn lose(&mut self, now: Instant) {
        self.assembler.gap();
        self.fresh = false;
        self.last_picture_id = None;
        self.break_reference(now);
    }

    fn break_reference(&mut self, now: Instant) {
        self.lost_reference = true;
        self.waiting_since.get_or_insert(now);
    }

    fn whole(
        &mut self,
        whole: Whole,
        watching: &mut Watching<'_>,
        shown: &mut impl FnMut(Whole, Option<FrameId>),
    ) {
        let stats = &mut *watching.stats;
        if self.last_timestamp.is_some_and(|last| whole.timestamp.wrapping_sub(last) as i32 <= 0) {
            stats.violation("timestamp_back");
        }
        self.last_timestamp = Some(whole.timestamp);
        let picture_id = whole.picture_id.map(|id| id & 0x7fff);
        if let (Some(last), Some(id)) = (self.last_picture_id, picture_id)
            && id != (last + 1) & 0x7fff
        {
            stats.violation("picture_id_gap");
        }
        self.last_picture_id = picture_id;
        if self.lost_reference && !whole.keyframe {
            stats.counters.undecodable += 1;
            self.waiting_since.get_or_insert(watching.now);
            return;
        }
        let id = watching.library.find(whole.fingerprint, self.last_id);
        if !whole.keyframe && !follows(watching.library, self.last_id, id) {
            // It refers to a frame that the decoder does not have: what would be shown is garbage.
            tracing::debug!(last = ?self.last_id, ?id, timestamp = whole.timestamp, "broken reference");
            stats.violation("broken_reference");
            self.break_reference(watching.now);
            return;
        }
        self.lost_reference = false;
        self.waiting_since = None;
        let live = self.note_shown(&whole, id, watching);
        shown(Whole { live, ..whole }, id);
    }

    /// Answers whether the frame came as it was sent, and not because a line began with it.
    fn note_shown(&mut self, whole: &Whole, id: Option<FrameId>, watching: &mut Watching<'_>) -> bool {
        let stats = &mut *watching.stats;
        stats.counters.frames += 1;
        stats.counters.keyframes += u64::from(whole.keyframe);
        if let Some(last) = self.last_shown {
            let gap = watching.now.duration_since(last);
            if gap > freeze_after(watching.library.frame_interval()) && !std::mem::take(&mut self.paused) {
                stats.counters.freezes += 1;
                stats.freeze.add(gap);
            }
        }
        self.last_shown = Some(watching.now);
        let last = std::mem::replace(&mut self.last_id, id);
        let Some(id) = id else { return true };
        stats.counters.frames_known += 1;
        if last.is_none_or(|last| last.number != id.number) {
            self.began = Some(watching.now);
        }
        let span = u64::from(watching.library.loop_ms) * 1000;
        let sent = u64::from(watching.library.position_ms(id.position)) * 1000;
        // Half a loop back would be a clock that runs ahead, not a delay.
        let transit = (watching.unix_us + span - sent) % span;
        let live = self.began.is_none_or(|began| watching.now.duration_since(began) > OPENING);
        if live {
            stats.transit.add_micros(if transit > span - 20_000 { 0 } else { transit });
        }
        if let Some(cut) = self.cut.filter(|cut| cut.number == id.number) {
            self.cut = None;
            stats.cut.add(watching.now.saturating_duration_since(cut.at));
        }
        live
    }

    fn pli_at(&self) -> Option<Instant> {
        let since = self.waiting_since?;
        Some(self.last_pli.map_or(since, |last| (last + PLI_AGAIN).max(since)))
    }

    fn pli_due(&mut self, now: Instant, stats: &mut Stats) -> bool {
        let due = self.pli_at().is_some_and(|at| now >= at);
        if due {
            self.last_pli = Some(now);
            stats.counters.plis += 1;
        }
        due
    }
}

/// The gap between two frames beyond which a picture stands still. Clips of two frames a second have 500 ms between any
/// two; from one and a half intervals on, 250 ms late there, a frame is missing where everybody sees it.
#[must_use]
pub fn freeze_after(interval: Duration) -> Duration {
    FREEZE.max(interval + interval / 2)
}

/// Whether a delta frame refers to the frame before it, as far as our clips tell.
fn follows(library: &Library, last: Option<FrameId>, id: Option<FrameId>) -> bool {
    match (last, id) {
        (Some(last), Some(id)) => library.successor(last) == id,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
#[path = "video_tests.rs"]
mod tests;
