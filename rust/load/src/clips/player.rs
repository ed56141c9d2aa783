//! Plays a clip by the wall clock and answers keyframe requests by changing to the encoding whose keyframe comes next.

use std::sync::Arc;

use super::library::{Frame, Video};

/// Where a publisher is in its clip, layer by layer.
#[derive(Debug)]
pub struct Player {
    video: Arc<Video>,
    /// Index of the encoding that is playing; none before the first keyframe.
    playing: [Option<usize>; 2],
    wanted: [bool; 2],
}

impl Player {
    /// Both layers begin with a keyframe.
    #[must_use]
    pub fn new(video: Arc<Video>) -> Self {
        Self { video, playing: [None; 2], wanted: [true; 2] }
    }

    /// Begins anew: nothing comes before the next keyframes.
    pub fn restart(&mut self) {
        self.playing = [None; 2];
        self.wanted = [true; 2];
    }

    #[must_use]
    pub fn video(&self) -> &Video {
        &self.video
    }

    /// The next keyframe of `layer` (0 low, 1 high) shall come as soon as one of the encodings has one.
    pub fn request_keyframe(&mut self, layer: usize) {
        if let Some(wanted) = self.wanted.get_mut(layer) {
            *wanted = true;
        }
    }

    /// Frame number `number` since the epoch, of `layer`; none while the first keyframe is not yet due.
    pub fn frame(&mut self, layer: usize, number: u64) -> Option<&Frame> {
        let encodings = self.video.layers.get(layer)?;
        let position = (number % encodings[0].frames.len() as u64) as usize;
        if self.wanted[layer]
            && let Some(found) = encodings.iter().position(|e| usize::from(e.phase) == position)
        {
            self.playing[layer] = Some(found);
            self.wanted[layer] = false;
        }
        self.playing[layer].map(|playing| &encodings[playing].frames[position])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clips::VideoCodec;
    use crate::clips::library::tests::library;

    #[test]
    fn it_starts_at_a_keyframe_and_a_request_moves_to_the_next_encoding() {
        let library = library(1);
        let mut player = Player::new(library.video_for("s_0", VideoCodec::Vp8).unwrap());
        assert!(player.frame(0, 1).is_none() && player.frame(0, 2).is_none());
        assert!(player.frame(0, 3).unwrap().keyframe);
        for number in 4..9 {
            assert!(!player.frame(0, number).unwrap().keyframe, "{number}");
        }
        assert!(player.frame(0, 9).unwrap().keyframe, "the loop begins anew");
        player.request_keyframe(0);
        assert!(!player.frame(0, 10).unwrap().keyframe);
        assert!(!player.frame(0, 11).unwrap().keyframe);
        assert!(player.frame(0, 12).unwrap().keyframe, "the other encoding's");
        player.request_keyframe(9);
        assert!(player.frame(7, 0).is_none());
        player.restart();
        assert!(player.frame(0, 13).is_none() && player.frame(0, 15).unwrap().keyframe);
    }
}
