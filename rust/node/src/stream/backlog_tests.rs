use diemcau_wire::framing::FrameReader;

use super::*;

/// A packet says what it is: kind, line, frame, part.
fn packet(kind: u8, line: u8, frame: u32, part: u8) -> Vec<u8> {
    let mut bytes = vec![kind, line, part];
    bytes.extend_from_slice(&frame.to_be_bytes());
    bytes.resize(1_000, 0);
    bytes
}

fn put_frame(backlog: &mut Backlog, line: u8, frame: u32, keyframe: bool, parts: u8, now: Instant) {
    for part in 0..parts {
        let of = VideoPacket { line, timestamp: frame, keyframe: keyframe && part == 0 };
        backlog.video(of, &packet(b'v', line, frame, part), now);
    }
}

/// A peer that takes so many bytes; gives the packets that came whole.
fn take(backlog: &mut Backlog, reader: &mut FrameReader, mut room: usize, now: Instant) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    while room > 0 {
        let pending = backlog.pending(now);
        let len = pending.len().min(room);
        if len == 0 {
            break;
        }
        let mut bytes = pending[..len].to_vec();
        reader.push(&mut bytes, 2_048, |packet| got.push(packet.to_vec())).unwrap();
        backlog.wrote(len);
        room -= len;
    }
    got
}

fn parts(got: &[Vec<u8>], frame: u32) -> usize {
    got.iter().filter(|packet| packet[0] == b'v' && packet[3..7] == frame.to_be_bytes()).count()
}

#[test]
fn a_slow_reader_loses_whole_frames_and_gets_a_keyframe_next() {
    let (mut backlog, mut reader) = (Backlog::default(), FrameReader::default());
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    put_frame(&mut backlog, 0, 1, true, 20, at(0));
    // It takes the beginning of the first frame and then nothing for a long time.
    let mut got = take(&mut backlog, &mut reader, 1_500, at(0));
    for frame in 2..40 {
        put_frame(&mut backlog, 0, frame, false, 5, at(u64::from(frame) * 40));
    }
    assert_eq!(backlog.needs_keyframe(at(1_600)), None, "not before there is room for it");
    got.extend(take(&mut backlog, &mut reader, usize::MAX, at(1_600)));
    assert_eq!(parts(&got, 1), 20, "a frame that was begun is finished");
    for frame in 2..40 {
        assert!([0, 5].contains(&parts(&got, frame)), "frame {frame} came in part");
    }
    assert_eq!(parts(&got, 39), 0, "what follows a dropped frame cannot be decoded");
    assert!(backlog.take_dropped() > 30);
    assert_eq!(backlog.needs_keyframe(at(1_601)), Some(0));
    assert_eq!(backlog.needs_keyframe(at(1_602)), None, "asked for once");
    assert_eq!(backlog.needs_keyframe(at(2_700)), Some(0), "and again when it does not come");
    put_frame(&mut backlog, 0, 50, false, 2, at(2_710));
    put_frame(&mut backlog, 0, 51, true, 3, at(2_720));
    put_frame(&mut backlog, 0, 52, false, 2, at(2_730));
    let got = take(&mut backlog, &mut reader, usize::MAX, at(2_740));
    assert_eq!((parts(&got, 50), parts(&got, 51), parts(&got, 52)), (0, 3, 2));
    assert_eq!(backlog.needs_keyframe(at(5_000)), None);
}

#[test]
fn a_keyframe_that_takes_long_does_not_cost_the_frames_behind_it() {
    let (mut backlog, mut reader) = (Backlog::default(), FrameReader::default());
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    put_frame(&mut backlog, 0, 1, true, 100, at(0));
    let mut got = Vec::new();
    // 100 kB at 200 kB/s take half a second; the frames behind are small.
    for tick in 1..=60_u64 {
        if tick % 4 == 0 {
            put_frame(&mut backlog, 0, 1 + tick as u32 / 4, false, 1, at(tick * 10));
        }
        got.extend(take(&mut backlog, &mut reader, 2_000, at(tick * 10)));
    }
    assert_eq!((got.len(), backlog.take_dropped()), (115, 0));
}

