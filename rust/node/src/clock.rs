//! The node's one clock: `Instant`s as the core's time, and what that is on the wall.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diemcau_core::{Time, WallClock};

/// Shared by all threads; copying it is cheap.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: WallClock,
}

impl Clock {
    /// Time zero is now.
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_micros = u64::try_from(unix.as_micros()).unwrap_or(u64::MAX);
        Self { start: Instant::now(), wall: WallClock { unix_micros } }
    }

    pub fn wall(&self) -> WallClock {
        self.wall
    }

    pub fn time(&self, at: Instant) -> Time {
        let micros = at.saturating_duration_since(self.start).as_micros();
        Time::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    pub fn now(&self) -> Time {
        self.time(Instant::now())
    }
}

/// Unix time, milliseconds, as events carry it.
pub fn unix_millis() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}
