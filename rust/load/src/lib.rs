//! Load endpoints: thousands of real WebRTC clients in one process.
pub fn cli() -> anyhow::Result<()> {
    Ok(())
}
