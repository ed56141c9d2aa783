//! One UDP socket for all viewers of a thread, on loopback.
//!
//! Each viewer has an address of its own in 127/8, so that the node sees one 5-tuple a client: that is how it tells DTLS
//! associations apart, and how packets that arrive here are told apart, by the address that they were sent to. It saves
//! what ten thousand sockets cost: a wake-up and a system call for nearly every packet, and in the sender's own context.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use crate::stats::Counters;
use crate::sys::{self, Outbox, Receiver, Step};

/// Asked of the kernel: a packet to each of ten thousand viewers, several times over, while this thread does something
/// else. It takes memory only while packets wait.
const RECEIVE_BUFFER: i32 = 512 << 20;
/// With less than this (bytes, as the kernel counts) a socket each is the better receiver.
pub const LEAST_BUFFER: u64 = 16 << 20;
/// Of the first viewer. Sites' TCP connections come from 127.64.0.1 and up, and end before this.
const FIRST: u32 = u32::from_be_bytes([127, 128, 0, 1]);
/// Addresses of a thread (it has a port of its own). One is not used again before all others were: what is still on its
/// way to a client that left must not meet another.
const ADDRESSES: u32 = 1 << 20;
const NOBODY: u32 = u32::MAX;

/// See the module.
pub struct Shared {
    socket: UdpSocket,
    outbox: Arc<Mutex<Outbox>>,
    /// Owner's place by number of the address, as far as addresses were ever used.
    owners: Vec<u32>,
    next: u32,
    drops: u32,
    buffer: u64,
}

/// What [`Shared::receive`] gives of a packet: that it is to come, several times (0, 1, ...), then sender and bytes.
pub enum Parcel<'a> {
    Soon(usize, &'a [u8]),
    Now(SocketAddr, &'a mut [u8]),
}

/// One client's address on a shared socket.
pub struct Seat {
    outbox: Arc<Mutex<Outbox>>,
    fd: RawFd,
    address: Ipv4Addr,
}

impl Seat {
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Of the shared socket.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.fd
    }

    /// Queues a datagram, which leaves when the thread has done its round. False: lost.
    pub fn send(&self, to: SocketAddrV4, bytes: &[u8]) -> bool {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner).push(self.address, to, bytes)
    }
}

impl Shared {
    /// Binds a port.
    ///
    /// # Errors
    /// As `bind` and `setsockopt`.
    pub fn open(gro: bool) -> io::Result<Self> {
        let socket = sys::udp_of_many(gro, RECEIVE_BUFFER)?;
        let buffer = sys::receive_buffer(&socket)?;
        Ok(Self { socket, outbox: Arc::default(), owners: Vec::new(), next: 0, drops: 0, buffer })
    }

    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Bytes that the kernel lets wait.
    #[must_use]
    pub fn buffer(&self) -> u64 {
        self.buffer
    }

