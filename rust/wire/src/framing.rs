//! Datagrams over a byte stream: a length of two bytes, big endian, before each (RFC 4571 §2), as ICE over TCP has
//! it for STUN, DTLS and media alike (RFC 6544 §3).

use thiserror::Error;

/// Bytes before each datagram.
pub const HEAD: usize = 2;

/// The stream says that a datagram follows which is longer than any that is taken. What comes after it cannot be
/// told apart any more: close the stream.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a framed datagram of {0} bytes")]
pub struct TooLong(pub usize);

/// Appends `datagram` with its length to `out`; false, and nothing is appended, when it is longer than 65,535 bytes.
pub fn write(out: &mut Vec<u8>, datagram: &[u8]) -> bool {
    let Ok(len) = u16::try_from(datagram.len()) else { return false };
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(datagram);
    true
}

/// Length with its head of the datagram that `bytes` begin with; `None` while the head is not there.
pub fn framed_len(bytes: &[u8]) -> Option<usize> {
    let [high, low, ..] = bytes else { return None };
    Some(HEAD + usize::from(u16::from_be_bytes([*high, *low])))
}

/// Cuts a stream into its datagrams, however its bytes arrive. Holds at most one unfinished datagram.
#[derive(Debug, Default)]
pub struct FrameReader {
    held: Vec<u8>,
}

impl FrameReader {
    /// Takes what arrived and calls `each` with every datagram that is whole; empty ones are skipped. `longest`: the
    /// longest datagram that is taken, bytes.
    ///
    /// # Errors
    /// [`TooLong`]; those before it were handed out.
    pub fn push(
        &mut self,
        bytes: &mut [u8],
        longest: usize,
        mut each: impl FnMut(&mut [u8]),
    ) -> Result<(), TooLong> {
        let mut at = 0;
        while !self.held.is_empty() {
            let need = need(&self.held, longest)?;
            let take = (need - self.held.len()).min(bytes.len() - at);
            self.held.extend_from_slice(&bytes[at..at + take]);
            at += take;
            if self.held.len() < need {
                return Ok(());
            }
            // With the head complete, its datagram may still be missing.
            if self.held.len() == self::need(&self.held, longest)? {
                if self.held.len() > HEAD {
                    each(&mut self.held[HEAD..]);
                }
                self.held.clear();
            }
        }
        while bytes.len() - at >= HEAD {
            let end = at + need(&bytes[at..], longest)?;
            if end > bytes.len() {
                break;
            }
            if end > at + HEAD {
                each(&mut bytes[at + HEAD..end]);
            }
            at = end;
        }
        self.held.extend_from_slice(&bytes[at..]);
        Ok(())
    }
}

/// Bytes that the datagram beginning here has with its head, or the head alone while that is not there.
fn need(bytes: &[u8], longest: usize) -> Result<usize, TooLong> {
    match framed_len(bytes) {
        Some(framed) if framed - HEAD > longest => Err(TooLong(framed - HEAD)),
        Some(framed) => Ok(framed),
        None => Ok(HEAD),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the stream is cut, what was framed comes out.
        #[test]
        fn datagrams_survive_any_cut(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cuts in prop::collection::vec(1..200_usize, 1..100),
        ) {
            let mut stream = Vec::new();
            for datagram in &datagrams {
                prop_assert!(write(&mut stream, datagram));
            }
            let (mut reader, mut got) = (FrameReader::default(), Vec::new());
            let mut cuts = cuts.iter().cycle();
            while !stream.is_empty() {
                let mut rest = stream.split_off((*cuts.next().unwrap()).min(stream.len()));
                reader.push(&mut stream, 300, |datagram| got.push(datagram.to_vec())).unwrap();
                std::mem::swap(&mut stream, &mut rest);
            }
            prop_assert!(reader.held.is_empty());
            prop_assert_eq!(got, datagrams.into_iter().filter(|d| !d.is_empty()).collect::<Vec<_>>());
        }

        /// A hostile stream costs no more memory than one datagram, and is refused at the first that is too long.
        #[test]
        fn any_bytes_are_bounded(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..20)) {
            let mut reader = FrameReader::default();
            for mut chunk in chunks {
                let result = reader.push(&mut chunk, 500, |datagram| assert!(datagram.len() <= 500));
                prop_assert!(reader.held.len() <= HEAD + 500);
                if result.is_err() {
                    return Ok(());
                }
            }
        }
    }

    #[test]
    fn the_first_that_is_too_long_ends_it() {
        let mut reader = FrameReader::default();
        let mut seen = 0;
        let mut bytes = [0, 1, 7, 0xff, 0xff, 1];
        assert_eq!(reader.push(&mut bytes, 2_048, |_| seen += 1), Err(TooLong(65_535)));
        assert_eq!(seen, 1);
    }
}
