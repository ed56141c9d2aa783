//! What a payload says about its frame, without decoding it. Total over any bytes.

pub mod h264;
pub mod opus;
pub mod red;
pub mod vp8;
