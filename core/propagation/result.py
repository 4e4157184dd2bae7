"""Edited windows, and the frames of the result that they make with the source."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.files import write_bytes
from core.geometry import Box, FrameRange
from core.masks import bounding_box, MaskFacts, Widths
from core.propagation.warp_state import WarpState
from core.render.composite import composite, soft_edge
from core.render.region import CropRegion

Frame = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Frames(Protocol):
    """Frames on demand: what `core.media.open_clip` gives."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Frame: ...

    def frames(self, start: int, stop: int) -> Iterable[Frame]: ...


class Region(Protocol):
    """Masks on demand: what `core.masks.MaskSequence` is."""

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def frames(self) -> range: ...

    def __getitem__(self, frame: int) -> Mask: ...

    def is_empty(self, frame: int) -> bool: ...

    def facts(self, frame: int) -> MaskFacts: ...

    def code(self, frame: int) -> bytes: ...


@dataclass(frozen=True)
class EditedWindow:
    """What one run of the model came to.

    Attributes:
        frames: The frames that it made, in the order in which it made them.
        corners: (x, y) of the upper left corner of each frame's patch.
        patches: uint8 (h, w, 3), the finished pixels of the result in the box around each frame's
            region.
        warp_state: The way from the keyframe to the last frame, which the next window needs. None
            for a deletion.
        unsupported: Of each frame of a carried change the share of the region where nothing
            supports it; empty elsewhere.
        keyframe: The frame of the keyframe that it comes from, as `run_segments` notes it; None
            before that, and in files of earlier versions.
    """

    frames: tuple[int, ...]
    corners: tuple[tuple[int, int], ...]
    patches: tuple[Frame, ...]
    warp_state: WarpState | None = None
    unsupported: tuple[float, ...] = ()
    keyframe: int | None = None

    @classmethod
    def of(cls, frames: tuple[int, ...], pictures: Iterable[Frame], region: Region) -> EditedWindow:
        """Keep of each whole picture (H, W, 3) what lies in the box of its frame's region.

        Args:
            frames: Numbers of the frames, in order.
            pictures: Their pictures, (H, W, 3).
            region: What may have changed.

        Returns:
            The window.
        """
        corners, patches = [], []
        for frame, picture in zip(frames, pictures, strict=True):
            box = bounding_box(region[frame]) or Box(0, 0, 0, 0)
            corners.append((box.x0, box.y0))
            patches.append(box.crop(picture).copy())
        return cls(frames, tuple(corners), tuple(patches))

    def onto(self, index: int, source: Frame, mask: Mask) -> Frame:
        """The result's frame `index`: the patch where `mask` (H, W) is True, `source` (H, W, 3)
        everywhere else.

        Args:
            index: Number of the frame.
            source: (H, W, 3).
            mask: bool (H, W).

        Returns:
            A new frame.
        """
        position = self.frames.index(index)
        (x, y), patch = self.corners[position], self.patches[position]
        area = np.s_[y : y + patch.shape[0], x : x + patch.shape[1]]
        result = source.copy()
        np.copyto(result[area], patch, where=mask[area][..., None])
        return result

    def save(self, path: Path) -> None:
        """Write to a .npz file, complete or not at all. StorageError when the disk refuses."""
        buffer = io.BytesIO()
        patches = {f"patch{number}": patch for number, patch in enumerate(self.patches)}
        state = {} if self.warp_state is None else {f"trail_{name}": value for name, value in self.warp_state.arrays().items()}
        marks = {"unsupported": np.array(self.unsupported)} if self.unsupported else {}
        if self.keyframe is not None:
            marks["keyframe"] = np.array(self.keyframe)
        np.savez(buffer, frames=np.array(self.frames), corners=np.array(self.corners), **patches, **state, **marks)  # type: ignore[arg-type]
        write_bytes(path, buffer.getbuffer(), sync="none", then="resume")

    @staticmethod
    def frames_in(path: Path) -> tuple[tuple[int, ...], int | None]:
        """The frames of what `save` wrote, and its keyframe, without reading pixels."""
        with np.load(path, allow_pickle=False) as file:
            keyframe = int(file["keyframe"]) if "keyframe" in file.files else None
            return tuple(int(frame) for frame in file["frames"]), keyframe

    @staticmethod
    def unsupported_in(path: Path) -> dict[int, float]:
        """By frame, how much of a carried change nothing supports, of what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            if "unsupported" not in file.files:
                return {}
            return {int(frame): float(share) for frame, share in zip(file["frames"], file["unsupported"], strict=True)}

    @classmethod
    def load(cls, path: Path) -> EditedWindow:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            frames = tuple(int(frame) for frame in file["frames"])
            corners = tuple((int(x), int(y)) for x, y in file["corners"])
            names = [name for name in file.files if name.startswith("trail_")]
            state = WarpState.from_arrays({name.removeprefix("trail_"): file[name] for name in names}) if names else None
            marks = tuple(float(share) for share in file["unsupported"]) if "unsupported" in file.files else ()
            keyframe = int(file["keyframe"]) if "keyframe" in file.files else None
            return cls(frames, corners, tuple(file[f"patch{number}"] for number in range(len(frames))), state, marks, keyframe)


def fit_keyframe(image: Frame, size: tuple[int, int]) -> Frame:
    """`image` (H, W, 3) brought to the clip's (width, height); InputError unless its aspect agrees
    within 1 %.
    """
    width, height = size
    own_height, own_width = image.shape[:2]
    if (own_width, own_height) == (width, height):
        return image
    if abs(own_width * height / (own_height * width) - 1) > 0.01:
        raise InputError(
            f"the keyframe is {own_width}x{own_height}, the clip {width}x{height}: their shapes may differ by 1 %; "
            "crop or scale the keyframe to fit"
        )
    return CropRegion(0, 0, own_width, own_height, (own_width, own_height), (height, width)).crop(image)


def feathered_keyframe(source: Frame, image: Frame, mask: Mask, feather: Widths) -> Frame:
    """Blend a picture that was edited elsewhere into its frame, as the model's own keyframes are.

    Args:
        source: The frame, uint8 (H, W, 3).
        image: The picture of the whole frame, of the same shape.
        mask: bool (H, W), True = edit.
        feather: Pixels inside the mask over which the picture fades into the source.

    Returns:
        The keyframe, (H, W, 3); the source itself outside the mask.
    """
    return composite(source, image, soft_edge(mask, feather))


def accepted_frame(source: Frame, keyframe: Frame, mask: Mask) -> Frame:
    """Drop what a keyframe from elsewhere may have changed outside the region.

    Args:
        source: The frame, uint8 (H, W, 3).
        keyframe: Its picture, of the same shape.
        mask: bool (H, W), the region.

    Returns:
        The keyframe inside the region, the source outside.
    """
    return np.where(mask[..., None], keyframe, source)


def composite_frames(
    reader: Frames,
    region: Region,
    frames: FrameRange,
    windows: Iterable[EditedWindow | Path],
    keyframe_index: int | None,
    keyframe: Frame,
) -> Iterator[tuple[int, Frame, Frame]]:
    """Put the result together, frame by frame.

    Args:
        reader: The clip.
        region: What may have changed on each frame.
        frames: Which frames of the result.
        windows: What `propagate` gave, or paths where `EditedWindow.save` left it: of those, only
            the ones that make a frame are in memory. Where windows of two keyframes make it,
            they are mixed.
        keyframe_index: The frame that shows the accepted keyframe; None where there is none.
        keyframe: Its picture, uint8 (H, W, 3).

    Yields:
        (index, source, result) in order, both uint8 (H, W, 3). Where no window made the frame the
            result is the source itself, the
        same object.
    """
    all_windows = list(windows)
    origins: dict[int, dict[int | None, int]] = {}
    for number, window in enumerate(all_windows):
        made, origin = (window.frames, window.keyframe) if isinstance(window, EditedWindow) else EditedWindow.frames_in(window)
        for index in made:
            origins.setdefault(index, {})[origin] = number
    opened: dict[int, EditedWindow] = {}
    for index, source in zip(frames.frames, reader.frames(*frames), strict=True):
        if index == keyframe_index:
            yield index, source, accepted_frame(source, keyframe, region[index])
        elif index not in origins or region.is_empty(index):
            yield index, source, source
        else:
            shares = _shares(index, origins[index])
            for number in shares:
                if number not in opened:
                    window = all_windows[number]
                    opened[number] = window if isinstance(window, EditedWindow) else EditedWindow.load(window)
            opened = {number: opened[number] for number in shares}
            yield index, source, _mixed([(opened[number], share) for number, share in shares.items()], index, source, region[index])


def _shares(index: int, origins: Mapping[int | None, int]) -> dict[int, float]:
    """What the windows that make a frame count, by their numbers: those of the keyframes on its two
    sides, the nearer one more.

    Args:
        index: The frame.
        origins: By keyframe the number of its window.

    Returns:
        Shares of 1.
    """
    before = max((frame for frame in origins if frame is not None and frame <= index), default=None)
    behind = min((frame for frame in origins if frame is not None and frame > index), default=None)
    if before is None or behind is None:
        only = behind if before is None else before
        return {origins[only]: 1.0}
    share = share_between(before, behind, index)
    return {origins[before]: 1 - share, origins[behind]: share}


def share_between(before: int, behind: int, index: int) -> float:
    """What the keyframe behind counts on a frame between two, in [0, 1]: gently from 0 to 1.

    Args:
        before: Frame of the one keyframe.
        behind: Frame of the next.
        index: The frame between them.

    Returns:
        Its share; that of the one before is the rest.
    """
    far = (index - before) / (behind - before)
    return far * far * (3 - 2 * far)


def _mixed(windows: Sequence[tuple[EditedWindow, float]], index: int, source: Frame, mask: Mask) -> Frame:
    """The frame `index` of several windows, each with its share."""
    result, *others = (window.onto(index, source, mask) for window, _ in windows)
    box = bounding_box(mask)
    for other, (_, share) in zip(others, windows[1:], strict=True):  # there are two at most
        assert box is not None
        one, two = (box.crop(picture).astype(np.float32) for picture in (result, other))
        box.crop(result)[...] = np.rint(one + np.float32(share) * (two - one))
    return result
