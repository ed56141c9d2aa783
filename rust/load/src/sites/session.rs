//! One site: its WebSocket, its viewer, its publisher, its snapshots, its hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::http::{Http, HttpError};
use super::messages::{FromServer, You, unix_ms};
use super::notes::Notes;
use super::options::{Credential, SitesOptions};
use super::stage::Stage;
use crate::client::{Offer, PublisherConfig, ViewerConfig, publisher_offer, viewer_offer};
use crate::clips::VideoCodec;
use crate::decode::Tap;
use crate::engine::{ClientId, Engine};
use crate::via::Via;

/// Three beats of the server's 5 s.
const SILENCE: Duration = Duration::from_secs(15);
/// A publisher that is not wanted any more is kept for so long (`docs/protocol.md`, `publish`).
const KEEP_PUBLISHER: Duration = Duration::from_secs(10);
/// Client ids of one site.
pub const IDS: u64 = 1 << 20;
const AUDIO_LINES: usize = 4;
const VIDEO_LINES: usize = 4;

/// What all sessions share.
pub struct Shared {
    pub options: SitesOptions,
    pub http: Http,
    pub engine: Engine,
    pub via: Arc<Via>,
    pub stage: Stage,
    pub notes: Notes,
}

/// From the coordinator.
#[derive(Debug, Clone, Copy)]
pub enum Nudge {
    RaiseHand,
    Connected(ClientId),
    Ended(ClientId),
}

enum Done {
    Viewer(Offer, Instant, Result<Value, HttpError>),
    Publisher(Offer, Result<Value, HttpError>),
    Nothing,
}

/// A media connection: the engine's id and the server's.
struct Media {
    client: ClientId,
    server: String,
}

/// See the module.
pub struct Session {
    shared: Arc<Shared>,
    index: usize,
    credential: Credential,
    nudges: mpsc::Receiver<Nudge>,
    tap: Option<Tap>,
    ids: u64,
    tab: String,
    began: Instant,
    you: Option<You>,
    seen: Option<(String, u64)>,
    work: JoinSet<Done>,
    viewer: Option<Media>,
    viewer_asked: bool,
    viewer_retry: Option<Instant>,
    publisher: Option<Media>,
    publisher_asked: Option<Instant>,
    unwanted_since: Option<Instant>,
    hand_until: Option<Instant>,
    next_snapshot: Option<Instant>,
}

type Socket = WebSocketStream<TcpStream>;

/// How a connection ended.
enum End {
    Replaced,
    /// Come back at once, or with backoff.
    Again(bool),
}

impl Session {
    pub fn new(
        shared: Arc<Shared>,
        index: usize,
        credential: Credential,
        nudges: mpsc::Receiver<Nudge>,
        tap: Option<Tap>,
    ) -> Self {
        let every = shared.options.snapshot_every;
        let next_snapshot =
            (every > 0.0).then(|| Instant::now() + Duration::from_secs_f64(every * fastrand::f64()));
        Self {
            shared,
            index,
            credential,
            nudges,
            tap,
            ids: 0,
            tab: format!("{:016x}", fastrand::u64(..)),
            began: Instant::now(),
            you: None,
            seen: None,
            work: JoinSet::new(),
            viewer: None,
            viewer_asked: false,
            viewer_retry: None,
            publisher: None,
            publisher_asked: None,
            unwanted_since: None,
            hand_until: None,
            next_snapshot,
        }
    }

    /// Runs until the site is replaced by another device.
    pub async fn run(mut self) {
        let mut wait = 1.0_f64;
        loop {
            let since = Instant::now();
            let end = match self.connect().await {
                Ok(socket) => {
                    self.shared.notes.count("ws_opened");
                    self.converse(socket).await
                }
                Err(error) => {
                    self.shared.notes.count(&format!("ws_refused_{}", ws_code(&error)));
                    End::Again(false)
                }
            };
            match end {
                End::Replaced => return,
                End::Again(at_once) => {
                    if since.elapsed() > Duration::from_secs(30) {
                        wait = 1.0;
                    }
                    let jitter = 0.5 + fastrand::f64();
                    let pause = if at_once { 0.2 } else { wait };
                    tokio::time::sleep(Duration::from_secs_f64(pause * jitter)).await;
                    wait = (wait * 2.0).min(6.0);
                }
            }
        }
    }

