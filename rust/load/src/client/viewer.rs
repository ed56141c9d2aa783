//! A viewer: receives the lines it was answered, checks them, and sends the feedback that a browser sends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_wire::ice::IceCredentials;
use diemcau_wire::prefetch::prefetch;
use diemcau_wire::rtcp::{ReportBlock, RtcpPacket, RtcpWriter, ntp_middle, packets};
use diemcau_wire::rtp::RtpPacket;
use diemcau_wire::sdp::{Codec, LineSpec, MediaKind, SdpError, ViewerSession};
use diemcau_wire::transport::{DropReason, Incoming};

use super::Moment;
use super::arrivals::Arrivals;
use super::link::{ClientError, Identity, Link, Reach, Remote};
use super::shared::Shared;
use crate::clips::Library;
use crate::decode::Tap;
use crate::stats::Stats;
use crate::via::Via;
use crate::watch::{AudioLine, Cut, VideoLine, Watching};

const REPORT_EVERY: Duration = Duration::from_secs(1);
/// RTCP of one viewer fits one datagram.
const RTCP_ROOM: usize = 1_400;

/// What a viewer begins with.
pub struct ViewerConfig {
    /// Ours, as our description says.
    pub credentials: IceCredentials,
    /// What the server's description says; one that cannot be read ends this client at once.
    pub session: Result<ViewerSession, SdpError>,
    /// Whose viewer it is: a cut to this site's own clip is not awaited here.
    pub site: String,
    /// First request, from which joining is measured.
    pub started: Instant,
    /// False where nothing is to be seen at first: then the first frame's time says nothing of joining.
    pub measure_join: bool,
    pub reach: Reach,
    pub via: Arc<Via>,
    pub gro: bool,
    /// Estimate to send, bit/s.
    pub remb: Option<u64>,
    /// Where its frames go to be decoded.
    pub tap: Option<Tap>,
}

enum Kind {
    Audio(AudioLine),
    Video(Box<VideoLine>),
}

struct Line {
    spec: LineSpec,
    kind: Kind,
    received: Received,
}

/// Figures for report blocks (RFC 3550 §6.4.1, A.3).
#[derive(Default)]
struct Received {
    first: Option<u64>,
    highest: u64,
    count: u64,
    expected_before: u64,
    count_before: u64,
    last_report: Option<(u32, Instant)>,
}

/// See the module.
pub struct Viewer {
    link: Link,
    /// SSRC, line, whether it is the line's retransmissions: small enough that finding one touches nothing else.
    by_ssrc: Vec<(u32, u16, bool)>,
    lines: Vec<Line>,
    pub site: String,
    started: Instant,
    measure_join: bool,
    pictured: bool,
    ssrc: u32,
    remb: Option<u64>,
    next_report: Instant,
    tap: Option<Tap>,
    arrivals: Arrivals,
}

/// What a call brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    pub connected: bool,
    pub pictured: bool,
    /// A time at which there is something to do, if this may be an earlier one than was known.
    pub due: Option<Instant>,
}

impl Viewer {
    /// With `shared` it takes an address on that socket where it can.
    ///
    /// # Errors
    /// When the answer cannot be used.
    pub fn open(
        config: ViewerConfig,
        identity: &Identity,
        shared: Option<&mut Shared>,
        moment: Moment,
    ) -> Result<Self, ClientError> {
        let session = config.session?;
        let chosen = config.reach.choose(&session.remote)?;
        let address = config.via.route(chosen)?;
        let remote = Remote { address, tcp: config.reach.tcp, transport: session.remote };
        let keep = config.tap.is_some();
        let lines: Vec<Line> = session
            .lines
            .into_iter()
            .map(|spec| Line {
                kind: match spec.kind {
                    MediaKind::Audio => Kind::Audio(AudioLine::default()),
                    MediaKind::Video => Kind::Video(Box::new(VideoLine::new(keep, spec.nack))),
                },
                spec,
                received: Received::default(),
            })
            .collect();
        let by_ssrc = lines.iter().enumerate().flat_map(|(at, line)| {
            let repair = line.spec.rtx_ssrc.map(|ssrc| (ssrc, at, true));
            std::iter::once((line.spec.ssrc, at, false)).chain(repair)
        });
        let by_ssrc = by_ssrc.map(|(ssrc, at, repair)| (ssrc, at as u16, repair)).collect();
        let link = Link::open(remote, config.credentials, identity, (true, config.gro), shared, moment.now)?;
        Ok(Self {
            link,
            by_ssrc,
            lines,
            site: config.site,
            started: config.started,
            measure_join: config.measure_join,
            pictured: false,
            ssrc: fastrand::u32(1..),
            remb: config.remb,
            // Spread over the period, or ten thousand viewers report in the same millisecond.
            next_report: moment.now + REPORT_EVERY.mul_f64(0.2 + fastrand::f64()),
            tap: config.tap,
            arrivals: Arrivals::default(),
        })
    }

