//! A viewer connection: the answer to its offer, its transport, what it reports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_control::{Layer, LinkState, Step, VideoCodec, ViewerQuality, Why};
use diemcau_core::{Codec, LineConfig, LineReport, ProgramId, TrackId, ViewerConfig, ViewerKey};
use diemcau_wire::dtls::Certificate;
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtcp::{RtcpWriter, SenderInfo};
use diemcau_wire::sdp::{AnswerConfig, LineSpec, MediaKind, answer_viewer};
use diemcau_wire::srtp::MAX_OVERHEAD;
use diemcau_wire::transport::{Transport, TransportConfig, TransportRole};

use super::Candidates;
use super::emit::LineOut;
use crate::hub::ceiling;
use crate::message::{OpenViewer, Refusal, ViewerOpened};
use crate::stream::path;
use crate::sys::random;

/// Most lines of each kind in one viewer.
pub const MAX_AUDIO: usize = 16;
pub const MAX_VIDEO: usize = 64;
/// Opus frames asked for and announced, ms.
pub const PTIME: u32 = 60;
/// A viewer that is not connected by then goes.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// Sender reports in one compound, so that it fits an Ethernet frame.
const REPORTS: usize = 30;
/// Same for all lines of all viewers: nothing is learnt from it, and it is short.
const CNAME: &str = "dc";

/// What control said before the shard knew the viewer, and what the answer gave it.
struct Waiting {
    specs: Vec<LineSpec>,
    config: ViewerConfig,
    program: Option<ProgramId>,
    pins: Vec<(usize, Option<TrackId>, Layer)>,
}

/// See the module.
pub struct Viewer {
    pub transport: Transport,
    pub state: LinkState,
    /// In the shard; once connected.
    pub key: Option<ViewerKey>,
    /// Audio lines, then video lines; once connected.
    pub lines: Box<[LineOut]>,
    ssrcs: Box<[u32]>,
    pub audio_lines: u16,
    pub program: Option<ProgramId>,
    waiting: Option<Box<Waiting>>,
    pub quality: Quality,
    /// A sender report is due at once (a line was cut).
    pub report_due: bool,
    pub faulty: bool,
}

/// What the viewer reported since the last quality event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quality {
    pub loss: u8,
    pub estimate: Option<u64>,
    pub nacks: u32,
    pub plis: u32,
    pub step: Step,
    pub why: Option<Why>,
    pub dirty: bool,
    pub told: Option<Instant>,
}

impl Quality {
    /// It stands elsewhere on the ladder: told with the next look, however fresh the last word is.
    pub fn step(&mut self, step: diemcau_core::Step, why: Option<diemcau_core::Why>) {
        self.step = match step {
            diemcau_core::Step::High => Step::High,
            diemcau_core::Step::Low => Step::Low,
            diemcau_core::Step::Slides => Step::Slides,
            diemcau_core::Step::Audio => Step::Audio,
            diemcau_core::Step::Text => Step::Text,
        };
        self.why = why.map(|why| match why {
            diemcau_core::Why::Estimate => Why::Estimate,
            diemcau_core::Why::Loss => Why::Loss,
            diemcau_core::Why::Delay => Why::Delay,
        });
        self.dirty = true;
        self.told = None;
    }
}

/// What a worker gives every connection.
pub struct Ground<'a> {
    pub certificate: &'a Arc<Certificate>,
    pub candidates: &'a Candidates,
}

