//! Follows the stage of the meeting and tells the engine about cuts, once for all sites.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::clips::VideoCodec;
use crate::engine::Engine;
use crate::watch::Cut;

/// See the module. Every session reports every event; the first to report one acts.
pub struct Stage {
    state: Mutex<State>,
    /// Sites that this process plays.
    ours: HashSet<String>,
}

#[derive(Default)]
struct State {
    seq: u64,
    on_air: Vec<Option<String>>,
    codec: Option<VideoCodec>,
}

/// Slots of a stage as the protocol writes them.
fn slots(value: &Value) -> Vec<Option<String>> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().take(16).map(|slot| slot.as_str().map(str::to_owned)).collect()
}

impl Stage {
    pub fn new(ours: HashSet<String>) -> Self {
        Self { state: Mutex::default(), ours }
    }

    /// A snapshot of the meeting.
    pub fn snapshot(&self, seq: u64, meeting: &Value) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if seq >= state.seq {
            state.seq = seq;
            state.on_air = slots(&meeting["stage"]["on_air"]);
            state.codec = match meeting["codec"].as_str() {
                Some("h264") => Some(VideoCodec::H264),
                Some("vp8") => Some(VideoCodec::Vp8),
                _ => None,
            };
        }
    }

    /// `stage_cut` with this number was decided at `at`.
    pub fn cut(&self, seq: u64, data: &Value, at: Instant, engine: &Engine) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if seq <= state.seq {
            return;
        }
        state.seq = seq;
        let new = slots(&data["slots"]);
        for line in 0..new.len().max(state.on_air.len()) {
            let to = new.get(line).and_then(Option::as_deref);
            if to == state.on_air.get(line).and_then(Option::as_deref) {
                continue;
            }
            let clip = to.filter(|site| self.ours.contains(*site)).zip(state.codec);
            let video = clip.and_then(|(site, codec)| engine.library.video_for(site, codec));
            let cut = video.map(|video| Cut { at, number: video.number });
            engine.cut(line, cut, to.unwrap_or_default());
        }
        state.on_air = new;
    }
}
