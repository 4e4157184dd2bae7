"""Suite `propagation`: a keyframe is propagated through procedural clips whose every frame is
known.

Given the true first frame, the rest should come back; given a caption that says something else than
the keyframe shows, the keyframe should win; over three windows colours should stay. The clips that
are edited show the background alone, so nothing of the thing can be seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.evaluation.arrays import Frame, Frames, Mask
from core.evaluation.autoencoder import reconstructed
from core.evaluation.classifier import Classifier, ClassifierLabel, crop_square
from core.evaluation.clip_score import ClipScorer, MISSING
from core.evaluation.colour import cie76, mean_colour
from core.evaluation.edits import own_first_frame, paint_keyframe, propagate_keyframe, with_window
from core.evaluation.fidelity import flicker, IDENTICAL, Motion, psnr, ssim
from core.evaluation.procedural import draw_samples, ProceduralClip, unseen_world
from core.evaluation.results import at_least, at_most, Exhibit, mean, share, SuiteResult, Table
from core.progress import JobContext
from core.propagation.mask_motion import warp_frames
from core.vivid.contract import VideoEngine

SAMPLES = 8
WINDOWS = 3
EXHIBITS_AT_MOST = 8
SEEN, _LEAST_SEEN, _STILL_THERE = 30, 8, 0.1
"""8-bit levels by which what is painted differs from what is behind it, the pixels that it has at
least, and the share of a thing's pixels on frame 0 that the truth shows where it is still in the
picture."""
_STEPS = 3
"""Runs of the model for each sample, which progress counts in."""


def evaluate_propagation(
    model: VideoEngine, classifier: Classifier, context: JobContext, samples: int = SAMPLES, scorer: ClipScorer | None = None
) -> SuiteResult:
    """Propagate keyframes through clips of one window, and through a quarter as many of three.

    Args:
        model: The video model.
        classifier: Names kind and colour on the last frame.
        context: Reports progress; work stops when it is cancelled.
        samples: Clips of one window.
        scorer: CLIP, for temporal consistency; left out without it.

    Returns:
        The figures.
    """
    started = time.monotonic()
    frames = model.window_frames
    result = SuiteResult("propagation", "Propagation", f"{model.name} on {samples} unseen procedural clips of {frames} frames.")
    world = unseen_world(model.working_size)
    clips = draw_samples(world, samples, frames, seed=2)
    long_frames = WINDOWS * (frames - 1) + 1
    long_clips = draw_samples(world, max(1, samples // 4), long_frames, seed=3)
    total = _STEPS * len(clips) + 2 * WINDOWS * len(long_clips)
    done = 0
    context.report("propagation", 0, total)

    def advance(steps: int) -> None:
        nonlocal done
        done += steps
        context.report("propagation", done, total)

    rows: list[tuple[float, ...]] = []
    shown: list[Frame] = []
    contrary: list[Frame] = []
    own: list[Frame] = []
    consistency: list[float] = []
    for number, clip in enumerate(clips):
        plate, later = clip.plate, clip.region[1:]
        given = propagate_keyframe(model, plate, clip.region, clip.frames[0], "add", clip.caption, context)
        advance(1)
        other = contrary_caption(clip, clips, number)
        against = propagate_keyframe(model, plate, clip.region, clip.frames[0], "add", other, context)
        advance(1)
        keyframe = paint_keyframe(model, plate[0], clip.region[0], "add", clip.caption, context)
        painted = propagate_keyframe(model, plate, clip.region, keyframe, "add", clip.caption, context)
        advance(1)
        truth, outside = clip.frames[1:], ~clip.region
        motion = Motion(clip.frames)
        moved = warp_frames(clip.frames[0], clip.region[0], plate, clip.region)
        rows.append(
            (
                psnr(given[1:], truth, later),
                ssim(given[1:], truth, later),
                psnr(against[1:], truth, later),
                psnr(moved[1:], truth, later),
                psnr(reconstructed(model, clip.frames)[1:], truth, later),
                flicker(list(given), motion, list(clip.region)),
                flicker(list(clip.frames), motion, list(clip.region)),
                psnr(given[:1], clip.frames[:1], clip.region[:1]),
                psnr(own_first_frame(model, clip.frames, clip.region, clip.caption)[None], clip.frames[:1]),
                psnr(given, plate, outside),
                # The window around a pixel reaches into the region, where the two differ rightly:
                # there both show the source.
                ssim(np.where(outside[..., None], given, plate), plate, outside),
            )
        )
        for group, video in ((shown, given), (contrary, against), (own, painted)):
            group.append(video[-1])
        if scorer is not None:
            squares = [crop_square(frame, mask, 224) for frame, mask in zip(given, clip.region, strict=True)]
            consistency.append(scorer.consistency(squares))
        if len(result.exhibits) < EXHIBITS_AT_MOST:
            panels = (
                ("the truth", clip.frames),
                ("true keyframe propagated", given),
                (f"with the caption “{other}”", against),
                ("own keyframe propagated", painted),
            )
            result.exhibits.append(Exhibit(clip.caption, panels))

    column = [mean(values) for values in zip(*rows, strict=True)]
    result.add(
        "psnr",
        "true first frame: PSNR in the region",
        column[0],
        "dB",
        at_least(20),
        f"moved along the mask alone {column[3]:.2f}, autoencoder {column[4]:.2f} dB",
    )
    result.add("ssim", "true first frame: SSIM in the region", column[1])
    result.add("contrary_psnr", "caption says otherwise: PSNR in the region", column[2], "dB", note="to what the keyframe shows")
    regions = [clip.region[-1] for clip in clips]
    meant = [ClassifierLabel(clip.kind, clip.colour) for clip in clips]
    reference = classifier.name([clip.frames[-1] for clip in clips], regions)
    for key, label, pictures in (
        ("shown", "true first frame", shown),
        ("contrary", "caption says otherwise", contrary),
        ("own", "own keyframe", own),
    ):
        named = classifier.name(pictures, regions)
        for part, goal in (("colour", 90), ("kind", 85)):
            # A thing that has left the picture, or is hidden, by the last frame can't be named on
            # it, however well it was propagated.
            recognisable = [getattr(a, part) == getattr(b, part) for a, b in zip(reference, meant, strict=True)]
            comparable = [(a, b) for a, b, can_be in zip(named, meant, recognisable, strict=True) if can_be]
            right = share(getattr(a, part) == getattr(b, part) for a, b in comparable)
            note = f"last frame, where the truth's is named right: {len(comparable)} of {len(meant)}"
            result.add(f"{key}.{part}", f"{label}: {part} named right", right, "%", at_least(goal), note)
    same = "identical" if column[7] >= IDENTICAL else ""
    result.add(
        "first_frame",
        "frame 0 against the keyframe",
        column[7],
        "dB",
        at_least(30),
        f"{same}; as the model itself gives it back {column[8]:.2f} dB".lstrip("; "),
    )
    result.add("flicker", "flicker in the region", column[5], "levels", note=f"the truth {column[6]:.2f}")
    result.add(
        "background.psnr", "outside the region, composited: PSNR", column[9], "dB", note="identical" if column[9] >= IDENTICAL else ""
    )
    result.add("background.ssim", "outside the region, composited: SSIM", column[10])
    if scorer is not None:
        result.add("tc", "consistency of the region", mean(consistency), "x 100", note="CLIP, neighbouring frames")
    else:
        result.notes.append(f"consistency of the region {MISSING}")
    _add_drift(result, model, long_clips, context, advance)
    names = ("clip", "PSNR", "SSIM", "PSNR, other caption", "PSNR moved only", "PSNR autoencoder", "flicker", "flicker of the truth")
    result.tables.append(Table("Every clip", names, tuple((clip.caption, *row[:7]) for clip, row in zip(clips, rows, strict=True))))
    result.seconds = time.monotonic() - started
    return result


def _add_drift(
    result: SuiteResult, model: VideoEngine, clips: list[ProceduralClip], context: JobContext, advance: Callable[[int], None]
) -> None:
    """How far the region's colour goes from the keyframe's over three windows, made one after the
    other and all at once."""
    frames = len(clips[0].frames)
    whole = with_window(model, frames)
    rows: list[tuple[float, ...]] = []
    for clip in clips:
        chained = propagate_keyframe(model, clip.plate, clip.region, clip.frames[0], "add", clip.caption, context)
        advance(WINDOWS)
        once = propagate_keyframe(whole, clip.plate, clip.region, clip.frames[0], "add", clip.caption, context)
        advance(WINDOWS)
        if last := still_there(clip):
            rows.append(tuple(colour_drift(video, clip, last) for video in (chained, once, clip.frames)))
        if len(result.exhibits) < 2 * EXHIBITS_AT_MOST:
            panels = (("the truth", clip.frames), (f"{WINDOWS} chained windows", chained), ("one window", once))
            result.exhibits.append(Exhibit(f"{clip.caption}, {frames} frames", panels))
    if not rows:
        result.notes.append(f"colour drift over {frames} frames: in none of {len(clips)} clips the thing is still in the picture")
        return
    chained_drift, once_drift, true_drift = (mean(values) for values in zip(*rows, strict=True))
    note = f"CIE76, last quarter; the truth {true_drift:.2f}; where the thing is still in the picture: {len(rows)} of {len(clips)}"
    result.add("drift", f"colour drift over {frames} frames, {WINDOWS} windows", chained_drift, "", at_most(6), note)
    result.add("drift_once", f"colour drift over {frames} frames, one window", once_drift)
    result.add("drift_ratio", f"drift of {WINDOWS} windows, as a share of one's", chained_drift / once_drift, "", at_most(2))


def contrary_caption(clip: ProceduralClip, others: list[ProceduralClip], number: int) -> str:
    """Find a caption of another kind and another colour.

    Args:
        clip: Whose caption it contradicts.
        others: Clips to take it from.
        number: Of the clip among them.

    Returns:
        The caption; made up when no clip has one.
    """
    for other in [*others[number + 1 :], *others[:number]]:
        if other.kind != clip.kind and other.colour != clip.colour:
            return other.caption
    return "a blue cube" if clip.kind != "cube" and clip.colour != "blue" else "a red star"


def still_there(clip: ProceduralClip) -> list[int]:
    """Those of the last quarter of a clip's frames where the thing has not all but left the
    picture, or is hidden: there are colours to compare."""
    least = _STILL_THERE * _painted(clip.frames, clip, 0).sum()
    return [index for index in range(len(clip.frames) * 3 // 4, len(clip.frames)) if _painted(clip.frames, clip, index).sum() >= least]


def colour_drift(video: Frames, clip: ProceduralClip, frames: list[int]) -> float:
    """Measure how far the colour of what is painted moves from that of frame 0.

    Args:
        video: An edit of the clip, (T, H, W, 3).
        clip: The clip.
        frames: Indices of the frames that are compared.

    Returns:
        Mean CIE76. Painted is what differs from the background by more than SEEN; the whole region
        where that is next to nothing.
    """

    def colour(index: int) -> NDArray[np.float32]:
        painted = _painted(video, clip, index)
        return mean_colour(video[index], painted if painted.sum() >= _LEAST_SEEN else clip.region[index])

    start = colour(0)
    return mean(cie76(start, colour(index)) for index in frames)


def _painted(video: Frames, clip: ProceduralClip, index: int) -> Mask:
    return (np.abs(video[index].astype(np.int16) - clip.plate[index]).max(-1) > SEEN) & clip.region[index]
