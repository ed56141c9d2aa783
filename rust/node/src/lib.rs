//! The media node: sockets and threads around `diemcau-core`.
pub mod mail;
pub mod sys;

pub fn cli() -> anyhow::Result<()> {
    Ok(())
}
