//! Recorded packet sizes: which frames a browser sent when, in packets of which payload.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::MAX_PAYLOAD;

/// `bench/data/chromium_packet_sizes.json`.
#[derive(Debug, Deserialize)]
pub struct Recording {
    /// Milliseconds after which it begins anew.
    length_ms: u64,
    tracks: Vec<Track>,
}

#[derive(Debug, Deserialize)]
struct Track {
    name: String,
    /// Milliseconds from the start, and payload bytes of each packet of the frame.
    frames: Vec<(f64, Vec<usize>)>,
}

/// A frame to be sent.
#[derive(Debug, Clone)]
pub struct Frame {
    pub at: Duration,
    /// Payload bytes of each packet.
    pub sizes: Vec<usize>,
}

/// Frames of all chosen tracks in the order of time.
#[derive(Debug)]
pub struct Schedule {
    pub length: Duration,
    pub frames: Vec<Frame>,
}

impl Recording {
    /// # Errors
    /// A file that cannot be read or is not a recording.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a recording", path.display()))
    }

    /// The frames of these tracks (none: all).
    ///
    /// # Errors
    /// No such track, or a packet that is none.
    pub fn schedule(&self, names: &[String]) -> anyhow::Result<Schedule> {
        for name in names {
            ensure!(self.tracks.iter().any(|track| track.name == *name), "the recording has no track {name}");
        }
        let mut frames = Vec::new();
        for track in self.tracks.iter().filter(|track| names.is_empty() || names.contains(&track.name)) {
            for (at, sizes) in &track.frames {
                ensure!(
                    sizes.iter().all(|size| (1..=MAX_PAYLOAD).contains(size)),
                    "a packet of impossible size"
                );
                ensure!(at.is_finite() && *at >= 0.0, "a frame at an impossible time");
                frames.push(Frame { at: Duration::from_secs_f64(at / 1e3), sizes: sizes.clone() });
            }
        }
        ensure!(!frames.is_empty() && self.length_ms > 0, "the recording is empty");
        frames.sort_by_key(|frame| frame.at);
        Ok(Schedule { length: Duration::from_millis(self.length_ms), frames })
    }
}
