//! The run: sessions at a rate, hands, what happens to their media, the report.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::http::Http;
use super::notes::Notes;
use super::options::{Credential, SitesOptions};
use super::session::{IDS, Nudge, Session, Shared};
use super::stage::Stage;
use crate::clips::Library;
use crate::decode::Decoder;
use crate::engine::{Engine, Happening};
use crate::progress::Progress;
use crate::report::Report;

/// Nothing new for so long, with everyone connected, ends the joining.
const SETTLED: Duration = Duration::from_secs(3);
/// Nudges that wait for one session; more are dropped (it has stopped reading).
const NUDGES: usize = 64;

/// Runs the sites mode and returns its report.
///
/// # Errors
/// When the run could not be made at all; what went wrong within it is in the report.
pub async fn run(options: SitesOptions) -> anyhow::Result<Report> {
    crate::sys::raise_file_limit();
    let common = &options.common;
    let credentials = Credential::load(&options.credentials, options.limit)?;
    let http = Http::new(&options.server, common.allow_remote)?;
    let library = Arc::new(Library::load(&common.clips).context("clips")?);
    let (engine, mut happenings) = Engine::start(common.threads, common.sockets(), library.clone())?;
    let mut decoder = match common.decode_every {
        0 => None,
        _ => Some(Decoder::spawn(&common.python, library.loop_ms).context("decoding child")?),
    };
    let ours: HashSet<String> = credentials.iter().map(|credential| credential.site.clone()).collect();
    let shared = Arc::new(Shared {
        via: Arc::new(common.via()?),
        http,
        engine,
        stage: Stage::new(ours),
        notes: Notes::default(),
        options: options.clone(),
    });

    let began = Instant::now();
    let total = credentials.len();
    let viewers = if options.view_every == 0 { 0 } else { total.div_ceil(options.view_every) };
    let span = if common.duration > 0.0 { Duration::from_secs_f64(common.duration) } else { Duration::MAX };
    let mut sessions = JoinSet::new();
    let mut nudgers: Vec<mpsc::Sender<Nudge>> = Vec::with_capacity(total);
    let again = if options.churn > 0.0 { credentials.clone() } else { Vec::new() };
    let mut returning: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
    let mut next_leave = Instant::now();
    let mut credentials = credentials.into_iter().enumerate();
    let mut ended: BTreeMap<String, u64> = BTreeMap::new();
    let mut progress = Progress::default();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut stop = std::pin::pin!(stopped(options.exit_with_stdin));
    let (mut connected, mut pictured) = (HashSet::new(), HashSet::new());
    let mut last_news = Instant::now();
    let mut joined_at: Option<Instant> = None;
    let mut next_hand = Instant::now();
    let mut random = fastrand::Rng::with_seed(common.seed);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let due = ((began.elapsed().as_secs_f64() * common.rate) as usize + 1).min(total);
                while nudgers.len() < due && let Some((index, credential)) = credentials.next() {
                    let (sender, inbox) = mpsc::channel(NUDGES);
                    nudgers.push(sender);
                    let sampled = common.decode_every > 0 && index.is_multiple_of(common.decode_every);
                    let tap = if sampled { decoder.as_mut().and_then(Decoder::tap) } else { None };
                    sessions.spawn(Session::new(shared.clone(), index, credential, inbox, tap).run());
                }
                let late = began.elapsed().as_secs_f64() > options.patience + total as f64 / common.rate;
                // Whoever is on the stage alone sees nothing: all connected and no news means that all is as it will be.
                let settled = connected.len() >= viewers && last_news.elapsed() > SETTLED;
                let all_in = pictured.len() >= viewers || settled || late;
                if joined_at.is_none() && nudgers.len() == total && all_in {
                    joined_at = Some(Instant::now());
                    next_hand = Instant::now();
                    progress.show("joining", pictured.len(), viewers, "");
                    progress.done();
                    if common.json {
                        announce(&json!({"event": "joined", "sites": total, "pictured": pictured.len(), "seconds": began.elapsed().as_secs_f64()}))?;
                    }
                }
                match joined_at {
                    None => progress.show("joining", pictured.len(), viewers, &format!("of {total} sites")),
                    Some(at) if at.elapsed() >= span => break,
                    Some(at) => progress.show("running", at.elapsed().as_secs() as usize, span.as_secs().min(1 << 20) as usize, ""),
                }
                if options.hands_per_minute > 0.0 && joined_at.is_some() && Instant::now() >= next_hand {
                    // Exponential gaps: hands come independently of each other.
                    let gap = -(1.0 - random.f64()).ln() * 60.0 / options.hands_per_minute;
                    next_hand = Instant::now() + Duration::from_secs_f64(gap.min(3600.0));
                    let _ = nudgers[random.usize(..total)].try_send(Nudge::RaiseHand);
                }
                if options.churn > 0.0 && joined_at.is_some() {
                    if Instant::now() >= next_leave {
                        next_leave = Instant::now() + Duration::from_secs_f64(1.0 / options.churn);
                        let _ = nudgers[random.usize(..total)].try_send(Nudge::Leave(random.bool()));
                    }
                    while let Some(Reverse((at, index))) = returning.peek().copied()
                        && at <= Instant::now()
                    {
                        returning.pop();
                        let (sender, inbox) = mpsc::channel(NUDGES);
                        nudgers[index] = sender;
                        let session = Session::new(shared.clone(), index, again[index].clone(), inbox, None);
                        sessions.spawn(session.run());
                    }
                }
            }
            Some(happening) = happenings.recv() => {
                let (id, nudge) = match happening {
                    Happening::Connected(id) => {
                        last_news = Instant::now();
                        connected.insert((id / IDS) as usize);
                        (id, Some(Nudge::Connected(id)))
                    }
                    Happening::Pictured(id) => {
                        last_news = Instant::now();
                        pictured.insert((id / IDS) as usize);
                        (id, None)
                    }
                    Happening::Ended(id, code) => {
                        *ended.entry(code.into()).or_default() += 1;
                        (id, Some(Nudge::Ended(id)))
                    }
                };
                if let (Some(sender), Some(nudge)) = (nudgers.get((id / IDS) as usize), nudge)
                    && sender.try_send(nudge).is_err()
                {
                    shared.notes.count("nudge_dropped");
                }
            }
            Some(finished) = sessions.join_next(), if !sessions.is_empty() => {
                match finished {
                    Ok(Some(index)) => {
                        shared.notes.count("left");
                        let pause = Duration::from_secs_f64(1.0 + 4.0 * random.f64());
                        returning.push(Reverse((Instant::now() + pause, index)));
                    }
                    Ok(None) => shared.notes.count("session_replaced"),
                    // A panic would be ours.
                    Err(_) => shared.notes.count("session_panicked"),
                }
            }
            () = &mut stop => break,
        }
    }
    progress.done();
    if common.json {
        announce(&json!({"event": "ending", "seconds": began.elapsed().as_secs_f64()}))?;
    }
    let stats = shared.engine.stats();
    let seen = decoder.as_ref().map(Decoder::seen);
    let mut report = Report::new("sites", &stats, began.elapsed().as_secs_f64()).with_decoded(seen.as_ref());
    sessions.shutdown().await;
    report.ended = ended;
    report.network = shared.via.stats();
    let notes = shared.notes.read();
    report.more = json!({
        "sites": total,
        "pictured": pictured.len(),
        "join_seconds": joined_at.map(|at| (at - began).as_secs_f64()),
        "event_ms": notes.event.summary(),
        "publish_ms": notes.publish.summary(),
        "snapshot_ms": notes.snapshot.summary(),
        "got_ms": notes.got.summary(),
        "answered_ms": notes.answered.summary(),
        "counts": notes.counts,
    });
    Ok(report)
}

fn announce(line: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Ctrl-C, SIGTERM, or the end of standard input.
async fn stopped(with_stdin: bool) {
    let mut terminate = signal(SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    let (closed, stdin) = tokio::sync::oneshot::channel::<()>();
    if with_stdin {
        std::thread::spawn(move || {
            let mut sink = [0; 256];
            while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
            let _ = closed.send(());
        });
    } else {
        // Kept open: a dropped sender would look like the end.
        std::mem::forget(closed);
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        _ = stdin => {}
    }
}
