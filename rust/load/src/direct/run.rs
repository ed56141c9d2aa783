//! The run: publishers, program, viewers, cuts, report.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use diemcau_control::{
    Command, Event, Happening as Told, Kind, Layer, ReplyData, Slot, Stats as NodeStats,
    VideoCodec as WireCodec,
};
use diemcau_wire::sdp::parse_answer;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};

use super::control::{Control, NodeProcess};
use super::options::{CodecChoice, DirectOptions, LayerChoice};
use crate::client::{PublisherConfig, ViewerConfig, publisher_offer, viewer_offer};
use crate::clips::{Library, VideoCodec};
use crate::decode::Decoder;
use crate::engine::{Engine, Happening};
use crate::progress::Progress;
use crate::report::Report;
use crate::sizes::Sizes;
use crate::via::Via;
use crate::watch::Cut;

const PROGRAM: &str = "load";
/// Publishers are numbered from here, viewers from 0.
const PUBLISHERS: u64 = 1 << 32;

struct Run {
    options: DirectOptions,
    engine: Engine,
    happenings: UnboundedReceiver<Happening>,
    control: Arc<Control>,
    events: Receiver<Event>,
    via: Arc<Via>,
    decoder: Option<Decoder>,
    sizes: Option<Sizes>,
    ended: BTreeMap<String, u64>,
    progress: Progress,
}

/// Runs the direct mode and returns its report.
///
/// # Errors
/// When the run could not be made at all; what went wrong within it is in the report.
pub async fn run(options: DirectOptions) -> anyhow::Result<Report> {
    crate::sys::raise_file_limit();
    let common = &options.common;
    let library = Arc::new(Library::load(&common.clips).context("clips")?);
    let node = match &options.node {
        Some(executable) => {
            Some(NodeProcess::start(executable, options.workers, &options.node_arg).await.context("node")?)
        }
        None => None,
    };
    let socket = node.as_ref().map(|node| &node.control).or(options.control.as_ref()).context("--control")?;
    let (control, events) = Control::connect(socket).await.context("control socket")?;
    let (engine, happenings) = Engine::start(common.threads, common.sockets(), library.clone())?;
    let decoder = match common.decode_every {
        0 => None,
        _ => Some(Decoder::spawn(&common.python, library.loop_ms).context("decoding child")?),
    };
    let mut run = Run {
        via: Arc::new(common.via()?),
        sizes: options.sizes.as_deref().map(Sizes::load).transpose().context("--sizes")?,
        engine,
        happenings,
        control: Arc::new(control),
        events,
        decoder,
        ended: BTreeMap::new(),
        progress: Progress::default(),
        options,
    };
    let report = run.all().await;
    run.progress.done();
    drop(run);
    if let Some(node) = node {
        node.stop().await;
    }
    report
}

/// Processor time of this process, microseconds.
fn own_cpu_us() -> u64 {
    let (user, system) = crate::sys::cpu_us();
    user + system
}

fn site(index: usize) -> String {
    format!("demo-{index}")
}

impl Run {
    fn codec(&self) -> VideoCodec {
        match self.options.codec {
            CodecChoice::H264 => VideoCodec::H264,
            CodecChoice::Vp8 => VideoCodec::Vp8,
        }
    }

    fn wire_codec(&self) -> WireCodec {
        match self.options.codec {
            CodecChoice::H264 => WireCodec::H264,
            CodecChoice::Vp8 => WireCodec::Vp8,
        }
    }

    async fn node_stats(&self) -> anyhow::Result<NodeStats> {
        match self.control.request(Command::Stats).await? {
            ReplyData::Stats(stats) => Ok(stats),
            _ => bail!("the node answered something else than statistics"),
        }
    }