    #[must_use]
    pub fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Has what a datagram takes brought near, in three steps with time between them; `self` is there already.
    pub fn prefetch(&self, step: usize, datagram: &[u8]) {
        let line = || {
            let ssrc = u32::from_be_bytes(datagram.get(8..12)?.try_into().ok()?);
            let (_, at, _) = self.by_ssrc.iter().find(|(known, ..)| *known == ssrc)?;
            self.lines.get(usize::from(*at))
        };
        match step {
            0 => {
                self.link.prefetch(0);
                prefetch(&*self.by_ssrc);
            }
            1 => {
                self.link.prefetch(1);
                line().into_iter().for_each(prefetch);
            }
            _ => {
                if let Some(Line { kind: Kind::Video(video), .. }) = line() {
                    prefetch(&**video);
                }
            }
        }
    }

    /// Takes a datagram.
    ///
    /// # Errors
    /// The connection is over.
    pub fn datagram(
        &mut self,
        moment: Moment,
        from: SocketAddr,
        datagram: &mut [u8],
        library: &Library,
        stats: &mut Stats,
    ) -> Result<Progress, ClientError> {
        stats.counters.datagrams_in += 1;
        stats.counters.bytes_in += datagram.len() as u64;
        let mut progress = Progress::default();
        match self.link.datagram(moment.now, from, datagram)? {
            Incoming::Rtp { packet, index } => {
                return Ok(self.rtp(packet, index, moment, library, stats));
            }
            Incoming::Rtcp(compound) => {
                // Only figures of the next report.
                self.rtcp(compound, moment, stats);
                return Ok(progress);
            }
            Incoming::Connected => {
                stats.connect.add(moment.now.saturating_duration_since(self.started));
                if let Some(profile) = self.link.transport().srtp_profile() {
                    *stats.profiles.entry(profile.name()).or_default() += 1;
                }
                progress.connected = true;
            }
            Incoming::Closed => return Err(ClientError::Closed),
            Incoming::Dropped(reason) => {
                *stats.refusals.entry(reason.code()).or_default() += 1;
                match reason {
                    DropReason::SrtpForged => stats.counters.forged += 1,
                    DropReason::SrtpReplayed => stats.counters.replayed += 1,
                    _ => stats.counters.refused += 1,
                }
            }
            Incoming::None | Incoming::Checked | Incoming::Selected(_) => {}
        }
        progress.due = Some(self.next_timeout());
        Ok(progress)
    }

