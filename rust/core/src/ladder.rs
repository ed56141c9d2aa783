//! How much of the stage one viewer's line carries: the ladder from the whole picture down to text.
//!
//! A viewer that gets everything costs nothing here: its reports are looked at for three signs that the line is full
//! (the receiver's estimate falls below what is sent, many packets are lost, answers take long), and that is all. One
//! that stands lower is measured once a second by a short train of padding (`probe`), which says what the line could
//! carry without filling it; only when that promises the next rung is the rung's own rate tried for half a second.

use std::time::Duration;

use crate::packet::Layer;
use crate::shared::SharedDelay;
use crate::time::Time;

/// What a viewer gets, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Step {
    /// Everything that its ceilings allow.
    #[default]
    High,
    /// Video on the low layer.
    Low,
    /// No video: the page shows still pictures; sound.
    Slides,
    /// Sound alone.
    Audio,
    /// Not even sound.
    Text,
}

/// Why a viewer stands below the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The receiver's own estimate fell below what was sent.
    Estimate,
    /// Many packets did not arrive.
    Loss,
    /// Answers took long: a queue stood on the line.
    Delay,
}

/// A step, and how many video lines of it: the first ones are kept longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub step: Step,
    pub video_lines: u8,
    pub ceiling: Layer,
}

/// Rungs, best first.
pub const RUNGS: [Rung; 6] = [
    Rung { step: Step::High, video_lines: u8::MAX, ceiling: Layer::TOP },
    Rung { step: Step::Low, video_lines: u8::MAX, ceiling: Layer::LOW },
    Rung { step: Step::Low, video_lines: 1, ceiling: Layer::LOW },
    Rung { step: Step::Slides, video_lines: 0, ceiling: Layer::LOW },
    Rung { step: Step::Audio, video_lines: 0, ceiling: Layer::LOW },
    Rung { step: Step::Text, video_lines: 0, ceiling: Layer::LOW },
];
const SLIDES: usize = 3;
const AUDIO: usize = 4;
const TEXT: usize = 5;

/// Share of the line that still pictures may take, bit/s.
pub const STILLS: u64 = 40_000;
/// What sound is taken to need at least, be it silent at the moment, bit/s.
pub const AUDIO_LEAST: u64 = 24_000;
/// After a change, signs of what was sent before it still arrive.
const SETTLE: Duration = Duration::from_millis(1_500);
/// Two falls of the estimate within this are no accident; one may be a computer that was busy.
const FALLS_WITHIN: Duration = Duration::from_secs(4);
/// Fraction lost, 1/256, that means a full line: 25 %. Less is a bad line, which retransmission and repetition mend.
const LOSSY: u8 = 64;
/// Sound with less than half of it arriving is no sound, 1/256.
const HOPELESS: u8 = 128;
/// Reports in a row that must say so, a second each.
const LOSSY_REPORTS: u8 = 2;
const SLOW_REPORTS: u8 = 3;
/// Answers later than the fastest by this, beyond what others' are too, mean a queue.
const SLOW: Duration = Duration::from_millis(400);
/// A rung is hoped for where the line carries this much more than its rate, in percent: pictures are not even.
const ROOM_PERCENT: u64 = 135;
/// A rung that held this long was no mistake.
const PROVEN: Duration = Duration::from_secs(30);
/// Wait after the first failed climb; doubles up to [`WAIT_MOST`].
const WAIT_FIRST: Duration = Duration::from_secs(5);
const WAIT_MOST: Duration = Duration::from_secs(60);
/// Wait after a climb that did not hold: whoever watches has seen two changes already.
const WAIT_FALLEN: Duration = Duration::from_secs(30);
/// Where nothing measures the line, a climb is tried this rarely, and a failed one doubles it.
const BLIND: Duration = Duration::from_secs(60);

/// What the rungs would take of this viewer's line now, bit/s, and what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    pub sent: u64,
    pub need: [u64; RUNGS.len()],
}

/// Where one viewer stands and what has been heard of its line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ladder {
    rung: u8,
    /// The last change was upwards.
    climbed: bool,
    failures: u8,
    falls: u8,
    lossy: u8,
    slow: u8,
    loss: u8,
    full: Option<Why>,
    why: Option<Why>,
    estimate: u64,
    fell_at: Time,
    changed: Time,
    /// No climb before this.
    not_before: Time,
    fastest: Option<Duration>,
    /// What the last two trains measured.
    measured: [u64; 2],
}

