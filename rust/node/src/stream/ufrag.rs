//! Whose a check is, before anything is known of its sender: our ufrags begin with the number of their worker, so
//! that the one TCP port of the node needs no table that all workers share.

use diemcau_wire::ice::IceCredentials;

const CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Fresh credentials of a connection of worker `index`. The ufrag's first two characters are the index; what makes it
/// unique follows (48 random bits).
pub fn credentials(index: u16) -> IceCredentials {
    let mut made = IceCredentials::generate();
    let index = usize::from(index);
    made.ufrag.insert(0, CHARS[index >> 6 & 63] as char);
    made.ufrag.insert(1, CHARS[index & 63] as char);
    made
}

/// The worker that a ufrag of ours names.
pub fn worker_of(ufrag: &str) -> Option<u16> {
    let digit = |byte: &u8| CHARS.iter().position(|known| known == byte);
    let [high, low, ..] = ufrag.as_bytes() else { return None };
    u16::try_from(digit(high)? << 6 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ufrag_names_its_worker() {
        for index in [0, 1, 63, 64, 255] {
            let made = credentials(index);
            assert_eq!((worker_of(&made.ufrag), made.ufrag.len()), (Some(index), 10));
        }
        assert_eq!((worker_of(""), worker_of("A"), worker_of("?Axx")), (None, None, None));
    }
}
