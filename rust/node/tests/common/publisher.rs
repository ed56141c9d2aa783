//! A publisher: `str0m` as a browser would be, with a picture that is a tag.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use diemcau_control::{Command, ReplyData, VideoCodec};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::{Control, PATIENCE, Tag};

/// Frames a second; audio packets come every 60 ms.
const FRAME: Duration = Duration::from_millis(40);
const AUDIO: Duration = Duration::from_millis(60);
/// Packets of one frame, and payload bytes of each (a byte between them, as browsers do).
const PACKETS: usize = 3;
const PAYLOAD: usize = 600;

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    keyframes: AtomicU32,
    /// Set: no video is sent.
    paused: AtomicBool,
}

/// Runs in a thread of its own until dropped.
pub struct Publisher {
    /// Its own socket: what is sent here comes from its address.
    pub socket: UdpSocket,
    /// Where the node hears it.
    pub node: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Publishes `{name}/audio` and `{name}/video` as VP8 with this many layers, and waits until both are live.
    pub fn start(control: &mut Control, name: &str, letter: u8, layers: u8) -> Self {
        Self::start_with(control, name, letter, layers, |offer| offer)
    }

    /// The same with another offer than `str0m` makes.
    pub fn start_with(
        control: &mut Control,
        name: &str,
        letter: u8,
        layers: u8,
        edit: impl Fn(String) -> String,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut rtc = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(socket.local_addr().unwrap(), "udp").unwrap());
        let rids: Vec<&str> = ["l", "h"][..usize::from(layers)].to_vec();
        let simulcast = (layers > 1).then(|| Simulcast {
            send: rids.iter().map(|rid| SimulcastLayer::new(rid)).collect(),
            recv: Vec::new(),
        });
        let mut changes = rtc.sdp_api();
        let audio = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
        let (offer, pending) = changes.apply().unwrap();
        let opened = control.ask(Command::PublisherOpen {
            publisher: name.into(),
            party: Some(name.into()),
            offer: edit(offer.to_sdp_string()),
            codec: VideoCodec::Vp8,
        });
        let Ok(ReplyData::Publisher { answer, tracks }) = opened else { panic!("{opened:?}") };
        assert_eq!(tracks.len(), 2);
        assert!(answer.contains("a=ptime:60\r\n") && answer.contains("a=ice-lite"));
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer).unwrap()).unwrap();
        let node = answer.lines().find_map(|line| {
            let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
            format!("{}:{}", words[4], words[5]).parse().ok()
        });
        let (node, own) = (node.expect("a candidate"), socket.try_clone().unwrap());
        let shared = Arc::new(Shared::default());
        let rids = rids.into_iter().map(|rid| (layers > 1).then(|| Rid::from(rid))).collect();
        let mut run =
            Run { rtc, socket, audio, video, rids, letter, shared: Arc::clone(&shared), frame: 0, beat: 0 };
        let thread = std::thread::spawn(move || run.run());
        let video = format!("{name}/video");
        control.wait("track live", |event| match event {
            diemcau_control::Happening::TrackLive(info) if info.track == video => Some(()),
            _ => None,
        });
        Self { socket: own, node, shared, thread: Some(thread) }
    }

    /// Keyframes sent so far.
    pub fn keyframes(&self) -> u32 {
        self.shared.keyframes.load(Ordering::Relaxed)
    }

    pub fn pause_video(&self, pause: bool) {
        self.shared.paused.store(pause, Ordering::Relaxed);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the publisher's thread");
            }
        }
    }
}

struct Run {
    rtc: Rtc,
    socket: UdpSocket,
    audio: Mid,
    video: Mid,
    rids: Vec<Option<Rid>>,
    letter: u8,
    shared: Arc<Shared>,
    frame: u32,
    beat: u32,
}

