//! `diemcau-load net`: a bad network between clients (browsers too) and a node, the same every time by its seed.

mod conditions;
mod fate;
mod proxy;

pub use conditions::{Burst, Conditions, Direction, Outage, Profile};
pub use fate::{Fate, Link};
pub use proxy::{Emulator, NetStats, Route};