    fn rtp(
        &mut self,
        packet: &[u8],
        index: u64,
        moment: Moment,
        library: &Library,
        stats: &mut Stats,
    ) -> Progress {
        let Ok(packet) = RtpPacket::parse(packet) else {
            stats.violation("rtp_malformed");
            return Progress::default();
        };
        let header = packet.header;
        let found = self.by_ssrc.iter().find(|(ssrc, ..)| *ssrc == header.ssrc);
        let Some((at, repair)) = found.map(|(_, at, repair)| (usize::from(*at), *repair)) else {
            stats.violation("unknown_ssrc");
            return Progress::default();
        };
        let line = &mut self.lines[at];
        if let Some(number) = line.spec.extensions.transport_cc.and_then(|id| packet.extension(id))
            && let Ok(number) = number.try_into()
        {
            self.arrivals.note(u16::from_be_bytes(number), moment.now);
        }
        // A probe that only fills must be told of in time too.
        let nothing = Progress { due: self.arrivals.due(), ..Progress::default() };
        if repair {
            stats.counters.rtx_packets += 1;
        } else {
            line.received.note(index);
        }
        let types = if repair { line.spec.rtx_payload_types } else { line.spec.payload_types };
        let Some(codec) = types.codec_of(header.payload_type) else {
            stats.violation("unknown_payload_type");
            return nothing;
        };
        match &mut line.kind {
            Kind::Audio(audio) => {
                audio.push(index, header.timestamp, moment.now, stats);
                Progress { due: earlier(audio.next_due(), self.arrivals.due()), ..Progress::default() }
            }
            Kind::Video(video) => {
                stats.counters.video_packets += u64::from(!repair);
                let h264 = codec == Codec::H264;
                let (index, payload) = if repair {
                    // RFC 4588 §4: the original's sequence number, then its payload. An empty one is a probe.
                    let Some((osn, payload)) = packet.payload.split_first_chunk::<2>() else {
                        stats.counters.padding_packets += 1;
                        return nothing;
                    };
                    let Some(original) = video.extend(u16::from_be_bytes(*osn)) else {
                        return nothing;
                    };
                    (original, payload)
                } else {
                    stats.counters.padding_packets += u64::from(packet.payload.is_empty());
                    (index, packet.payload)
                };
                let mut showed = false;
                let tap = &mut self.tap;
                let mut watching = Watching { library, now: moment.now, unix_us: moment.unix_us, stats };
                video.push(
                    index,
                    (h264, header.timestamp, header.marker),
                    payload,
                    &mut watching,
                    &mut |whole, _| {
                        showed = true;
                        if let Some(tap) = tap {
                            tap.frame(at, whole, moment.unix_us);
                        }
                    },
                );
                let due = earlier(video.next_due(), self.arrivals.due());
                let pictured = self.note_picture(showed, moment, stats);
                Progress { pictured, due, ..Progress::default() }
            }
        }
    }

    fn note_picture(&mut self, showed: bool, moment: Moment, stats: &mut Stats) -> bool {
        if !showed || self.pictured {
            return false;
        }
        self.pictured = true;
        if self.measure_join {
            stats.join.add(moment.now.saturating_duration_since(self.started));
        }
        true
    }

    fn rtcp(&mut self, compound: &[u8], moment: Moment, stats: &mut Stats) {
        for packet in packets(compound) {
            match packet {
                Ok(RtcpPacket::SenderReport { info, .. }) => {
                    if let Some(line) = self.lines.iter_mut().find(|line| line.spec.ssrc == info.ssrc) {
                        line.received.last_report = Some((ntp_middle(info.ntp), moment.now));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, bytes = ?&compound[..compound.len().min(80)], "RTCP from the node");
                    stats.violation("rtcp_malformed");
                }
            }
        }
    }

    /// Does what is due. Returns whether the first frame showed by it.
    ///
    /// # Errors
    /// The connection is over.
    pub fn timeout(
        &mut self,
        moment: Moment,
        library: &Library,
        stats: &mut Stats,
    ) -> Result<bool, ClientError> {
        self.link.timeout(moment.now)?;
        if !self.link.is_connected() {
            return Ok(false);
        }
        let mut buf = [0; RTCP_ROOM + 100];
        let mut writer = RtcpWriter::new(&mut buf[..RTCP_ROOM]);
        let reporting = moment.now >= self.next_report;
        if reporting {
            self.next_report = moment.now + REPORT_EVERY;
            self.write_reports(&mut writer, moment);
        }
        if let Some(line) = self.lines.first() {
            self.arrivals.write(&mut writer, (self.ssrc, line.spec.ssrc), moment.now);
        }
        let mut showed = false;
        for (at, line) in self.lines.iter_mut().enumerate() {
            match &mut line.kind {
                Kind::Audio(audio) => audio.due(moment.now, stats),
                Kind::Video(video) => {
                    let tap = &mut self.tap;
                    let mut watching = Watching { library, now: moment.now, unix_us: moment.unix_us, stats };
                    let (ask, pli) = video.due(&mut watching, &mut |whole, _| {
                        showed = true;
                        if let Some(tap) = tap {
                            tap.frame(at, whole, moment.unix_us);
                        }
                    });
                    // What does not fit is asked for again at its next turn.
                    let _ = writer.nack(self.ssrc, line.spec.ssrc, &ask);
                    if pli {
                        let _ = writer.pli(self.ssrc, line.spec.ssrc);
                    }
                }
            }
        }
        let len = writer.len();
        if len > 0 {
            self.link.send_rtcp(&mut buf, len);
        }
        Ok(self.note_picture(showed, moment, stats))
    }

