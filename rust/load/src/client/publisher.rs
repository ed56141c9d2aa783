//! A publisher: one site's camera in two layers and its microphone, played from clips by the wall clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_wire::rtcp::{RtcpPacket, RtcpWriter, packets};
use diemcau_wire::transport::Incoming;

use super::Moment;
use super::link::{ClientError, Identity, Link, Reach, Remote};
use super::offer::{Offer, PublisherAnswer};
use super::outgoing::{Named, Outgoing, Saying};
use crate::clips::{Library, Player, VideoCodec, Voice};
use crate::packetize;
use crate::sizes::{SizedPicture, Sizes};
use crate::stats::{Counters, Stats};
use crate::via::Via;

const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Frames that are made up for after a pause of this process.
const MAX_LATE_FRAMES: u64 = 15;
/// A frame sent later than this after its time is counted: the shortcoming is ours.
const LATE_US: u64 = 50_000;

/// What a publisher begins with.
pub struct PublisherConfig {
    pub offer: Offer,
    pub answer: String,
    /// Chooses clip and voice.
    pub site: String,
    pub reach: Reach,
    pub via: Arc<Via>,
    /// Packet time of the voice, ms; none: what the answer says.
    pub packet_ms: Option<u32>,
    /// Recorded packet sizes instead of the clip's pictures.
    pub sizes: Option<Sizes>,
}

struct Camera {
    player: Player,
    /// With the layers whose next frame must be a keyframe.
    sizes: Option<(Sizes, [bool; 2])>,
    layers: Vec<(usize, Outgoing)>,
    next_frame: u64,
    picture_id: [u16; 2],
    tl0: [u8; 2],
}

struct Microphone {
    voice: Arc<Voice>,
    packet_ms: u32,
    out: Outgoing,
    next_packet: u64,
}

/// See the module.
pub struct Publisher {
    link: Link,
    camera: Option<Camera>,
    microphone: Option<Microphone>,
    loop_us: u64,
    frames: u64,
    counter: u16,
    next_report: Instant,
    next_media: Option<Instant>,
}

impl Publisher {
    /// # Errors
    /// When the answer cannot be used.
    pub fn open(
        config: PublisherConfig,
        library: &Library,
        identity: &Identity,
        moment: Moment,
    ) -> Result<Self, ClientError> {
        let answer = PublisherAnswer::parse(&config.answer)?;
        let ssrcs = config.offer.ssrcs;
        let chosen = config.reach.choose(&answer.transport)?;
        let address = config.via.route(chosen)?;
        let remote = Remote { address, tcp: config.reach.tcp, transport: answer.transport };
        let camera = match answer.video {
            None => None,
            Some((codec, payload_type, rtx_payload_type, extensions)) => {
                let video = library.video_for(&config.site, codec).ok_or(ClientError::NoClip)?;
                let named = |rid| Named {
                    payload_type,
                    rtx_payload_type,
                    mid: "1",
                    rid,
                    extensions,
                    clock_rate: 90_000,
                };
                let layers = if answer.simulcast {
                    vec![(0, Outgoing::new(named(Some("low")))), (1, Outgoing::new(named(Some("high"))))]
                } else {
                    vec![(1, Outgoing::announced(named(None), ssrcs.video, ssrcs.rtx))]
                };
                let picture_id = [fastrand::u16(..) & 0x7fff, fastrand::u16(..) & 0x7fff];
                let sizes = config.sizes.map(|sizes| (sizes, [true; 2]));
                Some(Camera {
                    player: Player::new(video),
                    sizes,
                    layers,
                    next_frame: 0,
                    picture_id,
                    tl0: [0; 2],
                })
            }
        };
        let microphone = answer.audio.map(|(payload_type, ptime, extensions)| {
            let voice = library.voice_for(&config.site);
            let packet_ms = voice.speech(config.packet_ms.unwrap_or(ptime)).packet_ms;
            let named = Named {
                payload_type,
                rtx_payload_type: None,
                mid: "0",
                rid: None,
                extensions,
                clock_rate: 48_000,
            };
            // A stream of its own in either case; announced where the video's is.
            let out = Outgoing::announced(named, ssrcs.audio, 0);
            Microphone { voice, packet_ms, out, next_packet: 0 }
        });
        Ok(Self {
            link: Link::open(remote, config.offer.credentials, identity, (false, false), None, moment.now)?,
            camera,
            microphone,
            loop_us: u64::from(library.loop_ms) * 1000,
            frames: u64::from(library.frames),
            counter: 0,
            next_report: moment.now,
            next_media: None,
        })
    }

