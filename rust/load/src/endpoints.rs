//! Clients whose signalling somebody else does: orders come as JSON lines on standard input, descriptions and what becomes
//! of the clients go out as JSON lines. So the same clients can be put before any WebRTC server (`bench/peers`).

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use diemcau_wire::sdp::parse_answer;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{
    Offer, PublisherConfig, Reach, ViewerConfig, publisher_offer, viewer_answer, viewer_offer,
};
use crate::clips::{Library, VideoCodec};
use crate::engine::{Engine, Happening, Sockets};
use crate::report::Report;
use crate::sizes::Sizes;
use crate::via::Via;

/// Offers that wait for their answers.
const MAX_WAITING: usize = 100_000;
const CODEC: &[VideoCodec] = &[VideoCodec::H264];

/// Options of `diemcau-load endpoints`.
#[derive(Debug, Clone, Args)]
pub struct EndpointsOptions {
    /// Folder made by `python -m diemcau.clips make`.
    #[arg(long)]
    pub clips: PathBuf,
    /// Recorded packet sizes of a browser's frames: JSON [[bytes, ...], ...]; replaces the clips' pictures.
    #[arg(long)]
    pub sizes: Option<PathBuf>,
    /// Packet time of the voices, ms.
    #[arg(long, default_value_t = 60)]
    pub ptime: u32,
    /// Threads that own clients.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Let the kernel join datagrams on their way in (UDP_GRO).
    #[arg(long)]
    pub gro: bool,
    /// Send to addresses that are not loopback.
    #[arg(long)]
    pub allow_remote: bool,
}

/// One line of standard input.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    /// Make a publisher's offer: one layer, of the clip and voice of this site.
    Publish {
        id: u64,
        #[serde(default = "first_site")]
        site: String,
        #[serde(default)]
        vp8: bool,
    },
    /// Make a viewer's offer.
    View {
        id: u64,
        audio: usize,
        video: usize,
    },
    /// The server's answer to one of these.
    Answer {
        id: u64,
        sdp: String,
    },
    /// The server's offer to a viewer: is answered.
    Offer {
        id: u64,
        sdp: String,
    },
    Stats {},
}

fn first_site() -> String {
    "demo-0".into()
}

/// What waits for an answer; a publisher with its site, a viewer since when.
enum Waiting {
    Publisher(Offer, String),
    Viewer(Offer, Instant),
}

struct Endpoints<'a> {
    options: &'a EndpointsOptions,
    engine: Engine,
    sizes: Option<Sizes>,
    via: Arc<Via>,
    waiting: HashMap<u64, Waiting>,
    began: Instant,
}

/// Does what standard input says until it ends.
///
/// # Errors
/// No clips, no descriptors, or nobody reads.
pub fn run(options: &EndpointsOptions) -> anyhow::Result<()> {
    crate::sys::raise_file_limit();
    let library = Arc::new(Library::load(&options.clips).context("clips")?);
    // Other engines may think twice about an address that is not 127.0.0.1, and all must get the same clients.
    let sockets = Sockets { gro: options.gro, each: true };
    let (engine, happenings) = Engine::start(options.threads, sockets, library)?;
    let mut endpoints = Endpoints {
        options,
        engine,
        sizes: options.sizes.as_deref().map(Sizes::load).transpose().context("--sizes")?,
        via: Arc::new(Via::Direct),
        waiting: HashMap::new(),
        began: Instant::now(),
    };
    let (orders, inbox) = unbounded_channel();
    std::thread::Builder::new().name("orders".into()).spawn(move || read(&orders))?;
    say(&json!({ "ready": true }))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(endpoints.serve(inbox, happenings))
}

fn read(orders: &UnboundedSender<Result<Order, String>>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let order = serde_json::from_str(&line).map_err(|error| error.to_string());
        if !line.trim().is_empty() && orders.send(order).is_err() {
            return;
        }
    }
}

fn say(value: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}

