"""What a clip is: facts about a video file, and the stretch of it that a project works on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from core.errors import InputError
from core.geometry import FrameRange
from core.words import counted

LARGEST_SIDE = 65_535
MOST_FRAMES = 20_000_000
MOST_RATE = 1_000_000


@dataclass(frozen=True)
class AudioInfo:
    """One audio stream: codec name as FFmpeg spells it, samples a second, channels."""

    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video stream. Width and height are as displayed: rotation is already applied.

    `rate` is exact frames a second (the average, when `variable_rate`). `frames` is what the stream
    really decodes to. `rotation` is in degrees clockwise, one of 0, 90, 180, 270. Colour fields
    carry FFmpeg's names; None where the file does not say. `pixel_aspect` is the width of a
    displayed pixel over its height, other than 1 in some broadcast footage. `missing` counts the
    frames that the file's header speaks of and that are not in it, as in a copy or a download that
    broke off. `gaps` are the pairs of numbers of a folder's images between which others are left
    out. `chroma_siting` is where the samples of colour lie (FFmpeg's name), None where each pixel
    has its own. `last_frame` is how many seconds the last frame is shown, where a constant rate
    does not tell. `field_order` is the field that comes first, `top` or `bottom`, of interlaced
    video; None for whole frames. `alpha` tells whether anything is transparent.
    """

    width: int
    height: int
    rate: Fraction
    frames: int
    variable_rate: bool = False
    rotation: int = 0
    codec: str = ""
    pixel_format: str = ""
    bit_depth: int = 8
    color_primaries: str | None = None
    color_transfer: str | None = None
    color_matrix: str | None = None
    color_range: str | None = None
    audio: tuple[AudioInfo, ...] = ()
    pixel_aspect: Fraction = Fraction(1)
    missing: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    chroma_siting: str | None = None
    last_frame: Fraction | None = None
    field_order: str | None = None
    alpha: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InputError(f"a video of {self.width}x{self.height} pixels can't be used: choose a larger one")
        if self.frames < 1:
            raise InputError("the video has no frames: choose another")
        if max(self.width, self.height) > LARGEST_SIDE or self.frames > MOST_FRAMES:
            raise InputError(f"a video of {self.frames} frames of {self.width}x{self.height} pixels is too large: choose a smaller one")
        if not 0 < self.rate < MOST_RATE:
            raise InputError(f"a frame rate of {self.rate} can't be used: save the video again with a rate above 0")
        if self.pixel_aspect <= 0:
            raise InputError(f"a pixel aspect of {self.pixel_aspect} can't be used: save the video again with one above 0")
        if self.rotation not in (0, 90, 180, 270):
            raise InputError(
                f"a rotation of {self.rotation} degrees can't be used: save the video again with a rotation of 0, 90, 180 or 270 degrees"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    @property
    def length(self) -> Fraction:
        """Seconds from the first frame's beginning to the last one's end."""
        return self.frames / self.rate if self.last_frame is None else (self.frames - 1) / self.rate + self.last_frame

    def check_frame(self, index: int) -> None:
        """Raise InputError for a frame that the video does not have."""
        FrameRange(0, self.frames).check_frame(index)

    @property
    def incomplete(self) -> str:
        """One sentence for a person whose file breaks off; empty for a whole one."""
        if not self.missing:
            return ""
        there = "is there" if self.frames == 1 else "are there"
        return f"the file breaks off: of {self.frames + self.missing} frames {self.frames} {there}; if this is a copy, copy it again"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know before any work begins, a sentence each, without capital and
        full stop.
        """
        deep = f"{self.bit_depth} bits a channel are read, edited and written as 8" if self.bit_depth > 8 else ""
        clear = "parts are transparent: ProRes and PNG keep that, other formats show the colours below" if self.alpha else ""
        return tuple(text for text in (*self.damage, deep, clear) if text)

    @property
    def damage(self) -> tuple[str, ...]:
        """What is missing in the clip, as `remarks`."""
        return tuple(text for text in (self.incomplete, self._about_gaps) if text)

    @property
    def _about_gaps(self) -> str:
        if not self.gaps:
            return ""
        before, after = self.gaps[0]
        more = f", and in {counted(len(self.gaps) - 1, 'more place')}" if len(self.gaps) > 1 else ""
        return f"images are missing between number {before} and {after}{more}: the frames on both sides follow each other directly"


@dataclass(frozen=True)
class Clip:
    """A source file and the half-open frame span `start:stop` of it that is worked on.

    `sha256` is empty until the content of a large file has been read through. `deinterlace` makes
    whole frames of an interlaced clip; otherwise its fields are kept.
    """

    source: str
    sha256: str
    info: VideoInfo
    start: int
    stop: int
    deinterlace: bool = False

    def __post_init__(self) -> None:
        self.frame_range.check(self.info.frames)

    def deinterlaced(self, on: bool) -> Clip:
        """The clip with whole frames, or with its fields kept. InputError for one that is not
        interlaced.
        """
        if self.info.field_order is None:
            raise InputError("this clip is not interlaced: its frames are whole as they are")
        return replace(self, deinterlace=on)

    @property
    def content(self) -> str:
        """Names the pixels of the clip's frames."""
        return f"{self.sha256} deinterlaced" if self.deinterlace else self.sha256

    @property
    def frames(self) -> int:
        """How many frames are worked on."""
        return self.stop - self.start

    @property
    def frame_range(self) -> FrameRange:
        """The frames that are worked on."""
        return FrameRange(self.start, self.stop)

    def check_frame(self, index: int) -> None:
        """Raise InputError for a frame outside the part of the video that is worked on."""
        self.frame_range.check_frame(index)


LEAST_SIDE = 16
"""Pixels a side: in less there is nothing to paint that could be told from its surroundings."""


def check_editable(info: VideoInfo) -> None:
    """Raise InputError for a clip that is too small to be edited."""
    if min(info.size) < LEAST_SIDE:
        raise InputError(
            f"a video of {info.width}x{info.height} pixels is too small to edit: choose one of at least {LEAST_SIDE}x{LEAST_SIDE}"
        )
