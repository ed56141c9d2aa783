//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use super::RtcpError;

/// Most packets one feedback may speak of: what a hostile run length could otherwise inflate.
pub const MAX_STATUS: u16 = 8192;

/// Reference times count 64 ms, deltas 250 us.
const REFERENCE_US: i64 = 64_000;
const DELTA_US: i64 = 250;

/// A validated feedback message; [`Feedback::arrivals`] reads it.
#[derive(Debug, Clone, Copy)]
pub struct Feedback<'a> {
    pub sender_ssrc: u32,
    pub media_ssrc: u32,
    pub base_sequence: u16,
    /// How many packets from `base_sequence` on it speaks of.
    pub status_count: u16,
    /// In units of 64 ms, 24 bit signed, wraps.
    pub reference_time: i32,
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> Feedback<'a> {
    pub(super) fn parse(sender_ssrc: u32, media_ssrc: u32, fci: &'a [u8]) -> Result<Self, RtcpError> {
        let (head, body) = fci.split_first_chunk::<8>().ok_or(RtcpError::Truncated)?;
        let status_count = u16::from_be_bytes([head[2], head[3]]);
        if status_count == 0 || status_count > MAX_STATUS {
            return Err(RtcpError::Malformed);
        }
        let mut covered = 0usize;
        let mut chunk_bytes = 0;
        let mut delta_bytes = 0;
        while covered < usize::from(status_count) {
            let chunk = body.get(chunk_bytes..chunk_bytes + 2).ok_or(RtcpError::Truncated)?;
            let chunk = Chunk::new(u16::from_be_bytes([chunk[0], chunk[1]]));
            chunk_bytes += 2;
            if chunk.len() == 0 {
                // A run of nothing would let a short message loop for long.
                return Err(RtcpError::Malformed);
            }
            let take = chunk.len().min(usize::from(status_count) - covered);
            for i in 0..take {
                delta_bytes += delta_len(chunk.symbol(i)).ok_or(RtcpError::Malformed)?;
            }
            covered += take;
        }
        let (chunks, deltas) = body.split_at(chunk_bytes);
        let deltas = deltas.get(..delta_bytes).ok_or(RtcpError::Truncated)?;
        Ok(Self {
            sender_ssrc,
            media_ssrc,
            base_sequence: u16::from_be_bytes([head[0], head[1]]),
            status_count,
            reference_time: i32::from_be_bytes([head[4], head[5], head[6], 0]) >> 8,
            feedback_count: head[7],
            chunks,
            deltas,
        })
    }

    /// (sequence, arrival in us of the receiver's clock or `None` when it did not arrive), in order.
    pub fn arrivals(&self) -> impl Iterator<Item = (u16, Option<i64>)> + use<'a> {
        let mut deltas = self.deltas;
        let mut clock = i64::from(self.reference_time) * REFERENCE_US;
        let mut sequence = self.base_sequence;
        let chunks = self.chunks.chunks_exact(2).map(|c| Chunk::new(u16::from_be_bytes([c[0], c[1]])));
        chunks
            .flat_map(|chunk| (0..chunk.len()).map(move |i| chunk.symbol(i)))
            .take(usize::from(self.status_count))
            .map(move |symbol| {
                let this = sequence;
                sequence = sequence.wrapping_add(1);
                let delta = match symbol {
                    1 => {
                        let (byte, rest) = deltas.split_first_chunk::<1>()?;
                        deltas = rest;
                        i64::from(byte[0])
                    }
                    2 => {
                        let (bytes, rest) = deltas.split_first_chunk::<2>()?;
                        deltas = rest;
                        i64::from(i16::from_be_bytes(*bytes))
                    }
                    _ => return Some((this, None)),
                };
                clock += delta * DELTA_US;
                Some((this, Some(clock)))
            })
            .map_while(|item| item)
    }
}

fn delta_len(symbol: u8) -> Option<usize> {
    match symbol {
        0 => Some(0),
        1 => Some(1),
        2 => Some(2),
        _ => None,
    }
}

