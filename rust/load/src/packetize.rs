//! Frames into RTP payloads, as browsers cut them: pieces of nearly equal size.

use crate::clips::nal_units;

/// Largest payload, bytes: Chromium's packets are about as large.
pub const MAX_PAYLOAD: usize = 1_150;

/// H.264, packetization mode 1 (RFC 6184): small units of a frame together in STAP-A, large ones in FU-A.
pub fn h264(access_unit: &[u8], mut out: impl FnMut(&[u8])) {
    let mut payload = Vec::with_capacity(MAX_PAYLOAD);
    let units: Vec<&[u8]> = nal_units(access_unit).collect();
    let mut i = 0;
    while i < units.len() {
        if units[i].len() > MAX_PAYLOAD {
            fragment(units[i], &mut payload, &mut out);
            i += 1;
            continue;
        }
        // 1 byte of STAP-A header and 2 bytes of size a unit (§5.7.1).
        let mut size = 1;
        let mut end = i;
        while end < units.len() && size + 2 + units[end].len() <= MAX_PAYLOAD {
            size += 2 + units[end].len();
            end += 1;
        }
        if end <= i + 1 {
            out(units[i]);
            i += 1;
            continue;
        }
        let importance = units[i..end].iter().map(|unit| unit[0] & 0x60).max().unwrap_or(0);
        payload.clear();
        payload.push(importance | 24);
        for unit in &units[i..end] {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend(*unit);
        }
        out(&payload);
        i = end;
    }
}

/// FU-A (§5.8).
fn fragment(unit: &[u8], payload: &mut Vec<u8>, out: &mut impl FnMut(&[u8])) {
    let (header, body) = (unit[0], &unit[1..]);
    let pieces = body.len().div_ceil(MAX_PAYLOAD - 2);
    for piece in 0..pieces {
        let (from, to) = (piece * body.len() / pieces, (piece + 1) * body.len() / pieces);
        payload.clear();
        let start = u8::from(piece == 0) << 7;
        let end = u8::from(piece + 1 == pieces) << 6;
        payload.extend([header & 0xe0 | 28, start | end | header & 0x1f]);
        payload.extend(&body[from..to]);
        out(payload);
    }
}

/// VP8 (RFC 7741 §4.2) with a 15-bit picture id and TL0PICIDX, as simulcast senders do.
pub fn vp8(frame: &[u8], picture_id: u16, tl0: u8, mut out: impl FnMut(&[u8])) {
    const DESCRIPTOR: usize = 6;
    let pieces = frame.len().div_ceil(MAX_PAYLOAD - DESCRIPTOR).max(1);
    let mut payload = Vec::with_capacity(MAX_PAYLOAD);
    for piece in 0..pieces {
        let (from, to) = (piece * frame.len() / pieces, (piece + 1) * frame.len() / pieces);
        payload.clear();
        let [high, low] = (picture_id & 0x7fff | 0x8000).to_be_bytes();
        // X and S on the first; I, L and T; temporal layer 0.
        payload.extend([0x80 | u8::from(piece == 0) << 4, 0xe0, high, low, tl0, 0]);
        payload.extend(&frame[from..to]);
        out(&payload);
    }
}
