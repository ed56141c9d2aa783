//! Whose an address is. Everything but checks is told apart by it, so it must not be possible to take one away: a
//! check proves the password of its own connection, but anybody can write another's address on the envelope.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use diemcau_wire::ice::DEGRADED_AFTER;

/// Addresses kept for one connection; a path that changes often loses its oldest.
const MAX_ADDRESSES: usize = 8;

struct Holder {
    place: usize,
    /// Its last authenticated check from this address.
    checked: Instant,
}

/// Connections (by their place) by the addresses that they checked from.
#[derive(Default)]
pub struct Addresses {
    holders: HashMap<SocketAddr, Holder>,
}

impl Addresses {
    pub fn place(&self, from: SocketAddr) -> Option<usize> {
        self.holders.get(&from).map(|holder| holder.place)
    }

    /// An authenticated check of the connection at `place` came from this address: what else comes from there is
    /// this connection's. `own` are the addresses it has, latest last.
    ///
    /// False: another connection has the address and keeps it while it checks from there. One that has fallen
    /// silent may have lost it to the next behind the same NAT, who gets it with a later check.
    pub fn learn(&mut self, place: usize, own: &mut Vec<SocketAddr>, from: SocketAddr, now: Instant) -> bool {
        let kept = self.holders.get(&from).is_some_and(|holder| {
            holder.place != place && now.saturating_duration_since(holder.checked) < DEGRADED_AFTER
        });
        if kept {
            return false;
        }
        own.retain(|known| *known != from);
        if own.len() >= MAX_ADDRESSES {
            let oldest = own.remove(0);
            self.release(place, oldest);
        }
        own.push(from);
        self.holders.insert(from, Holder { place, checked: now });
        true
    }

    /// The connection at `place` has ended.
    pub fn forget(&mut self, place: usize, own: &[SocketAddr]) {
        for address in own {
            self.release(place, *address);
        }
    }

    /// It may be another's by now.
    fn release(&mut self, place: usize, address: SocketAddr) {
        if self.place(address) == Some(place) {
            self.holders.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn an_address_is_not_taken_from_a_connection_that_checks_from_it() {
        let (mut table, mut victim, mut thief) = (Addresses::default(), Vec::new(), Vec::new());
        let start = Instant::now();
        // Checks as far apart as consent allows, and a thief who tries all the time.
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            if second % 5 == 0 {
                assert!(table.learn(1, &mut victim, at(1), now));
            }
            assert!(!table.learn(2, &mut thief, at(1), now));
            assert_eq!(table.place(at(1)), Some(1));
        }
        // And what he never had he does not give up for others.
        table.forget(2, &thief);
        assert_eq!(table.place(at(1)), Some(1));
    }

    #[test]
    fn an_address_that_fell_silent_goes_to_the_next_and_its_old_holder_does_not_take_it_along() {
        let (mut table, mut old, mut new) = (Addresses::default(), Vec::new(), Vec::new());
        let start = Instant::now();
        assert!(table.learn(1, &mut old, at(1), start));
        assert!(!table.learn(2, &mut new, at(1), start + DEGRADED_AFTER - Duration::from_millis(1)));
        assert!(table.learn(2, &mut new, at(1), start + DEGRADED_AFTER));
        table.forget(1, &old);
        assert_eq!(table.place(at(1)), Some(2));
        table.forget(2, &new);
        assert_eq!(table.place(at(1)), None);
    }

    #[test]
    fn one_connection_holds_a_few_addresses_those_it_used_last() {
        let (mut table, mut own) = (Addresses::default(), Vec::new());
        let now = Instant::now();
        for port in 1..=100 {
            assert!(table.learn(1, &mut own, at(port), now));
            assert!(table.learn(1, &mut own, at(1), now));
        }
        assert_eq!((own.len(), table.holders.len()), (MAX_ADDRESSES, MAX_ADDRESSES));
        assert_eq!((table.place(at(1)), table.place(at(100)), table.place(at(2))), (Some(1), Some(1), None));
    }
}
