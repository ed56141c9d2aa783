//! What becomes of each packet: decided by a seed and the packet's number, so a run can be repeated.

use fastrand::Rng;

use super::conditions::{Conditions, Direction};

/// When a packet comes out, microseconds on the caller's clock; at most twice, not at all when lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Deliver { at: u64, again: Option<u64> },
    Lost(Loss),
}

/// Why a packet was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    Random,
    Burst,
    Queue,
    Outage,
}

/// One direction of one client's line.
#[derive(Debug)]
pub struct Link {
    rng: Rng,
    bad: bool,
    /// When the line has sent what was accepted so far.
    free_at: u64,
    /// No packet that keeps its order comes out before this.
    last_out: u64,
}

impl Link {
    /// The line of client number `client` (in the order of appearance).
    #[must_use]
    pub fn new(seed: u64, client: u64, direction: Direction) -> Self {
        // Distinct odd multipliers keep neighbouring seeds, clients and directions apart.
        let way = if direction == Direction::Up { 0 } else { 0x5851_f42d_4c95_7f2d };
        let mixed = seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(client.wrapping_mul(0xd134_2543_de82_ef95))
            .wrapping_add(way);
        Self { rng: Rng::with_seed(mixed), bad: false, free_at: 0, last_out: 0 }
    }

    /// Decides about a packet of `length` bytes that arrives at `now`, microseconds since the emulator began.
    ///
    /// Every packet draws the same number of random numbers, so what the seed says of packet n does not depend on the
    /// conditions or the times of the packets before it (queueing and outages do, of course).
    pub fn admit(&mut self, conditions: &Conditions, now: u64, length: usize) -> Fate {
        let draws: [f64; 6] = std::array::from_fn(|_| self.rng.f64());
        let [loss, step, in_burst, jitter, overtaken, twice] = draws;
        let mut lost_in_burst = false;
        if let Some(burst) = conditions.burst {
            self.bad = if self.bad { step >= burst.leave } else { step < burst.enter };
            lost_in_burst = self.bad && in_burst < burst.loss;
        }
        if conditions.outages.iter().any(|outage| in_outage(outage, now)) {
            return Fate::Lost(Loss::Outage);
        }
        // Lost on the way, after the line has spent its time on it, is what a real path does; lost first keeps the
        // queue honest for a sender that is told about loss. The first hop is the narrow one: queue, then lose.
        let mut at = now;
        if let Some(rate) = conditions.rate_kbps {
            let start = self.free_at.max(now);
            if start - now > millis(conditions.queue_ms) {
                return Fate::Lost(Loss::Queue);
            }
            // 28 bytes of IPv4 and UDP headers take their time on the line too.
            self.free_at = start + ((length + 28) as f64 * 8_000.0 / rate) as u64;
            at = self.free_at;
        }
        if lost_in_burst {
            return Fate::Lost(Loss::Burst);
        }
        if loss < conditions.loss {
            return Fate::Lost(Loss::Random);
        }
        at += millis(conditions.delay_ms + jitter * conditions.jitter_ms);
        if overtaken < conditions.reorder {
            at += millis(conditions.reorder_ms);
        } else {
            at = at.max(self.last_out);
            self.last_out = at;
        }
        let again = (twice < conditions.duplicate).then(|| at + 1_000);
        Fate::Deliver { at, again }
    }
}

fn millis(ms: f64) -> u64 {
    (ms * 1000.0) as u64
}