impl Viewer {
    /// Answers the offer.
    ///
    /// # Errors
    /// `bad_offer`, `no_common_codec`.
    pub fn open(
        open: &OpenViewer,
        credentials: IceCredentials,
        ground: &Ground<'_>,
        now: Instant,
    ) -> Result<(Self, ViewerOpened), Refusal> {
        let answer = answer_viewer(
            &open.offer,
            &AnswerConfig {
                credentials: &credentials,
                fingerprint: ground.certificate.fingerprint(),
                candidates: &ground.candidates.udp,
                tcp_candidates: &ground.candidates.tcp,
                session_id: random::u64() >> 2,
                first_ssrc: random::u32(),
                max_audio: MAX_AUDIO,
                max_video: MAX_VIDEO,
                ptime: PTIME,
                // Only padding that measures the line is numbered, so that it costs the media nothing.
                transport_cc: true,
            },
        )
        .map_err(|error| Refusal::new("bad_offer", format!("{}: {error}", error.code())))?;
        let of = |kind| answer.lines.iter().filter(move |spec| spec.kind == kind).cloned();
        let (audio, video): (Vec<_>, Vec<_>) =
            (of(MediaKind::Audio).collect(), of(MediaKind::Video).collect());
        let h264 = video.iter().all(|spec| spec.payload_types.h264.is_some());
        let vp8 = video.iter().all(|spec| spec.payload_types.vp8.is_some());
        if !video.is_empty() && !h264 && !vp8 {
            return Err(Refusal::new("no_common_codec", "the video lines share neither H.264 nor VP8"));
        }
        let has = |yes: bool, codec| (yes && !video.is_empty()).then_some(codec);
        let codecs: Vec<VideoCodec> =
            [has(h264, VideoCodec::H264), has(vp8, VideoCodec::Vp8)].into_iter().flatten().collect();
        let transport = Transport::new(
            TransportConfig {
                role: TransportRole::Server,
                local: credentials,
                remote: answer.remote.ice.clone(),
                remote_fingerprint: answer.remote.fingerprint,
                certificate: Arc::clone(ground.certificate),
                receive_rtp: false,
                drop_dtls_after: None,
                connect_timeout: CONNECT_WITHIN,
            },
            now,
        )
        .map_err(|error| Refusal::new("internal", error.to_string()))?;
        let config = ViewerConfig {
            party: open.party,
            codecs: core_codecs(&codecs, !audio.is_empty()),
            ceiling: ceiling(open.ceiling),
            audio: audio.iter().map(line_config).collect(),
            video: video.iter().map(line_config).collect(),
        };
        let opened = ViewerOpened {
            answer: answer.sdp,
            audio_lines: audio.len() as u16,
            video_lines: video.len() as u16,
            codecs,
        };
        let specs = audio.into_iter().chain(video).collect();
        let waiting = Waiting { specs, config, program: open.program, pins: Vec::new() };
        let viewer = Self {
            transport,
            state: LinkState::Connecting,
            key: None,
            lines: Box::default(),
            ssrcs: Box::default(),
            audio_lines: opened.audio_lines,
            program: open.program,
            waiting: Some(Box::new(waiting)),
            quality: Quality::default(),
            report_due: false,
            faulty: open.faulty,
        };
        Ok((viewer, opened))
    }

    /// Keys are agreed: declares the lines to the cipher and the viewer to the shard.
    pub fn connected(
        &mut self,
        shard: &mut diemcau_core::Shard,
        now: diemcau_core::Time,
    ) -> Option<ViewerKey> {
        let waiting = self.waiting.take()?;
        let srtp = self.transport.srtp_tx()?;
        let mut lines = Vec::with_capacity(waiting.specs.len());
        for spec in &waiting.specs {
            lines.push(LineOut {
                media: srtp.add_line(spec.ssrc, false).ok()?,
                rtx: spec.rtx_ssrc.map(|ssrc| srtp.add_line(ssrc, false)).transpose().ok()?,
                payload_types: spec.payload_types,
                rtx_payload_types: spec.rtx_payload_types,
                extensions: spec.extensions,
            });
        }
        self.lines = lines.into_boxed_slice();
        self.ssrcs = waiting.specs.iter().map(|spec| spec.ssrc).collect();
        let key = shard.add_viewer(&waiting.config, now);
        self.key = Some(key);
        for (line, track, layer) in waiting.pins {
            shard.pin(key, line, track, ceiling(layer), now);
        }
        shard.attach(key, waiting.program, now);
        self.state = LinkState::Connected;
        Some(key)
    }

    /// SSRC of a line (audio lines first); once connected.
    pub fn ssrc(&self, line: u8) -> Option<u32> {
        self.ssrcs.get(usize::from(line)).copied()
    }

    pub fn attach(
        &mut self,
        shard: &mut diemcau_core::Shard,
        program: Option<ProgramId>,
        now: diemcau_core::Time,
    ) {
        self.program = program;
        match (&mut self.waiting, self.key) {
            (Some(waiting), _) => waiting.program = program,
            (None, Some(key)) => shard.attach(key, program, now),
            (None, None) => {}
        }
    }

    pub fn pin(
        &mut self,
        shard: &mut diemcau_core::Shard,
        (line, track, layer): (usize, Option<TrackId>, Layer),
        now: diemcau_core::Time,
    ) {
        match (&mut self.waiting, self.key) {
            (Some(waiting), _) => {
                waiting.pins.retain(|(at, ..)| *at != line);
                waiting.pins.push((line, track, layer));
            }
            (None, Some(key)) => shard.pin(key, line, track, ceiling(layer), now),
            (None, None) => {}
        }
    }

    pub fn set_ceiling(&mut self, shard: &mut diemcau_core::Shard, layer: Layer, now: diemcau_core::Time) {
        match (&mut self.waiting, self.key) {
            (Some(waiting), _) => waiting.config.ceiling = ceiling(layer),
            (None, Some(key)) => shard.set_ceiling(key, ceiling(layer), now),
            (None, None) => {}
        }
    }

