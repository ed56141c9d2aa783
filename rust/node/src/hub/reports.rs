//! What workers report.

use std::time::Duration;

use diemcau_control::{Happening, Layer, Level, LinkState, ReplyData, TrackInfo};
use diemcau_core::{Time, TrackId, TrackSpec};

use super::cuts::{Shown, Word};
use super::{Hub, Owner, Track, failure};
use crate::message::{
    ConnId, PublisherOpened, Refusal, Report, TableOrder, ViewerOpened, kind_of, video_codec_of,
};

impl Hub {
    /// Takes one report. Reports of connections that control has closed meanwhile mean nothing any more.
    pub fn report(&mut self, report: Report) {
        match report {
            Report::ViewerOpened(conn, result) => self.viewer_opened(conn, result),
            Report::PublisherOpened(conn, result) => self.publisher_opened(conn, result),
            Report::Link(conn, state) => self.link(conn, state),
            Report::Gone(conn, reason) => match self.conns.get(&conn) {
                Some(Owner::Viewer(name)) => self.drop_viewer(&name.clone(), reason),
                Some(Owner::Publisher(name)) => self.drop_publisher(&name.clone(), reason),
                None => {}
            },
            Report::TrackLive(id) => {
                if let Some(track) = self.track_mut(id) {
                    track.live = true;
                    let info = track.info.clone();
                    self.event(Happening::TrackLive(info));
                }
            }
            Report::TrackLost(id) => {
                if let Some(track) = self.track_mut(id) {
                    track.live = false;
                    track.info.layers.clear();
                    let track = track.info.track.clone();
                    self.event(Happening::TrackLost { track });
                }
            }
            Report::TrackLayers(id, layers) => {
                if let Some(track) = self.track_mut(id) {
                    track.info.layers = layers;
                }
            }
            Report::SlotShown { worker: _, program, slot, track, last_micros, lines, missing } => {
                let word = Word { last: Time::from_micros(last_micros), lines, missing };
                if let Some(shown) = self.cuts.report(program, slot, track, word) {
                    self.shown(&shown);
                }
            }
            Report::Undecodable(conn, line, track) => {
                if let (Some(Owner::Viewer(viewer)), Some(track)) =
                    (self.conns.get(&conn), self.names.track_name(track))
                {
                    let (viewer, track) = (viewer.clone(), track.to_owned());
                    self.event(Happening::ViewerUndecodable { viewer, line, track });
                }
            }
            Report::Speaking(program, tracks) => {
                if let Some(program) = self.program_names.get(&program).cloned() {
                    let tracks = self.track_names(tracks);
                    self.event(Happening::Speaking { program, tracks });
                }
            }
            Report::Levels(levels) => {
                let named = levels.into_iter().filter_map(|(id, dbov)| {
                    Some(Level { track: self.names.track_name(id)?.to_owned(), dbov })
                });
                let levels: Vec<Level> = named.collect();
                if !levels.is_empty() {
                    self.event(Happening::Levels { levels });
                }
            }
            Report::Quality(list) => {
                let mut viewers = Vec::with_capacity(list.len());
                for (conn, mut quality) in list {
                    if let Some(Owner::Viewer(name)) = self.conns.get(&conn) {
                        quality.viewer.clone_from(name);
                        if let Some(viewer) = self.viewers.get_mut(name) {
                            viewer.step = quality.step;
                        }
                        viewers.push(quality);
                    }
                }
                if !viewers.is_empty() {
                    self.event(Happening::Quality { viewers });
                }
            }
            Report::Stopped => {}
        }
    }

    /// Time has passed; call about once a second.
    pub fn tick(&mut self) {
        for shown in self.cuts.expire(self.clock.now()) {
            self.shown(&shown);
        }
    }

    fn track_names(&self, tracks: Vec<TrackId>) -> Vec<String> {
        tracks.into_iter().filter_map(|id| self.names.track_name(id).map(str::to_owned)).collect()
    }

