//! What the hub orders.

use std::time::Instant;

use diemcau_control::Layer;
use diemcau_core::TrackId;

use super::publisher::Publisher;
use super::viewer::{Ground, Viewer};
use super::{Conn, Entry, ORDERS_PER_TURN, Worker};
use crate::message::{ConnId, OpenPublisher, OpenViewer, Order, Refusal, Report, TableOrder};
use crate::stream::ufrag;

impl Worker {
    pub(super) fn take_orders(&mut self) {
        self.parts.orders.acknowledge();
        for _ in 0..ORDERS_PER_TURN {
            let Some(order) = self.parts.orders.take() else { return };
            self.obey(order);
        }
        self.parts.orders.remind();
    }

    fn obey(&mut self, order: Order) {
        let now = Instant::now();
        let time = self.parts.clock.time(now);
        match order {
            Order::Table(order) => self.change_table(order),
            Order::OpenViewer(open) => self.open_viewer(&open, now),
            Order::OpenPublisher(open) => self.open_publisher(&open, now),
            Order::Close(conn) => {
                if let Some(place) = self.by_id.get(&conn).copied() {
                    self.end(place, "closed");
                }
            }
            Order::Attach(conn, program) => {
                self.with_viewer(conn, |viewer, shard| viewer.attach(shard, program, time));
            }
            Order::Pin { conn, line, track, ceiling } => {
                self.with_viewer(conn, |viewer, shard| viewer.pin(shard, (line, track, ceiling), time));
            }
            Order::Ceiling(conn, layer) => self.set_ceiling(conn, layer),
            Order::Keyframe(track) => {
                self.with_publisher_of(track, |publisher| publisher.ask_all(track, time));
            }
            Order::LineUp(tracks) => {
                for place in self.publishers.clone() {
                    if let Some(Entry { conn: Conn::Publisher(publisher), .. }) = &mut self.entries[place] {
                        publisher.line_up(&tracks);
                    }
                }
            }
            Order::Stop => self.stopping = true,
        }
    }

    fn set_ceiling(&mut self, conn: ConnId, layer: Layer) {
        let time = self.parts.clock.now();
        self.with_viewer(conn, |viewer, shard| viewer.set_ceiling(shard, layer, time));
    }

    fn with_viewer(&mut self, conn: ConnId, act: impl FnOnce(&mut Viewer, &mut diemcau_core::Shard)) {
        let Some(place) = self.by_id.get(&conn).copied() else { return };
        self.guarded(place, |worker| {
            let Worker { entries, shard, .. } = worker;
            if let Some(Entry { conn: Conn::Viewer(viewer), .. }) = &mut entries[place] {
                act(viewer, shard);
            }
        });
    }

    pub(super) fn with_publisher_of(&mut self, track: TrackId, act: impl FnOnce(&mut Publisher)) {
        let has = |place: &usize| match &self.entries[*place] {
            Some(Entry { conn: Conn::Publisher(publisher), .. }) => publisher.tracks().any(|id| id == track),
            _ => false,
        };
        let Some(place) = self.publishers.iter().copied().find(has) else { return };
        self.guarded(place, |worker| {
            if let Some(Entry { conn: Conn::Publisher(publisher), .. }) = &mut worker.entries[place] {
                act(publisher);
            }
        });
    }

    fn change_table(&mut self, order: TableOrder) {
        let now = self.parts.clock.now();
        match order {
            TableOrder::SetTrack { spec, home } => {
                self.homes.insert(spec.id, home);
                self.shard.set_track(spec, now);
            }
            TableOrder::RemoveTrack(track) => {
                self.homes.remove(&track);
                self.shard.remove_track(track, now);
            }
            TableOrder::SetProgram(id, program) => self.shard.set_program(id, program, now),
            TableOrder::RemoveProgram(id) => self.shard.remove_program(id, now),
            TableOrder::SetSlot(id, slot, source) => {
                self.shard.set_slot(id, usize::from(slot), source, now);
            }
            TableOrder::SetMics(id, mics) => {
                self.shard.set_mics(id, mics, now);
            }
        }
    }

    fn open_viewer(&mut self, open: &OpenViewer, now: Instant) {
        let credentials = ufrag::credentials(self.parts.index);
        let local = credentials.clone();
        let ground = Ground { certificate: &self.parts.certificate, candidates: &self.candidates };
        let opened = std::panic::catch_unwind(|| Viewer::open(open, credentials, &ground, now));
        let result = match opened {
            Ok(Ok((viewer, opened))) => {
                let place = self.insert(open.conn, local, Conn::Viewer(Box::new(viewer)));
                self.connecting.push(place);
                Ok(opened)
            }
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => self.panicked(),
        };
        self.parts.hub.send(Report::ViewerOpened(open.conn, result));
    }

    fn open_publisher(&mut self, open: &OpenPublisher, now: Instant) {
        let credentials = ufrag::credentials(self.parts.index);
        let local = credentials.clone();
        let candidates = &self.candidates;
        let opened = std::panic::catch_unwind(|| Publisher::open(open, credentials, candidates, now));
        let result = match opened {
            Ok(Ok((publisher, opened))) => {
                let place = self.insert(open.conn, local, Conn::Publisher(Box::new(publisher)));
                self.publishers.push(place);
                Ok(opened)
            }
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => self.panicked(),
        };
        self.parts.hub.send(Report::PublisherOpened(open.conn, result));
    }

    fn panicked<T>(&mut self) -> Result<T, Refusal> {
        self.stats.panics += 1;
        Err(Refusal::new("internal", "reading the offer failed"))
    }
}
