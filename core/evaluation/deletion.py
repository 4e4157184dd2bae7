"""Suite `deletion`: the whole moving mask of another clip is laid on a clip, and what it covers has
to come back.

What is covered shows one strong colour, so whatever of it is left in the result costs dearly. The
region to fill is the mask itself, without feathering; `cv2.inpaint` and PatchMatch, a frame at a
time, fill the same one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from core.background.canvas import behind_keyframe
from core.background.completion import complete
from core.data.courtyard import CameraPath, draw_courtyard
from core.evaluation.arrays import Frames, Masks
from core.evaluation.baselines import inpainted
from core.evaluation.clips import as_sequence, ClipFolder, EvaluationClip, FramesInMemory
from core.evaluation.edits import paint_keyframe, propagate_keyframe
from core.evaluation.fidelity import flicker, Motion, psnr, ssim
from core.evaluation.hole_texture import gradient_energy
from core.evaluation.results import at_least, at_most, Exhibit, mean, SuiteResult, Table
from core.progress import JobContext
from core.vivid.contract import VideoEngine

FRAMES = 48
"""Frames of each clip that are used."""
TRACKS = 2
"""Masks that are laid on each clip, one at a time."""
PASTED = (255, 0, 200)
EXHIBITS_AT_MOST = 8
BESIDE = 9
"""Pixels around a clip's own thing that are no background either: its soft edge and blur."""
SHARP = (0.75, 1.25)
"""Between these the fill has as much detail as the truth."""


@dataclass(frozen=True)
class MaskTrack:
    """The masks of a clip's moving thing, bool (T, H, W), by the clip's name."""

    clip: str
    masks: Masks


@dataclass(frozen=True)
class Covered:
    """A clip with a mask laid on it.

    Attributes:
        name: Of both.
        truth: uint8 (T, H, W, 3).
        holes: bool (T, H, W), what is covered.
        background: bool (T, H, W), the part of it where the truth is background.
    """

    name: str
    truth: Frames
    holes: Masks
    background: Masks


def cover(clip: EvaluationClip, track: MaskTrack) -> Covered:
    """Lay a mask on a clip, scaled to its size; both as long as the shorter one, and from the first
    frame on which the mask shows something.

    Args:
        clip: What is covered.
        track: What covers it.

    Returns:
        The pair.
    """
    count = min(len(clip), len(track.masks), FRAMES)
    first = int(track.masks[:count].any((1, 2)).argmax())
    used = slice(first, count)
    holes = np.stack([cv2.resize(mask.astype(np.uint8), clip.size, interpolation=cv2.INTER_NEAREST) > 0 for mask in track.masks[used]])
    own = np.zeros_like(holes) if clip.masks is None else clip.masks[used]
    around = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((2 * BESIDE + 1,) * 2, np.uint8)) > 0 for mask in own])
    return Covered(f"{clip.name} + {track.clip}", clip.frames[used], holes, holes & ~around)


def pairs(clips: Iterable[EvaluationClip], tracks: list[MaskTrack], each: int) -> Iterator[Covered]:
    """Lay the masks of other clips on clips.

    Args:
        clips: What is covered.
        tracks: What covers it.
        each: Masks laid on a clip, one at a time: those that come after it in `tracks`.

    Yields:
        The pairs, clip by clip.
    """
    names = [track.clip for track in tracks]
    for number, clip in enumerate(clips):
        first = names.index(clip.name) + 1 if clip.name in names else number
        others = [track for track in (*tracks[first % len(tracks) :], *tracks[: first % len(tracks)]) if track.clip != clip.name]
        for track in others[:each]:
            yield cover(clip, track)


