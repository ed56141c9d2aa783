//! When to ask a publisher for a keyframe: many ask, few requests leave.

use std::time::Duration;

use crate::time::Time;

/// Why a keyframe is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyframeReason {
    /// A viewer lost packets that did not come back (PLI, FIR).
    Loss,
    /// A viewer came.
    Join,
    /// A cut, or a change of layer by control, waits for it: asked at once.
    Cut,
}

/// Least time between requests, and between one and its repetition.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// The same while many join: they share the keyframe that comes then.
pub const JOIN_INTERVAL: Duration = Duration::from_secs(2);
/// Joins since the last request that are not yet many. Shards merge theirs before, four a second each.
pub const MANY_JOINS: u32 = 3;
/// A cut's request within this of one that is still unanswered is the same request.
pub const CUT_GUARD: Duration = Duration::from_millis(200);
/// Browsers ignore a request within 300 ms of their last keyframe. A cut that comes so soon after one asks once more
/// when that is over, which is counted from when the keyframe came here: a little late, never early.
pub const DEAF: Duration = Duration::from_millis(305);
/// Any other cut that is not answered asks once more after this.
pub const CUT_AGAIN: Duration = Duration::from_millis(350);
/// Repetitions without an answer before giving up; a new wish starts anew.
pub const TRIES: u8 = 5;

/// The requests of one source, merged. `true` from a method means: send one PLI now.
#[derive(Debug, Clone, Default)]
pub struct KeyframeGate {
    requested: Option<Time>,
    seen: Option<Time>,
    /// A request has left and no keyframe has come since.
    unanswered: bool,
    /// It is a cut's, which is repeated then.
    urgent: Option<Time>,
    tries: u8,
    /// Somebody lost packets and waits for the interval to end; and so many came and wait.
    lost: bool,
    joins: u32,
    keep: Option<Duration>,
}

impl KeyframeGate {
    /// Somebody wants a keyframe.
    #[must_use]
    pub fn ask(&mut self, reason: KeyframeReason, now: Time) -> bool {
        if !self.unanswered {
            self.tries = 0;
        }
        match reason {
            KeyframeReason::Loss => self.lost = true,
            KeyframeReason::Join => self.joins = self.joins.saturating_add(1),
            KeyframeReason::Cut => {
                let on_its_way =
                    self.unanswered && self.requested.is_some_and(|at| now.since(at) < CUT_GUARD);
                if !on_its_way {
                    self.tries = 0;
                    self.send(now);
                    let deaf = self.seen.filter(|seen| now.since(*seen) < DEAF);
                    self.urgent = Some(deaf.map_or(now + CUT_AGAIN, |seen| seen + DEAF));
                }
                return !on_its_way;
            }
        }
        self.send_if_due(now)
    }

    /// A keyframe began: whoever waited has it.
    pub fn on_keyframe(&mut self, now: Time) {
        self.seen = Some(now);
        self.unanswered = false;
        self.tries = 0;
        self.lost = false;
        self.joins = 0;
    }

    /// Keeps keyframes coming at least this often (line-up, join storms); none: on demand only.
    pub fn keep(&mut self, every: Option<Duration>) {
        self.keep = every;
    }

    /// Time has passed.
    #[must_use]
    pub fn poll(&mut self, now: Time) -> bool {
        if self.send_if_due(now) {
            return true;
        }
        let again = self.urgent.or(self.requested.map(|at| at + INTERVAL));
        if self.unanswered && again.is_some_and(|again| now >= again) {
            if self.tries < TRIES {
                self.tries += 1;
                self.send(now);
                return true;
            }
            self.unanswered = false;
        }
        let Some(every) = self.keep else { return false };
        let fresh = self.requested.max(self.seen);
        // A request may leave before the second since the last keyframe is over, but not since the last request.
        let asked_lately = self.requested.is_some_and(|at| now.since(at) < INTERVAL);
        let due = !asked_lately && fresh.is_none_or(|fresh| now.since(fresh) >= every);
        if due {
            self.send(now);
        }
        due
    }

    fn send_if_due(&mut self, now: Time) -> bool {
        let interval = match (self.lost, self.joins) {
            (false, 0) => return false,
            (false, joins) if joins > MANY_JOINS => JOIN_INTERVAL,
            _ => INTERVAL,
        };
        let due = self.requested.is_none_or(|at| now.since(at) >= interval);
        if due {
            self.send(now);
        }
        due
    }

    fn send(&mut self, now: Time) {
        self.requested = Some(now);
        self.unanswered = true;
        self.urgent = None;
        self.lost = false;
        self.joins = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(10_000 + millis)
    }

