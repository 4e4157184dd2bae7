"""Suite `deletion`: something is pasted over clips, along a path of its own, and has to go again.

What was behind it is known.

The pasted thing covers its place with one strong colour, so whatever of it is left in the result
costs dearly. The region to fill is its own outline, without feathering; `cv2.inpaint` fills the
same one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import pi

import numpy as np

from core.evaluation.arrays import Masks
from core.evaluation.baselines import inpainted
from core.evaluation.clips import as_sequence, EvaluationClip, EvaluationClips, FramesInMemory
from core.evaluation.edits import paint_keyframe, propagate_keyframe
from core.evaluation.fidelity import flicker, Motion, psnr, ssim
from core.evaluation.results import at_least, at_most, Exhibit, mean, SuiteResult, Table
from core.progress import JobContext
from core.vivid.keyframe import behind_keyframe
from core.vivid.model import VividModel

FRAMES = 33
"""Frames of each clip that are used: two windows of the small model."""
PASTED = (255, 0, 200)
EXHIBITS_AT_MOST = 8


def pasted_track(frames: int, size: tuple[int, int], seed: int) -> Masks:
    """Draw a lobed shape that crosses a picture, swaying and breathing; it never leaves the
    picture.

    Args:
        frames: How many, T.
        size: (width, height).
        seed: Every seed has its own shape and path.

    Returns:
        Masks bool (T, H, W), a fifth to a third as large as the picture's shorter side.
    """
    width, height = size
    random = np.random.default_rng((7, seed))
    radius = min(width, height) * random.uniform(0.1, 0.16)
    lobes = [(order, random.normal(0, 0.16 / order), random.uniform(0, 2 * pi)) for order in (2, 3, 5)]
    heading, sway, pace = random.uniform(0, 2 * pi), random.uniform(0.1, 0.35), random.uniform(0.6, 1.6)
    travel = min(width, height) * random.uniform(0.25, 0.5)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    time_ = np.linspace(-0.5, 0.5, frames) if frames > 1 else np.zeros(1)
    masks = np.empty((frames, height, width), bool)
    start_x, start_y = random.uniform(0.3, 0.7) * width, random.uniform(0.3, 0.7) * height
    for index, moment in enumerate(time_):
        breathing = 1 + 0.12 * np.sin(2 * pi * pace * moment)
        across = sway * radius * np.sin(4 * pi * pace * moment)
        reach = 1.45 * radius
        x = np.clip(start_x + travel * moment * np.cos(heading) - across * np.sin(heading), reach, width - reach)
        y = np.clip(start_y + travel * moment * np.sin(heading) + across * np.cos(heading), reach, height - reach)
        angle = np.arctan2(ys - y, xs - x) + 0.5 * moment
        rim = 1 + sum(size_ * np.cos(order * angle + phase) for order, size_, phase in lobes)
        masks[index] = np.hypot(xs - x, ys - y) < radius * breathing * np.clip(rim, 0.5, 1.4)
    return masks


def evaluate_deletion(
    model: VividModel, clips: EvaluationClips | Iterable[EvaluationClip], count: int, context: JobContext, tracks: int = 1
) -> SuiteResult:
    """Paste things over clips and remove them with the model and with cv2.inpaint.

    Args:
        model: The video model.
        clips: To paste them on.
        count: How many clips there are.
        context: Reports progress; work stops when it is cancelled.
        tracks: Things pasted over each clip, one at a time.

    Returns:
        PSNR and SSIM over the pixels that were covered, flicker over the same along the flow of the
        true frames; all are means over clips.
    """
    started = time.monotonic()
    result = SuiteResult(
        "deletion", "Deletion", f"{model.name} and cv2.inpaint (Telea) fill what a pasted thing covered, {FRAMES} frames a clip."
    )
    rows: list[tuple[str | float, ...]] = []
    total = count * tracks
    context.report("deletion", 0, total)
    for number, clip in enumerate(clips):
        truth = clip.frames[:FRAMES]
        motion = Motion(truth)
        for track in range(tracks):
            holes = pasted_track(len(truth), clip.size, 10 * number + track)
            shown = np.where(holes[..., None], np.array(PASTED, np.uint8), truth)
            behind = behind_keyframe(FramesInMemory(shown), as_sequence(holes), 0)
            keyframe = paint_keyframe(model, shown[0], holes[0], "delete", "", context, behind=behind)
            ours = propagate_keyframe(model, shown, holes, keyframe, "delete", "", context)
            telea = inpainted(list(shown), list(holes))
            rows.append(
                (
                    clip.name,
                    psnr(ours, truth, holes),
                    psnr(telea, truth, holes),
                    ssim(ours, truth, holes),
                    ssim(telea, truth, holes),
                    flicker(list(ours), motion, list(holes)),
                    flicker(telea, motion, list(holes)),
                    flicker(list(truth), motion, list(holes)),
                )
            )
            if track == 0 and len(result.exhibits) < EXHIBITS_AT_MOST:
                panels = (("with the pasted thing", shown), ("the truth", truth), (model.name, ours), ("cv2.inpaint", telea))
                result.exhibits.append(Exhibit(clip.name, panels))
            context.report("deletion", number * tracks + track + 1, total)
    column = [mean(float(row[index]) for row in rows) for index in range(1, 8)]
    result.add("gain", "PSNR inside, more than cv2.inpaint", column[0] - column[1], "dB", at_least(1))
    result.add("flicker_ratio", "flicker, as a share of cv2.inpaint's", column[4] / column[5], "", at_most(0.6))
    result.add("psnr", "PSNR inside", column[0], "dB", note=f"cv2.inpaint {column[1]:.2f} dB")
    result.add("ssim", "SSIM inside", column[2], note=f"cv2.inpaint {column[3]:.3f}")
    result.add("flicker", "flicker inside", column[4], "levels", note=f"cv2.inpaint {column[5]:.2f}, the truth {column[6]:.2f}")
    columns = ("clip", "PSNR", "PSNR inpaint", "SSIM", "SSIM inpaint", "flicker", "flicker inpaint", "flicker of the truth")
    result.tables.append(Table("Every clip", columns, tuple(rows)))
    result.seconds = time.monotonic() - started
    return result
