//! Clips: what simulated sites publish, made by `python -m diemcau.clips make`.

mod container;
mod frame_id;
mod library;
mod nal;
mod player;

pub use container::{ClipError, ClipFile, CodecKind, LayerKind, Packet, Stream};
pub use frame_id::{Fingerprint, FrameId};
pub use library::{Clip, Encoding, Frame, Library, Speech, Video, VideoCodec, Voice};
pub use nal::nal_units;
pub use player::Player;

#[cfg(test)]
pub(crate) use library::tests::{library as tests_library, library_of_twins as tests_library_of_twins};
