//! Length of an Opus packet (RFC 6716 §3.1, §3.2).

/// Duration in samples at 48 kHz; none for an empty payload or one that announces more than 120 ms.
#[must_use]
pub fn duration(payload: &[u8]) -> Option<u16> {
    let toc = *payload.first()?;
    let frame: u32 = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(payload.get(1)? & 0x3f),
    };
    let total = frame * frames;
    u16::try_from(total).ok().filter(|total| (1..=5_760).contains(total))
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_follow_the_table_of_configurations() {
        assert_eq!(duration(&[0x78]), Some(960), "hybrid 20 ms, as browsers send");
        assert_eq!(duration(&[0x18]), Some(2_880), "SILK 60 ms");
        assert_eq!(duration(&[0xfb, 0x03]), Some(2_880), "three CELT frames of 20 ms");
        assert_eq!(duration(&[0xe1]), Some(240), "two CELT frames of 2.5 ms");
    }

    #[test]
    fn impossible_packets_have_none() {
        assert_eq!(duration(&[]), None);
        assert_eq!(duration(&[0xfb]), None, "code 3 without a count");
        assert_eq!(duration(&[0xfb, 0x00]), None);
        assert_eq!(duration(&[0xfb, 0x3f]), None, "over 120 ms");
    }
}
