//! One audio line: Opus packets in order, losses counted.

use std::time::{Duration, Instant};

use super::order::{Order, OrderConfig, Step};
use crate::stats::Stats;

/// An audio packet later than this is silence already.
const PATIENCE: Duration = Duration::from_millis(120);

/// See the module.
#[derive(Debug)]
pub struct AudioLine {
    order: Order<u32>,
    last_timestamp: Option<u32>,
}

impl Default for AudioLine {
    fn default() -> Self {
        Self { order: Order::new(OrderConfig { nack: false, patience: PATIENCE }), last_timestamp: None }
    }
}

impl AudioLine {
    /// Takes a packet that SRTP has accepted.
    pub fn push(&mut self, index: u64, timestamp: u32, now: Instant, stats: &mut Stats) {
        let last = &mut self.last_timestamp;
        stats.counters.audio_packets += 1;
        if self.order.pass(index) {
            take(last, &Step::Packet(&timestamp), stats);
            return;
        }
        let recovered = self.order.push(index, timestamp, now, |step| take(last, &step, stats));
        stats.counters.recovered += u64::from(recovered);
    }

    pub fn due(&mut self, now: Instant, stats: &mut Stats) {
        let last = &mut self.last_timestamp;
        self.order.due(now, |step| take(last, &step, stats));
    }

    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.order.next_due()
    }
}

fn take(last: &mut Option<u32>, step: &Step<'_, u32>, stats: &mut Stats) {
    match step {
        Step::Packet(timestamp) => {
            let timestamp = **timestamp;
            // Half the space back is "before" (RFC 1982's rule for 32 bits).
            if last.is_some_and(|last| timestamp.wrapping_sub(last) as i32 <= 0) {
                stats.violation("audio_timestamp_back");
            }
            *last = Some(timestamp);
        }
        Step::Lost(count) => stats.counters.audio_lost += count,
        Step::Jump => stats.violation("audio_sequence_jump"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_counted_and_time_never_goes_back() {
        let now = Instant::now();
        let mut stats = Stats::default();
        let mut line = AudioLine::default();
        for (index, timestamp) in [(1, 960), (2, 1_920), (4, 3_840)] {
            line.push(index, timestamp, now, &mut stats);
        }
        line.due(now + PATIENCE, &mut stats);
        assert_eq!((stats.counters.audio_lost, stats.violations.len()), (1, 0));
        line.push(5, 100, now, &mut stats);
        line.push(90_000, 4_800, now, &mut stats);
        assert_eq!(stats.violations.get("audio_timestamp_back"), Some(&1));
        assert_eq!(stats.violations.get("audio_sequence_jump"), Some(&1));
    }
}
