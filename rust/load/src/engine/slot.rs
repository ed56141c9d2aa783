//! A client in its thread's table, and what a datagram does to it.

use std::net::SocketAddr;
use std::time::Instant;

use diemcau_wire::prefetch::prefetch;
use tokio::sync::mpsc::UnboundedSender;

use super::{ClientId, Happening};
use crate::client::{ClientError, Link, Moment, Publisher, Viewer};
use crate::clips::Library;
use crate::stats::Stats;

pub(super) enum Client {
    Viewer(Box<Viewer>),
    Publisher(Box<Publisher>),
}

pub(super) struct Slot {
    pub id: ClientId,
    pub client: Client,
    /// The one timer in the heap that counts.
    pub due: Instant,
}

/// Has a client's memory brought near before its datagram's turn: its slot, itself, what it points at.
pub(super) fn ahead(clients: &[Option<Slot>], place: usize, step: usize, datagram: &[u8]) {
    let Some(slot) = clients.get(place) else { return };
    match (step, slot) {
        (0, slot) => prefetch(slot),
        (1, Some(Slot { client: Client::Viewer(viewer), .. })) => prefetch(&**viewer),
        (step, Some(Slot { client: Client::Viewer(viewer), .. })) => viewer.prefetch(step - 2, datagram),
        _ => {}
    }
}

/// Gives a client a datagram. Returns when it has something to do, if that may be earlier than was known.
pub(super) fn take(
    slot: &mut Slot,
    moment: Moment,
    from: SocketAddr,
    datagram: &mut [u8],
    library: &Library,
    stats: &mut Stats,
    happenings: &UnboundedSender<Happening>,
) -> Result<Option<Instant>, ClientError> {
    let (connected, due) = match &mut slot.client {
        Client::Viewer(viewer) => {
            let progress = viewer.datagram(moment, from, datagram, library, stats)?;
            if progress.pictured {
                stats.counters.pictured += 1;
                let _ = happenings.send(Happening::Pictured(slot.id));
            }
            stats.counters.connected += u64::from(progress.connected);
            (progress.connected, progress.due)
        }
        Client::Publisher(publisher) => {
            let connected = publisher.datagram(moment, from, datagram, stats)?;
            stats.counters.publishers_connected += u64::from(connected);
            (connected, Some(publisher.next_timeout()))
        }
    };
    if connected {
        let _ = happenings.send(Happening::Connected(slot.id));
    }
    Ok(due)
}

impl Client {
    pub fn link(&mut self) -> &mut Link {
        match self {
            Self::Viewer(viewer) => viewer.link(),
            Self::Publisher(publisher) => publisher.link(),
        }
    }

    pub fn next_timeout(&self) -> Instant {
        match self {
            Self::Viewer(viewer) => viewer.next_timeout(),
            Self::Publisher(publisher) => publisher.next_timeout(),
        }
    }
}
