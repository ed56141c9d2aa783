//! Which source each line should show, and what follows when that changes.

use std::time::Duration;

use super::fanout::LineRef;
use super::{KeyframeNeed, MAX_QUEUED, Shard, ShardEvent};
use crate::keyframes::KeyframeReason;
use crate::ladder::Step;
use crate::packet::{Kind, Layer, Source, TrackId};
use crate::program::ProgramId;
use crate::speakers::Selection;
use crate::time::Time;
use crate::viewer::ViewerKey;

/// A shard passes on one wish per source within this, unless a keyframe came.
const MERGE: Duration = Duration::from_millis(250);
/// Lines that still wait ask again this often.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// A cut is reported at the latest after this.
const CUT_TIMEOUT: Duration = Duration::from_secs(5);
/// Least time between two reports of who speaks.
const SPEAKING_EVERY: Duration = Duration::from_millis(200);
/// Level from which a microphone speaks, dB above digital silence (-50 dBov).
const SPEAKING_FROM: f32 = 77.0;

/// A program as its viewers here see it.
#[derive(Debug, Default)]
pub(super) struct Showing {
    viewers: Vec<ViewerKey>,
    /// One for each number of audio lines that viewers have.
    selections: Vec<(u8, Selection)>,
    cuts: Vec<Cut>,
    speaking: Vec<TrackId>,
    spoke_at: Time,
}

/// A cut in progress.
#[derive(Debug)]
struct Cut {
    slot: u16,
    track: Option<TrackId>,
    asked: Time,
    first: Option<Time>,
    last: Time,
    lines: u32,
    waiting: u32,
}

/// A line that goes up from the lowest layer at a given time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promotion {
    at: Time,
    program: ProgramId,
    viewer: ViewerKey,
    slot: u16,
}

impl Showing {
    pub fn is_idle(&self) -> bool {
        self.viewers.is_empty()
    }

    /// A counted line of a slot got its keyframe.
    pub fn line_cut(&mut self, slot: u8, now: Time) {
        if let Some(cut) = self.cuts.iter_mut().find(|cut| cut.slot == u16::from(slot)) {
            cut.waiting = cut.waiting.saturating_sub(1);
            cut.first.get_or_insert(now);
            cut.last = now;
        }
    }

    /// A counted line will not get it: its viewer went, or it was pinned.
    fn line_left(&mut self, slot: u8) {
        if let Some(cut) = self.cuts.iter_mut().find(|cut| cut.slot == u16::from(slot)) {
            cut.waiting = cut.waiting.saturating_sub(1);
            cut.lines = cut.lines.saturating_sub(1);
        }
    }
}

impl Shard {
    /// Call every 50 ms or so: layers that went silent, loudest speakers, promotions, cuts that are done, and lines
    /// that still wait for a keyframe.
    pub fn tick(&mut self, now: Time) {
        let mut changed = Vec::new();
        for (id, track) in &mut self.tracks {
            if track.activity.poll(now) {
                changed.push(*id);
            }
            for layer in &mut track.layers {
                layer.history.trim(now);
            }
        }
        for track in changed {
            self.aim_all_at(track, KeyframeReason::Join, now);
        }
        let programs: Vec<ProgramId> = self.showing.keys().copied().collect();
        for id in programs {
            if self.choose_speakers(id, now) {
                self.aim_audio(id);
            }
            self.tell_speaking(id, now);
            self.tell_cuts(id, now);
        }
        while self.promotions.front().is_some_and(|promotion| promotion.at <= now) {
            let Some(promotion) = self.promotions.pop_front() else { break };
            let Some(viewer) = self.viewer_mut(promotion.viewer) else { continue };
            let line = usize::from(viewer.audio_lines) + usize::from(promotion.slot);
            let Some(seat) = viewer.seats.get_mut(line) else { continue };
            seat.low = false;
            self.aim(promotion.viewer, line, KeyframeReason::Join, now);
        }
        let since = now.since(self.asked_again);
        if since >= ASK_AGAIN {
            self.asked_again = now;
            for track in self.tracks.values_mut() {
                track.roll(since);
            }
            self.ask_again(now);
        }
    }

    fn ask_again(&mut self, now: Time) {
        let mut waiting: Vec<Source> = self
            .viewers
            .iter()
            .flatten()
            .flat_map(|viewer| viewer.seats.iter())
            .filter(|seat| seat.line.is_waiting() && seat.line.kind() == Kind::Video)
            .filter_map(|seat| seat.line.wanted())
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        for source in waiting {
            self.need(source, KeyframeReason::Loss, now);
        }
    }

