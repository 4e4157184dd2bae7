"""Suite `carrying`: a known change is put on a thing's first frame and carried through the clip;
what it looks like on every frame is known.

On real clips it is a recolouring, done on every frame with its true mask. On drawn clips things
turn, tilt, wave and pass behind a pole, and recolourings, patterns and a sign are drawn on their
surfaces. Beside it stands the stiff picture: the keyframe moved and scaled with the mask's box.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from core.carrying.bounds import around
from core.carrying.decision import carried_as
from core.data.carrying_clips import carrying_clips, CarryingClip, TEXTURES
from core.evaluation.arrays import Frame, Frames, Mask, Masks
from core.evaluation.clips import as_sequence, EvaluationClip, FramesInMemory
from core.evaluation.fidelity import psnr
from core.evaluation.results import at_least, at_most, Exhibit, mean, share, SuiteResult, Table
from core.geometry import FrameRange
from core.masks import bounding_box, depth_inside, Feather
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.tracks import USUAL_ADJUSTMENT
from core.propagation.changed import carry_change
from core.propagation.mask_motion import box_motion
from core.propagation.request import EditRequest, Keyframe
from core.propagation.result import composite_frames, feathered_keyframe
from core.propagation.windows import plan_windows

FRAMES, LONG = 49, 300
"""Frames of a clip, and of the long one."""
EXPANDED, FEATHER = USUAL_ADJUSTMENT.pixels, USUAL_ADJUSTMENT.feather
"""Pixels by which the region is wider than the thing's box, and over which its edge is soft."""
RIM = 3
"""Pixels from the thing's outline within which the old colour would show as a rim."""
BESIDE = 4
"""Pixels from the thing from which on nothing should change."""
PLAIN, SEEN = 20.0, 12
"""8-bit levels by which a change is plain in the truth, and from which on it is seen beside it."""
WINDOW = 17
EXHIBITS_AT_MOST = 6


@dataclass(frozen=True)
class CarryingSample:
    """A clip, and the same with a change on every frame.

    Attributes:
        name: Of the clip.
        change: Name of the change.
        frames: uint8 (T, H, W, 3).
        masks: bool (T, H, W).
        truth: uint8 (T, H, W, 3).
    """

    name: str
    change: str
    frames: Frames
    masks: Masks
    truth: Frames

    @property
    def is_texture(self) -> bool:
        """Whether the change brings new structure."""
        return self.change in TEXTURES


def evaluate_carrying(clips: Iterator[EvaluationClip] | None, context: JobContext, drawn: int | None = None) -> SuiteResult:
    """Carry known changes.

    Args:
        clips: Real clips with true masks; None for the drawn ones.
        context: Reports progress; work stops when it is cancelled.
        drawn: Of the drawn clips the first so many; None for all, and a long one.

    Returns:
        PSNR in the mask over all frames but the first; means over clips.
    """
    started = time.monotonic()
    about = f"A change of frame 0 carried over {FRAMES - 1} frames, and the keyframe as a stiff picture."
    result = SuiteResult("carrying", "Carrying", about)
    samples = recoloured_samples(clips) if clips is not None else drawn_samples(FRAMES, drawn)
    rows: list[tuple[str | float, ...]] = []
    kinds: list[bool] = []
    for number, sample in enumerate(samples):
        context.report("carrying", number, number + 1)
        ours, row = measured(sample, context)
        rows.append(row)
        kinds.append(sample.is_texture)
        if len(result.exhibits) < EXHIBITS_AT_MOST:
            panels = (("the clip", sample.frames), ("the truth", sample.truth), ("carried", ours))
            result.exhibits.append(Exhibit(f"{sample.name}, {sample.change}", panels))
    for kind, key, label, goal in (
        (False, "recolouring", "recolourings, PSNR in the mask", 28),
        (True, "texture", "textures, PSNR in the mask", 24),
    ):
        own = [row for row, texture in zip(rows, kinds, strict=True) if texture is kind]
        if own:
            stiff = mean(float(row[3]) for row in own)
            result.add(key, label, mean(float(row[2]) for row in own), "dB", at_least(goal), f"the stiff picture {stiff:.2f} dB")
    result.add("told", "changes told from other pictures", share(row[4] == "change" for row in rows), "%", at_least(95))
    if clips is None and drawn is None:
        result.add("lost", "PSNR lost from 49 to 300 frames", _lost(context), "dB", at_most(3))
    # A pattern that is a little out of place is nearer to the old colour in places without any rim.
    rims = [float(row[5]) for row, texture in zip(rows, kinds, strict=True) if not texture]
    if rims:
        result.add("rim", f"recolourings, outermost {RIM} pixels nearer to the old colour", mean(rims), "%", at_most(3))
    result.add("spilt", "changed beside the thing, as a share of it", mean(float(row[6]) for row in rows), "%", at_most(1))
    result.add("seconds", "seconds a frame", mean(float(row[7]) for row in rows), "s")
    columns = ("clip", "change", "PSNR", "PSNR of the stiff picture", "told as", "old rim, %", "spilt, %", "seconds a frame")
    result.tables.append(Table("Every clip and change", ("clip", *columns[2:]), tuple((f"{row[0]}, {row[1]}", *row[2:]) for row in rows)))
    result.seconds = time.monotonic() - started
    return result


