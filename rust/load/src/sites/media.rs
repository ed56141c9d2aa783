//! What a site does with media: viewer, publisher, snapshots. Requests run beside the conversation, as tasks of the
//! session.

use std::time::{Duration, Instant};

use diemcau_wire::sdp::parse_answer;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error as WsError;

use super::session::{Asked, Done, IDS, Media, Session, Socket, TURN_PATIENCE, command_id, say};
use crate::client::{PublisherConfig, ViewerConfig, publisher_offer, viewer_offer};
use crate::clips::VideoCodec;
use crate::decode::Tap;
use crate::engine::ClientId;

const AUDIO_LINES: usize = 4;
const VIDEO_LINES: usize = 4;

impl Session {
    fn next_client(&mut self) -> ClientId {
        self.ids = (self.ids + 1) % IDS;
        self.index as u64 * IDS + self.ids
    }

    /// Over the WebSocket that stands: one request less to connect for, as pages do.
    pub(super) async fn ask_viewer(&mut self, socket: &mut Socket, meeting: &str) -> Result<(), WsError> {
        let every = self.shared.options.view_every;
        let views = every > 0 && self.index.is_multiple_of(every);
        let early = self.viewer_retry.is_some_and(|at| Instant::now() < at);
        if !views || self.viewer.is_some() || self.viewer_asked.is_some() || early {
            return Ok(());
        }
        self.viewer_retry = None;
        let offer = viewer_offer(
            &self.shared.engine.identity,
            AUDIO_LINES,
            VIDEO_LINES,
            &[VideoCodec::H264, VideoCodec::Vp8],
        );
        let id = command_id(self.index);
        let ask = json!({"op": "viewer", "id": id, "meeting": meeting, "offer": offer.sdp, "replaces": null});
        // The first join counts from the first request of the site; a later one from its own.
        let started = self.first.unwrap_or_else(Instant::now);
        self.viewer_asked = Some(Asked { id, offer, started });
        say(socket, &ask).await
    }

    /// The server has opened the viewer that was asked for.
    pub(super) fn opened(&mut self, id: &str, viewer: String, answer: &str) {
        let shared = self.shared.clone();
        let Some(asked) = self.viewer_asked.take_if(|asked| asked.id == id) else {
            // Asked for on a connection that was lost since: its place is taken.
            self.delete(format!("/api/v1/viewers/{viewer}"));
            return;
        };
        let client = self.next_client();
        let config = ViewerConfig {
            credentials: asked.offer.credentials,
            session: parse_answer(answer),
            site: self.credential.site.clone(),
            started: asked.started,
            // Who is on the air alone sees nobody.
            measure_join: self.you.as_ref().is_none_or(|you| you.state != "on_air"),
            reach: shared.options.common.reach(),
            via: shared.via.clone(),
            gro: shared.options.common.gro,
            remb: Some(3_000_000),
            tap: self.tap.as_ref().map(Tap::again),
        };
        shared.engine.open_viewer(client, config);
        self.first = None;
        self.viewer = Some(Media { client, server: viewer });
    }

    /// A request was refused; whether it was the viewer's.
    pub(super) fn refused(&mut self, id: &str, code: &str) -> bool {
        let viewer = self.viewer_asked.take_if(|asked| asked.id == id).is_some();
        if viewer {
            self.shared.notes.count(&format!("viewer_{code}"));
            if code == "queued" {
                // It is told when its turn comes; asking meanwhile would only keep the door busy.
                self.viewer_retry = Some(Instant::now() + TURN_PATIENCE);
            } else {
                self.retry_viewer();
            }
        }
        viewer
    }

    pub(super) fn ask_publisher(&mut self, meeting: Option<&str>) {
        let Some(meeting) = meeting else { return };
        self.publisher_asked = Some(Instant::now());
        let offer = publisher_offer(&self.shared.engine.identity, &[VideoCodec::H264, VideoCodec::Vp8], true);
        let (http, bearer) = (self.http.clone(), self.credential.credential.clone());
        let path = format!("/api/v1/meetings/{meeting}/publisher");
        self.work.spawn(async move {
            let answer = http.json("POST", &path, &bearer, &json!({"offer": offer.sdp})).await;
            Done::Publisher(offer, answer)
        });
    }

    pub(super) fn done(&mut self, done: Done) {
        let shared = self.shared.clone();
        match done {
            Done::Nothing => {}
            Done::Publisher(offer, Ok(answer)) => {
                let client = self.next_client();
                let config = PublisherConfig {
                    offer,
                    answer: text(&answer, "answer"),
                    site: self.credential.site.clone(),
                    reach: shared.options.common.reach(),
                    via: shared.via.clone(),
                    packet_ms: None,
                    sizes: None,
                };
                shared.engine.open_publisher(client, config);
                self.publisher = Some(Media { client, server: text(&answer, "publisher") });
                if self.you.as_ref().is_none_or(|you| you.publish.is_none()) {
                    self.unwanted_since = Some(Instant::now());
                }
            }
            Done::Publisher(_, Err(error)) => {
                self.publisher_asked = None;
                shared.notes.count(&format!("publisher_{}", error.code()));
            }
        }
    }

    /// What the server says has ended is asked for again at once, not when its silence is noticed.
    pub(super) fn gone(&mut self, viewers: &[String], publishers: &[String]) {
        self.end_media(|name| viewers.contains(name), |name| publishers.contains(name));
    }

    /// What the server does not know ended while it was away.
    pub(super) fn standing(&mut self, viewers: &[String], publishers: &[String]) {
        self.end_media(|name| !viewers.contains(name), |name| !publishers.contains(name));
    }

    fn end_media(&mut self, viewer: impl Fn(&String) -> bool, publisher: impl Fn(&String) -> bool) {
        if let Some(media) = self.viewer.take_if(|media| viewer(&media.server)) {
            self.shared.notes.count("viewer_gone");
            self.shared.engine.close(media.client);
            self.retry_viewer();
        }
        if let Some(media) = self.publisher.take_if(|media| publisher(&media.server)) {
            self.shared.notes.count("publisher_gone");
            self.shared.engine.close(media.client);
            self.publisher_asked = None;
        }
    }

    pub(super) fn retry_viewer(&mut self) {
        self.viewer_retry = Some(Instant::now() + Duration::from_secs_f64(1.0 + 2.0 * fastrand::f64()));
    }

    pub(super) fn drop_viewer(&mut self) {
        if let Some(media) = self.viewer.take() {
            self.shared.engine.close(media.client);
            self.delete(format!("/api/v1/viewers/{}", media.server));
        }
    }

    pub(super) fn delete(&mut self, path: String) {
        let (http, bearer) = (self.http.clone(), self.credential.credential.clone());
        self.work.spawn(async move {
            // The node notices the silence anyway; this is the polite way.
            let _ = http.json("DELETE", &path, &bearer, &Value::Null).await;
            Done::Nothing
        });
    }

    pub(super) fn post_snapshot(&mut self) {
        let shared = self.shared.clone();
        let Some(jpeg) = shared.engine.library.picture_of(&self.credential.site) else { return };
        let (http, bearer) = (self.http.clone(), self.credential.credential.clone());
        self.work.spawn(async move {
            let began = Instant::now();
            match http.send("PUT", "/api/v1/snapshot", &bearer, "image/jpeg", jpeg).await {
                Ok(_) => shared.notes.snapshot(began.elapsed()),
                Err(error) => shared.notes.count(&format!("snapshot_{}", error.code())),
            }
            Done::Nothing
        });
    }
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_default().to_owned()
}
