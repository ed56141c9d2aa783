//! A network of two ends that loses, delays, repeats and reorders, by a seed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use diemcau_wire::dtls::Certificate;
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtcp::RtcpWriter;
use diemcau_wire::rtp::{RtpHeader, write_header};
use diemcau_wire::srtp::TxLine;
use diemcau_wire::transport::{
    DropReason, Incoming, Transport, TransportConfig, TransportError, TransportRole,
};

pub const SERVER: &str = "192.0.2.1:4000";
pub const CLIENT: &str = "198.51.100.7:50000";

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn certificate() -> Arc<Certificate> {
    static ONE: OnceLock<Arc<Certificate>> = OnceLock::new();
    ONE.get_or_init(|| Arc::new(Certificate::generate().unwrap())).clone()
}

/// xorshift64*: small, seeded, good enough to lose packets by.
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}

/// Percentages, and a delay of up to `jitter_ms`: what reorders.
#[derive(Clone, Copy)]
pub struct Network {
    pub loss: u64,
    pub duplicate: u64,
    pub jitter_ms: u64,
}

pub const PERFECT: Network = Network { loss: 0, duplicate: 0, jitter_ms: 0 };

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Server,
    Client,
}

pub struct World {
    pub now: Instant,
    pub server: Transport,
    pub client: Transport,
    pub client_addr: SocketAddr,
    pub network: Network,
    pub rng: Rng,
    /// By time of arrival and order of sending.
    pub flying: BTreeMap<(Instant, u64), (End, SocketAddr, Vec<u8>)>,
    pub sent: u64,
    pub connected: [bool; 2],
    pub received: Vec<(End, Vec<u8>)>,
    pub closed: [bool; 2],
    pub line: Option<TxLine>,
    /// Rewrites what the client sends; one datagram may become several.
    pub tap: Option<Tap>,
}

pub type Tap = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>>>;

pub fn config(role: TransportRole, local: &IceCredentials, remote: &IceCredentials) -> TransportConfig {
    TransportConfig {
        role,
        local: local.clone(),
        remote: remote.clone(),
        remote_fingerprint: *certificate().fingerprint(),
        certificate: certificate(),
        receive_rtp: role != TransportRole::Server,
        drop_dtls_after: (role == TransportRole::Server).then_some(Duration::from_secs(10)),
        connect_timeout: Duration::from_secs(30),
    }
}

impl World {
    pub fn new(seed: u64, network: Network) -> Self {
        Self::with(seed, network, |_, _| {})
    }

    pub fn with(
        seed: u64,
        network: Network,
        edit: impl Fn(&mut TransportConfig, &mut TransportConfig),
    ) -> Self {
        let now = Instant::now();
        let (a, b) = (IceCredentials::generate(), IceCredentials::generate());
        let mut server = config(TransportRole::Server, &a, &b);
        let mut client = config(TransportRole::Client { candidate: addr(SERVER) }, &b, &a);
        edit(&mut server, &mut client);
        Self {
            now,
            server: Transport::new(server, now).unwrap(),
            client: Transport::new(client, now).unwrap(),
            client_addr: addr(CLIENT),
            network,
            rng: Rng(seed * 2 + 1),
            flying: BTreeMap::new(),
            sent: 0,
            connected: [false; 2],
            received: Vec::new(),
            closed: [false; 2],
            line: None,
            tap: None,
        }
    }

    pub fn launch(&mut self, to: End, from: SocketAddr, datagram: &[u8]) {
        let copies = if self.rng.below(100) < self.network.duplicate { 2 } else { 1 };
        for _ in 0..copies {
            if self.rng.below(100) < self.network.loss {
                continue;
            }
            let delay = 1 + self.rng.below(self.network.jitter_ms + 1);
            self.sent += 1;
            let at = self.now + Duration::from_millis(delay);
            self.flying.insert((at, self.sent), (to, from, datagram.to_vec()));
        }
    }

