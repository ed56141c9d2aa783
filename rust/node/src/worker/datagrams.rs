//! Whose a datagram is, and what it says.
//!
//! A check (STUN) is told apart by the ufrag in it, for an address proves nothing; everything else by the address,
//! which only an authenticated check has put into the table. So nothing unauthenticated is answered.

use std::net::SocketAddr;
use std::time::Instant;

use diemcau_core::Heard;
use diemcau_wire::rtcp::{self, RtcpPacket};
use diemcau_wire::stun;
use diemcau_wire::transport::{Incoming, TransportError};

use super::emit::{self, Door, Turn};
use super::publisher::Publisher;
use super::{BATCHES, Conn, Entry, Worker, datagram};
use crate::message::Report;
use crate::stream::path;
use crate::sys::receive::Receiver;

impl Worker {
    pub(super) fn take_datagrams(&mut self, receiver: &mut Receiver) {
        for _ in 0..BATCHES {
            let count = match receiver.fill(&self.parts.udp) {
                Ok(count) => count,
                Err(error) => {
                    // An ICMP error of an earlier packet at worst.
                    tracing::debug!(%error, "receive");
                    self.stats.refuse("receive_error");
                    return;
                }
            };
            let now = Instant::now();
            receiver.for_each(|from, bytes| self.datagram(from, bytes, now));
            if std::mem::take(&mut receiver.too_long) > 0 {
                self.stats.refuse("too_long");
            }
            if count < receiver.batch() {
                return;
            }
        }
    }

    fn datagram(&mut self, from: SocketAddr, bytes: &mut [u8], now: Instant) {
        self.stats.packets_in += 1;
        self.stats.bytes_in += bytes.len() as u64;
        let place = if stun::is_stun(bytes) {
            let named = stun::peek_local_ufrag(bytes).and_then(|ufrag| self.by_ufrag.get(ufrag));
            named.copied().ok_or("stun_unknown")
        } else {
            self.addresses.place(from).ok_or("unknown_address")
        };
        match place {
            Ok(place) => {
                self.guarded(place, |worker| worker.deliver(place, from, bytes, now));
            }
            Err(reason) => self.stats.refuse(reason),
        }
    }

    pub(super) fn deliver(&mut self, place: usize, from: SocketAddr, bytes: &mut [u8], now: Instant) {
        match &self.entries[place] {
            Some(Entry { conn: Conn::Viewer(_), .. }) if is_rtcp(bytes) && self.is_silent(now) => {}
            Some(Entry { conn: Conn::Viewer(_), .. }) => self.viewer_datagram(place, from, bytes, now),
            Some(Entry { conn: Conn::Publisher(_), .. }) => self.publisher_datagram(place, from, bytes, now),
            None => {}
        }
    }

    /// An authenticated check came from this address.
    fn learn_address(&mut self, place: usize, from: SocketAddr, now: Instant) {
        if path::stream_of(from).is_some() {
            // A stream is one connection's for as long as it is there.
            return;
        }
        let Some(entry) = &mut self.entries[place] else { return };
        if !self.addresses.learn(place, &mut entry.addresses, from, now) {
            self.stats.refuse("address_taken");
        }
    }

