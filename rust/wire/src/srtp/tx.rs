//! The sending side.

use std::hash::{BuildHasher, RandomState};

use super::cipher::{Cipher, RTCP_CLEAR, be32};
use super::kdf::Stream;
use super::{MasterKey, SrtpError, SrtpProfile};
use crate::prefetch::prefetch;
use crate::rtp::FIXED_HEADER_LEN;

/// Most SSRCs of one session.
const MAX_LINES: usize = 1024;
/// How many of a line's last packets may be repeated.
const REPEATABLE: usize = 8;
/// SRTCP indices have 31 bits.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// Names a line (one SSRC) that was added to an [`SrtpTx`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TxLine(u16);

struct Line {
    ssrc: u32,
    /// Index of the latest packet; any new one is greater.
    last: Option<u64>,
    repeats: Option<Box<Repeats>>,
}

/// Index and keyed hash of the last packets: a repeated index must mean a repeated packet, or GCM's key is lost.
struct Repeats {
    hasher: RandomState,
    ring: [(u64, u64); REPEATABLE],
    next: usize,
}

/// Protects what one connection sends. Owned by one worker; `&mut` because it remembers which nonces are used.
pub struct SrtpTx {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    rtcp_index: u32,
    lines: Vec<Line>,
}

impl SrtpTx {
    /// Once for a key: two senders with one key and one SSRC would use the same nonces.
    pub fn new(key: &MasterKey) -> Result<Self, SrtpError> {
        Ok(Self {
            profile: key.profile(),
            rtp: Cipher::new(key, Stream::Rtp)?,
            rtcp: Cipher::new(key, Stream::Rtcp)?,
            rtcp_index: 0,
            lines: Vec::new(),
        })
    }

    /// Has what protecting an RTP packet takes brought near; `self` is read for it.
    pub fn prefetch(&self) {
        self.rtp.prefetch();
        prefetch(&*self.lines);
    }

    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Declares an SSRC that will be sent, once; at most 1,024. With `repeats` the last eight packets may be
    /// sent again by [`SrtpTx::protect_rtp_again`] (costs 160 bytes and a hash a packet: for audio lines).
    pub fn add_line(&mut self, ssrc: u32, repeats: bool) -> Result<TxLine, SrtpError> {
        if self.lines.iter().any(|line| line.ssrc == ssrc) {
            return Err(SrtpError::NonceReuse);
        }
        let id = u16::try_from(self.lines.len()).ok().filter(|n| usize::from(*n) < MAX_LINES);
        let id = id.ok_or(SrtpError::TooManySsrcs)?;
        let repeats = repeats.then(|| {
            Box::new(Repeats { hasher: RandomState::new(), ring: [(u64::MAX, 0); REPEATABLE], next: 0 })
        });
        self.lines.push(Line { ssrc, last: None, repeats });
        Ok(TxLine(id))
    }

    /// Protects a new packet in place. `index` is roll-over counter << 16 | sequence number, and must be greater
    /// than any before on this line; it starts with a roll-over counter of zero (the receiver assumes so), best
    /// with a sequence number below 32,768. `buf[..len]` is the packet, `header_len` its header with CSRCs and
    /// extensions; there must be room behind it for [`SrtpProfile::rtp_overhead`]. Returns the new length.
    ///
    /// Fails with `Malformed`, `NoSpace`, `Exhausted`, or `NonceReuse` (index not greater than the last, or
    /// SSRC or sequence number not those of line and index).
    pub fn protect_rtp(
        &mut self,
        line: TxLine,
        index: u64,
        header_len: usize,
        buf: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let state = self.lines.get_mut(usize::from(line.0)).ok_or(SrtpError::Malformed)?;
        check(state, index, header_len, buf, len, self.profile)?;
        if state.last.is_some_and(|last| index <= last) {
            return Err(SrtpError::NonceReuse);
        }
        // The index counts as used from here on, whatever the cipher says.
        state.last = Some(index);
        if let Some(repeats) = &mut state.repeats {
            repeats.ring[repeats.next] = (index, repeats.hasher.hash_one(&buf[..len]));
            repeats.next = (repeats.next + 1) % REPEATABLE;
        }
        self.rtp.seal_rtp(index, header_len, buf, len)
    }

    /// Protects one of the last eight packets of a line again, which gives the identical ciphertext. Refused
    /// with [`SrtpError::NonceReuse`] unless `buf[..len]` is byte for byte what was sent under this index.
    pub fn protect_rtp_again(
        &mut self,
        line: TxLine,
        index: u64,
        header_len: usize,
        buf: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let state = self.lines.get(usize::from(line.0)).ok_or(SrtpError::Malformed)?;
        check(state, index, header_len, buf, len, self.profile)?;
        let repeats = state.repeats.as_ref().ok_or(SrtpError::NonceReuse)?;
        let hash = repeats.hasher.hash_one(&buf[..len]);
        if !repeats.ring.contains(&(index, hash)) {
            return Err(SrtpError::NonceReuse);
        }
        self.rtp.seal_rtp(index, header_len, buf, len)
    }

    /// Protects a compound RTCP packet in place under the next SRTCP index. Needs
    /// [`SrtpProfile::rtcp_overhead`] bytes of room behind it. Returns the new length.
    pub fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        if len < RTCP_CLEAR || len > buf.len() {
            return Err(SrtpError::Malformed);
        }
        if buf.len() < len + self.profile.rtcp_overhead() {
            return Err(SrtpError::NoSpace);
        }
        if self.rtcp_index == MAX_RTCP_INDEX {
            return Err(SrtpError::Exhausted);
        }
        self.rtcp_index += 1;
        self.rtcp.seal_rtcp(self.rtcp_index, buf, len)
    }
}

fn check(
    line: &Line,
    index: u64,
    header_len: usize,
    buf: &[u8],
    len: usize,
    profile: SrtpProfile,
) -> Result<(), SrtpError> {
    if header_len < FIXED_HEADER_LEN || header_len > len || len > buf.len() {
        return Err(SrtpError::Malformed);
    }
    if buf.len() < len + profile.rtp_overhead() {
        return Err(SrtpError::NoSpace);
    }
    if index >> 48 != 0 {
        return Err(SrtpError::Exhausted);
    }
    let sequence = u16::from_be_bytes([buf[2], buf[3]]);
    if be32(buf, 8) != line.ssrc || sequence != index as u16 {
        return Err(SrtpError::NonceReuse);
    }
    Ok(())
}
