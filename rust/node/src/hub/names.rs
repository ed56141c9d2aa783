//! Names of control, numbers of the node. A number is never used again: a track that is published anew under
//! its old name gets a new one.

use std::collections::HashMap;

use diemcau_core::{PartyId, TrackId};

/// Longest name of a connection, program or party, characters.
pub const MAX_NAME: usize = 64;
/// A track's name is its publisher's and `/audio` or `/video`.
pub const MAX_TRACK_NAME: usize = MAX_NAME + 6;

/// Whether a name may stand in the protocol.
pub fn is_name(name: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    !name.is_empty() && name.len() <= longest && name.bytes().all(plain)
}

/// Numbers by name and back.
#[derive(Default)]
pub struct Names {
    tracks: HashMap<String, TrackId>,
    track_names: HashMap<TrackId, String>,
    parties: HashMap<String, PartyId>,
    next_track: u32,
    next_party: u32,
}

impl Names {
    /// Number of a track, whether it is published yet or not.
    pub fn track(&mut self, name: &str) -> TrackId {
        if let Some(id) = self.tracks.get(name) {
            return *id;
        }
        self.next_track += 1;
        let id = TrackId(self.next_track);
        self.tracks.insert(name.to_owned(), id);
        self.track_names.insert(id, name.to_owned());
        id
    }

    pub fn track_name(&self, id: TrackId) -> Option<&str> {
        self.track_names.get(&id).map(String::as_str)
    }

    /// The track is not published any more: its name means a new track from now on.
    pub fn retire_track(&mut self, name: &str) {
        if let Some(id) = self.tracks.remove(name) {
            self.track_names.remove(&id);
        }
    }

    pub fn party(&mut self, name: Option<&str>) -> Option<PartyId> {
        let name = name?;
        if let Some(id) = self.parties.get(name) {
            return Some(*id);
        }
        self.next_party += 1;
        let id = PartyId(self.next_party);
        self.parties.insert(name.to_owned(), id);
        Some(id)
    }

    /// Names held, of both kinds.
    pub fn len(&self) -> usize {
        self.tracks.len() + self.parties.len()
    }

    /// Forgets names that nothing uses any more.
    pub fn retain(&mut self, track: impl Fn(&str) -> bool, party: impl Fn(&str) -> bool) {
        self.tracks.retain(|name, _| track(name));
        self.track_names.retain(|_, name| track(name));
        self.parties.retain(|name, _| party(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retired_name_means_a_new_track() {
        let mut names = Names::default();
        let first = names.track("a/video");
        assert_eq!(names.track("a/video"), first);
        names.retire_track("a/video");
        assert_ne!(names.track("a/video"), first);
        assert_eq!(names.track_name(first), None);
    }

    #[test]
    fn only_plain_names_are_names() {
        assert!(is_name("c:01/s-2_".trim_end_matches('_'), MAX_NAME) && is_name("A.b", MAX_NAME));
        for bad in ["", "a b", "tỉnh", "a\n", &"x".repeat(65)] {
            assert!(!is_name(bad, MAX_NAME), "{bad:?}");
        }
    }
}