    /// Somebody wants a keyframe of a source; told once, unless one came since or it is a cut's.
    pub(super) fn need(&mut self, source: Source, reason: KeyframeReason, now: Time) {
        if self.table.track(source.track).is_none_or(|spec| spec.codec.kind() == Kind::Audio) {
            return;
        }
        let recent = self.asked.get(&source).is_some_and(|at| now.since(*at) < MERGE);
        if recent && reason != KeyframeReason::Cut {
            return;
        }
        let need = KeyframeNeed { source, reason };
        if self.needs.contains(&need) {
            return;
        }
        if self.needs.len() >= MAX_QUEUED {
            self.stats.events_dropped += 1;
            return;
        }
        self.asked.insert(source, now);
        self.needs.push_back(need);
    }

    /// Points a line at what it should show now.
    pub(super) fn aim(&mut self, key: ViewerKey, line: usize, reason: KeyframeReason, now: Time) {
        let track = self.track_for(key, line);
        let decodable = track.filter(|track| self.may_show(key, line, *track));
        self.tell_undecodable(key, line, track.filter(|_| decodable.is_none()));
        let carried = decodable.filter(|_| self.carries(key, line));
        let Some(viewer) = self.viewer(key) else { return };
        let seat = &viewer.seats[line];
        let ceiling = viewer.ceiling.min(seat.ceiling).min(viewer.ladder.rung().ceiling);
        let source = carried.map(|track| Source { track, layer: self.layer_for(track, seat.low, ceiling) });
        let before = seat.line.wanted();
        let Some(viewer) = self.viewer_mut(key) else { return };
        let seat = &mut viewer.seats[line];
        if before != source {
            seat.line.want(source);
        }
        if source.is_none() {
            // What it lost before says nothing of now.
            seat.loss = 0;
        }
        let waits = seat.line.is_waiting();
        let Some(source) = source else { return };
        let at = LineRef { viewer: key, line: line as u8 };
        let came = self.list(source, at);
        let small = Source { layer: Layer::LOW, ..source };
        if self.viewer(key).is_some_and(|viewer| viewer.seats[line].line.listens_to(small)) {
            self.list(small, at);
        }
        // Also for a track that was waited for before it came.
        if waits && (came || before != Some(source)) && !self.begin_with_opening(at, reason, now) {
            self.need(source, reason, now);
        }
    }

    /// Whether the viewer's place on the ladder has this line: of the video lines that have something to show, the
    /// first ones.
    fn carries(&self, key: ViewerKey, line: usize) -> bool {
        let Some(viewer) = self.viewer(key) else { return false };
        let rung = viewer.ladder.rung();
        let first = usize::from(viewer.audio_lines);
        if line < first {
            return rung.step != Step::Text;
        }
        match rung.video_lines {
            u8::MAX => true,
            0 => false,
            lines => {
                let before = (first..line).filter(|line| self.track_for(key, *line).is_some()).count();
                before < usize::from(lines)
            }
        }
    }

    pub(super) fn track_for(&self, key: ViewerKey, line: usize) -> Option<TrackId> {
        let viewer = self.viewer(key)?;
        let seat = viewer.seats.get(line)?;
        if seat.pin.is_some() {
            return seat.pin;
        }
        let program = viewer.program?;
        match line.checked_sub(usize::from(viewer.audio_lines)) {
            Some(slot) => self.table.picture(program, slot, viewer.party),
            None => {
                let (_, selection) = self
                    .showing
                    .get(&program)?
                    .selections
                    .iter()
                    .find(|(lines, _)| *lines == viewer.audio_lines)?;
                selection.heard(line, |mic| self.table.is_own(mic, viewer.party))
            }
        }
    }

    /// A track that has not come yet may be waited for; one of another kind, or that the viewer cannot decode, not.
    pub(super) fn may_show(&self, key: ViewerKey, line: usize, track: TrackId) -> bool {
        let Some(viewer) = self.viewer(key) else { return false };
        let Some(spec) = self.table.track(track) else { return true };
        spec.codec.kind() == viewer.seats[line].line.kind() && viewer.decodes(spec.codec)
    }

    fn tell_undecodable(&mut self, key: ViewerKey, line: usize, track: Option<TrackId>) {
        let Some(viewer) = self.viewer_mut(key) else { return };
        let Some(seat) = viewer.seats.get_mut(line) else { return };
        if seat.refused == track {
            return;
        }
        seat.refused = track;
        if let Some(track) = track {
            self.event(ShardEvent::Undecodable { viewer: key, line: line as u8, track });
        }
    }