    fn shown(&mut self, shown: &Shown) {
        let Some(program) = self.program_names.get(&shown.program).cloned() else { return };
        let track = shown.track.and_then(|id| self.names.track_name(id)).map(str::to_owned);
        self.event(Happening::SlotShown {
            program,
            slot: shown.slot,
            track,
            after_ms: u32::try_from(shown.after.min(Duration::from_secs(60)).as_millis()).unwrap_or(u32::MAX),
            lines: shown.lines,
            missing: shown.missing,
        });
    }

    fn viewer_opened(&mut self, conn: ConnId, result: Result<ViewerOpened, Refusal>) {
        let Some(Owner::Viewer(name)) = self.conns.get(&conn) else { return };
        let name = name.clone();
        match result {
            Ok(opened) => {
                if let Some(viewer) = self.viewers.get_mut(&name) {
                    viewer.video_lines = Some(opened.video_lines);
                }
                let ViewerOpened { answer, audio_lines, video_lines, codecs } = opened;
                self.answer_open(conn, Ok(ReplyData::Viewer { answer, audio_lines, video_lines, codecs }));
            }
            Err(refusal) => {
                self.answer_open(conn, Err(failure(refusal.code, refusal.message)));
                // Never was open, so there is nothing to say goodbye to.
                self.conns.remove(&conn);
                if let Some(viewer) = self.viewers.remove(&name) {
                    self.workers[viewer.worker].viewers -= 1;
                }
            }
        }
    }

    fn publisher_opened(&mut self, conn: ConnId, result: Result<PublisherOpened, Refusal>) {
        let Some(Owner::Publisher(name)) = self.conns.get(&conn) else { return };
        let name = name.clone();
        let Some(publisher) = self.publishers.get_mut(&name) else { return };
        match result {
            Ok(opened) => {
                let mut specs = Vec::new();
                for (id, codec) in opened.tracks {
                    let kind = kind_of(codec);
                    let suffix = if kind == diemcau_control::Kind::Audio { "audio" } else { "video" };
                    let info = TrackInfo {
                        track: format!("{name}/{suffix}"),
                        kind,
                        codec: video_codec_of(codec),
                        layers: Vec::<Layer>::new(),
                    };
                    publisher.tracks.push(Track { id, info, live: false });
                    specs.push((id, codec));
                }
                let tracks = Self::infos(&publisher.tracks);
                let home = publisher.worker as u16;
                let party = publisher.party.clone();
                let party = self.names.party(party.as_deref());
                for (id, codec) in specs {
                    let publisher = diemcau_core::PublisherId(conn.0 as u32);
                    let spec = TrackSpec { id, publisher, party, codec };
                    self.table(&TableOrder::SetTrack { spec, home });
                }
                if tracks.iter().any(|info| self.lined_up.contains(&info.track)) {
                    self.send_line_up();
                }
                self.answer_open(conn, Ok(ReplyData::Publisher { answer: opened.answer, tracks }));
            }
            Err(refusal) => {
                self.answer_open(conn, Err(failure(refusal.code, refusal.message)));
                let worker = publisher_worker(self, &name);
                self.conns.remove(&conn);
                self.publishers.remove(&name);
                self.workers[worker].publishers -= 1;
            }
        }
    }

    fn link(&mut self, conn: ConnId, state: LinkState) {
        match self.conns.get(&conn) {
            Some(Owner::Viewer(name)) => {
                let viewer = name.clone();
                if let Some(entry) = self.viewers.get_mut(&viewer) {
                    entry.state = state;
                }
                self.event(Happening::ViewerLink { viewer, state });
            }
            Some(Owner::Publisher(name)) => {
                let publisher = name.clone();
                if let Some(entry) = self.publishers.get_mut(&publisher) {
                    entry.state = state;
                }
                self.event(Happening::PublisherLink { publisher, state });
            }
            None => {}
        }
    }
}

fn publisher_worker(hub: &Hub, name: &str) -> usize {
    hub.publishers.get(name).map_or(0, |publisher| publisher.worker)
}
