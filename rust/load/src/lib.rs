//! Load endpoints: thousands of real WebRTC clients in one process, and a bad network to put before them.
//!
//! `docs/load.md` says how to use them and what their figures mean.

pub mod client;
pub mod clips;
pub mod decode;
pub mod direct;
pub mod endpoints;
pub mod engine;
pub mod net;
pub mod packetize;
pub mod progress;
pub mod report;
pub mod sites;
pub mod sizes;
pub mod stats;
pub mod sys;
pub mod via;
pub mod watch;

mod cli;

pub use cli::cli;
