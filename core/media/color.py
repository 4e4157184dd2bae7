"""Colour: what the tags of a video say, and conversion between decoded frames and 8-bit RGB by
those tags.

The numbers are the code points of ITU-T H.273, the names FFmpeg's. Conversion happens in swscale,
with the flags that make it agree with the formulas of BT.601, BT.709 and BT.2020 to one level (its
defaults are up to three levels off, always in the same direction, which adds up when a clip is
edited again and again). HDR footage (transfers smpte2084 and arib-std-b67) is converted plainly,
without tone mapping, so that writing it in 8 bits under its own tags gives the same picture back.
"""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from core.errors import InputError
from core.media.fields import MODES
from core.media.filters import FrameFilter
from core.media.siting import ACCURATE, has_subsampled_colour
from core.project.video import VideoInfo

PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428", 11: "smpte431",
    12: "smpte432", 22: "ebu3213",
}  # fmt: skip
TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316", 11: "iec61966-2-4",
    12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc", 10: "bt2020c",
    11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp",
}  # fmt: skip
RANGES = {1: "tv", 2: "pc"}

UNSPECIFIED = 2
LIMITED, FULL = 1, 2

# Code point of a matrix -> swscale's own number for it. Whatever is missing here swscale can't do.
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}

RgbFrame = npt.NDArray[np.uint8]


def code_point(names: dict[int, str], name: str | None, missing: int = UNSPECIFIED) -> int:
    """The H.273 number of a name.

    Args:
        names: Names by their numbers.
        name: FFmpeg's name, or None.
        missing: What to return for no name or an unknown one.

    Returns:
        The code point.
    """
    return next((code for code, known in names.items() if known == name), missing)


def usable_matrix(matrix: int, height: int) -> int:
    """The matrix to convert with: the tagged one where it can be done, else BT.709 from 720 lines
    up and BT.601 below, as players guess.
    """
    if matrix in _SWSCALE:
        return matrix
    return 1 if height >= 720 else 6


def written_matrix(info: VideoInfo) -> tuple[int, int]:
    """(matrix to convert RGB to YUV with, matrix to tag), as H.273 numbers. An untagged source
    stays untagged: every reader, ours included, then makes the guess that was made here.
    """
    tagged = code_point(MATRICES, info.color_matrix)
    used = usable_matrix(tagged, info.height)
    return used, UNSPECIFIED if tagged == UNSPECIFIED else used


class RgbConverter:
    """Turns decoded frames of one stream into RGB arrays. Not thread-safe: one per thread or behind
    a lock.

    `size` is (width, height) before rotation; a frame of another size (some streams change it on
    the way) is scaled to it. `siting` is where the colour samples lie, for frames that do not say
    it themselves.
    """

    def __init__(self, size: tuple[int, int], rotation: int, mirrored: bool = False, siting: str | None = None) -> None:
        self._size = size
        self._rotation = rotation
        self._mirrored = mirrored
        self._sited = FrameFilter(("setparams", f"chroma_location={siting}")) if siting is not None else None
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> RgbFrame:
        """RGB of a decoded frame, upright: uint8 (H, W, 3), C-contiguous, the caller's own."""
        is_rgb = frame.format.is_rgb or frame.format.has_palette
        options: dict[str, Any] = {}
        if not is_rgb:
            matrix = usable_matrix(frame.colorspace, frame.height)
            full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
            options = {"src_colorspace": _SWSCALE[matrix], "src_color_range": FULL if full else LIMITED}
            if self._sited is not None:
                frame = self._sited(frame)
        # Planar first: swscale's accurate YUV conversion is vectorised for planar RGB only, and
        # interleaving afterwards is cheap.
        rgb = self._reformatter.reformat(
            frame,
            *self._size,
            format="rgb24" if is_rgb else "gbrp",
            dst_color_range=FULL,
            interpolation=ACCURATE,
            threads=1,
            **options,
        )
        return _upright(rgb.to_ndarray(), self._rotation, self._mirrored)


