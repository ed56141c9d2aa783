//! RTCP: compound packets read lazily and written in place (RFC 3550 §6, RFC 4585, RFC 5104, RFC 5506).
//!
//! [`packets`] walks a datagram; [`RtcpWriter`] builds one in a caller's buffer. Neither allocates.

mod parse;
pub mod transport_cc;
mod write;

use thiserror::Error;

pub use parse::{FirEntries, Lost, Packets, ReportBlocks, RtcpPacket, SdesChunks, Ssrcs, packets};
pub use write::{RtcpWriter, nack_pairs};

/// Why bytes are not RTCP, or cannot be made it.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum RtcpError {
    #[error("RTCP packet is shorter than its header says")]
    Truncated,
    #[error("RTCP version is not 2")]
    Version,
    #[error("RTCP packet's fields do not fit together")]
    Malformed,
    #[error("buffer is too small for the RTCP packet")]
    NoSpace,
}

impl RtcpError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "rtcp_truncated",
            Self::Version => "rtcp_version",
            Self::Malformed => "rtcp_malformed",
            Self::NoSpace => "rtcp_no_space",
        }
    }
}

/// The sender's part of a sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SenderInfo {
    pub ssrc: u32,
    /// Wall clock, 32.32 fixed point seconds since 1900.
    pub ntp: u64,
    /// The same instant in the stream's RTP clock.
    pub rtp: u32,
    pub packets: u32,
    /// Payload bytes without headers and padding.
    pub octets: u32,
}

/// One reception report block (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Lost since the last report, in 1/256 of what was expected.
    pub fraction_lost: u8,
    /// 24 bit signed, clamped when written.
    pub cumulative_lost: i32,
    /// Cycles in the high 16 bits.
    pub highest_sequence: u32,
    /// In RTP clock units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time; 0 when none came.
    pub last_sr: u32,
    /// Since that report, in 1/65,536 s.
    pub delay_since_last_sr: u32,
}

/// Middle 32 bits of an NTP time: what report blocks carry.
pub fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

pub(crate) const SR: u8 = 200;
pub(crate) const RR: u8 = 201;
pub(crate) const SDES: u8 = 202;
pub(crate) const BYE: u8 = 203;
pub(crate) const RTPFB: u8 = 205;
pub(crate) const PSFB: u8 = 206;
