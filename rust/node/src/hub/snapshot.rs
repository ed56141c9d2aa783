//! Everything the node holds, for control that comes (back).

use diemcau_control::{Happening, Pin, ProgramState, PublisherState, ViewerState};

use super::Hub;

impl Hub {
    /// The state now; names in order, so that two equal states give equal snapshots.
    pub fn snapshot(&self) -> Happening {
        let mut viewers: Vec<ViewerState> = self
            .viewers
            .iter()
            .map(|(name, viewer)| ViewerState {
                viewer: name.clone(),
                party: viewer.party.clone(),
                program: viewer.program.clone(),
                state: viewer.state,
                ceiling: viewer.ceiling,
                step: viewer.step,
                pins: (viewer.pins.iter())
                    .map(|(line, (track, ceiling))| Pin {
                        line: *line,
                        track: track.clone(),
                        ceiling: *ceiling,
                    })
                    .collect(),
            })
            .collect();
        viewers.sort_unstable_by(|a, b| a.viewer.cmp(&b.viewer));
        let mut publishers: Vec<PublisherState> = self
            .publishers
            .iter()
            .map(|(name, publisher)| PublisherState {
                publisher: name.clone(),
                party: publisher.party.clone(),
                state: publisher.state,
                tracks: Self::infos(&publisher.tracks),
            })
            .collect();
        publishers.sort_unstable_by(|a, b| a.publisher.cmp(&b.publisher));
        let programs = self
            .programs
            .iter()
            .map(|(name, program)| ProgramState {
                program: name.clone(),
                codec: program.codec,
                slots: program.slots.clone(),
                mics: program.mics.clone(),
            })
            .collect();
        Happening::Snapshot { viewers, publishers, programs, lined_up: self.lined_up.clone() }
    }
}