    fn layer_for(&self, track: TrackId, low: bool, ceiling: Layer) -> Layer {
        let Some(state) = self.tracks.get(&track) else { return Layer::LOW };
        if low { state.activity.lowest() } else { state.activity.choose(ceiling) }
    }

    pub(super) fn aim_viewer(&mut self, key: ViewerKey, reason: KeyframeReason, now: Time) {
        let lines = self.viewer(key).map_or(0, |viewer| viewer.seats.len());
        for line in 0..lines {
            self.aim(key, line, reason, now);
        }
    }

    pub(super) fn aim_program(&mut self, id: ProgramId, reason: KeyframeReason, now: Time) {
        self.for_viewers(id, |shard, key| shard.aim_viewer(key, reason, now));
    }

    pub(super) fn aim_audio(&mut self, id: ProgramId) {
        self.for_viewers(id, |shard, key| {
            let lines = shard.viewer(key).map_or(0, |viewer| usize::from(viewer.audio_lines));
            for line in 0..lines {
                // Audio needs no keyframe, so neither reason nor time matter.
                shard.aim(key, line, KeyframeReason::Join, Time::ZERO);
            }
        });
    }

    fn for_viewers(&mut self, id: ProgramId, mut act: impl FnMut(&mut Self, ViewerKey)) {
        let Some(showing) = self.showing.get_mut(&id) else { return };
        let viewers = std::mem::take(&mut showing.viewers);
        for key in &viewers {
            act(self, *key);
        }
        if let Some(showing) = self.showing.get_mut(&id) {
            showing.viewers = viewers;
        }
    }

    /// Something about a track changed: points every line anew that shows it or should.
    pub(super) fn aim_all_at(&mut self, track: TrackId, reason: KeyframeReason, now: Time) {
        let programs: Vec<ProgramId> = self
            .table
            .programs()
            .filter(|(_, program)| {
                program.mics.contains(&track)
                    || program
                        .slots
                        .iter()
                        .any(|slot| slot.track == Some(track) || slot.alternate == Some(track))
            })
            .map(|(id, _)| id)
            .collect();
        for id in programs {
            self.choose_speakers(id, now);
            self.aim_program(id, reason, now);
        }
        let pinned: Vec<(ViewerKey, usize)> = self
            .viewers
            .iter()
            .enumerate()
            .filter_map(|(index, viewer)| Some((index, viewer.as_deref()?)))
            .flat_map(|(index, viewer)| {
                let key = ViewerKey { index: index as u32, generation: viewer.generation };
                viewer.seats.iter().enumerate().map(move |(line, seat)| (key, line, seat.pin))
            })
            .filter_map(|(key, line, pin)| (pin == Some(track)).then_some((key, line)))
            .collect();
        for (key, line) in pinned {
            self.aim(key, line, reason, now);
        }
    }

    /// A slot was set: its lines cut over, on the lowest layer first where they are many.
    pub(super) fn cut_slot(&mut self, id: ProgramId, slot: usize, track: Option<TrackId>, now: Time) {
        let viewers = self.showing.get(&id).map_or(0, |showing| showing.viewers.len());
        let low = viewers > self.config.cuts.low_first_above;
        self.promotions.retain(|promotion| promotion.program != id || usize::from(promotion.slot) != slot);
        let (mut lines, mut waiting, mut order) = (0, 0, 0);
        let spread = self.config.cuts.spread;
        self.for_viewers(id, |shard, key| {
            let Some(viewer) = shard.viewer_mut(key) else { return };
            let line = slot + usize::from(viewer.audio_lines);
            let Some(seat) = viewer.seats.get_mut(line).filter(|seat| seat.pin.is_none()) else { return };
            seat.low = low;
            seat.counted = false;
            shard.aim(key, line, KeyframeReason::Cut, now);
            let Some(seat) = shard.viewer_mut(key).and_then(|viewer| viewer.seats.get_mut(line)) else {
                return;
            };
            lines += 1;
            if seat.line.is_waiting() {
                seat.counted = true;
                waiting += 1;
            }
            if low {
                order += 1;
                let at = now + spread * order / u32::try_from(viewers).unwrap_or(u32::MAX).max(1);
                shard.promotions.push_back(Promotion { at, program: id, viewer: key, slot: slot as u16 });
            }
        });
        self.promotions.make_contiguous().sort_by_key(|promotion| promotion.at);
        let slot = slot as u16;
        let Some(showing) = self.showing.get_mut(&id) else { return };
        showing.cuts.retain(|cut| cut.slot != slot);
        showing.cuts.push(Cut { slot, track, asked: now, first: None, last: now, lines, waiting });
        self.tell_cuts(id, now);
    }