fn in_outage(outage: &super::conditions::Outage, now: u64) -> bool {
    let since = now as f64 / 1e6 - outage.from_s;
    since >= 0.0
        && match outage.every_s {
            Some(every) => since % every < outage.for_s,
            None => since < outage.for_s,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Burst, Outage};
    use proptest::prelude::*;

    fn fates(seed: u64, client: u64, direction: Direction, conditions: &Conditions, count: u64) -> Vec<Fate> {
        let mut link = Link::new(seed, client, direction);
        (0..count).map(|i| link.admit(conditions, i * 1_000, 1_000)).collect()
    }

    fn bad() -> Conditions {
        Conditions {
            loss: 0.1,
            burst: Some(Burst { enter: 0.01, leave: 0.25, loss: 0.9 }),
            delay_ms: 40.0,
            jitter_ms: 15.0,
            rate_kbps: Some(9_000.0),
            reorder: 0.02,
            duplicate: 0.03,
            ..Conditions::default()
        }
    }

    #[test]
    fn the_same_seed_gives_every_packet_the_same_fate() {
        let one = fates(7, 3, Direction::Down, &bad(), 10_000);
        assert_eq!(one, fates(7, 3, Direction::Down, &bad(), 10_000));
        for other in [(8, 3, Direction::Down), (7, 4, Direction::Down), (7, 3, Direction::Up)] {
            assert_ne!(one, fates(other.0, other.1, other.2, &bad(), 10_000));
        }
    }

    #[test]
    fn which_packets_are_lost_does_not_depend_on_when_they_come() {
        let conditions = Conditions { loss: 0.2, jitter_ms: 5.0, ..Conditions::default() };
        let lost = |step: u64| {
            let mut link = Link::new(1, 1, Direction::Up);
            (0..1_000)
                .filter(|i| matches!(link.admit(&conditions, i * step, 500), Fate::Lost(_)))
                .collect::<Vec<_>>()
        };
        assert_eq!(lost(10), lost(7_777));
    }

    #[test]
    fn shares_are_what_was_asked_for() {
        let count = 100_000;
        let all = fates(
            1,
            0,
            Direction::Up,
            &Conditions { loss: 0.05, duplicate: 0.02, ..Conditions::default() },
            count,
        );
        let lost = all.iter().filter(|f| matches!(f, Fate::Lost(Loss::Random))).count() as f64 / count as f64;
        let twice = all.iter().filter(|f| matches!(f, Fate::Deliver { again: Some(_), .. })).count() as f64;
        assert!((lost - 0.05).abs() < 0.005, "{lost}");
        assert!((twice / count as f64 - 0.019).abs() < 0.004, "{twice}");
    }

    #[test]
    fn bursts_are_as_long_as_asked_for() {
        let burst = Some(Burst { enter: 0.01, leave: 0.2, loss: 1.0 });
        let all = fates(5, 0, Direction::Up, &Conditions { burst, ..Conditions::default() }, 200_000);
        let lost = |f: &Fate| matches!(f, Fate::Lost(Loss::Burst));
        let total = all.iter().filter(|f| lost(f)).count() as f64;
        let bursts = all.windows(2).filter(|pair| !lost(&pair[0]) && lost(&pair[1])).count() as f64;
        assert!((total / bursts - 5.0).abs() < 0.4, "{}", total / bursts);
    }

    #[test]
    fn a_narrow_line_spaces_packets_out_and_drops_what_would_wait_too_long() {
        // 1,000 bytes with headers at 822.4 kbit/s take 10 ms each.
        let conditions = Conditions { rate_kbps: Some(822.4), queue_ms: 45.0, ..Conditions::default() };
        let mut link = Link::new(1, 1, Direction::Down);
        let at_once: Vec<_> = (0..8).map(|_| link.admit(&conditions, 1_000_000, 1_000)).collect();
        let out = |n: u64| Fate::Deliver { at: 1_000_000 + n * 10_000, again: None };
        assert_eq!(at_once[..5], [out(1), out(2), out(3), out(4), out(5)]);
        assert_eq!(at_once[5..], [Fate::Lost(Loss::Queue); 3]);
    }

    #[test]
    fn an_outage_begins_ends_and_comes_again() {
        let outage = Outage { from_s: 1.0, for_s: 0.5, every_s: Some(2.0) };
        let conditions = Conditions { outages: vec![outage], ..Conditions::default() };
        let mut link = Link::new(1, 1, Direction::Down);
        let mut lost = |ms: u64| link.admit(&conditions, ms * 1000, 1) == Fate::Lost(Loss::Outage);
        assert_eq!(
            [999, 1000, 1499, 1500, 2999, 3000, 3499, 3500].map(&mut lost),
            [false, true, true, false, false, true, true, false]
        );
    }

    proptest! {
        #[test]
        fn jitter_alone_never_reorders(seed: u64, jitter in 0.0..200.0_f64, delay in 0.0..500.0_f64) {
            let conditions = Conditions { jitter_ms: jitter, delay_ms: delay, ..Conditions::default() };
            let mut last = 0;
            for fate in fates(seed, 0, Direction::Up, &conditions, 300) {
                let Fate::Deliver { at, .. } = fate else { panic!("{fate:?}") };
                prop_assert!(at >= last);
                last = at;
            }
        }
    }
}
