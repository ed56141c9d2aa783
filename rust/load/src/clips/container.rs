//! The clip file. Its form is written down in `src/diemcau/clips/container.py`, which writes it.

use bytes::Bytes;
use serde::Deserialize;
use thiserror::Error;

const MAGIC: &[u8; 8] = b"DCCLIP1\n";
const MAX_HEADER: usize = 1 << 20;
const MAX_PACKETS: usize = 1 << 18;
const MAX_PACKET: usize = 1 << 20;
const ENTRY: usize = 12;

/// Why a file is not a clip.
#[derive(Debug, Error)]
pub enum ClipError {
    #[error("clip file is cut short or points outside of itself")]
    Outside,
    #[error("not a clip file")]
    Magic,
    #[error("clip header: {0}")]
    Header(#[from] serde_json::Error),
    #[error("clip version {0} is not 1")]
    Version(u32),
    #[error("{0}")]
    Content(String),
    #[error("{path}: {error}")]
    Io { path: String, error: std::io::Error },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodecKind {
    H264,
    Vp8,
    Opus,
    Jpeg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum LayerKind {
    #[serde(rename = "")]
    None,
    #[serde(rename = "low")]
    Low,
    #[serde(rename = "high")]
    High,
}

/// One encoded frame, audio packet or picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Place in the loop.
    pub position: u16,
    pub keyframe: bool,
    /// Audio level, -dBov.
    pub level: u8,
    pub data: Bytes,
}

/// Packets of one encoding, in the order of their positions.
#[derive(Debug, Clone)]
pub struct Stream {
    pub codec: CodecKind,
    pub layer: LayerKind,
    /// Position of a video's keyframe.
    pub phase: u16,
    /// Length of the loop, milliseconds.
    pub span_ms: u32,
    pub packets: Vec<Packet>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct ClipFile {
    pub number: u16,
    pub name: String,
    pub code: String,
    pub streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Header {
    version: u32,
    number: u16,
    name: String,
    code: String,
    streams: Vec<StreamHeader>,
}

#[derive(Deserialize)]
struct StreamHeader {
    codec: CodecKind,
    span_ms: u32,
    layer: LayerKind,
    phase: u16,
    first: usize,
    count: usize,
}

impl ClipFile {
    /// Reads a file; packets share its memory.
    ///
    /// # Errors
    /// When anything in it points outside of it.
    pub fn parse(file: &Bytes) -> Result<Self, ClipError> {
        let (magic, rest) = file.split_first_chunk::<8>().ok_or(ClipError::Magic)?;
        if magic != MAGIC {
            return Err(ClipError::Magic);
        }
        let (header_len, rest) = rest.split_first_chunk::<4>().ok_or(ClipError::Outside)?;
        let header_len = u32::from_le_bytes(*header_len) as usize;
        if header_len > MAX_HEADER || header_len > rest.len() {
            return Err(ClipError::Outside);
        }
        let (header, rest) = rest.split_at(header_len);
        let header: Header = serde_json::from_slice(header)?;
        if header.version != 1 {
            return Err(ClipError::Version(header.version));
        }
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(ClipError::Outside)?;
        let count = u32::from_le_bytes(*count) as usize;
        if count > MAX_PACKETS || count * ENTRY > rest.len() {
            return Err(ClipError::Outside);
        }
        let (index, body) = rest.split_at(count * ENTRY);
        let body = file.slice_ref(body);
        let packets =
            index.chunks_exact(ENTRY).map(|entry| read_entry(entry, &body)).collect::<Result<Vec<_>, _>>()?;
        let streams =
            header.streams.into_iter().map(|s| read_stream(s, &packets)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { number: header.number, name: header.name, code: header.code, streams })
    }
}

fn read_entry(entry: &[u8], body: &Bytes) -> Result<Packet, ClipError> {
    let u32_at =
        |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]) as usize;
    let (offset, length) = (u32_at(0), u32_at(4));
    if length > MAX_PACKET || offset > body.len() || length > body.len() - offset {
        return Err(ClipError::Outside);
    }
    Ok(Packet {
        position: u16::from_le_bytes([entry[8], entry[9]]),
        keyframe: entry[10] & 1 != 0,
        level: entry[11],
        data: body.slice(offset..offset + length),
    })
}

fn read_stream(header: StreamHeader, packets: &[Packet]) -> Result<Stream, ClipError> {
    let end = header.first.checked_add(header.count).ok_or(ClipError::Outside)?;
    let packets = packets.get(header.first..end).ok_or(ClipError::Outside)?.to_vec();
    let in_order = packets.iter().enumerate().all(|(i, packet)| usize::from(packet.position) == i);
    if !in_order || packets.is_empty() || header.span_ms == 0 {
        return Err(ClipError::Content("a stream's packets are not one a position".into()));
    }
    if !matches!(header.codec, CodecKind::Opus | CodecKind::Jpeg) {
        let keyframe = packets.get(usize::from(header.phase)).is_some_and(|packet| packet.keyframe);
        if !keyframe || header.layer == LayerKind::None {
            return Err(ClipError::Content("a video's keyframe is not at its phase".into()));
        }
    }
    Ok(Stream {
        codec: header.codec,
        layer: header.layer,
        phase: header.phase,
        span_ms: header.span_ms,
        packets,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file as the Python side writes it.
    pub fn file(header: &str, packets: &[(u16, bool, u8, &[u8])]) -> Bytes {
        let mut out = MAGIC.to_vec();
        out.extend((header.len() as u32).to_le_bytes());
        out.extend(header.as_bytes());
        out.extend((packets.len() as u32).to_le_bytes());
        let mut offset = 0_u32;
        for (position, keyframe, level, data) in packets {
            out.extend(offset.to_le_bytes());
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(position.to_le_bytes());
            out.extend([u8::from(*keyframe), *level]);
            offset += data.len() as u32;
        }
        for (.., data) in packets {
            out.extend(*data);
        }
        out.into()
    }

    fn small() -> Bytes {
        let header = r#"{"version":1,"number":3,"name":"Đồng Phú","code":"70","streams":[
            {"codec":"vp8","span_ms":100,"layer":"low","phase":1,"width":2,"height":2,"first":0,"count":2},
            {"codec":"opus","span_ms":60,"layer":"","phase":0,"width":0,"height":0,"first":2,"count":1}]}"#;
        file(header, &[(0, false, 127, b"delta"), (1, true, 127, b"key"), (0, true, 30, b"voice")])
    }

    #[test]
    fn a_file_is_read() {
        let clip = ClipFile::parse(&small()).unwrap();
        assert_eq!((clip.number, clip.name.as_str(), clip.streams.len()), (3, "Đồng Phú", 2));
        assert_eq!(clip.streams[0].packets[1].data.as_ref(), b"key");
        assert_eq!(clip.streams[1].packets[0].level, 30);
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_refused_or_stays_inside_itself(
            flips in proptest::collection::vec((0..420_usize, 1..=255_u8), 1..6),
            cut in 0..420_usize,
        ) {
            let good = small();
            let mut bad = good.to_vec();
            for (at, by) in flips {
                let at = at % bad.len();
                bad[at] ^= by;
            }
            let _ = ClipFile::parse(&bad.into());
            prop_assert!(ClipFile::parse(&good.slice(..cut.min(good.len() - 1))).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            let mut file = MAGIC.to_vec();
            file.extend(bytes);
            prop_assert!(ClipFile::parse(&file.into()).is_err());
        }
    }
}