    fn viewer_datagram(&mut self, place: usize, from: SocketAddr, bytes: &mut [u8], now: Instant) {
        let Self { entries, egress, streams, parts, .. } = self;
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return };
        assert!(!viewer.faulty, "a fault that a test asked for");
        let mut out = |to: SocketAddr, answer: &[u8]| datagram(egress, streams, &parts.udp, to, answer);
        match viewer.transport.handle_datagram(now, from, bytes, &mut out) {
            Ok(Incoming::None | Incoming::Rtp { .. }) => {}
            // Learnt anew each time: an address may be free again that another had when it was selected.
            Ok(Incoming::Checked | Incoming::Selected(_)) => self.learn_address(place, from, now),
            Ok(Incoming::Connected) => self.viewer_connected(place, now),
            Ok(Incoming::Rtcp(compound)) => self.viewer_rtcp(place, compound, now),
            Ok(Incoming::Closed) => self.end(place, "closed"),
            Ok(Incoming::Dropped(reason)) => self.stats.refuse(reason.code()),
            Err(error) => self.end(place, ending(error)),
        }
    }

    fn viewer_connected(&mut self, place: usize, now: Instant) {
        let time = self.parts.clock.time(now);
        let Self { entries, shard, .. } = self;
        let Some(Entry { id, conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return };
        let id = *id;
        match viewer.connected(shard, time) {
            Some(key) => {
                let index = key.index as usize;
                if self.by_key.len() <= index {
                    self.by_key.resize(index + 1, usize::MAX);
                }
                self.by_key[index] = place;
                self.connecting.retain(|at| *at != place);
                let own = &self.parts.peers[usize::from(self.parts.index)];
                own.viewers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.parts.hub.send(Report::Link(id, diemcau_control::LinkState::Connected));
            }
            None => self.end(place, "internal"),
        }
    }

    fn viewer_rtcp(&mut self, place: usize, compound: &[u8], now: Instant) {
        let time = self.parts.clock.time(now);
        let Self { entries, shard, egress, parts, stats, .. } = self;
        let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] else { return };
        let Some(key) = viewer.key else { return };
        let turn = Turn::new(parts.clock.wall().ntp(time));
        let quality = &mut viewer.quality;
        for packet in rtcp::packets(compound) {
            match packet {
                Ok(RtcpPacket::ReceiverReport { reports, .. } | RtcpPacket::SenderReport { reports, .. }) => {
                    let mut worst = 0;
                    for report in reports {
                        worst = worst.max(report.fraction_lost);
                        let heard = Heard {
                            ssrc: report.ssrc,
                            fraction_lost: report.fraction_lost,
                            highest: report.highest_sequence,
                            last_sr: report.last_sr,
                            delay: report.delay_since_last_sr,
                        };
                        shard.on_receiver_report(key, &heard, time);
                    }
                    quality.dirty |= worst != quality.loss;
                    quality.loss = worst;
                }
                Ok(RtcpPacket::Nack { media_ssrc, lost, .. }) => {
                    let Some(to) = viewer.transport.remote_addr() else { continue };
                    // TCP loses nothing: what is missing was dropped because there was too much of it.
                    if path::stream_of(to).is_some() {
                        continue;
                    }
                    let Some(srtp) = viewer.transport.srtp_tx() else { continue };
                    let mut door = Door { udp: &parts.udp, egress, to, srtp };
                    let lines = &viewer.lines;
                    shard.on_nack(key, media_ssrc, lost, time, |packet| {
                        quality.nacks = quality.nacks.saturating_add(1);
                        quality.dirty = true;
                        if let Some(line) = lines.get(usize::from(packet.line)) {
                            emit::send_rtx(&mut door, line, &packet, &turn);
                        }
                    });
                }
                Ok(RtcpPacket::Pli { media_ssrc, .. }) => {
                    stats.plis_in += 1;
                    quality.plis = quality.plis.saturating_add(1);
                    quality.dirty = true;
                    shard.on_keyframe_request(key, media_ssrc, time);
                }
                Ok(RtcpPacket::Fir { entries, .. }) => {
                    for (ssrc, _) in entries {
                        stats.plis_in += 1;
                        shard.on_keyframe_request(key, ssrc, time);
                    }
                }
                Ok(RtcpPacket::Remb { bitrate, .. }) => {
                    shard.on_estimate(key, bitrate, time);
                    let before = quality.estimate.unwrap_or(0);
                    // A wobble of a tenth is not worth an event.
                    if before.abs_diff(bitrate) > before / 10 {
                        quality.dirty = true;
                        quality.estimate = Some(bitrate);
                    }
                }
                Ok(RtcpPacket::TransportFeedback(feedback)) => shard.on_arrivals(key, feedback.arrivals()),
                Ok(_) => {}
                Err(error) => stats.refuse(error.code()),
            }
        }
        if let Some((step, why)) = shard.descend(key, time).step {
            viewer.quality.step(step, why);
        }
    }

    fn publisher_datagram(&mut self, place: usize, from: SocketAddr, bytes: &[u8], now: Instant) {
        let Some(Entry { conn: Conn::Publisher(publisher), .. }) = &mut self.entries[place] else { return };
        if stun::is_stun(bytes) {
            if !publisher.authentic(bytes) {
                self.stats.refuse("stun_unauthenticated");
                return;
            }
            publisher.on_check(now);
            self.learn_address(place, from, now);
        }
        let Some(Entry { conn: Conn::Publisher(publisher), .. }) = &mut self.entries[place] else { return };
        match publisher.feed(from, bytes, now) {
            Ok(true) => self.drive_publisher(place, now),
            Ok(false) => self.stats.refuse("malformed"),
            Err(error) => {
                tracing::debug!(error, "publisher");
                let connected = publisher.state != diemcau_control::LinkState::Connecting;
                self.end(place, if connected { "internal" } else { "dtls_failed" });
            }
        }
    }

    pub(super) fn publisher_at(&mut self, place: usize) -> Option<&mut Publisher> {
        match self.entries.get_mut(place)? {
            Some(Entry { conn: Conn::Publisher(publisher), .. }) => Some(publisher),
            _ => None,
        }
    }
}

/// By its first two bytes (RFC 5761 section 4).
fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, 192..=223, ..])
}

/// The control protocol's word for the end of a transport.
pub(super) fn ending(error: TransportError) -> &'static str {
    match error {
        TransportError::ConsentExpired | TransportError::ConnectTimeout => "timeout",
        TransportError::Dtls(_) => "dtls_failed",
    }
}
