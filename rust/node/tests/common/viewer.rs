//! A viewer of the wire crate: every packet is decrypted and its numbers are followed.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_control::{Command, Failure, Layer, ReplyData};
use diemcau_node::sys::udp::set_option;
use diemcau_wire::dtls::Certificate;
use diemcau_wire::framing::{self, FrameReader};
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtcp::{self, RtcpPacket, RtcpWriter};
use diemcau_wire::rtp::RtpPacket;
use diemcau_wire::sdp::{Codec, LineSpec, MediaKind, OfferConfig, offer_viewer, parse_answer};
use diemcau_wire::stun::{BindingRequest, StunMessage, TransactionId, write_request};
use diemcau_wire::transport::{Incoming, Transport, TransportConfig, TransportRole};

use super::{Control, PATIENCE, Tag};

/// What arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    Media { kind: MediaKind, line: usize, tag: Option<Tag>, index: u64, keyframe: bool, rtx: bool },
    Report { ssrc: u32 },
    Bye,
    Closed,
}

pub struct Viewer {
    pub socket: UdpSocket,
    /// Used instead of the UDP socket.
    pub tcp: Option<Tcp>,
    transport: Transport,
    pub lines: Vec<LineSpec>,
    highest: HashMap<u32, u64>,
    /// Numbers that were skipped, by SSRC.
    pub missing: HashMap<u32, Vec<u16>>,
    /// Drops every n-th media packet unseen.
    pub lose_every: Option<u32>,
    count: u32,
    pub connected: bool,
    /// Ours and the node's.
    pub ufrags: (String, String),
    /// The node's, for checks.
    pwd: String,
    /// What the node sends to another connection may come to this socket.
    pub hears_others: bool,
}

pub struct Opening {
    pub party: Option<String>,
    pub program: Option<String>,
    pub ceiling: Layer,
    pub audio: usize,
    pub video: usize,
    /// Which of the node's candidates is used.
    pub candidate: usize,
    /// Whether it is one over TCP.
    pub tcp: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            party: None,
            program: None,
            ceiling: Layer::High,
            audio: 1,
            video: 2,
            candidate: 0,
            tcp: false,
        }
    }
}

impl Viewer {
    /// Opens and waits until connected.
    pub fn start(control: &mut Control, name: &str, program: &str) -> Self {
        let opening = Opening { program: Some(program.into()), ..Opening::default() };
        let mut viewer = Self::open(control, name, opening).unwrap();
        viewer.connect();
        viewer
    }

