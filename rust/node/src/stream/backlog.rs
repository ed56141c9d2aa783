//! What waits to be written to one TCP connection.
//!
//! A path that is too slow makes a queue, and a queue makes the picture late for ever. So what has waited for too
//! long is not sent: of video whole frames, and then everything of that line up to its next keyframe, which is asked
//! for when the queue is empty. Sound and what keeps the connection alive go before video. Only whole packets ever
//! move to [`Backlog::pending`], so the stream is never cut within one. Sans-IO, bounded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use diemcau_wire::framing;

/// A video frame that has waited for so long is dropped if nothing of it was sent.
pub const VIDEO_WAIT: Duration = Duration::from_millis(200);
/// Behind a keyframe, which takes longer than other frames, the wait is this: else each would cause the next.
const KEYFRAME_WAIT: Duration = Duration::from_secs(1);
/// Sound that has waited for so long is dropped; receivers play no later than this anyhow.
const AUDIO_WAIT: Duration = Duration::from_millis(400);
/// A keyframe that was asked for and has not come is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Most bytes of video and of everything else that wait.
const MAX_VIDEO: usize = 1 << 20;
const MAX_URGENT: usize = 64 << 10;
/// Bytes taken out at a time: what has been taken out cannot be dropped any more.
const CHUNK: usize = 8 << 10;

/// Where a video packet belongs.
#[derive(Debug, Clone, Copy)]
pub struct VideoPacket {
    /// Line of the viewer.
    pub line: u8,
    /// RTP timestamp as sent: the same for all packets of a frame.
    pub timestamp: u32,
    /// First packet of a frame that decodes by itself.
    pub keyframe: bool,
}

struct Urgent {
    /// Of sound: when it is too old.
    until: Option<Instant>,
    framed: Box<[u8]>,
}

struct Frame {
    line: u8,
    timestamp: u32,
    keyframe: bool,
    at: Instant,
    /// Framed packets, one after the other.
    framed: Vec<u8>,
    taken: usize,
    /// Something of it was sent, from here or before this: it is sent to its end.
    begun: bool,
}

#[derive(Clone, Copy, Default)]
struct Line {
    /// Frame whose packets are taken now, and whether some of it was sent.
    current: Option<u32>,
    begun: bool,
    /// Something was dropped: nothing is taken but a keyframe.
    broken: bool,
    /// Frame that was dropped last, to count it once.
    skipped: Option<u32>,
    asked: Option<Instant>,
}

/// See the module.
#[derive(Default)]
pub struct Backlog {
    urgent: VecDeque<Urgent>,
    urgent_bytes: usize,
    frames: VecDeque<Frame>,
    video_bytes: usize,
    lines: Vec<Line>,
    /// When a keyframe was last sent to its end: what waited behind it has its time from then on.
    relieved: Option<Instant>,
    out: Vec<u8>,
    sent: usize,
    /// Video frames and other packets dropped since last asked.
    dropped: u64,
}

impl Backlog {
    /// A STUN, DTLS or RTCP packet: goes first, never grows old. Dropped when too many wait.
    pub fn control(&mut self, packet: &[u8]) {
        self.put_urgent(packet, None);
    }

    /// A packet of sound.
    pub fn audio(&mut self, packet: &[u8], now: Instant) {
        self.put_urgent(packet, Some(now + AUDIO_WAIT));
    }

    fn put_urgent(&mut self, packet: &[u8], until: Option<Instant>) {
        let mut framed = Vec::with_capacity(framing::HEAD + packet.len());
        if self.urgent_bytes + packet.len() > MAX_URGENT || !framing::write(&mut framed, packet) {
            self.dropped += 1;
            return;
        }
        self.urgent_bytes += framed.len();
        self.urgent.push_back(Urgent { until, framed: framed.into() });
    }

