//! Whole connections: handshakes over bad networks, and what strangers, forgers and silence get.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{CLIENT, End, Network, PERFECT, SERVER, World, addr};
use diemcau_wire::dtls::{Certificate, DtlsError, Fingerprint};
use diemcau_wire::ice::{IceClient, IceCredentials, IceDrop, IceLite, IceOutcome, IceState};
use diemcau_wire::rtcp::{RtcpPacket, packets};
use diemcau_wire::stun::{BindingRequest, StunClass, StunMessage, write_request};
use diemcau_wire::transport::{DropReason, Incoming, TransportError};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever strangers, or whoever can write the client's address on a datagram, send: the connection stays
    /// where it is and goes on.
    #[test]
    fn a_connection_survives_any_bytes(
        datagrams in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let mut world = World::new(1, PERFECT);
        world.connect();
        for (as_client, datagram) in datagrams {
            let from = addr(if as_client { CLIENT } else { "203.0.113.66:666" });
            world.inject(from, &datagram);
            prop_assert_eq!(world.server.remote_addr(), Some(addr(CLIENT)));
        }
        world.send_rtp(1, b"picture");
        world.send_nack();
        world.run(Duration::from_millis(10)).unwrap();
        prop_assert_eq!(world.received.len(), 2);
    }

    /// Damaged copies of real datagrams, all through the handshake: it may fail, for records of a handshake are
    /// not yet authenticated, but by an error, in time, and not by a panic.
    #[test]
    fn a_handshake_with_damaged_copies_ends_well_or_by_an_error(
        seed in 0u64..1000,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut world = World::new(seed, Network { jitter_ms: 5, ..PERFECT });
        let until = world.now + Duration::from_secs(31);
        let mut last = Vec::new();
        while !(world.server.is_connected() && world.client.is_connected()) {
            let next = world.flying.values().next().filter(|(to, ..)| *to == End::Server);
            if let Some((_, from, datagram)) = next.filter(|(.., d)| **d != last).cloned() {
                last = datagram.clone();
                let mut copy = datagram;
                for (at, byte) in &damage {
                    let at = at.index(copy.len());
                    copy[at] = *byte;
                }
                let now = world.now;
                let result = world.server.handle_datagram(now, from, &mut copy, &mut |_, _| {});
                if let Err(error) = result {
                    prop_assert!(matches!(error, TransportError::Dtls(_)));
                    break;
                }
            }
            match world.step(until) {
                Ok(going) => prop_assert!(going, "neither connected nor failed"),
                Err(error) => {
                    let expected = matches!(error, TransportError::Dtls(_) | TransportError::ConnectTimeout);
                    prop_assert!(expected, "{error}");
                    break;
                }
            }
        }
    }
}

#[test]
fn connects_in_a_few_round_trips_and_carries_media_both_ways() {
    let mut world = World::new(1, PERFECT);
    let took = world.connect();
    assert!(took < Duration::from_millis(20), "{took:?}");
    assert_eq!(world.server.remote_addr(), Some(addr(CLIENT)));
    assert_eq!(world.client.remote_addr(), Some(addr(SERVER)));
    assert_eq!(world.server.srtp_profile(), world.client.srtp_profile());

    world.send_rtp(1, b"picture");
    world.send_nack();
    world.run(Duration::from_millis(5)).unwrap();
    world.received.sort_by_key(|(end, _)| *end as u8);
    let [(End::Server, rtcp), (End::Client, rtp)] = &world.received[..] else {
        panic!("{:?}", world.received);
    };
    assert_eq!(&rtp[12..], b"picture");
    assert!(packets(rtcp).any(|p| matches!(p, Ok(RtcpPacket::Nack { media_ssrc: 7, .. }))));
}

