//! All clips of a run: what `index.json` names, held in memory once and shared.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::container::{ClipError, ClipFile, CodecKind, LayerKind, Packet, Stream};
use super::frame_id::{Fingerprint, FrameId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    H264,
    Vp8,
}

/// One encoded frame.
#[derive(Debug, Clone)]
pub struct Frame {
    pub keyframe: bool,
    /// Annex B, or a VP8 frame.
    pub data: Bytes,
    pub fingerprint: u64,
}

/// One of the encodings of a layer, told apart by where its keyframe lies.
#[derive(Debug, Clone)]
pub struct Encoding {
    pub phase: u16,
    /// By position in the loop.
    pub frames: Vec<Frame>,
}

/// A clip in one codec: low and high layer.
#[derive(Debug, Clone)]
pub struct Video {
    pub number: u16,
    pub codec: VideoCodec,
    pub layers: [Vec<Encoding>; 2],
}

/// A clip by the site it shows.
#[derive(Debug)]
pub struct Clip {
    pub number: u16,
    pub site: String,
    pub name: String,
    pub code: String,
    /// Its own voice among all; none: the site's name chooses one.
    voice: Option<usize>,
    h264: Option<Arc<Video>>,
    vp8: Option<Arc<Video>>,
}

/// One voice at one packet time: each packet's bytes and level (-dBov).
#[derive(Debug, Clone)]
pub struct Speech {
    pub packet_ms: u32,
    pub packets: Vec<(Bytes, u8)>,
}

/// One voice.
#[derive(Debug, Clone)]
pub struct Voice {
    speeches: Vec<Speech>,
}

/// Everything. Immutable, shared by `Arc`.
#[derive(Debug)]
pub struct Library {
    /// Milliseconds; time codes are modulo this.
    pub loop_ms: u32,
    /// Frames of one loop.
    pub frames: u16,
    clips: Vec<Clip>,
    voices: Vec<Arc<Voice>>,
    pictures: HashMap<String, Bytes>,
    by_site: HashMap<String, usize>,
    by_fingerprint: HashMap<u64, FrameId>,
    videos: HashMap<(u16, bool), Arc<Video>>,
}

#[derive(Deserialize)]
struct Index {
    version: u32,
    loop_ms: u32,
    clips: Vec<Entry>,
    voices: Vec<String>,
    pictures: String,
    picture_sites: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    number: u16,
    site: String,
    name: String,
    code: String,
    voice: Option<usize>,
    h264: Option<String>,
    vp8: Option<String>,
}

impl Library {
    /// Reads `index.json` in `folder` and all it names.
    ///
    /// # Errors
    /// When a file is missing or damaged, or there is no clip or voice at all.
    pub fn load(folder: &Path) -> Result<Self, ClipError> {
        let index: Index = serde_json::from_slice(&read(&folder.join("index.json"))?)?;
        if index.version != 1 {
            return Err(ClipError::Version(index.version));
        }
        // Names come from a file: only plain ones, so that it cannot point elsewhere.
        let open = |name: &str| {
            if name.contains(['/', '\\']) || name.starts_with('.') {
                return Err(ClipError::Content(format!("{name} is not a plain file name")));
            }
            ClipFile::parse(&read(&folder.join(name))?)
        };
        let video = |name: Option<&String>, codec| -> Result<_, ClipError> {
            name.map(|name| Ok(Arc::new(read_video(open(name)?, codec)?))).transpose()
        };
        let mut clips = Vec::new();
        for entry in index.clips {
            clips.push(Clip {
                h264: video(entry.h264.as_ref(), VideoCodec::H264)?,
                vp8: video(entry.vp8.as_ref(), VideoCodec::Vp8)?,
                number: entry.number,
                site: entry.site,
                name: entry.name,
                code: entry.code,
                voice: entry.voice,
            });
        }
        let voices =
            index.voices.iter().map(|name| read_voice(&open(name)?)).collect::<Result<Vec<_>, _>>()?;
        let jpegs = open(&index.pictures)?.streams.into_iter().flat_map(|stream| stream.packets);
        let pictures = index.picture_sites.into_iter().zip(jpegs.map(|packet| packet.data)).collect();
        Self::from_parts(index.loop_ms, clips, voices, pictures)
    }

