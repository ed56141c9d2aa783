//! The receiving side.

use super::{MasterKey, SrtpError, SrtpProfile};

/// Most SSRCs one session keeps a replay window for; further ones are refused.
pub const MAX_RX_SSRCS: usize = 128;

/// Checks and opens what one connection receives.
pub struct SrtpRx {
    profile: SrtpProfile,
}

impl SrtpRx {
    /// With `rtp` false only SRTCP is received (a viewer's server), which saves a key schedule.
    pub fn new(key: &MasterKey, _rtp: bool) -> Self {
        Self { profile: key.profile() }
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Opens an SRTP packet in place: the header stays, the payload behind it is decrypted (padding is part of
    /// it). Returns the length of the RTP packet and its 48-bit index.
    pub fn unprotect_rtp(&mut self, _packet: &mut [u8]) -> Result<(usize, u64), SrtpError> {
        todo!()
    }

    /// Opens an SRTCP packet in place. Returns the length of the compound RTCP packet.
    pub fn unprotect_rtcp(&mut self, _packet: &mut [u8]) -> Result<usize, SrtpError> {
        todo!()
    }
}
