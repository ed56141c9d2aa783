//! A publisher connection: `str0m` for the transport, simulcast and feedback, the core's [`Publisher`] for what
//! the packets are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_control::{Layer as ControlLayer, LinkState, VideoCodec};
use diemcau_core::depacket::red;
use diemcau_core::{
    Codec, KeyframeReason, Kind, Layer, Publisher as Ingest, PublisherEvent, RtpIn, Source, TrackId,
    TrackPacket,
};
use diemcau_wire::ice::{DEAD_AFTER, DEGRADED_AFTER, IceCredentials};
use diemcau_wire::stun::StunMessage;
use str0m::change::SdpOffer;
use str0m::format::CodecConfig;
use str0m::media::{KeyframeRequestKind, MediaKind, Mid, Rid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};

use super::Candidates;
use super::offer::{self, Offered};
use super::plain::{self, ParameterSets};
use crate::clock::Clock;
use crate::message::{OpenPublisher, PublisherOpened, Refusal};
use crate::stats::WorkerStats;
use crate::stream::path;

/// A publisher that is not connected by then goes.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A frame is passed on at its marker, or this long after its first packet.
pub const FRAME_WAIT: Duration = Duration::from_millis(5);
/// ... or when it has this many packets.
const FRAME_PACKETS: usize = 64;
/// Keyframes of lined-up tracks come at least this often.
const LINE_UP_EVERY: Duration = Duration::from_secs(2);
/// Steps of `str0m` per turn, so that an error in it cannot hold the worker.
const MAX_STEPS: usize = 4_096;
/// Places that one track's packets come in by.
const SSRCS: usize = 16;
/// TCP connections that are remembered; the worker lets in no more.
const MAX_TCP_PEERS: usize = 4;

/// What a turn of a publisher brought, for the worker.
pub enum Brought {
    /// Packets of one source, a frame or part of one.
    Frame(Arc<[Arc<TrackPacket>]>),
    Link(LinkState),
    Live(TrackId),
    Lost(TrackId),
    Layers(TrackId, Vec<ControlLayer>),
}

struct Track {
    id: TrackId,
    codec: Codec,
    mid: Mid,
    /// Lowest layer first; empty without simulcast.
    rids: Vec<Rid>,
    layers: Vec<ControlLayer>,
    live: bool,
    /// See [`offer::Section::told_by`].
    told_by: Vec<u8>,
    /// Of its one layer, where the offer has them.
    parameter_sets: Option<ParameterSets>,
}

struct Stream {
    ssrc: Ssrc,
    source: Source,
    frame: Vec<Arc<TrackPacket>>,
    /// When the frame goes out even without its marker.
    due: Option<Instant>,
}

/// See the module.
pub struct Publisher {
    rtc: Rtc,
    ufrag: String,
    pwd: String,
    /// Ours, for each family that was announced: where `str0m` believes to be reached.
    locals: Candidates,
    /// Paths of TCP peers, latest last: `str0m` knows them by their plain addresses.
    tcp_peers: Vec<SocketAddr>,
    ingest: Ingest,
    tracks: Vec<Track>,
    streams: Vec<Stream>,
    /// SSRCs that only their payload type told.
    expected: usize,
    /// Payload type of redundant audio (RFC 2198), where it was agreed.
    red: Option<u8>,
    pub state: LinkState,
    opened: Instant,
    /// Last authenticated connectivity check.
    checked: Option<Instant>,
    /// When `str0m` wants to be called.
    next: Instant,
}

