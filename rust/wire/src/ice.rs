//! ICE as two small agents: the lite responder of the server and the controlling agent of the load client
//! (RFC 8445 §2.5, §7; RFC 7675).

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::stun::{
    BindingRequest, MAX_MESSAGE_LEN, StunClass, StunMessage, TransactionId, write_error, write_request,
    write_success,
};

/// No authenticated check for this long: the viewer's path is called degraded.
pub const DEGRADED_AFTER: Duration = Duration::from_secs(6);
/// No authenticated check for this long: consent has expired (RFC 7675 §5.1) and nothing may be sent any more.
pub const DEAD_AFTER: Duration = Duration::from_secs(30);

/// The client's first retransmission of a check, doubled up to [`MAX_RTO`] (RFC 8445 §14.3 asks 500 ms where
/// nothing is known of the path; the load client's is a LAN).
const FIRST_RTO: Duration = Duration::from_millis(50);
const MAX_RTO: Duration = Duration::from_millis(1600);
/// The client gives up on its first check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(15);
/// Consent checks come 4.0 to 5.0 s apart: RFC 7675 §5.1 has 4 to 6, but a server calls 6 s degraded.
const CONSENT_MIN: Duration = Duration::from_secs(4);
const CONSENT_SPREAD_MS: u64 = 1000;
/// Most addresses remembered that have checked but were not yet selected.
const MAX_CHECKED: usize = 4;
/// Type preference of a host candidate (RFC 8445 §5.1.2.1), component 1.
const HOST_PRIORITY: u32 = 126 << 24 | 65_535 << 8 | 255;

/// Ufrag and password of one side.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
}

impl IceCredentials {
    /// From 24 random bytes: ufrag of 8 characters (48 bits), password of 24 (144 bits), all ice-chars
    /// (RFC 8445 §5.3).
    pub fn from_random(random: &[u8; 24]) -> Self {
        Self { ufrag: ice_chars(&random[..6]), pwd: ice_chars(&random[6..]) }
    }

    /// Fresh ones from the system's random source.
    pub fn generate() -> Self {
        let mut random = [0; 24];
        fill_random(&mut random);
        Self::from_random(&random)
    }
}

impl fmt::Debug for IceCredentials {
    /// The password stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// Six bits a character.
fn ice_chars(bytes: &[u8]) -> String {
    const CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|b| {
            let bits = u32::from_be_bytes([0, b[0], b[1], b[2]]);
            [18, 12, 6, 0].map(|shift| CHARS[(bits >> shift & 63) as usize] as char)
        })
        .collect()
}

fn fill_random(bytes: &mut [u8]) {
    // It fails only where the kernel has no random source at all; keys could not be made there either.
    aws_lc_rs::rand::fill(bytes).expect("system random source");
}

/// Where a path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IceState {
    /// No path selected yet.
    Waiting,
    Alive,
    /// Nothing for [`DEGRADED_AFTER`].
    Degraded,
    /// Nothing for [`DEAD_AFTER`], or never any in time.
    Dead,
}

/// Why a STUN datagram got nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceDrop {
    /// Not a binding message, or one that lacks what a check needs (answered with 400 or 420).
    Malformed,
    /// Wrong ufrag or password (answered with 401).
    Unauthenticated,
    /// A response to nothing, an indication, a request to a client.
    Unexpected,
}

/// What a STUN datagram did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceOutcome {
    Dropped(IceDrop),
    /// Authenticated; the remote address stays what it was.
    Checked,
    /// Authenticated, and the remote address is now this one.
    Selected(SocketAddr),
}

/// Takes one datagram to send: (to, bytes).
pub type SendTo<'a> = dyn FnMut(SocketAddr, &[u8]) + 'a;

/// The server's side: answers checks, never sends any. The remote address is the source of the latest
/// authenticated check with USE-CANDIDATE, and nothing else ever changes it.
#[derive(Debug)]
pub struct IceLite {
    local: IceCredentials,
    remote_ufrag: String,
    selected: Option<SocketAddr>,
    /// Where authenticated checks came from before the first selection; empty afterwards.
    checked: Vec<SocketAddr>,
    /// Of an authenticated check from the selected address; the start before there is one.
    last_check: Instant,
}

