//! Reading compound RTCP.

use super::{BYE, PSFB, RR, RTPFB, ReportBlock, RtcpError, SDES, SR, SenderInfo, transport_cc};

/// One packet of a compound. Lists inside are iterators over the datagram.
#[derive(Debug, Clone, Copy)]
pub enum RtcpPacket<'a> {
    SenderReport {
        info: SenderInfo,
        reports: ReportBlocks<'a>,
    },
    ReceiverReport {
        ssrc: u32,
        reports: ReportBlocks<'a>,
    },
    SourceDescription(SdesChunks<'a>),
    Bye(Ssrcs<'a>),
    /// Generic NACK (RFC 4585 §6.2.1).
    Nack {
        sender_ssrc: u32,
        media_ssrc: u32,
        lost: Lost<'a>,
    },
    /// Picture loss indication (RFC 4585 §6.3.1).
    Pli {
        sender_ssrc: u32,
        media_ssrc: u32,
    },
    /// Full intra request (RFC 5104 §4.3.1).
    Fir {
        sender_ssrc: u32,
        entries: FirEntries<'a>,
    },
    /// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03), bit/s.
    Remb {
        sender_ssrc: u32,
        bitrate: u64,
        ssrcs: Ssrcs<'a>,
    },
    /// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportFeedback(transport_cc::Feedback<'a>),
    /// A packet of a kind we do not read; skipped by its length.
    Other {
        packet_type: u8,
        count: u8,
    },
}

/// Walks the packets of a datagram. Ends after the first error: what follows a broken length means nothing.
pub fn packets(datagram: &[u8]) -> Packets<'_> {
    Packets { rest: datagram }
}

/// See [`packets`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let result = split_packet(self.rest).and_then(|(packet, rest)| {
            self.rest = rest;
            parse_one(packet)
        });
        if result.is_err() {
            self.rest = &[];
        }
        Some(result)
    }
}

/// One packet's parts: first byte's count, type, body without header and padding.
struct Parts<'a> {
    count: u8,
    packet_type: u8,
    body: &'a [u8],
}

fn split_packet(data: &[u8]) -> Result<(Parts<'_>, &[u8]), RtcpError> {
    let head: &[u8; 4] = data.first_chunk().ok_or(RtcpError::Truncated)?;
    if head[0] >> 6 != 2 {
        return Err(RtcpError::Version);
    }
    let len = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
    if data.len() < len {
        return Err(RtcpError::Truncated);
    }
    let (packet, rest) = data.split_at(len);
    let mut end = len;
    if head[0] & 0x20 != 0 {
        // RFC 3550 §6.4.1 pads only the last packet of a compound, but stacks pad transport-wide feedback wherever it
        // stands, and what follows it (a PLI) must not be lost.
        let padding = usize::from(packet[len - 1]);
        if padding == 0 || padding > len - 4 {
            return Err(RtcpError::Malformed);
        }
        end -= padding;
    }
    Ok((Parts { count: head[0] & 0x1f, packet_type: head[1], body: &packet[4..end] }, rest))
}

