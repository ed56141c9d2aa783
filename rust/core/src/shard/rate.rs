//! What the viewers' lines carry: the ladder's steps are taken here, and its probes are made.

use super::Shard;
use crate::keyframes::KeyframeReason;
use crate::ladder::{AUDIO_LEAST, RUNGS, Rates, STILLS, Step, Why};
use crate::packet::Layer;
use crate::probe::{Probe, SHORT_TRAIN, TRAIN, Turn};
use crate::time::Time;
use crate::viewer::ViewerKey;

/// Trains without any answer after which a viewer is taken to send no transport-wide feedback.
const UNANSWERED: u8 = 6;

/// What a look at a viewer's line came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Review {
    /// It stands elsewhere now.
    pub step: Option<(Step, Option<Why>)>,
    /// Packets of padding to send now, each made by [`Shard::padding`].
    pub padding: u16,
    /// Call [`Shard::probe_turn`] every 50 ms or so until this is false.
    pub trying: bool,
}

/// A packet of padding on an RTX stream: nobody's picture, but it takes its time on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// Line whose RTX stream it goes out on.
    pub line: u8,
    pub ssrc: u32,
    /// 48-bit SRTP index. Given out once.
    pub index: u64,
    /// Transport-wide sequence number.
    pub number: u16,
}

impl Shard {
    /// The receiver's estimate (REMB), bit/s.
    pub fn on_estimate(&mut self, key: ViewerKey, bitrate: u64, now: Time) {
        let sent = self.sent_to(key);
        if let Some(viewer) = self.viewer_mut(key) {
            viewer.ladder.estimate(bitrate, sent, now);
        }
    }

    /// Transport-wide feedback: which packets of padding arrived, and when by the receiver's clock, microseconds.
    pub fn on_arrivals(&mut self, key: ViewerKey, arrivals: impl IntoIterator<Item = (u16, Option<i64>)>) {
        let Some(probe) = self.viewer_mut(key).and_then(|viewer| viewer.probe.as_deref_mut()) else { return };
        for (number, at) in arrivals {
            if let Some(at) = at {
                probe.arrived(number, at);
            }
        }
    }

    /// Takes the viewer down if its last reports say that its line is full. Cheap: call after every report.
    pub fn descend(&mut self, key: ViewerKey, now: Time) -> Review {
        let mut review = Review::default();
        if self.viewer(key).is_none_or(|viewer| viewer.ladder.is_calm()) {
            return review;
        }
        let rates = self.rates(key);
        let Some(viewer) = self.viewer_mut(key) else { return review };
        if viewer.ladder.descend(&rates, now) {
            viewer.probe = None;
            review.step = Some((viewer.ladder.step(), viewer.ladder.why()));
            self.aim_viewer(key, KeyframeReason::Join, now);
        }
        review
    }

    /// Once a second for each viewer. `measurable`: it has an RTX stream and negotiated transport-wide feedback.
    pub fn review(&mut self, key: ViewerKey, measurable: bool, now: Time) -> Review {
        let mut review = self.descend(key, now);
        let Some(viewer) = self.viewer(key) else { return review };
        let rung = *viewer.ladder.rung();
        if rung.step == Step::High || review.step.is_some() {
            return review;
        }
        if rung.video_lines == 1 {
            // Which line is the first that shows anything may have changed.
            self.aim_viewer(key, KeyframeReason::Join, now);
        }
        let rates = self.rates(key);
        let Some(viewer) = self.viewer_mut(key) else { return review };
        let probe = viewer.probe.get_or_insert_with(Box::<Probe>::default);
        let measurable = measurable && (probe.heard || probe.unanswered < UNANSWERED);
        if !measurable {
            if let Some(rung) = viewer.ladder.blind_hope(now)
                && viewer.ladder.tried(rung, true, now)
            {
                review.step = self.stepped(key, now);
            }
            return review;
        }
        if probe.is_trying() {
            review.trying = true;
            return review;
        }
        let train = if rung.step >= Step::Audio { SHORT_TRAIN } else { TRAIN };
        if let Some(capacity) = probe.train(train) {
            viewer.ladder.measured(capacity);
        }
        match viewer.ladder.hope(&rates, now) {
            Some(rung) => {
                let rate = (rates.need[usize::from(rung)] * 12 / 10).saturating_sub(rates.sent);
                probe.begin(rung, rate, now);
                review.trying = true;
            }
            None => review.padding = train,
        }
        review
    }