def measured(sample: CarryingSample, context: JobContext) -> tuple[Frames, tuple[str | float, ...]]:
    """Carry one sample.

    Args:
        sample: What to carry.
        context: Work stops when it is cancelled.

    Returns:
        The frames (T, H, W, 3), and the row of the table.
    """
    region = np.stack([_box_around(mask) for mask in sample.masks])
    key = feathered_keyframe(sample.frames[0], sample.truth[0], region[0], FEATHER)
    started = time.monotonic()
    ours = carried(sample.frames, region, {0: key}, context, sample.masks)
    seconds = (time.monotonic() - started) / max(len(ours) - 1, 1)
    stiff = stiff_picture(sample.frames, region, key)
    figures = [psnr(frames[1:], sample.truth[1:], sample.masks[1:]) for frames in (ours, stiff)]
    edges = (100 * each for each in (_old_rim(sample, ours), _spilt(sample, region, ours)))
    return ours, (sample.name, sample.change, *figures, carried_as(sample.frames[0], key, region[0]), *edges, round(seconds, 3))


def carried(frames: Frames, region: Masks, keyframes: dict[int, Frame], context: JobContext, things: Masks | None = None) -> Frames:
    """Carry changes the way the editor does.

    Args:
        frames: (T, H, W, 3).
        region: (T, H, W).
        keyframes: By frame their pictures, (H, W, 3).
        context: Work stops when it is cancelled.
        things: (T, H, W), the masks of the things; None where only the region is known.

    Returns:
        The changed frames, (T, H, W, 3).
    """
    reader, sequence = FramesInMemory(frames), as_sequence(region)
    own = None if things is None else as_sequence(things)
    ordered = [Keyframe(frame, picture, "modify", "changed", 0, "change") for frame, picture in sorted(keyframes.items())]
    result = frames.copy()
    for keyframe, following in zip(ordered, [*ordered[1:], None], strict=True):
        start = 0 if keyframe is ordered[0] else keyframe.frame
        span = FrameRange(start, len(frames) if following is None else following.frame)
        request = EditRequest(span, sequence, (keyframe,), SamplingSettings(), Feather(FEATHER), following, things=own)
        plan = plan_windows(span, keyframe.frame, WINDOW, sequence.is_empty)
        windows = list(carry_change(reader, request, plan, 1, JobContext(token=context.token)))
        for index, _, picture in composite_frames(reader, sequence, span, windows, keyframe.frame, keyframe.picture):
            result[index] = picture
    return result


def stiff_picture(frames: Frames, region: Masks, keyframe: Frame) -> Frames:
    """Move and scale the keyframe with the region's box.

    Args:
        frames: (T, H, W, 3).
        region: (T, H, W).
        keyframe: (H, W, 3), the changed frame 0.

    Returns:
        The changed frames, (T, H, W, 3).
    """
    start, result = bounding_box(region[0]), frames.copy()
    height, width = region.shape[1:]
    for index, mask in enumerate(region):
        end = bounding_box(mask)
        if start is None or end is None:
            continue
        matrix = box_motion(start, end, (height, width))
        moved = cv2.warpAffine(keyframe, matrix[:2], (width, height), borderMode=cv2.BORDER_REPLICATE)
        result[index][mask] = moved[mask]
    return result


