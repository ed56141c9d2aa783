//! RTP headers (RFC 3550 §5.1) and header extensions (RFC 8285), read without allocation and written in place.

use thiserror::Error;

/// Length of the fixed header without CSRCs and extensions, bytes.
pub const FIXED_HEADER_LEN: usize = 12;

/// Why bytes are not an RTP packet, or cannot be made one.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum RtpError {
    #[error("RTP packet is shorter than its header says")]
    Truncated,
    #[error("RTP version is not 2")]
    Version,
    #[error("RTP padding is longer than the payload, or zero")]
    Padding,
    #[error("buffer is too small for the RTP packet")]
    NoSpace,
    #[error("header extension id or length is not representable")]
    Extension,
}

impl RtpError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "rtp_truncated",
            Self::Version => "rtp_version",
            Self::Padding => "rtp_padding",
            Self::NoSpace => "rtp_no_space",
            Self::Extension => "rtp_extension",
        }
    }
}

/// The fields of the fixed header. `sequence` and `timestamp` wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RtpHeader {
    pub marker: bool,
    /// 0..=127.
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the payload's clock rate (90,000 Hz video, 48,000 Hz Opus).
    pub timestamp: u32,
    pub ssrc: u32,
}

/// An RTP packet that borrows the datagram it came in.
#[derive(Debug, Clone, Copy)]
pub struct RtpPacket<'a> {
    pub header: RtpHeader,
    /// Fixed header, CSRCs and extension block, bytes.
    pub header_len: usize,
    /// Without padding.
    pub payload: &'a [u8],
    /// Padding at the end of the packet incl. its count byte, bytes; 0 when there is none.
    pub padding_len: usize,
    extensions: Extensions<'a>,
}

/// The extension block of one packet; see [`RtpPacket::extensions`].
#[derive(Debug, Clone, Copy, Default)]
struct Extensions<'a> {
    profile: u16,
    data: &'a [u8],
}

/// Audio level of one packet (RFC 6464 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// The encoder thinks it is speech.
    pub voice: bool,
    /// In -dBov: 0 is loudest, 127 is silence.
    pub level: u8,
}

impl AudioLevel {
    /// Reads the first byte of the extension's data.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let byte = *data.first()?;
        Some(Self { voice: byte & 0x80 != 0, level: byte & 0x7f })
    }

    /// The byte that goes on the wire.
    pub fn to_byte(self) -> u8 {
        u8::from(self.voice) << 7 | (self.level & 0x7f)
    }
}

impl<'a> RtpPacket<'a> {
    /// Reads one packet. Never allocates; the extension block's own elements are read lazily.
    pub fn parse(packet: &'a [u8]) -> Result<Self, RtpError> {
        let (header, header_len, extensions) = parse_header(packet)?;
        let mut end = packet.len();
        let mut padding_len = 0;
        if packet[0] & 0x20 != 0 {
            padding_len = usize::from(packet[end - 1]);
            if padding_len == 0 || padding_len > end - header_len {
                return Err(RtpError::Padding);
            }
            end -= padding_len;
        }
        Ok(Self { header, header_len, payload: &packet[header_len..end], padding_len, extensions })
    }

    /// Data of the extension element with this id (1..=14 one-byte, 1..=255 two-byte form), the first of them.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|(found, _)| *found == id).map(|(_, data)| data)
    }

    /// All extension elements in order; stops at the first malformed one (RFC 8285 §4.2-4.3).
    pub fn extensions(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        self.extensions.elements()
    }

    /// Audio level, if the element with this id is there (RFC 6464).
    pub fn audio_level(&self, id: u8) -> Option<AudioLevel> {
        self.extension(id).and_then(AudioLevel::parse)
    }
}

/// Length of the header of an RTP packet incl. CSRCs and extension block; what SRTP leaves in the clear.
/// Does not look at padding, which is encrypted in SRTP.
pub fn header_len(packet: &[u8]) -> Result<usize, RtpError> {
    parse_header(packet).map(|(_, len, _)| len)
}

fn parse_header(packet: &[u8]) -> Result<(RtpHeader, usize, Extensions<'_>), RtpError> {
    let fixed: &[u8; FIXED_HEADER_LEN] = packet.first_chunk().ok_or(RtpError::Truncated)?;
    if fixed[0] >> 6 != 2 {
        return Err(RtpError::Version);
    }
    let header = RtpHeader {
        marker: fixed[1] & 0x80 != 0,
        payload_type: fixed[1] & 0x7f,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
    };
    let mut len = FIXED_HEADER_LEN + 4 * usize::from(fixed[0] & 0x0f);
    let mut extensions = Extensions::default();
    if fixed[0] & 0x10 != 0 {
        let head = packet.get(len..len + 4).ok_or(RtpError::Truncated)?;
        let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let start = len + 4;
        len = start + 4 * words;
        extensions.profile = u16::from_be_bytes([head[0], head[1]]);
        extensions.data = packet.get(start..len).ok_or(RtpError::Truncated)?;
    }
    if packet.len() < len {
        return Err(RtpError::Truncated);
    }
    Ok((header, len, extensions))
}

