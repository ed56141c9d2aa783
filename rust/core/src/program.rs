//! The table of tracks and programs. Control changes it by small updates, each O(1); every worker holds a copy.

use std::collections::HashMap;

use crate::packet::{Codec, PartyId, PublisherId, TrackId};

/// A program at this node; numbers are given by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramId(pub u32);

/// One published source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackSpec {
    pub id: TrackId,
    /// Tracks of one publisher connection share a clock; its microphone goes with its camera.
    pub publisher: PublisherId,
    pub party: Option<PartyId>,
    pub codec: Codec,
}

/// One place of a program's picture. A track may be named before it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Track shown here; none: the line is silent.
    pub track: Option<TrackId>,
    /// Shown instead to viewers of the track's own party.
    pub alternate: Option<TrackId>,
}

/// What a program shows and who may be heard in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// Slot i is what video line i of a viewer shows.
    pub slots: Vec<Slot>,
    /// Open microphones.
    pub mics: Vec<TrackId>,
}

/// A worker's copy of what control has said. Equal updates in equal order give equal tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgramTable {
    version: u64,
    tracks: HashMap<TrackId, TrackSpec>,
    programs: HashMap<ProgramId, Program>,
}

impl ProgramTable {
    /// Counts updates; two copies of one node with equal versions are equal.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn set_track(&mut self, spec: TrackSpec) {
        self.version += 1;
        self.tracks.insert(spec.id, spec);
    }

    pub fn remove_track(&mut self, id: TrackId) {
        self.version += 1;
        self.tracks.remove(&id);
    }

    #[must_use]
    pub fn track(&self, id: TrackId) -> Option<&TrackSpec> {
        self.tracks.get(&id)
    }

    /// Creates or replaces a program whole.
    pub fn set_program(&mut self, id: ProgramId, program: Program) {
        self.version += 1;
        self.programs.insert(id, program);
    }

    pub fn remove_program(&mut self, id: ProgramId) {
        self.version += 1;
        self.programs.remove(&id);
    }

    #[must_use]
    pub fn program(&self, id: ProgramId) -> Option<&Program> {
        self.programs.get(&id)
    }

    pub fn programs(&self) -> impl Iterator<Item = (ProgramId, &Program)> {
        self.programs.iter().map(|(id, program)| (*id, program))
    }

    /// Changes one slot; slots up to it are made, empty. False if there is no such program or the slot's number is
    /// beyond what a viewer can have.
    pub fn set_slot(&mut self, id: ProgramId, index: usize, slot: Slot) -> bool {
        let Some(program) = self.programs.get_mut(&id).filter(|_| index < MAX_SLOTS) else { return false };
        if program.slots.len() <= index {
            program.slots.resize(index + 1, Slot::default());
        }
        program.slots[index] = slot;
        self.version += 1;
        true
    }

    /// Replaces the open microphones. False if there is no such program.
    pub fn set_mics(&mut self, id: ProgramId, mics: Vec<TrackId>) -> bool {
        let Some(program) = self.programs.get_mut(&id) else { return false };
        program.mics = mics;
        self.version += 1;
        true
    }

    /// The track that a viewer of `party` sees in a slot: the slot's, or the alternate where that is its own, or
    /// nothing where both are.
    #[must_use]
    pub fn picture(&self, id: ProgramId, index: usize, party: Option<PartyId>) -> Option<TrackId> {
        let slot = self.programs.get(&id)?.slots.get(index)?;
        if !self.is_own(slot.track?, party) {
            return slot.track;
        }
        slot.alternate.filter(|track| !self.is_own(*track, party))
    }

    /// Whether the track is of the party's own making.
    #[must_use]
    pub fn is_own(&self, track: TrackId, party: Option<PartyId>) -> bool {
        party.is_some() && self.tracks.get(&track).is_some_and(|spec| spec.party == party)
    }

    /// The open microphone that belongs to the picture in slot 0: it is heard on line 0, in step with the picture.
    #[must_use]
    pub fn stage_mic(&self, id: ProgramId) -> Option<TrackId> {
        let program = self.programs.get(&id)?;
        let stage = self.tracks.get(&program.slots.first()?.track?)?;
        program
            .mics
            .iter()
            .copied()
            .find(|mic| self.tracks.get(mic).is_some_and(|spec| spec.publisher == stage.publisher))
    }
}

/// Slots a program may have: as many as a viewer has video lines at most.
pub const MAX_SLOTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> ProgramTable {
        let mut table = ProgramTable::default();
        for (id, party) in [(1, 10), (2, 20)] {
            table.set_track(TrackSpec {
                id: TrackId(id),
                publisher: PublisherId(id),
                party: Some(PartyId(party)),
                codec: Codec::H264,
            });
            table.set_track(TrackSpec {
                id: TrackId(id + 100),
                publisher: PublisherId(id),
                party: Some(PartyId(party)),
                codec: Codec::Opus,
            });
        }
        table.set_program(ProgramId(1), Program::default());
        table
    }

    #[test]
    fn a_speaker_sees_the_alternate_and_everyone_else_the_speaker() {
        let mut table = table();
        let slot = Slot { track: Some(TrackId(1)), alternate: Some(TrackId(2)) };
        assert!(table.set_slot(ProgramId(1), 0, slot));
        assert_eq!(table.picture(ProgramId(1), 0, Some(PartyId(10))), Some(TrackId(2)));
        assert_eq!(table.picture(ProgramId(1), 0, Some(PartyId(30))), Some(TrackId(1)));
        assert_eq!(table.picture(ProgramId(1), 0, None), Some(TrackId(1)));
        table.set_slot(ProgramId(1), 0, Slot { track: Some(TrackId(1)), alternate: Some(TrackId(1)) });
        assert_eq!(table.picture(ProgramId(1), 0, Some(PartyId(10))), None, "never oneself");
    }

    #[test]
    fn the_stage_microphone_is_the_open_one_of_the_stage_publisher() {
        let mut table = table();
        table.set_slot(ProgramId(1), 0, Slot { track: Some(TrackId(2)), alternate: None });
        assert_eq!(table.stage_mic(ProgramId(1)), None);
        assert!(table.set_mics(ProgramId(1), vec![TrackId(101), TrackId(102)]));
        assert_eq!(table.stage_mic(ProgramId(1)), Some(TrackId(102)));
    }

    #[test]
    fn updates_of_what_is_not_there_are_refused_and_count_nothing() {
        let mut table = table();
        let before = table.version();
        assert!(!table.set_slot(ProgramId(9), 0, Slot::default()));
        assert!(!table.set_slot(ProgramId(1), MAX_SLOTS, Slot::default()));
        assert!(!table.set_mics(ProgramId(9), Vec::new()));
        assert_eq!(table.version(), before);
    }
}
