//! Answers one offer on a UDP port and says what the browser then does: a tool for trying a browser by hand.
//!
//! Reads an offer from standard input; writes the answer, an empty line, and then one line per event until the
//! number of seconds of the first argument (default 5) is over. The second argument is the address to listen on
//! (default 127.0.0.1:0); Firefox does not check loopback candidates.

use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diemcau_wire::dtls::Certificate;
use diemcau_wire::ice::IceCredentials;
use diemcau_wire::rtcp::packets;
use diemcau_wire::sdp::{AnswerConfig, answer_viewer};
use diemcau_wire::transport::{Incoming, Transport, TransportConfig, TransportRole};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let listen = std::env::args().nth(2).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let mut offer = String::new();
    std::io::stdin().read_to_string(&mut offer)?;

    let socket = UdpSocket::bind(listen)?;
    let certificate = Arc::new(Certificate::generate()?);
    let local = IceCredentials::generate();
    let candidates = [socket.local_addr()?];
    let answer = answer_viewer(
        &offer,
        &AnswerConfig {
            credentials: &local,
            fingerprint: certificate.fingerprint(),
            candidates: &candidates,
            tcp_candidates: &[],
            session_id: 1,
            first_ssrc: 1000,
            max_audio: 8,
            max_video: 32,
            ptime: 60,
            transport_cc: false,
        },
    )?;
    println!("{}", answer.sdp);
    std::io::stdout().flush()?;

    let config = TransportConfig {
        role: TransportRole::Server,
        local,
        remote: answer.remote.ice,
        remote_fingerprint: answer.remote.fingerprint,
        certificate,
        receive_rtp: false,
        drop_dtls_after: Some(Duration::from_secs(10)),
        connect_timeout: Duration::from_secs(30),
    };
    run(&socket, config, Duration::from_secs(seconds))
}

fn run(
    socket: &UdpSocket,
    config: TransportConfig,
    time: Duration,
) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut transport = Transport::new(config, start)?;
    let mut send = |to: SocketAddr, bytes: &[u8]| {
        if let Err(error) = socket.send_to(bytes, to) {
            println!("send: {error}");
        }
    };
    let mut buf = [0; 2048];
    while start.elapsed() < time {
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let received = socket.recv_from(&mut buf);
        let now = Instant::now();
        let at = now - start;
        if let Ok((len, from)) = received {
            match transport.handle_datagram(now, from, &mut buf[..len], &mut send)? {
                Incoming::None => {}
                Incoming::Rtcp(compound) => println!("{at:?} {:?}", packets(compound).collect::<Vec<_>>()),
                Incoming::Closed => {
                    println!("{at:?} Closed");
                    return Ok(());
                }
                event => println!("{at:?} {event:?}"),
            }
        }
        transport.handle_timeout(now, &mut send)?;
    }
    println!("{:?} {:?}", transport.srtp_profile(), transport.ice_state(Instant::now()));
    Ok(())
}