impl<'a> Extensions<'a> {
    fn elements(self) -> Elements<'a> {
        // 0xBEDE is the one-byte form, 0x100x the two-byte form; any other profile is not ours to read.
        let form = match self.profile {
            0xbede => Form::OneByte,
            p if p & 0xfff0 == 0x1000 => Form::TwoByte,
            _ => return Elements { form: Form::OneByte, data: &[] },
        };
        Elements { form, data: self.data }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

struct Elements<'a> {
    form: Form,
    data: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.data.split_first()?;
            if first == 0 {
                // Padding between elements (RFC 8285 §4.1.2).
                self.data = rest;
                continue;
            }
            let (id, len, rest) = match self.form {
                Form::OneByte => {
                    if first >> 4 == 15 {
                        // Reserved: "stop processing" (RFC 8285 §4.2).
                        self.data = &[];
                        return None;
                    }
                    (first >> 4, usize::from(first & 0x0f) + 1, rest)
                }
                Form::TwoByte => {
                    let (&len, rest) = rest.split_first()?;
                    (first, usize::from(len), rest)
                }
            };
            if len > rest.len() {
                self.data = &[];
                return None;
            }
            let (data, rest) = rest.split_at(len);
            self.data = rest;
            return Some((id, data));
        }
    }
}

/// Writes a header with one-byte or, where an id or a length asks for it, two-byte extensions. Returns its
/// length; the payload goes right behind it. Without extensions the X bit stays clear.
pub fn write_header(
    buf: &mut [u8],
    header: &RtpHeader,
    extensions: &[(u8, &[u8])],
) -> Result<usize, RtpError> {
    let fixed: &mut [u8; FIXED_HEADER_LEN] = buf.first_chunk_mut().ok_or(RtpError::NoSpace)?;
    fixed[0] = 0x80;
    fixed[1] = u8::from(header.marker) << 7 | (header.payload_type & 0x7f);
    fixed[2..4].copy_from_slice(&header.sequence.to_be_bytes());
    fixed[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
    fixed[8..12].copy_from_slice(&header.ssrc.to_be_bytes());
    if extensions.is_empty() {
        return Ok(FIXED_HEADER_LEN);
    }
    fixed[0] |= 0x10;
    write_extensions(&mut buf[FIXED_HEADER_LEN..], extensions).map(|len| FIXED_HEADER_LEN + len)
}

fn write_extensions(buf: &mut [u8], extensions: &[(u8, &[u8])]) -> Result<usize, RtpError> {
    let two_byte = extensions.iter().any(|(id, data)| *id > 14 || data.is_empty() || data.len() > 16);
    let mut at = 4;
    for (id, data) in extensions {
        if *id == 0 || data.len() > 255 {
            return Err(RtpError::Extension);
        }
        let head = if two_byte { 2 } else { 1 };
        let slot = buf.get_mut(at..at + head + data.len()).ok_or(RtpError::NoSpace)?;
        if two_byte {
            slot[0] = *id;
            slot[1] = data.len() as u8;
        } else {
            slot[0] = id << 4 | (data.len() as u8 - 1);
        }
        slot[head..].copy_from_slice(data);
        at += head + data.len();
    }
    let end = at.next_multiple_of(4);
    buf.get_mut(at..end).ok_or(RtpError::NoSpace)?.fill(0);
    let words = u16::try_from(end / 4 - 1).map_err(|_| RtpError::Extension)?;
    let profile: u16 = if two_byte { 0x1000 } else { 0xbede };
    buf[..2].copy_from_slice(&profile.to_be_bytes());
    buf[2..4].copy_from_slice(&words.to_be_bytes());
    Ok(end)
}

/// Grows a packet of `len` bytes by `padding` bytes and sets the P bit (RFC 3550 §5.1). Zero changes nothing.
/// Returns the new length. The packet must not be padded already.
pub fn add_padding(buf: &mut [u8], len: usize, padding: u8) -> Result<usize, RtpError> {
    if padding == 0 {
        return Ok(len);
    }
    if len < FIXED_HEADER_LEN {
        return Err(RtpError::Truncated);
    }
    if buf[0] & 0x20 != 0 {
        return Err(RtpError::Padding);
    }
    let end = len + usize::from(padding);
    let tail = buf.get_mut(len..end).ok_or(RtpError::NoSpace)?;
    tail.fill(0);
    tail[usize::from(padding) - 1] = padding;
    buf[0] |= 0x20;
    Ok(end)
}

/// URI of abs-send-time as offers carry it.
pub const ABS_SEND_TIME_URI: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
/// URI of the client-to-mixer audio level (RFC 6464).
pub const AUDIO_LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// URI of the transport-wide sequence number.
pub const TRANSPORT_CC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// abs-send-time of an NTP time (32.32 fixed point, seconds since 1900): 24 bits, 6.18 fixed point seconds.
pub fn abs_send_time(ntp: u64) -> [u8; 3] {
    let bits = (ntp >> 14) as u32;
    [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]
}

/// Whether `a` comes after `b` in 16-bit sequence space (RFC 1982).
pub fn sequence_newer(a: u16, b: u16) -> bool {
    a != b && a.wrapping_sub(b) < 0x8000
}