    /// Takes a line out of the cut that counts on it.
    pub(super) fn uncount(&mut self, key: ViewerKey, line: usize) {
        let Some(viewer) = self.viewer_mut(key) else { return };
        let (program, audio_lines) = (viewer.program, viewer.audio_lines);
        let Some(seat) = viewer.seats.get_mut(line) else { return };
        if std::mem::take(&mut seat.counted)
            && let Some(showing) = program.and_then(|program| self.showing.get_mut(&program))
        {
            showing.line_left((line as u8).saturating_sub(audio_lines));
        }
    }

    /// Reports cuts that are done.
    fn tell_cuts(&mut self, id: ProgramId, now: Time) {
        let Some(showing) = self.showing.get_mut(&id) else { return };
        let mut done = Vec::new();
        showing.cuts.retain(|cut| {
            let over = cut.waiting == 0 || now.since(cut.asked) >= CUT_TIMEOUT;
            if over {
                done.push(ShardEvent::SlotShown {
                    program: id,
                    slot: cut.slot,
                    track: cut.track,
                    asked: cut.asked,
                    first: cut.first.unwrap_or(cut.asked),
                    last: cut.last,
                    lines: cut.lines,
                    missing: cut.waiting,
                });
            }
            !over
        });
        for event in done {
            self.event(event);
        }
    }

    /// Chooses the speakers of a program anew. True if a line of some viewer changed.
    pub(super) fn choose_speakers(&mut self, id: ProgramId, now: Time) -> bool {
        let stage = self.table.stage_mic(id);
        let open = self.open_mics(id, now);
        let Some(showing) = self.showing.get_mut(&id) else { return false };
        let mut changed = false;
        for (_, selection) in &mut showing.selections {
            changed |= selection.update(&open, stage, now, &self.config.speakers);
        }
        changed
    }

    /// Open microphones that exist, and their levels.
    fn open_mics(&self, id: ProgramId, now: Time) -> Vec<(TrackId, f32)> {
        let Some(program) = self.table.program(id) else { return Vec::new() };
        let level =
            |mic: &TrackId| Some((*mic, self.tracks.get(mic)?.loudness.level(now, &self.config.speakers)));
        program.mics.iter().filter_map(level).collect()
    }

    fn tell_speaking(&mut self, id: ProgramId, now: Time) {
        let mut speaking = self.open_mics(id, now);
        speaking.retain(|(_, level)| *level >= SPEAKING_FROM);
        speaking.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let tracks: Vec<TrackId> = speaking.into_iter().map(|(mic, _)| mic).collect();
        let Some(showing) = self.showing.get_mut(&id) else { return };
        if tracks == showing.speaking || now.since(showing.spoke_at) < SPEAKING_EVERY {
            return;
        }
        showing.spoke_at = now;
        showing.speaking.clone_from(&tracks);
        self.event(ShardEvent::Speaking { program: id, tracks });
    }

    /// A viewer comes to a program.
    pub(super) fn join(&mut self, key: ViewerKey, id: ProgramId, now: Time) {
        let Some(viewer) = self.viewer_mut(key) else { return };
        viewer.program = Some(id);
        let lines = viewer.audio_lines;
        let showing = self.showing.entry(id).or_default();
        showing.viewers.push(key);
        if !showing.selections.iter().any(|(known, _)| *known == lines) {
            showing.selections.push((lines, Selection::new(usize::from(lines))));
            self.choose_speakers(id, now);
        }
    }

    /// A viewer leaves its program. Its lines are not pointed anew.
    pub(super) fn detach(&mut self, key: ViewerKey) {
        let Some(viewer) = self.viewer(key) else { return };
        let Some(id) = viewer.program else { return };
        for line in 0..viewer.seats.len() {
            self.uncount(key, line);
        }
        let Some(viewer) = self.viewer_mut(key) else { return };
        viewer.program = None;
        for seat in &mut viewer.seats {
            seat.low = false;
        }
        let Some(showing) = self.showing.get_mut(&id) else { return };
        if let Some(place) = showing.viewers.iter().position(|viewer| *viewer == key) {
            showing.viewers.swap_remove(place);
        }
        if showing.viewers.is_empty() && self.table.program(id).is_none() {
            self.showing.remove(&id);
        }
    }
}