impl Run {
    fn run(&mut self) {
        let start = Instant::now();
        let (mut next_frame, mut next_audio) = (start, start);
        let mut keyframe = true;
        let mut connected = false;
        let mut buf = [0; 2048];
        while !self.shared.stop.load(Ordering::Relaxed) && self.rtc.is_alive() {
            let mut due = loop {
                match self.rtc.poll_output().unwrap() {
                    Output::Timeout(at) => break at,
                    Output::Transmit(send) => {
                        self.socket.send_to(&send.contents, send.destination).unwrap();
                    }
                    Output::Event(Event::Connected) => connected = true,
                    Output::Event(Event::KeyframeRequest(_)) => keyframe = true,
                    Output::Event(_) => {}
                }
            };
            assert!(connected || start.elapsed() < PATIENCE, "the publisher did not connect");
            let now = Instant::now();
            if connected && now >= next_frame {
                next_frame = now + FRAME;
                self.send_frame(std::mem::take(&mut keyframe), now);
                continue;
            }
            if connected && now >= next_audio {
                next_audio = now + AUDIO;
                self.send_audio(now);
                continue;
            }
            due = due.min(next_frame).min(next_audio);
            let wait = due.saturating_duration_since(now).clamp(Duration::from_millis(1), FRAME);
            self.socket.set_read_timeout(Some(wait)).unwrap();
            let now = match self.socket.recv_from(&mut buf) {
                Ok((len, from)) => {
                    self.receive(from, &buf[..len]);
                    continue;
                }
                Err(_) => Instant::now(),
            };
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
        }
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        let to = self.socket.local_addr().unwrap();
        if let Ok(receive) = Receive::new(Protocol::Udp, from, to, bytes) {
            self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
        }
    }

    fn pt(&self, mid: Mid) -> Pt {
        self.rtc.media(mid).unwrap().remote_pts()[0]
    }

    fn send_frame(&mut self, keyframe: bool, now: Instant) {
        if self.shared.paused.load(Ordering::Relaxed) {
            return;
        }
        let (pt, frame, letter) = (self.pt(self.video), self.frame, self.letter);
        self.frame += 1;
        let keyframe = keyframe || frame == 0;
        if keyframe {
            self.shared.keyframes.fetch_add(1, Ordering::Relaxed);
        }
        for (layer, rid) in self.rids.clone().into_iter().enumerate() {
            for packet in 0..PACKETS {
                let tag = Tag { letter, layer: layer as u8, frame };
                let payload = vp8(frame, packet == 0, keyframe, tag, PAYLOAD + packet);
                let seq = u64::from(frame) * PACKETS as u64 + packet as u64;
                let write = RtpWrite::new(pt, seq.into(), frame * 3_600, now, payload)
                    .marker(packet + 1 == PACKETS)
                    .nackable(true)
                    .ext_vals(ExtensionValues { mid: Some(self.video), rid, ..Default::default() });
                let mut api = self.rtc.direct_api();
                api.stream_tx_by_mid(self.video, rid).unwrap().write_rtp(write);
                drain(&mut self.rtc, &self.socket);
            }
        }
    }

    fn send_audio(&mut self, now: Instant) {
        let (pt, beat) = (self.pt(self.audio), self.beat);
        self.beat += 1;
        // Opus, SILK wideband 60 ms, mono, one frame (RFC 6716 §3.1).
        let mut payload = vec![11 << 3];
        payload.extend(Tag { letter: self.letter, layer: 0, frame: beat }.write());
        payload.resize(90, 0);
        let ext = ExtensionValues {
            audio_level: Some(-20),
            voice_activity: Some(true),
            mid: Some(self.audio),
            ..Default::default()
        };
        let write = RtpWrite::new(pt, u64::from(beat).into(), beat * 2_880, now, payload).ext_vals(ext);
        self.rtc.direct_api().stream_tx_by_mid(self.audio, None).unwrap().write_rtp(write);
    }
}

/// `str0m` wants to be emptied after every change.
fn drain(rtc: &mut Rtc, socket: &UdpSocket) {
    loop {
        match rtc.poll_output().unwrap() {
            Output::Timeout(at) if at > Instant::now() => return,
            Output::Timeout(_) => rtc.handle_input(Input::Timeout(Instant::now())).unwrap(),
            Output::Transmit(send) => {
                socket.send_to(&send.contents, send.destination).unwrap();
            }
            Output::Event(_) => {}
        }
    }
}

/// A VP8 payload (RFC 7741 §4.2) with a 15-bit picture id; its picture is a tag.
fn vp8(frame: u32, begins: bool, keyframe: bool, tag: Tag, len: usize) -> Vec<u8> {
    let id = (frame as u16) & 0x7fff | 0x8000;
    let mut payload = vec![0x80 | u8::from(begins) << 4, 0x80, (id >> 8) as u8, id as u8];
    if begins {
        // Frame tag: bit 0 clear is a key frame; then start code and 64x64 (RFC 6386 §9.1).
        payload.extend([u8::from(!keyframe) | 0x10, 0, 0]);
        if keyframe {
            payload.extend([0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
        }
    }
    payload.extend(tag.write());
    payload.resize(len, 0);
    payload
}