    #[must_use]
    pub fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Takes a datagram. True when this one connected it.
    ///
    /// # Errors
    /// The connection is over.
    pub fn datagram(
        &mut self,
        moment: Moment,
        from: SocketAddr,
        datagram: &mut [u8],
        stats: &mut Stats,
    ) -> Result<bool, ClientError> {
        match self.link.datagram(moment.now, from, datagram)? {
            Incoming::Connected => {
                self.start(moment);
                return Ok(true);
            }
            Incoming::Rtcp(compound) => {
                // Read whole before acting: acting sends, and the packet borrows the datagram only.
                for packet in packets(compound) {
                    match packet {
                        Ok(packet) => self.feedback(&packet, moment, &mut stats.counters),
                        Err(error) => {
                            tracing::debug!(%error, bytes = ?&compound[..compound.len().min(80)], "RTCP from the node");
                            stats.violation("rtcp_malformed_at_publisher");
                        }
                    }
                }
            }
            Incoming::Closed => return Err(ClientError::Closed),
            Incoming::Dropped(_) => stats.counters.refused += 1,
            Incoming::None | Incoming::Checked | Incoming::Selected(_) | Incoming::Rtp { .. } => {}
        }
        Ok(false)
    }

    fn start(&mut self, moment: Moment) {
        if let Some(camera) = &mut self.camera {
            camera.next_frame = moment.unix_us * self.frames / self.loop_us + 1;
        }
        if let Some(microphone) = &mut self.microphone {
            microphone.next_packet = moment.unix_us / (u64::from(microphone.packet_ms) * 1000) + 1;
        }
        self.next_media = Some(moment.now);
        self.next_report = moment.now + REPORT_EVERY / 4;
    }

    fn feedback(&mut self, packet: &RtcpPacket<'_>, moment: Moment, counters: &mut Counters) {
        let Some(camera) = &mut self.camera else { return };
        match packet {
            RtcpPacket::Pli { media_ssrc, .. } => {
                counters.plis_got += 1;
                camera.request(*media_ssrc);
            }
            RtcpPacket::Fir { entries, .. } => {
                counters.plis_got += 1;
                (*entries).for_each(|(ssrc, _)| camera.request(ssrc));
            }
            RtcpPacket::Nack { media_ssrc, lost, .. } => {
                counters.nacks_got += 1;
                let Some((_, out)) = camera.layers.iter_mut().find(|(_, out)| out.ssrc() == *media_ssrc)
                else {
                    return;
                };
                for sequence in *lost {
                    out.resend(&mut self.link, sequence, moment.unix_us, &mut self.counter, counters);
                }
            }
            _ => {}
        }
    }

    /// Sends what is due.
    ///
    /// # Errors
    /// The connection is over.
    pub fn timeout(&mut self, moment: Moment, stats: &mut Stats) -> Result<(), ClientError> {
        self.link.timeout(moment.now)?;
        if !self.link.is_connected() {
            return Ok(());
        }
        let mut next = None;
        if let Some(camera) = &mut self.camera {
            let due = |frame: u64| (frame * self.loop_us).div_ceil(self.frames);
            // What this process was too busy to send in time goes out late: a frame left out would break all that
            // refer to it. After a second it begins anew, with keyframes.
            let present = moment.unix_us * self.frames / self.loop_us;
            if present > camera.next_frame + MAX_LATE_FRAMES {
                stats.counters.late_frames += present - camera.next_frame;
                camera.next_frame = present;
                camera.player.restart();
            }
            while due(camera.next_frame) <= moment.unix_us {
                let at = due(camera.next_frame);
                stats.counters.late_frames += u64::from(moment.unix_us > at + LATE_US);
                camera.send(&mut self.link, at, moment, &mut self.counter, &mut stats.counters);
                camera.next_frame += 1;
            }
            next = Some(due(camera.next_frame));
        }
        if let Some(microphone) = &mut self.microphone {
            let span = u64::from(microphone.packet_ms) * 1000;
            microphone.next_packet = microphone.next_packet.max(moment.unix_us / span);
            while microphone.next_packet * span <= moment.unix_us {
                microphone.send(&mut self.link, span, moment, &mut self.counter, &mut stats.counters);
                microphone.next_packet += 1;
            }
            let at = microphone.next_packet * span;
            next = Some(next.map_or(at, |n: u64| n.min(at)));
        }
        self.next_media =
            next.map(|at| moment.now + Duration::from_micros(at.saturating_sub(moment.unix_us)));
        if moment.now >= self.next_report {
            self.next_report = moment.now + REPORT_EVERY;
            self.report(moment);
        }
        Ok(())
    }