impl IceLite {
    pub fn new(local: IceCredentials, remote_ufrag: String, now: Instant) -> Self {
        Self { local, remote_ufrag, selected: None, checked: Vec::new(), last_check: now }
    }

    pub fn selected(&self) -> Option<SocketAddr> {
        self.selected
    }

    /// Nothing is selected yet, but an authenticated check has come from this address: it may well be next.
    pub fn may_be_selected(&self, from: SocketAddr) -> bool {
        self.checked.contains(&from)
    }

    pub fn state(&self, now: Instant) -> IceState {
        state(self.selected.is_some(), self.last_check, now)
    }

    /// When the path will be dead if no check comes.
    pub fn dies_at(&self) -> Instant {
        self.last_check + DEAD_AFTER
    }

    /// Takes one STUN datagram; a request is answered through `send` to where it came from, with no more bytes
    /// than its answer needs.
    pub fn handle_stun(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        send: &mut SendTo<'_>,
    ) -> IceOutcome {
        let Ok(check) = StunMessage::parse(datagram) else { return IceOutcome::Dropped(IceDrop::Malformed) };
        if check.class != StunClass::Request {
            return IceOutcome::Dropped(IceDrop::Unexpected);
        }
        let mut buf = [0; MAX_MESSAGE_LEN];
        let password = self.local.pwd.as_bytes();
        let mut refuse = |code, unknown, password, drop| {
            if let Ok(len) = write_error(&mut buf, &check.transaction, code, unknown, password) {
                send(from, &buf[..len]);
            }
            IceOutcome::Dropped(drop)
        };
        // The order of RFC 8489 §9.1.3: first what is missing, then whose it is, then what it says.
        let Some(ufrags) = check.ufrags() else { return refuse(400, None, None, IceDrop::Malformed) };
        if ufrags != (self.local.ufrag.as_str(), self.remote_ufrag.as_str()) || !check.authentic(password) {
            return refuse(401, None, None, IceDrop::Unauthenticated);
        }
        if check.unknown_required.is_some() {
            return refuse(420, check.unknown_required, Some(password), IceDrop::Malformed);
        }
        if check.controlled.is_some() {
            // We are lite, so the other must control (RFC 8445 §6.1.1, §7.3.1.1).
            return refuse(487, None, Some(password), IceDrop::Malformed);
        }
        match write_success(&mut buf, &check.transaction, from, password) {
            Ok(len) => send(from, &buf[..len]),
            Err(_) => return IceOutcome::Dropped(IceDrop::Malformed),
        }
        let moved = check.use_candidate && self.selected != Some(from);
        if check.use_candidate {
            self.selected = Some(from);
            self.checked = Vec::new();
        } else if self.selected.is_none() && self.checked.len() < MAX_CHECKED && !self.checked.contains(&from)
        {
            self.checked.push(from);
        }
        if self.selected == Some(from) {
            self.last_check = now;
        }
        if moved { IceOutcome::Selected(from) } else { IceOutcome::Checked }
    }
}

fn state(selected: bool, last: Instant, now: Instant) -> IceState {
    let silent = now.saturating_duration_since(last);
    match () {
        () if silent >= DEAD_AFTER => IceState::Dead,
        () if !selected => IceState::Waiting,
        () if silent >= DEGRADED_AFTER => IceState::Degraded,
        () => IceState::Alive,
    }
}

/// The load client's side: checks one candidate with USE-CANDIDATE until it answers, then asks for consent. A server
/// that is a full agent checks back before it sends (RFC 8445 §7.3): its checks are answered, and change nothing.
#[derive(Debug)]
pub struct IceClient {
    local: IceCredentials,
    remote: IceCredentials,
    candidate: SocketAddr,
    tie_breaker: u64,
    transaction: TransactionId,
    started: Instant,
    rto: Duration,
    next_send: Instant,
    last_answer: Option<Instant>,
}

impl IceClient {
    /// The first check goes out at the first [`IceClient::handle_timeout`].
    pub fn new(local: IceCredentials, remote: IceCredentials, candidate: SocketAddr, now: Instant) -> Self {
        let mut random = [0; 8];
        fill_random(&mut random);
        Self {
            local,
            remote,
            candidate,
            tie_breaker: u64::from_be_bytes(random),
            transaction: new_transaction(),
            started: now,
            rto: FIRST_RTO,
            next_send: now,
            last_answer: None,
        }
    }

