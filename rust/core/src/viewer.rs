//! The media side of one viewer: its lines, what they are pinned to, what it may get, and what it reports.

use std::time::Duration;

use crate::ladder::Ladder;
use crate::line::{Line, LineConfig};
use crate::packet::{Codec, Kind, Layer, PartyId, Source, TrackId};
use crate::probe::Probe;
use crate::program::ProgramId;
use crate::shard::Heard;
use crate::shared::SharedDelay;
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
/// The same where only sound is sent: what is repeated hides the loss, so that it takes longer to believe it gone.
pub const CALM_UNSEEN: Duration = Duration::from_secs(60);
/// Reports are added up over this before the ladder hears of them: one line's few packets say little.
const WINDOW: Duration = Duration::from_millis(900);
/// Packets that make a window worth hearing: of fewer, a line that loses a tenth often seems to lose a quarter.
const ENOUGH: u32 = 40;
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
    /// Stands among the shard's openings.
    pub opening: bool,
    /// Fraction lost by the last report, 1/256.
    pub loss: u8,
    /// Highest sequence number of the last report; 0 before the first.
    pub highest: u32,
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
    pub ladder: Ladder,
    /// Only while it stands below the top of the ladder.
    pub probe: Option<Box<Probe>>,
    /// Since `window`: packets that reports speak of, those lost (times 256), and the shortest round trip.
    expected: u32,
    lost: u64,
    rtt: Option<Duration>,
    window: Time,
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
            ladder: Ladder::default(),
            probe: None,
            expected: 0,
            lost: 0,
            rtt: None,
            window: now,
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

    /// A report of a line. `middle`: as for [`Heard::round_trip`].
    pub fn report(&mut self, line: usize, heard: &Heard, shared: &mut SharedDelay, middle: u32, now: Time) {
        let (fraction, highest, rtt) = (heard.fraction_lost, heard.highest, heard.round_trip(middle));
        let seat = &mut self.seats[line];
        seat.loss = fraction;
        let new = if seat.highest == 0 { 0 } else { highest.wrapping_sub(seat.highest) };
        seat.highest = highest;
        self.reported = true;
        self.judge_repeat(now);
        // A leap says nothing: the receiver began anew.
        let new = if new < 1 << 15 { new } else { 0 };
        self.expected += new;
        self.lost += u64::from(new) * u64::from(fraction);
        self.rtt = match (self.rtt, rtt) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if now.since(self.window) >= WINDOW && self.expected >= ENOUGH {
            let loss = (self.lost / u64::from(self.expected)).min(255) as u8;
            self.ladder.report(loss, self.rtt.take(), shared, now);
            (self.expected, self.lost, self.window) = (0, 0, now);
        }
    }

    fn judge_repeat(&mut self, now: Time) {
        let worst = self.worst_loss();
        if worst >= REPEAT_ABOVE {
            self.repeat = true;
            self.calm_since = None;
        } else if worst < REPEAT_BELOW {
            let since = *self.calm_since.get_or_insert(now);
            let video = |seat: &Seat| seat.line.kind() == Kind::Video && seat.line.current().is_some();
            let calm = if self.seats.iter().any(video) { CALM } else { CALM_UNSEEN };
            if now.since(since) >= calm {
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
            opening: false,
            loss: 0,
            highest: 0,
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
