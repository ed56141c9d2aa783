//! When a cut is over: every worker says when its viewers had the new picture; control is told once.

use std::collections::HashMap;
use std::time::Duration;

use diemcau_core::{ProgramId, Time, TrackId};

/// Workers give up waiting for a keyframe after 5 s; a cut that one of them never reports ends after this.
const FORGET_AFTER: Duration = Duration::from_secs(7);

struct Cut {
    track: Option<TrackId>,
    asked: Time,
    last: Time,
    waiting: usize,
    lines: u32,
    missing: u32,
}

/// A cut that is over.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    pub program: ProgramId,
    pub slot: u16,
    pub track: Option<TrackId>,
    pub after: Duration,
    pub lines: u32,
    pub missing: u32,
}

/// One worker's word on a cut.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    pub last: Time,
    pub lines: u32,
    pub missing: u32,
}

/// Cuts under way; a later one of the same slot overtakes the earlier.
#[derive(Default)]
pub struct Cuts(HashMap<(ProgramId, u16), Cut>);

impl Cuts {
    pub fn begin(
        &mut self,
        program: ProgramId,
        slot: u16,
        track: Option<TrackId>,
        now: Time,
        workers: usize,
    ) {
        let cut = Cut { track, asked: now, last: now, waiting: workers, lines: 0, missing: 0 };
        self.0.insert((program, slot), cut);
    }

    /// A worker reports; gives the cut when it was the last of them.
    pub fn report(
        &mut self,
        program: ProgramId,
        slot: u16,
        track: Option<TrackId>,
        word: Word,
    ) -> Option<Shown> {
        let cut = self.0.get_mut(&(program, slot)).filter(|cut| cut.track == track)?;
        cut.waiting = cut.waiting.saturating_sub(1);
        cut.lines += word.lines;
        cut.missing += word.missing;
        if word.lines > 0 {
            cut.last = cut.last.max(word.last);
        }
        if cut.waiting > 0 {
            return None;
        }
        self.finish((program, slot))
    }

    fn finish(&mut self, key: (ProgramId, u16)) -> Option<Shown> {
        let cut = self.0.remove(&key)?;
        Some(Shown {
            program: key.0,
            slot: key.1,
            track: cut.track,
            after: cut.last.since(cut.asked),
            lines: cut.lines,
            missing: cut.missing,
        })
    }

    /// Cuts that have waited long enough for a worker that says nothing.
    pub fn expire(&mut self, now: Time) -> Vec<Shown> {
        let old = |cut: &Cut| now.since(cut.asked) > FORGET_AFTER;
        let keys: Vec<_> = self.0.iter().filter(|(_, cut)| old(cut)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.finish(key)).collect()
    }

    pub fn forget(&mut self, program: ProgramId) {
        self.0.retain(|(id, _), _| *id != program);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: ProgramId = ProgramId(1);

    fn word(millis: u64, lines: u32) -> Word {
        Word { last: Time::from_millis(millis), lines, missing: 0 }
    }

    #[test]
    fn a_cut_is_over_when_the_last_worker_says_so() {
        let mut cuts = Cuts::default();
        let track = Some(TrackId(1));
        cuts.begin(P, 0, track, Time::from_millis(100), 2);
        assert_eq!(cuts.report(P, 0, track, word(180, 3)), None);
        let shown = cuts.report(P, 0, track, word(150, 4)).unwrap();
        assert_eq!((shown.after, shown.lines), (Duration::from_millis(80), 7));
        assert_eq!(cuts.report(P, 0, track, word(150, 4)), None);
    }

    #[test]
    fn a_later_cut_overtakes_and_late_words_of_the_first_are_ignored() {
        let mut cuts = Cuts::default();
        cuts.begin(P, 0, Some(TrackId(1)), Time::from_millis(100), 1);
        cuts.begin(P, 0, Some(TrackId(2)), Time::from_millis(110), 1);
        assert_eq!(cuts.report(P, 0, Some(TrackId(1)), word(120, 1)), None);
        assert!(cuts.report(P, 0, Some(TrackId(2)), word(130, 1)).is_some());
    }

    #[test]
    fn a_silent_worker_does_not_hold_a_cut_for_ever() {
        let mut cuts = Cuts::default();
        cuts.begin(P, 3, None, Time::from_millis(0), 2);
        assert!(cuts.expire(Time::from_millis(5_000)).is_empty());
        assert_eq!(cuts.expire(Time::from_millis(8_000)).len(), 1);
    }
}