#[test]
fn sound_and_checks_go_before_pictures_and_old_sound_is_not_played_late() {
    let (mut backlog, mut reader) = (Backlog::default(), FrameReader::default());
    let now = Instant::now();
    put_frame(&mut backlog, 0, 1, true, 30, now);
    let mut got = take(&mut backlog, &mut reader, 1, now);
    backlog.audio(b"a-old", now);
    backlog.control(b"c-check");
    let later = now + Duration::from_millis(500);
    backlog.audio(b"a-new", later);
    got.extend(take(&mut backlog, &mut reader, usize::MAX, later));
    let place = |what: &[u8]| got.iter().position(|packet| packet == what);
    assert_eq!(place(b"a-old"), None);
    let (check, sound) = (place(b"c-check").unwrap(), place(b"a-new").unwrap());
    assert!(check < sound && sound <= CHUNK / 1_000 + 3, "only what was taken out already is before them");
    assert_eq!(parts(&got, 1), 30);
}

#[test]
fn a_dead_peer_costs_bounded_memory() {
    let mut backlog = Backlog::default();
    let start = Instant::now();
    for frame in 0..20_000_u32 {
        // All of it within the time that nothing grows old in.
        put_frame(&mut backlog, (frame % 4) as u8, frame, frame % 50 == 0, 4, start);
        backlog.audio(&packet(b'a', 0, frame, 0), start);
        backlog.control(&packet(b'c', 0, frame, 0));
    }
    assert!(backlog.video_bytes <= MAX_VIDEO + 2_048 && backlog.urgent_bytes <= MAX_URGENT + 2_048);
    let held: usize = backlog.frames.iter().map(|frame| frame.framed.len()).sum();
    assert_eq!(held, backlog.video_bytes);
    assert!(backlog.out.capacity() < 2 * MAX_URGENT);
}

proptest::proptest! {
    /// Whatever a peer's pace, packets come whole and in order, and frames whole once something of them came.
    #[test]
    fn no_pace_breaks_a_packet_or_a_frame(
        steps in proptest::collection::vec((0..3_u8, 1..6_u8, proptest::bool::ANY, 0..6_000_usize, 0..90_u64), 1..200),
    ) {
        let (mut backlog, mut reader) = (Backlog::default(), FrameReader::default());
        let (mut now, mut got) = (Instant::now(), Vec::new());
        let mut put = Vec::new();
        for (frame, (line, parts, keyframe, room, ms)) in steps.into_iter().enumerate() {
            now += Duration::from_millis(ms);
            // What is read between the parts of a frame makes it begun, or sent as far as it is there.
            for part in 0..parts {
                let of = VideoPacket { line, timestamp: frame as u32, keyframe: keyframe && part == 0 };
                backlog.video(of, &packet(b'v', line, frame as u32, part), now);
                got.extend(take(&mut backlog, &mut reader, room / usize::from(parts), now));
            }
            put.push((frame as u32, usize::from(parts)));
        }
        got.extend(take(&mut backlog, &mut reader, usize::MAX, now));
        proptest::prop_assert!(backlog.is_empty());
        proptest::prop_assert_eq!(backlog.video_bytes, 0);
        for (frame, all) in put {
            let came = parts(&got, frame);
            proptest::prop_assert!(came == 0 || came == all, "{} of {} parts of frame {}", came, all, frame);
        }
        proptest::prop_assert!(got.iter().all(|packet| packet.len() == 1_000));
        let order: Vec<(u32, u8)> =
            got.iter().map(|p| (u32::from_be_bytes([p[3], p[4], p[5], p[6]]), p[2])).collect();
        proptest::prop_assert!(order.is_sorted());
    }
}
