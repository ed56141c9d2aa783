//! Datagrams out, in batches, each from an address of its own.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::RawFd;

use super::check;

/// Datagrams of one system call; what is queued beyond waits for the next.
const BATCH: usize = 128;
/// Datagrams that are queued at most.
const MOST: usize = 4_096;
/// Bytes of one `IP_PKTINFO` message with its header.
const CONTROL: usize = 32;

struct Waiting {
    from: Ipv4Addr,
    to: SocketAddrV4,
    len: usize,
}

/// Datagrams that wait for [`Outbox::flush`].
#[derive(Default)]
pub struct Outbox {
    /// One after the other.
    bytes: Vec<u8>,
    waiting: Vec<Waiting>,
}

impl Outbox {
    /// Queues a datagram; false when there is no room, and it is lost.
    pub fn push(&mut self, from: Ipv4Addr, to: SocketAddrV4, bytes: &[u8]) -> bool {
        let fits = self.waiting.len() < MOST;
        if fits {
            self.bytes.extend_from_slice(bytes);
            self.waiting.push(Waiting { from, to, len: bytes.len() });
        }
        fits
    }

    /// Sends all on an IPv4 UDP socket. Returns how many were lost, because its buffer is full or they cannot be sent.
    pub fn flush(&mut self, socket: RawFd) -> u64 {
        let (mut lost, mut start, mut done) = (0, 0, 0);
        while done < self.waiting.len() {
            let batch = &self.waiting[done..(done + BATCH).min(self.waiting.len())];
            let sent = match send(socket, batch, &mut self.bytes[start..]) {
                Ok(sent) => sent,
                // A signal is not the datagram's fault.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The first one failed, and nothing was sent.
                Err(_) => {
                    lost += 1;
                    1
                }
            };
            start += batch[..sent].iter().map(|waiting| waiting.len).sum::<usize>();
            done += sent;
        }
        self.bytes.clear();
        self.waiting.clear();
        lost
    }
}

/// Sends the first of the batch, at least one; returns how many.
fn send(socket: RawFd, batch: &[Waiting], mut bytes: &mut [u8]) -> io::Result<usize> {
    // SAFETY: all-zero is a valid value of these plain C structures.
    let (mut names, mut vectors, mut messages) = unsafe {
        (
            zeroed::<[libc::sockaddr_in; BATCH]>(),
            zeroed::<[libc::iovec; BATCH]>(),
            zeroed::<[libc::mmsghdr; BATCH]>(),
        )
    };
    let mut controls = [[0_u64; CONTROL / 8]; BATCH];
    for (i, Waiting { from, to, len }) in batch.iter().enumerate() {
        let (own, rest) = std::mem::take(&mut bytes).split_at_mut(*len);
        bytes = rest;
        names[i].sin_family = libc::AF_INET as _;
        names[i].sin_port = to.port().to_be();
        names[i].sin_addr.s_addr = u32::from(*to.ip()).to_be();
        vectors[i] = libc::iovec { iov_base: own.as_mut_ptr().cast(), iov_len: own.len() };
        let header = &mut messages[i].msg_hdr;
        header.msg_name = (&raw mut names[i]).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        header.msg_iov = &raw mut vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = controls[i].as_mut_ptr().cast();
        header.msg_controllen = CONTROL as _;
        // SAFETY: the control buffer has room for one header with an in_pktinfo (CMSG_SPACE is 32), and is aligned.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(header);
            (*message).cmsg_level = libc::IPPROTO_IP;
            (*message).cmsg_type = libc::IP_PKTINFO;
            (*message).cmsg_len = libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as _;
            let mut info: libc::in_pktinfo = zeroed();
            info.ipi_spec_dst.s_addr = u32::from(*from).to_be();
            libc::CMSG_DATA(message).cast::<libc::in_pktinfo>().write_unaligned(info);
        }
    }
    // SAFETY: every pointer points into a live array of this function, or into `bytes`.
    let sent = unsafe {
        libc::sendmmsg(socket, messages.as_mut_ptr(), batch.len() as libc::c_uint, libc::MSG_DONTWAIT as _)
    };
    check(sent).map(|sent| (sent as usize).max(1))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;

    use super::super::{Receiver, udp, udp_of_many};
    use super::*;

    #[test]
    fn each_datagram_leaves_from_its_address_and_an_answer_tells_whose_it_is() {
        let many = udp_of_many(false, 1 << 20).unwrap();
        let port = many.local_addr().unwrap().port();
        let node = udp("127.0.0.1:0".parse().unwrap(), false, 1 << 20).unwrap();
        let SocketAddr::V4(to) = node.local_addr().unwrap() else { panic!("IPv4 was bound") };
        let mut outbox = Outbox::default();
        // More than one batch.
        for i in 0..200_u8 {
            assert!(outbox.push(Ipv4Addr::new(127, 128, 7, i), to, &vec![i; usize::from(i) + 1]));
        }
        assert_eq!(outbox.flush(many.as_raw_fd()), 0);
        assert_eq!(outbox.flush(many.as_raw_fd()), 0, "nothing is sent twice");
        for i in 0..200_u8 {
            let mut buffer = [0; 300];
            let (len, from) = node.recv_from(&mut buffer).unwrap();
            assert_eq!((len, from), (usize::from(i) + 1, SocketAddr::from(([127, 128, 7, i], port))));
            node.send_to(&buffer[..1], from).unwrap();
        }
        let mut buffers = Receiver::of_many(false);
        let mut seen = Vec::new();
        while seen.len() < 200 {
            let received = buffers.receive(many.as_raw_fd(), |from, to, datagram| {
                assert_eq!(from, node.local_addr().unwrap());
                seen.push((to, datagram[0]));
            });
            assert!(received.unwrap().datagrams > 0, "loopback has delivered all of them");
        }
        let expected = (0..200).map(|i| (Some(Ipv4Addr::new(127, 128, 7, i)), i));
        assert_eq!(seen, expected.collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_sent_is_counted_and_does_not_stop_the_rest() {
        let many = udp_of_many(false, 1 << 20).unwrap();
        let node = udp("127.0.0.1:0".parse().unwrap(), false, 1 << 20).unwrap();
        let SocketAddr::V4(to) = node.local_addr().unwrap() else { panic!("IPv4 was bound") };
        let own = Ipv4Addr::new(127, 128, 0, 1);
        let mut outbox = Outbox::default();
        assert!(outbox.push(own, to, &[1]));
        assert!(outbox.push(own, to, &[2; 70_000]), "longer than a datagram can be");
        assert!(outbox.push(own, to, &[3]));
        assert_eq!(outbox.flush(many.as_raw_fd()), 1);
        let mut buffer = [0; 8];
        for expected in [1, 3] {
            assert_eq!(node.recv_from(&mut buffer).unwrap().0, 1);
            assert_eq!(buffer[0], expected);
        }
        assert!((0..MOST).all(|_| outbox.push(own, to, &[0])) && !outbox.push(own, to, &[0]), "bounded");
    }
}
