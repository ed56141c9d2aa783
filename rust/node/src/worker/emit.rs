//! From a packet of the core to bytes on the wire: header, payload, padding, encryption, into the egress.

use std::net::SocketAddr;
use std::sync::Arc;

use diemcau_core::probe::PADDING;
use diemcau_core::{Codec, OutHeader, OutPacket, Padding, RtxPacket, TrackPacket, ViewerKey};
use diemcau_wire::rtp::{self, RtpHeader};
use diemcau_wire::sdp::{self, ExtensionIds, PayloadTypes};
use diemcau_wire::srtp::{SrtpTx, TxLine};

use crate::sys::send::{Egress, Group, plan};
use crate::sys::udp::Udp;

/// How a line's packets are dressed; from the answer.
#[derive(Debug, Clone, Copy)]
pub struct LineOut {
    pub media: TxLine,
    pub rtx: Option<TxLine>,
    pub payload_types: PayloadTypes,
    pub rtx_payload_types: PayloadTypes,
    pub extensions: ExtensionIds,
}

/// What every packet of one turn shares.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    send_time: [u8; 3],
}

impl Turn {
    /// `ntp`: now, 32.32 fixed point.
    pub fn new(ntp: u64) -> Self {
        Self { send_time: rtp::abs_send_time(ntp) }
    }
}

pub(super) fn wire_codec(codec: Codec) -> sdp::Codec {
    match codec {
        Codec::H264 => sdp::Codec::H264,
        Codec::Vp8 => sdp::Codec::Vp8,
        Codec::Opus => sdp::Codec::Opus,
    }
}

/// Writes the RTP header; returns its length.
pub(super) fn write_header(
    buf: &mut [u8],
    header: &OutHeader,
    payload_type: u8,
    ids: &ExtensionIds,
    turn: &Turn,
) -> Option<usize> {
    let fields = RtpHeader {
        marker: header.marker,
        payload_type,
        sequence: header.sequence(),
        timestamp: header.timestamp,
        ssrc: header.ssrc,
    };
    match ids.abs_send_time {
        Some(id) => rtp::write_header(buf, &fields, &[(id, &turn.send_time)]).ok(),
        None => rtp::write_header(buf, &fields, &[]).ok(),
    }
}

/// Bytes that [`write_header`] will take: one element of 1 + 3 bytes at most, behind 4 of the extension's head.
fn header_len(ids: &ExtensionIds) -> usize {
    rtp::FIXED_HEADER_LEN + if ids.abs_send_time.is_some() { 8 } else { 0 }
}

/// Where a packet of the frame stands in the plan.
#[derive(Debug, Clone, Copy)]
struct Place {
    seq: u64,
    /// First index behind the packet's message.
    end: usize,
    /// Payload size that all but the last of the message are padded to.
    segment: usize,
}

/// How the packets of one frame are put into messages: made once, followed for every viewer, as all of them get
/// the same payloads.
#[derive(Debug, Default)]
pub struct FramePlan {
    places: Vec<Place>,
    sizes: Vec<usize>,
    groups: Vec<Group>,
    /// Line being served, the next place, and the end of the message that is open.
    at: Option<(ViewerKey, u8)>,
    next: usize,
    open_until: usize,
}

impl FramePlan {
    /// Plans packets of one source, which are put in order by sequence.
    pub fn make(&mut self, packets: &mut [Arc<TrackPacket>], gso: bool) {
        packets.sort_unstable_by_key(|packet| packet.seq);
        self.sizes.clear();
        self.sizes.extend(packets.iter().map(|packet| packet.payload.len()));
        plan(&self.sizes, gso, &mut self.groups);
        self.places.clear();
        let mut packets = packets.iter();
        let mut end = 0;
        for group in &self.groups {
            end += group.count;
            for packet in packets.by_ref().take(group.count) {
                self.places.push(Place { seq: packet.seq, end, segment: group.segment });
            }
        }
        self.at = None;
    }

    /// The place of the next packet of a line, its index, and whether a message begins with it.
    fn step(&mut self, line: (ViewerKey, u8), seq: u64) -> (usize, Place, bool) {
        if self.at != Some(line) {
            self.at = Some(line);
            self.next = 0;
            self.open_until = 0;
        }
        let found = self.places[self.next..].iter().position(|place| place.seq == seq);
        let Some(offset) = found else {
            // Not of this frame: a message of its own.
            self.open_until = 0;
            let index = self.next;
            return (index, Place { seq, end: index + 1, segment: 0 }, true);
        };
        let index = self.next + offset;
        self.next = index + 1;
        let place = self.places[index];
        let begins = index >= self.open_until;
        if begins {
            self.open_until = place.end;
        }
        (index, place, begins)
    }
}

