//! Who is heard: the loudest open microphones, each on a line that it keeps.

use std::time::Duration;

use crate::packet::TrackId;
use crate::time::Time;

/// How quickly loudness rises and falls, and what a challenger must bring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeakerConfig {
    pub attack: Duration,
    pub release: Duration,
    /// A challenger must be louder by this, dB.
    pub margin: f32,
    /// Whoever got a line keeps it at least this long.
    pub hold: Duration,
}

impl Default for SpeakerConfig {
    fn default() -> Self {
        Self {
            attack: Duration::from_millis(100),
            release: Duration::from_millis(800),
            margin: 6.0,
            hold: Duration::from_millis(1_500),
        }
    }
}

/// Smoothed level of one microphone, dB above digital silence (0 to 127).
#[derive(Debug, Clone, Copy, Default)]
pub struct Loudness {
    value: f32,
    at: Option<Time>,
}

impl Loudness {
    /// A packet with a level of -`level` dBov (RFC 6464) came.
    pub fn hear(&mut self, level: u8, now: Time, config: &SpeakerConfig) {
        let heard = 127.0 - f32::from(level.min(127));
        self.value = self.moved(heard, now, config);
        self.at = Some(now);
    }

    /// The level now; it falls while nothing comes.
    #[must_use]
    pub fn level(&self, now: Time, config: &SpeakerConfig) -> f32 {
        match self.at {
            // Packets of 60 ms and some jitter are not a silence.
            Some(at) if now.since(at) > Duration::from_millis(200) => self.moved(0.0, now, config),
            _ => self.value,
        }
    }

    /// Whether anything was ever heard of it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.at.is_some()
    }

    fn moved(&self, to: f32, now: Time, config: &SpeakerConfig) -> f32 {
        let Some(at) = self.at else { return to };
        let constant = if to > self.value { config.attack } else { config.release };
        let share = 1.0 - (-now.since(at).as_secs_f32() / constant.as_secs_f32().max(0.001)).exp();
        self.value + (to - self.value) * share
    }
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    mic: TrackId,
    since: Time,
}

/// Which microphone is on which audio line, for viewers with a given number of them. There is one seat more than
/// lines: the reserve, heard by those whose own microphone has a line.
#[derive(Debug, Clone)]
pub struct Selection {
    seats: Vec<Option<Seat>>,
}

impl Selection {
    #[must_use]
    pub fn new(lines: usize) -> Self {
        Self { seats: vec![None; lines + 1] }
    }

    fn lines(&self) -> usize {
        self.seats.len() - 1
    }

    /// Chooses anew among the open microphones and their levels; `stage` gets line 0 while it is open. True if a line
    /// changed.
    pub fn update(
        &mut self,
        open: &[(TrackId, f32)],
        stage: Option<TrackId>,
        now: Time,
        config: &SpeakerConfig,
    ) -> bool {
        if self.lines() == 0 {
            return false;
        }
        let before: Vec<_> = self.seats.iter().map(|seat| seat.map(|seat| seat.mic)).collect();
        for seat in &mut self.seats {
            if seat.is_some_and(|seat| !open.iter().any(|(mic, _)| *mic == seat.mic)) {
                *seat = None;
            }
        }
        let stage = stage.filter(|stage| open.iter().any(|(mic, _)| mic == stage));
        if let Some(stage) = stage {
            self.seat_stage(stage, open, now);
        }
        self.fill(open, now);
        self.challenge(open, stage, now, config);
        before.iter().zip(&self.seats).any(|(before, seat)| *before != seat.map(|seat| seat.mic))
    }

    /// The stage's microphone belongs on line 0, which has the stage picture's lips. Who sat there moves.
    fn seat_stage(&mut self, stage: TrackId, open: &[(TrackId, f32)], now: Time) {
        if self.seats[0].is_some_and(|seat| seat.mic == stage) {
            return;
        }
        let moved = self.seats[0].take();
        let from = self.seats.iter().position(|seat| seat.is_some_and(|seat| seat.mic == stage));
        self.seats[0] = Some(Seat { mic: stage, since: now });
        if let Some(from) = from {
            self.seats[from] = None;
        }
        let Some(moved) = moved else { return };
        let place = (1..self.seats.len())
            .find(|at| self.seats[*at].is_none())
            .or_else(|| self.quietest(1, open).filter(|at| self.level(*at, open) < level(moved.mic, open)));
        if let Some(place) = place {
            self.seats[place] = Some(moved);
        }
    }