    fn from_parts(
        loop_ms: u32,
        clips: Vec<Clip>,
        voices: Vec<Arc<Voice>>,
        pictures: HashMap<String, Bytes>,
    ) -> Result<Self, ClipError> {
        let videos: HashMap<_, _> = clips
            .iter()
            .flat_map(|clip| [&clip.h264, &clip.vp8])
            .flatten()
            .map(|video| ((video.number, video.codec == VideoCodec::H264), video.clone()))
            .collect();
        let frames = videos.values().map(|video| video.layers[0][0].frames.len()).max().unwrap_or(0);
        let same = videos.values().flat_map(|v| v.layers.iter().flatten()).all(|e| e.frames.len() == frames);
        let frames = u16::try_from(frames).unwrap_or(0);
        if frames == 0 || !same || voices.is_empty() || loop_ms == 0 || loop_ms > 65_536 {
            return Err(ClipError::Content("clips need one common loop, a video and a voice".into()));
        }
        let by_site = clips.iter().enumerate().map(|(i, clip)| (clip.site.clone(), i)).collect();
        let by_fingerprint = by_fingerprint(videos.values())?;
        Ok(Self { loop_ms, frames, clips, voices, pictures, by_site, by_fingerprint, videos })
    }

    #[must_use]
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// The site's own clip in this codec, else one that its name chooses among those that there are.
    #[must_use]
    pub fn video_for(&self, site: &str, codec: VideoCodec) -> Option<Arc<Video>> {
        let pick = |clip: &Clip| match codec {
            VideoCodec::H264 => clip.h264.clone(),
            VideoCodec::Vp8 => clip.vp8.clone(),
        };
        if let Some(video) = self.by_site.get(site).and_then(|i| pick(&self.clips[*i])) {
            return Some(video);
        }
        let all: Vec<_> = self.clips.iter().filter_map(pick).collect();
        (!all.is_empty()).then(|| all[stable_hash(site) as usize % all.len()].clone())
    }

    /// The voice of the site's own clip, where that has one, else one that its name chooses.
    #[must_use]
    pub fn voice_for(&self, site: &str) -> Arc<Voice> {
        let own = self.by_site.get(site).and_then(|i| self.clips[*i].voice);
        if let Some(voice) = own.and_then(|own| self.voices.get(own)) {
            return voice.clone();
        }
        self.voices[stable_hash(site) as usize % self.voices.len()].clone()
    }

    /// JPEG of the site, if one was drawn.
    #[must_use]
    pub fn picture_of(&self, site: &str) -> Option<Bytes> {
        self.pictures.get(site).cloned()
    }

    /// Which frame has this fingerprint; `after` is the frame before it, which decides where two look alike.
    #[must_use]
    pub fn find(&self, fingerprint: u64, after: Option<FrameId>) -> Option<FrameId> {
        if let Some(next) = after.map(|id| self.successor(id))
            && self.frame(next).is_some_and(|frame| frame.fingerprint == fingerprint)
        {
            return Some(next);
        }
        self.by_fingerprint.get(&fingerprint).copied()
    }

    /// The frame that refers to this one.
    #[must_use]
    pub fn successor(&self, id: FrameId) -> FrameId {
        FrameId { position: (id.position + 1) % self.frames, ..id }
    }

    /// From one frame to the next.
    #[must_use]
    pub fn frame_interval(&self) -> Duration {
        Duration::from_millis(u64::from(self.loop_ms)) / u32::from(self.frames)
    }

    fn frame(&self, id: FrameId) -> Option<&Frame> {
        let video = self.videos.get(&(id.number, id.h264))?;
        let encoding = video.layers.get(usize::from(id.layer))?.get(usize::from(id.encoding))?;
        encoding.frames.get(usize::from(id.position))
    }

    /// When in the loop a position is sent, milliseconds; what its time code says.
    #[must_use]
    pub fn position_ms(&self, position: u16) -> u32 {
        u32::from(position) * self.loop_ms / u32::from(self.frames)
    }
}