/// Where and with what a viewer's packets go.
pub struct Door<'a> {
    pub udp: &'a Udp,
    pub egress: &'a mut Egress,
    pub to: SocketAddr,
    pub srtp: &'a mut SrtpTx,
}

/// Sends one packet of a frame. Returns the ciphertext's length; `None`: it could not be sent (no payload type,
/// or the cipher refused).
pub fn send_packet(
    door: &mut Door<'_>,
    line: &LineOut,
    out: &OutPacket<'_>,
    frame: &mut FramePlan,
    turn: &Turn,
) -> Option<usize> {
    let payload_type = line.payload_types.get(wire_codec(out.header.codec))?;
    let (index, place, begins) = frame.step((out.viewer, out.line), out.packet.seq);
    let payload_len = out.payload_len();
    let overhead = header_len(&line.extensions) + door.srtp.profile().rtp_overhead();
    if begins {
        door.egress.abandon_empty();
        let segment = place.segment.max(payload_len) + overhead;
        door.egress.begin(door.udp, door.to, Group { count: place.end - index, segment });
    }
    let buf = door.egress.room();
    let header = write_header(buf, &out.header, payload_type, &line.extensions, turn)?;
    let end = header + payload_len;
    out.write_payload(&mut buf[header..end]);
    let last_of_message = index + 1 == place.end;
    let padding = if last_of_message { 0 } else { place.segment.saturating_sub(payload_len) };
    let len = rtp::add_padding(buf, end, padding as u8).ok()?;
    let sent = door.srtp.protect_rtp(line.media, out.header.index, header, buf, len).ok()?;
    door.egress.commit(sent);
    Some(sent)
}

/// Sends a retransmission, as a message of its own.
pub fn send_rtx(door: &mut Door<'_>, line: &LineOut, out: &RtxPacket<'_>, turn: &Turn) -> Option<usize> {
    let payload_type = line.rtx_payload_types.get(wire_codec(out.header.codec))?;
    let tx = line.rtx?;
    let overhead = header_len(&line.extensions) + door.srtp.profile().rtp_overhead();
    door.egress.abandon_empty();
    door.egress.begin(door.udp, door.to, Group { count: 1, segment: out.payload_len() + overhead });
    let buf = door.egress.room();
    let header = write_header(buf, &out.header, payload_type, &line.extensions, turn)?;
    let end = header + out.payload_len();
    out.write_payload(&mut buf[header..end]);
    let sent = door.srtp.protect_rtp(tx, out.header.index, header, buf, end).ok()?;
    door.egress.commit(sent);
    Some(sent)
}

/// Sends a packet of padding on a line's RTX stream, with its transport-wide number; one of `of` that go out as one
/// message, the first of which begins it.
pub fn send_padding(
    door: &mut Door<'_>,
    line: &LineOut,
    out: &Padding,
    (first, of): (bool, usize),
    turn: &Turn,
) -> Option<usize> {
    let types = line.rtx_payload_types;
    let payload_type = types.h264.or(types.vp8)?;
    let (tx, id) = (line.rtx?, line.extensions.transport_cc?);
    let fields =
        RtpHeader { marker: false, payload_type, sequence: out.index as u16, timestamp: 0, ssrc: out.ssrc };
    let number = out.number.to_be_bytes();
    let elements: [(u8, &[u8]); 2] =
        [(line.extensions.abs_send_time.unwrap_or(0), &turn.send_time), (id, &number)];
    let elements = if line.extensions.abs_send_time.is_some() { &elements[..] } else { &elements[1..] };
    let size = rtp::FIXED_HEADER_LEN + 12 + usize::from(PADDING) + door.srtp.profile().rtp_overhead();
    if first {
        door.egress.abandon_empty();
        door.egress.begin(door.udp, door.to, Group { count: of, segment: size });
    }
    let buf = door.egress.room();
    let header = rtp::write_header(buf, &fields, elements).ok()?;
    let end = rtp::add_padding(buf, header, PADDING).ok()?;
    let sent = door.srtp.protect_rtp(tx, out.index, header, buf, end).ok()?;
    door.egress.commit(sent);
    Some(sent)
}
