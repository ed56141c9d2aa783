//! The media node: sockets, threads and the control socket around `diemcau-core` and `diemcau-wire`.
//!
//! From the outside in: [`cli`] starts [`serve`]; [`control`] hears control, [`hub`] knows what it said, [`worker`]s
//! have the connections and move the packets, [`stream`] is for peers over TCP, [`sys`] are the system calls.

pub mod clock;
pub mod control;
pub mod hub;
pub mod limit;
pub mod mail;
pub mod message;
pub mod serve;
pub mod stats;
pub mod stream;
pub mod sys;
pub mod worker;

mod cli;

pub use cli::cli;
