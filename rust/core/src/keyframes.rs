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
/// Interval while many join: each gets the next scheduled keyframe.
pub const JOIN_INTERVAL: Duration = Duration::from_secs(2);
/// Joins within an interval that count as many.
pub const MANY_JOINS: u32 = 8;
/// A cut's request within this of one that is still unanswered is the same request.
pub const CUT_GUARD: Duration = Duration::from_millis(200);
/// Repetitions without an answer before giving up; a new wish starts anew.
pub const TRIES: u8 = 5;

/// The requests of one source, merged. `true` from a method means: send one PLI now.
#[derive(Debug, Clone, Default)]
pub struct KeyframeGate {
    requested: Option<Time>,
    seen: Option<Time>,
    /// A request has left and no keyframe has come since.
    unanswered: bool,
    tries: u8,
    /// Somebody waits although the interval is not over.
    due: Option<Time>,
    joins: u32,
    keep: Option<Duration>,
}

impl KeyframeGate {
    /// Somebody wants a keyframe.
    #[must_use]
    pub fn ask(&mut self, reason: KeyframeReason, now: Time) -> bool {
        if reason == KeyframeReason::Join {
            self.joins += 1;
        }
        let Some(last) = self.requested else { return self.send(now) };
        let passed = now.since(last);
        if reason == KeyframeReason::Cut {
            if self.unanswered && passed < CUT_GUARD {
                return false;
            }
            return self.send(now);
        }
        let interval =
            if reason == KeyframeReason::Join && self.joins > MANY_JOINS { JOIN_INTERVAL } else { INTERVAL };
        if passed >= interval {
            return self.send(now);
        }
        let due = last + interval;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        false
    }

    /// A keyframe began: whoever waited has it.
    pub fn on_keyframe(&mut self, now: Time) {
        self.seen = Some(now);
        self.unanswered = false;
        self.due = None;
        self.tries = 0;
    }

    /// Keeps keyframes coming at least this often (line-up, join storms); none: on demand only.
    pub fn keep(&mut self, every: Option<Duration>) {
        self.keep = every;
    }

    /// Time has passed.
    #[must_use]
    pub fn poll(&mut self, now: Time) -> bool {
        let last = self.requested;
        if self.due.is_some_and(|due| due <= now) {
            return self.send(now);
        }
        if self.unanswered && last.is_some_and(|last| now.since(last) >= INTERVAL) {
            if self.tries < TRIES {
                self.tries += 1;
                return self.send(now);
            }
            self.unanswered = false;
        }
        if let Some(every) = self.keep {
            let fresh = last.max(self.seen);
            if fresh.is_none_or(|fresh| now.since(fresh) >= every.max(INTERVAL)) {
                return self.send(now);
            }
        }
        false
    }

    fn send(&mut self, now: Time) -> bool {
        if self.requested.is_none_or(|last| now.since(last) >= INTERVAL) {
            self.joins = 0;
        }
        self.requested = Some(now);
        self.unanswered = true;
        self.due = None;
        true
    }
}
