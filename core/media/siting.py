"""Where the colour samples of a picture lie that has fewer of them than of brightness.

Read with another siting than it was written with, a clip's colour moves sideways by a fraction of
a sample, and again each time that it is edited. FFmpeg's decoders note the siting in their frames,
and its scaler heeds it, but PyAV does not show it: it is measured, by converting a ramp.
"""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from core.media.filters import FrameFilter

ACCURATE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
"""The flags with which swscale agrees with the formulas of the standards."""

SITINGS = {
    (0.0, 0.5): "left",
    (0.5, 0.5): "center",
    (0.0, 0.0): "topleft",
    (0.5, 0.0): "top",
    (0.0, 1.0): "bottomleft",
    (0.5, 1.0): "bottom",
}
"""FFmpeg's names, by how far the first colour sample lies right of and below the first pixel's
centre, in pixels.
"""

_CENTRED = ("h264", "hevc", "mpeg1video", "mjpeg", "h263", "h263i", "h263p", "flv1", "theora", "wmv1", "wmv2")
"""Codecs whose decoders say where the samples lie, or whose samples are always in the centre."""

_MATROSKA_CENTRED = b"\x55\xb7\x81\x02"
"""The element ChromaSitingHorz with the value "half"."""

_SIDE = 16


def has_subsampled_colour(pixels: av.VideoFormat) -> bool:
    """Whether a pixel format has fewer samples of colour than of brightness."""
    return not pixels.is_rgb and len(pixels.components) >= 3 and pixels.chroma_width(_SIDE) < _SIDE


def siting_of(frame: av.VideoFrame, codec: str, head: bytes) -> tuple[str | None, bool]:
    """Find out the siting of a stream.

    Nobody says it in VP9, ProRes, DNxHD and others, and FFmpeg then takes the centre. What is
    true there is the left, where nearly all video has had it since MPEG-2; only JPEG and what came
    before have the centre.

    Args:
        frame: A decoded frame of the stream.
        codec: FFmpeg's name for the codec.
        head: The first bytes of the file, in which Matroska may name the siting.

    Returns:
        One of `SITINGS`, None for a format without such samples; and whether the frames say so
        themselves.
    """
    if not has_subsampled_colour(frame.format):
        return None, True
    halved = frame.format.chroma_height(_SIDE) < _SIDE
    across, down = _measured(frame, "yuv420p" if halved else "yuv422p")
    measured = SITINGS.get((across, down if halved else 0.5), "left")
    if measured != "center":
        return measured, True
    said = (codec in _CENTRED and (halved or codec != "hevc")) or frame.format.name.startswith("yuvj") or _MATROSKA_CENTRED in head
    return ("center", True) if said else ("left", False)


def _measured(frame: av.VideoFrame, pixels: str) -> tuple[float, float]:
    """How far right and down of the first pixel the first colour sample is taken to be."""
    ramp = VideoReformatter().reformat(FrameFilter(("setfield", "prog"))(frame), _SIDE, _SIDE, format=pixels)
    brightness, across, down = ramp.planes
    steps = 100 + 4 * np.arange(_SIDE)
    for plane, levels in (
        (brightness, np.full((_SIDE, _SIDE), 128)),
        (across, np.tile(steps[: across.width], (across.height, 1))),
        (down, np.tile(steps[: down.height, None], (1, down.width))),
    ):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = levels
        plane.update(padded.tobytes())
    ramp.color_range, ramp.colorspace = 1, 1
    full = VideoReformatter().reformat(ramp, format="yuv444p", interpolation=ACCURATE, dst_color_range=1)
    middle = _SIDE // 2
    u, v = (np.frombuffer(bytes(plane), np.uint8).reshape(_SIDE, -1)[middle, middle] for plane in full.planes[1:])
    return middle - (float(u) - 100) / 2, middle - (float(v) - 100) / 2