    /// An address that nobody has. It counts as free until [`Self::own`].
    ///
    /// # Errors
    /// When there is none.
    pub fn seat(&mut self) -> io::Result<Seat> {
        for _ in 0..ADDRESSES {
            let number = self.next;
            self.next = (self.next + 1) % ADDRESSES;
            if self.owners.get(number as usize).is_none_or(|owner| *owner == NOBODY) {
                let address = Ipv4Addr::from(FIRST + number);
                return Ok(Seat { outbox: self.outbox.clone(), fd: self.fd(), address });
            }
        }
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    /// What comes to `address` is from now on for the client at `place`; none: for nobody.
    pub fn own(&mut self, address: Ipv4Addr, place: Option<usize>) {
        let Some(number) = number_of(address) else { return };
        if self.owners.len() <= number {
            self.owners.resize(number + 1, NOBODY);
        }
        self.owners[number] = place.map_or(NOBODY, |place| place as u32);
    }

    /// Reads one batch: `take` gets each packet's owner's place. Returns whether there may be more, and how many came.
    pub fn receive(
        &mut self,
        buffers: &mut Receiver,
        counters: &mut Counters,
        mut take: impl FnMut(usize, Parcel<'_>),
    ) -> (bool, usize) {
        let owners = &self.owners;
        let mut strays = 0;
        let owner = |to: Ipv4Addr| {
            let place = *owners.get(number_of(to)?)?;
            (place != NOBODY).then_some(place as usize)
        };
        let received = buffers.receive_ahead(self.socket.as_raw_fd(), |step| match step {
            Step::Soon { step, to, datagram } => {
                if let Some(place) = owner(to) {
                    take(place, Parcel::Soon(step, datagram));
                }
            }
            Step::Now { from, to, datagram } => match to.and_then(owner) {
                Some(place) => take(place, Parcel::Now(from, datagram)),
                None => strays += 1,
            },
        });
        counters.strays += strays;
        // An error is about a packet of one of many; whose, the transports' own timers will find.
        let Ok(received) = received else { return (false, 0) };
        if let Some(dropped) = received.dropped {
            counters.own_drops += u64::from(dropped.wrapping_sub(self.drops));
            self.drops = dropped;
        }
        (received.more, received.datagrams)
    }

    /// Sends what clients have queued.
    pub fn flush(&self, counters: &mut Counters) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        counters.send_blocked += outbox.flush(self.socket.as_raw_fd());
    }
}

fn number_of(address: Ipv4Addr) -> Option<usize> {
    let number = u32::from(address).wrapping_sub(FIRST);
    (number < ADDRESSES).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_one_socket_get_their_own_packets_and_strays_are_counted() {
        for gro in [false, true] {
            let mut shared = Shared::open(gro).unwrap();
            let port = shared.socket.local_addr().unwrap().port();
            let (one, two) = (shared.seat().unwrap(), shared.seat().unwrap());
            assert_ne!(one.address(), two.address());
            shared.own(one.address(), Some(7));
            shared.own(two.address(), Some(9));
            let node = UdpSocket::bind("127.0.0.1:0").unwrap();
            let send = |ip: Ipv4Addr, text: &[u8]| node.send_to(text, SocketAddr::from((ip, port))).unwrap();
            send(two.address(), b"for two");
            send(one.address(), b"for one");
            // Of the machine's loopback, of nobody's number, and of no number at all.
            send(Ipv4Addr::new(127, 128, 9, 9), b"nobody");
            send(Ipv4Addr::LOCALHOST, b"nobody");
            send(two.address(), b"for two");
            let (mut counters, mut seen) = (Counters::default(), Vec::new());
            let mut buffers = Receiver::of_many(gro);
            let (more, count) = shared.receive(&mut buffers, &mut counters, |place, parcel| {
                if let Parcel::Now(from, datagram) = parcel {
                    assert_eq!(from, node.local_addr().unwrap());
                    seen.push((place, datagram.to_vec()));
                }
            });
            let two_packet = (9, b"for two".to_vec());
            assert_eq!(seen, [two_packet.clone(), (7, b"for one".to_vec()), two_packet]);
            assert_eq!((more, count, counters.strays, counters.own_drops), (false, 5, 2, 0));
            // Who has left gets nothing, and neither does the next to come.
            shared.own(one.address(), None);
            let next = shared.seat().unwrap();
            shared.own(next.address(), Some(7));
            send(one.address(), b"late");
            shared.receive(&mut buffers, &mut counters, |place, _| panic!("given to {place}"));
            assert_eq!(counters.strays, 3);
        }
    }

    #[test]
    fn addresses_go_round_and_those_in_use_are_left_out() {
        let mut shared = Shared::open(false).unwrap();
        let first = shared.seat().unwrap().address();
        shared.own(first, Some(0));
        shared.next = ADDRESSES - 1;
        let last = shared.seat().unwrap().address();
        assert!(last.is_loopback() && !last.is_broadcast() && last.octets()[1] < 255);
        assert_eq!(u32::from(shared.seat().unwrap().address()), FIRST + 1, "the first is taken");
    }
}
