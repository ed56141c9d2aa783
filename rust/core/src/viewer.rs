//! The media side of one viewer.

use crate::line::LineConfig;
use crate::packet::{Codec, Layer, PartyId};

/// A viewer of one shard. `index` is small and dense (the shell may index its own table by it); it is used again after
/// the viewer went, with another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ViewerKey {
    pub index: u32,
    pub generation: u32,
}

/// A viewer as its offer and control describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewerConfig {
    pub party: Option<PartyId>,
    /// Codecs it negotiated.
    pub codecs: Vec<Codec>,
    /// Highest layer it may get.
    pub ceiling: Layer,
    /// Audio lines, then video lines: that order numbers them.
    pub audio: Vec<LineConfig>,
    pub video: Vec<LineConfig>,
}
