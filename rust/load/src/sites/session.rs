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
use super::receipts::{Receipts, Stored};
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
/// Who was told to wait for its turn asks by itself after so long.
pub(super) const TURN_PATIENCE: Duration = Duration::from_secs(120);
const PONG_EVERY: Duration = Duration::from_secs(18);
/// Between a publisher that was refused or ended and the next try.
const PUBLISH_AGAIN: Duration = Duration::from_millis(500);
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
    /// Leave; `true`: as a page does that is closed by its clerk, `false`: as one whose machine is switched off.
    Leave(bool),
    Connected(ClientId),
    Ended(ClientId),
}

/// A request that has ended.
pub(super) enum Done {
    Publisher(Offer, Result<Value, HttpError>),
    Nothing,
}

/// A viewer that was asked for over the WebSocket.
pub(super) struct Asked {
    pub id: String,
    pub offer: Offer,
    pub started: Instant,
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
    pub(super) http: Http,
    pub(super) credential: Credential,
    pub(super) nudges: mpsc::Receiver<Nudge>,
    pub(super) tap: Option<Tap>,
    pub(super) ids: u64,
    pub(super) tab: String,
    /// When it began, until its first viewer is asked for.
    pub(super) first: Option<Instant>,
    pub(super) you: Option<You>,
    pub(super) seen: Option<(String, u64)>,
    pub(super) work: JoinSet<Done>,
    pub(super) viewer: Option<Media>,
    pub(super) viewer_asked: Option<Asked>,
    pub(super) viewer_retry: Option<Instant>,
    pub(super) publisher: Option<Media>,
    pub(super) publisher_asked: Option<Instant>,
    pub(super) unwanted_since: Option<Instant>,
    pub(super) hand_until: Option<Instant>,
    pub(super) next_snapshot: Option<Instant>,
    pub(super) picture_every: f64,
    ponged: Option<Instant>,
    receipts: Receipts,
    /// Whether the server has said so on this connection: before, nothing but a pong is for it to hear.
    welcomed: bool,
}

pub(super) type Socket = WebSocketStream<TcpStream>;

