//! Commands about programs, slots, microphones and line-up.

use std::sync::Arc;

use diemcau_control::{Failure, ReplyData, Slot, VideoCodec};
use diemcau_core::program::MAX_SLOTS;
use diemcau_core::{ProgramId, TrackId};

use super::commands::{check_name, check_track};
use super::{Answer, Hub, MAX_LINE_UP, MAX_MICS, MAX_PROGRAMS, Program, failure};
use crate::message::{Order, TableOrder};

type Done = Result<Answer, Failure>;

const DONE: Answer = Answer::Now(Ok(ReplyData::Done));

fn check_slot(slot: &Slot) -> Result<(), Failure> {
    slot.track.as_deref().map_or(Ok(()), check_track)?;
    slot.alternate.as_deref().map_or(Ok(()), check_track)
}

fn check_mics(mics: &[String]) -> Result<(), Failure> {
    if mics.len() > MAX_MICS {
        return Err(failure("too_many", format!("at most {MAX_MICS} microphones")));
    }
    mics.iter().try_for_each(|mic| check_track(mic))
}

impl Hub {
    pub(super) fn program_id(&self, name: &str) -> Result<ProgramId, Failure> {
        let program = self.programs.get(name);
        program
            .map(|program| program.id)
            .ok_or_else(|| failure("program_not_found", format!("no program {name}")))
    }

    fn program(&mut self, name: &str) -> Result<&mut Program, Failure> {
        self.programs.get_mut(name).ok_or_else(|| failure("program_not_found", format!("no program {name}")))
    }

    fn core_slot(&mut self, slot: &Slot) -> diemcau_core::Slot {
        diemcau_core::Slot {
            track: slot.track.as_deref().map(|name| self.names.track(name)),
            alternate: slot.alternate.as_deref().map(|name| self.names.track(name)),
        }
    }

    fn core_tracks(&mut self, names: &[String]) -> Vec<TrackId> {
        names.iter().map(|name| self.names.track(name)).collect()
    }

    pub(super) fn program_set(
        &mut self,
        name: String,
        codec: VideoCodec,
        slots: Vec<Slot>,
        mics: Vec<String>,
    ) -> Done {
        check_name(&name)?;
        check_mics(&mics)?;
        if slots.len() > MAX_SLOTS {
            return Err(failure("bad_slot", format!("at most {MAX_SLOTS} slots")));
        }
        slots.iter().try_for_each(check_slot)?;
        self.has_room(1)?;
        let id = match self.programs.get(&name) {
            Some(program) => program.id,
            None if self.programs.len() >= MAX_PROGRAMS => {
                return Err(failure("full", format!("at most {MAX_PROGRAMS} programs")));
            }
            None => ProgramId(self.next() as u32),
        };
        let program = diemcau_core::Program {
            slots: slots.iter().map(|slot| self.core_slot(slot)).collect(),
            mics: self.core_tracks(&mics),
        };
        self.table(&TableOrder::SetProgram(id, program));
        self.program_names.insert(id, name.clone());
        self.programs.insert(name, Program { id, codec, slots, mics });
        Ok(DONE)
    }

    pub(super) fn slot_set(&mut self, name: &str, slot: u16, source: Slot) -> Done {
        check_slot(&source)?;
        if usize::from(slot) >= MAX_SLOTS {
            return Err(failure("bad_slot", format!("at most {MAX_SLOTS} slots")));
        }
        self.has_room(1)?;
        let core = {
            self.program(name)?;
            self.core_slot(&source)
        };
        let program = self.program(name)?;
        let at = usize::from(slot);
        if program.slots.len() <= at {
            program.slots.resize(at + 1, Slot::default());
        }
        program.slots[at] = source;
        let id = program.id;
        self.table(&TableOrder::SetSlot(id, slot, core));
        self.cuts.begin(id, slot, core.track, self.clock.now(), self.workers.len());
        Ok(DONE)
    }

    pub(super) fn mics_set(&mut self, name: &str, mics: Vec<String>) -> Done {
        check_mics(&mics)?;
        self.has_room(1)?;
        let id = self.program_id(name)?;
        let tracks = self.core_tracks(&mics);
        self.program(name)?.mics = mics;
        self.table(&TableOrder::SetMics(id, tracks));
        Ok(DONE)
    }

    /// Viewers that watched it keep their connection and see nothing.
    pub(super) fn program_delete(&mut self, name: &str) -> Done {
        self.has_room(1)?;
        let id = self.program_id(name)?;
        self.programs.remove(name);
        self.program_names.remove(&id);
        self.cuts.forget(id);
        for viewer in self.viewers.values_mut().filter(|viewer| viewer.program.as_deref() == Some(name)) {
            viewer.program = None;
        }
        self.table(&TableOrder::RemoveProgram(id));
        Ok(DONE)
    }

    pub(super) fn line_up(&mut self, tracks: Vec<String>) -> Done {
        if tracks.len() > MAX_LINE_UP {
            return Err(failure("too_many", format!("at most {MAX_LINE_UP} tracks")));
        }
        tracks.iter().try_for_each(|track| check_track(track))?;
        self.has_room(1)?;
        self.lined_up = tracks;
        self.send_line_up();
        Ok(DONE)
    }

    pub(super) fn send_line_up(&mut self) {
        let names = std::mem::take(&mut self.lined_up);
        let tracks: Arc<[TrackId]> = self.core_tracks(&names).into();
        self.lined_up = names;
        for worker in 0..self.workers.len() {
            self.order(worker, Order::LineUp(Arc::clone(&tracks)));
        }
    }

    /// A track's name got a new number: what names it is told anew.
    pub(super) fn renumber(&mut self, track: &str) {
        let names = |name: &Option<String>| name.as_deref() == Some(track);
        let mut slots = Vec::new();
        let mut mics = Vec::new();
        for program in self.programs.values() {
            let changed =
                program.slots.iter().enumerate().filter(|(_, s)| names(&s.track) || names(&s.alternate));
            slots.extend(changed.map(|(at, slot)| (program.id, at as u16, slot.clone())));
            if program.mics.iter().any(|mic| mic == track) {
                mics.push((program.id, program.mics.clone()));
            }
        }
        for (id, at, slot) in slots {
            let slot = self.core_slot(&slot);
            self.table(&TableOrder::SetSlot(id, at, slot));
        }
        for (id, mics) in mics {
            let mics = self.core_tracks(&mics);
            self.table(&TableOrder::SetMics(id, mics));
        }
        let mut pins = Vec::new();
        for viewer in self.viewers.values() {
            let mine = viewer.pins.iter().filter(|(_, (name, _))| name == track);
            pins.extend(mine.map(|(line, (_, ceiling))| (viewer.worker, viewer.conn, *line, *ceiling)));
        }
        if !pins.is_empty() {
            let id = self.names.track(track);
            for (worker, conn, line, ceiling) in pins {
                let line = usize::from(line);
                self.order(worker, Order::Pin { conn, line, track: Some(id), ceiling });
            }
        }
        if self.lined_up.iter().any(|name| name == track) {
            self.send_line_up();
        }
    }
}