/// A packet status chunk (§3.1.3-3.1.4).
#[derive(Clone, Copy)]
enum Chunk {
    Run { symbol: u8, len: u16 },
    OneBit(u16),
    TwoBit(u16),
}

impl Chunk {
    fn new(bits: u16) -> Self {
        match bits >> 14 {
            0 | 1 => Self::Run { symbol: (bits >> 13 & 3) as u8, len: bits & 0x1fff },
            2 => Self::OneBit(bits),
            _ => Self::TwoBit(bits),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Run { len, .. } => usize::from(len),
            Self::OneBit(_) => 14,
            Self::TwoBit(_) => 7,
        }
    }

    fn symbol(self, i: usize) -> u8 {
        match self {
            Self::Run { symbol, .. } => symbol,
            Self::OneBit(bits) => (bits >> (13 - i) & 1) as u8,
            Self::TwoBit(bits) => (bits >> (12 - 2 * i) & 3) as u8,
        }
    }
}

/// Each status with its delta in 250 us ticks from the arrival before it.
fn symbols(arrivals: &[Option<u64>]) -> impl Iterator<Item = Result<Option<i16>, RtcpError>> + '_ {
    let mut clock = i64::from(reference(arrivals)) * REFERENCE_US / DELTA_US;
    arrivals.iter().map(move |arrival| {
        let Some(at) = arrival else { return Ok(None) };
        let tick = i64::try_from(at / DELTA_US as u64).map_err(|_| RtcpError::Malformed)?;
        let delta = i16::try_from(tick - clock).map_err(|_| RtcpError::Malformed)?;
        clock = tick;
        Ok(Some(delta))
    })
}

/// Reference time of a feedback: its first arrival, in 64 ms, cut to 24 bits by the writer.
fn reference(arrivals: &[Option<u64>]) -> u32 {
    arrivals.iter().flatten().next().map_or(0, |at| (at / REFERENCE_US as u64) as u32)
}

/// Length of the control information for these arrivals, padded to 32 bits.
pub(super) fn fci_len(arrivals: &[Option<u64>]) -> Result<usize, RtcpError> {
    if arrivals.is_empty() || arrivals.len() > usize::from(MAX_STATUS) {
        return Err(RtcpError::Malformed);
    }
    let mut len = 8 + 2 * arrivals.len().div_ceil(7);
    for symbol in symbols(arrivals) {
        len += symbol?.map_or(0, delta_bytes);
    }
    Ok(len.next_multiple_of(4))
}

fn delta_bytes(delta: i16) -> usize {
    if (0..=255).contains(&delta) { 1 } else { 2 }
}

/// Writes the control information. `arrivals[i]` is when packet `base_sequence + i` arrived, us of any clock
/// that only goes forward; neighbours may be at most 8 s apart. `fci` is exactly [`fci_len`] long.
pub(super) fn write_fci(fci: &mut [u8], feedback_count: u8, base_sequence: u16, arrivals: &[Option<u64>]) {
    fci.fill(0);
    fci[0..2].copy_from_slice(&base_sequence.to_be_bytes());
    fci[2..4].copy_from_slice(&(arrivals.len() as u16).to_be_bytes());
    fci[4..7].copy_from_slice(&reference(arrivals).to_be_bytes()[1..]);
    fci[7] = feedback_count;
    let mut at = 8 + 2 * arrivals.len().div_ceil(7);
    for (i, symbol) in symbols(arrivals).enumerate() {
        let Ok(Some(delta)) = symbol else { continue };
        let bits = delta_bytes(delta) as u16;
        if bits == 1 {
            fci[at] = delta as u8;
        } else {
            fci[at..at + 2].copy_from_slice(&delta.to_be_bytes());
        }
        at += usize::from(bits);
        let chunk = 8 + 2 * (i / 7);
        let shifted = bits << (12 - 2 * (i % 7));
        fci[chunk] |= (shifted >> 8) as u8;
        fci[chunk + 1] |= shifted as u8;
    }
    for chunk in fci[8..8 + 2 * arrivals.len().div_ceil(7)].chunks_exact_mut(2) {
        chunk[0] |= 0xc0;
    }
}