    /// What is due of a trial.
    pub fn probe_turn(&mut self, key: ViewerKey, now: Time) -> Review {
        let mut review = Review::default();
        let Some(viewer) = self.viewer_mut(key) else { return review };
        let Some(probe) = &mut viewer.probe else { return review };
        match probe.turn(now) {
            Turn::Idle => {}
            Turn::Send(packets) => (review.padding, review.trying) = (packets, true),
            Turn::Tried { rung, holds } => {
                if viewer.ladder.tried(rung, holds, now) {
                    review.step = self.stepped(key, now);
                }
            }
        }
        review
    }

    /// The next packet of padding for a viewer: on the RTX stream of its first video line that has one.
    pub fn padding(&mut self, key: ViewerKey, now: Time) -> Option<Padding> {
        let viewer = self.viewer_mut(key)?;
        let probe = viewer.probe.as_deref_mut()?;
        let mut lines = viewer.seats.iter_mut().enumerate().skip(usize::from(viewer.audio_lines));
        let (line, (ssrc, index)) =
            lines.find_map(|(at, seat)| seat.line.next_rtx().map(|next| (at as u8, next)))?;
        Some(Padding { line, ssrc, index, number: probe.number(now) })
    }

    /// Where a viewer stands.
    #[must_use]
    pub fn step(&self, key: ViewerKey) -> Option<(Step, Option<Why>)> {
        let ladder = &self.viewer(key)?.ladder;
        Some((ladder.step(), ladder.why()))
    }

    fn stepped(&mut self, key: ViewerKey, now: Time) -> Option<(Step, Option<Why>)> {
        self.aim_viewer(key, KeyframeReason::Join, now);
        let viewer = self.viewer_mut(key)?;
        if viewer.ladder.step() == Step::High {
            viewer.probe = None;
        }
        Some((viewer.ladder.step(), viewer.ladder.why()))
    }

    /// bit/s that a viewer is sent now.
    fn sent_to(&self, key: ViewerKey) -> u64 {
        let Some(viewer) = self.viewer(key) else { return 0 };
        let mut sent = 0;
        for (at, seat) in viewer.seats.iter().enumerate() {
            let Some(source) = seat.line.current() else { continue };
            let rate = self.tracks.get(&source.track).map_or(0, |track| track.rate_at_least(source.layer));
            let twice = viewer.repeat && at < usize::from(viewer.audio_lines);
            sent += rate << u32::from(twice);
        }
        sent
    }

    /// What each rung would take of this viewer's line.
    fn rates(&self, key: ViewerKey) -> Rates {
        let mut rates = Rates { sent: self.sent_to(key), need: [0; RUNGS.len()] };
        let Some(viewer) = self.viewer(key) else { return rates };
        let (mut audio, mut high, mut low, mut first) = (0, 0, 0, None);
        for (at, seat) in viewer.seats.iter().enumerate() {
            let Some(track) = self.track_for(key, at).filter(|track| self.may_show(key, at, *track)) else {
                continue;
            };
            let Some(state) = self.tracks.get(&track) else { continue };
            if at < usize::from(viewer.audio_lines) {
                audio += state.rate(Layer::LOW) << u32::from(viewer.repeat);
                continue;
            }
            let top = state.activity.choose(viewer.ceiling.min(seat.ceiling));
            let least = state.rate(state.activity.lowest());
            high += state.rate(top).max(least);
            low += least;
            first.get_or_insert(least);
        }
        let audio = audio.max(AUDIO_LEAST);
        let one = audio + first.unwrap_or(0);
        rates.need = [audio + high, audio + low, one, audio + STILLS, audio, 0];
        rates
    }
}