/// Servers that are full agents send nothing before their own check has been answered.
#[test]
fn a_client_answers_the_checks_of_its_server_and_of_nobody_else() {
    let now = std::time::Instant::now();
    let (ours, theirs) = (IceCredentials::generate(), IceCredentials::generate());
    let mut client = IceClient::new(ours.clone(), theirs.clone(), addr(SERVER), now);
    let mut check = |from: &str, password: &str| {
        let request = BindingRequest {
            transaction: [3; 12],
            remote_ufrag: &ours.ufrag,
            local_ufrag: &theirs.ufrag,
            priority: 1,
            controlling: 1,
            use_candidate: false,
        };
        let mut buf = [0; 200];
        let len = write_request(&mut buf, &request, password.as_bytes()).unwrap();
        let mut answers = Vec::new();
        let outcome = client
            .handle_stun(now, addr(from), &buf[..len], &mut |to, bytes| answers.push((to, bytes.to_vec())));
        (outcome, answers)
    };
    let (outcome, answers) = check(SERVER, &ours.pwd);
    assert_eq!((outcome, answers[0].0), (IceOutcome::Checked, addr(SERVER)));
    let answer = StunMessage::parse(&answers[0].1).unwrap();
    assert!(answer.class == StunClass::Success && answer.authentic(ours.pwd.as_bytes()));
    let forged = (IceOutcome::Dropped(IceDrop::Unauthenticated), vec![]);
    assert_eq!(check(SERVER, &theirs.pwd), forged);
    assert_eq!(check("203.0.113.66:666", &ours.pwd).1, vec![]);
    assert_eq!(client.selected(), None);
}

/// Every seed must connect: 20 % loss each way, duplicates, and reordering across 60 ms.
#[test]
fn connects_over_networks_that_lose_repeat_and_reorder() {
    let network = Network { loss: 20, duplicate: 20, jitter_ms: 60 };
    for seed in 0..60 {
        let mut world = World::new(seed, network);
        let took = world.connect();
        assert!(took < Duration::from_secs(25), "seed {seed}: {took:?}");
        world.network = PERFECT;
        world.send_rtp(1, b"picture");
        world.run(Duration::from_millis(100)).unwrap();
        assert_eq!(world.received.len(), 1, "seed {seed}");
    }
}

/// Splits the ClientHello into fragments of 40 bytes, each its own datagram, as Firefox 148 and later do (there
/// for a long key share), and lets the network shuffle, repeat and lose them.
#[test]
fn a_client_hello_in_fragments_out_of_order_is_put_together() {
    let networks = [
        Network { loss: 0, duplicate: 0, jitter_ms: 40 },
        Network { loss: 0, duplicate: 40, jitter_ms: 40 },
        Network { loss: 15, duplicate: 15, jitter_ms: 40 },
    ];
    for (i, network) in networks.into_iter().cycle().take(30).enumerate() {
        let mut world = World::new(500 + i as u64, network);
        let mut fragmenter = Fragmenter { next_sequence: 0, pieces: 0 };
        world.tap = Some(Box::new(move |datagram| fragmenter.rewrite(datagram)));
        world.connect();
    }
}

/// Gives every epoch-0 record of a client a new sequence number, and cuts ClientHellos.
struct Fragmenter {
    next_sequence: u64,
    pieces: usize,
}

impl Fragmenter {
    fn rewrite(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        if !(20..64).contains(&datagram[0]) {
            return vec![datagram.to_vec()];
        }
        let mut whole = Vec::new();
        let mut out = Vec::new();
        let mut rest = datagram;
        while let Some(head) = rest.get(..13) {
            let len = 13 + usize::from(u16::from_be_bytes([head[11], head[12]]));
            let (record, after) = rest.split_at(len);
            rest = after;
            let epoch = u16::from_be_bytes([record[3], record[4]]);
            if epoch == 0 && record[0] == 22 && record[13] == 1 {
                out.extend(self.cut(record));
            } else if epoch == 0 {
                whole.extend(self.record(record[0], &record[13..]));
            } else {
                whole.extend_from_slice(record);
            }
        }
        if !whole.is_empty() {
            out.push(whole);
        }
        out
    }

