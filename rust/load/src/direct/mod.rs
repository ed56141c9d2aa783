//! `diemcau-load direct`: drives a media node through its control socket, without Python. For benches and tests.

mod control;
mod options;
mod run;

pub use control::{Control, ControlError, NodeProcess};
pub use options::{CommonOptions, DirectOptions};
pub use run::run;