impl Publisher {
    /// Answers the offer.
    ///
    /// # Errors
    /// `bad_offer`, `no_common_codec`.
    pub fn open(
        open: &OpenPublisher,
        credentials: IceCredentials,
        candidates: &Candidates,
        now: Instant,
    ) -> Result<(Self, PublisherOpened), Refusal> {
        let bad = |error: String| Refusal::new("bad_offer", error);
        let offered = offer::read(&open.offer).map_err(bad)?;
        let video = offered.video_codec(open.codec);
        if offered.has_video && video.is_none() {
            return Err(Refusal::new("no_common_codec", "the video line has neither H.264 nor VP8"));
        }
        let sdp = SdpOffer::from_sdp_string(&open.offer).map_err(|error| bad(error.to_string()))?;
        let mut config = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, true)
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .set_rtcp_report_interval_audio(Duration::from_secs(1))
            .set_local_ice_credentials(IceCreds {
                ufrag: credentials.ufrag.clone(),
                pass: credentials.pwd.clone(),
            });
        video_codec(config.codec_config(), video);
        let mut rtc = config.build(now);
        for address in &candidates.udp {
            let candidate = Candidate::host(*address, "udp").map_err(|error| bad(error.to_string()))?;
            rtc.add_local_candidate(candidate);
        }
        for address in &candidates.tcp {
            let candidate = Candidate::builder().tcp().host(*address).tcptype(TcpType::Passive).build();
            rtc.add_local_candidate(candidate.map_err(|error| bad(error.to_string()))?);
        }
        let answer = rtc.sdp_api().accept_offer(sdp).map_err(|error| bad(error.to_string()))?;
        let mut publisher = Self {
            rtc,
            ufrag: credentials.ufrag,
            pwd: credentials.pwd,
            locals: candidates.clone(),
            tcp_peers: Vec::new(),
            ingest: Ingest::new(),
            tracks: Vec::new(),
            streams: Vec::new(),
            expected: 0,
            red: None,
            state: LinkState::Connecting,
            opened: now,
            checked: None,
            next: now,
        };
        publisher.find_tracks(open, &offered, video);
        if publisher.tracks.is_empty() {
            return Err(Refusal::new("no_common_codec", "no line is sent with a codec that is spoken here"));
        }
        let tracks = publisher.tracks.iter().map(|track| (track.id, track.codec)).collect();
        let answer = offer::with_audio_wishes(&answer.to_sdp_string(), super::viewer::PTIME);
        publisher.red = offer::red_payload_type(&answer);
        Ok((publisher, PublisherOpened { answer, tracks }))
    }

    /// The first audio and the first video line that are sent with a codec of ours.
    fn find_tracks(&mut self, open: &OpenPublisher, offered: &Offered, video: Option<VideoCodec>) {
        for section in &offered.sections {
            let Some(media) = self.rtc.media(Mid::from(section.mid.as_str())) else { continue };
            let (id, codec) = match (media.kind(), video) {
                (MediaKind::Audio, _) => (open.audio, Codec::Opus),
                (MediaKind::Video, Some(VideoCodec::H264)) => (open.video, Codec::H264),
                (MediaKind::Video, Some(VideoCodec::Vp8)) => (open.video, Codec::Vp8),
                (MediaKind::Video, None) => continue,
            };
            let sent = media.direction().is_receiving() && !media.disabled();
            if !sent || self.tracks.iter().any(|track| track.id == id) {
                continue;
            }
            let mid = media.mid();
            let rids: Vec<Rid> = section.rids.iter().map(|rid| Rid::from(rid.as_str())).collect();
            self.ingest.add_track(id, codec, rids.len().clamp(1, 3) as u8);
            let sets = section.parameter_sets.clone().filter(|_| codec == Codec::H264 && rids.is_empty());
            self.tracks.push(Track {
                id,
                codec,
                mid,
                rids,
                layers: Vec::new(),
                live: false,
                told_by: section.told_by.clone(),
                parameter_sets: sets.map(ParameterSets::new),
            });
        }
    }

    /// Whether a STUN datagram is a check that knows our password.
    pub fn authentic(&self, datagram: &[u8]) -> bool {
        StunMessage::parse(datagram).is_ok_and(|message| {
            message.ufrags().is_some_and(|(ours, _)| ours == self.ufrag)
                && message.authentic(self.pwd.as_bytes())
        })
    }

    /// An authenticated check came.
    pub fn on_check(&mut self, now: Instant) {
        self.checked = Some(now);
    }

    /// Feeds one datagram; false: it is not of a kind that `str0m` reads.
    ///
    /// # Errors
    /// The connection is over.
    pub fn feed(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) -> Result<bool, String> {
        let peer = path::peer_of(from);
        let (protocol, locals) = match path::stream_of(from) {
            None => (Protocol::Udp, &self.locals.udp),
            Some(_) => (Protocol::Tcp, &self.locals.tcp),
        };
        let same_family = |local: &&SocketAddr| local.is_ipv4() == peer.is_ipv4();
        let Some(destination) = locals.iter().find(same_family).or(locals.first()).copied() else {
            return Ok(false);
        };
        if protocol == Protocol::Tcp && self.tcp_peers.last() != Some(&from) {
            self.tcp_peers.retain(|known| path::peer_of(*known) != peer);
            self.tcp_peers.push(from);
            let surplus = self.tcp_peers.len().saturating_sub(MAX_TCP_PEERS);
            self.tcp_peers.drain(..surplus);
        }
        self.expect(datagram);
        let Ok(receive) = Receive::new(protocol, peer, destination, datagram) else { return Ok(false) };
        self.rtc.handle_input(Input::Receive(now, receive)).map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Says to `str0m` what an RTP packet is that nothing but its payload type tells. As many SSRCs as it may have in
    /// all; what comes under them must still be authentic.
    fn expect(&mut self, datagram: &[u8]) {
        let Some((payload_type, ssrc)) = plain::rtp_source(datagram) else { return };
        let told = self.tracks.iter().find(|track| track.told_by.contains(&payload_type));
        let Some(mid) = told.map(|track| track.mid) else { return };
        let mut api = self.rtc.direct_api();
        if self.expected < SSRCS && api.stream_rx(&ssrc.into()).is_none() {
            api.expect_stream_rx(ssrc.into(), None, mid, None);
            self.expected += 1;
        }
    }

    /// Lets `str0m` and the core do what is due. Datagrams go to `send`, everything else to `each`.
    ///
    /// # Errors
    /// The connection is over, with the reason.
    pub fn drive(
        &mut self,
        now: Instant,
        clock: &Clock,
        stats: &mut WorkerStats,
        mut send: impl FnMut(SocketAddr, &[u8]),
        mut each: impl FnMut(Brought),
    ) -> Result<(), &'static str> {
        if self.next <= now {
            self.rtc.handle_input(Input::Timeout(now)).map_err(|error| self.reason(&error.to_string()))?;
        }
        let mut steps = 0;
        loop {
            steps += 1;
            if steps > MAX_STEPS {
                return Err("internal");
            }
            let output = self.rtc.poll_output().map_err(|error| self.reason(&error.to_string()))?;
            match output {
                Output::Timeout(at) if at <= now => {
                    self.rtc
                        .handle_input(Input::Timeout(now))
                        .map_err(|error| self.reason(&error.to_string()))?;
                }
                Output::Timeout(at) => {
                    self.next = at;
                    break;
                }
                Output::Transmit(transmit) if transmit.proto == Protocol::Udp => {
                    send(transmit.destination, &transmit.contents);
                }
                Output::Transmit(transmit) => {
                    let to = self.tcp_peers.iter().find(|path| path::peer_of(**path) == transmit.destination);
                    if let Some(path) = to {
                        send(*path, &transmit.contents);
                    }
                }
                Output::Event(Event::Connected) => {
                    self.state = LinkState::Connected;
                    each(Brought::Link(LinkState::Connected));
                }
                Output::Event(Event::RtpPacket(packet)) => self.take(packet, now, clock, stats, &mut each),
                Output::Event(Event::SenderFeedback(report)) => {
                    if let Some(source) = self.source_of(report.mid, report.rid) {
                        let unix = report.sender_info.ntp_time.duration_since(std::time::UNIX_EPOCH).ok();
                        let micros = unix.and_then(|unix| i64::try_from(unix.as_micros()).ok());
                        if let Some(micros) = micros {
                            let timestamp = report.sender_info.rtp_time.numer() as u32;
                            self.ingest.sender_report(source, micros, timestamp);
                        }
                    }
                }
                Output::Event(Event::Closed) => return Err("closed"),
                Output::Event(_) => {}
            }
        }
        if !self.rtc.is_alive() {
            return Err("closed");
        }
        self.flush_due(now, &mut each);
        self.events(stats, &mut each);
        Ok(())
    }

    fn reason(&self, error: &str) -> &'static str {
        tracing::debug!(error, "publisher's transport failed");
        if self.state == LinkState::Connecting { "dtls_failed" } else { "internal" }
    }

    fn source_of(&self, mid: Mid, rid: Option<Rid>) -> Option<Source> {
        let track = self.tracks.iter().find(|track| track.mid == mid)?;
        let layer = match rid {
            Some(rid) => track.rids.iter().position(|known| *known == rid)?,
            None => 0,
        };
        Some(Source { track: track.id, layer: Layer(layer as u8) })
    }

    fn take(
        &mut self,
        packet: RtpPacket,
        now: Instant,
        clock: &Clock,
        stats: &mut WorkerStats,
        each: &mut impl FnMut(Brought),
    ) {
        let ssrc = packet.header.ssrc;
        let found = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let Some(at) = found.or_else(|| self.learn(ssrc)) else {
            stats.refuse("rtp_unknown_source");
            return;
        };
        let source = self.streams[at].source;
        let track = self.tracks.iter_mut().find(|track| track.id == source.track);
        let sets = track.and_then(|track| track.parameter_sets.as_mut());
        let header = &packet.header;
        let (sequence, before) = sets.map_or((header.sequence_number, None), |sets| {
            sets.place(header.sequence_number, header.timestamp, &packet.payload)
        });
        let audio_level = header.ext_vals.audio_level.map(|level| level.unsigned_abs().min(127));
        let redundant = self.red == Some(*header.payload_type) && !packet.payload.is_empty();
        let mut rtp = RtpIn {
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            audio_level,
            payload: packet.payload,
        };
        if let Some(payload) = before {
            let sequence = sequence.wrapping_sub(1);
            let sets = RtpIn { sequence, marker: false, payload, ..rtp.clone() };
            self.ingest_one(at, sets, now, clock, stats, each);
        }
        if redundant {
            match self.recover(at, &rtp, now, clock) {
                Some(own) => rtp.payload = own,
                None => {
                    stats.refuse("rtp_malformed_payload");
                    return;
                }
            }
        }
        self.ingest_one(at, rtp, now, clock, stats, each);
    }

    /// Takes what a packet of redundant audio (RFC 2198) repeats of earlier ones; answers what it brings itself, none
    /// when it is malformed.
    fn recover(&mut self, at: usize, rtp: &RtpIn, now: Instant, clock: &Clock) -> Option<Arc<[u8]>> {
        let source = self.streams[at].source;
        let (earlier, own) = red::parse(&rtp.payload)?;
        let mut back = earlier.len() as u16;
        for block in earlier {
            let lost = RtpIn {
                sequence: rtp.sequence.wrapping_sub(back),
                timestamp: rtp.timestamp.wrapping_sub(u32::from(block.offset)),
                marker: false,
                audio_level: None,
                payload: Arc::from(block.payload),
            };
            back -= 1;
            // What came by itself already is there twice, which is the rule.
            if !lost.payload.is_empty()
                && block.payload_type == own.payload_type
                && let Ok(packet) = self.ingest.ingest(source, lost, clock.time(now))
            {
                self.streams[at].frame.push(packet);
            }
        }
        Some(Arc::from(own.payload))
    }

    fn ingest_one(
        &mut self,
        at: usize,
        rtp: RtpIn,
        now: Instant,
        clock: &Clock,
        stats: &mut WorkerStats,
        each: &mut impl FnMut(Brought),
    ) {
        let source = self.streams[at].source;
        match self.ingest.ingest(source, rtp, clock.time(now)) {
            Ok(packet) => {
                // A picture that came (back) without a keyframe is of use to nobody: ask, once a second at most.
                let dark = self.tracks.iter().any(|track| track.id == source.track && !track.live);
                if dark && !packet.keyframe {
                    self.ingest.ask_keyframe(source, KeyframeReason::Loss, clock.time(now));
                }
                let stream = &mut self.streams[at];
                let whole = packet.marker || packet.codec == Codec::Opus;
                stream.frame.push(packet);
                if whole || stream.frame.len() >= FRAME_PACKETS {
                    stream.due = None;
                    each(Brought::Frame(stream.frame.drain(..).collect()));
                } else {
                    stream.due.get_or_insert(now + FRAME_WAIT);
                }
            }
            Err(error) => stats.refuse(ingest_code(error)),
        }
    }

    /// A packet of an SSRC not seen before: `str0m` knows by mid and rid what it is.
    fn learn(&mut self, ssrc: Ssrc) -> Option<usize> {
        let (mid, rid) = {
            let mut api = self.rtc.direct_api();
            let stream = api.stream_rx(&ssrc)?;
            (stream.mid(), stream.rid())
        };
        let source = self.source_of(mid, rid)?;
        if self.streams.len() >= SSRCS {
            self.streams.remove(0);
        }
        // The source may have changed its SSRC; the old one's packets are not waited for.
        self.streams.retain(|stream| stream.source != source);
        self.streams.push(Stream { ssrc, source, frame: Vec::new(), due: None });
        Some(self.streams.len() - 1)
    }

    fn flush_due(&mut self, now: Instant, each: &mut impl FnMut(Brought)) {
        for stream in &mut self.streams {
            if stream.due.is_some_and(|due| due <= now) {
                stream.due = None;
                each(Brought::Frame(stream.frame.drain(..).collect()));
            }
        }
    }

    fn events(&mut self, stats: &mut WorkerStats, each: &mut impl FnMut(Brought)) {
        while let Some(event) = self.ingest.poll_event() {
            match event {
                PublisherEvent::RequestKeyframe(source) => {
                    stats.keyframe_requests += 1;
                    let ssrc = self.streams.iter().find(|s| s.source == source).map(|s| s.ssrc);
                    if let Some(ssrc) = ssrc {
                        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
                            stream.request_keyframe(KeyframeRequestKind::Pli);
                        }
                        // The request is written at the next poll, which must not wait for a packet.
                        self.next = self.opened;
                    }
                }
                PublisherEvent::Live(track) => {
                    self.set_live(track, true);
                    each(Brought::Live(track));
                }
                PublisherEvent::Lost(track) => {
                    self.set_live(track, false);
                    each(Brought::Lost(track));
                }
            }
        }
    }

    fn set_live(&mut self, id: TrackId, live: bool) {
        for track in self.tracks.iter_mut().filter(|track| track.id == id) {
            track.live = live;
        }
    }

    /// Somebody wants a keyframe.
    pub fn ask_keyframe(&mut self, source: Source, reason: KeyframeReason, now: diemcau_core::Time) {
        self.ingest.ask_keyframe(source, reason, now);
        self.next = self.opened;
    }

    /// Control wants one, of every layer.
    pub fn ask_all(&mut self, id: TrackId, now: diemcau_core::Time) {
        let layers =
            self.tracks.iter().find(|track| track.id == id).map_or(0, |track| track.rids.len().max(1));
        for layer in 0..layers {
            self.ask_keyframe(Source { track: id, layer: Layer(layer as u8) }, KeyframeReason::Cut, now);
        }
    }

    pub fn line_up(&mut self, tracks: &[TrackId]) {
        for track in self.tracks.iter().filter(|track| track.codec.kind() == Kind::Video) {
            let every = tracks.contains(&track.id).then_some(LINE_UP_EVERY);
            self.ingest.keep_keyframes(track.id, every);
        }
    }

    pub fn tracks(&self) -> impl Iterator<Item = TrackId> + '_ {
        self.tracks.iter().map(|track| track.id)
    }

    /// When this wants to be driven.
    pub fn next(&self) -> Instant {
        let frames = self.streams.iter().filter_map(|stream| stream.due).min();
        frames.map_or(self.next, |frames| frames.min(self.next))
    }

    /// Call about ten times a second.
    ///
    /// # Errors
    /// The connection is over, with the reason.
    pub fn tick(
        &mut self,
        now: Instant,
        clock: &Clock,
        stats: &mut WorkerStats,
        mut each: impl FnMut(Brought),
    ) -> Result<(), &'static str> {
        if self.state == LinkState::Connecting {
            if now.duration_since(self.opened) > CONNECT_WITHIN {
                return Err("timeout");
            }
        } else {
            let quiet = now.duration_since(self.checked.unwrap_or(self.opened));
            if quiet > DEAD_AFTER {
                return Err("timeout");
            }
            let state = if quiet > DEGRADED_AFTER { LinkState::Degraded } else { LinkState::Connected };
            if state != self.state {
                self.state = state;
                each(Brought::Link(state));
            }
        }
        let time = clock.time(now);
        self.ingest.tick(time);
        for track in &mut self.tracks {
            if track.codec.kind() == Kind::Audio {
                continue;
            }
            let mut layers: Vec<ControlLayer> =
                self.ingest.layers(track.id, time).map(control_layer).collect();
            layers.dedup();
            if layers != track.layers {
                track.layers.clone_from(&layers);
                each(Brought::Layers(track.id, layers));
            }
        }
        self.events(stats, &mut each);
        Ok(())
    }

    /// Says goodbye; drive it once more to send it.
    pub fn goodbye(&mut self) {
        // A transport that cannot say goodbye is gone already.
        let _ = self.rtc.close();
        self.next = self.opened;
    }
}

/// Everything above the lowest is high: control knows two layers.
fn control_layer(layer: Layer) -> ControlLayer {
    if layer == Layer::LOW { ControlLayer::Low } else { ControlLayer::High }
}

fn video_codec(config: &mut CodecConfig, codec: Option<VideoCodec>) {
    match codec {
        Some(VideoCodec::H264) => {
            // Constrained baseline; then what older stacks call it. Payload types are replaced by the offer's.
            config.add_h264(108.into(), Some(109.into()), true, 0x0042_e01f);
            config.add_h264(127.into(), Some(121.into()), true, 0x0042_001f);
        }
        Some(VideoCodec::Vp8) => config.enable_vp8(true),
        None => {}
    }
}

fn ingest_code(error: diemcau_core::IngestError) -> &'static str {
    use diemcau_core::IngestError as E;
    match error {
        E::UnknownSource => "rtp_unknown_source",
        E::Duplicate => "rtp_duplicate",
        E::Leap => "rtp_leap",
        E::Malformed => "rtp_malformed_payload",
        E::TooLong => "rtp_too_long",
    }
}
