//! Building compound RTCP in a caller's buffer.

use super::{BYE, PSFB, RR, RTPFB, ReportBlock, RtcpError, SDES, SR, SenderInfo, transport_cc};

/// Appends packets to a buffer. A packet that does not fit is refused whole and leaves what is there as it was.
///
/// ```
/// use diemcau_wire::rtcp::RtcpWriter;
/// let mut buf = [0; 64];
/// let mut compound = RtcpWriter::new(&mut buf);
/// compound.receiver_report(1, &[])?.pli(1, 2)?;
/// assert_eq!(compound.len(), 20);
/// # Ok::<(), diemcau_wire::rtcp::RtcpError>(())
/// ```
#[derive(Debug)]
pub struct RtcpWriter<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl<'a> RtcpWriter<'a> {
    pub fn new(buf: &'a mut [u8]) -> Self {
        Self { buf, len: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// At most 31 report blocks; more are refused.
    pub fn sender_report(
        &mut self,
        info: &SenderInfo,
        reports: &[ReportBlock],
    ) -> Result<&mut Self, RtcpError> {
        let body = self.packet(SR, report_count(reports)?, 24 + 24 * reports.len())?;
        body[0..4].copy_from_slice(&info.ssrc.to_be_bytes());
        body[4..12].copy_from_slice(&info.ntp.to_be_bytes());
        body[12..16].copy_from_slice(&info.rtp.to_be_bytes());
        body[16..20].copy_from_slice(&info.packets.to_be_bytes());
        body[20..24].copy_from_slice(&info.octets.to_be_bytes());
        write_reports(&mut body[24..], reports);
        Ok(self)
    }

    /// At most 31 report blocks; more are refused.
    pub fn receiver_report(&mut self, ssrc: u32, reports: &[ReportBlock]) -> Result<&mut Self, RtcpError> {
        let body = self.packet(RR, report_count(reports)?, 4 + 24 * reports.len())?;
        body[0..4].copy_from_slice(&ssrc.to_be_bytes());
        write_reports(&mut body[4..], reports);
        Ok(self)
    }

    /// One chunk with a CNAME of at most 255 bytes.
    pub fn sdes_cname(&mut self, ssrc: u32, cname: &str) -> Result<&mut Self, RtcpError> {
        let name_len = u8::try_from(cname.len()).map_err(|_| RtcpError::Malformed)?;
        // At least one zero byte ends the items.
        let len = (4 + 2 + cname.len() + 1).next_multiple_of(4);
        let body = self.packet(SDES, 1, len)?;
        body[0..4].copy_from_slice(&ssrc.to_be_bytes());
        body[4] = 1;
        body[5] = name_len;
        body[6..6 + cname.len()].copy_from_slice(cname.as_bytes());
        body[6 + cname.len()..].fill(0);
        Ok(self)
    }

    /// At most 31 SSRCs.
    pub fn bye(&mut self, ssrcs: &[u32]) -> Result<&mut Self, RtcpError> {
        let count = u8::try_from(ssrcs.len()).ok().filter(|n| *n < 32).ok_or(RtcpError::Malformed)?;
        let body = self.packet(BYE, count, 4 * ssrcs.len())?;
        for (slot, ssrc) in body.chunks_exact_mut(4).zip(ssrcs) {
            slot.copy_from_slice(&ssrc.to_be_bytes());
        }
        Ok(self)
    }

    /// `lost` in ascending (wrapping) order packs best; an empty list writes nothing.
    pub fn nack(&mut self, sender_ssrc: u32, media_ssrc: u32, lost: &[u16]) -> Result<&mut Self, RtcpError> {
        if lost.is_empty() {
            return Ok(self);
        }
        let entries = nack_pairs(lost).count();
        let fci = self.feedback(RTPFB, 1, sender_ssrc, media_ssrc, 4 * entries)?;
        for (slot, (pid, mask)) in fci.chunks_exact_mut(4).zip(nack_pairs(lost)) {
            slot[..2].copy_from_slice(&pid.to_be_bytes());
            slot[2..].copy_from_slice(&mask.to_be_bytes());
        }
        Ok(self)
    }

    pub fn pli(&mut self, sender_ssrc: u32, media_ssrc: u32) -> Result<&mut Self, RtcpError> {
        self.feedback(PSFB, 1, sender_ssrc, media_ssrc, 0)?;
        Ok(self)
    }

    /// `command` grows by one for each new request and stays for a repeated one (RFC 5104 §4.3.1.1).
    pub fn fir(&mut self, sender_ssrc: u32, media_ssrc: u32, command: u8) -> Result<&mut Self, RtcpError> {
        let fci = self.feedback(PSFB, 4, sender_ssrc, 0, 8)?;
        fci[..4].copy_from_slice(&media_ssrc.to_be_bytes());
        fci[4..].copy_from_slice(&[command, 0, 0, 0]);
        Ok(self)
    }

    /// `bitrate` in bit/s, rounded down to 18 significant bits.
    pub fn remb(&mut self, sender_ssrc: u32, bitrate: u64, ssrcs: &[u32]) -> Result<&mut Self, RtcpError> {
        let count = u8::try_from(ssrcs.len()).map_err(|_| RtcpError::Malformed)?;
        let exponent = (u64::BITS - bitrate.leading_zeros()).saturating_sub(18) as u8;
        let mantissa = ((bitrate >> exponent) as u32).to_be_bytes();
        let fci = self.feedback(PSFB, 15, sender_ssrc, 0, 8 + 4 * ssrcs.len())?;
        fci[..4].copy_from_slice(b"REMB");
        fci[4..8].copy_from_slice(&[count, exponent << 2 | mantissa[1], mantissa[2], mantissa[3]]);
        for (slot, ssrc) in fci[8..].chunks_exact_mut(4).zip(ssrcs) {
            slot.copy_from_slice(&ssrc.to_be_bytes());
        }
        Ok(self)
    }

    /// Transport-wide feedback; see [`transport_cc::write_fci`] for `arrivals`.
    pub fn transport_feedback(
        &mut self,
        sender_ssrc: u32,
        media_ssrc: u32,
        feedback_count: u8,
        base_sequence: u16,
        arrivals: &[Option<u64>],
    ) -> Result<&mut Self, RtcpError> {
        let len = transport_cc::fci_len(arrivals)?;
        let fci = self.feedback(RTPFB, 15, sender_ssrc, media_ssrc, len)?;
        transport_cc::write_fci(fci, feedback_count, base_sequence, arrivals);
        Ok(self)
    }

    fn feedback(
        &mut self,
        packet_type: u8,
        format: u8,
        sender_ssrc: u32,
        media_ssrc: u32,
        fci_len: usize,
    ) -> Result<&mut [u8], RtcpError> {
        let body = self.packet(packet_type, format, 8 + fci_len)?;
        body[0..4].copy_from_slice(&sender_ssrc.to_be_bytes());
        body[4..8].copy_from_slice(&media_ssrc.to_be_bytes());
        Ok(&mut body[8..])
    }

    /// Claims header and body; the body is the caller's to fill. `body_len` is a multiple of four.
    fn packet(&mut self, packet_type: u8, count: u8, body_len: usize) -> Result<&mut [u8], RtcpError> {
        debug_assert_eq!(body_len % 4, 0);
        let words = u16::try_from(body_len / 4).map_err(|_| RtcpError::NoSpace)?;
        let end = self.len + 4 + body_len;
        let packet = self.buf.get_mut(self.len..end).ok_or(RtcpError::NoSpace)?;
        packet[0] = 0x80 | count;
        packet[1] = packet_type;
        packet[2..4].copy_from_slice(&words.to_be_bytes());
        self.len = end;
        Ok(&mut packet[4..])
    }
}

fn report_count(reports: &[ReportBlock]) -> Result<u8, RtcpError> {
    u8::try_from(reports.len()).ok().filter(|n| *n < 32).ok_or(RtcpError::Malformed)
}

fn write_reports(body: &mut [u8], reports: &[ReportBlock]) {
    for (slot, report) in body.chunks_exact_mut(24).zip(reports) {
        let lost = report.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        slot[0..4].copy_from_slice(&report.ssrc.to_be_bytes());
        slot[4..8].copy_from_slice(&lost.to_be_bytes());
        slot[4] = report.fraction_lost;
        slot[8..12].copy_from_slice(&report.highest_sequence.to_be_bytes());
        slot[12..16].copy_from_slice(&report.jitter.to_be_bytes());
        slot[16..20].copy_from_slice(&report.last_sr.to_be_bytes());
        slot[20..24].copy_from_slice(&report.delay_since_last_sr.to_be_bytes());
    }
}

/// (packet id, mask of the 16 after it) pairs that cover `lost` (RFC 4585 §6.2.1).
pub fn nack_pairs(lost: &[u16]) -> impl Iterator<Item = (u16, u16)> + '_ {
    let mut rest = lost;
    std::iter::from_fn(move || {
        let (&pid, mut tail) = rest.split_first()?;
        let mut mask = 0u16;
        while let Some((&next, after)) = tail.split_first() {
            let distance = next.wrapping_sub(pid);
            if distance > 16 {
                break;
            }
            if distance > 0 {
                mask |= 1 << (distance - 1);
            }
            tail = after;
        }
        rest = tail;
        Some((pid, mask))
    })
}
