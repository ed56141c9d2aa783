//! Whether this worker has more to do than it can. What it then sends late or not at all looks like a bad line to viewers,
//! and the answers to a bad line (sound sent twice, trials of more) would give it more to do still.

use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Shares of its time that it did not wait for something to do: above the one it is strained, below the other no more.
const STRAINED: f64 = 0.85;
const RELIEVED: f64 = 0.7;

/// Time not waited counts as busy whoever had the processor.
#[derive(Debug)]
pub struct Strain {
    since: Instant,
    waited: Duration,
    strained: bool,
}

impl Strain {
    pub fn new(now: Instant) -> Self {
        Self { since: now, waited: Duration::ZERO, strained: false }
    }

    pub fn is_strained(&self) -> bool {
        self.strained
    }

    /// It has waited from the one to the other.
    pub fn waited(&mut self, from: Instant, to: Instant) {
        self.waited += to.saturating_duration_since(from);
    }

    /// Looks, once a second however often called.
    pub fn look(&mut self, now: Instant) {
        let span = now.saturating_duration_since(self.since);
        if span < LOOK_EVERY {
            return;
        }
        let busy = 1.0 - self.waited.as_secs_f64() / span.as_secs_f64();
        let strained = busy > if self.strained { RELIEVED } else { STRAINED };
        if strained != self.strained {
            tracing::info!(strained, busy, "this worker's load");
        }
        *self = Self { since: now, waited: Duration::ZERO, strained };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_strained_while_it_hardly_waits_and_for_a_while_after() {
        let mut now = Instant::now();
        let mut strain = Strain::new(now);
        let mut second = |idle: u64| {
            strain.waited(now, now + Duration::from_millis(idle));
            now += LOOK_EVERY;
            strain.look(now);
            strain.is_strained()
        };
        assert!(!second(300));
        assert!(second(100));
        assert!(second(200), "one better second is no relief");
        assert!(!second(400));
        assert!(!second(200));
    }

    #[test]
    fn it_does_not_look_at_half_a_second() {
        let now = Instant::now();
        let mut strain = Strain::new(now);
        strain.look(now + LOOK_EVERY / 2);
        assert!(!strain.is_strained());
    }
}