    /// Writes sender reports of the lines into `buf`, encrypts them and calls `send` with each datagram.
    pub fn reports(
        &mut self,
        shard: &diemcau_core::Shard,
        now: diemcau_core::Time,
        mut send: impl FnMut(SocketAddr, &[u8]),
    ) {
        let (Some(key), Some(to)) = (self.key, self.transport.remote_addr()) else { return };
        let Some(srtp) = self.transport.srtp_tx() else { return };
        let mut buf = [0; REPORTS * 28 + 64];
        let mut list = [None::<LineReport>; REPORTS];
        let mut count = 0;
        let mut flush = |list: &mut [Option<LineReport>]| {
            let room = buf.len() - MAX_OVERHEAD;
            let mut compound = RtcpWriter::new(&mut buf[..room]);
            let mut first = None;
            for report in list.iter().flatten() {
                let info = SenderInfo {
                    ssrc: report.ssrc,
                    ntp: report.ntp,
                    rtp: report.timestamp,
                    packets: report.packets,
                    octets: report.octets,
                };
                first.get_or_insert(report.ssrc);
                if compound.sender_report(&info, &[]).is_err() {
                    return;
                }
            }
            let Some(first) = first else { return };
            if compound.sdes_cname(first, CNAME).is_err() {
                return;
            }
            let len = compound.len();
            if let Ok(len) = srtp.protect_rtcp(&mut buf, len) {
                send(to, &buf[..len]);
            }
        };
        shard.sender_reports(key, now, |report| {
            list[count] = Some(report);
            count += 1;
            if count == REPORTS {
                flush(&mut list[..count]);
                count = 0;
            }
        });
        flush(&mut list[..count]);
        self.report_due = false;
    }

    /// Whether its line can be measured: it takes padding on an RTX stream and answers transport-wide numbers. A TCP
    /// connection tells by its backlog instead.
    pub fn measurable(&self) -> bool {
        let datagrams = self.transport.remote_addr().is_some_and(|to| path::stream_of(to).is_none());
        datagrams
            && self.lines.iter().any(|line| line.rtx.is_some() && line.extensions.transport_cc.is_some())
    }

    /// Says goodbye: RTCP BYE for every line and DTLS close_notify.
    pub fn goodbye(&mut self, now: Instant, mut send: impl FnMut(SocketAddr, &[u8])) {
        if let (Some(to), Some(srtp)) = (self.transport.remote_addr(), self.transport.srtp_tx()) {
            for ssrcs in self.ssrcs.chunks(31) {
                let mut buf = [0; 8 + 4 + 4 * 31 + MAX_OVERHEAD];
                let mut compound = RtcpWriter::new(&mut buf);
                // A compound begins with a report, be it empty (RFC 3550 §6.1).
                let written =
                    compound.receiver_report(ssrcs[0], &[]).and_then(|c| c.bye(ssrcs)).map(|c| c.len());
                if let Some(len) = written.ok().and_then(|len| srtp.protect_rtcp(&mut buf, len).ok()) {
                    send(to, &buf[..len]);
                }
            }
        }
        self.transport.close(now, &mut send);
    }

    /// Fractions for a quality event, if something changed and the last is 2 s old.
    pub fn take_quality(&mut self, now: Instant) -> Option<ViewerQuality> {
        let quality = &mut self.quality;
        let fresh = quality.told.is_some_and(|told| now.duration_since(told) < Duration::from_secs(2));
        if !quality.dirty || fresh {
            return None;
        }
        quality.dirty = false;
        quality.told = Some(now);
        Some(ViewerQuality {
            viewer: String::new(),
            loss: f32::from(quality.loss) / 256.0,
            estimate: quality.estimate,
            nacks: std::mem::take(&mut quality.nacks),
            plis: std::mem::take(&mut quality.plis),
            step: quality.step,
            why: quality.why,
        })
    }
}

fn core_codecs(video: &[VideoCodec], audio: bool) -> Vec<Codec> {
    let video = video.iter().map(|codec| match codec {
        VideoCodec::H264 => Codec::H264,
        VideoCodec::Vp8 => Codec::Vp8,
    });
    video.chain(audio.then_some(Codec::Opus)).collect()
}

fn line_config(spec: &LineSpec) -> LineConfig {
    LineConfig {
        ssrc: spec.ssrc,
        rtx_ssrc: spec.rtx_ssrc,
        first_sequence: random::u16(),
        first_rtx_sequence: random::u16(),
        first_timestamp: random::u32(),
    }
}