    async fn all(&mut self) -> anyhow::Result<Report> {
        let began = Instant::now();
        let empty = self.node_stats().await?;
        self.open_publishers().await?;
        self.set_program(0).await?;
        let before_joins = self.node_stats().await?;
        let joining = Instant::now();
        self.open_viewers().await?;
        let join_seconds = joining.elapsed().as_secs_f64();
        let joined = self.node_stats().await?;
        let steady = Instant::now();
        let (own, datagrams) = (own_cpu_us(), self.engine.stats().counters.datagrams_in);
        let cuts = self.steady().await?;
        let seconds = steady.elapsed().as_secs_f64();
        let after = self.node_stats().await?;
        let stats = self.engine.stats();
        let own = own_cpu_us() - own;
        let datagrams = stats.counters.datagrams_in - datagrams;
        let seen = self.decoder.as_ref().map(Decoder::seen);
        let mut report =
            Report::new("direct", &stats, began.elapsed().as_secs_f64()).with_decoded(seen.as_ref());
        report.ended = std::mem::take(&mut self.ended);
        report.network = self.via.stats();
        let viewers = self.options.viewers.max(1) as f64;
        let packets = after.packets_out - joined.packets_out;
        let cpu = after.cpu_us - joined.cpu_us;
        report.more = json!({
            "viewers": self.options.viewers,
            "publishers": self.options.publishers,
            "codec": self.wire_codec(),
            "gro": self.options.common.gro,
            // Bytes that the kernel lets wait on each socket that viewers share; null where each has its own.
            "shared_socket_buffer": self.engine.shared_buffer,
            "client_us_per_packet": own as f64 / datagrams.max(1) as f64,
            "client_us_per_viewer_second": own as f64 / viewers / seconds,
            "client_cpu_share": own as f64 / 1e6 / seconds,
            "cuts_made": cuts,
            "join_seconds": join_seconds,
            "node_join_cpu_us_per_viewer": (joined.cpu_us - before_joins.cpu_us) as f64 / viewers,
            "steady_seconds": seconds,
            "node_packets_out": packets,
            "node_bytes_out": after.bytes_out - joined.bytes_out,
            "node_messages_out": after.messages_out - joined.messages_out,
            "node_us_per_packet": cpu as f64 / packets.max(1) as f64,
            "node_us_per_viewer_second": cpu as f64 / viewers / seconds,
            "node_cpu_share": cpu as f64 / 1e6 / seconds,
            "node_rss_kb_per_viewer": after.rss_bytes.saturating_sub(empty.rss_bytes) as f64 / 1e3 / viewers,
            "node": after,
        });
        Ok(report)
    }

    async fn open_publishers(&mut self) -> anyhow::Result<()> {
        for index in 0..self.options.publishers {
            let offer = publisher_offer(&self.engine.identity, &[self.codec()], true);
            let command = Command::PublisherOpen {
                publisher: format!("p{index}"),
                party: Some(site(index)),
                offer: offer.sdp.clone(),
                codec: self.wire_codec(),
            };
            let ReplyData::Publisher { answer, .. } = self.control.request(command).await? else {
                bail!("the node answered something else than a publisher")
            };
            let config = PublisherConfig {
                offer,
                answer,
                site: site(index),
                reach: self.options.common.reach(),
                via: self.via.clone(),
                packet_ms: self.options.ptime,
                sizes: self.sizes.clone(),
            };
            self.engine.open_publisher(PUBLISHERS + index as u64, config);
        }
        let mut live = std::collections::HashSet::new();
        let deadline = Instant::now() + Duration::from_secs_f64(self.options.patience);
        while live.len() < self.options.publishers {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = tokio::time::timeout(left, self.events.recv()).await;
            match event {
                Ok(Some(event)) => {
                    if let Told::TrackLive(info) = event.what
                        && info.kind == Kind::Video
                    {
                        live.insert(info.track);
                    }
                }
                Ok(None) => bail!("the node has closed the control socket"),
                Err(_) => bail!("only {} of {} publishers are live", live.len(), self.options.publishers),
            }
        }
        Ok(())
    }

    /// Slot 0 shows publisher `first`, the others follow.
    async fn set_program(&self, first: usize) -> anyhow::Result<()> {
        let count = self.options.publishers;
        let slot = |i: usize| Slot {
            track: (count > 0).then(|| format!("p{}/video", (first + i) % count.max(1))),
            alternate: None,
        };
        let command = Command::ProgramSet {
            program: PROGRAM.into(),
            codec: self.wire_codec(),
            slots: (0..self.options.slots).map(slot).collect(),
            mics: (0..self.options.mics.min(count)).map(|i| format!("p{i}/audio")).collect(),
        };
        self.control.request(command).await?;
        Ok(())
    }