    fn cut(&mut self, record: &[u8]) -> Vec<Vec<u8>> {
        let (header, body) = record[13..].split_at(12);
        let mut out = Vec::new();
        for (i, piece) in body.chunks(40).enumerate() {
            let mut fragment = header[..6].to_vec();
            fragment.extend(&((40 * i) as u32).to_be_bytes()[1..]);
            fragment.extend(&(piece.len() as u32).to_be_bytes()[1..]);
            fragment.extend(piece);
            out.push(self.record(22, &fragment));
        }
        self.pieces = out.len();
        assert!(self.pieces > 2, "one record of {} bytes is no test", body.len());
        out
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 0xfe, 0xfd, 0, 0];
        record.extend(&self.next_sequence.to_be_bytes()[2..]);
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        self.next_sequence += 1;
        record
    }
}

#[test]
fn a_certificate_that_the_sdp_did_not_announce_ends_the_connection_on_either_side() {
    let mut world = World::with(1, PERFECT, |server, _| server.remote_fingerprint = Fingerprint([0; 32]));
    let error = world.run(Duration::from_secs(5)).unwrap_err();
    assert_eq!(error, TransportError::Dtls(DtlsError::FingerprintMismatch));
    assert_eq!(error.code(), "dtls_fingerprint_mismatch");
    assert!(!world.server.is_connected());

    let other = Arc::new(Certificate::generate().unwrap());
    let mut world = World::with(1, PERFECT, |server, _| server.certificate = other.clone());
    let error = world.run(Duration::from_secs(5)).unwrap_err();
    assert_eq!(error, TransportError::Dtls(DtlsError::FingerprintMismatch));
    assert!(!world.client.is_connected());
}

#[test]
fn nothing_goes_anywhere_before_an_authenticated_check() {
    let mut world = World::new(1, PERFECT);
    let from = addr("203.0.113.66:666");
    let hello = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(world.inject(from, &hello), Some(DropReason::WrongAddress));
    assert_eq!(world.inject(from, &[0x80; 40]), Some(DropReason::WrongAddress));
    assert_eq!(world.inject(from, &[0x80, 200, 0, 6, 0, 0, 0, 1]), Some(DropReason::WrongAddress));
    assert_eq!(world.inject(from, &[]), Some(DropReason::Unknown));
    assert_eq!(world.inject(from, &[0x47; 20]), Some(DropReason::Unknown));
    assert_eq!(world.inject(from, &[0, 1, 0, 0]), Some(DropReason::StunMalformed));
    assert_eq!(world.server.drops(DropReason::WrongAddress), 3);
    assert_eq!(world.server.remote_addr(), None);
}

#[test]
fn media_before_the_handshake_is_dropped() {
    let mut world = World::new(1, PERFECT);
    while world.server.remote_addr().is_none() {
        world.step(world.now + Duration::from_secs(1)).unwrap();
    }
    assert_eq!(world.inject(addr(CLIENT), &[0x80; 40]), Some(DropReason::BeforeKeys));
}

#[test]
fn forged_and_replayed_packets_get_nowhere() {
    let mut world = World::new(1, PERFECT);
    world.connect();
    let nack = world.send_nack();
    world.run(Duration::from_millis(5)).unwrap();
    assert_eq!(world.received.len(), 1);
    assert_eq!(world.inject(addr(CLIENT), &nack), Some(DropReason::SrtpReplayed));
    let mut forged = nack.clone();
    forged[10] ^= 1;
    forged[nack.len() - 1] = 9;
    assert_eq!(world.inject(addr(CLIENT), &forged), Some(DropReason::SrtpForged));
    assert_eq!(world.inject(addr(CLIENT), &nack[..20]), Some(DropReason::SrtpForged));
    assert_eq!(world.inject(addr("203.0.113.66:666"), &nack), Some(DropReason::WrongAddress));
    // A viewer does not send media.
    assert_eq!(world.inject(addr(CLIENT), &[0x80; 60]), Some(DropReason::SrtpUnexpected));
    assert_eq!(DropReason::ALL.map(|reason| world.server.drops(reason)).iter().sum::<u32>(), 5);
}

fn check(world: &World, local: &IceCredentials, remote: &IceCredentials, use_candidate: bool) -> Vec<u8> {
    let request = BindingRequest {
        transaction: [world.received.len() as u8; 12],
        remote_ufrag: &local.ufrag,
        local_ufrag: &remote.ufrag,
        priority: 1,
        controlling: 1,
        use_candidate,
    };
    let mut buf = [0; 500];
    let len = write_request(&mut buf, &request, local.pwd.as_bytes()).unwrap();
    buf[..len].to_vec()
}

