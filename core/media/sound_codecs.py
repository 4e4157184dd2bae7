"""Which sound each of our containers gets. The one place that decides it.

FFmpeg says which codecs a container can hold, and takes more than players know: the tables here are
what is played.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import av

_PLAYED: dict[str, frozenset[str]] = {
    # Vorbis and PCM have a place in MP4, but browsers don't play them from it.
    "mp4": frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac"}),
    "mov": frozenset(
        {
            *("aac", "mp3", "ac3", "eac3", "alac", "pcm_mulaw", "pcm_alaw", "adpcm_ima_qt", "pcm_s8", "pcm_u8"),
            *(f"pcm_{kind}{order}" for kind in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")),
        }
    ),
}
"""Matroska is missing: players take from it whatever FFmpeg puts in."""

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_LAYOUTS = {"mono": "mono", "stereo": "stereo", "3.0": "3.0", "4.0": "4.0", "5.0": "5.0", "5.1": "5.1", "7.1": "7.1"} | {
    # AAC names its surround speakers neither side nor back. FFmpeg takes them for back ones.
    "5.0(side)": "5.0",
    "5.1(side)": "5.1",
}
"""The layouts that AAC has a number for, which all players know, and what each is called there."""
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""For streams that don't say which speaker a channel is for."""
_MOST_CHANNELS = 8
_RATES = (4000, 192_000)
"""Samples a second, least and most, whatever a file claims."""
_TITLES = {"aac": "AAC", "aac_latm": "AAC", "opus": "Opus", "vorbis": "Vorbis", "pcm_mulaw": "\u00b5-law", "pcm_alaw": "A-law"}
CONTAINER_TITLES = {"mp4": "MP4", "mov": "MOV", "matroska": "MKV"}


@dataclass(frozen=True)
class SoundEncoding:
    """How a stream is encoded: encoder, channels, samples a second, and whether more than 16 bits
    a sample are kept.
    """

    codec: str
    layout: str
    rate: int
    deep: bool = False
    bit_rate: int | None = None

    @property
    def title(self) -> str:
        """For a person: AAC 5.1."""
        return f"{codec_title(self.codec)} {self.layout}"


def may_copy(container: str, codec: str, decoder: str, channels: int) -> bool:
    """Whether packets of a codec may go into a container as they are.

    Args:
        container: FFmpeg's name: mp4, mov or matroska.
        codec: FFmpeg's name of the codec.
        decoder: FFmpeg's name of its decoder.
        channels: How many there are.

    Returns:
        Whether FFmpeg can write them there and players can play them. A stream may still be
        refused for its own reasons: see `core.media.stream_plan`.
    """
    if container == "matroska" and codec.startswith("pcm_") and channels > 2:
        return False  # it would not say which channel is for which speaker
    return codec in _PLAYED.get(container, (codec,)) and not {codec, decoder}.isdisjoint(_held(container))


def encoding_of(container: str, layout: str, channels: int, rate: int, deep: bool) -> SoundEncoding:
    """What sound is encoded as where its packets can't be copied.

    Args:
        container: mp4, mov or matroska.
        layout: FFmpeg's name of the channels.
        channels: How many they are.
        rate: Samples a second.
        deep: Whether the source keeps more than 16 bits a sample.

    Returns:
        AAC for MP4, but FLAC for channels that AAC has no number for; PCM for MOV; FLAC for
        Matroska. More than 8 channels are mixed to stereo.
    """
    layout = _named(layout, channels)
    rate = min(max(rate, _RATES[0]), _RATES[1])
    if container == "mov":
        return SoundEncoding("pcm_s24le" if deep else "pcm_s16le", layout, rate, deep)
    if container == "mp4" and layout in _AAC_LAYOUTS:
        rate = next((known for known in _AAC_RATES if known >= rate), _AAC_RATES[-1])
        per_channel = 96_000 if channels <= 2 else 64_000
        return SoundEncoding("aac", _AAC_LAYOUTS[layout], rate, bit_rate=min(per_channel, 6 * rate) * channels_of(layout))
    return SoundEncoding("flac", layout, rate, deep)


def channels_of(layout: str) -> int:
    """How many channels a layout has."""
    return av.AudioLayout(layout).nb_channels


def codec_title(codec: str) -> str:
    """A codec's name for a person."""
    return _TITLES.get(codec) or ("PCM" if codec.startswith("pcm_") else codec.upper())


def _named(layout: str, channels: int) -> str:
    if channels > _MOST_CHANNELS:
        return "stereo"
    if "channels" in layout:  # "6 channels": which is which, the file doesn't say
        return _USUAL_LAYOUTS[channels]
    return layout


@cache
def _held(container: str) -> frozenset[str]:
    with av.open(io.BytesIO(), "w", format=container) as output:
        return frozenset(output.supported_codecs)
