//! Commands about connections; those about programs are in [`super::programs`].

use std::collections::BTreeMap;

use diemcau_control::{
    Command, Failure, Happening, Layer, LinkState, ReplyData, Step, TrackInfo, VERSION, VideoCodec,
};
use diemcau_core::PublisherId;

use super::names::{MAX_NAME, MAX_TRACK_NAME, is_name};
use super::{Answer, Hub, Owner, Publisher, Track, Viewer, failure};
use crate::message::{ConnId, OpenPublisher, OpenViewer, Order, TableOrder};

type Done = Result<Answer, Failure>;

const DONE: Answer = Answer::Now(Ok(ReplyData::Done));

pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    if is_name(name, MAX_NAME) {
        Ok(())
    } else {
        Err(failure("bad_name", "names are 1 to 64 of [A-Za-z0-9._:/-]"))
    }
}

pub(super) fn check_track(name: &str) -> Result<(), Failure> {
    if is_name(name, MAX_TRACK_NAME) {
        Ok(())
    } else {
        Err(failure("bad_name", "that is not a track's name"))
    }
}

impl Hub {
    /// Does a command. `id` is kept for those that are answered later.
    pub fn command(&mut self, id: &str, command: Command) -> Answer {
        let done = match command {
            Command::Hello { version } => self.hello(version),
            Command::ViewerOpen { viewer, party, offer, program, ceiling } => {
                self.viewer_open(id, viewer, party, offer, program, ceiling)
            }
            Command::ViewerClose { viewer } => self.viewer_close(&viewer),
            Command::ViewerAttach { viewer, program } => self.viewer_attach(&viewer, program),
            Command::ViewerPin { viewer, line, track, ceiling } => {
                self.viewer_pin(&viewer, line, track, ceiling)
            }
            Command::ViewerCeiling { viewer, ceiling } => self.viewer_ceiling(&viewer, ceiling),
            Command::PublisherOpen { publisher, party, offer, codec } => {
                self.publisher_open(id, publisher, party, offer, codec)
            }
            Command::PublisherClose { publisher } => self.publisher_close(&publisher),
            Command::ProgramSet { program, codec, slots, mics } => {
                self.program_set(program, codec, slots, mics)
            }
            Command::SlotSet { program, slot, source } => self.slot_set(&program, slot, source),
            Command::MicsSet { program, mics } => self.mics_set(&program, mics),
            Command::ProgramDelete { program } => self.program_delete(&program),
            Command::LineUp { tracks } => self.line_up(tracks),
            Command::Keyframe { track } => self.keyframe(&track),
            Command::Snapshot => Ok(Answer::Snapshot),
            Command::Stats => Ok(Answer::Now(Ok(ReplyData::Stats(self.stats())))),
        };
        self.forget_unused_names();
        done.unwrap_or_else(|failure| Answer::Now(Err(failure)))
    }

    fn hello(&self, version: u32) -> Done {
        if version != VERSION {
            return Err(failure("version", format!("this node speaks version {VERSION}, not {version}")));
        }
        Ok(Answer::Now(Ok(ReplyData::Hello {
            version: VERSION,
            incarnation: self.incarnation.clone(),
            workers: u16::try_from(self.workers.len()).unwrap_or(u16::MAX),
        })))
    }

