//! `diemcau-load sites`: real sites against the server, by `docs/protocol.md`.

mod http;
mod media;
mod messages;
mod notes;
mod options;
mod receipts;
mod run;
mod session;
mod stage;

pub use http::{Http, HttpError};
pub use options::{Credential, SitesOptions};
pub use run::run;