def drawn_samples(count: int, clips: int | None = None) -> Iterator[CarryingSample]:
    """The drawn clips with each of their changes.

    Args:
        count: Frames of each.
        clips: How many clips; None for all.

    Yields:
        Samples.
    """
    for clip in carrying_clips(count, clips):
        yield from _samples_of(clip)


def recoloured_samples(clips: Iterator[EvaluationClip]) -> Iterator[CarryingSample]:
    """Clips with true masks, recoloured on every frame.

    Args:
        clips: The clips; those without masks are left out.

    Yields:
        Samples.
    """
    for clip in clips:
        if clip.masks is None or not clip.masks[0].any():
            continue
        frames, masks = clip.frames[:FRAMES], clip.masks[:FRAMES]
        for change, recolour in RECOLOURINGS.items():
            truth = np.stack([recolour(frame, mask) for frame, mask in zip(frames, masks, strict=True)])
            yield CarryingSample(clip.name, change, frames, masks, truth)


def _samples_of(clip: CarryingClip) -> Iterator[CarryingSample]:
    for change, truth in clip.changed.items():
        yield CarryingSample(clip.name, change, clip.frames, clip.masks, truth)


def _lost(context: JobContext) -> float:
    """How much worse the long clip is than its beginning, in dB, the mean over its changes."""
    lost = []
    (clip,) = carrying_clips(LONG, 1)
    for sample in _samples_of(clip):
        ours, _ = measured(sample, context)
        short, whole = (psnr(ours[1:stop], sample.truth[1:stop], sample.masks[1:stop]) for stop in (FRAMES, LONG))
        lost.append(short - whole)
    return mean(lost)


def _box_around(mask: Mask) -> Mask:
    box, region = bounding_box(mask), np.zeros_like(mask)
    if box is not None:
        region[box.grow(EXPANDED, mask.shape).slices] = True
    return region


def _old_rim(sample: CarryingSample, ours: Frames) -> float:
    """Of the plainly changed pixels at the thing's outline, the share that is nearer to the source
    than to the truth; the first frame is left out.
    """
    old = total = 0
    for source, truth, shown, mask in zip(sample.frames[1:], sample.truth[1:], ours[1:], sample.masks[1:], strict=True):
        wanted, made = truth.astype(np.float32) - source, shown.astype(np.float32) - source
        length = (wanted**2).sum(-1)
        rim = mask & (depth_inside(mask) <= RIM) & (length > PLAIN**2)
        old += int(((wanted * made).sum(-1)[rim] < 0.5 * length[rim]).sum())
        total += int(rim.sum())
    return old / max(total, 1)


def _spilt(sample: CarryingSample, region: Masks, ours: Frames) -> float:
    """The pixels beside the thing that are changed though they should not be, as a share of the
    thing's own; the first frame is left out.
    """
    spilt = 0
    for source, shown, mask, inside in zip(sample.frames[1:], ours[1:], sample.masks[1:], region[1:], strict=True):
        beside = inside & ~around(mask, inside, BESIDE)
        spilt += int((cv2.absdiff(source, shown).max(-1)[beside] > SEEN).sum())
    return spilt / max(int(sample.masks[1:].sum()), 1)


def _laid(frame: Frame, changed: np.ndarray, mask: Mask) -> Frame:
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.2)[..., None]
    return np.asarray(frame * (1 - soft) + changed * soft, np.uint8)


def _reddened(frame: Frame, mask: Mask) -> Frame:
    light = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return _laid(frame, np.stack([np.clip(light * 1.5 + 40, 0, 255), light * 0.35, light * 0.3], -1), mask)


def _turned(frame: Frame, mask: Mask) -> Frame:
    values = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
    values[..., 0] = (values[..., 0].astype(int) + 80) % 180
    values[..., 1] = np.clip(values[..., 1].astype(int) * 1.5 + 60, 0, 255)
    return _laid(frame, cv2.cvtColor(values, cv2.COLOR_HSV2RGB), mask)


RECOLOURINGS: dict[str, Callable[[Frame, Mask], Frame]] = {"red": _reddened, "turned hues": _turned}
