//! Transport-wide feedback of a receiver: when the packets arrived that carry a transport-wide number.

use std::time::{Duration, Instant};

use diemcau_wire::rtcp::RtcpWriter;

/// How long arrivals are gathered before they are told.
const GATHER: Duration = Duration::from_millis(50);
/// Most numbers in one feedback, so that it fits a datagram with other reports.
const MOST: usize = 128;

/// See the module.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Number and arrival, microseconds since `epoch`.
    list: Vec<(u16, u64)>,
    epoch: Option<Instant>,
    due: Option<Instant>,
    count: u8,
}

impl Arrivals {
    pub fn note(&mut self, number: u16, now: Instant) {
        let epoch = *self.epoch.get_or_insert(now);
        if self.list.len() < MOST {
            self.list.push((number, now.duration_since(epoch).as_micros() as u64));
            self.due.get_or_insert(now + GATHER);
        }
    }

    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.list.len() >= MOST / 2 { self.epoch } else { self.due }
    }

    /// Writes what is due.
    pub fn write(&mut self, writer: &mut RtcpWriter<'_>, (own, media): (u32, u32), now: Instant) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        self.due = None;
        let list = std::mem::take(&mut self.list);
        let Some(base) = list.iter().map(|(number, _)| *number).min_by_key(|number| {
            // Lowest on the circle of numbers, seen from the first.
            number.wrapping_sub(list[0].0).cast_signed()
        }) else {
            return;
        };
        let mut arrivals: Vec<Option<u64>> = Vec::new();
        for (number, at) in list {
            let place = usize::from(number.wrapping_sub(base));
            if place < 2 * MOST {
                arrivals.resize(arrivals.len().max(place + 1), None);
                arrivals[place] = Some(at);
            }
        }
        // What does not fit is lost, as a feedback packet may be.
        let _ = writer.transport_feedback(own, media, self.count, base, &arrivals);
        self.count = self.count.wrapping_add(1);
    }
}
