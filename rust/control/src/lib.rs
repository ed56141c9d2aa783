//! The control protocol between the Python control plane and a media node: the one schema of it.
//!
//! One JSON document per line (`\n`), UTF-8, from control at most [`MAX_LINE`] bytes, over a Unix socket (mode 0600). The Python
//! types are generated from the JSON Schema that [`schema`] prints, so the two sides cannot drift. The
//! document that explains the protocol is `docs/control.md`.
//!
//! Rules that hold for every command:
//! * it carries an `id` of the sender's choosing and is answered by exactly one [`Reply`] with the same `re`;
//! * it is **idempotent by id**: a node remembers the last [`REMEMBERED`] replies and repeats the reply of an id it
//!   has seen, without acting again;
//! * what it names is named by the sender: connection, program and track names are opaque, 1 to 64 characters of
//!   `[A-Za-z0-9._:/-]`.

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

/// Longest line a node accepts, bytes (an SDP of 29 lines is about 60 kB); the other way a snapshot may be longer.
pub const MAX_LINE: usize = 1 << 20;
/// Replies a node remembers for idempotence.
pub const REMEMBERED: usize = 16_384;
/// Version of this protocol; a node answers `hello` with its own.
pub const VERSION: u32 = 1;

/// What control sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Unique per command; the reply carries it as `re`.
    pub id: String,
    #[serde(flatten)]
    pub command: Command,
}

/// A video codec. Viewers negotiate both where they can; a program shows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 constrained baseline, packetization mode 1 (RFC 6184).
    H264,
    /// VP8 (RFC 7741).
    Vp8,
}

/// Media of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Audio,
    Video,
}

/// A simulcast layer, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    Low,
    High,
}

/// One place of a program's picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Track shown here; none: the line is silent.
    #[serde(default)]
    pub track: Option<String>,
    /// Shown instead to the viewers of the party that publishes `track`, so that a speaker sees the chair.
    #[serde(default)]
    pub alternate: Option<String>,
}

/// Commands, by `cmd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum Command {
    /// First command on a connection; answered with [`ReplyData::Hello`], followed by a `snapshot` event.
    Hello {
        version: u32,
    },
    /// Opens a receive-only connection from an SDP offer; answered with [`ReplyData::Viewer`].
    ViewerOpen {
        viewer: String,
        /// Whose viewer it is; a track of the same party is never sent to it (the slot's alternate is).
        #[serde(default)]
        party: Option<String>,
        offer: String,
        #[serde(default)]
        program: Option<String>,
        /// Highest layer this viewer may get.
        #[serde(default = "high")]
        ceiling: Layer,
    },
    ViewerClose {
        viewer: String,
    },
    /// Points every unpinned line of the viewer at a program's slots (none: all silent).
    ViewerAttach {
        viewer: String,
        #[serde(default)]
        program: Option<String>,
    },
    /// Points one video line of one viewer at a track; none: back to the program.
    ViewerPin {
        viewer: String,
        /// Index among the viewer's video lines.
        line: u16,
        #[serde(default)]
        track: Option<String>,
        #[serde(default = "high")]
        ceiling: Layer,
    },
    ViewerCeiling {
        viewer: String,
        ceiling: Layer,
    },
    /// Opens a send-only connection from an SDP offer; answered with [`ReplyData::Publisher`]. Its tracks are named
    /// `{publisher}/audio` and `{publisher}/video`.
    PublisherOpen {
        publisher: String,
        #[serde(default)]
        party: Option<String>,
        offer: String,
        /// Codec to answer first.
        codec: VideoCodec,
    },
    PublisherClose {
        publisher: String,
    },
    /// Creates or replaces a program whole.
    ProgramSet {
        program: String,
        codec: VideoCodec,
        slots: Vec<Slot>,
        /// Open microphones (audio tracks); the loudest are heard.
        #[serde(default)]
        mics: Vec<String>,
    },
    /// Cuts one slot: what 10,000 viewers see changes by this.
    SlotSet {
        program: String,
        slot: u16,
        #[serde(flatten)]
        source: Slot,
    },
    /// Replaces the open microphones of a program; a microphone that is not in the list is silent within one packet.
    MicsSet {
        program: String,
        mics: Vec<String>,
    },
    ProgramDelete {
        program: String,
    },
    /// Tracks kept warm for a cut (a keyframe at least every 2 s, or 1 s where pictures are few); replaces the list before.
    LineUp {
        tracks: Vec<String>,
    },
    /// Asks a track's publisher for a keyframe (merged with others).
    Keyframe {
        track: String,
    },
    /// Asks for a fresh `snapshot` event.
    Snapshot,
    /// Answered with [`ReplyData::Stats`].
    Stats,
}

