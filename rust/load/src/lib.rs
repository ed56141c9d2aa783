//! Load endpoints: thousands of real WebRTC clients in one process, and a bad network to put before them.
//!
//! `docs/load.md` says how to use them and what their figures mean.

pub mod net;
pub mod sys;

/// Runs the executable.
///
/// # Errors
/// What went wrong, for people.
pub fn cli() -> anyhow::Result<()> {
    Ok(())
}
