//! Load endpoints: thousands of real WebRTC clients in one process, and a bad network to put before them.
//!
//! `docs/load.md` says how to use them and what their figures mean.

pub mod clips;
pub mod net;
pub mod packetize;
pub mod stats;
pub mod sys;
pub mod watch;

/// Runs the executable.
///
/// # Errors
/// What went wrong, for people.
pub fn cli() -> anyhow::Result<()> {
    Ok(())
}