    /// A packet of video; those of a frame come one after the other, the first first.
    pub fn video(&mut self, of: VideoPacket, packet: &[u8], now: Instant) {
        let at = usize::from(of.line);
        if self.lines.len() <= at {
            self.lines.resize(at + 1, Line::default());
        }
        if self.lines[at].current != Some(of.timestamp) {
            self.drop_late(now);
            let line = &mut self.lines[at];
            if line.broken && !of.keyframe {
                self.dropped += u64::from(line.skipped != Some(of.timestamp));
                line.skipped = Some(of.timestamp);
                return;
            }
            *line = Line { current: Some(of.timestamp), ..Line::default() };
        }
        if self.video_bytes > MAX_VIDEO {
            // Even what was begun: a frame beyond this is nothing that a camera makes.
            self.dropped += 1;
            self.lines[at] = Line { broken: true, skipped: Some(of.timestamp), ..Line::default() };
            return;
        }
        let same = |frame: &&mut Frame| frame.line == of.line && frame.timestamp == of.timestamp;
        let frame = match self.frames.back_mut().filter(same) {
            Some(frame) => frame,
            None => {
                self.frames.push_back(Frame {
                    line: of.line,
                    timestamp: of.timestamp,
                    keyframe: of.keyframe,
                    at: now,
                    framed: Vec::new(),
                    taken: 0,
                    begun: self.lines[at].begun,
                });
                let Some(frame) = self.frames.back_mut() else { return };
                frame
            }
        };
        let before = frame.framed.len();
        framing::write(&mut frame.framed, packet);
        self.video_bytes += frame.framed.len() - before;
    }

    /// Drops all frames that wait, if the first of them has waited for too long.
    fn drop_late(&mut self, now: Instant) {
        let Self { frames, lines, relieved, .. } = &mut *self;
        let Some(first) = frames.iter().find(|frame| !frame.begun) else { return };
        let behind_keyframe = frames.front().is_some_and(|front| front.begun && front.keyframe);
        let since = relieved.map_or(first.at, |relieved| relieved.max(first.at));
        let limit = if behind_keyframe { KEYFRAME_WAIT } else { VIDEO_WAIT };
        if now.saturating_duration_since(since) <= limit {
            return;
        }
        let mut freed = 0;
        let mut dropped = 0;
        frames.retain(|frame| {
            if frame.begun {
                return true;
            }
            freed += frame.framed.len();
            dropped += 1;
            let skipped = Some(frame.timestamp);
            lines[usize::from(frame.line)] = Line { broken: true, skipped, ..Line::default() };
            false
        });
        self.video_bytes -= freed;
        self.dropped += dropped;
    }

    /// Bytes to be written next; empty when nothing waits. Whole packets, but for what [`Self::wrote`] took of them.
    pub fn pending(&mut self, now: Instant) -> &[u8] {
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
            self.refill(now);
        }
        &self.out[self.sent..]
    }

    /// The stream took so many bytes of [`Self::pending`].
    pub fn wrote(&mut self, len: usize) {
        self.sent = (self.sent + len).min(self.out.len());
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        self.sent == self.out.len() && self.urgent.is_empty() && self.frames.is_empty()
    }

    fn refill(&mut self, now: Instant) {
        while self.out.len() < CHUNK {
            let Some(urgent) = self.urgent.pop_front() else { break };
            self.urgent_bytes -= urgent.framed.len();
            if urgent.until.is_some_and(|until| until < now) {
                self.dropped += 1;
            } else {
                self.out.extend_from_slice(&urgent.framed);
            }
        }
        self.drop_late(now);
        while self.out.len() < CHUNK {
            let Some(frame) = self.frames.front_mut() else { break };
            let rest = &frame.framed[frame.taken..];
            let len = framing::framed_len(rest).unwrap_or(0).min(rest.len());
            self.out.extend_from_slice(&rest[..len]);
            frame.taken += len;
            frame.begun = true;
            self.video_bytes -= len;
            let line = &mut self.lines[usize::from(frame.line)];
            line.begun |= line.current == Some(frame.timestamp);
            if frame.taken == frame.framed.len() {
                if frame.keyframe {
                    self.relieved = Some(now);
                }
                self.frames.pop_front();
            }
        }
    }

    /// A line that needs a keyframe, now that there is room for it; each at most once a second.
    pub fn needs_keyframe(&mut self, now: Instant) -> Option<u8> {
        if !self.is_empty() {
            return None;
        }
        let due = |line: &Line| {
            line.broken && line.asked.is_none_or(|at| now.saturating_duration_since(at) >= ASK_AGAIN)
        };
        let at = self.lines.iter().position(due)?;
        self.lines[at].asked = Some(now);
        u8::try_from(at).ok()
    }

    /// Video frames and other packets dropped since last asked.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
#[path = "backlog_tests.rs"]
mod tests;
