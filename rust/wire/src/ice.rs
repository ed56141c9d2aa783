//! ICE as two small agents: the lite responder of the server and the controlling agent of the load client
//! (RFC 8445 §2.5, §7; RFC 7675).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// No authenticated check for this long: the viewer's path is called degraded.
pub const DEGRADED_AFTER: Duration = Duration::from_secs(6);
/// No authenticated check for this long: consent has expired (RFC 7675 §5.1) and nothing may be sent any more.
pub const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Ufrag and password of one side.
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
}

impl IceCredentials {
    /// From 24 random bytes: ufrag of 8 characters (48 bits), password of 24 (144 bits), both ice-chars
    /// (RFC 8445 §5.3).
    pub fn from_random(random: &[u8; 24]) -> Self {
        let _ = random;
        todo!()
    }

    /// Fresh ones from the system's random source.
    pub fn generate() -> Self {
        todo!()
    }
}

/// Where a path stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IceState {
    /// No authenticated check with USE-CANDIDATE yet.
    Waiting,
    Alive,
    /// Nothing for [`DEGRADED_AFTER`].
    Degraded,
    /// Nothing for [`DEAD_AFTER`], or never any; stays so.
    Dead,
}

/// Why a STUN datagram got nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceDrop {
    Malformed,
    Unauthenticated,
    Unexpected,
}

/// What a STUN datagram did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceOutcome {
    Dropped(IceDrop),
    /// Authenticated; nothing changed but the time.
    Checked,
    /// Authenticated, and the remote address is now this one.
    Selected(SocketAddr),
}

/// Placeholder until the agents are filled in.
pub struct IceLite {
    pub(crate) _last: Option<Instant>,
}

impl std::fmt::Debug for IceCredentials {
    /// The password stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCredentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}
