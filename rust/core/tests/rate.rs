//! The ladder and its probes against a line with a rate, a queue and loss; time is simulated and chance is seeded.

use std::time::Duration;

use diemcau_core::ladder::{Ladder, RUNGS, Rates, Step, Why};
use diemcau_core::probe::{PACKET_BYTES, Probe, SHORT_TRAIN, TRAIN, Turn};
use diemcau_core::shared::SharedDelay;
use diemcau_core::time::Time;

/// What the rungs take: two pictures of 500 and 120 kbit/s, one low picture, sound and stills, sound, nothing.
const NEED: [u64; RUNGS.len()] = [1_030_000, 270_000, 150_000, 70_000, 30_000, 0];
const TURN: u64 = 20;
const MEDIA_BYTES: u64 = 600;

/// A line, and a receiver behind it that reports as a browser does.
struct Line {
    kbps: u64,
    loss: f64,
    queue: Duration,
    free: u64,
    chance: u64,
    /// Since the last report: sent, lost, bytes that came.
    sent: u32,
    lost: u32,
    bytes: u64,
    wait: u64,
    estimate: u64,
}

impl Line {
    fn new(kbps: u64, loss: f64) -> Self {
        let queue = Duration::from_millis(300);
        Self {
            kbps,
            loss,
            queue,
            free: 0,
            chance: 7,
            sent: 0,
            lost: 0,
            bytes: 0,
            wait: 0,
            estimate: 2_000_000,
        }
    }

    /// xorshift64: 0 to 1.
    fn roll(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// When a packet of so many bytes arrives.
    fn carry(&mut self, now: u64, bytes: u64) -> Option<i64> {
        let start = self.free.max(now);
        if Duration::from_micros(start - now) > self.queue {
            return None;
        }
        self.free = start + bytes * 8_000 / self.kbps;
        let loss = self.loss;
        (self.roll() >= loss).then_some(self.free as i64 + 50_000)
    }
}

/// One viewer: its ladder, its probe, its line, and each step with its moment (ms).
struct World {
    ladder: Ladder,
    shared: SharedDelay,
    probe: Probe,
    line: Line,
    now: u64,
    owed: u64,
    steps: Vec<(u64, Step)>,
    /// Longest wait of a packet of sound since it was asked.
    late: u64,
}

impl World {
    fn new(kbps: u64, loss: f64) -> Self {
        let (ladder, shared, probe) = (Ladder::default(), SharedDelay::default(), Probe::default());
        let line = Line::new(kbps, loss);
        Self { ladder, shared, probe, line, now: 1_000, owed: 0, steps: Vec::new(), late: 0 }
    }

