//! Puts packets in order, asks for what is missing, and gives up in time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Packets that wait behind a gap; more is a jump of the sequence, not loss.
const MAX_SPAN: u64 = 1024;
/// A gap is asked for after this: reordering of neighbours is not loss.
const FIRST_NACK: Duration = Duration::from_millis(10);
const NACK_AGAIN: Duration = Duration::from_millis(60);
const MAX_NACKS: u8 = 8;

/// How patient a line is.
#[derive(Debug, Clone, Copy)]
pub struct OrderConfig {
    pub nack: bool,
    /// A packet missing for so long is lost.
    pub patience: Duration,
}

/// What comes out, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a, P> {
    Packet(&'a P),
    /// So many packets were given up.
    Lost(u64),
    /// The sequence jumped; nothing is known of what lies between.
    Jump,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Instant,
    asked: Instant,
    nacks: u8,
}

/// One SSRC's packets, by 48-bit index.
#[derive(Debug)]
pub struct Order<P> {
    config: OrderConfig,
    next: Option<u64>,
    held: BTreeMap<u64, P>,
    missing: BTreeMap<u64, Missing>,
}

impl<P> Order<P> {
    #[must_use]
    pub fn new(config: OrderConfig) -> Self {
        Self { config, next: None, held: BTreeMap::new(), missing: BTreeMap::new() }
    }

