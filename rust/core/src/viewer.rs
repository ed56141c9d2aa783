//! The media side of one viewer: its lines, what they are pinned to, what it may get, and what it reports.

use std::time::Duration;

use crate::line::{Line, LineConfig};
use crate::packet::{Codec, Kind, Layer, PartyId, Source, TrackId};
use crate::program::ProgramId;
use crate::time::Time;

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
    /// Audio lines, then video lines: that order numbers them. 255 at most, what is beyond is left out.
    pub audio: Vec<LineConfig>,
    pub video: Vec<LineConfig>,
}

/// Fraction lost, in 1/256, above which audio is sent twice: 3 %; and below which that ends after [`CALM`]: 1 %.
pub const REPEAT_ABOVE: u8 = 8;
pub const REPEAT_BELOW: u8 = 3;
pub const CALM: Duration = Duration::from_secs(10);
/// Retransmissions a viewer may ask for: at once, and per second.
pub const RTX_BURST: u32 = 256;
pub const RTX_RATE: u32 = 400;

/// A line in its place.
#[derive(Debug)]
pub(crate) struct Seat {
    pub line: Line,
    pub pin: Option<TrackId>,
    /// Of this line alone.
    pub ceiling: Layer,
    /// Shown the lowest layer after a cut, until promoted.
    pub low: bool,
    /// Counted by a cut whose keyframe it waits for.
    pub counted: bool,
    /// Fraction lost by the last report, 1/256.
    pub loss: u8,
    /// Sources in whose list of lines this one stands; some perhaps no more of use.
    pub listed: [Option<Source>; 3],
    /// Track that it cannot decode, already told.
    pub refused: Option<TrackId>,
}

#[derive(Debug)]
pub(crate) struct Viewer {
    pub generation: u32,
    pub party: Option<PartyId>,
    pub ceiling: Layer,
    pub program: Option<ProgramId>,
    pub seats: Box<[Seat]>,
    pub audio_lines: u8,
    codecs: u8,
    /// Send audio twice.
    pub repeat: bool,
    calm_since: Option<Time>,
    reported: bool,
    rtx_tokens: u32,
    rtx_at: Time,
}

impl Viewer {
    pub fn new(generation: u32, config: &ViewerConfig, now: Time) -> Self {
        let audio = config.audio.iter().map(|line| Line::new(Kind::Audio, line));
        let video = config.video.iter().map(|line| Line::new(Kind::Video, line));
        Self {
            generation,
            party: config.party,
            ceiling: config.ceiling,
            program: None,
            seats: audio.chain(video).take(255).map(Seat::new).collect(),
            audio_lines: config.audio.len().min(255) as u8,
            codecs: config.codecs.iter().fold(0, |mask, codec| mask | mask_of(*codec)),
            repeat: false,
            calm_since: None,
            reported: false,
            rtx_tokens: RTX_BURST,
            rtx_at: now,
        }
    }

    pub fn decodes(&self, codec: Codec) -> bool {
        self.codecs & mask_of(codec) != 0
    }

    /// Which line has this SSRC.
    pub fn line_of(&self, ssrc: u32) -> Option<usize> {
        self.seats.iter().position(|seat| seat.line.ssrc() == ssrc)
    }

    pub fn report(&mut self, line: usize, fraction_lost: u8, now: Time) {
        self.seats[line].loss = fraction_lost;
        self.reported = true;
        let worst = self.worst_loss();
        if worst >= REPEAT_ABOVE {
            self.repeat = true;
            self.calm_since = None;
        } else if worst < REPEAT_BELOW {
            let since = *self.calm_since.get_or_insert(now);
            if now.since(since) >= CALM {
                self.repeat = false;
            }
        } else {
            self.calm_since = None;
        }
    }

    fn worst_loss(&self) -> u8 {
        self.seats.iter().map(|seat| seat.loss).max().unwrap_or(0)
    }

    /// Worst fraction lost of its lines, 1/256; none before the first report.
    pub fn loss(&self) -> Option<u8> {
        self.reported.then(|| self.worst_loss())
    }

    /// Whether one more retransmission is within its share.
    pub fn may_retransmit(&mut self, now: Time) -> bool {
        let earned = now.since(self.rtx_at).as_micros() * u128::from(RTX_RATE) / 1_000_000;
        if earned > 0 {
            self.rtx_tokens =
                RTX_BURST.min(self.rtx_tokens + u32::try_from(earned).unwrap_or(RTX_BURST).min(RTX_BURST));
            self.rtx_at = now;
        }
        let may = self.rtx_tokens > 0;
        self.rtx_tokens -= u32::from(may);
        may
    }
}

impl Seat {
    fn new(line: Line) -> Self {
        Self {
            line,
            pin: None,
            ceiling: Layer::TOP,
            low: false,
            counted: false,
            loss: 0,
            listed: [None; 3],
            refused: None,
        }
    }
}

fn mask_of(codec: Codec) -> u8 {
    match codec {
        Codec::H264 => 1,
        Codec::Vp8 => 2,
        Codec::Opus => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_of_four_and_four_lines_takes_4_kb() {
        assert!(8 * size_of::<Seat>() + size_of::<Viewer>() <= 4_096, "{} a line", size_of::<Seat>());
    }

    #[test]
    fn retransmissions_are_earned_back_with_time() {
        let config = ViewerConfig {
            party: None,
            codecs: Vec::new(),
            ceiling: Layer::TOP,
            audio: Vec::new(),
            video: Vec::new(),
        };
        let mut viewer = Viewer::new(1, &config, Time::ZERO);
        let spend = |viewer: &mut Viewer, millis| {
            (0..1_000).filter(|_| viewer.may_retransmit(Time::from_millis(millis))).count()
        };
        assert_eq!(spend(&mut viewer, 0), RTX_BURST as usize);
        assert_eq!(spend(&mut viewer, 100), 40);
        assert_eq!(spend(&mut viewer, 60_000), RTX_BURST as usize);
    }
}
