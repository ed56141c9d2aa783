//! Measuring a viewer's line with padding: short trains, and trials at the rate of a rung.
//!
//! A *train* is a few packets back to back. They leave the narrowest place of the path spaced by the time each takes
//! there, whatever else it carries, so their arrival times (transport-wide feedback) give its rate for the price of two
//! kilobytes. A *trial* sends at a rung's rate for a while and fails as soon as packets take longer and longer.

use std::time::Duration;

use crate::time::Time;

/// Bytes of padding of one packet: the most that RTP's count can say (RFC 3550 §5.1).
pub const PADDING: u8 = 255;
/// What one takes on the line: IPv4, UDP, RTP, extensions, tag.
pub const PACKET_BYTES: u64 = 28 + 12 + 12 + PADDING as u64 + 16;
/// Packets of a train; on a rung without pictures fewer.
pub const TRAIN: u16 = 6;
pub const SHORT_TRAIN: u16 = 4;
/// A trial lasts this long, and its last feedback may take as long again.
pub const TRIAL: Duration = Duration::from_millis(600);
const LAST_FEEDBACK: Duration = Duration::from_millis(500);
/// Packets that take this much longer than the first stand in a queue, microseconds.
const QUEUED: i64 = 120_000;
/// Most packets a turn of a trial sends, and most that are remembered.
pub const BURST: u16 = 64;
const REMEMBERED: usize = 512;
/// Transport-wide feedback counts quarters of a millisecond.
const RESOLUTION: i64 = 250;

/// The measuring of one viewer's line.
#[derive(Debug)]
pub struct Probe {
    /// Transport-wide number of the next packet.
    next: u16,
    /// When packet `n` was sent, microseconds; by `n % REMEMBERED`.
    sent: Box<[(u16, u64)]>,
    train: Option<Train>,
    trial: Option<Trial>,
    /// Any feedback ever came.
    pub heard: bool,
    /// Trains sent without an answer since the last.
    pub unanswered: u8,
}

#[derive(Debug, Clone, Copy)]
struct Train {
    first: u16,
    count: u16,
    arrived: u16,
    from: i64,
    to: i64,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    rung: u8,
    rate: u64,
    started: Time,
    last: Time,
    sent: u32,
    arrived: u32,
    /// Least time on the way, by the two clocks' unknown difference.
    fastest: Option<i64>,
    failed: bool,
}

/// What a look at the clock asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is being tried.
    Idle,
    /// Send so many packets now (perhaps none).
    Send(u16),
    /// The trial of a rung is over.
    Tried { rung: u8, holds: bool },
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            next: 0,
            sent: vec![(0, u64::MAX); REMEMBERED].into_boxed_slice(),
            train: None,
            trial: None,
            heard: false,
            unanswered: 0,
        }
    }
}

impl Probe {
    /// The number of a packet that is sent now.
    pub fn number(&mut self, now: Time) -> u16 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.sent[usize::from(number) % REMEMBERED] = (number, now.micros());
        if let Some(trial) = &mut self.trial {
            trial.sent += 1;
        }
        number
    }

    /// A train of so many packets is about to be sent. Answers what the one before measured, bit/s.
    pub fn train(&mut self, count: u16) -> Option<u64> {
        let measured = self.train.as_ref().and_then(Train::rate);
        match measured {
            Some(_) => self.unanswered = 0,
            None if self.train.is_some() => self.unanswered = self.unanswered.saturating_add(1),
            None => {}
        }
        self.train = Some(Train { first: self.next, count, arrived: 0, from: i64::MAX, to: i64::MIN });
        measured
    }

    /// Begins the trial of a rung at so many bit/s of padding.
    pub fn begin(&mut self, rung: u8, rate: u64, now: Time) {
        self.train = None;
        self.trial = Some(Trial {
            rung,
            rate,
            started: now,
            last: now,
            sent: 0,
            arrived: 0,
            fastest: None,
            failed: false,
        });
    }

    #[must_use]
    pub fn is_trying(&self) -> bool {
        self.trial.is_some()
    }

    /// A packet arrived, by the receiver's clock, microseconds.
    pub fn arrived(&mut self, number: u16, at: i64) {
        self.heard = true;
        let (known, sent) = self.sent[usize::from(number) % REMEMBERED];
        if known != number || sent == u64::MAX {
            return;
        }
        // Once each.
        self.sent[usize::from(number) % REMEMBERED].1 = u64::MAX;
        if let Some(train) = &mut self.train
            && number.wrapping_sub(train.first) < train.count
        {
            train.arrived += 1;
            train.from = train.from.min(at);
            train.to = train.to.max(at);
        }
        if let Some(trial) = &mut self.trial
            && sent >= trial.started.micros()
        {
            trial.arrived += 1;
            let took = at.saturating_sub(sent.cast_signed());
            let fastest = trial.fastest.map_or(took, |fastest| fastest.min(took));
            trial.fastest = Some(fastest);
            trial.failed |= took - fastest > QUEUED;
        }
    }

    /// What is due of a trial. Call every 50 ms or so while [`Self::is_trying`].
    pub fn turn(&mut self, now: Time) -> Turn {
        let Some(trial) = &mut self.trial else { return Turn::Idle };
        let gone = now.since(trial.started);
        if trial.failed || gone >= TRIAL + LAST_FEEDBACK {
            // A third may be missing: a line that loses is not a full line.
            let holds = !trial.failed && trial.arrived > 0 && trial.arrived * 3 >= trial.sent * 2;
            let rung = trial.rung;
            self.trial = None;
            return Turn::Tried { rung, holds };
        }
        if gone > TRIAL {
            return Turn::Send(0);
        }
        let span = now.since(trial.last).as_micros() as u64;
        let packets = trial.rate.saturating_mul(span) / 8_000_000 / PACKET_BYTES;
        trial.last = now;
        Turn::Send(u16::try_from(packets).unwrap_or(BURST).clamp(1, BURST))
    }
}

impl Train {
    /// What the narrowest place carries, bit/s; none where too few arrived.
    fn rate(&self) -> Option<u64> {
        if self.arrived < 3 || u32::from(self.arrived) * 3 < u32::from(self.count) * 2 {
            return None;
        }
        let took = (self.to - self.from).max(RESOLUTION) as u64;
        Some(u64::from(self.arrived - 1) * PACKET_BYTES * 8_000_000 / took)
    }
}