def evaluate_deletion(model: VideoEngine, covered: Iterable[Covered], count: int, context: JobContext) -> SuiteResult:
    """Fill what masks cover, with the model, with cv2.inpaint and with PatchMatch.

    Args:
        model: The video model.
        covered: The pairs.
        count: How many there are.
        context: Reports progress; work stops when it is cancelled.

    Returns:
        PSNR, SSIM, gradient energy and flicker (along the flow of the true frames) over the covered
        background, and over all that was covered; all are means over pairs.
    """
    started = time.monotonic()
    about = f"The mask of another clip's moving thing is laid on a clip, {FRAMES} frames at most. {model.name} fills it"
    result = SuiteResult("deletion", "Deletion", f"{about}, and cv2.inpaint (Telea) and PatchMatch do, a frame at a time.")
    rows: list[tuple[str | float, ...]] = []
    context.report("deletion", 0, count)
    for number, pair in enumerate(covered):
        truth, holes, behind = pair.truth, pair.holes, pair.background
        shown = np.where(holes[..., None], np.array(PASTED, np.uint8), truth)
        begun = time.monotonic()
        ours = _deleted(model, shown, holes, context)
        seconds = (time.monotonic() - begun) / len(truth)
        telea = inpainted(list(shown), list(holes))
        motion = Motion(truth)
        middle = slice(len(truth) // 2, len(truth) // 2 + 2)
        patches = [complete(frame, hole) for frame, hole in zip(shown[middle], holes[middle], strict=True)]
        rows.append(
            (
                pair.name,
                psnr(ours, truth, behind),
                ssim(ours, truth, behind),
                gradient_energy(ours, truth, behind),
                flicker(list(ours), motion, list(behind)),
                psnr(ours, truth, holes),
                ssim(ours, truth, holes),
                psnr(telea, truth, behind),
                ssim(telea, truth, behind),
                gradient_energy(telea, truth, behind),
                flicker(telea, motion, list(behind)),
                psnr(patches, truth[middle], behind[middle]),
                ssim(patches, truth[middle], behind[middle]),
                flicker(list(truth), motion, list(behind)),
                seconds,
            )
        )
        if len(result.exhibits) < EXHIBITS_AT_MOST:
            panels = (("what is covered", shown), ("the truth", truth), (model.name, ours), ("cv2.inpaint", telea))
            result.exhibits.append(Exhibit(pair.name, panels))
        context.report("deletion", number + 1, count)
    _add_figures(result, [mean(float(row[index]) for row in rows) for index in range(1, 15)], rows)
    columns = (
        *("clip + mask", "PSNR", "SSIM", "gradient", "flicker", "PSNR of all", "SSIM of all", "PSNR inpaint", "SSIM inpaint"),
        *("gradient inpaint", "flicker inpaint", "PSNR PatchMatch", "SSIM PatchMatch", "flicker of the truth", "s a frame"),
    )
    result.tables.append(Table("Every pair", columns, tuple(rows)))
    result.seconds = time.monotonic() - started
    return result


def _add_figures(result: SuiteResult, column: list[float], rows: list[tuple[str | float, ...]]) -> None:
    sharp = [float(row[3]) for row in rows if not math.isnan(float(row[3]))]
    inside = 100 * mean(float(SHARP[0] <= energy <= SHARP[1]) for energy in sharp)
    result.add(
        "psnr",
        "PSNR of covered background",
        column[0],
        "dB",
        at_least(20.7),
        f"cv2.inpaint {column[6]:.2f}, PatchMatch {column[10]:.2f} dB",
    )
    result.add(
        "ssim", "SSIM of covered background", column[1], "", at_least(0.62), f"cv2.inpaint {column[7]:.3f}, PatchMatch {column[11]:.3f}"
    )
    result.add("flicker", "flicker", column[3], "levels", at_most(13), f"cv2.inpaint {column[9]:.2f}, the truth {column[12]:.2f}")
    low, high = (min(sharp), max(sharp)) if sharp else (math.nan, math.nan)
    note = f"{low:.2f} to {high:.2f}; cv2.inpaint {column[8]:.2f}"
    result.add("gradient", "gradient energy beside the truth's", column[2], "", at_least(SHARP[0]), note)
    result.add("gradient_fits", f"pairs with {SHARP[0]:g} to {SHARP[1]:g} of it", inside, "%")
    result.add("psnr_all", "PSNR of all that was covered", column[4], "dB", note="with moving things of the clip, which no frame shows")
    result.add("ssim_all", "SSIM of all that was covered", column[5])
    result.add("gain", "PSNR, more than cv2.inpaint", column[0] - column[6], "dB", at_least(1))
    result.add("flicker_ratio", "flicker, as a share of cv2.inpaint's", column[3] / column[9] if column[9] else math.nan, "", at_most(0.6))
    result.add("seconds", "seconds a frame, preparation and all", column[13], "s")


def _deleted(model: VideoEngine, shown: Frames, region: Masks, context: JobContext) -> Frames:
    """The clip without what is in the region, as the editor makes it."""
    behind = behind_keyframe(FramesInMemory(shown), as_sequence(region), 0)
    keyframe = paint_keyframe(model, shown[0], region[0], "delete", "", context, behind=behind)
    return propagate_keyframe(model, shown, region, keyframe, "delete", "", context)


def drawn_clips() -> tuple[list[EvaluationClip], list[MaskTrack]]:
    """Drawn clips with parallax: the empty courtyard seen by three cameras, and the outlines of
    somebody who crosses it.
    """
    paths: tuple[CameraPath, ...] = ("still", "track", "hand-held")
    drawn = {f"courtyard, {path}": draw_courtyard(camera=path, seed=number) for number, path in enumerate(paths)}
    return [EvaluationClip(name, clip.behind) for name, clip in drawn.items()], [MaskTrack("walker", drawn["courtyard, still"].masks)]


def tracks_of(clips: ClipFolder, drawn: list[MaskTrack]) -> list[MaskTrack]:
    """The masks that are laid on the clips of a folder: those of its own clips, and what is drawn
    where these are fewer than two.
    """
    own = [MaskTrack(name, masks) for name, masks in clips.tracks(FRAMES) if masks.any()]
    return own if len(own) > 1 else [*own, *drawn]
