//! A viewer that is cut and cut again over a bad line never shows a broken frame.

mod common;

use std::time::Duration;

use common::Random;
use common::net::Path;
use common::world::World;
use diemcau_core::{Codec, Layer};

const UP: Path =
    Path { loss: 0.02, double: 0.02, delay: Duration::from_millis(15), jitter: Duration::from_millis(8) };
const DOWN: Path =
    Path { loss: 0.05, double: 0.02, delay: Duration::from_millis(20), jitter: Duration::from_millis(12) };

/// Cuts `count` times between three tracks of two layers, with the ceiling moved up and down in between.
fn cut_often(codec: Codec, seed: u64, count: usize) -> World {
    let mut world = World::new(codec, 3, 2, UP, DOWN, seed);
    let mut random = Random::new(seed + 77);
    let mut track = 0;
    world.run(Duration::from_millis(300));
    let mut seen = 0;
    for _ in 0..count {
        track = (track + 1 + random.below(2) as u32) % 3;
        world.cut_to(track);
        world.run(Duration::from_millis(250 + random.below(400)));
        if random.chance(0.5) {
            let ceiling = Layer(random.below(2) as u8);
            world.shard.set_ceiling(world.viewer, ceiling, world.now);
        }
        world.run(Duration::from_millis(250 + random.below(400)));
        seen += usize::from(world.receiver.shown.last().is_some_and(|shown| shown.tag.track == track));
    }
    // Broken frames and numbers that go back panic inside; here: it did show, and all of it happened.
    assert!(seen * 100 >= count * 95, "only {seen} of {count} cuts were seen within their time");
    let switches = world
        .receiver
        .shown
        .windows(2)
        .filter(|pair| (pair[0].tag.track, pair[0].tag.layer) != (pair[1].tag.track, pair[1].tag.layer))
        .count();
    assert!(switches >= count, "{switches} changes of source");
    assert!(world.rtx_sent > 100, "the network was bad");
    world
}

#[test]
fn a_hundred_cuts_of_h264_under_loss_never_show_a_broken_frame() {
    for seed in 1..4 {
        cut_often(Codec::H264, seed, 100);
    }
}

#[test]
fn a_hundred_cuts_of_vp8_under_loss_never_show_a_broken_frame() {
    for seed in 1..4 {
        let world = cut_often(Codec::Vp8, seed, 100);
        assert!(*world.sent.keys().max().unwrap() > 0x7f00 + 4_000);
    }
}

#[test]
fn without_loss_every_frame_after_a_cut_is_shown() {
    let mut world = World::new(Codec::H264, 2, 1, Path::CLEAN, Path::CLEAN, 5);
    world.cut_to(0);
    world.run(Duration::from_millis(1_000));
    for cut in 1..=20 {
        let track = cut % 2;
        let asked = world.now;
        world.cut_to(track);
        world.run(Duration::from_millis(1_000));
        let shown: Vec<_> = world
            .receiver
            .shown
            .iter()
            .filter(|shown| shown.at > asked && shown.tag.track == track)
            .collect();
        // Next frame within 40 ms, 10 ms up, 10 ms down; then 25 a second.
        assert!(shown[0].at.since(asked) <= Duration::from_millis(65), "{:?}", shown[0].at.since(asked));
        assert!(shown.windows(2).all(|pair| pair[1].tag.frame == pair[0].tag.frame + 1));
        assert!(shown.len() >= 23);
    }
    assert_eq!(world.rtx_sent, 0);
}

#[test]
fn numbers_continue_across_the_roll_over_and_nacks_resolve_behind_it() {
    let mut world = World::new(Codec::Vp8, 2, 1, UP, DOWN, 9);
    world.cut_to(0);
    let mut track = 0;
    while world.sent.keys().max().copied().unwrap_or(0) < 65_536 + 500 {
        track = 1 - track;
        world.cut_to(track);
        world.run(Duration::from_millis(3_000));
        assert!(world.now.micros() < 3_600_000_000, "it goes on");
    }
    let shown = world.receiver.shown.last().unwrap();
    assert!(world.now.since(shown.at) < Duration::from_millis(500), "still shown behind the roll-over");
}
