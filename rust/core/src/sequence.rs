//! Extends 16-bit sequence numbers and tells what is new, late, double, or another stream (RFC 3550 appendix A.1).

/// Numbers behind the newest that are still taken.
pub const WINDOW: u64 = 1_024;
/// A step forward beyond this must be confirmed by the packet after it.
pub const MAX_STEP: u16 = 1_000;

const WORDS: usize = WINDOW as usize / 64;

/// What became of a number; values are extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Newest(u64),
    Late(u64),
    /// The publisher began anew: the first number of its new stream.
    Anew(u64),
    Duplicate,
    /// Perhaps it begins anew: not taken, the next will tell.
    Leap,
}

/// The numbers of one source.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    /// Newest number, extended; none before the first.
    newest: Option<u64>,
    /// What to subtract modulo 2^16 from an extended number to get the publisher's.
    shift: u16,
    /// Number `n` was taken: bit `n % WINDOW`, for the last WINDOW numbers.
    seen: [u64; WORDS],
    confirm: Option<u16>,
}

impl Sequence {
    pub fn take(&mut self, number: u16) -> Taken {
        let Some(newest) = self.newest else {
            // Far enough from zero for everything late.
            return Taken::Newest(self.begin(number, u64::from(number) + (1 << 16)));
        };
        let step = number.wrapping_sub((newest as u16).wrapping_sub(self.shift));
        if step == 0 {
            return Taken::Duplicate;
        }
        if step <= MAX_STEP {
            self.confirm = None;
            let seq = newest + u64::from(step);
            for skipped in newest + 1..=seq {
                self.mark(skipped, skipped == seq);
            }
            self.newest = Some(seq);
            return Taken::Newest(seq);
        }
        let behind = u64::from(step.wrapping_neg());
        if behind < WINDOW {
            let seq = newest - behind;
            if self.seen[word(seq)] & bit(seq) != 0 {
                return Taken::Duplicate;
            }
            self.mark(seq, true);
            return Taken::Late(seq);
        }
        if self.confirm == Some(number) {
            // Beyond the window, so that stragglers of the new stream meet no number of the old one.
            return Taken::Anew(self.begin(number, newest + WINDOW + 1));
        }
        self.confirm = Some(number.wrapping_add(1));
        Taken::Leap
    }

    fn begin(&mut self, number: u16, seq: u64) -> u64 {
        self.newest = Some(seq);
        self.shift = (seq as u16).wrapping_sub(number);
        self.seen = [0; WORDS];
        self.confirm = None;
        self.mark(seq, true);
        seq
    }

    fn mark(&mut self, seq: u64, taken: bool) {
        if taken {
            self.seen[word(seq)] |= bit(seq);
        } else {
            self.seen[word(seq)] &= !bit(seq);
        }
    }
}

fn word(seq: u64) -> usize {
    (seq % WINDOW / 64) as usize
}

fn bit(seq: u64) -> u64 {
    1 << (seq % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_extend_across_the_wrap_and_late_ones_find_their_place() {
        let mut sequence = Sequence::default();
        let Taken::Newest(first) = sequence.take(65_534) else { panic!() };
        assert_eq!(sequence.take(1), Taken::Newest(first + 3));
        assert_eq!(sequence.take(65_535), Taken::Late(first + 1));
        assert_eq!(sequence.take(65_535), Taken::Duplicate);
        assert_eq!(sequence.take(1), Taken::Duplicate);
        assert_eq!(sequence.take(0), Taken::Late(first + 2));
        assert_eq!(sequence.take(65_533), Taken::Late(first - 1), "from before the first");
    }

    #[test]
    fn a_leap_is_taken_when_the_next_packet_confirms_it() {
        let mut sequence = Sequence::default();
        let Taken::Newest(first) = sequence.take(100) else { panic!() };
        assert_eq!(sequence.take(30_000), Taken::Leap);
        assert_eq!(sequence.take(101), Taken::Newest(first + 1), "a stray packet changes nothing");
        assert_eq!(sequence.take(30_000), Taken::Leap);
        let Taken::Anew(anew) = sequence.take(30_001) else { panic!() };
        assert!(anew > first + WINDOW);
        assert_eq!(sequence.take(30_002), Taken::Newest(anew + 1));
        assert_eq!(sequence.take(30_000), Taken::Late(anew - 1));
    }

    #[test]
    fn a_number_is_taken_once_however_often_it_comes() {
        let mut sequence = Sequence::default();
        let mut taken = std::collections::HashSet::new();
        let mut state = 7_u32;
        for step in 0..200_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (step / 3) as u16;
            match sequence.take(number.wrapping_sub((state >> 24) as u16)) {
                Taken::Newest(seq) | Taken::Late(seq) | Taken::Anew(seq) => assert!(taken.insert(seq)),
                _ => {}
            }
        }
    }
}
