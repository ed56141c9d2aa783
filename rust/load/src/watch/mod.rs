//! The watching side, without IO: what a viewer checks of every packet and every frame.

mod audio;
mod frames;
mod order;
mod video;

pub use audio::AudioLine;
pub use frames::{Assembler, Built, Whole};
pub use order::{Order, OrderConfig, Step};
pub use video::{Cut, VideoLine, Watching};