    /// The candidate, once it has answered.
    pub fn selected(&self) -> Option<SocketAddr> {
        self.last_answer.map(|_| self.candidate)
    }

    pub fn state(&self, now: Instant) -> IceState {
        match self.last_answer {
            Some(last) => state(true, last, now),
            None if now >= self.started + CHECK_TIMEOUT => IceState::Dead,
            None => IceState::Waiting,
        }
    }

    /// When the path will be dead if no answer comes.
    pub fn dies_at(&self) -> Instant {
        self.last_answer.map_or(self.started + CHECK_TIMEOUT, |last| last + DEAD_AFTER)
    }

    pub fn next_timeout(&self) -> Instant {
        self.next_send
    }

    /// Sends a check when one is due.
    pub fn handle_timeout(&mut self, now: Instant, send: &mut SendTo<'_>) {
        if now < self.next_send || self.state(now) == IceState::Dead {
            return;
        }
        if self.last_answer.is_some() {
            // A consent check is a new transaction each time and is not retransmitted (RFC 7675 §5.1).
            self.transaction = new_transaction();
            let spread = u64::from(self.transaction[0]) * CONSENT_SPREAD_MS / 256;
            self.next_send = now + CONSENT_MIN + Duration::from_millis(spread);
        } else {
            self.next_send = now + self.rto;
            self.rto = (self.rto * 2).min(MAX_RTO);
        }
        let request = BindingRequest {
            transaction: self.transaction,
            remote_ufrag: &self.remote.ufrag,
            local_ufrag: &self.local.ufrag,
            priority: HOST_PRIORITY,
            controlling: self.tie_breaker,
            use_candidate: true,
        };
        let mut buf = [0; MAX_MESSAGE_LEN];
        if let Ok(len) = write_request(&mut buf, &request, self.remote.pwd.as_bytes()) {
            send(self.candidate, &buf[..len]);
        }
    }

    /// Takes one STUN datagram: only an authentic answer to the check under way counts. An error answer is
    /// not believed, for it may be forged: the check goes on until it times out.
    pub fn handle_stun(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        send: &mut SendTo<'_>,
    ) -> IceOutcome {
        let Ok(answer) = StunMessage::parse(datagram) else { return IceOutcome::Dropped(IceDrop::Malformed) };
        if answer.class == StunClass::Request {
            return self.check_back(from, &answer, send);
        }
        let expected = answer.class == StunClass::Success
            && answer.transaction == self.transaction
            && from == self.candidate;
        if !expected {
            return IceOutcome::Dropped(IceDrop::Unexpected);
        }
        if !answer.authentic(self.remote.pwd.as_bytes()) {
            return IceOutcome::Dropped(IceDrop::Unauthenticated);
        }
        let first = self.last_answer.is_none();
        self.last_answer = Some(now);
        if first {
            self.next_send = now + CONSENT_MIN;
            return IceOutcome::Selected(from);
        }
        IceOutcome::Checked
    }

    /// Answers the check of a full agent; whatever is not one gets no answer, for nothing depends on it.
    fn check_back(&self, from: SocketAddr, check: &StunMessage<'_>, send: &mut SendTo<'_>) -> IceOutcome {
        // Whatever role it claims: ours is fixed, and a lite or a controlled agent follows.
        if from != self.candidate || check.unknown_required.is_some() {
            return IceOutcome::Dropped(IceDrop::Unexpected);
        }
        let ours = Some((self.local.ufrag.as_str(), self.remote.ufrag.as_str()));
        if check.ufrags() != ours || !check.authentic(self.local.pwd.as_bytes()) {
            return IceOutcome::Dropped(IceDrop::Unauthenticated);
        }
        let mut buf = [0; MAX_MESSAGE_LEN];
        if let Ok(len) = write_success(&mut buf, &check.transaction, from, self.local.pwd.as_bytes()) {
            send(from, &buf[..len]);
        }
        IceOutcome::Checked
    }
}

fn new_transaction() -> TransactionId {
    let mut transaction = TransactionId::default();
    fill_random(&mut transaction);
    transaction
}