    /// Empty seats go to the loudest who have none; lines before the reserve, line 0 last of them.
    fn fill(&mut self, open: &[(TrackId, f32)], now: Time) {
        let reserve = self.lines();
        loop {
            let order = (1..reserve).chain([0, reserve]);
            let Some(empty) = order.into_iter().find(|at| self.seats[*at].is_none()) else { return };
            // A reserve moves up before anyone new comes in.
            if empty != reserve
                && let Some(seat) = self.seats[reserve].take()
            {
                self.seats[empty] = Some(seat);
                continue;
            }
            let Some((mic, _)) = self.loudest_without(open) else { return };
            self.seats[empty] = Some(Seat { mic, since: now });
        }
    }

    /// One change at a time: the loudest outsider against the quietest who has a seat, and the reserve against the
    /// quietest line.
    fn challenge(
        &mut self,
        open: &[(TrackId, f32)],
        stage: Option<TrackId>,
        now: Time,
        config: &SpeakerConfig,
    ) {
        let first = usize::from(self.seats[0].is_some_and(|seat| Some(seat.mic) == stage));
        let held = |seat: Option<Seat>| seat.is_some_and(|seat| now.since(seat.since) >= config.hold);
        let reserve = self.lines();
        if let Some((mic, loud)) = self.loudest_without(open)
            && let Some(at) = self.quietest(first, open)
            && held(self.seats[at])
            && loud > self.level(at, open) + config.margin
        {
            self.seats[at] = Some(Seat { mic, since: now });
        }
        if let Some(seat) = self.seats[reserve]
            && let Some(at) = self.quietest_of(first..reserve, open)
            && held(self.seats[at])
            && level(seat.mic, open) > self.level(at, open) + config.margin
        {
            let out = self.seats[at].replace(Seat { mic: seat.mic, since: now });
            self.seats[reserve] = out;
        }
    }

    fn loudest_without(&self, open: &[(TrackId, f32)]) -> Option<(TrackId, f32)> {
        open.iter()
            .filter(|(mic, _)| !self.seats.iter().flatten().any(|seat| seat.mic == *mic))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
            .copied()
    }

    fn quietest(&self, first: usize, open: &[(TrackId, f32)]) -> Option<usize> {
        self.quietest_of(first..self.seats.len(), open)
    }

    fn quietest_of(&self, seats: std::ops::Range<usize>, open: &[(TrackId, f32)]) -> Option<usize> {
        seats
            .filter(|at| self.seats[*at].is_some())
            .min_by(|a, b| self.level(*a, open).total_cmp(&self.level(*b, open)))
    }

    fn level(&self, at: usize, open: &[(TrackId, f32)]) -> f32 {
        self.seats[at].map_or(0.0, |seat| level(seat.mic, open))
    }

    /// What a viewer hears on a line, given which microphones are its own: never those; the first line that would have
    /// carried one gets the reserve instead.
    #[must_use]
    pub fn heard(&self, line: usize, is_own: impl Fn(TrackId) -> bool) -> Option<TrackId> {
        if line >= self.lines() {
            return None;
        }
        let mic = self.seats[line]?.mic;
        if !is_own(mic) {
            return Some(mic);
        }
        let first_own = self.seats.iter().position(|seat| seat.is_some_and(|seat| is_own(seat.mic)));
        let reserve = self.seats[self.lines()]?.mic;
        (first_own == Some(line) && !is_own(reserve)).then_some(reserve)
    }
}