    /// Opens; nothing was sent yet.
    pub fn open(control: &mut Control, name: &str, opening: Opening) -> Result<Self, Failure> {
        let certificate = Arc::new(Certificate::generate().unwrap());
        let credentials = IceCredentials::generate();
        let offer = offer_viewer(&OfferConfig {
            credentials: &credentials,
            fingerprint: certificate.fingerprint(),
            session_id: 7,
            audio_lines: opening.audio,
            video_lines: opening.video,
            video_codecs: &[Codec::H264, Codec::Vp8],
        });
        let reply = control.ask(Command::ViewerOpen {
            viewer: name.into(),
            party: opening.party,
            offer,
            program: opening.program,
            ceiling: opening.ceiling,
        })?;
        let ReplyData::Viewer { answer, audio_lines, video_lines, codecs } = reply else {
            panic!("{reply:?}")
        };
        assert_eq!((usize::from(audio_lines), usize::from(video_lines)), (opening.audio, opening.video));
        assert_eq!(codecs.len(), 2);
        let session = parse_answer(&answer).unwrap();
        let candidates =
            if opening.tcp { &session.remote.tcp_candidates } else { &session.remote.candidates };
        let candidate = candidates[opening.candidate];
        let tcp = opening.tcp.then(|| Tcp::connect(candidate));
        let loopback = if candidate.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(loopback).unwrap();
        // A test looks at its viewers one after the other: what waits meanwhile must not be lost.
        let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
        set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 4 << 20)
            .or_else(|_| set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, 4 << 20))
            .unwrap();
        let ufrags = (credentials.ufrag.clone(), session.remote.ice.ufrag.clone());
        let pwd = session.remote.ice.pwd.clone();
        let config = TransportConfig {
            role: TransportRole::Client { candidate },
            local: credentials,
            remote: session.remote.ice,
            remote_fingerprint: session.remote.fingerprint,
            certificate,
            receive_rtp: true,
            drop_dtls_after: None,
            connect_timeout: PATIENCE,
        };
        let transport = Transport::new(config, Instant::now()).unwrap();
        Ok(Self {
            socket,
            tcp,
            transport,
            lines: session.lines,
            highest: HashMap::new(),
            missing: HashMap::new(),
            lose_every: None,
            count: 0,
            connected: false,
            ufrags,
            pwd,
            hears_others: false,
        })
    }

    pub fn connect(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.connected {
            assert!(Instant::now() < end, "the viewer did not connect");
            self.step(Duration::from_millis(50));
        }
    }

    /// A check as this viewer makes it, with the password; whoever sends it says where it comes from.
    pub fn check(&self, transaction: TransactionId, use_candidate: bool) -> Vec<u8> {
        let request = BindingRequest {
            transaction,
            remote_ufrag: &self.ufrags.1,
            local_ufrag: &self.ufrags.0,
            priority: 1,
            controlling: 1,
            use_candidate,
        };
        let mut buf = [0; 512];
        let len = write_request(&mut buf, &request, self.pwd.as_bytes()).unwrap();
        buf[..len].to_vec()
    }

    /// Begins as Chromium does: a check that nominates nothing, the ClientHello as soon as it is answered, and only
    /// then the nomination. What the node sends to that is left in the socket.
    pub fn begin_before_nomination(&mut self) {
        let mut sent = Vec::new();
        self.transport
            .handle_timeout(Instant::now(), &mut |to, bytes: &[u8]| sent.push((to, bytes.to_vec())))
            .unwrap();
        let (node, nomination) = sent.pop().expect("the first check");
        let transaction = StunMessage::parse(&nomination).unwrap().transaction;
        self.socket.send_to(&self.check(transaction, false), node).unwrap();
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buf = [0; 2048];
        let (len, from) = self.socket.recv_from(&mut buf).expect("an answer to the check");
        let socket = &self.socket;
        let mut hello = 0;
        let mut out = |to, bytes: &[u8]| {
            hello += usize::from(bytes[0] == 22);
            socket.send_to(bytes, to).unwrap();
        };
        self.transport.handle_datagram(Instant::now(), from, &mut buf[..len], &mut out).unwrap();
        assert!(hello > 0, "no ClientHello was sent");
        self.socket.send_to(&nomination, node).unwrap();
    }

    /// What arrives within `wait`, at most one datagram.
    pub fn step(&mut self, wait: Duration) -> Vec<Got> {
        let now = Instant::now();
        let (socket, tcp) = (&self.socket, self.tcp.as_ref().map(|tcp| &tcp.stream));
        let mut out = |to, bytes: &[u8]| send(socket, tcp, to, bytes);
        if now >= self.transport.next_timeout() {
            self.transport.handle_timeout(now, &mut out).unwrap();
        }
        let due = self.transport.next_timeout().saturating_duration_since(now).min(wait);
        let due = due.max(Duration::from_millis(1));
        let mut buf = [0; 2048];
        let received = match &mut self.tcp {
            Some(tcp) => tcp.receive(due, &mut buf),
            None => {
                socket.set_read_timeout(Some(due)).unwrap();
                socket.recv_from(&mut buf).ok()
            }
        };
        let tcp = self.tcp.as_ref().map(|tcp| &tcp.stream);
        let mut out = |to, bytes: &[u8]| send(socket, tcp, to, bytes);
        let Some((len, from)) = received else { return Vec::new() };
        let incoming =
            self.transport.handle_datagram(Instant::now(), from, &mut buf[..len], &mut out).unwrap();
        match incoming {
            Incoming::Connected => {
                self.connected = true;
                Vec::new()
            }
            Incoming::Rtp { packet, index } => {
                let packet = packet.to_vec();
                self.count += 1;
                if self.lose_every.is_some_and(|every| self.count.is_multiple_of(every)) {
                    return Vec::new();
                }
                vec![self.media(&packet, index)]
            }
            Incoming::Rtcp(compound) => rtcp::packets(compound)
                .filter_map(|packet| match packet.unwrap() {
                    RtcpPacket::SenderReport { info, .. } => Some(Got::Report { ssrc: info.ssrc }),
                    RtcpPacket::Bye(_) => Some(Got::Bye),
                    _ => None,
                })
                .collect(),
            Incoming::Closed => vec![Got::Closed],
            Incoming::None | Incoming::Checked | Incoming::Selected(_) => Vec::new(),
            Incoming::Dropped(_) if self.hears_others => Vec::new(),
            Incoming::Dropped(reason) => panic!("a datagram of the node was refused: {reason:?}"),
        }
    }

    fn media(&mut self, bytes: &[u8], index: u64) -> Got {
        let packet = RtpPacket::parse(bytes).unwrap();
        let header = packet.header;
        let rtx = self.lines.iter().position(|line| line.rtx_ssrc == Some(header.ssrc));
        let found = rtx.or_else(|| self.lines.iter().position(|line| line.ssrc == header.ssrc));
        let spec = &self.lines[found.expect("an SSRC of the answer")];
        let (kind, line, ssrc) = (spec.kind, spec.number, spec.ssrc);
        let types = if rtx.is_some() { spec.rtx_payload_types } else { spec.payload_types };
        assert!(types.codec_of(header.payload_type).is_some(), "payload type {}", header.payload_type);
        assert!(spec.extensions.abs_send_time.is_none_or(|id| packet.extension(id).is_some()));
        let mut payload = packet.payload;
        if rtx.is_some() {
            let original = u16::from_be_bytes([payload[0], payload[1]]);
            payload = &payload[2..];
            self.missing.entry(ssrc).or_default().retain(|lost| *lost != original);
        } else {
            let highest = self.highest.entry(ssrc).or_insert(index);
            assert!(index >= *highest, "numbers of a line went back");
            for lost in *highest + 1..index {
                self.missing.entry(ssrc).or_default().push(lost as u16);
            }
            *highest = index;
        }
        // VP8: start of a partition, and the inverse key frame flag behind a four-byte descriptor.
        let keyframe = kind == MediaKind::Video && payload[0] & 0x10 != 0 && payload[4] & 1 == 0;
        Got::Media { kind, line, tag: Tag::find(payload), index, keyframe, rtx: rtx.is_some() }
    }

    /// Receives until `good` says so.
    pub fn until<T>(&mut self, what: &str, mut good: impl FnMut(&Got) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            for got in self.step(Duration::from_millis(50)) {
                if let Some(found) = good(&got) {
                    return found;
                }
            }
            assert!(Instant::now() < end, "never {what}");
        }
    }

    /// Receives for a while and gives all of it.
    pub fn during(&mut self, time: Duration) -> Vec<Got> {
        let end = Instant::now() + time;
        let mut all = Vec::new();
        while Instant::now() < end {
            all.extend(self.step(Duration::from_millis(20)));
        }
        all
    }

    /// Waits for a picture of this publisher on a video line; gives its layer and whether the first was a keyframe.
    pub fn picture(&mut self, on: usize, letter: u8) -> (u8, bool) {
        self.until(&format!("a picture of {} on line {on}", letter as char), |got| match got {
            Got::Media { kind: MediaKind::Video, line, tag: Some(tag), keyframe, rtx: false, .. }
                if *line == on && tag.letter == letter =>
            {
                Some((tag.layer, *keyframe))
            }
            _ => None,
        })
    }

    /// Sends RTCP that `write` composes behind an empty receiver report.
    pub fn rtcp(&mut self, write: impl FnOnce(&mut RtcpWriter<'_>)) {
        let mut buf = [0; 1024];
        let mut compound = RtcpWriter::new(&mut buf);
        compound.receiver_report(1, &[]).unwrap();
        write(&mut compound);
        let len = compound.len();
        let len = self.transport.srtp_tx().unwrap().protect_rtcp(&mut buf, len).unwrap();
        let tcp = self.tcp.as_ref().map(|tcp| &tcp.stream);
        send(&self.socket, tcp, self.transport.remote_addr().unwrap(), &buf[..len]);
    }

    pub fn close(&mut self) {
        let socket = &self.socket;
        self.transport.close(Instant::now(), &mut |to, bytes: &[u8]| {
            socket.send_to(bytes, to).unwrap();
        });
    }

    pub fn ssrc(&self, kind: MediaKind, number: usize) -> u32 {
        self.lines.iter().find(|line| line.kind == kind && line.number == number).unwrap().ssrc
    }
}