fn stable_hash(text: &str) -> u64 {
    // FNV-1a: the same in every run, so that a site keeps its clip.
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// # Errors
/// When two keyframes are alike: nothing comes before a keyframe that would tell which it is, and a viewer would take
/// the frame behind it for garbage.
fn by_fingerprint<'a>(
    videos: impl Iterator<Item = &'a Arc<Video>>,
) -> Result<HashMap<u64, FrameId>, ClipError> {
    let mut found = HashMap::new();
    let mut keyframes = HashSet::new();
    for (frame, id) in videos.flat_map(|video| frames_of(video)) {
        if frame.keyframe && !keyframes.insert(frame.fingerprint) {
            let FrameId { number, position, .. } = id;
            let text = format!("the keyframe at {position} of clip {number} is also another's");
            return Err(ClipError::Content(text));
        }
        // Of a keyframe and another frame that look alike, the one that may come after anything.
        if frame.keyframe || !keyframes.contains(&frame.fingerprint) {
            found.insert(frame.fingerprint, id);
        }
    }
    Ok(found)
}

fn frames_of(video: &Video) -> impl Iterator<Item = (&Frame, FrameId)> {
    let encodings = video.layers.iter().enumerate().flat_map(|(layer, encodings)| {
        encodings.iter().enumerate().map(move |(at, encoding)| (layer as u8, at as u16, encoding))
    });
    let (number, h264) = (video.number, video.codec == VideoCodec::H264);
    encodings.flat_map(move |(layer, encoding, frames)| {
        frames.frames.iter().enumerate().map(move |(position, frame)| {
            (frame, FrameId { number, h264, layer, encoding, position: position as u16 })
        })
    })
}

fn read(path: &Path) -> Result<Bytes, ClipError> {
    std::fs::read(path)
        .map(Bytes::from)
        .map_err(|error| ClipError::Io { path: path.display().to_string(), error })
}

fn read_video(file: ClipFile, codec: VideoCodec) -> Result<Video, ClipError> {
    let h264 = codec == VideoCodec::H264;
    let kind = if h264 { CodecKind::H264 } else { CodecKind::Vp8 };
    let mut layers = [Vec::new(), Vec::new()];
    for stream in file.streams.into_iter().filter(|stream| stream.codec == kind) {
        let layer = usize::from(stream.layer == LayerKind::High);
        let frame = |packet: Packet| Frame {
            keyframe: packet.keyframe,
            fingerprint: Fingerprint::of(&packet.data, h264),
            data: packet.data,
        };
        let frames = stream.packets.into_iter().map(frame).collect();
        layers[layer].push(Encoding { phase: stream.phase, frames });
    }
    if layers.iter().any(Vec::is_empty) {
        return Err(ClipError::Content(format!("clip {} lacks a layer", file.number)));
    }
    Ok(Video { number: file.number, codec, layers })
}

fn read_voice(file: &ClipFile) -> Result<Arc<Voice>, ClipError> {
    let speech = |stream: &Stream| Speech {
        packet_ms: stream.span_ms / stream.packets.len() as u32,
        packets: stream.packets.iter().map(|packet| (packet.data.clone(), packet.level)).collect(),
    };
    let speeches: Vec<_> =
        file.streams.iter().filter(|stream| stream.codec == CodecKind::Opus).map(speech).collect();
    if speeches.is_empty() || speeches.iter().any(|speech| speech.packet_ms == 0) {
        return Err(ClipError::Content("a voice without packets".into()));
    }
    Ok(Arc::new(Voice { speeches }))
}

