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
use crate::client::Offer;
use crate::decode::Tap;
use crate::engine::{ClientId, Engine};
use crate::via::Via;

/// Three beats of the server's 5 s.
const SILENCE: Duration = Duration::from_secs(15);
/// A publisher that is not wanted any more is kept for so long (`docs/protocol.md`, `publish`).
/// Seconds between two snapshots of a site that publishes: what weak lines see of the stage.
const ON_AIR_SNAPSHOT: f64 = 4.0;
const KEEP_PUBLISHER: Duration = Duration::from_secs(10);
/// Client ids of one site.
pub const IDS: u64 = 1 << 20;

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

/// A request that has ended.
pub(super) enum Done {
    Viewer(Offer, Instant, Result<Value, HttpError>),
    Publisher(Offer, Result<Value, HttpError>),
    Nothing,
}

/// A media connection: the engine's id and the server's.
pub(super) struct Media {
    pub client: ClientId,
    pub server: String,
}

/// See the module.
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    pub(super) credential: Credential,
    pub(super) nudges: mpsc::Receiver<Nudge>,
    pub(super) tap: Option<Tap>,
    pub(super) ids: u64,
    pub(super) tab: String,
    pub(super) began: Instant,
    pub(super) you: Option<You>,
    pub(super) seen: Option<(String, u64)>,
    pub(super) work: JoinSet<Done>,
    pub(super) viewer: Option<Media>,
    pub(super) viewer_asked: bool,
    pub(super) viewer_retry: Option<Instant>,
    pub(super) publisher: Option<Media>,
    pub(super) publisher_asked: Option<Instant>,
    pub(super) unwanted_since: Option<Instant>,
    pub(super) hand_until: Option<Instant>,
    pub(super) next_snapshot: Option<Instant>,
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
            FromServer::Standing { viewers, publishers } => {
                self.standing(&viewers, &publishers);
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
            let every = match self.publisher {
                Some(_) => ON_AIR_SNAPSHOT.min(self.shared.options.snapshot_every),
                None => self.shared.options.snapshot_every,
            };
            let every = every * (0.75 + 0.5 * fastrand::f64());
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
