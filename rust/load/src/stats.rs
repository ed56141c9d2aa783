//! Counters and histograms. Each thread has its own; they are added up for the report.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// Buckets an octave: a percentile is at most 1/32 too high.
const SUB: u64 = 32;
const BUCKETS: usize = 1024;

/// Durations in microseconds, up to about an hour, within 3 %.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

/// What a report says of a histogram, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Summary {
    pub count: u64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

fn bucket(micros: u64) -> usize {
    if micros < SUB {
        return micros as usize;
    }
    let octave = u64::from(63 - micros.leading_zeros()) - 5;
    ((octave * SUB + (micros >> octave)) as usize).min(BUCKETS - 1)
}

/// Largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB {
        return bucket;
    }
    let octave = bucket / SUB - 1;
    ((bucket - octave * SUB + 1) << octave) - 1
}

impl Histogram {
    pub fn add(&mut self, value: Duration) {
        self.add_micros(value.as_micros() as u64);
    }

    pub fn add_micros(&mut self, micros: u64) {
        if self.buckets.is_empty() {
            self.buckets = vec![0; BUCKETS];
        }
        self.buckets[bucket(micros)] += 1;
        self.count += 1;
        self.max = self.max.max(micros);
    }

    pub fn merge(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
        } else {
            self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Value that `share` (0 to 1) of all do not exceed, milliseconds; 0 when empty.
    #[must_use]
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let target = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (i, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= target {
                return upper(i).min(self.max) as f64 / 1000.0;
            }
        }
        0.0
    }

    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            count: self.count,
            p50: self.percentile_ms(0.5),
            p95: self.percentile_ms(0.95),
            p99: self.percentile_ms(0.99),
            max: self.max as f64 / 1000.0,
        }
    }
}

macro_rules! totals {
    ($($(#[$note:meta])* $name:ident),* $(,)?) => {
        /// What clients counted since the start.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
        pub struct Counters {
            $($(#[$note])* pub $name: u64,)*
        }

        impl Counters {
            pub fn merge(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

totals! {
    /// Viewers that were opened, got DTLS done, showed a first frame, ended by an error.
    viewers, connected, pictured, viewers_failed,
    publishers, publishers_connected, publishers_failed,
    /// Datagrams and bytes received; own sockets' drops (SO_RXQ_OVFL).
    datagrams_in, bytes_in, own_drops,
    /// Datagrams to an address of a shared socket that no client has: of clients that have left.
    strays,
    video_packets, audio_packets, rtx_packets, padding_packets,
    /// Packets that a later one overtook or that a retransmission brought in time.
    recovered,
    /// Packets given up.
    video_lost, audio_lost,
    /// Frames that a decoder could show, and frames that came whole but that it could not show.
    frames, undecodable,
    /// Frames whose bytes are a frame of one of our clips.
    frames_known,
    keyframes, nacks, plis,
    /// Gaps of over 300 ms (or 1.5 frame intervals) between two frames, lines without a frame for a second at the end of the run.
    freezes, stalled,
    /// Cuts that should have shown, and those that did not within 5 s.
    cuts, cuts_missed,
    /// Datagrams that SRTP or the transport refused.
    forged, replayed, refused,
    /// As publishers.
    frames_sent, packets_sent, bytes_sent, send_blocked, rtx_sent, nacks_got, plis_got,
    /// Frames that this process sent over 50 ms late or, over a second, not at all.
    late_frames,
}

/// Counters, histograms, and what should never have happened.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    pub counters: Counters,
    /// First request (or, where there is none, opening) to connected; to the first decodable frame.
    pub connect: Histogram,
    pub join: Histogram,
    /// Cut to the first decodable frame of the new source.
    pub cut: Histogram,
    /// Lengths of freezes.
    pub freeze: Histogram,
    /// Sending moment to arrival of whole frames of our clips, modulo the loop.
    pub transit: Histogram,
    /// By name: breaches of what the node promises.
    pub violations: BTreeMap<&'static str, u64>,
    /// Viewers by the SRTP profile they agreed on.
    pub profiles: BTreeMap<&'static str, u64>,
    /// Datagrams refused by viewers, by reason (`DropReason::code`).
    pub refusals: BTreeMap<&'static str, u64>,
}

impl Stats {
    pub fn violation(&mut self, name: &'static str) {
        *self.violations.entry(name).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        self.counters.merge(&other.counters);
        for (mine, theirs) in [
            (&mut self.connect, &other.connect),
            (&mut self.join, &other.join),
            (&mut self.cut, &other.cut),
            (&mut self.freeze, &other.freeze),
            (&mut self.transit, &other.transit),
        ] {
            mine.merge(theirs);
        }
        for (name, count) in &other.violations {
            *self.violations.entry(name).or_default() += count;
        }
        for (name, count) in &other.refusals {
            *self.refusals.entry(name).or_default() += count;
        }
        for (name, count) in &other.profiles {
            *self.profiles.entry(name).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_percentile_is_at_most_a_thirty_second_too_high(mut values in proptest::collection::vec(0..3_000_000_000_u64, 1..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|v| histogram.add_micros(*v));
            values.sort_unstable();
            for share in [0.5, 0.95, 1.0] {
                let exact = values[((values.len() as f64 * share).ceil() as usize).max(1) - 1] as f64 / 1000.0;
                let got = histogram.percentile_ms(share);
                prop_assert!(got >= exact - 1e-9 && got <= exact * (1.0 + 1.0 / 31.0) + 1e-9, "{got} for {exact}");
            }
        }
    }

    #[test]
    fn buckets_are_in_order_and_cover_everything() {
        for i in 0..BUCKETS - 1 {
            assert_eq!(bucket(upper(i)), i);
            assert_eq!(bucket(upper(i) + 1), i + 1);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        let mut both = Histogram::default();
        let mut one = Histogram::default();
        one.add_micros(10);
        both.merge(&one);
        both.merge(&one);
        assert_eq!((both.count(), both.summary().max), (2, 0.01));
        assert_eq!(Histogram::default().summary(), Summary::default());
    }
}
