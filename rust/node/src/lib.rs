//! The media node: sockets and threads around `diemcau-core`.
pub fn cli() -> anyhow::Result<()> {
    Ok(())
}
