//! The sending side.

use super::{MasterKey, SrtpError, SrtpProfile};

/// Names a line (one SSRC) that was added to an [`SrtpTx`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TxLine(u16);

/// Protects what one connection sends. Owned by one worker; `&mut` because it remembers which nonces are used.
pub struct SrtpTx {
    profile: SrtpProfile,
}

impl SrtpTx {
    pub fn new(key: &MasterKey) -> Self {
        Self { profile: key.profile() }
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Declares an SSRC that will be sent, once; at most 1,024. With `repeats` the last eight packets may be
    /// sent again by [`SrtpTx::protect_rtp_again`] (costs 128 bytes and a hash a packet: for audio lines).
    pub fn add_line(&mut self, _ssrc: u32, _repeats: bool) -> Result<TxLine, SrtpError> {
        todo!()
    }

    /// Protects a new packet in place. `index` is roll-over counter << 16 | sequence number, and must be greater
    /// than any before on this line; it starts with a roll-over counter of zero (the receiver assumes so), best
    /// with a sequence number below 32,768. `buf[..len]` is the packet, `header_len` its header with CSRCs and
    /// extensions; there must be room behind it for [`SrtpProfile::rtp_overhead`]. Returns the new length.
    pub fn protect_rtp(
        &mut self,
        _line: TxLine,
        _index: u64,
        _header_len: usize,
        _buf: &mut [u8],
        _len: usize,
    ) -> Result<usize, SrtpError> {
        todo!()
    }

    /// Protects one of the last eight packets of a line again, which gives the identical ciphertext. Refused
    /// with [`SrtpError::NonceReuse`] unless `buf[..len]` is byte for byte what was sent under this index.
    pub fn protect_rtp_again(
        &mut self,
        _line: TxLine,
        _index: u64,
        _header_len: usize,
        _buf: &mut [u8],
        _len: usize,
    ) -> Result<usize, SrtpError> {
        todo!()
    }

    /// Protects a compound RTCP packet in place under the next SRTCP index. Needs
    /// [`SrtpProfile::rtcp_overhead`] bytes of room behind it. Returns the new length.
    pub fn protect_rtcp(&mut self, _buf: &mut [u8], _len: usize) -> Result<usize, SrtpError> {
        todo!()
    }
}
