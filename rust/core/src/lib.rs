//! What the media node decides: which packet goes out on which line of which viewer, and under which numbers.
//! No sockets, no threads, no encryption; time is an argument.
//!
//! The way of a packet (`docs/media.md` tells it in full):
//! [`Publisher::ingest`] parses it once into a shared, immutable [`TrackPacket`]; every worker hands it to its
//! [`Shard`], which knows the lines that show the track; each [`Line`] rewrites the numbers and gives back an
//! [`OutPacket`] that borrows the payload.

pub mod clock;
pub mod depacket;
pub mod history;
pub mod keyframes;
pub mod ladder;
pub mod layers;
pub mod line;
pub mod opening;
pub mod packet;
pub mod probe;
pub mod program;
pub mod sequence;
pub mod shard;
pub mod shared;
pub mod speakers;
pub mod time;
pub mod track;
pub mod viewer;

pub use clock::WallClock;
pub use history::History;
pub use keyframes::{KeyframeGate, KeyframeReason};
pub use ladder::{Step, Why};
pub use line::{Line, LineConfig, LineReport};
pub use packet::{
    Codec, Kind, Layer, MAX_LAYERS, OutHeader, OutPacket, PartyId, Patches, PublisherId, RtxPacket, Source,
    TrackId, TrackPacket,
};
pub use program::{Program, ProgramId, ProgramTable, Slot, TrackSpec};
pub use shard::{
    Heard, KeyframeNeed, Padding, Review, SOON, Shard, ShardConfig, ShardEvent, ShardStats, Sink,
};
pub use time::Time;
pub use track::{IngestError, Publisher, PublisherEvent, RtpIn};
pub use viewer::{ViewerConfig, ViewerKey};
