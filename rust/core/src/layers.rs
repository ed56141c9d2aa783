//! Which simulcast layer a line gets.

use std::time::Duration;

use crate::packet::{Layer, MAX_LAYERS};
use crate::time::Time;

/// A layer without packets for this long, while another of the track has them, is not sent any more.
pub const SILENT: Duration = Duration::from_millis(1_000);
/// That other layer's last packet must be this fresh.
pub const FRESH: Duration = Duration::from_millis(300);

/// Which layers of a track are being sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct LayerActivity {
    last: [Option<Time>; MAX_LAYERS],
    active: u8,
}

impl LayerActivity {
    /// A packet of a layer came. True if the set of active layers changed.
    pub fn on_packet(&mut self, layer: Layer, now: Time) -> bool {
        let at = layer.index();
        self.last[at] = Some(now);
        let before = self.active;
        self.active |= 1 << at;
        before != self.active
    }

    /// Time has passed. True if the set changed. A track that pauses whole keeps its layers.
    pub fn poll(&mut self, now: Time) -> bool {
        let before = self.active;
        let alive = self.last.iter().flatten().any(|last| now.since(*last) <= FRESH);
        if alive {
            for (at, last) in self.last.iter().enumerate() {
                if last.is_none_or(|last| now.since(last) > SILENT) {
                    self.active &= !(1 << at);
                }
            }
        }
        before != self.active
    }

    #[must_use]
    pub fn is_active(&self, layer: Layer) -> bool {
        self.active & (1 << layer.index()) != 0
    }

    /// The layer for a viewer with this ceiling: the highest that is sent and allowed; if none is allowed, the lowest
    /// that is sent, for a picture too large beats none; before the first packet, the lowest.
    ///
    /// This is the seam for a choice by bandwidth: it lowers `ceiling`.
    #[must_use]
    pub fn choose(&self, ceiling: Layer) -> Layer {
        let layers = || (0..MAX_LAYERS as u8).map(Layer).filter(|layer| self.is_active(*layer));
        layers().filter(|layer| *layer <= ceiling).max().or_else(|| layers().min()).unwrap_or(Layer::LOW)
    }

    /// The lowest layer that is sent.
    #[must_use]
    pub fn lowest(&self) -> Layer {
        self.choose(Layer::LOW)
    }
}

/// How a cut reaches many viewers: on the low layer first, then promoted over a while, so that ten thousand large
/// keyframes do not leave at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutPolicy {
    /// Viewers attached (at this worker) above which a cut goes out low first.
    pub low_first_above: usize,
    /// Promotions are spread evenly over this time after the cut.
    pub spread: Duration,
}

impl Default for CutPolicy {
    fn default() -> Self {
        Self { low_first_above: 200, spread: Duration::from_secs(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_allowed_that_is_sent_is_chosen() {
        let mut layers = LayerActivity::default();
        assert_eq!(layers.choose(Layer::TOP), Layer::LOW, "nothing known yet");
        assert!(layers.on_packet(Layer(1), Time::from_millis(1)));
        assert_eq!(layers.choose(Layer::LOW), Layer(1), "too large beats none");
        assert!(layers.on_packet(Layer(0), Time::from_millis(2)));
        assert!(!layers.on_packet(Layer(0), Time::from_millis(3)));
        assert_eq!((layers.choose(Layer::LOW), layers.choose(Layer::TOP)), (Layer(0), Layer(1)));
    }

    #[test]
    fn a_silent_layer_goes_and_a_paused_track_keeps_its_layers() {
        let mut layers = LayerActivity::default();
        layers.on_packet(Layer(0), Time::from_millis(0));
        layers.on_packet(Layer(1), Time::from_millis(0));
        assert!(!layers.poll(Time::from_millis(5_000)), "all silent: a pause");
        layers.on_packet(Layer(0), Time::from_millis(5_010));
        assert!(layers.poll(Time::from_millis(5_020)));
        assert_eq!(layers.choose(Layer::TOP), Layer(0));
    }
}