    /// Goes to the next thing that happens; false when that is later than `until`.
    pub fn step(&mut self, until: Instant) -> Result<bool, TransportError> {
        let arrival = self.flying.keys().next().map(|key| key.0);
        let timer = self.server.next_timeout().min(self.client.next_timeout());
        let at = arrival.map_or(timer, |arrival| arrival.min(timer)).max(self.now);
        if at > until {
            self.now = until;
            return Ok(false);
        }
        self.now = at;
        let mut out = Vec::new();
        if let Some(entry) = self.flying.first_entry().filter(|entry| entry.key().0 <= at) {
            let (to, from, mut datagram) = entry.remove();
            let transport = if to == End::Server { &mut self.server } else { &mut self.client };
            let mut send = |to: SocketAddr, bytes: &[u8]| out.push((to, bytes.to_vec()));
            match transport.handle_datagram(at, from, &mut datagram, &mut send)? {
                Incoming::Connected => {
                    assert!(!self.connected[to as usize], "connected comes once");
                    self.connected[to as usize] = true;
                }
                Incoming::Rtp { packet, .. } | Incoming::Rtcp(packet) => {
                    self.received.push((to, packet.to_vec()));
                }
                Incoming::Closed => self.closed[to as usize] = true,
                Incoming::None | Incoming::Checked | Incoming::Selected(_) | Incoming::Dropped(_) => {}
            }
        } else {
            let mut send = |to: SocketAddr, bytes: &[u8]| out.push((to, bytes.to_vec()));
            self.server.handle_timeout(at, &mut send)?;
            self.client.handle_timeout(at, &mut send)?;
        }
        for (to, bytes) in out {
            let (end, from) = if to == addr(SERVER) {
                (End::Server, self.client_addr)
            } else {
                (End::Client, addr(SERVER))
            };
            // Only one client address is alive at a time.
            if end == End::Client && to != self.client_addr {
                continue;
            }
            let datagrams = match (&mut self.tap, end) {
                (Some(tap), End::Server) => tap(&bytes),
                _ => vec![bytes],
            };
            for datagram in datagrams {
                self.launch(end, from, &datagram);
            }
        }
        Ok(true)
    }

    pub fn run(&mut self, time: Duration) -> Result<(), TransportError> {
        let until = self.now + time;
        while self.step(until)? {}
        Ok(())
    }

    /// Runs until both ends are connected; at most 30 s.
    pub fn connect(&mut self) -> Duration {
        let start = self.now;
        let until = start + Duration::from_secs(30);
        while self.connected != [true; 2] {
            assert!(self.step(until).unwrap(), "not connected: {:?}", self.connected);
        }
        self.now - start
    }

    /// The server sends packet `index` of SSRC 7; packets come in order from 1.
    pub fn send_rtp(&mut self, index: u64, payload: &[u8]) -> Vec<u8> {
        let srtp = self.server.srtp_tx().unwrap();
        let line = match self.line {
            Some(line) => line,
            None => *self.line.insert(srtp.add_line(7, false).unwrap()),
        };
        let mut buf = [0; 1500];
        let header = RtpHeader { payload_type: 96, sequence: index as u16, ssrc: 7, ..RtpHeader::default() };
        let head = write_header(&mut buf, &header, &[]).unwrap();
        buf[head..head + payload.len()].copy_from_slice(payload);
        let len = srtp.protect_rtp(line, index, head, &mut buf, head + payload.len()).unwrap();
        self.launch(End::Client, addr(SERVER), &buf[..len]);
        buf[..len].to_vec()
    }

    pub fn send_nack(&mut self) -> Vec<u8> {
        let mut buf = [0; 200];
        let mut writer = RtcpWriter::new(&mut buf);
        writer.receiver_report(1, &[]).unwrap().nack(1, 7, &[3, 4]).unwrap();
        let len = writer.len();
        let len = self.client.srtp_tx().unwrap().protect_rtcp(&mut buf, len).unwrap();
        self.launch(End::Server, self.client_addr, &buf[..len]);
        buf[..len].to_vec()
    }

    /// Gives the server one datagram as if from `from`; returns the drop reason if it got nowhere.
    pub fn inject(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<DropReason> {
        let now = self.now;
        let mut datagram = datagram.to_vec();
        match self.server.handle_datagram(now, from, &mut datagram, &mut |_, _| {}).unwrap() {
            Incoming::Dropped(reason) => Some(reason),
            _ => None,
        }
    }

    /// The client's address changes, as behind a NAT that has forgotten it.
    pub fn move_client(&mut self, to: SocketAddr) {
        self.client_addr = to;
    }
}