    async fn open_viewers(&mut self) -> anyhow::Result<()> {
        let total = self.options.viewers;
        let began = Instant::now();
        let deadline = began + Duration::from_secs_f64(self.options.patience);
        let rate = self.options.common.rate.max(0.1);
        let (mut opened, mut ready, mut failed) = (0, 0, 0);
        let mut pending: tokio::task::JoinSet<anyhow::Result<(u64, ViewerConfig)>> =
            tokio::task::JoinSet::new();
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        let with_picture = self.options.publishers > 0 && self.options.slots > 0;
        while ready + failed < total {
            tokio::select! {
                _ = tick.tick() => {
                    let due = ((began.elapsed().as_secs_f64() * rate) as usize + 1).min(total);
                    while opened < due {
                        let request = self.viewer_request(opened);
                        pending.spawn(request);
                        opened += 1;
                    }
                    if Instant::now() > deadline {
                        tracing::warn!(ready, failed, total, "not everyone joined in time");
                        break;
                    }
                    self.progress.show("joining", ready, total, &format!("{failed} failed"));
                }
                Some(done) = pending.join_next(), if !pending.is_empty() => match done? {
                    Ok((id, config)) => self.engine.open_viewer(id, config),
                    Err(error) => {
                        failed += 1;
                        tracing::debug!(%error, "viewer refused");
                        *self.ended.entry("refused_by_node".into()).or_default() += 1;
                    }
                },
                Some(happening) = self.happenings.recv() => match happening {
                    Happening::Connected(id) if !with_picture && id < PUBLISHERS => ready += 1,
                    Happening::Pictured(_) if with_picture => ready += 1,
                    Happening::Ended(id, code) => {
                        failed += usize::from(id < PUBLISHERS);
                        *self.ended.entry(code.into()).or_default() += 1;
                    }
                    _ => {}
                },
            }
        }
        self.progress.show("joining", total, total, &format!("{failed} failed"));
        self.progress.done();
        Ok(())
    }

    fn viewer_request(
        &mut self,
        index: usize,
    ) -> impl Future<Output = anyhow::Result<(u64, ViewerConfig)>> + use<> {
        let started = Instant::now();
        let options = &self.options;
        let offer =
            viewer_offer(&self.engine.identity, options.audio_lines, options.video_lines, &[self.codec()]);
        let command = Command::ViewerOpen {
            viewer: format!("v{index}"),
            party: Some(format!("viewer-{index}")),
            offer: offer.sdp.clone(),
            program: Some(PROGRAM.into()),
            ceiling: if options.ceiling == LayerChoice::Low { Layer::Low } else { Layer::High },
        };
        let every = options.common.decode_every;
        let tap = if every > 0 && index.is_multiple_of(every) {
            self.decoder.as_mut().and_then(Decoder::tap)
        } else {
            None
        };
        let (reach, gro) = (options.common.reach(), options.common.gro);
        let (control, via) = (self.control.clone(), self.via.clone());
        async move {
            let ReplyData::Viewer { answer, .. } = control.request(command).await? else {
                bail!("the node answered something else than a viewer")
            };
            let site = format!("viewer-{index}");
            let remb = Some(5_000_000);
            Ok((
                index as u64,
                ViewerConfig {
                    credentials: offer.credentials,
                    session: parse_answer(&answer),
                    site,
                    started,
                    measure_join: true,
                    reach,
                    via,
                    gro,
                    remb,
                    tap,
                },
            ))
        }
    }

    /// Lets it run, cutting slot 0 from publisher to publisher. Returns the number of cuts.
    async fn steady(&mut self) -> anyhow::Result<u64> {
        let common = &self.options.common;
        let span = if common.duration > 0.0 { common.duration } else { 1e9 };
        let end = tokio::time::Instant::now() + Duration::from_secs_f64(span);
        let cutting = self.options.cut_every > 0.0 && self.options.publishers > 1;
        let every = if cutting { self.options.cut_every } else { 1e9 };
        let mut next_cut = tokio::time::Instant::now() + Duration::from_secs_f64(every);
        let began = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let numbers = self.numbers();
        let mut cuts = 0;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => break,
                _ = tokio::signal::ctrl_c() => break,
                _ = tick.tick() => self.progress.show("running", began.elapsed().as_secs() as usize, span as usize, ""),
                () = tokio::time::sleep_until(next_cut) => {
                    // Not in step with the clips' keyframes, or every cut would wait equally long for one.
                    next_cut += Duration::from_secs_f64(every * (0.9 + 0.2 * fastrand::f64()));
                    cuts += 1;
                    let to = cuts as usize % self.options.publishers;
                    let at = Instant::now();
                    let source = Slot { track: Some(format!("p{to}/video")), alternate: None };
                    if let Some(number) = numbers.get(&to).filter(|_| self.sizes.is_none()) {
                        self.engine.cut(0, Some(Cut { at, number: *number }), &site(to));
                    }
                    self.control.request(Command::SlotSet { program: PROGRAM.into(), slot: 0, source }).await?;
                }
                Some(happening) = self.happenings.recv() => {
                    if let Happening::Ended(_, code) = happening {
                        *self.ended.entry(code.into()).or_default() += 1;
                    }
                }
                Some(_) = self.events.recv() => {}
            }
        }
        // The last cut gets its time.
        if cuts > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(cuts)
    }

    /// Number of the clip that each publisher shows.
    fn numbers(&self) -> HashMap<usize, u16> {
        (0..self.options.publishers)
            .filter_map(|i| Some((i, self.engine.library.video_for(&site(i), self.codec())?.number)))
            .collect()
    }
}