    fn write_reports(&mut self, writer: &mut RtcpWriter<'_>, moment: Moment) {
        let blocks: Vec<ReportBlock> = self
            .lines
            .iter_mut()
            .filter(|line| line.received.first.is_some())
            .map(|line| line.received.block(line.spec.ssrc, moment.now))
            .take(31)
            .collect();
        // Bounded by construction: 31 blocks and a REMB of 31 SSRCs are under a thousand bytes.
        let _ = writer.receiver_report(self.ssrc, &blocks);
        let _ = writer.sdes_cname(self.ssrc, "site");
        if let Some(bitrate) = self.remb {
            let ssrcs: Vec<u32> = blocks.iter().map(|block| block.ssrc).collect();
            let _ = writer.remb(self.ssrc, bitrate, &ssrcs);
        }
    }

    /// The stage has cut video line `number` to a clip, or (none) to nothing.
    pub fn cut(&mut self, number: usize, cut: Option<Cut>, stats: &mut Stats) {
        let line = self.lines.iter_mut().find(|l| l.spec.kind == MediaKind::Video && l.spec.number == number);
        if let Some(Line { kind: Kind::Video(video), .. }) = line {
            match cut {
                Some(cut) if self.link.is_connected() => video.expect(cut, stats),
                Some(_) => {}
                None => video.pause(),
            }
        }
    }

    /// Video lines on which frames came but none for a second (at few frames a second: for longer).
    #[must_use]
    pub fn stalled(&self, now: Instant, library: &Library) -> u64 {
        let stalled = |line: &&Line| matches!(&line.kind, Kind::Video(video) if video.stalled(now, library));
        self.lines.iter().filter(stalled).count() as u64
    }

    #[must_use]
    pub fn next_timeout(&self) -> Instant {
        let mut next = self.link.next_timeout();
        if self.link.is_connected() {
            next = next.min(self.next_report);
            next = self.arrivals.due().map_or(next, |at| at.min(next));
            for line in &self.lines {
                let due = match &line.kind {
                    Kind::Audio(audio) => audio.next_due(),
                    Kind::Video(video) => video.next_due(),
                };
                next = due.map_or(next, |at| at.min(next));
            }
        }
        next
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Received {
    fn note(&mut self, index: u64) {
        self.first.get_or_insert(index);
        self.highest = self.highest.max(index);
        self.count += 1;
    }

    fn block(&mut self, ssrc: u32, now: Instant) -> ReportBlock {
        let expected = self.first.map_or(0, |first| (self.highest + 1).saturating_sub(first));
        let (new, got) = (expected - self.expected_before, self.count - self.count_before);
        let lost = new.saturating_sub(got) * 256;
        let fraction_lost = lost.checked_div(new).unwrap_or(0).min(255) as u8;
        self.expected_before = expected;
        self.count_before = self.count;
        let (last_sr, delay) = self.last_report.map_or((0, 0), |(ntp, at)| {
            (ntp, (now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000) as u32)
        });
        ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost: i32::try_from(expected as i64 - self.count as i64).unwrap_or(0),
            highest_sequence: self.highest as u32,
            jitter: 0,
            last_sr,
            delay_since_last_sr: delay,
        }
    }
}
