//! What a worker's viewers wait for together: a delay that half of them have is not in their lines.

use std::time::Duration;

/// How far one report moves the median: five thousand viewers follow a whole second's delay within half a second, a
/// dozen hardly ever.
const STEP: Duration = Duration::from_micros(400);

/// Running median of how much later than their fastest the answers of a shard's viewers are.
///
/// Where the node, its machine or the network before it are late, everybody's answers are, and to each viewer alone that
/// looks like a queue on its own line. A delay shared by many is nothing that taking pictures from one of them mends;
/// where the common way is really full, packets are lost and receivers' estimates fall, and those are heard as before.
#[derive(Debug, Clone, Copy, Default)]
pub struct SharedDelay(Duration);

impl SharedDelay {
    /// One viewer's answer came so much later than its fastest; how much of that is its own.
    pub fn own(&mut self, late: Duration) -> Duration {
        let own = late.saturating_sub(self.0);
        self.0 = if late > self.0 { self.0 + STEP } else { self.0.saturating_sub(STEP) };
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_everybody_has_is_nobodys() {
        let mut shared = SharedDelay::default();
        for _ in 0..5_000 {
            shared.own(millis(600));
        }
        assert!(shared.own(millis(600)) <= STEP);
        assert!(shared.own(millis(1_100)) >= millis(499), "a line that is worse than the others");
    }

    #[test]
    fn the_few_with_full_lines_are_not_everybody() {
        let mut shared = SharedDelay::default();
        for n in 0..10_000 {
            shared.own(millis(if n % 3 == 0 { 900 } else { 20 }));
        }
        assert!(shared.own(millis(900)) > millis(850));
    }

    #[test]
    fn a_dozen_viewers_are_each_judged_alone() {
        let mut shared = SharedDelay::default();
        let own = (0..12 * 3).map(|_| shared.own(millis(600))).min();
        assert!(own.is_some_and(|own| own > millis(580)), "three reports each");
    }
}