fn high() -> Layer {
    Layer::High
}

/// What a node sends: a reply or an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FromNode {
    Reply(Reply),
    Event(Event),
}

/// Answer to one [`Request`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    pub re: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<ReplyData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// A refused command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Stable: `bad_request`, `line_too_long`, `hello_required`, `version`, `busy`, `full`, `exists`,
    /// `viewer_not_found`, `publisher_not_found`, `program_not_found`, `track_not_found`, `bad_name`, `bad_slot`,
    /// `too_many`, `bad_offer`, `no_common_codec`, `internal`.
    pub code: String,
    pub message: String,
}

/// What a reply carries, by `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReplyData {
    Done,
    Hello {
        version: u32,
        /// Changes when the process does; a new one means that every connection is gone.
        incarnation: String,
        workers: u16,
    },
    Viewer {
        answer: String,
        audio_lines: u16,
        video_lines: u16,
        /// Codecs this viewer negotiated; it cannot show a program of another.
        codecs: Vec<VideoCodec>,
    },
    Publisher {
        answer: String,
        tracks: Vec<TrackInfo>,
    },
    Stats(Stats),
}

/// A track as known to the node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrackInfo {
    pub track: String,
    pub kind: Kind,
    /// Video only; known once negotiated.
    #[serde(default)]
    pub codec: Option<VideoCodec>,
    /// Layers seen sending in the last second; empty before the first packet.
    #[serde(default)]
    pub layers: Vec<Layer>,
}

/// Something that happened, numbered without gaps per incarnation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    pub seq: u64,
    /// Unix time, milliseconds.
    pub at: u64,
    #[serde(flatten)]
    pub what: Happening,
}

/// Connection state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Answered; ICE and DTLS not finished.
    Connecting,
    Connected,
    /// No consent check for 6 s.
    Degraded,
}

