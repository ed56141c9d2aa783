//! Annex B (ITU-T H.264 Annex B): units between start codes.

/// The NAL units of an access unit, without start codes and trailing zeros; empty ones are left out.
pub fn nal_units(access_unit: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = next_start(access_unit).map(|(_, after)| &access_unit[after..]);
    std::iter::from_fn(move || {
        loop {
            let data = rest?;
            let unit = match next_start(data) {
                Some((before, after)) => {
                    rest = Some(&data[after..]);
                    &data[..before]
                }
                None => {
                    rest = None;
                    data
                }
            };
            let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&unit[..end]);
            }
        }
    })
}

/// Where the next start code begins and ends.
fn next_start(data: &[u8]) -> Option<(usize, usize)> {
    data.windows(3).position(|w| w == [0, 0, 1]).map(|at| (at, at + 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_lie_between_start_codes_of_three_or_four_bytes() {
        let data = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 1, 0x65, 0, 4];
        assert_eq!(nal_units(&data).collect::<Vec<_>>(), [&[0x67, 1, 2][..], &[0x68, 3], &[0x65, 0, 4]]);
        assert_eq!(nal_units(&[1, 2, 3]).count(), 0);
        assert_eq!(nal_units(&[0, 0, 1, 0, 0, 1]).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_end(data: Vec<u8>) {
            prop_assert!(nal_units(&data).all(|unit| !unit.is_empty()));
        }
    }
}
