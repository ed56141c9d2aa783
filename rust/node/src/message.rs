//! What the threads of a node say to each other. The hub (the control thread) tells workers; workers tell the
//! hub and each other. Names stay in the hub; here everything has a number that is never used again.

use std::sync::Arc;

use diemcau_control::{Kind, Layer, LinkState, VideoCodec, ViewerQuality};
use diemcau_core::{
    Codec, KeyframeNeed, PartyId, Program, ProgramId, PublisherId, Slot, TrackId, TrackPacket, TrackSpec,
};

/// A viewer or publisher connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Hub to worker. Kept in order; never dropped (the hub refuses a command when a worker has no room).
#[derive(Debug)]
pub enum Order {
    /// The same to every worker.
    Table(TableOrder),
    OpenViewer(Box<OpenViewer>),
    OpenPublisher(Box<OpenPublisher>),
    /// Either kind; answered by [`Report::Gone`].
    Close(ConnId),
    Attach(ConnId, Option<ProgramId>),
    Pin {
        conn: ConnId,
        line: usize,
        track: Option<TrackId>,
        ceiling: Layer,
    },
    Ceiling(ConnId, Layer),
    /// Control asks a track's publisher (on this worker) for a keyframe.
    Keyframe(TrackId),
    /// Tracks of this node to be kept warm; replaces the list before.
    LineUp(Arc<[TrackId]>),
    /// Say goodbye to everyone and end.
    Stop,
}

/// A change of the program table, equal for all workers.
#[derive(Debug, Clone)]
pub enum TableOrder {
    SetTrack { spec: TrackSpec, home: u16 },
    RemoveTrack(TrackId),
    SetProgram(ProgramId, Program),
    RemoveProgram(ProgramId),
    SetSlot(ProgramId, u16, Slot),
    SetMics(ProgramId, Vec<TrackId>),
}

#[derive(Debug)]
pub struct OpenViewer {
    pub conn: ConnId,
    pub party: Option<PartyId>,
    pub offer: String,
    pub program: Option<ProgramId>,
    pub ceiling: Layer,
    /// The connection panics at its first datagram (tests of isolation).
    pub faulty: bool,
}

#[derive(Debug)]
pub struct OpenPublisher {
    pub conn: ConnId,
    pub id: PublisherId,
    pub party: Option<PartyId>,
    pub offer: String,
    pub codec: VideoCodec,
    pub audio: TrackId,
    pub video: TrackId,
}

/// Worker to worker. Bounded; dropped and counted when full.
#[derive(Debug)]
pub enum Crossing {
    /// Packets of one source, up to a frame.
    Frame(Arc<[Arc<TrackPacket>]>),
    /// For the worker where the track's publisher is.
    Keyframe(KeyframeNeed),
}

/// Why an open was refused: a stable code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[derive(Debug)]
pub struct ViewerOpened {
    pub answer: String,
    pub audio_lines: u16,
    pub video_lines: u16,
    pub codecs: Vec<VideoCodec>,
}

#[derive(Debug)]
pub struct PublisherOpened {
    pub answer: String,
    /// Tracks that were negotiated.
    pub tracks: Vec<(TrackId, Codec)>,
}

/// Worker to hub.
#[derive(Debug)]
pub enum Report {
    ViewerOpened(ConnId, Result<ViewerOpened, Refusal>),
    PublisherOpened(ConnId, Result<PublisherOpened, Refusal>),
    Link(ConnId, LinkState),
    Gone(ConnId, &'static str),
    TrackLive(TrackId),
    TrackLost(TrackId),
    /// Layers of a track that are being sent, after a change.
    TrackLayers(TrackId, Vec<Layer>),
    SlotShown {
        worker: u16,
        program: ProgramId,
        slot: u16,
        track: Option<TrackId>,
        last_micros: u64,
        lines: u32,
        missing: u32,
    },
    Undecodable(ConnId, u16, TrackId),
    /// From worker 0 only: every worker hears the same.
    Speaking(ProgramId, Vec<TrackId>),
    Levels(Vec<(TrackId, i8)>),
    Quality(Vec<(ConnId, ViewerQuality)>),
    /// The worker has said goodbye and its thread ends.
    Stopped,
}

/// What kind of media a codec is, in the words of the control protocol.
pub fn kind_of(codec: Codec) -> Kind {
    match codec {
        Codec::Opus => Kind::Audio,
        Codec::H264 | Codec::Vp8 => Kind::Video,
    }
}

/// The control protocol's name of a video codec; none for audio.
pub fn video_codec_of(codec: Codec) -> Option<VideoCodec> {
    match codec {
        Codec::H264 => Some(VideoCodec::H264),
        Codec::Vp8 => Some(VideoCodec::Vp8),
        Codec::Opus => None,
    }
}
