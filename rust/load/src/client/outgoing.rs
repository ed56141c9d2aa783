//! One outgoing RTP stream: numbers, history for retransmissions, sender reports.

use std::collections::VecDeque;

use diemcau_wire::rtcp::SenderInfo;
use diemcau_wire::rtp::{AudioLevel, RtpHeader, abs_send_time, write_header};
use diemcau_wire::srtp::TxLine;

use super::link::{Link, PACKET};
use super::offer::Extensions;
use crate::stats::Counters;

/// Packets kept for retransmission: over two seconds of the high layer.
const HISTORY: usize = 512;
/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_UNIX: u64 = 2_208_988_800;

/// NTP time of a Unix time in microseconds, 32.32 fixed point (RFC 3550 §4).
pub fn ntp(unix_us: u64) -> u64 {
    ((unix_us / 1_000_000 + NTP_UNIX) << 32) | (((unix_us % 1_000_000) << 32) / 1_000_000)
}

/// What a stream is called on the wire.
#[derive(Debug, Clone)]
pub struct Named {
    pub payload_type: u8,
    pub rtx_payload_type: Option<u8>,
    pub mid: &'static str,
    pub rid: Option<&'static str>,
    pub extensions: Extensions,
    /// Hz.
    pub clock_rate: u32,
}

struct Sent {
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Vec<u8>,
}

/// See the module.
pub struct Outgoing {
    named: Named,
    ssrc: u32,
    line: Option<TxLine>,
    index: u64,
    rtx_ssrc: u32,
    rtx_line: Option<TxLine>,
    rtx_index: u64,
    timestamp_offset: u32,
    history: VecDeque<Sent>,
    packets: u32,
    octets: u32,
}

/// What a packet says besides its payload.
#[derive(Debug, Clone, Copy)]
pub struct Saying {
    pub timestamp: u32,
    pub marker: bool,
    pub level: Option<u8>,
    pub unix_us: u64,
}

impl Outgoing {
    #[must_use]
    pub fn new(named: Named) -> Self {
        Self {
            named,
            ssrc: fastrand::u32(1..),
            line: None,
            // Below half the space, so that the receiver's roll-over counter begins at zero (RFC 3711 §3.3.1).
            index: fastrand::u64(1..0x4000),
            rtx_ssrc: fastrand::u32(1..),
            rtx_line: None,
            rtx_index: fastrand::u64(1..0x4000),
            timestamp_offset: fastrand::u32(..),
            history: VecDeque::new(),
            packets: 0,
            octets: 0,
        }
    }

    /// With the SSRCs that the offer announced.
    #[must_use]
    pub fn announced(named: Named, ssrc: u32, rtx_ssrc: u32) -> Self {
        Self { ssrc, rtx_ssrc, ..Self::new(named) }
    }

    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// RTP timestamp of a Unix time.
    #[must_use]
    pub fn timestamp(&self, unix_us: u64) -> u32 {
        let ticks = u128::from(unix_us) * u128::from(self.named.clock_rate) / 1_000_000;
        (ticks as u32).wrapping_add(self.timestamp_offset)
    }

    /// Sends one packet. `counter` is the connection's transport-wide sequence number.
    pub fn send(
        &mut self,
        link: &mut Link,
        payload: &[u8],
        saying: Saying,
        counter: &mut u16,
        counters: &mut Counters,
    ) {
        let sequence = self.index as u16;
        let header = RtpHeader {
            marker: saying.marker,
            payload_type: self.named.payload_type,
            sequence,
            timestamp: saying.timestamp,
            ssrc: self.ssrc,
        };
        let index = self.index;
        self.index += 1;
        let sent =
            protect(link, &mut self.line, &self.named, header, index, saying, counter, &[payload], false);
        counters.packets_sent += 1;
        counters.bytes_sent += payload.len() as u64;
        counters.send_blocked += u64::from(!sent);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        if self.named.rtx_payload_type.is_some() {
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            let Saying { timestamp, marker, .. } = saying;
            self.history.push_back(Sent { sequence, timestamp, marker, payload: payload.to_vec() });
        }
    }