impl Ladder {
    /// Where it stands.
    #[must_use]
    pub fn rung(&self) -> &'static Rung {
        &RUNGS[usize::from(self.rung).min(TEXT)]
    }

    #[must_use]
    pub fn step(&self) -> Step {
        self.rung().step
    }

    /// Why not higher; none at the top.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        self.why
    }

    /// Nothing to do: it stands at the top and no sign says otherwise.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.rung == 0 && self.full.is_none()
    }

    /// The receiver's estimate (REMB), bit/s, while it is sent `sent`.
    ///
    /// Its level says little: it climbs by 8 % a second and to 1.5 times what is received at most. A *fall* says that
    /// the receiver saw a queue grow; it then is 0.85 of what came through.
    pub fn estimate(&mut self, bitrate: u64, sent: u64, now: Time) {
        let fell = self.estimate > 0 && bitrate < self.estimate - self.estimate / 32;
        self.estimate = bitrate;
        if !fell {
            return;
        }
        let again = now.since(self.fell_at) <= FALLS_WITHIN;
        self.falls = if again { self.falls.saturating_add(1) } else { 1 };
        self.fell_at = now;
        if self.falls >= 2 && bitrate < sent / 10 * 9 {
            self.sign(Why::Estimate, now);
        }
    }

    /// A second of reports: fraction lost of all lines together, 1/256, and the round trip where it is known, of
    /// which what all wait for together is left out.
    pub fn report(&mut self, loss: u8, rtt: Option<Duration>, shared: &mut SharedDelay, now: Time) {
        self.loss = loss;
        self.lossy = if loss >= LOSSY { self.lossy.saturating_add(1) } else { 0 };
        if let Some(rtt) = rtt {
            // The fastest is forgotten slowly: a path may change for a longer one.
            let fastest = self.fastest.map_or(rtt, |old| (old + Duration::from_millis(2)).min(rtt));
            self.fastest = Some(fastest);
            self.slow = if shared.own(rtt - fastest) > SLOW { self.slow.saturating_add(1) } else { 0 };
        }
        if self.lossy >= LOSSY_REPORTS {
            self.sign(Why::Loss, now);
        } else if self.slow >= SLOW_REPORTS {
            self.sign(Why::Delay, now);
        }
    }

    fn sign(&mut self, why: Why, now: Time) {
        if now.since(self.changed) >= SETTLE || self.changed == Time::ZERO {
            self.full.get_or_insert(why);
        }
    }

    /// A train measured what the line carries, bit/s.
    pub fn measured(&mut self, capacity: u64) {
        self.measured = [capacity, self.measured[0]];
    }

    /// Goes down if there was a sign. True if it stands elsewhere now.
    pub fn descend(&mut self, rates: &Rates, now: Time) -> bool {
        let Some(why) = self.full.take() else { return false };
        let at = usize::from(self.rung);
        let through = match why {
            Why::Estimate => self.estimate,
            Why::Loss => rates.sent / 256 * u64::from(255 - self.loss),
            Why::Delay => rates.sent / 10 * 7,
        };
        let to = if at < SLIDES {
            (at + 1..SLIDES).find(|rung| rates.need[*rung] * 11 / 10 <= through).unwrap_or(SLIDES)
        } else if at == AUDIO && self.loss < HOPELESS && why == Why::Loss {
            // Some sound is better than none.
            return false;
        } else {
            (at + 1).min(TEXT)
        };
        if to == at {
            return false;
        }
        let fallen = self.climbed && now.since(self.changed) < PROVEN;
        self.failures = if fallen { self.failures.saturating_add(1) } else { 0 };
        self.why = Some(why);
        self.go(to, now);
        self.not_before = now + if fallen { self.wait().max(WAIT_FALLEN) } else { SETTLE };
        true
    }

    /// Which rung to try: the highest that the measurements promise. None: stay.
    #[must_use]
    pub fn hope(&self, rates: &Rates, now: Time) -> Option<u8> {
        if self.rung == 0 || now < self.not_before {
            return None;
        }
        let promised = self.measured[0].min(self.measured[1]);
        // Without a picture on the stage there is nothing to tell the upper rungs apart by.
        let dark = rates.need[0] <= rates.need[AUDIO];
        (0..self.rung)
            .filter(|rung| !dark || usize::from(*rung) >= SLIDES)
            .find(|rung| rates.need[usize::from(*rung)] / 100 * ROOM_PERCENT <= promised)
    }

    /// Nothing measures this line: whether it is time to try the next rung all the same.
    #[must_use]
    pub fn blind_hope(&self, now: Time) -> Option<u8> {
        let wait = BLIND * (1 << u32::from(self.failures.min(3)));
        (self.rung > 0 && now.since(self.changed) >= wait).then(|| self.rung - 1)
    }

    /// The rung was tried: it holds, or not.
    pub fn tried(&mut self, rung: u8, holds: bool, now: Time) -> bool {
        self.measured = [0; 2];
        if !holds || rung >= self.rung {
            self.failures = self.failures.saturating_add(u8::from(!holds));
            self.not_before = now + self.wait();
            return false;
        }
        if now.since(self.changed) >= PROVEN {
            self.failures = 0;
        }
        if rung == 0 {
            self.why = None;
        }
        self.go(usize::from(rung), now);
        // A further climb may follow at once if the line carries it.
        self.not_before = now + SETTLE;
        true
    }

    fn go(&mut self, rung: usize, now: Time) {
        self.climbed = rung < usize::from(self.rung);
        self.rung = rung as u8;
        self.changed = now;
        self.full = None;
        (self.falls, self.lossy, self.slow) = (0, 0, 0);
        self.measured = [0; 2];
    }

    fn wait(&self) -> Duration {
        match self.failures {
            0 => SETTLE,
            failures => WAIT_MOST.min(WAIT_FIRST * (1 << u32::from(failures - 1).min(4))),
        }
    }
}