impl Voice {
    /// The speech with packets of `ms`, else the longest that is not longer.
    #[must_use]
    pub fn speech(&self, ms: u32) -> &Speech {
        let fits = self.speeches.iter().filter(|s| s.packet_ms <= ms).max_by_key(|s| s.packet_ms);
        fits.unwrap_or(&self.speeches[0])
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A library of `count` clips made of random bytes: 6 frames of 50 ms, an encoding with its keyframe at 0 and one
    /// at 3; frames of the low layer take 1 packet, of the high one 3.
    pub fn library(count: u16) -> Library {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut data = |keyframe: bool, h264: bool, size: usize| {
            let mut bytes: Vec<u8> = (0..size).map(|_| rng.u8(1..=255)).collect();
            if h264 {
                bytes.splice(..5, [0, 0, 0, 1, if keyframe { 0x65 } else { 0x61 }]);
                if keyframe {
                    bytes.splice(..0, [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce]);
                }
            } else {
                bytes[0] = bytes[0] & 0xfe | u8::from(!keyframe);
            }
            Bytes::from(bytes)
        };
        let mut video = |number: u16, codec: VideoCodec| {
            let h264 = codec == VideoCodec::H264;
            let mut encoding = |phase: u16, size: usize| {
                let frames = (0..6).map(|position| {
                    let keyframe = position == phase;
                    let data = data(keyframe, h264, size);
                    Frame { keyframe, fingerprint: Fingerprint::of(&data, h264), data }
                });
                Encoding { phase, frames: frames.collect() }
            };
            let mut layer = |size| vec![encoding(0, size), encoding(3, size)];
            Arc::new(Video { number, codec, layers: [layer(700), layer(3000)] })
        };
        let clips = (0..count).map(|number| Clip {
            number,
            site: format!("s_{number}"),
            name: format!("Site {number}"),
            code: format!("{number:05}"),
            voice: None,
            h264: Some(video(number, VideoCodec::H264)),
            vp8: Some(video(number, VideoCodec::Vp8)),
        });
        let speech = |packet_ms, count: u8| Speech {
            packet_ms,
            packets: (0..count).map(|i| (Bytes::from(vec![0x78, i, 7]), 30)).collect(),
        };
        let voice = Voice { speeches: vec![speech(20, 30), speech(60, 10)] };
        let pictures = HashMap::from([("s_0".to_owned(), Bytes::from_static(b"jpeg"))]);
        Library::from_parts(300, clips.collect(), vec![Arc::new(voice)], pictures).unwrap()
    }

    /// Two clips whose keyframes have one length, one beginning and one end: they differ in `differ` bytes in the middle.
    fn twins(differ: usize) -> Result<Library, ClipError> {
        let Library { loop_ms, mut clips, voices, pictures, .. } = library(2);
        let first = clips[0].h264.clone().unwrap();
        let mut second = (*clips[1].h264.take().unwrap()).clone();
        for (layer, encodings) in second.layers.iter_mut().enumerate() {
            for (index, encoding) in encodings.iter_mut().enumerate() {
                let phase = usize::from(encoding.phase);
                let mut data = first.layers[layer][index].frames[phase].data.to_vec();
                let middle = data.len() / 2;
                data[middle..middle + differ].iter_mut().for_each(|byte| *byte = byte.wrapping_add(7).max(1));
                let fingerprint = Fingerprint::of(&data, true);
                encoding.frames[phase] = Frame { keyframe: true, fingerprint, data: data.into() };
            }
        }
        clips[1].h264 = Some(Arc::new(second));
        Library::from_parts(loop_ms, clips, voices, pictures)
    }

    /// See [`twins`].
    pub fn library_of_twins() -> Library {
        twins(8).unwrap()
    }

    #[test]
    fn every_frame_is_known_by_its_bytes() {
        let library = library(3);
        for codec in [VideoCodec::H264, VideoCodec::Vp8] {
            let video = library.video_for("s_2", codec).unwrap();
            for (layer, encodings) in video.layers.iter().enumerate() {
                for (index, encoding) in encodings.iter().enumerate() {
                    for (position, frame) in encoding.frames.iter().enumerate() {
                        let id = library.find(frame.fingerprint, None).unwrap();
                        assert_eq!((id.number, id.h264), (2, codec == VideoCodec::H264));
                        assert_eq!((usize::from(id.layer), usize::from(id.encoding)), (layer, index));
                        assert_eq!(usize::from(id.position), position);
                    }
                }
            }
        }
        assert_eq!(library.find(12345, None), None);
    }

    #[test]
    fn clips_with_a_keyframe_in_common_are_refused() {
        assert!(matches!(twins(0), Err(ClipError::Content(text)) if text.contains("is also another's")));
    }

    #[test]
    fn a_site_without_a_clip_of_its_own_keeps_the_one_it_is_given() {
        let library = library(3);
        let first = library.video_for("s_999", VideoCodec::Vp8).unwrap().number;
        assert_eq!(library.video_for("s_999", VideoCodec::Vp8).unwrap().number, first);
        assert_eq!(library.video_for("s_1", VideoCodec::Vp8).unwrap().number, 1);
        assert_eq!(library.voice_for("x").speech(60).packet_ms, 60);
        assert_eq!(library.voice_for("x").speech(40).packet_ms, 20);
        assert!(library.picture_of("s_0").is_some() && library.picture_of("s_1").is_none());
        assert_eq!(library.position_ms(3), 150);
    }
}
