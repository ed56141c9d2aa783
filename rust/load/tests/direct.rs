//! The direct mode against the real media node: both executables' code in one process, real sockets on loopback.

use std::path::{Path, PathBuf};

use clap::Parser;
use diemcau_load::direct::{DirectOptions, run};
use diemcau_load::report::Report;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: DirectOptions,
}

/// A folder of clips that nobody can decode, but whose every frame is known: six frames of 50 ms, two encodings a layer.
fn clips(folder: &Path) {
    let mut entries = Vec::new();
    for number in 0..3_u16 {
        let name = format!("h264-{number}.dcc");
        std::fs::write(folder.join(&name), video(number)).unwrap();
        entries.push(serde_json::json!({
            "number": number, "site": format!("demo-{number}"), "name": "x", "code": "y", "h264": name, "vp8": null
        }));
    }
    // 0x18: one frame of 60 ms (RFC 6716 §3.1).
    let opus: Vec<Packet> = (0..10).map(|i| (i, true, vec![0x18, i as u8, 7, 7])).collect();
    let voice = file(0, &[(r#""codec":"opus","span_ms":600,"layer":"","phase":0"#.into(), opus)]);
    std::fs::write(folder.join("voice.dcc"), voice).unwrap();
    let jpeg =
        file(0, &[(r#""codec":"jpeg","span_ms":600,"layer":"","phase":0"#.into(), vec![(0, true, vec![1])])]);
    std::fs::write(folder.join("pictures.dcc"), jpeg).unwrap();
    let index = serde_json::json!({
        "version": 1, "loop_ms": 300, "fps": 20, "clips": entries, "voices": ["voice.dcc"],
        "pictures": "pictures.dcc", "picture_sites": ["demo-0"]
    });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

type Packet = (u16, bool, Vec<u8>);

fn video(number: u16) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(u64::from(number));
    let mut streams = Vec::new();
    for (layer, size) in [("low", 900), ("high", 4_000)] {
        for phase in [0_u16, 3] {
            let frames = (0..6).map(|position| {
                let keyframe = position == phase;
                let mut data: Vec<u8> = Vec::new();
                if keyframe {
                    data.extend([0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0x8c, 0, 0, 0, 1, 0x68, 0xce, 0x3c]);
                }
                data.extend([0, 0, 0, 1, if keyframe { 0x65 } else { 0x61 }]);
                data.extend((0..size).map(|_| random.u8(1..)));
                (position, keyframe, data)
            });
            let header = format!(r#""codec":"h264","span_ms":300,"layer":"{layer}","phase":{phase}"#);
            streams.push((header, frames.collect()));
        }
    }
    file(number, &streams)
}

/// As `docs/load.md` says.
fn file(number: u16, streams: &[(String, Vec<Packet>)]) -> Vec<u8> {
    let (mut first, mut headers, mut index, mut body) = (0, Vec::new(), Vec::new(), Vec::<u8>::new());
    for (header, packets) in streams {
        headers
            .push(format!(r#"{{{header},"width":2,"height":2,"first":{first},"count":{}}}"#, packets.len()));
        first += packets.len();
        for (position, keyframe, data) in packets {
            index.extend((body.len() as u32).to_le_bytes());
            index.extend((data.len() as u32).to_le_bytes());
            index.extend(position.to_le_bytes());
            index.extend([u8::from(*keyframe), 30]);
            body.extend(data);
        }
    }
    let header = format!(
        r#"{{"version":1,"number":{number},"name":"x","code":"y","streams":[{}]}}"#,
        headers.join(",")
    );
    let mut out = b"DCCLIP1\n".to_vec();
    out.extend((header.len() as u32).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend((first as u32).to_le_bytes());
    out.extend(index);
    out.extend(body);
    out
}

fn direct(more: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    clips(folder.path());
    let control: PathBuf = folder.path().join("control.sock");
    let mut config = diemcau_node::serve::Config::new(control.clone());
    config.bind = "[::]:0".parse().unwrap();
    config.announce = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    config.workers = 2;
    let node = diemcau_node::serve::Node::start(config).unwrap();
    let mut line =
        vec!["direct", "--clips", folder.path().to_str().unwrap(), "--control", control.to_str().unwrap()];
    line.extend(more);
    let options = Line::try_parse_from(line).unwrap().options;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run(options)).unwrap();
    node.stopper().stop();
    node.join();
    report
}

#[test]
fn viewers_of_a_real_node_see_whole_pictures_across_cuts() {
    let report =
        direct(&["--viewers", "12", "--publishers", "3", "--duration", "4", "--cut-every", "0.8", "--gro"]);
    let counters = &report.counters;
    assert_eq!((counters.pictured, counters.viewers_failed, counters.publishers_failed), (12, 0, 0));
    assert!(report.violations.is_empty(), "{}", report.table());
    assert!(counters.frames > 500 && counters.frames_known == counters.frames, "{}", report.table());
    assert!(counters.audio_packets > 100, "{}", report.table());
    assert!(counters.cuts >= 36 && counters.cuts_missed == 0, "{}", report.table());
    assert_eq!(report.join_ms.count, 12);
    assert_eq!((counters.forged, counters.own_drops, counters.strays), (0, 0, 0));
}

#[test]
fn clients_over_tcp_and_ipv6_lose_nothing() {
    let report = direct(&["--viewers", "8", "--publishers", "2", "--duration", "2", "--tcp", "--ipv6"]);
    let counters = &report.counters;
    assert_eq!((counters.pictured, counters.viewers_failed, counters.publishers_failed), (8, 0, 0));
    assert!(report.violations.is_empty(), "{}", report.table());
    assert!(counters.frames > 100 && counters.frames_known == counters.frames, "{}", report.table());
    assert_eq!(counters.nacks, 0);
}

#[test]
fn a_bad_network_costs_packets_but_never_shows_a_broken_picture() {
    let emulate = "loss=0.05,down.delay_ms=10,down.jitter_ms=5,reorder=0.01,duplicate=0.01";
    let report = direct(&[
        "--viewers",
        "8",
        "--publishers",
        "2",
        "--duration",
        "6",
        "--cut-every",
        "1",
        "--emulate",
        emulate,
    ]);
    let network = report.network.as_ref().unwrap();
    assert!(network.down.lost_random > 50, "{}", report.table());
    let counters = &report.counters;
    assert_eq!((counters.pictured, counters.viewers_failed), (8, 0));
    assert!(report.violations.is_empty(), "{}", report.table());
    assert!(
        counters.nacks > 10 && counters.rtx_packets > 10 && counters.recovered > 10,
        "{}",
        report.table()
    );
    assert!(counters.replayed > 0, "duplicates are refused by the replay window");
    assert!(counters.frames > 500, "{}", report.table());
}

#[test]
fn with_a_tenth_of_the_packets_lost_sound_and_pictures_stay_whole() {
    let emulate = "down.loss=0.1,delay_ms=50";
    let report = direct(&[
        "--viewers",
        "4",
        "--publishers",
        "2",
        "--duration",
        "12",
        "--emulate",
        emulate,
        "--socket-each",
    ]);
    let counters = &report.counters;
    assert!(report.more["shared_socket_buffer"].is_null());
    assert!(report.network.as_ref().unwrap().down.lost_random > 100);
    assert!(report.violations.is_empty(), "{}", report.table());
    // The first second is lost before anybody has reported it; then every packet of sound goes out twice.
    assert!(counters.audio_packets > 500 && report.audio_loss < 0.03, "{}", report.table());
    assert!(report.video_loss < 0.01 && report.freeze_ms.max < 1_000.0, "{}", report.table());
}

#[test]
fn a_line_of_150_kbit_is_given_what_it_carries() {
    let emulate = "down.rate_kbps=150,delay_ms=20";
    let report = direct(&["--viewers", "2", "--publishers", "1", "--duration", "14", "--emulate", emulate]);
    let counters = &report.counters;
    assert!(report.violations.is_empty(), "{}", report.table());
    // The layers are 640 and 144 kbit/s: until two reports have said so, three quarters of everything is lost; then nothing.
    assert!(counters.audio_packets > 300 && report.audio_loss < 0.3, "{}", report.table());
    assert!(counters.padding_packets > 20, "it is measured: {}", report.table());
}
