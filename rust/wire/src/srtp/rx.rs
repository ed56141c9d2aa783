//! The receiving side.

use super::cipher::{Cipher, be32};
use super::kdf::Stream;
use super::{MasterKey, SrtpError, SrtpProfile};
use crate::prefetch::prefetch;
use crate::rtp;

/// Most SSRCs one session keeps a replay window for; further ones are refused.
pub const MAX_RX_SSRCS: usize = 128;

/// Checks and opens what one connection receives.
pub struct SrtpRx {
    profile: SrtpProfile,
    rtp: Option<Cipher>,
    rtcp: Cipher,
    rtp_windows: Windows,
    rtcp_windows: Windows,
}

impl SrtpRx {
    /// With `rtp` false only SRTCP is received (a viewer's server), which saves a key schedule.
    pub fn new(key: &MasterKey, rtp: bool) -> Result<Self, SrtpError> {
        Ok(Self {
            profile: key.profile(),
            rtp: if rtp { Some(Cipher::new(key, Stream::Rtp)?) } else { None },
            rtcp: Cipher::new(key, Stream::Rtcp)?,
            rtp_windows: Windows::default(),
            rtcp_windows: Windows::default(),
        })
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Has what opening an RTP packet takes brought near; `self` is read for it.
    pub fn prefetch(&self) {
        if let Some(rtp) = &self.rtp {
            rtp.prefetch();
        }
        prefetch(&*self.rtp_windows.list);
    }

    /// Opens an SRTP packet in place: the header stays, the payload behind it is decrypted (padding is part of
    /// it). Returns the length of the RTP packet and its 48-bit index.
    ///
    /// Fails with `Unexpected`, `Malformed`, `Replay`, `TooManySsrcs` or `Authentication`; a packet that fails
    /// changes no state.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<(usize, u64), SrtpError> {
        let cipher = self.rtp.as_ref().ok_or(SrtpError::Unexpected)?;
        let header_len = rtp::header_len(packet).map_err(|_| SrtpError::Malformed)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = be32(packet, 8);
        let slot = self.rtp_windows.find(ssrc)?;
        let index = slot.map_or(u64::from(sequence), |slot| {
            estimate_index(self.rtp_windows.list[slot].highest, sequence)
        });
        self.rtp_windows.check(slot, index)?;
        let len = cipher.open_rtp(index, header_len, packet)?;
        self.rtp_windows.accept(slot, ssrc, index);
        Ok((len, index))
    }

    /// Opens an SRTCP packet in place. Returns the length of the compound RTCP packet.
    ///
    /// Fails as [`SrtpRx::unprotect_rtp`] does, and with `NotEncrypted`.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let index = self.rtcp.rtcp_index(packet)?;
        let ssrc = be32(packet, 4);
        let slot = self.rtcp_windows.find(ssrc)?;
        self.rtcp_windows.check(slot, u64::from(index))?;
        let len = self.rtcp.open_rtcp(index, packet)?;
        self.rtcp_windows.accept(slot, ssrc, u64::from(index));
        Ok(len)
    }
}

/// The index nearest to the highest one so far that ends in this sequence number (RFC 3711 §3.3.1).
fn estimate_index(highest: u64, sequence: u16) -> u64 {
    let roc = highest >> 16;
    let last = highest as u16;
    let ahead = sequence.wrapping_sub(last);
    let roc = if ahead < 0x8000 {
        // At or ahead of the highest; it may have wrapped.
        if sequence < last { roc + 1 } else { roc }
    } else if sequence > last {
        // Behind the highest, from before its wrap. There is nothing before the first cycle.
        match roc.checked_sub(1) {
            Some(roc) => roc,
            None => return u64::from(sequence),
        }
    } else {
        roc
    };
    // A 48-bit index ends the session; staying inside lets the tag decide.
    (roc << 16 | u64::from(sequence)) & 0xffff_ffff_ffff
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ssrc: u32,
    highest: u64,
    /// Bit n: `highest - n` has been received (RFC 3711 §3.3.2).
    seen: u128,
}

const WINDOW: u64 = u128::BITS as u64;

/// Replay windows of the SSRCs that have sent at least one authentic packet.
#[derive(Debug, Default)]
struct Windows {
    list: Vec<Window>,
    /// Where the last packet's was: most follow one of the same SSRC.
    latest: usize,
}

impl Windows {
    /// Position of an SSRC's window, `None` where it has none yet and there is room for one.
    fn find(&mut self, ssrc: u32) -> Result<Option<usize>, SrtpError> {
        if self.list.get(self.latest).is_some_and(|window| window.ssrc == ssrc) {
            return Ok(Some(self.latest));
        }
        match self.list.iter().position(|window| window.ssrc == ssrc) {
            Some(slot) => Ok(Some(slot)),
            None if self.list.len() >= MAX_RX_SSRCS => Err(SrtpError::TooManySsrcs),
            None => Ok(None),
        }
    }

    fn check(&self, slot: Option<usize>, index: u64) -> Result<(), SrtpError> {
        let Some(slot) = slot else { return Ok(()) };
        let window = &self.list[slot];
        match window.highest.checked_sub(index) {
            Some(age) if age >= WINDOW || window.seen >> age & 1 == 1 => Err(SrtpError::Replay),
            _ => Ok(()),
        }
    }

    /// Only for authentic packets that passed [`Windows::check`].
    fn accept(&mut self, slot: Option<usize>, ssrc: u32, index: u64) {
        let Some(slot) = slot else {
            self.latest = self.list.len();
            self.list.push(Window { ssrc, highest: index, seen: 1 });
            return;
        };
        self.latest = slot;
        let window = &mut self.list[slot];
        match window.highest.checked_sub(index) {
            Some(age) => window.seen |= 1 << age,
            None => {
                let ahead = index - window.highest;
                window.seen = if ahead < WINDOW { window.seen << ahead | 1 } else { 1 };
                window.highest = index;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_follows_the_sequence_number_over_its_wrap_both_ways() {
        assert_eq!(estimate_index(0xffff, 0), 0x1_0000);
        assert_eq!(estimate_index(0x1_0000, 0xffff), 0xffff);
        assert_eq!(estimate_index(0x1_0005, 6), 0x1_0006);
        assert_eq!(estimate_index(0x1_0005, 4), 0x1_0004);
        assert_eq!(estimate_index(0x5_8000, 0x7fff), 0x5_7fff);
        assert_eq!(estimate_index(0x5_8000, 0xffff), 0x5_ffff);
        assert_eq!(estimate_index(0x5_ffff, 0x7ffe), 0x6_7ffe);
        // In the first cycle there is nothing before it: the tag will not fit, which is as it should be.
        assert_eq!(estimate_index(3, 0xfff0), 0xfff0);
    }
}
