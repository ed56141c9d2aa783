use super::*;
use crate::sys::receive::Receiver;

fn groups(sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    plan(sizes, true, &mut groups);
    groups.iter().map(|group| (group.count, group.segment)).collect()
}

#[test]
fn a_browser_frame_with_a_byte_between_packets_is_one_message() {
    assert_eq!(groups(&[1180, 1181, 1180, 1179, 612]), [(5, 1181)]);
}

#[test]
fn the_last_packet_may_be_short_but_not_long() {
    assert_eq!(groups(&[1000, 200]), [(2, 1000)]);
    assert_eq!(groups(&[200, 1000]), [(1, 200), (1, 1000)]);
}

#[test]
fn a_short_packet_in_the_middle_ends_the_message() {
    assert_eq!(groups(&[1000, 200, 1000, 1000]), [(2, 1000), (2, 1000)]);
}

#[test]
fn no_padding_exceeds_the_limit_and_every_packet_is_planned_once() {
    let mut seed = 7u64;
    for _ in 0..2000 {
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize
        };
        let sizes: Vec<usize> = (0..next() % 90)
            .map(|_| if next() % 3 == 0 { 40 + next() % 1200 } else { 1150 + next() % 30 })
            .collect();
        let mut planned = Vec::new();
        plan(&sizes, true, &mut planned);
        let mut rest = &sizes[..];
        for group in planned {
            let (mine, after) = rest.split_at(group.count);
            for size in &mine[..group.count - 1] {
                assert!(group.segment - size <= MAX_PADDING);
            }
            assert!(*mine.last().unwrap() <= group.segment);
            assert!(group.count <= MAX_SEGMENTS && group.count * group.segment <= MAX_MESSAGE);
            rest = after;
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn without_gso_every_packet_is_its_own() {
    let mut planned = Vec::new();
    plan(&[100, 100, 100], false, &mut planned);
    assert_eq!(planned.len(), 3);
}

fn receive(receiver: &mut Receiver, udp: &Udp, want: usize) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    let mut epoll = crate::sys::epoll::Epoll::new().unwrap();
    epoll.add(&udp.socket, 0, crate::sys::epoll::Interest::Read).unwrap();
    let mut ready = Vec::new();
    while got.len() < want {
        epoll.wait(Some(Duration::from_secs(5)), &mut ready).unwrap();
        assert!(!ready.is_empty(), "only {} of {want} datagrams came", got.len());
        receiver.fill(udp).unwrap();
        receiver.for_each(|_, bytes| got.push(bytes.to_vec()));
    }
    got
}

#[test]
fn segments_arrive_as_datagrams_and_calls_are_shared() {
    for joined in [false, true] {
        let from = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let to = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut receiver = Receiver::new(&to, joined).unwrap();
        let mut egress = Egress::default();
        egress.begin(&from, to.local, Group { count: 3, segment: 500 });
        for (fill, len) in [(1u8, 500), (2, 500), (3, 123)] {
            egress.room()[..len].fill(fill);
            egress.commit(len);
        }
        egress.datagram(&from, to.local, &[9; 40]);
        egress.flush(&from);
        let got = receive(&mut receiver, &to, 4);
        let lens: Vec<usize> = got.iter().map(Vec::len).collect();
        assert_eq!(lens, [500, 500, 123, 40]);
        assert_eq!((got[1][0], got[3][0]), (2, 9));
        assert_eq!((egress.sent.packets, egress.sent.messages), (4, 2));
        assert_eq!(egress.sent.bytes, 1163);
    }
}

#[test]
fn a_refused_segmentation_still_delivers_every_packet_and_is_given_up_in_the_end() {
    let from = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut receiver = Receiver::new(&to, false).unwrap();
    // The kernel refuses to segment for a socket without UDP checksums.
    super::super::udp::set_option(from.socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_NO_CHECK, 1).unwrap();
    let mut egress = Egress::default();
    for round in 1..=65 {
        egress.begin(&from, to.local, Group { count: 2, segment: 300 });
        for len in [300, 100] {
            egress.room()[..len].fill(7);
            egress.commit(len);
        }
        egress.flush(&from);
        let lens: Vec<usize> = receive(&mut receiver, &to, 2).iter().map(Vec::len).collect();
        assert_eq!(lens, [300, 100]);
        assert_eq!((egress.sent.split, egress.sent.packets, egress.gso()), (round, 2 * round, round < 65));
    }
}

#[test]
fn more_than_a_batch_goes_out_in_order() {
    let from = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = Udp::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut receiver = Receiver::new(&to, false).unwrap();
    let mut egress = Egress::default();
    for index in 0..200u8 {
        egress.datagram(&from, to.local, &[index; 100]);
    }
    egress.flush(&from);
    let got = receive(&mut receiver, &to, 200);
    assert!(got.iter().enumerate().all(|(index, bytes)| bytes[0] == index as u8));
}