fn level(mic: TrackId, open: &[(TrackId, f32)]) -> f32 {
    open.iter().find(|(id, _)| *id == mic).map_or(0.0, |(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: SpeakerConfig = SpeakerConfig {
        attack: Duration::from_millis(100),
        release: Duration::from_millis(800),
        margin: 6.0,
        hold: Duration::from_millis(1_500),
    };

    fn open(levels: &[(u32, f32)]) -> Vec<(TrackId, f32)> {
        levels.iter().map(|(mic, level)| (TrackId(*mic), *level)).collect()
    }

    fn heard(selection: &Selection, lines: usize) -> Vec<Option<u32>> {
        (0..lines).map(|line| selection.heard(line, |_| false).map(|mic| mic.0)).collect()
    }

    #[test]
    fn a_cough_does_not_take_a_line_and_a_speech_does() {
        let mut loudness = Loudness::default();
        for step in 0..20 {
            loudness.hear(127, Time::from_millis(1_000 + step * 20), &CONFIG);
        }
        loudness.hear(10, Time::from_millis(1_400), &CONFIG);
        assert!(loudness.level(Time::from_millis(1_400), &CONFIG) < 40.0);
        for step in 0..30 {
            loudness.hear(10, Time::from_millis(1_420 + step * 20), &CONFIG);
        }
        assert!(loudness.level(Time::from_millis(2_000), &CONFIG) > 110.0);
        assert!(loudness.level(Time::from_millis(9_000), &CONFIG) < 5.0, "silence by absence");
    }

    #[test]
    fn a_challenger_needs_a_margin_and_time_and_others_keep_their_lines() {
        let mut selection = Selection::new(2);
        let at = Time::from_millis;
        selection.update(&open(&[(1, 80.0), (2, 70.0), (3, 20.0)]), None, at(0), &CONFIG);
        let before = heard(&selection, 2);
        selection.update(&open(&[(1, 80.0), (2, 70.0), (3, 75.0)]), None, at(5_000), &CONFIG);
        assert_eq!(heard(&selection, 2), before, "5 dB are not enough");
        selection.update(&open(&[(1, 80.0), (2, 70.0), (3, 90.0)]), None, at(5_100), &CONFIG);
        let after = heard(&selection, 2);
        let of_one = before.iter().position(|mic| *mic == Some(1)).unwrap();
        assert_eq!(after[of_one], Some(1));
        assert_eq!(after[1 - of_one], Some(3));
        selection.update(&open(&[(1, 80.0), (2, 99.0), (3, 30.0)]), None, at(5_500), &CONFIG);
        assert_eq!(heard(&selection, 2), after, "held for a while");
    }

    #[test]
    fn the_stage_has_line_0_however_quiet() {
        let mut selection = Selection::new(2);
        let at = Time::from_millis;
        let levels = open(&[(1, 80.0), (2, 70.0), (3, 5.0), (4, 60.0)]);
        selection.update(&levels, None, at(0), &CONFIG);
        assert!(selection.update(&levels, Some(TrackId(3)), at(100), &CONFIG));
        let lines = heard(&selection, 2);
        assert_eq!(lines[0], Some(3));
        assert_eq!(lines[1], Some(1), "the louder of the two that were heard stays");
        for step in 0..100 {
            selection.update(&levels, Some(TrackId(3)), at(2_000 + step * 50), &CONFIG);
            assert_eq!(heard(&selection, 2)[0], Some(3));
        }
    }

    #[test]
    fn whoever_closes_is_out_and_the_reserve_serves_those_who_speak() {
        let mut selection = Selection::new(2);
        let at = Time::from_millis;
        selection.update(&open(&[(1, 80.0), (2, 70.0), (3, 60.0)]), Some(TrackId(1)), at(0), &CONFIG);
        let own = |mic: TrackId| mic == TrackId(1);
        assert_eq!(selection.heard(0, own), Some(TrackId(3)));
        assert_eq!(selection.heard(1, own), Some(TrackId(2)));
        assert_eq!(selection.heard(2, own), None, "no such line");
        assert!(selection.update(&open(&[(1, 80.0), (3, 60.0)]), Some(TrackId(1)), at(20), &CONFIG));
        assert_eq!(heard(&selection, 2), [Some(1), Some(3)]);
        selection.update(&[], None, at(40), &CONFIG);
        assert_eq!(heard(&selection, 2), [None, None]);
    }
}
