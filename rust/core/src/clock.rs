//! Clocks: the node's wall clock, and where a publisher's timestamps lie on the node's time.

use std::time::Duration;

use crate::time::Time;

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_UNIX: u64 = 2_208_988_800;

/// What the node's time is on the wall, for sender reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// Unix time of [`Time::ZERO`], microseconds.
    pub unix_micros: u64,
}

impl WallClock {
    /// NTP timestamp, 32.32 fixed point (RFC 3550 §4).
    #[must_use]
    pub fn ntp(&self, at: Time) -> u64 {
        let micros = self.unix_micros.wrapping_add(at.micros());
        let seconds = (micros / 1_000_000).wrapping_add(NTP_UNIX) & 0xffff_ffff;
        (seconds << 32) | (((micros % 1_000_000) << 32) / 1_000_000)
    }
}

/// A publisher's NTP clock against the node's time: one for all tracks of a connection, so that its lips and its voice
/// are placed alike. One-way delay cannot be known; the fastest report or packet counts as having taken no time, which
/// also makes publishers on slow and fast paths meet at the node as the node sees them.
#[derive(Debug, Clone, Default)]
pub struct PublisherClock {
    offset: WindowedMin,
}

impl PublisherClock {
    /// Something captured at `ntp_micros` of the publisher's clock arrived now.
    pub fn observe(&mut self, ntp_micros: i64, arrival: Time) {
        self.offset.add(arrival.micros().cast_signed().saturating_sub(ntp_micros), arrival);
    }

    /// Node time minus publisher time, microseconds.
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        self.offset.get()
    }
}

/// Minimum over the last 10 to 20 s: follows a drifting clock, ignores jitter.
#[derive(Debug, Clone, Default)]
struct WindowedMin {
    now: Option<i64>,
    before: Option<i64>,
    began: Time,
}

const WINDOW: Duration = Duration::from_secs(10);

impl WindowedMin {
    fn add(&mut self, value: i64, at: Time) {
        let passed = at.since(self.began);
        if passed >= WINDOW {
            self.before = self.now.take().filter(|_| passed < 2 * WINDOW);
            self.began = at;
        }
        self.now = Some(self.now.map_or(value, |now| now.min(value)));
    }

    fn get(&self) -> Option<i64> {
        match (self.now, self.before) {
            (Some(now), Some(before)) => Some(now.min(before)),
            (now, before) => now.or(before),
        }
    }
}

/// Where the timestamps of one stream lie on the node's time. Before the first sender report it goes by arrival; then
/// by the report and the [`PublisherClock`]. It moves to what it learns at [`SLEW`], never by a jump, unless the
/// difference is beyond [`STEP`] (a clock that was set).
#[derive(Debug, Clone)]
pub struct StreamClock {
    rate: u32,
    /// Highest timestamp seen, unwrapped.
    last: Option<i64>,
    /// Node time minus media time, microseconds, as used; and when it was last moved.
    offset: Option<i64>,
    moved: Time,
    /// The same by arrival only.
    arrival: WindowedMin,
    /// Publisher's NTP time minus media time, microseconds, from the last report.
    report: Option<i64>,
}

/// Microseconds the map may move per second: 5 %.
pub const SLEW: i64 = 50_000;
/// Capture times lie at most this long before arrival.
pub const OLDEST: Duration = Duration::from_secs(5);
/// A difference beyond this is taken at once, microseconds.
pub const STEP: i64 = 1_000_000;

impl StreamClock {
    /// `rate` in Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            last: None,
            offset: None,
            moved: Time::ZERO,
            arrival: WindowedMin::default(),
            report: None,
        }
    }

    /// Capture time of a packet, by the node's clock. `publisher` is told of it too.
    pub fn capture(&mut self, timestamp: u32, arrival: Time, publisher: &mut PublisherClock) -> Time {
        let media = self.media(timestamp);
        self.arrival.add(arrival.micros().cast_signed().saturating_sub(media), arrival);
        if let Some(report) = self.report {
            publisher.observe(media.saturating_add(report), arrival);
        }
        let target = match (self.report, publisher.offset()) {
            (Some(report), Some(offset)) => report.saturating_add(offset),
            _ => self.arrival.get().unwrap_or(0),
        };
        let offset = match self.offset {
            Some(offset) if target.saturating_sub(offset).unsigned_abs() <= STEP.unsigned_abs() => {
                let passed = i64::try_from(arrival.since(self.moved).as_micros()).unwrap_or(i64::MAX);
                let most = passed.min(1_000_000) * SLEW / 1_000_000;
                offset + (target - offset).clamp(-most, most)
            }
            _ => target,
        };
        self.offset = Some(offset);
        self.moved = arrival;
        // Nothing is captured after it came, and a clock that says long before is not believed: one publisher's bad
        // clock must not move a line's timestamps where no other can follow.
        let capture = Time::from_micros(u64::try_from(media.saturating_add(offset)).unwrap_or(0));
        capture.clamp(arrival - OLDEST, arrival)
    }

    /// A sender report: `timestamp` is `ntp_micros` (any epoch) of the publisher's clock.
    pub fn report(&mut self, ntp_micros: i64, timestamp: u32) {
        let media = self.media(timestamp);
        self.report = Some(ntp_micros.saturating_sub(media));
    }

    /// Forgets everything: the publisher began its timestamps anew.
    pub fn reset(&mut self) {
        *self = Self::new(self.rate);
    }

    /// Media time since the first timestamp, microseconds; below zero for what is older.
    fn media(&mut self, timestamp: u32) -> i64 {
        let unwrapped = match self.last {
            None => i64::from(timestamp),
            Some(last) => {
                let diff = timestamp.wrapping_sub(last as u32).cast_signed();
                last + i64::from(diff)
            }
        };
        if self.last.is_none_or(|last| unwrapped > last) {
            self.last = Some(unwrapped);
        }
        unwrapped * 1_000_000 / i64::from(self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900_with_a_binary_fraction() {
        let wall = WallClock { unix_micros: 1_000_000 };
        assert_eq!(wall.ntp(Time::from_millis(500)), (2_208_988_801 << 32) | (1 << 31));
    }

    #[test]
    fn a_stream_without_reports_is_placed_by_its_fastest_packet() {
        let (mut clock, mut publisher) = (StreamClock::new(90_000), PublisherClock::default());
        for (frame, jitter) in [(0, 9), (1, 0), (2, 7), (3, 30)] {
            let arrival = Time::from_millis(1_000 + frame * 40 + jitter);
            clock.capture((frame * 3_600) as u32, arrival, &mut publisher);
        }
        let at = clock.capture(200 * 90, Time::from_millis(1_205), &mut publisher);
        // Moving at 5 %, it is on its way from 9 ms to 0.
        assert!((1_200_000..1_205_000).contains(&at.micros()), "{at:?}");
    }

    #[test]
    fn a_hostile_clock_stays_near_arrival() {
        let (mut clock, mut publisher) = (StreamClock::new(48_000), PublisherClock::default());
        for (step, ntp) in [i64::MIN, i64::MAX, 0, -1, i64::MAX / 2].into_iter().enumerate() {
            let arrival = Time::from_millis(100_000 + step as u64 * 60);
            clock.report(ntp, 77);
            let at = clock.capture(step as u32 * 2_880, arrival, &mut publisher);
            assert!(at <= arrival && arrival.since(at) <= OLDEST);
        }
    }
}