    /// Sends a lost packet again on the RTX stream (RFC 4588 §4), if it is still known.
    pub fn resend(
        &mut self,
        link: &mut Link,
        lost: u16,
        unix_us: u64,
        counter: &mut u16,
        counters: &mut Counters,
    ) {
        let Some(payload_type) = self.named.rtx_payload_type else { return };
        let Some(first) = self.history.front().map(|sent| sent.sequence) else { return };
        let Some(sent) = self.history.get(usize::from(lost.wrapping_sub(first))) else { return };
        let header = RtpHeader {
            marker: sent.marker,
            payload_type,
            sequence: self.rtx_index as u16,
            timestamp: sent.timestamp,
            ssrc: self.rtx_ssrc,
        };
        let saying = Saying { timestamp: sent.timestamp, marker: sent.marker, level: None, unix_us };
        let parts = [&lost.to_be_bytes()[..], &sent.payload];
        let index = self.rtx_index;
        self.rtx_index += 1;
        protect(link, &mut self.rtx_line, &self.named, header, index, saying, counter, &parts, true);
        counters.rtx_sent += 1;
    }

    /// A sender report's figures for now.
    #[must_use]
    pub fn report(&self, unix_us: u64) -> SenderInfo {
        SenderInfo {
            ssrc: self.ssrc,
            ntp: ntp(unix_us),
            rtp: self.timestamp(unix_us),
            packets: self.packets,
            octets: self.octets,
        }
    }

    #[must_use]
    pub fn has_sent(&self) -> bool {
        self.packets > 0
    }
}

#[allow(clippy::too_many_arguments, reason = "the one place where all that makes a packet meets")]
fn protect(
    link: &mut Link,
    line: &mut Option<TxLine>,
    named: &Named,
    header: RtpHeader,
    index: u64,
    saying: Saying,
    counter: &mut u16,
    parts: &[&[u8]],
    repair: bool,
) -> bool {
    let level = saying.level.map(|level| [AudioLevel { voice: level < 100, level }.to_byte()]);
    let sent_at = abs_send_time(ntp(saying.unix_us));
    let transport = counter.to_be_bytes();
    *counter = counter.wrapping_add(1);
    let ids = named.extensions;
    let rid_id = if repair { ids.repaired_rid } else { ids.rid };
    let all: [(u8, &[u8]); 5] = [
        (ids.mid, named.mid.as_bytes()),
        (rid_id, named.rid.unwrap_or_default().as_bytes()),
        (ids.audio_level, level.as_ref().map_or(&[][..], |level| &level[..])),
        (ids.abs_send_time, &sent_at),
        (ids.transport_cc, &transport),
    ];
    let mut used: [(u8, &[u8]); 5] = [(0, &[]); 5];
    let mut count = 0;
    for element in all.into_iter().filter(|(id, data)| *id != 0 && !data.is_empty()) {
        used[count] = element;
        count += 1;
    }
    let mut buf = [0; PACKET];
    let Ok(header_len) = write_header(&mut buf, &header, &used[..count]) else { return false };
    let mut len = header_len;
    for part in parts {
        let Some(room) = buf.get_mut(len..len + part.len()) else { return false };
        room.copy_from_slice(part);
        len += part.len();
    }
    let Some(srtp) = link.transport().srtp_tx() else { return false };
    let line = match *line {
        Some(line) => line,
        None => match srtp.add_line(header.ssrc, false) {
            Ok(added) => *line.insert(added),
            Err(_) => return false,
        },
    };
    match srtp.protect_rtp(line, index, header_len, &mut buf, len) {
        Ok(len) => link.send(&buf[..len]),
        Err(_) => false,
    }
}
