//! Connections over TCP: whose they are, what comes on them, and a viewer's media into their backlogs.

use std::net::SocketAddr;
use std::time::Instant;

use diemcau_core::{Kind, OutPacket};
use diemcau_wire::framing;
use diemcau_wire::srtp::SrtpTx;
use diemcau_wire::stun::{self, StunMessage};

use super::emit::{LineOut, Turn, wire_codec, write_header};
use super::{Conn, Entry, Worker};
use crate::message::ConnId;
use crate::stream::backlog::VideoPacket;
use crate::stream::listener::Arrival;
use crate::stream::path::Number;
use crate::stream::streams::{Inflow, Streams, number_of};
use crate::sys::epoll::Ready;
use crate::sys::receive::DATAGRAM;

/// TCP connections that one viewer or publisher may have; a further one takes the place of the oldest unused.
const MAX_STREAMS: usize = 4;

impl Worker {
    /// Connections that the listener found to be for this worker.
    pub(super) fn take_arrivals(&mut self) {
        let Some((arrivals, _)) = &self.parts.arrivals else { return };
        arrivals.acknowledge();
        let now = Instant::now();
        while let Some(arrival) = self.parts.arrivals.as_ref().and_then(|(arrivals, _)| arrivals.take()) {
            if let Err(reason) = self.admit(arrival, now) {
                self.stats.refuse(reason);
            }
        }
    }

    /// Takes a connection whose first check knows the password; any other is closed unanswered.
    fn admit(&mut self, arrival: Arrival, now: Instant) -> Result<(), &'static str> {
        let Arrival { socket, peer, bytes } = arrival;
        let end = framing::framed_len(&bytes).unwrap_or(0);
        let check = bytes.get(framing::HEAD..end).unwrap_or_default();
        let named = stun::peek_local_ufrag(check).and_then(|ufrag| self.by_ufrag.get(ufrag));
        let place = named.copied().ok_or("stun_unknown")?;
        let Some(entry) = &self.entries[place] else { return Err("stun_unknown") };
        let authentic = StunMessage::parse(check).is_ok_and(|check| check.authentic(entry.pwd.as_bytes()));
        if !authentic {
            return Err("stun_unauthenticated");
        }
        let unused = entry.streams.iter().copied().find(|number| !self.is_used(entry, *number));
        if entry.streams.len() >= MAX_STREAMS
            && let Some(number) = unused
        {
            self.close_stream(number, now);
        }
        let Some(entry) = &mut self.entries[place] else { return Ok(()) };
        let number =
            self.streams.add(socket, peer, (place, entry.id), now).map_err(|_| "tcp_no_descriptors")?;
        entry.streams.push(number);
        self.inflow(number, Inflow::first(bytes), now);
        Ok(())
    }

    fn is_used(&self, entry: &Entry, number: Number) -> bool {
        let path = self.streams.owner(number).map(|(_, _, path)| path);
        matches!(&entry.conn, Conn::Viewer(viewer) if path.is_some() && viewer.transport.remote_addr() == path)
    }

    /// Reads from and writes to the connections that are ready.
    ///
    /// # Errors
    /// As `epoll_wait`.
    pub(super) fn take_streams(&mut self, ready: &mut Vec<Ready>) -> std::io::Result<()> {
        let now = Instant::now();
        self.streams.ready(ready, now)?;
        for one in ready.iter().filter(|one| one.readable) {
            let Some(number) = number_of(one.token) else { continue };
            if let Some(inflow) = self.streams.read(number, now) {
                self.inflow(number, inflow, now);
            }
        }
        Ok(())
    }

    fn inflow(&mut self, number: Number, mut inflow: Inflow, now: Instant) {
        let Some(owner) = self.streams.owner(number) else { return };
        let whole = inflow.datagrams(DATAGRAM, |bytes| self.streamed(owner, bytes, now)).is_ok();
        if !whole {
            self.stats.refuse("too_long");
        }
        self.streams.done(number, inflow, whole);
    }

    /// One datagram of a connection over TCP.
    fn streamed(&mut self, (place, id, path): (usize, ConnId, SocketAddr), bytes: &mut [u8], now: Instant) {
        self.stats.packets_in += 1;
        self.stats.bytes_in += bytes.len() as u64;
        let Some(entry) = self.entries[place].as_ref().filter(|entry| entry.id == id) else { return };
        if stun::peek_local_ufrag(bytes).is_some_and(|ufrag| ufrag != entry.ufrag) {
            // A stream is one connection's: its peer proved that with the first check.
            self.stats.refuse("stun_unknown");
            return;
        }
        self.guarded(place, |worker| worker.deliver(place, path, bytes, now));
    }

    /// Closes what broke, and asks for the keyframes that slow connections need.
    pub(super) fn tend_streams(&mut self, now: Instant) {
        for number in self.streams.take_broken() {
            self.close_stream(number, now);
        }
        let wanted = self.streams.take_keyframes();
        if wanted.is_empty() {
            return;
        }
        let time = self.parts.clock.time(now);
        for (place, id, line) in wanted {
            if let Some(Entry { id: owner, conn: Conn::Viewer(viewer), .. }) = &self.entries[place]
                && *owner == id
                && let Some((key, ssrc)) = viewer.key.zip(viewer.ssrc(line))
            {
                self.shard.on_keyframe_request(key, ssrc, time);
            }
        }
        self.shard_output(now);
    }

    fn close_stream(&mut self, number: Number, now: Instant) {
        let Some((place, id)) = self.streams.close(number, now) else { return };
        if let Some(entry) = self.entries[place].as_mut().filter(|entry| entry.id == id) {
            entry.streams.retain(|known| *known != number);
        }
    }
}

/// Puts one packet of a frame into a stream's backlog. Returns the ciphertext's length; `None`: it could not be made
/// (no payload type, or the cipher refused).
pub fn send_streamed(
    streams: &mut Streams,
    number: Number,
    srtp: &mut SrtpTx,
    line: &LineOut,
    out: &OutPacket<'_>,
    turn: &Turn,
    now: Instant,
) -> Option<usize> {
    let payload_type = line.payload_types.get(wire_codec(out.header.codec))?;
    let video = (out.header.codec.kind() == Kind::Video).then_some(VideoPacket {
        line: out.line,
        timestamp: out.header.timestamp,
        keyframe: out.packet.keyframe,
    });
    streams.media(number, video, now, |buf| {
        let header = write_header(buf, &out.header, payload_type, &line.extensions, turn)?;
        let end = header + out.payload_len();
        out.write_payload(buf.get_mut(header..end)?);
        srtp.protect_rtp(line.media, out.header.index, header, buf, end).ok()
    })
}