#[test]
fn the_address_moves_only_by_an_authenticated_check_with_use_candidate() {
    let mut credentials = None;
    let slot = std::cell::RefCell::new(&mut credentials);
    let mut world = World::with(1, PERFECT, |server, _| {
        **slot.borrow_mut() = Some((server.local.clone(), server.remote.clone()));
    });
    let (local, remote) = credentials.unwrap();
    world.connect();
    let elsewhere = addr("203.0.113.9:9999");

    let stranger = IceCredentials { ufrag: local.ufrag.clone(), pwd: "x".repeat(24) };
    let wrong = check(&world, &stranger, &remote, true);
    assert_eq!(world.inject(elsewhere, &wrong), Some(DropReason::StunUnauthenticated));
    assert_eq!(world.server.remote_addr(), Some(addr(CLIENT)));

    let mismatched = IceCredentials { ufrag: "someone".into(), pwd: remote.pwd.clone() };
    let wrong = check(&world, &local, &mismatched, true);
    assert_eq!(world.inject(elsewhere, &wrong), Some(DropReason::StunUnauthenticated));

    let unnominated = check(&world, &local, &remote, false);
    assert_eq!(world.inject(elsewhere, &unnominated), None);
    assert_eq!(world.server.remote_addr(), Some(addr(CLIENT)));

    let nominated = check(&world, &local, &remote, true);
    assert_eq!(world.inject(elsewhere, &nominated), None);
    assert_eq!(world.server.remote_addr(), Some(elsewhere));
}

#[test]
fn a_check_is_told_where_more_than_checks_may_come_from_its_address() {
    let mut credentials = None;
    let slot = std::cell::RefCell::new(&mut credentials);
    let mut world = World::with(1, PERFECT, |server, _| {
        **slot.borrow_mut() = Some((server.local.clone(), server.remote.clone()));
    });
    let (local, remote) = credentials.unwrap();
    let (plain, nominating) = (check(&world, &local, &remote, false), check(&world, &local, &remote, true));
    let now = world.now;
    let mut told = |from: SocketAddr, datagram: &[u8]| {
        let mut datagram = datagram.to_vec();
        match world.server.handle_datagram(now, from, &mut datagram, &mut |_, _| {}).unwrap() {
            Incoming::Checked => "checked",
            Incoming::Selected(to) if to == from => "selected",
            Incoming::None => "nothing",
            other => panic!("{other:?}"),
        }
    };
    let from = |port: u16| addr(&format!("198.51.100.9:{port}"));
    for port in 1..=4 {
        assert_eq!((told(from(port), &plain), told(from(port), &plain)), ("checked", "checked"));
    }
    assert_eq!(told(from(5), &plain), "nothing", "as many as are remembered, no more");
    assert_eq!(told(from(2), &nominating), "selected");
    assert_eq!((told(from(2), &plain), told(from(2), &nominating)), ("checked", "checked"));
    assert_eq!(told(from(1), &plain), "nothing", "media from elsewhere does not count any more");
}

