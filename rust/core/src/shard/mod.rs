//! A worker's share: its viewers, its copy of the program table, and which line shows what. Everything here is decided
//! by the calls alone, so shards that hear the same commands and packets agree without talking to each other.
//!
//! `aim` points lines at sources, `open` has them begin with what came before, `fanout` moves packets, `feedback`
//! hears what viewers report, `rate` what their lines carry.

mod aim;
mod fanout;
mod feedback;
mod open;
mod rate;

use std::collections::{HashMap, VecDeque};

use crate::clock::WallClock;
use crate::history::HistoryLimits;
use crate::keyframes::KeyframeReason;
use crate::layers::CutPolicy;
use crate::packet::{Layer, Source, TrackId};
use crate::program::{Program, ProgramId, ProgramTable, Slot, TrackSpec};
use crate::shared::SharedDelay;
use crate::speakers::SpeakerConfig;
use crate::time::Time;
use crate::viewer::{Viewer, ViewerConfig, ViewerKey};

use aim::{Promotion, Showing};
use fanout::TrackState;
use open::Beginning;

pub use fanout::{SOON, Sink};
pub use feedback::Heard;
pub use rate::{Padding, Review};

/// What is the same for all viewers of a shard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShardConfig {
    pub wall: WallClock,
    pub history: HistoryLimits,
    pub cuts: CutPolicy,
    pub speakers: SpeakerConfig,
}

impl ShardConfig {
    /// Defaults for a node whose [`Time::ZERO`] was at this Unix time, microseconds.
    #[must_use]
    pub fn new(wall: WallClock) -> Self {
        Self {
            wall,
            history: HistoryLimits::default(),
            cuts: CutPolicy::default(),
            speakers: SpeakerConfig::default(),
        }
    }
}

/// Hand this to the publisher's worker: `Publisher::ask_keyframe`. Already merged within the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyframeNeed {
    pub source: Source,
    pub reason: KeyframeReason,
}

/// What the shell may tell control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardEvent {
    /// A `set_slot` is done: every line of this shard that shows the slot has its keyframe, or 5 s are over.
    SlotShown {
        program: ProgramId,
        slot: u16,
        track: Option<TrackId>,
        asked: Time,
        /// When the first and the last line changed over; `asked` where none had to.
        first: Time,
        last: Time,
        lines: u32,
        /// Lines still without a keyframe.
        missing: u32,
    },
    /// Who speaks in a program, loudest first; on change, at most 5 times a second.
    Speaking { program: ProgramId, tracks: Vec<TrackId> },
    /// The viewer did not negotiate the codec of what this line should show.
    Undecodable { viewer: ViewerKey, line: u8, track: TrackId },
}

/// Counters since start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardStats {
    pub packets_out: u64,
    pub rtx_out: u64,
    pub cuts: u64,
    pub nacks_in: u64,
    /// NACKed packets that are in no history (any more, or yet), or for which the viewer has no RTX.
    pub nacks_missed: u64,
    /// NACKed packets not sent because the viewer asked for more than its share.
    pub nacks_limited: u64,
    pub keyframe_requests_in: u64,
    /// Packets of tracks that were not announced.
    pub unknown_in: u64,
    /// Events and keyframe needs dropped because nobody polled.
    pub events_dropped: u64,
}

/// Events and needs kept for a shell that does not poll.
const MAX_QUEUED: usize = 4_096;

/// One worker's viewers and what they see.
#[derive(Debug)]
pub struct Shard {
    config: ShardConfig,
    table: ProgramTable,
    tracks: HashMap<TrackId, TrackState>,
    viewers: Vec<Option<Box<Viewer>>>,
    free: Vec<u32>,
    generation: u32,
    showing: HashMap<ProgramId, Showing>,
    promotions: VecDeque<Promotion>,
    asked: HashMap<Source, Time>,
    asked_again: Time,
    needs: VecDeque<KeyframeNeed>,
    openings: VecDeque<Beginning>,
    events: VecDeque<ShardEvent>,
    stats: ShardStats,
    shared: SharedDelay,
}

/// The viewer, where the rest of the shard is needed beside it.
fn of_key(viewers: &mut [Option<Box<Viewer>>], key: ViewerKey) -> Option<&mut Viewer> {
    let viewer = viewers.get_mut(key.index as usize)?.as_deref_mut()?;
    (viewer.generation == key.generation).then_some(viewer)
}

impl Shard {
    #[must_use]
    pub fn new(config: ShardConfig) -> Self {
        Self {
            config,
            table: ProgramTable::default(),
            tracks: HashMap::new(),
            viewers: Vec::new(),
            free: Vec::new(),
            generation: 0,
            showing: HashMap::new(),
            promotions: VecDeque::new(),
            asked: HashMap::new(),
            asked_again: Time::ZERO,
            needs: VecDeque::new(),
            openings: VecDeque::new(),
            events: VecDeque::new(),
            stats: ShardStats::default(),
            shared: SharedDelay::default(),
        }
    }

    #[must_use]
    pub fn table(&self) -> &ProgramTable {
        &self.table
    }

    #[must_use]
    pub fn stats(&self) -> ShardStats {
        self.stats
    }

    #[must_use]
    pub fn viewer_count(&self) -> usize {
        self.viewers.len() - self.free.len()
    }

    // What control says: the same to every shard, in the same order.

    /// A track exists from now on. Its packets are taken only after this.
    pub fn set_track(&mut self, spec: TrackSpec, now: Time) {
        self.table.set_track(spec);
        self.tracks.entry(spec.id).or_insert_with(|| TrackState::new(self.config.history));
        self.aim_all_at(spec.id, KeyframeReason::Cut, now);
    }