fn parse_one(parts: Parts<'_>) -> Result<RtcpPacket<'_>, RtcpError> {
    let Parts { count, packet_type, body } = parts;
    match (packet_type, count) {
        (SR, _) => {
            let info: &[u8; 24] = body.first_chunk().ok_or(RtcpError::Truncated)?;
            Ok(RtcpPacket::SenderReport {
                info: SenderInfo {
                    ssrc: be32(&info[0..]),
                    ntp: u64::from(be32(&info[4..])) << 32 | u64::from(be32(&info[8..])),
                    rtp: be32(&info[12..]),
                    packets: be32(&info[16..]),
                    octets: be32(&info[20..]),
                },
                reports: report_blocks(&body[24..], count)?,
            })
        }
        (RR, _) => {
            let ssrc = body.first_chunk::<4>().ok_or(RtcpError::Truncated)?;
            Ok(RtcpPacket::ReceiverReport {
                ssrc: u32::from_be_bytes(*ssrc),
                reports: report_blocks(&body[4..], count)?,
            })
        }
        (SDES, _) => Ok(RtcpPacket::SourceDescription(SdesChunks { rest: body, left: count })),
        (BYE, _) => {
            let list = body.get(..4 * usize::from(count)).ok_or(RtcpError::Truncated)?;
            Ok(RtcpPacket::Bye(Ssrcs { rest: list }))
        }
        (RTPFB, 1) => {
            let (sender_ssrc, media_ssrc, fci) = feedback(body)?;
            if fci.is_empty() || fci.len() % 4 != 0 {
                return Err(RtcpError::Malformed);
            }
            Ok(RtcpPacket::Nack { sender_ssrc, media_ssrc, lost: Lost { rest: fci, pid: 0, mask: 0 } })
        }
        (RTPFB, 15) => {
            let (sender_ssrc, media_ssrc, fci) = feedback(body)?;
            transport_cc::Feedback::parse(sender_ssrc, media_ssrc, fci).map(RtcpPacket::TransportFeedback)
        }
        (PSFB, 1) => {
            let (sender_ssrc, media_ssrc, _) = feedback(body)?;
            Ok(RtcpPacket::Pli { sender_ssrc, media_ssrc })
        }
        (PSFB, 4) => {
            let (sender_ssrc, _, fci) = feedback(body)?;
            if fci.is_empty() || fci.len() % 8 != 0 {
                return Err(RtcpError::Malformed);
            }
            Ok(RtcpPacket::Fir { sender_ssrc, entries: FirEntries { rest: fci } })
        }
        (PSFB, 15) => {
            let (sender_ssrc, _, fci) = feedback(body)?;
            if fci.get(..4) != Some(b"REMB") {
                return Ok(RtcpPacket::Other { packet_type, count });
            }
            let head = fci.get(4..8).ok_or(RtcpError::Truncated)?;
            let exponent = u32::from(head[1] >> 2);
            let mantissa = u64::from(head[1] & 3) << 16 | u64::from(head[2]) << 8 | u64::from(head[3]);
            // 18 bits shifted by up to 63: more than 64 bits would be nonsense, not a rate.
            let bitrate = if exponent > 46 { u64::MAX } else { mantissa << exponent };
            let list = fci.get(8..8 + 4 * usize::from(head[0])).ok_or(RtcpError::Truncated)?;
            Ok(RtcpPacket::Remb { sender_ssrc, bitrate, ssrcs: Ssrcs { rest: list } })
        }
        _ => Ok(RtcpPacket::Other { packet_type, count }),
    }
}

/// Sender SSRC, media SSRC and the feedback control information (RFC 4585 §6.1).
fn feedback(body: &[u8]) -> Result<(u32, u32, &[u8]), RtcpError> {
    let head: &[u8; 8] = body.first_chunk().ok_or(RtcpError::Truncated)?;
    Ok((be32(&head[0..]), be32(&head[4..]), &body[8..]))
}

fn report_blocks(data: &[u8], count: u8) -> Result<ReportBlocks<'_>, RtcpError> {
    // What follows the blocks is a profile's extension; we read none.
    let rest = data.get(..24 * usize::from(count)).ok_or(RtcpError::Truncated)?;
    Ok(ReportBlocks { rest })
}

pub(super) fn be32(data: &[u8]) -> u32 {
    u32::from_be_bytes([data[0], data[1], data[2], data[3]])
}

/// Report blocks of an SR or RR, at most 31.
#[derive(Debug, Clone, Copy)]
pub struct ReportBlocks<'a> {
    rest: &'a [u8],
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.rest.split_first_chunk::<24>()?;
        self.rest = rest;
        Some(ReportBlock {
            ssrc: be32(&block[0..]),
            fraction_lost: block[4],
            // Sign-extend 24 bits.
            cumulative_lost: (be32(&block[4..]) << 8) as i32 >> 8,
            highest_sequence: be32(&block[8..]),
            jitter: be32(&block[12..]),
            last_sr: be32(&block[16..]),
            delay_since_last_sr: be32(&block[20..]),
        })
    }
}

/// A list of SSRCs.
#[derive(Debug, Clone, Copy)]
pub struct Ssrcs<'a> {
    rest: &'a [u8],
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_be_bytes(*ssrc))
    }
}

/// Sequence numbers that a NACK asks for, in the order written; at most 17 per entry.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    rest: &'a [u8],
    pid: u16,
    mask: u16,
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.mask != 0 {
            let bit = self.mask.trailing_zeros() as u16;
            self.mask &= self.mask - 1;
            return Some(self.pid.wrapping_add(bit + 1));
        }
        let (entry, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        self.pid = u16::from_be_bytes([entry[0], entry[1]]);
        self.mask = u16::from_be_bytes([entry[2], entry[3]]);
        Some(self.pid)
    }
}

/// (SSRC, command number) of each entry of a FIR.
#[derive(Debug, Clone, Copy)]
pub struct FirEntries<'a> {
    rest: &'a [u8],
}

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let (entry, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some((be32(entry), entry[4]))
    }
}

/// (SSRC, CNAME) of each chunk that has one (RFC 3550 §6.5); ends at the first malformed chunk.
#[derive(Debug, Clone, Copy)]
pub struct SdesChunks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            self.left -= 1;
            let (ssrc, mut items) = self.rest.split_first_chunk::<4>()?;
            let chunk_len = self.rest.len();
            let mut cname = None;
            loop {
                let (&kind, rest) = items.split_first()?;
                if kind == 0 {
                    // The list ends with one to four zero bytes, to the next 32-bit boundary of the chunk.
                    let used = (chunk_len - rest.len()).next_multiple_of(4);
                    self.rest = self.rest.get(used..)?;
                    break;
                }
                let (&len, rest) = rest.split_first()?;
                let (value, rest) = rest.split_at_checked(usize::from(len))?;
                if kind == 1 {
                    cname = Some(value);
                }
                items = rest;
            }
            if let Some(cname) = cname {
                return Some((u32::from_be_bytes(*ssrc), cname));
            }
        }
        None
    }
}