    async fn connect(&self) -> Result<Socket, WsError> {
        let http = &self.shared.http;
        let mut request = format!("ws://{}/api/v1/ws", http.host).into_client_request()?;
        let bearer = format!("Bearer {}", self.credential.credential);
        let bearer = bearer.parse().map_err(|_| WsError::AttackAttempt)?;
        request.headers_mut().insert("authorization", bearer);
        let stream = TcpStream::connect(http.address).await?;
        stream.set_nodelay(true)?;
        // Small buffers: ten thousand of these live in one process.
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(4 << 20))
            .max_frame_size(Some(4 << 20));
        let upgrade = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        let opened = tokio::time::timeout(Duration::from_secs(30), upgrade).await;
        opened.map_err(|_| WsError::Io(std::io::ErrorKind::TimedOut.into()))?.map(|(socket, _)| socket)
    }

    async fn converse(&mut self, mut socket: Socket) -> End {
        let hello = json!({"op": "hello", "proto": 1, "page": "site", "tab": self.tab});
        if say(&mut socket, &hello).await.is_err() {
            return End::Again(false);
        }
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let result = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.read(&mut socket, &text).await,
                        Some(Ok(Message::Close(frame))) => {
                            let code = frame.map_or(1005, |frame| u16::from(frame.code));
                            self.shared.notes.count(&format!("ws_closed_{code}"));
                            return if code == 4003 { End::Replaced } else { End::Again(code == 4009) };
                        }
                        Some(Ok(_)) => Ok(()),
                        Some(Err(error)) => Err(error),
                        None => {
                            self.shared.notes.count("ws_lost");
                            return End::Again(false);
                        }
                    }
                }
                Some(nudge) = self.nudges.recv() => self.nudge(&mut socket, nudge).await,
                Some(Ok(done)) = self.work.join_next(), if !self.work.is_empty() => { self.done(done); Ok(()) }
                _ = tick.tick() => self.tick(&mut socket).await,
            };
            if let Err(error) = result {
                self.shared.notes.count(&format!("ws_lost_{}", ws_code(&error)));
                return End::Again(false);
            }
            if heard.elapsed() > SILENCE {
                self.shared.notes.count("ws_silent");
                return End::Again(false);
            }
        }
    }

    async fn read(&mut self, socket: &mut Socket, text: &str) -> Result<(), WsError> {
        let Ok(message) = serde_json::from_str::<FromServer>(text) else {
            self.shared.notes.count("ws_unreadable");
            return Ok(());
        };
        match message {
            FromServer::Welcome { you: Some(you) } => {
                self.seen = None;
                self.follow(socket, you).await
            }
            FromServer::You { you } => self.follow(socket, you).await,
            FromServer::Beat {} => say(socket, &json!({"op": "pong"})).await,
            FromServer::Snap { stream, seq, state } => {
                self.shared.stage.snapshot(seq, &state);
                self.seen = Some((stream, seq));
                Ok(())
            }
            FromServer::Ev { stream, seq, kind, at, data } => {
                self.event(socket, (stream, seq), &kind, &at, &data).await
            }
            FromServer::Gone { viewers, publishers } => {
                self.gone(&viewers, &publishers);
                Ok(())
            }
            FromServer::Nack { problem } => {
                self.shared.notes.count(&format!("nack_{}", problem.code));
                Ok(())
            }
            FromServer::Welcome { you: None } | FromServer::Ack {} | FromServer::Other => Ok(()),
        }
    }

    async fn event(
        &mut self,
        socket: &mut Socket,
        (stream, seq): (String, u64),
        kind: &str,
        at: &str,
        data: &Value,
    ) -> Result<(), WsError> {
        let Some((known, last)) = self.seen.as_mut().filter(|(known, _)| *known == stream) else {
            return Ok(());
        };
        if seq > *last + 1 {
            self.shared.notes.count("ws_seq_gap");
            let again = json!({"op": "sub", "stream": known, "since": last});
            return say(socket, &again).await;
        }
        if seq <= *last {
            return Ok(());
        }
        *last = seq;
        let clock = &self.shared.engine.clock;
        let decided = unix_ms(at).map(|ms| clock.instant_of_ms(ms));
        if let Some(decided) = decided {
            self.shared.notes.event(decided.elapsed());
        }
        if kind == "stage_cut" {
            self.shared.stage.cut(seq, data, decided.unwrap_or_else(Instant::now), &self.shared.engine);
        }
        Ok(())
    }

    /// Does what the server says this site is now to do.
    async fn follow(&mut self, socket: &mut Socket, you: You) -> Result<(), WsError> {
        let wanted = self.shared.options.meeting.clone().or_else(|| {
            let open = you.meetings.iter().find(|meeting| meeting.status == "open");
            open.map(|meeting| meeting.id.clone())
        });
        let inside = you.inside.clone();
        if you.publish.is_some() {
            self.unwanted_since = None;
            if self.publisher.is_none() && self.publisher_asked.is_none() {
                self.ask_publisher(inside.as_deref());
            }
        } else if self.publisher.is_some() {
            self.unwanted_since.get_or_insert_with(Instant::now);
        }
        if matches!(you.state.as_str(), "speaking" | "on_air") {
            self.hand_until = None;
        }
        self.you = Some(you);
        match (inside, wanted) {
            (None, Some(meeting)) => {
                let id = self.command_id();
                say(socket, &json!({"op": "cmd", "id": id, "type": "meeting.join", "meeting": meeting})).await
            }
            (Some(meeting), _) => {
                let stream = format!("meeting:{meeting}");
                if self.seen.as_ref().is_none_or(|(known, _)| *known != stream) {
                    self.seen = Some((stream.clone(), 0));
                    say(socket, &json!({"op": "sub", "stream": stream, "since": null})).await?;
                }
                self.ask_viewer(&meeting);
                Ok(())
            }
            (None, None) => {
                self.drop_viewer();
                Ok(())
            }
        }
    }

    fn command_id(&self) -> String {
        format!("{:016x}{:08x}", fastrand::u64(..), self.index)
    }

    fn next_client(&mut self) -> ClientId {
        self.ids = (self.ids + 1) % IDS;
        self.index as u64 * IDS + self.ids
    }

    fn ask_viewer(&mut self, meeting: &str) {
        let every = self.shared.options.view_every;
        let views = every > 0 && self.index.is_multiple_of(every);
        let early = self.viewer_retry.is_some_and(|at| Instant::now() < at);
        if !views || self.viewer.is_some() || self.viewer_asked || early {
            return;
        }
        self.viewer_asked = true;
        let offer = viewer_offer(
            &self.shared.engine.identity,
            AUDIO_LINES,
            VIDEO_LINES,
            &[VideoCodec::H264, VideoCodec::Vp8],
        );
        let (http, bearer) = (self.shared.http.clone(), self.credential.credential.clone());
        let path = format!("/api/v1/meetings/{meeting}/viewer");
        // The first join counts from the first request of the site; a later one from its own.
        let started = if self.ids == 0 { self.began } else { Instant::now() };
        self.work.spawn(async move {
            let body = json!({"offer": offer.sdp, "replaces": null});
            let answer = http.json("POST", &path, &bearer, &body).await;
            Done::Viewer(offer, started, answer)
        });
    }

    fn ask_publisher(&mut self, meeting: Option<&str>) {
        let Some(meeting) = meeting else { return };
        self.publisher_asked = Some(Instant::now());
        let offer = publisher_offer(&self.shared.engine.identity, &[VideoCodec::H264, VideoCodec::Vp8]);
        let (http, bearer) = (self.shared.http.clone(), self.credential.credential.clone());
        let path = format!("/api/v1/meetings/{meeting}/publisher");
        self.work.spawn(async move {
            let answer = http.json("POST", &path, &bearer, &json!({"offer": offer.sdp})).await;
            Done::Publisher(offer, answer)
        });
    }

    fn done(&mut self, done: Done) {
        let shared = self.shared.clone();
        match done {
            Done::Nothing => {}
            Done::Viewer(offer, started, Ok(answer)) => {
                self.viewer_asked = false;
                let client = self.next_client();
                let config = ViewerConfig {
                    offer,
                    answer: text(&answer, "answer"),
                    site: self.credential.site.clone(),
                    started,
                    // Who is on the air alone sees nobody.
                    measure_join: self.you.as_ref().is_none_or(|you| you.state != "on_air"),
                    allow_remote: shared.options.common.allow_remote,
                    via: shared.via.clone(),
                    gro: shared.options.common.gro,
                    remb: Some(3_000_000),
                    tap: self.tap.as_ref().map(Tap::again),
                };
                shared.engine.open_viewer(client, config);
                self.viewer = Some(Media { client, server: text(&answer, "viewer") });
            }
            Done::Viewer(_, _, Err(error)) => {
                self.viewer_asked = false;
                shared.notes.count(&format!("viewer_{}", error.code()));
                self.retry_viewer();
            }
            Done::Publisher(offer, Ok(answer)) => {
                let client = self.next_client();
                let config = PublisherConfig {
                    offer,
                    answer: text(&answer, "answer"),
                    site: self.credential.site.clone(),
                    allow_remote: shared.options.common.allow_remote,
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
    fn gone(&mut self, viewers: &[String], publishers: &[String]) {
        if let Some(media) = self.viewer.take_if(|media| viewers.contains(&media.server)) {
            self.shared.notes.count("viewer_gone");
            self.shared.engine.close(media.client);
            self.retry_viewer();
        }
        if let Some(media) = self.publisher.take_if(|media| publishers.contains(&media.server)) {
            self.shared.notes.count("publisher_gone");
            self.shared.engine.close(media.client);
            self.publisher_asked = None;
        }
    }

    fn retry_viewer(&mut self) {
        self.viewer_retry = Some(Instant::now() + Duration::from_secs_f64(1.0 + 2.0 * fastrand::f64()));
    }

    fn drop_viewer(&mut self) {
        if let Some(media) = self.viewer.take() {
            self.shared.engine.close(media.client);
            self.delete(format!("/api/v1/viewers/{}", media.server));
        }
    }

    fn delete(&mut self, path: String) {
        let (http, bearer) = (self.shared.http.clone(), self.credential.credential.clone());
        self.work.spawn(async move {
            // The node notices the silence anyway; this is the polite way.
            let _ = http.json("DELETE", &path, &bearer, &Value::Null).await;
            Done::Nothing
        });
    }

    async fn nudge(&mut self, socket: &mut Socket, nudge: Nudge) -> Result<(), WsError> {
        match nudge {
            Nudge::Connected(client) => {
                if self.publisher.as_ref().is_some_and(|media| media.client == client)
                    && let Some(asked) = self.publisher_asked
                {
                    self.shared.notes.publish(asked.elapsed());
                }
            }
            Nudge::Ended(client) => {
                if self.viewer.as_ref().is_some_and(|media| media.client == client) {
                    self.viewer = None;
                    self.retry_viewer();
                } else if self.publisher.as_ref().is_some_and(|media| media.client == client) {
                    self.publisher = None;
                    self.publisher_asked = None;
                }
            }
            Nudge::RaiseHand => {
                let inside = self.you.as_ref().and_then(|you| you.inside.clone());
                let speaks = self.you.as_ref().is_some_and(|you| you.state != "in_meeting");
                if let Some(meeting) = inside
                    && !speaks
                    && self.hand_until.is_none()
                {
                    let patience = Duration::from_secs_f64(self.shared.options.hand_patience);
                    self.hand_until = Some(Instant::now() + patience);
                    self.shared.notes.count("hands_raised");
                    let id = self.command_id();
                    let raise = json!({"op": "cmd", "id": id, "type": "hand.raise", "meeting": meeting});
                    return say(socket, &raise).await;
                }
            }
        }
        Ok(())
    }

    async fn tick(&mut self, socket: &mut Socket) -> Result<(), WsError> {
        let now = Instant::now();
        let inside = self.you.as_ref().and_then(|you| you.inside.clone());
        if let Some(meeting) = &inside {
            self.ask_viewer(meeting);
            // A publisher that was refused or has ended is asked for again while it is wanted.
            let wanted = self.you.as_ref().is_some_and(|you| you.publish.is_some());
            if wanted && self.publisher.is_none() && self.publisher_asked.is_none() {
                self.ask_publisher(Some(meeting));
            }
        }
        if self.unwanted_since.is_some_and(|since| now >= since + KEEP_PUBLISHER) {
            self.unwanted_since = None;
            self.publisher_asked = None;
            if let Some(media) = self.publisher.take() {
                self.shared.engine.close(media.client);
                self.delete(format!("/api/v1/publishers/{}", media.server));
            }
        }
        if self.next_snapshot.is_some_and(|at| now >= at) {
            let every = self.shared.options.snapshot_every * (0.75 + 0.5 * fastrand::f64());
            self.next_snapshot = Some(now + Duration::from_secs_f64(every));
            self.post_snapshot();
        }
        if self.hand_until.is_some_and(|until| now >= until)
            && let Some(meeting) = inside
        {
            self.hand_until = None;
            let id = self.command_id();
            return say(socket, &json!({"op": "cmd", "id": id, "type": "hand.lower", "meeting": meeting}))
                .await;
        }
        Ok(())
    }

    fn post_snapshot(&mut self) {
        let shared = self.shared.clone();
        let Some(jpeg) = shared.engine.library.picture_of(&self.credential.site) else { return };
        if self.publisher.is_some() {
            return;
        }
        let bearer = self.credential.credential.clone();
        self.work.spawn(async move {
            let began = Instant::now();
            match shared.http.send("PUT", "/api/v1/snapshot", &bearer, "image/jpeg", jpeg).await {
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

async fn say(socket: &mut Socket, message: &Value) -> Result<(), WsError> {
    socket.send(Message::text(message.to_string())).await
}

fn ws_code(error: &WsError) -> String {
    match error {
        WsError::Io(error) => format!("{:?}", error.kind()),
        WsError::Http(answer) => format!("http_{}", answer.status().as_u16()),
        WsError::Protocol(_) => "protocol".into(),
        WsError::ConnectionClosed | WsError::AlreadyClosed => "closed".into(),
        _ => "other".into(),
    }
}