    /// A track ended: what shows it goes silent, its history is forgotten.
    pub fn remove_track(&mut self, track: TrackId, now: Time) {
        self.table.remove_track(track);
        if let Some(state) = self.tracks.remove(&track) {
            for entry in state.lines() {
                if let Some(seat) = fanout::seat_of(&mut self.viewers, entry) {
                    seat.line.drop_track(track);
                    for listed in &mut seat.listed {
                        *listed = listed.filter(|source| source.track != track);
                    }
                }
            }
        }
        self.asked.retain(|source, _| source.track != track);
        self.aim_all_at(track, KeyframeReason::Cut, now);
    }

    /// Creates or replaces a program whole.
    pub fn set_program(&mut self, id: ProgramId, program: Program, now: Time) {
        self.table.set_program(id, program);
        // Also without viewers: who speaks is told, and a cut is answered, by every shard.
        self.showing.entry(id).or_default();
        self.choose_speakers(id, now);
        self.aim_program(id, KeyframeReason::Cut, now);
    }

    /// Viewers that are attached stay so, and see nothing.
    pub fn remove_program(&mut self, id: ProgramId, now: Time) {
        self.table.remove_program(id);
        self.choose_speakers(id, now);
        self.aim_program(id, KeyframeReason::Cut, now);
        if self.showing.get(&id).is_some_and(Showing::is_idle) {
            self.showing.remove(&id);
        }
    }

    /// Cuts one slot. False: no such program, or slot out of range.
    pub fn set_slot(&mut self, id: ProgramId, slot: usize, to: Slot, now: Time) -> bool {
        if !self.table.set_slot(id, slot, to) {
            return false;
        }
        self.cut_slot(id, slot, to.track, now);
        if slot == 0 {
            self.choose_speakers(id, now);
            self.aim_audio(id);
        }
        true
    }

    /// Replaces the open microphones. False: no such program.
    pub fn set_mics(&mut self, id: ProgramId, mics: Vec<TrackId>, now: Time) -> bool {
        if !self.table.set_mics(id, mics) {
            return false;
        }
        self.choose_speakers(id, now);
        self.aim_audio(id);
        true
    }

    // Viewers of this shard. Calls with a key that is gone do nothing.

    pub fn add_viewer(&mut self, config: &ViewerConfig, now: Time) -> ViewerKey {
        self.generation = self.generation.wrapping_add(1);
        let viewer = Some(Box::new(Viewer::new(self.generation, config, now)));
        let index = match self.free.pop() {
            Some(index) => {
                self.viewers[index as usize] = viewer;
                index
            }
            None => {
                self.viewers.push(viewer);
                (self.viewers.len() - 1) as u32
            }
        };
        ViewerKey { index, generation: self.generation }
    }

    pub fn remove_viewer(&mut self, key: ViewerKey) {
        if self.viewer(key).is_none() {
            return;
        }
        self.detach(key);
        let Some(viewer) = self.viewers[key.index as usize].take() else { return };
        self.free.push(key.index);
        for source in viewer.seats.iter().flat_map(|seat| seat.listed).flatten() {
            self.unlist(source);
        }
    }

    /// Points every unpinned line at a program's slots and speakers; none: all silent.
    pub fn attach(&mut self, key: ViewerKey, program: Option<ProgramId>, now: Time) {
        if self.viewer(key).is_none_or(|viewer| viewer.program == program && program.is_some()) {
            return;
        }
        self.detach(key);
        if let Some(program) = program {
            self.join(key, program, now);
        }
        self.aim_viewer(key, KeyframeReason::Join, now);
    }

    /// Points a video line (its index among the video lines) at a track; none: back to the program. `ceiling` is the
    /// highest layer for this line while it is pinned.
    pub fn pin(
        &mut self,
        key: ViewerKey,
        video_line: usize,
        track: Option<TrackId>,
        ceiling: Layer,
        now: Time,
    ) {
        let Some(viewer) = self.viewer_mut(key) else { return };
        let Some(line) = video_line.checked_add(usize::from(viewer.audio_lines)) else { return };
        let Some(seat) = viewer.seats.get_mut(line) else { return };
        seat.pin = track;
        seat.ceiling = if track.is_some() { ceiling } else { Layer::TOP };
        seat.low = false;
        self.uncount(key, line);
        self.aim(key, line, KeyframeReason::Cut, now);
    }

    /// The highest layer the viewer may get, on any line.
    pub fn set_ceiling(&mut self, key: ViewerKey, ceiling: Layer, now: Time) {
        let Some(viewer) = self.viewer_mut(key) else { return };
        viewer.ceiling = ceiling;
        self.aim_viewer(key, KeyframeReason::Join, now);
    }

    pub fn poll_keyframe_need(&mut self) -> Option<KeyframeNeed> {
        self.needs.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<ShardEvent> {
        self.events.pop_front()
    }

    fn viewer(&self, key: ViewerKey) -> Option<&Viewer> {
        let viewer = self.viewers.get(key.index as usize)?.as_deref()?;
        (viewer.generation == key.generation).then_some(viewer)
    }

    fn viewer_mut(&mut self, key: ViewerKey) -> Option<&mut Viewer> {
        of_key(&mut self.viewers, key)
    }

    fn event(&mut self, event: ShardEvent) {
        if self.events.len() >= MAX_QUEUED {
            self.stats.events_dropped += 1;
            return;
        }
        self.events.push_back(event);
    }
}
