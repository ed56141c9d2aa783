//! Socket addresses between Rust and the kernel. A node bound to an IPv6 socket also serves IPv4 (mapped
//! addresses, RFC 4291 §2.5.5.2); inside the node an IPv4 peer is always written as IPv4.

use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// An address as the kernel wants it, big enough for both families.
#[derive(Clone, Copy)]
#[repr(C)]
pub union KernelAddress {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

/// Bytes of the larger family.
pub const KERNEL_ADDRESS_LEN: libc::socklen_t = mem::size_of::<KernelAddress>() as libc::socklen_t;

impl KernelAddress {
    /// All zero: family `AF_UNSPEC`, to be written by the kernel.
    pub fn empty() -> Self {
        // SAFETY: both variants are plain integers, for which zero bytes are a value.
        unsafe { mem::zeroed() }
    }

    /// Writes `address` for a socket of the given family and returns its length in bytes.
    pub fn set(&mut self, address: SocketAddr, socket_is_v6: bool) -> libc::socklen_t {
        match (address, socket_is_v6) {
            (SocketAddr::V4(v4), false) => {
                *self = Self::empty();
                self.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                mem::size_of::<libc::sockaddr_in>() as libc::socklen_t
            }
            (SocketAddr::V4(v4), true) => {
                self.set_v6(&SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))
            }
            (SocketAddr::V6(v6), _) => self.set_v6(&v6),
        }
    }

    fn set_v6(&mut self, v6: &SocketAddrV6) -> libc::socklen_t {
        self.v6 = libc::sockaddr_in6 {
            sin6_family: libc::AF_INET6 as libc::sa_family_t,
            sin6_port: v6.port().to_be(),
            sin6_flowinfo: v6.flowinfo(),
            sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
            sin6_scope_id: v6.scope_id(),
        };
        mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t
    }

    /// Reads what the kernel wrote; a mapped IPv4 address comes out as IPv4. None for other families.
    pub fn get(&self) -> Option<SocketAddr> {
        // SAFETY: the family is at the same place in both variants, and any bytes are valid integers.
        unsafe {
            match libc::c_int::from(self.v4.sin_family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(self.v4.sin_port)))
                }
                libc::AF_INET6 => {
                    let ip = Ipv6Addr::from(self.v6.sin6_addr.s6_addr);
                    let port = u16::from_be(self.v6.sin6_port);
                    Some(match ip.to_ipv4_mapped() {
                        Some(v4) => SocketAddr::new(IpAddr::V4(v4), port),
                        None => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, self.v6.sin6_scope_id)),
                    })
                }
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_form() {
        for (text, v6_socket) in [
            ("127.0.0.1:5004", false),
            ("127.0.0.1:5004", true),
            ("[2001:db8::1]:443", true),
            ("[fe80::1%3]:9", true),
        ] {
            let address: SocketAddr = text.parse().unwrap();
            let mut kernel = KernelAddress::empty();
            kernel.set(address, v6_socket);
            assert_eq!(kernel.get(), Some(address), "{text}");
        }
    }

    #[test]
    fn an_unwritten_address_is_none() {
        assert_eq!(KernelAddress::empty().get(), None);
    }
}
