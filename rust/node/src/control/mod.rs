//! The control socket: who may speak (whoever may open the socket), in which order, and what happens to those who
//! speak nonsense or do not listen. `docs/control.md` tells it to the other side.

mod ledger;
mod link;
mod listener;
mod server;

pub use listener::listen;
pub use server::{Server, Stop};
