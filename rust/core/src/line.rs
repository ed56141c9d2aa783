//! One outgoing line of one viewer.

use crate::packet::{OutHeader, Source, TrackPacket};

/// What the answer gave a line. Random values are the shell's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineConfig {
    pub ssrc: u32,
    /// None where the viewer did not offer RTX: a NACK is then answered on the line itself... never; it is ignored.
    pub rtx_ssrc: Option<u32>,
    /// First sequence numbers; the top bit is ignored (RFC 3711 §3.3.1 advises below 2^15).
    pub first_sequence: u16,
    pub first_rtx_sequence: u16,
    /// Random offset of the line's timestamps.
    pub first_timestamp: u32,
}

/// For a sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineReport {
    pub ssrc: u32,
    /// 32.32 fixed point.
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// One outgoing line.
#[derive(Debug)]
pub struct Line;

impl Line {
    pub fn want(&mut self, _source: Option<Source>) {
        todo!()
    }
    pub fn forward(&mut self, _packet: &TrackPacket) -> Option<OutHeader> {
        todo!()
    }
}