/// Chromium's order: a check, the ClientHello, and only then the check that nominates.
#[test]
fn a_client_hello_before_the_nomination_waits_for_it_within_bounds() {
    let mut credentials = None;
    let slot = std::cell::RefCell::new(&mut credentials);
    let mut world = World::with(1, PERFECT, |server, _| {
        **slot.borrow_mut() = Some((server.local.clone(), server.remote.clone()));
    });
    let (local, remote) = credentials.unwrap();
    let hello = client_hello();
    let check_only = check(&world, &local, &remote, false);
    assert_eq!(world.inject(addr(CLIENT), &hello), Some(DropReason::WrongAddress), "no check yet");
    assert_eq!(world.inject(addr(CLIENT), &check_only), None);
    assert_eq!(world.inject(addr("203.0.113.66:666"), &hello), Some(DropReason::WrongAddress), "a stranger");
    let mut long = hello.clone();
    long.resize(1501, 0);
    assert_eq!(world.inject(addr(CLIENT), &long), Some(DropReason::WrongAddress), "too long to keep");
    for _ in 0..4 {
        assert_eq!(world.inject(addr(CLIENT), &hello), None);
    }
    assert_eq!(world.inject(addr(CLIENT), &hello), Some(DropReason::WrongAddress), "no room for a fifth");

    let mut answers = Vec::new();
    let mut nominate = check(&world, &local, &remote, true);
    let now = world.now;
    let mut send = |to, bytes: &[u8]| answers.push((to, bytes[0]));
    world.server.handle_datagram(now, addr(CLIENT), &mut nominate, &mut send).unwrap();
    assert_eq!(answers[0], (addr(CLIENT), 1), "the check's answer");
    assert!(answers[1..].contains(&(addr(CLIENT), 22)), "and at once the handshake's: {answers:?}");
}

#[test]
fn of_the_addresses_that_check_only_a_few_are_remembered() {
    let now = std::time::Instant::now();
    let (local, remote) = (IceCredentials::generate(), IceCredentials::generate());
    let mut ice = IceLite::new(local.clone(), remote.ufrag.clone(), now);
    let world = World::new(1, PERFECT);
    let unnominated = check(&world, &local, &remote, false);
    let from = |port: u16| addr(&format!("198.51.100.9:{port}"));
    for port in 1..=9 {
        assert_eq!(ice.handle_stun(now, from(port), &unnominated, &mut |_, _| {}), IceOutcome::Checked);
    }
    assert_eq!((1..=9).filter(|port| ice.may_be_selected(from(*port))).count(), 4);
    let nominated = check(&world, &local, &remote, true);
    let outcome = ice.handle_stun(now, from(9), &nominated, &mut |_, _| {});
    assert_eq!(outcome, IceOutcome::Selected(from(9)));
    assert!(!ice.may_be_selected(from(1)), "forgotten after the selection");
}

/// A client's first DTLS datagram.
fn client_hello() -> Vec<u8> {
    let mut world = World::new(1, PERFECT);
    loop {
        world.step(world.now + Duration::from_secs(1)).unwrap();
        let hello = world.flying.values().find(|(to, _, bytes)| *to == End::Server && bytes[0] == 22);
        if let Some((.., hello)) = hello {
            return hello.clone();
        }
    }
}

#[test]
fn media_follows_a_client_whose_address_changes() {
    let mut world = World::new(3, PERFECT);
    world.connect();
    world.move_client(addr("198.51.100.8:1234"));
    // The next consent check comes within 5 s and carries the new address.
    world.run(Duration::from_secs(6)).unwrap();
    assert_eq!(world.server.remote_addr(), Some(addr("198.51.100.8:1234")));
    world.send_rtp(1, b"picture");
    world.run(Duration::from_millis(10)).unwrap();
    assert_eq!(world.received.len(), 1);
}

#[test]
fn silence_is_degraded_after_6_s_and_dead_after_30() {
    let mut world = World::new(1, PERFECT);
    world.connect();
    world.run(Duration::from_secs(60)).unwrap();
    assert_eq!(world.server.ice_state(world.now), IceState::Alive, "consent checks keep it alive");

    let silent_from = world.now;
    world.network.loss = 100;
    world.run(Duration::from_secs(7)).unwrap();
    assert_eq!(world.server.ice_state(world.now), IceState::Degraded);
    let error = world.run(Duration::from_secs(60)).unwrap_err();
    assert_eq!(error, TransportError::ConsentExpired);
    let died = world.now - silent_from;
    assert!(died > Duration::from_secs(24) && died <= Duration::from_secs(30), "{died:?}");
}

#[test]
fn a_client_that_nobody_answers_gives_up() {
    let mut world = World::new(1, Network { loss: 100, ..PERFECT });
    let start = world.now;
    assert_eq!(world.run(Duration::from_secs(60)).unwrap_err(), TransportError::ConsentExpired);
    assert_eq!(world.now - start, Duration::from_secs(15));
}