    fn viewer_open(
        &mut self,
        id: &str,
        viewer: String,
        party: Option<String>,
        offer: String,
        program: Option<String>,
        layer: Layer,
    ) -> Done {
        check_name(&viewer)?;
        party.as_deref().map_or(Ok(()), check_name)?;
        if self.viewers.contains_key(&viewer) {
            return Err(failure("exists", format!("viewer {viewer} is open")));
        }
        if self.viewers.len() >= self.limits.viewers {
            return Err(failure("full", format!("this node takes {} viewers", self.limits.viewers)));
        }
        let program_id = program.as_deref().map(|name| self.program_id(name)).transpose()?;
        let worker = (0..self.workers.len()).min_by_key(|at| self.workers[*at].viewers).unwrap_or(0);
        self.has_room(1)?;
        let conn = ConnId(self.next());
        let open = OpenViewer {
            conn,
            party: self.names.party(party.as_deref()),
            offer,
            program: program_id,
            ceiling: layer,
            faulty: self.faulty_viewer.as_ref() == Some(&viewer),
        };
        self.order(worker, Order::OpenViewer(Box::new(open)));
        self.workers[worker].viewers += 1;
        self.conns.insert(conn, Owner::Viewer(viewer.clone()));
        self.opening.insert(conn, id.to_owned());
        let state = LinkState::Connecting;
        let pins = BTreeMap::new();
        self.viewers.insert(
            viewer,
            Viewer {
                conn,
                worker,
                party,
                program,
                ceiling: layer,
                state,
                step: Step::High,
                video_lines: None,
                pins,
            },
        );
        Ok(Answer::Later)
    }

    fn viewer(&mut self, name: &str) -> Result<&mut Viewer, Failure> {
        self.viewers.get_mut(name).ok_or_else(|| failure("viewer_not_found", format!("no viewer {name}")))
    }

    fn viewer_close(&mut self, name: &str) -> Done {
        self.has_room(1)?;
        let conn = self.viewer(name)?.conn;
        let worker = self.viewer(name)?.worker;
        self.order(worker, Order::Close(conn));
        self.drop_viewer(name, "closed");
        Ok(DONE)
    }

    /// Forgets a viewer and says why it went. An open that waits is refused.
    pub(super) fn drop_viewer(&mut self, name: &str, reason: &str) {
        let Some(viewer) = self.viewers.remove(name) else { return };
        self.workers[viewer.worker].viewers -= 1;
        self.conns.remove(&viewer.conn);
        if self.opening.contains_key(&viewer.conn) {
            self.answer_open(viewer.conn, Err(failure("viewer_not_found", "closed while it was opened")));
        }
        self.event(Happening::ViewerGone { viewer: name.to_owned(), reason: reason.to_owned() });
    }

    fn viewer_attach(&mut self, name: &str, program: Option<String>) -> Done {
        self.has_room(1)?;
        let id = program.as_deref().map(|program| self.program_id(program)).transpose()?;
        let viewer = self.viewer(name)?;
        viewer.program = program;
        let (worker, conn) = (viewer.worker, viewer.conn);
        self.order(worker, Order::Attach(conn, id));
        Ok(DONE)
    }

    fn viewer_pin(&mut self, name: &str, line: u16, track: Option<String>, layer: Layer) -> Done {
        track.as_deref().map_or(Ok(()), check_track)?;
        self.has_room(1)?;
        let lines = self.viewer(name)?.video_lines.unwrap_or(diemcau_core::program::MAX_SLOTS as u16);
        if line >= lines {
            return Err(failure("bad_slot", format!("viewer {name} has {lines} video lines")));
        }
        let id = track.as_deref().map(|track| self.names.track(track));
        let viewer = self.viewer(name)?;
        match track {
            Some(track) => viewer.pins.insert(line, (track, layer)),
            None => viewer.pins.remove(&line),
        };
        let (worker, conn) = (viewer.worker, viewer.conn);
        self.order(worker, Order::Pin { conn, line: usize::from(line), track: id, ceiling: layer });
        Ok(DONE)
    }

    fn viewer_ceiling(&mut self, name: &str, layer: Layer) -> Done {
        self.has_room(1)?;
        let viewer = self.viewer(name)?;
        viewer.ceiling = layer;
        let (worker, conn) = (viewer.worker, viewer.conn);
        self.order(worker, Order::Ceiling(conn, layer));
        Ok(DONE)
    }

