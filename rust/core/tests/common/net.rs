//! A network that loses, delays, reorders and doubles, by seed.

use std::collections::BTreeMap;
use std::time::Duration;

use diemcau_core::Time;

use super::Random;

#[derive(Debug, Clone, Copy)]
pub struct Path {
    pub loss: f64,
    pub double: f64,
    pub delay: Duration,
    /// Evenly spread on top; packets overtake each other.
    pub jitter: Duration,
}

impl Path {
    pub const CLEAN: Self =
        Self { loss: 0.0, double: 0.0, delay: Duration::from_millis(10), jitter: Duration::ZERO };
}

#[derive(Debug)]
pub struct Net<T> {
    pub path: Path,
    random: Random,
    flying: BTreeMap<(Time, u64), T>,
    count: u64,
}

impl<T: Clone> Net<T> {
    pub fn new(path: Path, seed: u64) -> Self {
        Self { path, random: Random::new(seed), flying: BTreeMap::new(), count: 0 }
    }

    /// False: lost.
    pub fn send(&mut self, item: T, now: Time) -> bool {
        if self.random.chance(self.path.loss) {
            return false;
        }
        let copies = 1 + usize::from(self.random.chance(self.path.double));
        for _ in 0..copies {
            let jitter = self.random.below(self.path.jitter.as_micros() as u64 + 1);
            self.put(item.clone(), now + self.path.delay + Duration::from_micros(jitter));
        }
        true
    }

    /// Delivers at a given time, for certain.
    pub fn put(&mut self, item: T, at: Time) {
        self.count += 1;
        self.flying.insert((at, self.count), item);
    }

    pub fn arrived(&mut self, now: Time) -> Vec<T> {
        let later = self.flying.split_off(&(now + Duration::from_micros(1), 0));
        std::mem::replace(&mut self.flying, later).into_values().collect()
    }
}