def has_alpha(pixels: av.VideoFormat) -> bool:
    """Whether a pixel format can hold transparency."""
    return any(component.is_alpha for component in pixels.components)


def alpha_of(frame: av.VideoFrame, size: tuple[int, int], rotation: int = 0, mirrored: bool = False) -> npt.NDArray[np.uint8]:
    """How opaque the pixels of a decoded frame are.

    Args:
        frame: The frame, of a format that has alpha.
        size: (width, height) of the answer before it is turned.
        rotation: Degrees clockwise to turn it.
        mirrored: Whether to mirror it before.

    Returns:
        uint8 (H, W), 255 where nothing shines through.
    """
    if not has_alpha(frame.format):
        return np.full(size if rotation in (90, 270) else size[::-1], 255, np.uint8)
    deep = max(component.bits for component in frame.format.components if component.is_alpha) > 8
    rgba = VideoReformatter().reformat(frame, *size, format="rgba64le" if deep else "rgba", threads=1)
    alpha = rgba.to_ndarray()[..., 3]
    if deep:  # swscale cuts bits off, and each generation would be more opaque
        alpha = ((alpha.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return _upright(alpha, rotation, mirrored)


class PreviewConverter:
    """Turns decoded frames of one stream into small RGB pictures for the eye: scaled and converted
    in one go, a level off here and there.

    `size` is (width, height) before rotation. Not thread-safe.
    """

    def __init__(self, size: tuple[int, int], rotation: int, mirrored: bool = False) -> None:
        self._size = size
        self._rotation = rotation
        self._mirrored = mirrored
        self._scaler, self._reformatter = VideoReformatter(), VideoReformatter()

    def smaller(self, frame: av.VideoFrame, width: int, even: bool = True) -> av.VideoFrame:
        """Shrink a frame as it is coded.

        Args:
            frame: A decoded frame.
            width: How wide it may be, in pixels, when it stands upright.
            even: Whether both sides have to be even.

        Returns:
            The smaller frame, or the frame itself where it is small enough.
        """
        wanted = self._coded(width, even)
        if wanted[0] >= frame.width or frame.format.has_palette:
            return frame
        small = self._scaler.reformat(frame, *wanted, interpolation=Interpolation.AREA, threads=1)
        small.colorspace, small.color_range = frame.colorspace, frame.color_range
        return small

    def __call__(self, frame: av.VideoFrame, width: int) -> RgbFrame:
        """RGB of a decoded frame, upright and `width` pixels wide: uint8 (h, width, 3),
        C-contiguous, the caller's own.
        """
        small = self.smaller(frame, width, even=False)
        options: dict[str, Any] = {}
        if not (small.format.is_rgb or small.format.has_palette):
            full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
            matrix = _SWSCALE[usable_matrix(frame.colorspace, self._size[1])]
            options = {"src_colorspace": matrix, "src_color_range": FULL if full else LIMITED, "dst_color_range": FULL}
        rgb = self._reformatter.reformat(small, *self._coded(width), format="gbrp", interpolation=ACCURATE, threads=1, **options)
        return _upright(rgb.to_ndarray(), self._rotation, self._mirrored)

    def _coded(self, width: int, even: bool = False) -> tuple[int, int]:
        """(width, height) as coded of a picture that is `width` pixels wide when it stands
        upright.
        """
        shown = self._size[1] if self._rotation in (90, 270) else self._size[0]
        scale = min(1.0, width / shown)
        return tuple(max(2, 2 * round(side * scale / 2) if even else round(side * scale)) for side in self._size)  # type: ignore[return-value]


def _upright(array: np.ndarray[Any, Any], rotation: int, mirrored: bool) -> RgbFrame:
    if mirrored:
        array = array[:, ::-1]
    if rotation:
        array = np.rot90(array, -rotation // 90)
    return np.ascontiguousarray(array)


def shrunk(picture: RgbFrame, width: int) -> RgbFrame:
    """The picture no wider than `width` pixels."""
    import cv2

    if picture.shape[1] <= width:
        return picture
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


class YuvConverter:
    """Turns RGB arrays into frames for an encoder, in the matrix, range, siting of colour and order
    of fields that a `VideoInfo` asks for. Not thread-safe.

    `pixel_format` is bgr0 (exact), yuv420p, yuv444p, or one of 10 bits.
    """

    def __init__(self, info: VideoInfo, pixel_format: str) -> None:
        used, self._tag = written_matrix(info)
        self._primaries, self._transfer = code_point(PRIMARIES, info.color_primaries), code_point(TRANSFERS, info.color_transfer)
        pixels = av.VideoFormat(pixel_format)
        self._is_rgb = pixels.is_rgb
        said = [f"chroma_location={info.chroma_siting or 'left'}"] if has_subsampled_colour(pixels) else []
        if info.field_order:
            said.append(f"field_mode={MODES[info.field_order]}")
        self._said = FrameFilter(("setparams", ":".join(said))) if said else None
        options: dict[str, Any] = {"dst_colorspace": _SWSCALE[used], "dst_color_range": code_point(RANGES, info.color_range, LIMITED)}
        formats = [pixel_format]
        if options["dst_color_range"] == FULL and not self._is_rgb and not pixel_format.endswith("le"):
            # Stretching to full range at 8 bits, swscale rounds chroma down, which turns a picture
            # greener at every round trip.
            formats = [f"{pixel_format}{'16' if 'yuva' in pixel_format else '14'}le", pixel_format]
        self._steps = [(VideoReformatter(), {**options, "format": name, "interpolation": ACCURATE}) for name in formats]

    def __call__(self, array: RgbFrame) -> av.VideoFrame:
        """A frame of the encoder's pixel format from uint8 (H, W, 3), or (H, W, 4) with alpha."""
        pixels = "rgb24" if array.shape[2] == 3 else "rgba"
        frame = av.VideoFrame.from_numpy_buffer(array, format=pixels)  # no copy: converted before this returns
        frame.color_range = FULL
        if self._said is not None:
            frame = self._said(frame)
        for reformatter, options in self._steps:
            if self._is_rgb:
                frame = reformatter.reformat(frame, format=options["format"], threads=1)
            else:
                frame = reformatter.reformat(frame, src_color_range=frame.color_range, threads=1, **options)
        if array.shape[2] == 4 and frame.format.name == "yuva420p":
            _set_alpha(frame, array[..., 3])
        frame.colorspace = 0 if self._is_rgb else self._tag
        frame.color_primaries, frame.color_trc = self._primaries, self._transfer  # ProRes writes them into every frame
        return frame


def _set_alpha(frame: av.VideoFrame, alpha: npt.NDArray[np.uint8]) -> None:
    """Copy alpha, uint8 (H, W), into a frame of 8 bits: swscale makes every other level one more
    opaque.
    """
    plane = frame.planes[3]
    lines = np.zeros((plane.buffer_size // plane.line_size, plane.line_size), np.uint8)
    lines[: alpha.shape[0], : alpha.shape[1]] = alpha
    plane.update(lines.tobytes())


def check_frame(frame: RgbFrame, size: tuple[int, int], channels: int = 3) -> RgbFrame:
    """Check a picture.

    Args:
        frame: The array.
        size: (width, height) that it has to have.
        channels: How many it has to have: 3, or 4 with alpha.

    Returns:
        The frame as a C-contiguous array.

    Raises:
        InputError: It is not uint8 (H, W, channels) of that size.
    """
    width, height = size
    if frame.dtype != np.uint8 or frame.shape != (height, width, channels):
        raise InputError(f"a frame of shape {frame.shape} and type {frame.dtype} is not a {width}x{height} RGB picture of 8 bits")
    return np.ascontiguousarray(frame)
