//! The child that decodes what sampled viewers receive: `python -m diemcau.clips watch`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde::Deserialize;

use crate::stats::Histogram;
use crate::watch::Whole;

/// Records on their way to the child; more are dropped, up to the next keyframe of their stream.
const QUEUE: usize = 512;
/// Streams of one viewer.
const LINES: u32 = 64;

/// What the child has found so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Frames handed over, frames for which there was no room.
    pub sampled: u64,
    pub dropped: u64,
    pub decoded: u64,
    /// By reason: `decode`, `corrupt`, `no_code`.
    pub broken: BTreeMap<String, u64>,
    /// Age of the picture at its arrival.
    pub glass: Histogram,
    /// Frames by the clip's number, read from the pixels.
    pub numbers: BTreeMap<u16, u64>,
}

#[derive(Deserialize)]
struct Line {
    site: Option<u16>,
    latency_ms: Option<f64>,
    broken: Option<String>,
}

/// A running child.
pub struct Decoder {
    records: Option<SyncSender<Vec<u8>>>,
    seen: Arc<Mutex<Seen>>,
    child: Child,
    threads: Vec<JoinHandle<()>>,
    next: u32,
}

impl Decoder {
    /// Starts `python -m diemcau.clips watch`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(python: &str, loop_ms: u32) -> std::io::Result<Self> {
        let mut child = Command::new(python)
            .args(["-m", "diemcau.clips", "watch", "--loop-ms", &loop_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(std::io::Error::other("no pipes"));
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (records, inbox) = sync_channel(QUEUE);
        let reports = seen.clone();
        let threads = vec![
            std::thread::Builder::new().name("decode-in".into()).spawn(move || feed(stdin, &inbox))?,
            std::thread::Builder::new().name("decode-out".into()).spawn(move || read(stdout, &reports))?,
        ];
        Ok(Self { records: Some(records), seen, child, threads, next: 0 })
    }

    /// A tap for one more viewer.
    pub fn tap(&mut self) -> Option<Tap> {
        let base = self.next.checked_mul(LINES)?;
        self.next += 1;
        Some(Tap { base, records: self.records.clone()?, seen: self.seen.clone(), lines: BTreeMap::new() })
    }

    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets the child finish what it has; all taps must be gone, or it waits for them. Returns the last figures.
    pub fn finish(mut self) -> Seen {
        self.records = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let _ = self.child.wait();
        self.seen()
    }
}

fn feed(mut stdin: impl Write, inbox: &Receiver<Vec<u8>>) {
    while let Ok(record) = inbox.recv() {
        if stdin.write_all(&record).and_then(|()| stdin.flush()).is_err() {
            tracing::error!("the decoding child has ended");
            return;
        }
    }
}

fn read(stdout: impl std::io::Read, seen: &Mutex<Seen>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        let Ok(line) = serde_json::from_str::<Line>(&line) else { continue };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.decoded += 1;
        if let Some(reason) = line.broken {
            *seen.broken.entry(reason).or_default() += 1;
        }
        if let Some(latency) = line.latency_ms {
            seen.glass.add_micros((latency.max(0.0) * 1000.0) as u64);
        }
        if let Some(site) = line.site {
            *seen.numbers.entry(site).or_default() += 1;
        }
    }
}

/// Hands one viewer's frames to the child. Never blocks.
pub struct Tap {
    base: u32,
    records: SyncSender<Vec<u8>>,
    seen: Arc<Mutex<Seen>>,
    /// By line: codec of the open stream (1 H.264, 2 VP8), and whether a keyframe is awaited.
    lines: BTreeMap<usize, (u8, bool)>,
}

impl Tap {
    /// The same streams for the viewer's next connection; they begin anew.
    #[must_use]
    pub fn again(&self) -> Self {
        let (records, seen) = (self.records.clone(), self.seen.clone());
        Self { base: self.base, records, seen, lines: BTreeMap::new() }
    }

    /// A frame of the viewer's line `line` that came whole at `unix_us`; of one that is not live no age is taken.
    pub fn frame(&mut self, line: usize, whole: Whole, unix_us: u64) {
        let Some(bytes) = whole.bytes else { return };
        let stream = self.base + line as u32;
        let codec = if whole.h264 { 1 } else { 2 };
        let known = self.lines.get(&line).copied();
        let (opened, waiting) = known.map_or((false, true), |(c, waiting)| (c == codec, waiting));
        if (!opened || waiting) && !whole.keyframe {
            return;
        }
        let mut record = Vec::with_capacity(bytes.len() + 32);
        if !opened {
            record.extend(6_u32.to_le_bytes());
            record.push(1);
            record.extend(stream.to_le_bytes());
            record.push(codec);
        }
        record.extend((bytes.len() as u32 + 13).to_le_bytes());
        record.push(2);
        record.extend(stream.to_le_bytes());
        record.extend((if whole.live { unix_us } else { 0 }).to_le_bytes());
        record.extend(bytes);
        let sent = match self.records.try_send(record) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        };
        if opened || sent {
            self.lines.insert(line, (codec, !sent));
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.sampled += u64::from(sent);
        seen.dropped += u64::from(!sent);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        for line in self.lines.keys() {
            let mut record = 5_u32.to_le_bytes().to_vec();
            record.push(3);
            record.extend((self.base + *line as u32).to_le_bytes());
            // A full queue leaves a decoder open in the child, which has room for 4,096.
            let _ = self.records.try_send(record);
        }
    }
}