    #[test]
    fn many_wishes_are_one_request_a_second() {
        let mut gate = KeyframeGate::default();
        let mut sent = 0;
        for millis in 0..5_000 {
            for _ in 0..10 {
                sent += usize::from(gate.ask(KeyframeReason::Loss, at(millis)));
            }
            sent += usize::from(gate.poll(at(millis)));
            if millis % 1_000 == 100 {
                gate.on_keyframe(at(millis));
            }
        }
        assert_eq!(sent, 5);
    }

    #[test]
    fn a_wish_within_the_interval_is_kept_until_it_is_over() {
        let mut gate = KeyframeGate::default();
        assert!(gate.ask(KeyframeReason::Loss, at(0)));
        gate.on_keyframe(at(50));
        assert!(!gate.ask(KeyframeReason::Loss, at(100)));
        assert!(!gate.poll(at(999)));
        assert!(gate.poll(at(1_000)));
        gate.on_keyframe(at(1_050));
        assert!(!gate.ask(KeyframeReason::Loss, at(1_100)));
        gate.on_keyframe(at(1_500));
        assert!(!gate.poll(at(2_100)), "it came by itself");
    }

    #[test]
    fn a_cut_asks_at_once_but_not_twice_for_one_answer() {
        let mut gate = KeyframeGate::default();
        assert!(gate.ask(KeyframeReason::Loss, at(0)));
        assert!(!gate.ask(KeyframeReason::Cut, at(20)), "that one is on its way");
        gate.on_keyframe(at(60));
        assert!(gate.ask(KeyframeReason::Cut, at(70)));
        assert!(gate.ask(KeyframeReason::Cut, at(300)), "no answer for long");
    }

    #[test]
    fn a_cut_that_a_browser_ignored_asks_again_soon_and_then_like_everybody() {
        let mut gate = KeyframeGate::default();
        assert!(gate.ask(KeyframeReason::Cut, at(0)));
        let repeats: Vec<u64> = (0..2_000).filter(|millis| gate.poll(at(*millis))).collect();
        assert_eq!(repeats, [350, 1_350]);
    }

    #[test]
    fn a_cut_soon_after_a_keyframe_asks_again_when_browsers_listen() {
        // (cut, next requests); the keyframe came at 50.
        for (cut, expected) in [(100, [355, 1_355]), (290, [355, 1_355]), (400, [750, 1_750])] {
            let mut gate = KeyframeGate::default();
            gate.on_keyframe(at(50));
            assert!(gate.ask(KeyframeReason::Cut, at(cut)));
            let repeats: Vec<u64> = (cut..2_000).filter(|millis| gate.poll(at(*millis))).collect();
            assert_eq!(repeats, expected, "cut at {cut}");
        }
    }

    #[test]
    fn an_unanswered_request_is_repeated_a_few_times() {
        let mut gate = KeyframeGate::default();
        assert!(gate.ask(KeyframeReason::Cut, at(0)));
        let repeats = (0..60_000).filter(|millis| gate.poll(at(*millis))).count();
        assert_eq!(repeats, usize::from(TRIES));
        assert!(gate.ask(KeyframeReason::Cut, at(60_000)), "a new wish begins anew");
    }

    #[test]
    fn line_up_asks_ahead_of_the_second_but_never_twice_in_one() {
        // (answer after, keyframes come every)
        for (answer, expected) in [(250, 1_000), (0, 1_000), (600, 1_350)] {
            let mut gate = KeyframeGate::default();
            gate.keep(Some(Duration::from_millis(750)));
            let (mut sent, mut due) = (Vec::new(), None);
            for millis in 0..10_000 {
                if due == Some(millis) {
                    gate.on_keyframe(at(millis));
                }
                if gate.poll(at(millis)) {
                    sent.push(millis);
                    due = Some(millis + answer.max(1));
                }
            }
            assert!(sent.len() > 5 && sent.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{sent:?}");
            assert_eq!(sent[5] - sent[4], expected, "{sent:?}");
        }
    }

    #[test]
    fn while_many_join_a_keyframe_comes_every_2_s() {
        let mut gate = KeyframeGate::default();
        let mut sent = Vec::new();
        for millis in 0..10_000 {
            if millis % 10 == 0 && gate.ask(KeyframeReason::Join, at(millis)) {
                sent.push(millis);
            }
            if gate.poll(at(millis)) {
                sent.push(millis);
            }
            if sent.last() == Some(&millis) {
                gate.on_keyframe(at(millis));
            }
        }
        assert_eq!(sent, [0, 2_000, 4_000, 6_000, 8_000]);
    }
}
