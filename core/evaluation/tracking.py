"""Suite `tracking`: a segmenter tracks one object through clips whose true masks are known, from a
box, one click, or the first mask."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from core.evaluation.arrays import Frame, Mask, Masks
from core.evaluation.baselines import copied_first_mask, grabcut_with_flow
from core.evaluation.clips import EvaluationClip, EvaluationClips, FramesInMemory
from core.evaluation.overlap import RECALL_LEVEL, region_similarity, score_track, TrackScore
from core.evaluation.results import at_least, Exhibit, mean, SuiteResult, Table
from core.machine import peak_memory_mb
from core.masks import check_quality, MaskSequence, write_mask
from core.progress import JobContext
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt, Prompt
from core.segment import Segmenter

PROMPTS = ("box", "click", "first mask")
COPY, GRABCUT = "copied first mask", "GrabCut + flow from the box"
SAMPLES = 4
"""Procedural clips, when no others are given."""
EXHIBITS_AT_MOST = 8
_TINTS = {"box": (64, 156, 255), "click": (255, 176, 32), GRABCUT: (214, 92, 220), "truth": (56, 200, 112)}


def evaluate_tracking(segmenter: Segmenter, clips: EvaluationClips, context: JobContext) -> SuiteResult:
    """Track the object of every clip from each prompt, and with the two baselines.

    Args:
        segmenter: The segmenter.
        clips: With true masks.
        context: Reports progress; work stops when it is cancelled.

    Returns:
        Scores, means over the clips. Speed is that of tracking from the box, all clips together;
        memory is the most that the process has held.
    """
    started = time.monotonic()
    result = SuiteResult("tracking", "Tracking", f"{segmenter.name} on {len(clips)} clips, one prompt on frame 0.")
    scores: dict[str, list[TrackScore]] = defaultdict(list)
    flags: dict[str, list[FlagCount]] = defaultdict(list)
    rows: list[tuple[str | float, ...]] = []
    done, frames_tracked, seconds, real = 0, 0, 0.0, False
    total = clips.total_frames * (len(PROMPTS) + 1)
    for clip in clips:
        assert clip.masks is not None
        real = real or clip.real
        tracks: dict[str, list[Mask]] = {}
        for prompt in PROMPTS:
            before = time.perf_counter()
            sequence = track_clip(segmenter, clip, prompt, context, done, total)
            tracks[prompt] = list(sequence.array())
            if prompt == "box":
                seconds, frames_tracked = seconds + time.perf_counter() - before, frames_tracked + len(clip)
            flags[prompt].append(count_flags(sequence, clip.masks))
            done += len(clip)

        def on_frame(index: int, before: int = done) -> None:
            context.report("tracking", before + index + 1, total)

        assert clip.box is not None
        tracks[GRABCUT] = grabcut_with_flow(clip.frames, clip.box, on_frame)
        done += len(clip)
        tracks[COPY] = copied_first_mask(clip.masks)
        for how, found in tracks.items():
            score = score_track(found, clip.masks)
            scores[how].append(score)
            rows.append((clip.name, how, score.j, score.f, score.f_pixel, score.j_first, score.j_recall, score.j_decay))
        if len(result.exhibits) < EXHIBITS_AT_MOST:
            result.exhibits.append(_exhibit(clip, tracks))

    means = {how: _mean_score(found) for how, found in scores.items()}
    goals = {"box": at_least(0.78), "click": at_least(0.68)} if real else {}
    for prompt in PROMPTS:
        score, key = means[prompt], prompt.replace(" ", "_")
        result.add(f"{key}.j", f"J from the {prompt}", score.j, goal=goals.get(prompt))
        result.add(f"{key}.f", f"F from the {prompt}", score.f)
        result.add(f"{key}.jf", f"J&F from the {prompt}", score.j_and_f)
        result.add(f"{key}.f_pixel", f"F within one pixel from the {prompt}", score.f_pixel)
        if prompt != "first mask":
            goal = at_least(0.85) if real and prompt == "box" else None
            result.add(f"{key}.j_first", f"J on frame 0 from the {prompt}", score.j_first, goal=goal)
        result.add(f"{key}.j_recall", f"J recall from the {prompt}", score.j_recall, note="share of frames above .5")
        if score.found_again is not None:
            result.add(f"{key}.found_again", f"found again after it was gone, from the {prompt}", score.found_again)
        result.add(f"{key}.j_decay", f"J decay from the {prompt}", score.j_decay)
        wrong, flagged, both = (sum(getattr(one, name) for one in flags[prompt]) for name in ("wrong", "flagged", "both"))
        if wrong:
            result.add(f"{key}.flag_recall", f"frames below .5 that are flagged, {prompt}", both / wrong, note=f"of {wrong}")
        if flagged:
            result.add(f"{key}.flag_precision", f"flagged frames that are below .5, {prompt}", both / flagged, note=f"of {flagged}")
    result.add("grabcut.j", f"J of {GRABCUT}", means[GRABCUT].j, note=f"frame 0: {means[GRABCUT].j_first:.3f}, F: {means[GRABCUT].f:.3f}")
    result.add("copy.j", f"J of the {COPY}", means[COPY].j, note=f"F: {means[COPY].f:.3f}")
    result.add("speed", "tracking from the box", frames_tracked / seconds, "frames/s", at_least(8), "two quiet cores, 854x480")
    result.add("memory", "peak memory of the process", peak_memory_mb() / 1e3, "GB", note="models and one clip")
    result.tables.append(Table("Every clip", ("clip", "from", "J", "F", "F at 1 px", "J frame 0", "J recall", "J decay"), tuple(rows)))
    result.seconds = time.monotonic() - started
    return result


@dataclass(frozen=True)
class FlagCount:
    """Of how many frames the mask is wrong (J below RECALL_LEVEL), is flagged by mask quality, and
    both.
    """

    wrong: int
    flagged: int
    both: int


def count_flags(found: MaskSequence, truth: Masks) -> FlagCount:
    """Count the frames after the prompted one; `truth` is bool (T, H, W) from frame 0 on."""
    frames = range(1, len(truth))
    wrong = {frame for frame in frames if region_similarity(found[frame], truth[frame]) < RECALL_LEVEL}
    flagged = {flag.frame for flag in check_quality(found, range(len(truth)), marked=(0,))} & set(frames)
    return FlagCount(len(wrong), len(flagged), len(wrong & flagged))


def track_clip(segmenter: Segmenter, clip: EvaluationClip, prompt: str, context: JobContext, done: int = 0, total: int = 0) -> MaskSequence:
    """Track the object of a clip from one prompt on frame 0.

    Args:
        segmenter: The segmenter.
        clip: With true masks.
        prompt: One of PROMPTS.
        context: Reports progress; work stops when it is cancelled.
        done: Frames of other clips that are done.
        total: Of all frames; those of the clip when 0.

    Returns:
        The masks of all frames, with their quality.
    """
    quiet = JobContext(token=context.token)
    masks = MaskSequence.empty(clip.size, 0, len(clip))
    reached = 0
    with tempfile.TemporaryDirectory(prefix="vivid-studio-") as folder:
        session = segmenter.session(FramesInMemory(clip.frames), folder)
        for frame, found in session.track({1: [_prompt(clip, prompt, Path(folder))]}, 0, len(clip), quiet):
            masks.set(frame, found[1], found.quality.get(1))
            reached += 1
            context.report("tracking", done + reached, total or len(clip))
    return masks


def _prompt(clip: EvaluationClip, prompt: str, folder: Path) -> Prompt:
    assert clip.masks is not None
    assert clip.box is not None
    assert clip.click is not None
    if prompt == "box":
        return BoxPrompt(0, 1, *clip.box)
    if prompt == "click":
        return PointPrompt(0, 1, *clip.click)
    write_mask(folder / "first.png", clip.masks[0])
    return MaskPrompt(0, 1, "first.png")


def _mean_score(scores: list[TrackScore]) -> TrackScore:
    returned = [score.found_again for score in scores if score.found_again is not None]
    means = {name: mean(getattr(score, name) for score in scores) for name in ("j", "f", "j_first", "j_recall", "j_decay", "f_pixel")}
    return TrackScore(**means, found_again=mean(returned) if returned else None)


def _exhibit(clip: EvaluationClip, tracks: dict[str, list[Mask]]) -> Exhibit:
    assert clip.masks is not None
    shown = {"truth": list(clip.masks), "box": tracks["box"], "click": tracks["click"], GRABCUT: tracks[GRABCUT]}
    labels = {"truth": "the truth", "box": "from the box", "click": "from one click", GRABCUT: GRABCUT}
    panels = tuple(
        (labels[name], [tinted(frame, mask, _TINTS[name]) for frame, mask in zip(clip.frames, masks, strict=True)])
        for name, masks in shown.items()
    )
    return Exhibit(clip.name, panels)


def tinted(frame: Frame, mask: Mask, colour: tuple[int, int, int]) -> Frame:
    """Show a mask on a frame.

    Args:
        frame: (H, W, 3).
        mask: (H, W).
        colour: Of the tint, RGB.

    Returns:
        The frame at most 320 pixels wide, with the mask tinted and its outline in the full colour.
    """
    scale = min(1.0, 320 / frame.shape[1])
    size = (max(2, round(frame.shape[1] * scale)), max(2, round(frame.shape[0] * scale)))
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    edge = inside - cv2.erode(inside, np.ones((3, 3), np.uint8))
    shade = np.array(colour, np.float32)
    mixed = np.where(inside[..., None] > 0, picture * 0.6 + shade * 0.4, picture)
    return np.where(edge[..., None] > 0, shade, mixed).astype(np.uint8)
