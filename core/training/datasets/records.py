"""Records off the disk: the frames and instance masks of a sample at the working size."""

from __future__ import annotations

import contextlib
import io
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.dataset.facts import TRACKED
from core.dataset.rle import decode_rle
from core.errors import InputError
from core.masks import bounding_box
from core.masks.png import numbered_masks, read_mask
from core.media import ClipReader, open_clip, read_image
from core.media.timing import nearest_stamp
from core.pictures import open_picture
from core.render.region import CropRegion
from core.training.datasets.conditions import generator_for
from core.training.datasets.config import DataConfig
from core.training.datasets.manifest import Record, Rle, Source, TarMember

Frames = NDArray[np.uint8]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class LoadedRecord:
    """`frames` uint8 (T, H, W, 3), what the result should look like; `masks` bool (T, H, W), True =
    edit; `source` like `frames`, what is seen around the region; `form` as of the record."""

    frames: Frames
    masks: Masks
    source: Frames
    form: str = TRACKED


def load_record(record: Record, config: DataConfig) -> LoadedRecord:
    """Read a record.

    InputError, with the manifest's file and line, for what is missing, unreadable or of the wrong
    size or length.
    """
    try:
        loaded = _load_image(record, config) if record.kind == "image" else _load_video(record, config)
        return replace(loaded, form=record.form)
    except InputError as error:
        raise InputError(f"{record.where}: {error}") from error


def load_frame(record: Record, config: DataConfig, visit: int) -> LoadedRecord:
    """Read one frame of a video record as an image sample.

    Args:
        record: Of a video.
        config: Sizes and seed.
        visit: How often the record was an image sample before: another frame each time.

    Returns:
        A frame on which the mask isn't empty.

    Raises:
        InputError: As for `load_record`.
    """
    try:
        with _clip(record.media) as clip, _masks_of(record, clip.info.size) as masks:
            if len(masks) != len(clip):
                raise InputError(f"{len(masks)} masks for a video of {len(clip)} frames")
            start = int(generator_for(config.seed, record.key, 5, visit).integers(len(clip)))
            chosen = next((index for index in [*range(start, len(clip)), *range(start)] if masks[index].any()), start)
            source = None
            if record.masked is not None:
                with _clip(record.masked) as other:
                    source = [other.frame(chosen)]
            return replace(_cropped([clip.frame(chosen)], [masks[chosen]], source, config), form=record.form)
    except InputError as error:
        raise InputError(f"{record.where}: {error}") from error


def choose_frames(times: Sequence[Fraction], wanted: int, fps: float, start: int) -> list[int]:
    """Choose the frames of a sample by their time.

    Args:
        times: Of the frames of the clip, in seconds.
        wanted: Number of frames.
        fps: Frames a second; 0 takes every frame. A clip that is too short is sampled more densely,
            to its end.
        start: The first frame.

    Returns:
        Indices of the frames, rising.

    Raises:
        InputError: The clip has too few frames.
    """
    have = len(times) - start
    if have < wanted:
        raise InputError(f"the video has {have} frames{f' from frame {start} on' if start else ''}, {wanted} are needed (frames=...)")
    if wanted == 1 or not fps:
        return list(range(start, start + wanted))
    step = min(1 / Fraction(fps), (times[-1] - times[start]) / (wanted - 1))
    chosen: list[int] = []
    for number in range(wanted):
        index = nearest_stamp(times, times[start] + number * step)
        least = chosen[-1] + 1 if chosen else start
        chosen.append(min(max(index, least), len(times) - wanted + number))
    return chosen


def plan_crop(masks: Masks, frame_size: tuple[int, int], working_size: tuple[int, int]) -> CropRegion:
    """Plan the largest crop of the working size's shape, as near to the masks as the frame allows.

    Args:
        masks: bool (T, H, W).
        frame_size: (width, height) in pixels.
        working_size: (height, width) in pixels.

    Returns:
        The crop.
    """
    height, width = working_size
    scale = min(frame_size[0] / width, frame_size[1] / height)
    crop_w, crop_h = max(round(width * scale), 1), max(round(height * scale), 1)
    box = bounding_box(np.logical_or.reduce(masks, axis=0))
    x0, y0, x1, y1 = box if box is not None else (0, 0, *frame_size)
    x = min(max(round((x0 + x1 - crop_w) / 2), 0), frame_size[0] - crop_w)
    y = min(max(round((y0 + y1 - crop_h) / 2), 0), frame_size[1] - crop_h)
    return CropRegion(x, y, crop_w, crop_h, frame_size, working_size)


def _load_image(record: Record, config: DataConfig) -> LoadedRecord:
    frame = _read_picture(record.media)
    size = frame.shape[1], frame.shape[0]
    with _masks_of(record, size) as masks:
        if len(masks) != 1:
            raise InputError(f"{len(masks)} masks for one image")
        return _cropped([frame], [masks[0]], [_read_picture(record.masked)] if record.masked is not None else None, config)


