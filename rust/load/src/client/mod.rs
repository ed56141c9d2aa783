//! One WebRTC client each, without threads of its own: a viewer or a publisher, over a socket of its own or a shared one.

mod arrivals;
mod link;
mod offer;
mod outgoing;
mod publisher;
mod shared;
mod socket;
mod viewer;

pub use link::{ClientError, Identity, Link, Reach, Remote};
pub use offer::{Offer, PublisherAnswer, publisher_offer, viewer_answer, viewer_offer};
pub use publisher::{Publisher, PublisherConfig};
pub use shared::{LEAST_BUFFER, Parcel, Seat, Shared};
pub use viewer::{Viewer, ViewerConfig};

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub now: Instant,
    /// Unix time, microseconds.
    pub unix_us: u64,
}

/// The wall clock as it was at the start, carried on by the monotonic one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    unix_us: u64,
}

impl Clock {
    /// Reads both clocks.
    #[must_use]
    pub fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), unix_us: unix.as_micros() as u64 }
    }

    #[must_use]
    pub fn now(&self) -> Moment {
        self.at(Instant::now())
    }

    /// The wall clock at `now`.
    #[must_use]
    pub fn at(&self, now: Instant) -> Moment {
        let since = now.saturating_duration_since(self.start).as_micros() as u64;
        Moment { now, unix_us: self.unix_us + since }
    }

    /// The moment of a Unix time, milliseconds; now at the latest.
    #[must_use]
    pub fn instant_of_ms(&self, unix_ms: u64) -> Instant {
        let Moment { now, unix_us } = self.now();
        let ago = unix_us.saturating_sub(unix_ms * 1000);
        now.checked_sub(std::time::Duration::from_micros(ago)).unwrap_or(self.start)
    }
}