#[test]
fn a_server_gives_up_on_a_client_that_checks_but_never_shakes_hands() {
    let mut world = World::new(1, PERFECT);
    world.tap = Some(Box::new(|datagram| if datagram[0] < 4 { vec![datagram.to_vec()] } else { Vec::new() }));
    let start = world.now;
    let error = world.run(Duration::from_secs(60)).unwrap_err();
    assert!(world.now - start <= Duration::from_secs(30));
    assert!(matches!(error, TransportError::ConnectTimeout | TransportError::Dtls(DtlsError::Timeout)));
}

/// The client never hears the server's Finished at first: the server must answer its retransmission, which it
/// can because its DTLS state lives for 10 s more. Afterwards that memory is free and media still flows.
#[test]
fn dtls_state_outlives_the_handshake_by_ten_seconds() {
    let mut world = World::new(1, PERFECT);
    while !world.connected[End::Server as usize] {
        world.step(world.now + Duration::from_secs(1)).unwrap();
    }
    assert!(!world.connected[End::Client as usize]);
    world.flying.clear();
    let waited = world.connect();
    assert!(waited > Duration::from_millis(100) && waited < Duration::from_secs(2), "{waited:?}");

    assert!(world.server.holds_dtls());
    world.run(Duration::from_secs(11)).unwrap();
    assert!(!world.server.holds_dtls());
    world.send_rtp(1, b"picture");
    world.run(Duration::from_millis(10)).unwrap();
    assert_eq!(world.received.len(), 1);
    let record = [23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4];
    assert_eq!(world.inject(addr(CLIENT), &record), Some(DropReason::Dtls));
}

#[test]
fn garbage_in_dtls_neither_stops_a_handshake_nor_a_connection() {
    for seed in 0..20 {
        let mut world = World::new(seed, PERFECT);
        while world.connected != [true; 2] {
            world.step(world.now + Duration::from_secs(1)).unwrap();
            let mut junk: Vec<u8> = (0..world.rng.below(120)).map(|_| world.rng.below(256) as u8).collect();
            junk.insert(0, 20 + world.rng.below(44) as u8);
            if world.server.remote_addr().is_some() {
                world.inject(addr(CLIENT), &junk);
            }
        }
    }
}

#[test]
fn close_is_told_to_the_other_side() {
    let mut world = World::new(1, PERFECT);
    world.connect();
    let mut goodbye = Vec::new();
    let now = world.now;
    world.client.close(now, &mut |_, bytes| goodbye.push(bytes.to_vec()));
    assert_eq!(goodbye.len(), 1);
    world.launch(End::Server, addr(CLIENT), &goodbye[0]);
    world.run(Duration::from_millis(10)).unwrap();
    assert!(world.closed[End::Server as usize]);
}

#[test]
fn an_idle_server_needs_a_timer_only_for_the_peers_silence() {
    let mut world = World::new(1, PERFECT);
    world.connect();
    world.run(Duration::from_secs(20)).unwrap();
    let wait = world.server.next_timeout() - world.now;
    assert!(wait >= Duration::from_secs(24), "{wait:?}");
}

#[test]
fn checks_are_answered_with_the_address_they_came_from() {
    let mut credentials = None;
    let slot = std::cell::RefCell::new(&mut credentials);
    let mut world = World::with(1, PERFECT, |server, _| {
        **slot.borrow_mut() = Some((server.local.clone(), server.remote.clone()));
    });
    let (local, remote) = credentials.unwrap();
    for from in ["203.0.113.9:9999", "[2001:db8::7]:4242"].map(addr) {
        let mut answers = Vec::new();
        let mut datagram = check(&world, &local, &remote, false);
        let now = world.now;
        let mut send = |to, bytes: &[u8]| answers.push((to, bytes.to_vec()));
        world.server.handle_datagram(now, from, &mut datagram, &mut send).unwrap();
        let [(to, answer)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(*to, from);
        let answer = StunMessage::parse(answer).unwrap();
        assert_eq!((answer.class, answer.mapped), (StunClass::Success, Some(from)));
        assert!(answer.authentic(local.pwd.as_bytes()));
    }
}