/// A connection over TCP: framed datagrams.
pub struct Tcp {
    pub stream: TcpStream,
    node: SocketAddr,
    reader: FrameReader,
    waiting: VecDeque<Vec<u8>>,
}

impl Tcp {
    pub fn connect(node: SocketAddr) -> Self {
        let stream = TcpStream::connect(node).unwrap();
        stream.set_nodelay(true).unwrap();
        // Little room: a viewer that stops reading shall be noticed soon.
        let fd = std::os::fd::AsRawFd::as_raw_fd(&stream);
        set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, 8 << 10).unwrap();
        Self { stream, node, reader: FrameReader::default(), waiting: VecDeque::new() }
    }

    fn receive(&mut self, wait: Duration, buf: &mut [u8]) -> Option<(usize, SocketAddr)> {
        if self.waiting.is_empty() {
            self.stream.set_read_timeout(Some(wait)).unwrap();
            let mut bytes = [0; 4_096];
            let len = self.stream.read(&mut bytes).ok()?;
            assert!(len > 0, "the node closed the connection");
            let waiting = &mut self.waiting;
            self.reader
                .push(&mut bytes[..len], 2_048, |datagram| waiting.push_back(datagram.to_vec()))
                .unwrap();
        }
        let datagram = self.waiting.pop_front()?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Some((datagram.len(), self.node))
    }
}

fn send(socket: &UdpSocket, tcp: Option<&TcpStream>, to: SocketAddr, bytes: &[u8]) {
    let Some(mut stream) = tcp else {
        socket.send_to(bytes, to).unwrap();
        return;
    };
    let mut framed = Vec::new();
    framing::write(&mut framed, bytes);
    stream.write_all(&framed).unwrap();
}