/// How a connection ended.
enum End {
    Replaced,
    /// It was told to leave.
    Left,
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
        Self {
            http: shared.http.of_site(index),
            shared,
            index,
            credential,
            nudges,
            tap,
            // A site that comes back begins elsewhere: ids are not used twice.
            ids: fastrand::u64(..IDS),
            tab: format!("{:016x}", fastrand::u64(..)),
            first: Some(Instant::now()),
            you: None,
            seen: None,
            work: JoinSet::new(),
            viewer: None,
            viewer_asked: None,
            viewer_retry: None,
            publisher: None,
            publisher_asked: None,
            unwanted_since: None,
            hand_until: None,
            next_snapshot: None,
            picture_every: every,
            ponged: None,
            receipts: Receipts::default(),
            welcomed: false,
        }
    }

    /// Runs until the site leaves (answers its index) or is replaced by another device.
    pub async fn run(mut self) -> Option<usize> {
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
                End::Replaced => return None,
                End::Left => return Some(self.index),
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
        let http = &self.http;
        let mut request = format!("ws://{}/api/v1/ws", http.host).into_client_request()?;
        let bearer = format!("Bearer {}", self.credential.credential);
        let bearer = bearer.parse().map_err(|_| WsError::AttackAttempt)?;
        request.headers_mut().insert("authorization", bearer);
        let stream = http.connect().await?;
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
        self.welcomed = false;
        // Whatever the last connection was asked is not answered on this one.
        self.viewer_asked = None;
        let hello = json!({"op": "hello", "proto": 1, "page": "site", "tab": self.tab});
        if say(&mut socket, &hello).await.is_err() {
            return End::Again(false);
        }
        let mut heard = Instant::now();
        loop {
            // Ten thousand sessions share two cores with what they measure: nobody looks at a clock for nothing.
            let due = self.next_due().min(heard + SILENCE);
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
                Some(nudge) = self.nudges.recv() => {
                    if let Nudge::Leave(polite) = nudge {
                        self.leave(&mut socket, polite).await;
                        return End::Left;
                    }
                    self.nudge(&mut socket, nudge).await
                }
                Some(Ok(done)) = self.work.join_next(), if !self.work.is_empty() => { self.done(done); Ok(()) }
                () = tokio::time::sleep_until(due.into()) => self.tick(&mut socket).await,
            };
            if let Err(error) = result {
                self.shared.notes.count(&format!("ws_lost_{}", ws_code(&error)));
                return End::Again(false);
            }
            if heard.elapsed() >= SILENCE {
                self.shared.notes.count("ws_silent");
                return End::Again(false);
            }
        }
    }

    /// Ends everything. What the server is not told it finds out by the silence.
    async fn leave(&mut self, socket: &mut Socket, polite: bool) {
        let inside = self.you.as_ref().and_then(|you| you.inside.clone());
        if let Some(meeting) = inside.filter(|_| polite) {
            let id = self.command_id();
            let leave = json!({"op": "cmd", "id": id, "type": "meeting.leave", "meeting": meeting});
            // Whether it arrives or not, we go.
            let _ = say(socket, &leave).await;
            let _ = socket.close(None).await;
        }
        for media in [self.viewer.take(), self.publisher.take()].into_iter().flatten() {
            self.shared.engine.close(media.client);
        }
    }

    async fn read(&mut self, socket: &mut Socket, text: &str) -> Result<(), WsError> {
        let Ok(message) = serde_json::from_str::<FromServer>(text) else {
            self.shared.notes.count("ws_unreadable");
            return Ok(());
        };
        match message {
            FromServer::Welcome { you: Some(you), picture_s } => {
                self.seen = None;
                self.welcomed = true;
                self.pictures(picture_s);
                if self.picture_every > 0.0 && self.next_snapshot.is_none() {
                    // A crowd's first pictures come no faster than all later ones.
                    let first = Duration::from_secs_f64(self.picture_every * fastrand::f64());
                    self.next_snapshot = Some(Instant::now() + first);
                }
                self.follow(socket, you).await
            }
            FromServer::You { you } => self.follow(socket, you).await,
            FromServer::Beat { picture_s } => {
                self.pictures(picture_s);
                self.pong(socket).await
            }
            FromServer::Wait { place: 0 } => {
                if self.viewer_retry.take().is_some()
                    && let Some(meeting) = self.you.as_ref().and_then(|you| you.inside.clone())
                {
                    return self.ask_viewer(socket, &meeting).await;
                }
                Ok(())
            }
            FromServer::Wait { .. } => {
                self.shared.notes.count("told_to_wait");
                self.pong(socket).await
            }
            FromServer::Snap { stream, seq, state } => {
                self.shared.stage.snapshot(seq, &state);
                self.seen = Some((stream, seq));
                Ok(())
            }
            FromServer::Ev { stream, seq, kind, at, data } => {
                self.event(socket, (stream, seq), &kind, &at, &data).await
            }
            FromServer::Gone { viewers, publishers, turn } => {
                self.gone(&viewers, &publishers);
                if !turn {
                    self.viewer_retry = Some(Instant::now() + TURN_PATIENCE);
                }
                Ok(())
            }
            FromServer::Standing { viewers, publishers } => {
                self.standing(&viewers, &publishers);
                Ok(())
            }
            FromServer::Opened { id, viewer, answer } => {
                self.opened(&id, viewer, &answer);
                Ok(())
            }
            FromServer::Nack { id, problem } => {
                if !self.refused(&id, &problem.code) {
                    self.shared.notes.count(&format!("nack_{}", problem.code));
                }
                Ok(())
            }
            FromServer::Ack { id } => {
                match self.receipts.acknowledged(&id) {
                    Some(Stored::Got(posted)) => self.shared.notes.got(posted.elapsed()),
                    Some(Stored::Answer(sent)) => self.shared.notes.answered(sent.elapsed()),
                    None => {}
                }
                Ok(())
            }
            FromServer::Welcome { you: None, .. } | FromServer::Other => Ok(()),
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
        if kind == "message_posted" {
            let (now, patience) =
                (Instant::now(), Duration::from_secs_f64(self.shared.options.answer_within));
            self.receipts.posted(data, decided.unwrap_or(now), now, patience);
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
                self.ask_viewer(socket, &meeting).await
            }
            (None, None) => {
                self.drop_viewer();
                Ok(())
            }
        }
    }

    /// The server has said how often a site is to post its picture; zero among the options is never.
    fn pictures(&mut self, every: Option<f64>) {
        if let Some(every) = every.filter(|every| every.is_finite() && *every >= 1.0)
            && self.picture_every > 0.0
        {
            self.picture_every = every.max(self.shared.options.snapshot_every);
        }
    }

    /// Tells the server that somebody listens: some times in the 60 s after which it thinks otherwise.
    async fn pong(&mut self, socket: &mut Socket) -> Result<(), WsError> {
        if self.ponged.is_some_and(|at| at.elapsed() < PONG_EVERY) {
            return Ok(());
        }
        self.ponged = Some(Instant::now());
        say(socket, &json!({"op": "pong"})).await
    }

    fn command_id(&self) -> String {
        command_id(self.index)
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
            // Seen before: it ends the conversation.
            Nudge::Leave(_) => {}
            Nudge::RaiseHand => {
                let inside = self.you.as_ref().and_then(|you| you.inside.clone());
                let speaks = self.you.as_ref().is_some_and(|you| you.state != "in_meeting");
                if let Some(meeting) = inside
                    && self.welcomed
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

    /// When `tick` has something to do.
    fn next_due(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        if !self.welcomed {
            return far;
        }
        let inside = self.you.as_ref().and_then(|you| you.inside.as_ref());
        let wanted = self.you.as_ref().is_some_and(|you| you.publish.is_some());
        let again = inside.filter(|_| wanted && self.publisher.is_none() && self.publisher_asked.is_none());
        [
            self.viewer_retry.filter(|_| inside.is_some() && self.viewer.is_none()),
            again.map(|_| Instant::now() + PUBLISH_AGAIN),
            self.unwanted_since.map(|since| since + KEEP_PUBLISHER),
            self.next_snapshot,
            self.hand_until.filter(|_| inside.is_some()),
            self.receipts.next_due().filter(|_| inside.is_some()),
        ]
        .into_iter()
        .flatten()
        .fold(far, Instant::min)
    }

    async fn tick(&mut self, socket: &mut Socket) -> Result<(), WsError> {
        if !self.welcomed {
            return Ok(());
        }
        let now = Instant::now();
        let inside = self.you.as_ref().and_then(|you| you.inside.clone());
        if let Some(meeting) = &inside {
            self.ask_viewer(socket, meeting).await?;
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
                None => self.picture_every,
            };
            let every = every * (0.75 + 0.5 * fastrand::f64());
            self.next_snapshot = Some(now + Duration::from_secs_f64(every));
            self.post_snapshot();
        }
        if let Some(meeting) = &inside {
            let index = self.index;
            for command in self.receipts.take(meeting, now, || command_id(index)) {
                say(socket, &command).await?;
            }
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

pub(super) fn command_id(index: usize) -> String {
    format!("{:016x}{index:08x}", fastrand::u64(..))
}

pub(super) async fn say(socket: &mut Socket, message: &Value) -> Result<(), WsError> {
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
