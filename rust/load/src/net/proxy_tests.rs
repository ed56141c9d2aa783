//! The proxy with real sockets.

use super::*;

fn localhost() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind(localhost()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// Numbers that an echoing node's client gets back of 0..count, in order of arrival. A default socket buffer holds
/// some 250 small datagrams.
fn echo(seed: u64, profile: &str, count: u32) -> (Vec<u32>, NetStats) {
    let node = socket();
    let emulator = Emulator::spawn(seed, Profile::parse(profile).unwrap()).unwrap();
    let route = emulator.route(localhost(), node.local_addr().unwrap()).unwrap();
    let echo = std::thread::spawn(move || {
        let mut buffer = [0; 2_000];
        loop {
            let (length, from) = node.recv_from(&mut buffer).unwrap();
            node.send_to(&buffer[..length], from).unwrap();
            if buffer[..4] == u32::MAX.to_be_bytes() {
                return;
            }
        }
    });
    let client = socket();
    for number in 0..count {
        client.send_to(&number.to_be_bytes(), route.listen).unwrap();
    }
    let mut got = Vec::new();
    let mut buffer = [0; 4];
    let stats = loop {
        // The end is said again and again, for it may be lost too.
        let stats = emulator.stats();
        let seen = stats.up.delivered + stats.up.lost_random + stats.up.lost_burst;
        client.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        match client.recv_from(&mut buffer) {
            Ok((_, from)) => {
                assert_eq!(from, route.listen);
                match u32::from_be_bytes(buffer) {
                    u32::MAX => break stats,
                    number => got.push(number),
                }
            }
            Err(_) if seen >= u64::from(count) => {
                client.send_to(&u32::MAX.to_be_bytes(), route.listen).unwrap();
            }
            Err(_) => {}
        }
    };
    echo.join().unwrap();
    (got, stats)
}

#[test]
fn a_perfect_line_carries_everything_in_order() {
    let (got, stats) = echo(1, "", 150);
    assert_eq!(got, (0..150).collect::<Vec<_>>());
    assert_eq!((stats.clients, stats.send_failed, stats.overflow), (1, 0, 0));
}

#[test]
fn the_same_seed_loses_the_same_packets() {
    let profile = "loss=0.1,delay_ms=2";
    let (one, _) = echo(11, profile, 150);
    assert!(one.len() > 80 && one.len() < 145, "{}", one.len());
    assert_eq!(one, echo(11, profile, 150).0);
    assert_ne!(one, echo(12, profile, 150).0);
}

#[test]
fn conditions_change_while_it_runs() {
    let node = socket();
    let client = socket();
    let emulator = Emulator::spawn(1, Profile::parse("loss=1").unwrap()).unwrap();
    let route = emulator.route(localhost(), node.local_addr().unwrap()).unwrap();
    client.send_to(b"lost", route.listen).unwrap();
    while emulator.stats().up.lost_random < 1 {}
    emulator.set(Profile::default());
    emulator.outage(Duration::from_secs(3600));
    client.send_to(b"lost too", route.listen).unwrap();
    while emulator.stats().up.lost_outage < 1 {}
    emulator.set(Profile::default());
    client.send_to(b"through", route.listen).unwrap();
    let mut buffer = [0; 100];
    let (length, from) = node.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"through");
    node.send_to(b"back", from).unwrap();
    assert_eq!(client.recv_from(&mut buffer).unwrap(), (4, route.listen));
}