    fn rates(&self) -> Rates {
        let at = RUNGS.iter().position(|rung| rung == self.ladder.rung()).unwrap();
        // Stills come by another way.
        let sent = if at == 3 { NEED[4] } else { NEED[at] };
        Rates { sent, need: NEED }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + seconds * 1_000;
        while self.now < end {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.now += TURN;
        let (now, micros) = (Time::from_millis(self.now), self.now * 1_000);
        self.owed += self.rates().sent * TURN / 8_000;
        while self.owed >= MEDIA_BYTES {
            self.owed -= MEDIA_BYTES;
            self.line.sent += 1;
            match self.line.carry(micros, MEDIA_BYTES) {
                Some(at) => {
                    self.line.bytes += MEDIA_BYTES;
                    self.late = self.late.max(at as u64 - micros);
                }
                None => self.line.lost += 1,
            }
        }
        // A browser tells at once of a queue that grows.
        let wait = self.line.free.saturating_sub(micros);
        if self.now.is_multiple_of(200) {
            if wait > self.line.wait + 20_000 || wait > 250_000 {
                let through = self.line.kbps * 850;
                if through < self.line.estimate {
                    self.line.estimate = through;
                    self.ladder.estimate(through, self.rates().sent, now);
                }
            }
            self.line.wait = wait;
        }
        if self.now.is_multiple_of(1_000) {
            self.second(now);
        }
        if self.probe.is_trying() && self.now.is_multiple_of(60) {
            match self.probe.turn(now) {
                Turn::Send(count) => self.padding(count, now),
                Turn::Tried { rung, holds } => {
                    if self.ladder.tried(rung, holds, now) {
                        self.steps.push((self.now, self.ladder.step()));
                    }
                }
                Turn::Idle => {}
            }
        }
        if self.ladder.descend(&self.rates(), now) {
            self.probe = Probe::default();
            self.steps.push((self.now, self.ladder.step()));
        }
    }

    fn second(&mut self, now: Time) {
        let (sent, lost) = (self.line.sent.max(1), self.line.lost);
        let took = Some(Duration::from_millis(100));
        self.ladder.report((lost * 255 / sent) as u8, took, &mut self.shared, now);
        let received = self.line.bytes * 8;
        let climbed = (self.line.estimate + self.line.estimate / 12).min(received * 3 / 2 + 10_000);
        self.line.estimate = self.line.estimate.max(climbed);
        self.ladder.estimate(self.line.estimate, self.rates().sent, now);
        (self.line.sent, self.line.lost, self.line.bytes) = (0, 0, 0);
        if self.ladder.step() == Step::High || self.probe.is_trying() {
            return;
        }
        let count = if self.ladder.step() >= Step::Audio { SHORT_TRAIN } else { TRAIN };
        if let Some(capacity) = self.probe.train(count) {
            self.ladder.measured(capacity);
        }
        let rates = self.rates();
        match self.ladder.hope(&rates, now) {
            Some(rung) => {
                let rate = (rates.need[usize::from(rung)] * 12 / 10).saturating_sub(rates.sent);
                self.probe.begin(rung, rate, now);
            }
            None => self.padding(count, now),
        }
    }

    fn padding(&mut self, count: u16, now: Time) {
        for _ in 0..count {
            let number = self.probe.number(now);
            if let Some(at) = self.line.carry(now.micros(), PACKET_BYTES) {
                self.probe.arrived(number, at);
            }
        }
    }
}

#[test]
fn a_line_that_becomes_narrow_is_followed_in_two_steps_at_most_and_left_as_it_is() {
    let mut world = World::new(5_000, 0.0);
    world.run(30);
    assert_eq!(world.steps, []);
    world.line.kbps = 150;
    world.run(60);
    assert!(world.steps.len() <= 2, "{:?}", world.steps);
    let (at, step) = *world.steps.last().unwrap();
    assert_eq!(step, Step::Slides);
    assert!(at < 36_000, "{:?}", world.steps);
    // Measuring it leaves the sound on it alone.
    world.late = 0;
    world.run(20);
    assert!(world.late < 200_000, "{} us", world.late);
}

#[test]
fn it_climbs_back_within_ten_seconds_of_the_rate_coming_back() {
    for narrow in [40, 90, 150, 200] {
        let mut world = World::new(5_000, 0.0);
        world.run(10);
        world.line.kbps = narrow;
        world.run(40);
        assert!(world.ladder.step() >= Step::Low, "{narrow}: {:?}", world.steps);
        let (before, free) = (world.steps.len(), world.now);
        world.line.kbps = 5_000;
        world.run(10);
        assert_eq!(world.ladder.step(), Step::High, "{narrow}: {:?}", &world.steps[before..]);
        assert_eq!(world.ladder.why(), None);
        world.run(30);
        assert_eq!(world.ladder.step(), Step::High, "{free} {:?}", &world.steps[before..]);
    }
}

#[test]
fn a_line_that_loses_a_tenth_keeps_its_pictures() {
    let mut world = World::new(5_000, 0.1);
    world.run(300);
    assert_eq!(world.steps, []);
}

#[test]
fn what_carries_the_low_layer_only_shows_the_low_layer_and_does_not_swing() {
    let mut world = World::new(400, 0.0);
    world.run(180);
    let lows = world.steps.iter().filter(|(_, step)| *step == Step::Low).count();
    assert_eq!(world.ladder.step(), Step::Low, "{:?}", world.steps);
    assert!(lows >= 1 && world.steps.len() <= 6, "at most two a minute: {:?}", world.steps);
}

#[test]
fn a_line_too_narrow_for_sound_ends_at_text_and_comes_back_from_there() {
    let mut world = World::new(15, 0.0);
    world.run(60);
    assert_eq!(world.ladder.step(), Step::Text, "{:?}", world.steps);
    world.line.kbps = 3_000;
    world.run(15);
    assert_eq!(world.ladder.step(), Step::High, "{:?}", world.steps);
}

#[test]
fn loss_alone_takes_a_viewer_down_and_says_so() {
    let mut ladder = Ladder::default();
    let rates = Rates { sent: NEED[0], need: NEED };
    for second in 1..3 {
        ladder.report(150, None, &mut SharedDelay::default(), Time::from_millis(10_000 + second * 1_000));
    }
    assert!(ladder.descend(&rates, Time::from_millis(12_000)));
    assert_eq!((ladder.step(), ladder.why()), (Step::Low, Some(Why::Loss)));
    assert!(!ladder.descend(&rates, Time::from_millis(12_001)), "once for one sign");
}

#[test]
fn a_queue_on_one_line_takes_its_viewer_down_and_what_all_wait_for_nobody() {
    let rates = Rates { sent: NEED[0], need: NEED };
    // Milliseconds of an answer: of a line that is full, and of all others, from the fourth second on.
    for (own, others, down) in [(700, 20, true), (700, 650, false), (1_200, 650, true)] {
        let mut shared = SharedDelay::default();
        let (mut one, mut rest) = (Ladder::default(), vec![Ladder::default(); 3_000]);
        for second in 1..12 {
            let now = Time::from_millis(second * 1_000);
            let took = |late| Some(Duration::from_millis(if second > 3 { late } else { 20 }));
            for ladder in &mut rest {
                ladder.report(0, took(others), &mut shared, now);
                assert!(!ladder.descend(&rates, now), "{others} ms for all");
            }
            one.report(0, took(own), &mut shared, now);
            one.descend(&rates, now);
        }
        assert_eq!(one.step() != Step::High, down, "{own} ms, all {others} ms");
    }
}

#[test]
fn where_nothing_measures_the_line_a_climb_is_tried_once_a_minute_and_less_after_failures() {
    let mut ladder = Ladder::default();
    let rates = Rates { sent: NEED[0], need: NEED };
    let fall = |ladder: &mut Ladder, at: u64| {
        (0..2).for_each(|second| {
            ladder.report(200, None, &mut SharedDelay::default(), Time::from_millis(at + second * 1_000));
        });
        assert!(ladder.descend(&rates, Time::from_millis(at + 1_000)));
    };
    fall(&mut ladder, 10_000);
    assert_eq!(ladder.blind_hope(Time::from_millis(70_000)), None);
    let up = ladder.blind_hope(Time::from_millis(71_000)).unwrap();
    assert!(ladder.tried(up, true, Time::from_millis(71_000)));
    fall(&mut ladder, 75_000);
    assert_eq!(ladder.blind_hope(Time::from_millis(76_000 + 119_000)), None);
    assert!(ladder.blind_hope(Time::from_millis(76_000 + 120_000)).is_some());
}

proptest::proptest! {
    #[test]
    fn no_reports_take_it_off_the_ladder(
        signs in proptest::collection::vec((0..5_u8, proptest::prelude::any::<u64>(), 0..4_000_u64), 0..200)
    ) {
        let (mut ladder, mut probe, mut now) = (Ladder::default(), Probe::default(), Time::from_millis(1));
        let mut shared = SharedDelay::default();
        for (kind, value, later) in signs {
            now = now + Duration::from_millis(later);
            let rates = Rates { sent: value % 5_000_000, need: NEED };
            match kind {
                0 => ladder.estimate(value, rates.sent, now),
                1 => ladder.report(value as u8, Some(Duration::from_micros(value % 70_000_000)), &mut shared, now),
                2 => ladder.measured(value),
                3 => {
                    probe.train(TRAIN);
                    let number = probe.number(now);
                    probe.arrived(number, value.cast_signed());
                    probe.arrived(value as u16, i64::MIN);
                }
                _ => {
                    let before = ladder.step();
                    if let Some(rung) = ladder.hope(&rates, now) {
                        probe.begin(rung, value, now);
                        proptest::prop_assert!(RUNGS[usize::from(rung)].step <= before);
                    }
                    if let Turn::Tried { rung, holds } = probe.turn(now + Duration::from_secs(2)) {
                        ladder.tried(rung, holds, now);
                    }
                    ladder.descend(&rates, now);
                }
            }
            proptest::prop_assert_eq!(ladder.why().is_none(), ladder.step() == Step::High);
        }
    }
}
