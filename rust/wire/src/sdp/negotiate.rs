//! Choosing among the formats of a section.

use super::{Codec, CodecName, ExtensionIds, MediaKind, MediaSection, PayloadFormat};
use crate::rtp::{ABS_SEND_TIME_URI, TRANSPORT_CC_URI};

/// A chosen payload type and its retransmission's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'a> {
    pub codec: Codec,
    pub format: &'a PayloadFormat,
    pub rtx: Option<&'a PayloadFormat>,
}

/// The formats of a section that we speak, at most one a codec.
pub(super) fn choose(section: &MediaSection) -> Vec<Choice<'_>> {
    let codecs: &[Codec] = match section.kind {
        Some(MediaKind::Audio) => &[Codec::Opus],
        Some(MediaKind::Video) => &[Codec::H264, Codec::Vp8],
        None => &[],
    };
    codecs.iter().filter_map(|codec| choose_codec(section, *codec)).collect()
}

fn choose_codec(section: &MediaSection, codec: Codec) -> Option<Choice<'_>> {
    let mut formats = section.formats.iter();
    let format = match codec {
        Codec::Opus => formats.find(|f| f.codec == CodecName::Opus && f.clock_rate == 48_000),
        Codec::Vp8 => formats.find(|f| f.codec == CodecName::Vp8),
        Codec::H264 => formats
            .filter(|f| f.codec == CodecName::H264 && f.parameter("packetization-mode") == Some("1"))
            .filter_map(|f| h264_rank(f).map(|rank| (rank, f)))
            .min_by_key(|(rank, _)| *rank)
            .map(|(_, f)| f),
    }?;
    let apt = format.payload_type;
    let rtx = section
        .formats
        .iter()
        .find(|f| f.codec == CodecName::Rtx && f.parameter("apt").and_then(|a| a.parse().ok()) == Some(apt));
    Some(Choice { codec, format, rtx })
}

/// How well a receiver of this H.264 profile takes constrained baseline: 0 is exactly it, 1 is a profile that
/// includes it (RFC 6184 §8.1; without the parameter it is baseline, level 1).
fn h264_rank(format: &PayloadFormat) -> Option<u8> {
    let Some(id) = format.parameter("profile-level-id") else { return Some(1) };
    let id = u32::from_str_radix(id, 16).ok().filter(|id| *id <= 0xff_ffff)?;
    let (profile, constraints) = (id >> 16, id >> 8 & 0xff);
    match profile {
        0x42 if constraints & 0x40 != 0 => Some(0),
        0x42 => Some(1),
        _ => None,
    }
}

/// Ids of the extensions we use; only those that fit the one-byte form, for every packet pays for the other.
pub(super) fn extension_ids(section: &MediaSection, transport_cc: bool) -> ExtensionIds {
    let id = |uri| section.extension_id(uri).filter(|id| *id <= 14);
    ExtensionIds {
        abs_send_time: id(ABS_SEND_TIME_URI),
        transport_cc: id(TRANSPORT_CC_URI).filter(|_| transport_cc),
    }
}