impl Endpoints<'_> {
    async fn serve(
        &mut self,
        mut orders: UnboundedReceiver<Result<Order, String>>,
        mut happenings: UnboundedReceiver<Happening>,
    ) -> anyhow::Result<()> {
        loop {
            let line = tokio::select! {
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(Err(error)) => json!({ "error": error }),
                    Some(Ok(order)) => match self.obey(order)? {
                        Some(line) => line,
                        None => continue,
                    },
                },
                Some(happening) = happenings.recv() => match happening {
                    Happening::Connected(id) => json!({ "id": id, "happened": "connected" }),
                    Happening::Pictured(id) => json!({ "id": id, "happened": "pictured" }),
                    Happening::Ended(id, code) => json!({ "id": id, "happened": "ended", "code": code }),
                },
            };
            say(&line)?;
        }
    }

    /// Returns what to say at once.
    fn obey(&mut self, order: Order) -> anyhow::Result<Option<Value>> {
        let identity = &self.engine.identity;
        Ok(match order {
            Order::Publish { id, site, vp8 } => {
                let codec: &[_] = if vp8 { &[VideoCodec::Vp8] } else { CODEC };
                let offer = publisher_offer(identity, codec, false);
                Some(self.wait(id, offer, |offer| Waiting::Publisher(offer, site)))
            }
            Order::View { id, audio, video } => {
                let offer = viewer_offer(identity, audio.min(16), video.min(64), CODEC);
                let started = Instant::now();
                Some(self.wait(id, offer, |offer| Waiting::Viewer(offer, started)))
            }
            Order::Answer { id, sdp } => match self.waiting.remove(&id) {
                None => Some(json!({ "id": id, "error": "nothing waits for this answer" })),
                Some(Waiting::Publisher(offer, site)) => {
                    self.engine.open_publisher(id, self.publisher(offer, sdp, site));
                    None
                }
                Some(Waiting::Viewer(offer, started)) => {
                    self.engine.open_viewer(id, self.viewer(offer, parse_answer(&sdp), started));
                    None
                }
            },
            Order::Offer { id, sdp } => match viewer_answer(identity, &sdp) {
                Err(error) => Some(json!({ "id": id, "error": error.to_string() })),
                Ok((answer, session)) => {
                    let line = json!({ "id": id, "answer": answer.sdp });
                    self.engine.open_viewer(id, self.viewer(answer, Ok(session), Instant::now()));
                    Some(line)
                }
            },
            Order::Stats {} => {
                let seconds = self.began.elapsed().as_secs_f64();
                let report = Report::new("endpoints", &self.engine.stats(), seconds);
                Some(json!({ "stats": report }))
            }
        })
    }

    fn wait(&mut self, id: u64, offer: Offer, as_what: impl FnOnce(Offer) -> Waiting) -> Value {
        if self.waiting.len() >= MAX_WAITING {
            return json!({ "id": id, "error": "too many offers wait for answers" });
        }
        let line = json!({ "id": id, "offer": offer.sdp });
        self.waiting.insert(id, as_what(offer));
        line
    }

    fn publisher(&self, offer: Offer, answer: String, site: String) -> PublisherConfig {
        PublisherConfig {
            offer,
            answer,
            site,
            reach: Reach { allow_remote: self.options.allow_remote, ..Reach::default() },
            via: self.via.clone(),
            packet_ms: Some(self.options.ptime),
            sizes: self.sizes.clone(),
        }
    }

    fn viewer(
        &self,
        ours: Offer,
        session: Result<diemcau_wire::sdp::ViewerSession, diemcau_wire::sdp::SdpError>,
        started: Instant,
    ) -> ViewerConfig {
        ViewerConfig {
            credentials: ours.credentials,
            session,
            site: "viewer".into(),
            started,
            measure_join: true,
            reach: Reach { allow_remote: self.options.allow_remote, ..Reach::default() },
            via: self.via.clone(),
            gro: self.options.gro,
            remb: Some(5_000_000),
            tap: None,
        }
    }
}
