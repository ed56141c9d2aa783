//! What a publisher's side takes, refuses and asks for.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::Random;
use common::camera::Camera;
use diemcau_core::track::{IngestError, MAX_PAYLOAD, RtpIn};
use diemcau_core::*;
use proptest::prelude::*;

const TRACK: TrackId = TrackId(1);
const LOW: Source = Source { track: TRACK, layer: Layer(0) };

fn publisher(codec: Codec) -> Publisher {
    let mut publisher = Publisher::new();
    publisher.add_track(TRACK, codec, 2);
    publisher
}

fn events(publisher: &mut Publisher) -> Vec<PublisherEvent> {
    std::iter::from_fn(|| publisher.poll_event()).collect()
}

#[test]
fn a_track_is_live_from_its_first_keyframe_and_lost_when_silent() {
    let mut publisher = publisher(Codec::Vp8);
    let mut camera = Camera::new(1, Codec::Vp8, 1, 1);
    let mut now = Time::from_millis(100);
    for rtp in camera.frame(0, now).into_iter().skip(1) {
        publisher.ingest(LOW, rtp, now).unwrap();
    }
    assert_eq!(events(&mut publisher), []);
    camera.want_keyframe(Layer::LOW);
    for rtp in camera.frame(0, now) {
        publisher.ingest(LOW, rtp, now).unwrap();
    }
    assert_eq!(events(&mut publisher), [PublisherEvent::Live(TRACK)]);
    assert_eq!(publisher.layers(TRACK, now).collect::<Vec<_>>(), [Layer::LOW]);
    now = now + Duration::from_millis(2_100);
    publisher.tick(now);
    assert_eq!(events(&mut publisher), [PublisherEvent::Lost(TRACK)]);
    assert_eq!(publisher.layers(TRACK, now).count(), 0);
}

#[test]
fn a_publisher_that_begins_anew_is_another_stream() {
    let mut publisher = publisher(Codec::H264);
    let mut now = Time::from_millis(100);
    let mut send = |publisher: &mut Publisher, camera: &mut Camera| -> Vec<Arc<TrackPacket>> {
        now = now + Duration::from_millis(40);
        camera.frame(0, now).into_iter().filter_map(|rtp| publisher.ingest(LOW, rtp, now).ok()).collect()
    };
    let mut first = Camera::new(1, Codec::H264, 1, 1);
    let before = send(&mut publisher, &mut first);
    let mut second = Camera::new(1, Codec::H264, 1, 2);
    second.want_keyframe(Layer::LOW);
    let after = send(&mut publisher, &mut second);
    assert!(!after.is_empty());
    assert!(after.iter().all(|packet| packet.epoch != before[0].epoch && packet.seq > before[0].seq));
}

#[test]
fn what_is_not_of_the_track_is_refused() {
    let mut publisher = publisher(Codec::Vp8);
    let now = Time::from_millis(1);
    let rtp = |sequence, payload: Vec<u8>| RtpIn {
        sequence,
        timestamp: 0,
        marker: false,
        audio_level: None,
        payload: Arc::from(payload),
    };
    let other = Source { track: TrackId(2), layer: Layer::LOW };
    let third = Source { track: TRACK, layer: Layer(2) };
    assert_eq!(publisher.ingest(other, rtp(1, vec![0x10, 0]), now), Err(IngestError::UnknownSource));
    assert_eq!(publisher.ingest(third, rtp(1, vec![0x10, 0]), now), Err(IngestError::UnknownSource));
    assert_eq!(publisher.ingest(LOW, rtp(1, vec![0x90, 0xf0]), now), Err(IngestError::Malformed));
    assert_eq!(publisher.ingest(LOW, rtp(1, vec![0x10; MAX_PAYLOAD + 1]), now), Err(IngestError::TooLong));
    assert!(publisher.ingest(LOW, rtp(1, vec![0x10, 0]), now).is_ok());
    assert_eq!(publisher.ingest(LOW, rtp(1, vec![0x10, 0]), now), Err(IngestError::Duplicate));
    assert!(publisher.ingest(LOW, rtp(2, Vec::new()), now).is_ok(), "padding only keeps its number");
}

#[test]
fn requests_of_many_are_merged_and_line_up_keeps_keyframes_coming() {
    let mut publisher = publisher(Codec::H264);
    let mut camera = Camera::new(1, Codec::H264, 1, 1);
    let mut now = Time::from_millis(100);
    publisher.keep_keyframes(TRACK, Some(Duration::from_secs(2)));
    let mut requests = Vec::new();
    for step in 0..500 {
        now = now + Duration::from_millis(20);
        for rtp in camera.frame(0, now) {
            publisher.ingest(LOW, rtp, now).unwrap();
        }
        if step >= 250 {
            for _ in 0..20 {
                publisher.ask_keyframe(LOW, KeyframeReason::Loss, now);
            }
        }
        publisher.tick(now);
        for event in events(&mut publisher) {
            if event == PublisherEvent::RequestKeyframe(LOW) {
                requests.push(now);
                camera.want_keyframe(Layer::LOW);
            }
        }
    }
    let (kept, asked): (Vec<Time>, Vec<Time>) = requests.iter().partition(|at| at.micros() < 5_100_000);
    assert_eq!(kept.len(), 2, "every 2 s: {kept:?}");
    assert!(asked.len() == 5 || asked.len() == 6, "once a second: {asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_secs(1)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_packets_never_panic_and_never_repeat_a_number(seed in any::<u64>(), codec in 0..3_usize) {
        let codec = [Codec::H264, Codec::Vp8, Codec::Opus][codec];
        let mut publisher = publisher(codec);
        let mut random = Random::new(seed);
        let mut now = Time::ZERO;
        let mut taken = std::collections::HashSet::new();
        for _ in 0..400 {
            now = now + Duration::from_micros(random.below(3_000_000));
            let length = random.below(40) as usize;
            let mut payload: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            if let Some(first) = payload.first_mut().filter(|_| codec == Codec::H264) {
                *first = [0x78, 0x7c, 0x65, 0x67, *first][random.below(5) as usize];
            }
            let rtp = RtpIn {
                sequence: if random.chance(0.1) { random.next() as u16 } else { random.below(50) as u16 },
                timestamp: random.next() as u32,
                marker: random.chance(0.5),
                audio_level: Some(random.next() as u8),
                payload: Arc::from(payload),
            };
            if random.chance(0.1) {
                publisher.sender_report(LOW, random.next().cast_signed(), random.next() as u32);
            }
            if let Ok(packet) = publisher.ingest(LOW, rtp, now) {
                prop_assert!(taken.insert(packet.seq));
                let mut copy = packet.payload.to_vec();
                let mut line = Line::new(codec.kind(), &common::world::line(1, 1));
                line.want(Some(LOW));
                if let Some(header) = line.forward(&packet) {
                    header.patches.apply(&mut copy);
                    prop_assert_eq!(copy.len(), packet.payload.len());
                }
            }
            publisher.tick(now);
        }
    }
}