    /// The next index that is awaited.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.next
    }

    /// Index of a retransmitted packet, of which only the low 16 bits are known: the one nearest to what is awaited.
    #[must_use]
    pub fn extend(&self, sequence: u16) -> Option<u64> {
        let near = self.next?;
        near.checked_add_signed(i64::from(sequence.wrapping_sub(near as u16) as i16))
    }

    /// Whether this is the packet that is awaited and nothing waits behind it; then it counts as taken, and the caller
    /// need not copy it. The way of nearly every packet.
    pub fn pass(&mut self, index: u64) -> bool {
        let passes = self.held.is_empty() && self.missing.is_empty() && self.next.is_none_or(|n| n == index);
        if passes {
            self.next = Some(index + 1);
        }
        passes
    }

    /// Takes a packet. Returns whether it had been missing (and comes in time).
    pub fn push(&mut self, index: u64, packet: P, now: Instant, mut out: impl FnMut(Step<'_, P>)) -> bool {
        let next = *self.next.get_or_insert(index);
        if index < next {
            return false;
        }
        if index - next > MAX_SPAN {
            self.held.clear();
            self.missing.clear();
            self.next = Some(index + 1);
            out(Step::Jump);
            out(Step::Packet(&packet));
            return false;
        }
        let from = self.held.last_key_value().map_or(next, |(last, _)| last + 1);
        for gap in from..index {
            self.missing.insert(gap, Missing { since: now, asked: now - NACK_AGAIN + FIRST_NACK, nacks: 0 });
        }
        let recovered = self.missing.remove(&index).is_some();
        self.held.insert(index, packet);
        self.drain(&mut out);
        recovered
    }

    fn drain(&mut self, out: &mut impl FnMut(Step<'_, P>)) {
        while let Some(next) = self.next
            && let Some(packet) = self.held.remove(&next)
        {
            self.next = Some(next + 1);
            out(Step::Packet(&packet));
        }
    }

    /// Gives up what has been missing for too long. Returns what to ask for now.
    pub fn due(&mut self, now: Instant, mut out: impl FnMut(Step<'_, P>)) -> Vec<u16> {
        while let Some((&first, missing)) = self.missing.first_key_value()
            && now.duration_since(missing.since) >= self.config.patience
        {
            // All up to the next packet that is there go with it: they are older than what follows.
            let until = self.held.first_key_value().map_or(first + 1, |(index, _)| *index);
            self.missing = self.missing.split_off(&until);
            self.next = Some(until);
            out(Step::Lost(until - first));
            self.drain(&mut out);
        }
        let mut ask = Vec::new();
        if self.config.nack {
            for (index, missing) in &mut self.missing {
                if missing.nacks < MAX_NACKS && now.duration_since(missing.asked) >= NACK_AGAIN {
                    missing.asked = now;
                    missing.nacks += 1;
                    ask.push(*index as u16);
                }
            }
        }
        ask
    }

    /// When [`Self::due`] has something to do; none while nothing is missing.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let (_, first) = self.missing.first_key_value()?;
        let give_up = first.since + self.config.patience;
        let ask = self.missing.values().filter(|m| self.config.nack && m.nacks < MAX_NACKS);
        ask.map(|m| m.asked + NACK_AGAIN).min().map_or(Some(give_up), |at| Some(at.min(give_up)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONFIG: OrderConfig = OrderConfig { nack: true, patience: Duration::from_millis(400) };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn collect<'a>(out: &'a mut Vec<String>) -> impl FnMut(Step<'_, u64>) + 'a {
        |step| {
            out.push(match step {
                Step::Packet(p) => p.to_string(),
                Step::Lost(count) => format!("lost {count}"),
                Step::Jump => "jump".into(),
            });
        }
    }

    #[test]
    fn a_gap_is_asked_for_filled_and_given_up() {
        let start = Instant::now();
        let mut order = Order::new(CONFIG);
        let mut out = Vec::new();
        for index in [10, 11, 14, 15] {
            order.push(index, index, start, collect(&mut out));
        }
        assert_eq!(out, ["10", "11"]);
        assert!(order.due(start, |_| ()).is_empty(), "perhaps only reordered");
        assert_eq!(order.next_due(), Some(start + ms(10)));
        assert_eq!(order.due(start + ms(10), |_| ()), [12, 13]);
        assert!(order.due(start + ms(50), |_| ()).is_empty());
        assert_eq!(order.extend(13), Some(13));
        assert!(order.push(13, 13, start + ms(60), collect(&mut out)));
        assert_eq!(order.due(start + ms(70), |_| ()), [12]);
        assert_eq!(order.due(start + ms(400), collect(&mut out)), [] as [u16; 0]);
        assert_eq!(out, ["10", "11", "lost 1", "13", "14", "15"]);
        assert_eq!(order.next_due(), None);
        assert!(!order.push(12, 12, start, collect(&mut out)), "too late");
    }

    #[test]
    fn a_jump_is_not_loss() {
        let now = Instant::now();
        let mut order = Order::new(CONFIG);
        let mut out = Vec::new();
        order.push(5, 5, now, collect(&mut out));
        order.push(7, 7, now, collect(&mut out));
        order.push(5_000, 5_000, now, collect(&mut out));
        order.push(5_001, 5_001, now, collect(&mut out));
        assert_eq!(out, ["5", "jump", "5000", "5001"]);
        assert_eq!(order.extend(0xffff), None, "before the beginning");
        assert!(order.pass(5_002) && !order.pass(5_002) && !order.pass(5_004));
    }

    #[test]
    fn sequence_numbers_are_extended_across_a_wrap() {
        let mut order = Order::new(CONFIG);
        order.push(0x1_0002, (), Instant::now(), |_| ());
        assert_eq!(order.extend(0xfffe), Some(0xfffe));
        assert_eq!(order.extend(4), Some(0x1_0004));
    }

    proptest! {
        #[test]
        fn whatever_arrives_comes_out_in_order_and_all_is_accounted_for(
            arrivals in proptest::collection::vec((0..300_u64, 0..50_u64), 1..300),
        ) {
            let mut now = Instant::now();
            let mut order = Order::new(CONFIG);
            let (mut last, mut first, mut packets, mut lost) = (None, None, 0, 0);
            for (index, wait) in arrivals {
                now += ms(wait);
                let mut take = |step: Step<'_, u64>| match step {
                    Step::Packet(p) => {
                        assert!(last.is_none_or(|l| *p > l));
                        first = first.or(Some(*p));
                        last = Some(*p);
                        packets += 1;
                    }
                    Step::Lost(count) => lost += count,
                    Step::Jump => unreachable!("all within the span"),
                };
                if order.pass(index) {
                    take(Step::Packet(&index));
                } else {
                    order.push(index, index, now, &mut take);
                }
                order.due(now, &mut take);
            }
            prop_assert_eq!(order.next().unwrap() - first.unwrap(), packets + lost);
        }
    }
}