def _load_video(record: Record, config: DataConfig) -> LoadedRecord:
    with _clip(record.media) as clip, _masks_of(record, clip.info.size) as masks:
        if len(masks) != len(clip):
            raise InputError(f"{len(masks)} masks for a video of {len(clip)} frames")
        start = _start(record, config, clip, masks)
        chosen = choose_frames(clip.timestamps, config.frames, config.fps, start)
        frames = _pick(clip, chosen)
        source = None
        if record.masked is not None:
            with _clip(record.masked) as other:
                if len(other) != len(clip):
                    raise InputError(f"the masked video has {len(other)} frames, the video {len(clip)}")
                source = _pick(other, chosen)
        return _cropped(frames, [masks[index] for index in chosen], source, config)


def _start(record: Record, config: DataConfig, clip: ClipReader, masks: _MaskFrames) -> int:
    """Where the sample begins: the record's own random place, where its mask isn't empty."""
    if not config.fps:
        room = len(clip) - config.frames
    else:
        length = Fraction(config.frames - 1) / Fraction(config.fps)
        room = min(bisect_left(clip.timestamps, clip.timestamps[-1] - length), len(clip) - config.frames)
    if room <= 0:
        return 0
    start = int(generator_for(config.seed, record.key, 3).integers(room + 1))
    return next((index for index in [start, *range(room + 1)] if masks[index].any()), start)


def _cropped(frames: Sequence[Frames], masks: Sequence[Masks], source: Sequence[Frames] | None, config: DataConfig) -> LoadedRecord:
    stacked = np.stack(masks)
    if not stacked.any():
        raise InputError("the masks are empty on every frame of the sample")
    size = frames[0].shape[1], frames[0].shape[0]
    crop = plan_crop(stacked, size, (config.height, config.width))
    for other in source or ():
        if other.shape != frames[0].shape:
            raise InputError(f"the masked media is {other.shape[1]}x{other.shape[0]}, the media {size[0]}x{size[1]}")
    cropped = np.stack([crop.crop(frame) for frame in frames])
    return LoadedRecord(
        cropped,
        np.stack([crop.crop_mask(mask) for mask in masks]),
        cropped if source is None else np.stack([crop.crop(frame) for frame in source]),
    )


def _pick(clip: ClipReader, chosen: Sequence[int]) -> list[Frames]:
    wanted = set(chosen)
    frames = enumerate(clip.frames(chosen[0], chosen[-1] + 1), chosen[0])
    return [frame for index, frame in frames if index in wanted]


@contextlib.contextmanager
def _on_disk(source: Source) -> Iterator[Path]:
    """A path of the source; a member of a tar is there only for as long."""
    if isinstance(source, Path):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="vivid-sample-") as folder:
        path = Path(folder) / f"member{source.suffix}"
        path.write_bytes(source.read())
        yield path


@contextlib.contextmanager
def _clip(source: Source) -> Iterator[ClipReader]:
    with _on_disk(source) as path, open_clip(path) as clip:
        yield clip


def _read_picture(source: Source) -> Frames:
    with _on_disk(source) as path:
        return read_image(path)


class _MaskFrames(Sequence[Masks]):
    """Instance masks by frame, read when asked for."""

    def __init__(self, items: Sequence[Path | TarMember | Rle] | ClipReader, size: tuple[int, int]) -> None:
        self.items, self.size = items, size

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Masks:  # type: ignore[override]
        if isinstance(self.items, ClipReader):
            if self.items.info.size != self.size:
                raise InputError(f"the mask video is {'x'.join(map(str, self.items.info.size))}, the media {self.size[0]}x{self.size[1]}")
            return self.items.frame(index).max(axis=2) > 127
        item = self.items[index]
        if isinstance(item, Rle):
            return self._decoded(item, index)
        if isinstance(item, TarMember):
            return self._picture(item)
        return read_mask(item, self.size)

    def _decoded(self, item: Rle, index: int) -> Masks:
        if (item.width, item.height) != self.size:
            raise InputError(f"mask {index} is {item.width}x{item.height}, the media {self.size[0]}x{self.size[1]}")
        try:
            return decode_rle(item.counts, item.height, item.width)
        except ValueError as error:
            raise InputError(f"mask {index}: {error}") from None

    def _picture(self, item: TarMember) -> Masks:
        try:
            with open_picture(io.BytesIO(item.read()), str(item)) as image:
                mask = np.asarray(image.convert("RGB")).max(axis=2) > 0
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"the mask {item} is not a readable picture") from error
        if mask.shape != (self.size[1], self.size[0]):
            raise InputError(f"the mask {item} is {mask.shape[1]}x{mask.shape[0]}, the media {self.size[0]}x{self.size[1]}")
        return mask


@contextlib.contextmanager
def _masks_of(record: Record, size: tuple[int, int]) -> Iterator[_MaskFrames]:
    masks = record.masks
    if isinstance(masks, tuple):
        yield _MaskFrames(masks, size)
    elif isinstance(masks, Path) and masks.is_dir():
        yield _MaskFrames(numbered_masks(masks), size)
    elif masks.suffix.lower() == ".png":
        yield _MaskFrames([masks], size)
    else:
        with _clip(masks) as clip:
            yield _MaskFrames(clip, size)
