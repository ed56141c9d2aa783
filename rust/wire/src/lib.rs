//! Protocol layers of RTP media: bytes in, meaning out. No sockets, no clocks, no threads; time is an
//! argument. Every input is hostile: a parser returns an error with a stable code, never panics, and its work
//! and memory are bounded by the length of the datagram.
//!
//! From the bottom up: [`rtp`] and [`rtcp`] are packets; [`stun`] and [`ice`] find and hold the path; [`dtls`]
//! agrees on keys; [`srtp`] uses them; [`transport`] is the five as one connection; [`framing`] carries it over
//! TCP; [`sdp`] is the offer and the answer that begin it.

pub mod dtls;
pub mod framing;
pub mod ice;
pub mod prefetch;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod srtp;
pub mod stun;
pub mod transport;

/// What the executables say of themselves. A build with checks is for tests: what it measures is of no use.
pub const VERSION: &str = if cfg!(debug_assertions) {
    concat!(env!("CARGO_PKG_VERSION"), " (with checks)")
} else {
    env!("CARGO_PKG_VERSION")
};
