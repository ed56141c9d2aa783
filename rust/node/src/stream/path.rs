//! The address of a TCP connection, beside those of UDP peers.
//!
//! Transports know their peer by a `SocketAddr`. A peer over TCP may have the numbers of one over UDP, so its address
//! here is a mapped or plain IPv6 address whose flow label is the number of its stream: never zero, while what comes
//! from the UDP socket always has zero there (`sys::address`). One comparison on the way out tells them apart.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;

/// Names a stream of a worker; never used again by it.
pub type Number = NonZeroU32;

/// The path of stream `number` to `peer`.
pub fn of_stream(peer: SocketAddr, number: Number) -> SocketAddr {
    let ip = match peer.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddr::V6(SocketAddrV6::new(ip, peer.port(), number.get(), 0))
}

/// The stream that a path is; `None`: a UDP peer.
#[inline]
pub fn stream_of(path: SocketAddr) -> Option<Number> {
    match path {
        SocketAddr::V4(_) => None,
        SocketAddr::V6(v6) => NonZeroU32::new(v6.flowinfo()),
    }
}

/// The peer's address as it is on the wire.
pub fn peer_of(path: SocketAddr) -> SocketAddr {
    SocketAddr::new(path.ip().to_canonical(), path.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_told_from_a_udp_peer_of_the_same_address() {
        for text in ["192.0.2.1:5004", "[2001:db8::1]:443"] {
            let peer: SocketAddr = text.parse().unwrap();
            let number = NonZeroU32::new(7).unwrap();
            let path = of_stream(peer, number);
            assert_ne!(path, peer);
            assert_eq!((stream_of(path), peer_of(path)), (Some(number), peer));
            assert_eq!((stream_of(peer), peer_of(peer)), (None, peer));
        }
    }
}