/// Events, by `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// Everything the node holds, after `hello` and on request: about 150 bytes a viewer, on one line whatever its
    /// length.
    Snapshot {
        viewers: Vec<ViewerState>,
        publishers: Vec<PublisherState>,
        programs: Vec<ProgramState>,
        /// Tracks kept warm.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lined_up: Vec<String>,
    },
    ViewerLink {
        viewer: String,
        state: LinkState,
    },
    /// `reason`: `closed` (by control or by the viewer), `timeout`, `dtls_failed`, `panic`, `internal`.
    ViewerGone {
        viewer: String,
        reason: String,
    },
    PublisherLink {
        publisher: String,
        state: LinkState,
    },
    /// `reason` as for viewers.
    PublisherGone {
        publisher: String,
        reason: String,
    },
    /// First packets of a track arrived (a video track: its first keyframe). It can be cut to at once.
    TrackLive(TrackInfo),
    /// No packet for 2 s while connected, or the publisher went.
    TrackLost {
        track: String,
    },
    /// A cut reached its viewers: the new track's keyframe went out to the last of them `after_ms` after the
    /// command. Sent once per cut, unless a later cut of the slot overtook it.
    SlotShown {
        program: String,
        slot: u16,
        track: Option<String>,
        after_ms: u32,
        /// Lines that show it now, and lines that still wait because no keyframe came for 5 s.
        #[serde(default)]
        lines: u32,
        #[serde(default)]
        missing: u32,
    },
    /// The viewer did not negotiate the codec of what a line of it should show; that line stays silent.
    ViewerUndecodable {
        viewer: String,
        /// Index among the viewer's video lines.
        line: u16,
        track: String,
    },
    /// Who is heard in a program, loudest first; sent on change, at most 5 times a second.
    Speaking {
        program: String,
        tracks: Vec<String>,
    },
    /// Smoothed audio levels of live microphones, once a second. dBov: 0 loudest, -127 silence.
    Levels {
        levels: Vec<Level>,
    },
    /// Quality of viewers that changed since the last such event, at most once in 2 s each.
    Quality {
        viewers: Vec<ViewerQuality>,
    },
    /// The control connection fell behind and events were dropped; ask for a snapshot.
    Lagged {
        dropped: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    pub track: String,
    pub dbov: i8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewerQuality {
    pub viewer: String,
    /// Fraction of packets the viewer reports lost, 0 to 1, last interval.
    pub loss: f32,
    /// Receiver's estimate (REMB), bit/s; none before the first.
    #[serde(default)]
    pub estimate: Option<u64>,
    pub nacks: u32,
    pub plis: u32,
    /// How much of its lines it is sent.
    #[serde(default)]
    pub step: Step,
    /// Why no more; none at the top step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

/// How much of the stage a viewer's line carries, most first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// All that its ceilings allow.
    #[default]
    High,
    /// Video on the low layer, perhaps only the first line that shows anything.
    Low,
    /// No video; the page shows still pictures. Sound.
    Slides,
    /// Sound alone.
    Audio,
    /// Nothing: messages only.
    Text,
}

/// What said that a line is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The receiver's estimate (REMB) fell below what was sent.
    Estimate,
    /// A quarter of the packets and more were lost.
    Loss,
    /// Answers took long.
    Delay,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ViewerState {
    pub viewer: String,
    #[serde(default)]
    pub party: Option<String>,
    #[serde(default)]
    pub program: Option<String>,
    pub state: LinkState,
    pub ceiling: Layer,
    #[serde(default)]
    pub step: Step,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
}

/// One line of a viewer that was pointed at a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pin {
    /// Index among the viewer's video lines.
    pub line: u16,
    pub track: String,
    pub ceiling: Layer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublisherState {
    pub publisher: String,
    #[serde(default)]
    pub party: Option<String>,
    pub state: LinkState,
    pub tracks: Vec<TrackInfo>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgramState {
    pub program: String,
    pub codec: VideoCodec,
    pub slots: Vec<Slot>,
    pub mics: Vec<String>,
}

/// Counters since start, and gauges. Times are CPU microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    pub uptime_ms: u64,
    pub viewers: u32,
    pub publishers: u32,
    pub tracks: u32,
    pub packets_in: u64,
    pub bytes_in: u64,
    pub packets_out: u64,
    pub bytes_out: u64,
    /// Messages handed to the kernel (a GSO message carries several packets).
    pub messages_out: u64,
    pub rtx_out: u64,
    pub nacks_in: u64,
    pub plis_in: u64,
    pub keyframe_requests: u64,
    /// Packets not sent: socket buffer full.
    pub send_blocked: u64,
    /// Packets not sent: the kernel refused them (no route, no permission).
    #[serde(default)]
    pub send_refused: u64,
    /// Messages that had to be sent packet by packet because segmentation offload was refused.
    #[serde(default)]
    pub gso_refused: u64,
    /// Connections over TCP whose peer has proved itself: now, and since start.
    #[serde(default)]
    pub tcp_open: u32,
    #[serde(default)]
    pub tcp_opened: u64,
    /// Video frames and single packets that slow connections over TCP did not get.
    #[serde(default)]
    pub tcp_dropped: u64,
    /// Packets dropped on queues between workers.
    pub queue_dropped: u64,
    /// Datagrams refused, by reason.
    pub refused: std::collections::BTreeMap<String, u64>,
    pub cpu_us: u64,
    pub rss_bytes: u64,
    pub panics: u64,
}

/// The JSON Schema of both directions: `{"request": ..., "from_node": ...}`.
#[must_use]
pub fn schema() -> serde_json::Value {
    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "exists for its schema only")]
    struct Wire {
        request: Request,
        from_node: FromNode,
    }
    serde_json::to_value(schema_for!(Wire)).expect("a schema is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_flat_json() {
        let line = r#"{"id":"1","cmd":"slot_set","program":"m1","slot":0,"track":"p1/video"}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        let Command::SlotSet { slot, source, .. } = &request.command else { panic!("{request:?}") };
        assert_eq!((*slot, source.track.as_deref()), (0, Some("p1/video")));
        assert_eq!(
            serde_json::from_str::<Request>(&serde_json::to_string(&request).unwrap()).unwrap(),
            request
        );
    }

    #[test]
    fn replies_and_events_are_told_apart() {
        let reply = r#"{"re":"1","ok":{"kind":"done"}}"#;
        assert!(matches!(serde_json::from_str(reply).unwrap(), FromNode::Reply(_)));
        let event = r#"{"seq":1,"at":5,"event":"track_lost","track":"x/video"}"#;
        assert!(matches!(serde_json::from_str(event).unwrap(), FromNode::Event(_)));
    }
}
