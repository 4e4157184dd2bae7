"""What a video can be written as: which encoder, which pixel format, which containers. The build of
PyAV decides what there is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args, Literal

import av

from core.errors import InputError
from core.media.siting import SITINGS
from core.project.video import VideoInfo

Codec = Literal["h264", "hevc", "av1", "prores", "ffv1"]
CODECS: tuple[Codec, ...] = get_args(Codec)
AlphaCodec = Literal["prores-4444", "vp9-alpha"]
"""Codecs that hold transparency; pictures for them have a fourth channel."""


@dataclass(frozen=True)
class Encoding:
    """How a codec is written. `encoders` are tried in this order; `suffixes` name its containers,
    the first being the usual one.

    `even` is the pixel format for an even width and height, `odd` the one that can hold an odd size
    (None: it can't). `sitings` are those of colour samples that the codec can name; in others they
    lie left. `fields` tells whether interlaced frames can be said to be such.
    """

    title: str
    encoders: tuple[str, ...]
    suffixes: tuple[str, ...]
    even: str
    odd: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    tag: str | None = None
    least: int = 1
    sitings: tuple[str, ...] = ()
    fields: bool = False

    @property
    def alpha(self) -> bool:
        """Whether transparency is written, too."""
        return "yuva" in self.even


CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's names of the containers, by the ending of a file's name."""

_ANY = tuple(SITINGS.values())

ENCODINGS: dict[Codec | AlphaCodec, Encoding] = {
    "h264": Encoding(
        "H.264",
        ("libx264",),
        (".mp4", ".m4v", ".mov", ".mkv"),
        "yuv420p",
        "yuv444p",
        {"crf": "16", "preset": "fast"},
        sitings=_ANY,
        fields=True,
    ),
    "hevc": Encoding(
        "HEVC",
        ("libx265",),
        (".mp4", ".m4v", ".mov", ".mkv"),
        "yuv420p",
        "yuv444p",
        {"crf": "17", "preset": "fast", "x265-params": "log-level=error"},
        tag="hvc1",  # players of one large maker ask for it
        sitings=_ANY,
    ),
    "av1": Encoding(
        "AV1",
        ("libsvtav1", "libaom-av1"),
        (".mp4", ".mkv"),
        "yuv420p",
        None,
        {"crf": "20", "preset": "8"},
        least=64,
        sitings=("left", "topleft"),
    ),
    "prores": Encoding("ProRes 422 HQ", ("prores_ks",), (".mov", ".mkv"), "yuv422p10le", "yuv444p10le", {"profile": "hq"}, fields=True),
    "ffv1": Encoding(
        "FFV1, lossless",
        ("ffv1",),
        (".mkv", ".mp4"),
        "bgr0",
        "bgr0",
        {"level": "3", "slices": "4", "slicecrc": "1"},
        fields=True,
    ),
    "prores-4444": Encoding(
        "ProRes 4444, with transparency",
        ("prores_ks",),
        (".mov", ".mkv"),
        "yuva444p10le",
        "yuva444p10le",
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
        fields=True,
    ),
    "vp9-alpha": Encoding(
        "VP9, with transparency",
        ("libvpx-vp9",),
        (".webm", ".mkv"),
        "yuva420p",
        "yuva420p",
        {"crf": "22", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1", "auto-alt-ref": "0"},
        sitings=("left", "center", "topleft"),  # which WebM says
    ),
}


@functools.cache
def encoder_of(codec: Codec | AlphaCodec) -> str | None:
    """The encoder that this build of PyAV has for the codec; None when it has none."""
    for name in ENCODINGS[codec].encoders:
        try:
            av.Codec(name, "w")
        except (av.FFmpegError, ValueError):
            continue
        return name
    return None


def available_codecs() -> tuple[Codec, ...]:
    """The codecs that can be written here."""
    return tuple(codec for codec in CODECS if encoder_of(codec) is not None)


def pixel_format_of(codec: Codec | AlphaCodec, info: VideoInfo) -> str:
    """The pixel format that the codec takes for a picture of this size; InputError when it can't
    hold it.
    """
    encoding = ENCODINGS[codec]
    if min(info.size) < encoding.least:
        raise InputError(f"{encoding.title} can't hold {info.width}x{info.height} pixels: each side needs {encoding.least}; try H.264")
    if info.field_order and not encoding.fields:
        name = encoding.title.split(",")[0]
        raise InputError(f"{name} can't hold interlaced frames: deinterlace the clip, or choose H.264, ProRes or FFV1")
    # Half the lines of a field have to be a whole number.
    if info.width % 2 == info.height % (4 if info.field_order and encoding.even == "yuv420p" else 2) == 0:
        return encoding.even
    if encoding.odd is None:
        raise InputError(f"{encoding.title} can't hold {info.width}x{info.height} pixels, an odd size: try H.264, HEVC or FFV1")
    return encoding.odd