    fn publisher_open(
        &mut self,
        id: &str,
        publisher: String,
        party: Option<String>,
        offer: String,
        codec: VideoCodec,
    ) -> Done {
        check_name(&publisher)?;
        party.as_deref().map_or(Ok(()), check_name)?;
        if self.publishers.contains_key(&publisher) {
            return Err(failure("exists", format!("publisher {publisher} is open")));
        }
        if self.publishers.len() >= self.limits.publishers {
            return Err(failure("full", format!("this node takes {} publishers", self.limits.publishers)));
        }
        self.has_room(1)?;
        let worker = (0..self.workers.len())
            .min_by_key(|at| (self.workers[*at].publishers, self.workers[*at].viewers))
            .unwrap_or(0);
        let conn = ConnId(self.next());
        let open = OpenPublisher {
            conn,
            id: PublisherId(conn.0 as u32),
            party: self.names.party(party.as_deref()),
            offer,
            codec,
            audio: self.names.track(&format!("{publisher}/audio")),
            video: self.names.track(&format!("{publisher}/video")),
        };
        self.order(worker, Order::OpenPublisher(Box::new(open)));
        self.workers[worker].publishers += 1;
        self.conns.insert(conn, Owner::Publisher(publisher.clone()));
        self.opening.insert(conn, id.to_owned());
        let state = LinkState::Connecting;
        self.publishers.insert(publisher, Publisher { conn, worker, party, state, tracks: Vec::new() });
        Ok(Answer::Later)
    }

    fn publisher_close(&mut self, name: &str) -> Done {
        let publisher = self
            .publishers
            .get(name)
            .ok_or_else(|| failure("publisher_not_found", format!("no publisher {name}")))?;
        let (worker, conn) = (publisher.worker, publisher.conn);
        self.has_room(1)?;
        self.order(worker, Order::Close(conn));
        self.drop_publisher(name, "closed");
        Ok(DONE)
    }

    /// Forgets a publisher and its tracks; programs that name them wait for tracks of these names again.
    pub(super) fn drop_publisher(&mut self, name: &str, reason: &str) {
        let Some(publisher) = self.publishers.remove(name) else { return };
        self.workers[publisher.worker].publishers -= 1;
        self.conns.remove(&publisher.conn);
        if self.opening.contains_key(&publisher.conn) {
            self.answer_open(
                publisher.conn,
                Err(failure("publisher_not_found", "closed while it was opened")),
            );
        }
        for track in &publisher.tracks {
            self.table(&TableOrder::RemoveTrack(track.id));
            self.names.retire_track(&track.info.track);
            if track.live {
                self.event(Happening::TrackLost { track: track.info.track.clone() });
            }
        }
        for track in &publisher.tracks {
            self.renumber(&track.info.track);
        }
        self.event(Happening::PublisherGone { publisher: name.to_owned(), reason: reason.to_owned() });
    }

    fn keyframe(&mut self, name: &str) -> Done {
        self.has_room(1)?;
        let found = self.publishers.values().find_map(|publisher| {
            let track = publisher.tracks.iter().find(|track| track.info.track == name)?;
            Some((publisher.worker, track.id))
        });
        let (worker, track) = found.ok_or_else(|| failure("track_not_found", format!("no track {name}")))?;
        self.order(worker, Order::Keyframe(track));
        Ok(DONE)
    }

    pub(super) fn track_mut(&mut self, id: diemcau_core::TrackId) -> Option<&mut Track> {
        self.publishers.values_mut().flat_map(|publisher| &mut publisher.tracks).find(|track| track.id == id)
    }

    /// Answers the command that opened a connection.
    pub(super) fn answer_open(&mut self, conn: ConnId, answer: Result<ReplyData, Failure>) {
        if let Some(id) = self.opening.remove(&conn) {
            self.out.push(super::Out::Reply(id, answer));
        }
    }

    pub(super) fn infos(tracks: &[Track]) -> Vec<TrackInfo> {
        tracks.iter().map(|track| track.info.clone()).collect()
    }
}
