//! Redundant audio (RFC 2198): a packet that carries the frames before it once more.

/// Earlier frames read of one packet; browsers send one.
pub const MAX_BLOCKS: usize = 4;

/// A block: an earlier frame, or the packet's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    pub payload_type: u8,
    /// How much earlier its timestamp is; 0 for the packet's own.
    pub offset: u16,
    pub payload: &'a [u8],
}

/// The earlier frames, oldest first, and the packet's own. None: not of this format.
#[must_use]
pub fn parse(
    payload: &[u8],
) -> Option<(impl DoubleEndedIterator<Item = Block<'_>> + ExactSizeIterator, Block<'_>)> {
    let mut blocks = [Block { payload_type: 0, offset: 0, payload: &[] }; MAX_BLOCKS];
    let mut lengths = [0; MAX_BLOCKS];
    let (mut count, mut rest) = (0, payload);
    let own_type = loop {
        let (first, after) = rest.split_first()?;
        if first & 0x80 == 0 {
            rest = after;
            break first & 0x7f;
        }
        let (head, after) = rest.split_first_chunk::<4>()?;
        let place = blocks.get_mut(count)?;
        place.payload_type = head[0] & 0x7f;
        place.offset = u16::from_be_bytes([head[1], head[2]]) >> 2;
        lengths[count] = usize::from(u16::from_be_bytes([head[2], head[3]]) & 0x3ff);
        (count, rest) = (count + 1, after);
    };
    for (block, length) in blocks.iter_mut().zip(lengths).take(count) {
        (block.payload, rest) = rest.split_at_checked(length)?;
    }
    let own = Block { payload_type: own_type, offset: 0, payload: rest };
    Some((blocks.into_iter().take(count), own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_before_and_the_own_are_found() {
        // 2,880 samples earlier, 3 bytes; then payload type 111.
        let packet = [0x80 | 111, 0x2d, 0x00, 0x03, 111, 1, 2, 3, 9, 8];
        let (mut earlier, own) = parse(&packet).unwrap();
        assert_eq!(earlier.next(), Some(Block { payload_type: 111, offset: 2_880, payload: &[1, 2, 3] }));
        assert_eq!(earlier.next(), None);
        assert_eq!(own, Block { payload_type: 111, offset: 0, payload: &[9, 8] });
        let (earlier, own) = parse(&[111, 7]).unwrap();
        assert_eq!((earlier.len(), own.payload), (0, &[7][..]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_read_beyond(payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            if let Some((earlier, own)) = parse(&payload) {
                let read: usize = earlier.map(|block| block.payload.len() + 4).sum();
                proptest::prop_assert_eq!(read + own.payload.len() + 1, payload.len());
            }
        }
    }
}
