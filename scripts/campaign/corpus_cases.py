"""The cases of the corpus: which container, codec, pixel format, time stamps and sound each file
has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

FRAMES = 7
RATE = Fraction(12)


@dataclass(frozen=True)
class Sound:
    """A sound stream. `pattern`: plain, late, short, long or gap."""

    codec: str
    layout: str = "stereo"
    rate: int = 48000
    pattern: str = "plain"
    language: str = ""


@dataclass(frozen=True)
class Case:
    """A file to make. `stamps`: constant, late, variable, pause, single or reordered; `tags` are
    primaries, transfer, matrix and range in H.273's numbers.
    """

    name: str
    suffix: str
    codec: str
    pixels: str = "yuv420p"
    rate: Fraction = RATE
    stamps: str = "constant"
    size: tuple[int, int] = (96, 64)
    sounds: tuple[Sound, ...] = ()
    tags: tuple[int, int, int, int] | None = None
    aspect: Fraction | None = None
    rotation: int = 0
    container: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many frames it gets."""
        return 1 if self.stamps == "single" else FRAMES

    def ticks(self) -> tuple[list[int], Fraction]:
        """(the time stamps of its frames, what they count in seconds)."""
        if self.stamps in ("variable", "pause"):
            extra = {"variable": lambda index: (index * index) % 5 * 10, "pause": lambda index: 400 * (index > 3)}[self.stamps]
            return [round(1000 * index / self.rate) + extra(index) for index in range(self.frames)], Fraction(1, 1000)
        first = max(1, round(self.rate / 4)) if self.stamps == "late" else 0
        return [first + index for index in range(self.frames)], 1 / self.rate