    fn report(&mut self, moment: Moment) {
        let outs = self.camera.iter().flat_map(|camera| camera.layers.iter().map(|(_, out)| out));
        let infos: Vec<_> = outs
            .chain(self.microphone.iter().map(|microphone| &microphone.out))
            .filter(|out| out.has_sent())
            .map(|out| out.report(moment.unix_us))
            .collect();
        for info in infos {
            let mut buf = [0; 256];
            let mut writer = RtcpWriter::new(&mut buf);
            let written = writer.sender_report(&info, &[]).and_then(|w| w.sdes_cname(info.ssrc, "site"));
            if written.is_ok() {
                let len = writer.len();
                self.link.send_rtcp(&mut buf, len);
            }
        }
    }

    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        let link = self.link.next_timeout();
        self.next_media.map_or(link, |media| media.min(self.next_report).min(link))
    }
}

impl Camera {
    fn request(&mut self, ssrc: u32) {
        if let Some((layer, _)) = self.layers.iter().find(|(_, out)| out.ssrc() == ssrc) {
            self.player.request_keyframe(*layer);
            if let Some((_, wanted)) = &mut self.sizes {
                wanted[*layer] = true;
            }
        }
    }

    fn send(&mut self, link: &mut Link, at: u64, moment: Moment, counter: &mut u16, counters: &mut Counters) {
        let h264 = self.player.video().codec == VideoCodec::H264;
        let mut payloads: Vec<Vec<u8>> = Vec::new();
        for (layer, out) in &mut self.layers {
            let layer = *layer;
            payloads.clear();
            let (picture_id, tl0) = (self.picture_id[layer], self.tl0[layer]);
            if let Some((sizes, wanted)) = &mut self.sizes {
                let keyframe = std::mem::take(&mut wanted[layer]);
                let picture = SizedPicture { h264, keyframe, low: layer == 0, picture_id, tl0 };
                sizes.payloads(&picture, self.next_frame, |payload| payloads.push(payload));
            } else {
                let Some(frame) = self.player.frame(layer, self.next_frame) else { continue };
                if h264 {
                    packetize::h264(&frame.data, |payload| payloads.push(payload.to_vec()));
                } else {
                    packetize::vp8(&frame.data, picture_id, tl0, |payload| payloads.push(payload.to_vec()));
                }
            }
            self.picture_id[layer] = (picture_id + 1) & 0x7fff;
            self.tl0[layer] = tl0.wrapping_add(1);
            counters.frames_sent += 1;
            let timestamp = out.timestamp(at);
            for (i, payload) in payloads.iter().enumerate() {
                let marker = i + 1 == payloads.len();
                let saying = Saying { timestamp, marker, level: None, unix_us: moment.unix_us };
                out.send(link, payload, saying, counter, counters);
            }
        }
    }
}

impl Microphone {
    fn send(
        &mut self,
        link: &mut Link,
        span: u64,
        moment: Moment,
        counter: &mut u16,
        counters: &mut Counters,
    ) {
        let packets = &self.voice.speech(self.packet_ms).packets;
        let (payload, level) = &packets[(self.next_packet % packets.len() as u64) as usize];
        let timestamp = self.out.timestamp(self.next_packet * span);
        let saying = Saying { timestamp, marker: false, level: Some(*level), unix_us: moment.unix_us };
        self.out.send(link, payload, saying, counter, counters);
    }
}