_VIDEO: dict[str, dict[str, tuple[str, ...]]] = {
    "mp4": {
        "libx264": ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuvj420p", "gray"),
        "libx264rgb": ("rgb24",),
        "libx265": ("yuv420p", "yuv422p10le", "yuv444p12le", "yuv420p12le", "gray"),
        **{"libsvtav1": ("yuv420p", "yuv420p10le"), "libvpx-vp9": ("yuv420p", "yuv444p", "yuv422p10le"), "mpeg4": ("yuv420p",)},
        **{"mjpeg": ("yuvj420p", "yuvj444p"), "mpeg2video": ("yuv420p", "yuv422p"), "ffv1": ("bgr0", "yuv420p")},
    },
    "mov": {
        "prores_ks": ("yuv422p10le", "yuv444p10le", "yuva444p10le"),
        **{"libx264": ("yuv420p", "yuv422p10le"), "libx265": ("yuv420p10le",), "qtrle": ("rgb24", "argb"), "png": ("rgb24", "rgba")},
        **{"mjpeg": ("yuvj422p",), "v210": ("yuv422p10le",), "rawvideo": ("uyvy422", "rgb24"), "cfhd": ("yuv422p10le",)},
        **{"dnxhd": ("yuv422p",), "hap": ("rgba",)},
    },
    "mkv": {
        "ffv1": ("yuv420p", "yuv444p16le", "gray16le", "bgr0", "bgra", "gbrp10le", "gbrp16le", "yuva420p", "rgb48le"),
        **{"libx264": ("yuv420p",), "libx265": ("yuv444p10le",), "libvpx": ("yuv420p",), "libvpx-vp9": ("yuva420p", "gbrp")},
        **{"huffyuv": ("yuv422p", "rgb24"), "ffvhuff": ("yuv420p", "yuv444p10le"), "utvideo": ("yuv420p", "gbrp"), "magicyuv": ("gbrp",)},
        **{"rawvideo": ("yuv420p", "nv12", "yuyv422"), "mpeg4": ("yuv420p",), "msmpeg4": ("yuv420p",), "theora": ("yuv420p",)},
        **{"prores_ks": ("yuv422p10le",), "wmv2": ("yuv420p",), "png": ("gray16be", "rgb48be"), "snow": ("yuv420p",)},
    },
    "webm": {"libvpx": ("yuv420p", "yuva420p"), "libvpx-vp9": ("yuv420p", "yuva420p", "yuv420p10le"), "libsvtav1": ("yuv420p",)},
    "avi": {
        **{"mpeg4": ("yuv420p",), "libx264": ("yuv420p",), "mjpeg": ("yuvj420p",), "rawvideo": ("bgr24", "yuv420p", "yuyv422")},
        **{"ffv1": ("yuv422p",), "huffyuv": ("yuv422p",), "utvideo": ("yuv422p",), "msmpeg4v2": ("yuv420p",), "png": ("rgb24",)},
        "dvvideo": ("yuv420p",),
    },
    "ts": {"libx264": ("yuv420p", "yuv422p10le"), "libx265": ("yuv420p",), "mpeg2video": ("yuv420p",), "mpeg1video": ("yuv420p",)},
    "mpg": {"mpeg1video": ("yuv420p",), "mpeg2video": ("yuv420p", "yuv422p")},
    "flv": {"flv": ("yuv420p",), "libx264": ("yuv420p",)},
    "wmv": {"wmv1": ("yuv420p",), "wmv2": ("yuv420p",), "msmpeg4": ("yuv420p",)},
    "ogv": {"libtheora": ("yuv420p",)},
    "mxf": {"mpeg2video": ("yuv420p", "yuv422p"), "dnxhd": ("yuv422p",), "prores_ks": ("yuv422p10le",), "libx264": ("yuv420p",)},
    "nut": {"libx264": ("yuv420p",), "ffv1": ("yuv444p",), "rawvideo": ("rgb24", "gray")},
    "gif": {"gif": ("rgb8", "pal8")},
    "apng": {"apng": ("rgb24", "rgba")},
    "y4m": {"wrapped_avframe": ("yuv420p",)},
    "ivf": {"libvpx-vp9": ("yuv420p",), "libsvtav1": ("yuv420p",)},
    "3gp": {"mpeg4": ("yuv420p",), "h263": ("yuv420p",)},
    "h264": {"libx264": ("yuv420p",)},
    "hevc": {"libx265": ("yuv420p",)},
}
_SIZES = {"dvvideo": (720, 576), "dnxhd": (1280, 720), "h263": (176, 144), "mxf": (720, 576)}
_OPTIONS = {
    "libx265": {"x265-params": "log-level=error"},
    "dnxhd": {"profile": "dnxhr_hq"},
    "libsvtav1": {"preset": "12"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
}

_SOUND: dict[str, tuple[str, ...]] = {
    "mp4": ("aac", "libmp3lame", "ac3", "eac3", "libopus", "flac", "alac", "mp2"),
    "mov": ("aac", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_mulaw", "pcm_alaw", "alac", "ac3", "pcm_u8"),
    "mkv": ("aac", "libopus", "vorbis", "flac", "pcm_s16le", "pcm_s24le", "ac3", "eac3", "libmp3lame", "mp2", "alac", "dca"),
    "webm": ("libopus", "vorbis"),
    "avi": ("pcm_s16le", "libmp3lame", "ac3", "mp2", "adpcm_ms", "pcm_u8"),
    "ts": ("aac", "mp2", "ac3", "eac3", "libopus", "s302m"),
    "mpg": ("mp2", "ac3"),
    "flv": ("aac", "libmp3lame"),
    "wmv": ("wmav2", "wmav1"),
    "nut": ("pcm_s16le", "flac"),
}
_LAYOUTS = ("mono", "stereo", "2.1", "4.0", "quad", "5.0", "5.1", "5.1(side)", "6.1", "7.1")
_CARRIERS = {"webm": "libvpx", "mpg": "mpeg2video", "wmv": "wmv2", "avi": "mpeg4", "flv": "flv"}


def all_cases() -> list[Case]:
    """Every case; PyAV may lack the encoder for some."""
    found = [*_pictures(), *_stamps(), *_facts(), *_sounds(), *_sound_patterns()]
    return [replace(case, options={**_OPTIONS.get(case.codec, {}), **case.options}) for case in found]


def _pictures() -> Iterator[Case]:
    for suffix, codecs in _VIDEO.items():
        for codec, formats in codecs.items():
            for pixels in formats:
                size = _SIZES.get(codec) or _SIZES.get(suffix) or (96, 64)
                rate = Fraction(25) if size[1] == 576 else Fraction(30000, 1001) if codec == "h263" else RATE
                yield Case(f"picture-{suffix}-{codec}-{pixels}", suffix, codec, pixels, rate, size=size)


def _stamps() -> Iterator[Case]:
    for suffix in ("mp4", "mov", "mkv", "webm", "avi", "ts", "mpg", "flv", "wmv", "nut"):
        codec = _CARRIERS.get(suffix, "libx264")
        for pattern in ("late", "variable", "pause", "single", "reordered"):
            options = {"bf": "2", "g": "12"} if pattern == "reordered" else {}
            rate = Fraction(25) if suffix == "mpg" else RATE
            yield Case(f"stamps-{suffix}-{pattern}", suffix, codec, rate=rate, stamps=pattern, options=options)
        for rate in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(120), Fraction(1), Fraction(15, 2)):
            yield Case(f"rate-{suffix}-{rate.numerator}_{rate.denominator}", suffix, codec, rate=rate)


def _facts() -> Iterator[Case]:
    for suffix, codec in (("mp4", "libx264"), ("mov", "libx265"), ("mkv", "libx264")):
        for tags in ((1, 1, 1, 1), (5, 6, 5, 1), (6, 6, 6, 2), (9, 16, 9, 1), (9, 18, 9, 1), (1, 13, 1, 2), (9, 14, 9, 1)):
            pixels = "yuv420p10le" if tags[0] == 9 else "yuv420p"
            yield Case(f"tags-{suffix}-{'_'.join(map(str, tags))}", suffix, codec, pixels, tags=tags)
        for aspect in (Fraction(16, 15), Fraction(4, 3), Fraction(8, 9)):
            yield Case(f"aspect-{suffix}-{aspect.numerator}_{aspect.denominator}", suffix, codec, aspect=aspect)
        for rotation in (90, 180, 270):
            yield Case(f"turned-{suffix}-{rotation}", suffix, codec, rotation=rotation)
    for size in ((95, 63), (96, 63), (95, 64), (16, 16), (17, 33), (640, 48)):
        yield Case(f"size-{size[0]}x{size[1]}", "mkv", "ffv1", "yuv444p", size=size)
        yield Case(f"size-{size[0]}x{size[1]}-h264", "mp4", "libx264", "yuv444p", size=size)
    for order in ("tff", "bff"):
        for suffix in ("mp4", "ts"):
            yield Case(f"fields-{suffix}-{order}", suffix, "libx264", options={"x264-params": f"{order}=1"})


def _sounds() -> Iterator[Case]:
    for suffix, codecs in _SOUND.items():
        for codec in codecs:
            for layout in ("mono", "stereo", "5.1"):
                sound = Sound(codec, layout, rate=44100 if codec in ("wmav1", "wmav2") else 48000)
                yield _carrying(f"sound-{suffix}-{codec}-{layout}", suffix, sound)
    for codec, suffix in (("pcm_s16le", "mov"), ("flac", "mkv"), ("aac", "mp4"), ("libopus", "mkv"), ("ac3", "mkv")):
        for layout in _LAYOUTS:
            yield _carrying(f"layout-{suffix}-{codec}-{layout}", suffix, Sound(codec, layout))
    for rate in (8000, 11025, 22050, 44100, 96000, 192000):
        for codec, suffix in (("pcm_s16le", "mov"), ("flac", "mkv"), ("libmp3lame", "mkv"), ("aac", "mp4")):
            yield _carrying(f"samples-{suffix}-{codec}-{rate}", suffix, Sound(codec, rate=rate))


def _sound_patterns() -> Iterator[Case]:
    for suffix, codec in (("mp4", "aac"), ("mov", "pcm_s16le"), ("mkv", "libopus"), ("ts", "aac"), ("avi", "libmp3lame"), ("mkv", "flac")):
        for pattern in ("late", "short", "long", "gap"):
            yield _carrying(f"pattern-{suffix}-{codec}-{pattern}", suffix, Sound(codec, pattern=pattern))
        two = (Sound(codec, language="eng"), Sound(codec, "mono", language="fra"))
        yield replace(_carrying(f"pattern-{suffix}-{codec}-two", suffix, two[0]), sounds=two)
        late = _carrying(f"pattern-{suffix}-{codec}-before", suffix, Sound(codec))
        yield replace(late, stamps="late")


def _carrying(name: str, suffix: str, sound: Sound) -> Case:
    rate = Fraction(25) if suffix == "mpg" else RATE
    return Case(name, suffix, _CARRIERS.get(suffix, "libx264"), rate=rate, sounds=(sound,))
