"""Suite `autoencoder`: what is lost on the way through the video model's autoencoder, which no edit
can do better than."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from core.evaluation.clips import EvaluationClip
from core.evaluation.fidelity import psnr, ssim
from core.evaluation.procedural import draw_samples, unseen_world
from core.evaluation.results import at_least, Exhibit, mean, SuiteResult, Table
from core.progress import JobContext
from core.vivid.contract import VideoEngine
from core.vivid.pixels import to_frames, to_model

SAMPLES = 12
EXHIBITS_AT_MOST = 3


def evaluate_autoencoder(
    model: VideoEngine, clips: Iterable[EvaluationClip], count: int, context: JobContext, samples: int = SAMPLES
) -> SuiteResult:
    """Measure PSNR and SSIM of single pictures and of whole windows.

    Args:
        model: Whose autoencoder is measured.
        clips: Of which the middle squares are taken.
        count: How many clips there are.
        context: Reports progress; work stops when it is cancelled.
        samples: Procedural clips besides.

    Returns:
        The figures.
    """
    started = time.monotonic()
    frames = model.window_frames
    result = SuiteResult("autoencoder", "Autoencoder", f"{model.name}: pictures and clips of {frames} frames, encoded and decoded.")
    total = samples + count
    context.report("autoencoder", 0, total)
    scores: dict[tuple[str, int], list[tuple[float, float]]] = {}
    rows: list[tuple[str | float, ...]] = []
    sources: list[tuple[str, str, NDArray[np.uint8]]] = [
        ("synthetic", f"procedural {number + 1}", sample.frames)
        for number, sample in enumerate(draw_samples(unseen_world(model.working_size), samples, frames, seed=1))
    ]
    done = 0

    def measure(group: str, name: str, video: NDArray[np.uint8]) -> None:
        nonlocal done
        found = {1: (math.nan, math.nan), 2: (math.nan, math.nan)}
        for length in sorted({1, len(video)}):  # a clip may be too short for more than its first frame
            decoded = reconstructed(model, video[:length])
            found[min(length, 2)] = psnr(decoded, video[:length]), ssim(decoded, video[:length])
            scores.setdefault((group, min(length, 2)), []).append(found[min(length, 2)])
        rows.append((name, *found[1], *found[2]))
        if sum(exhibit.title.startswith(group) for exhibit in result.exhibits) < EXHIBITS_AT_MOST:
            result.exhibits.append(Exhibit(f"{group}: {name}", (("source", video), ("encoded and decoded", decoded))))
        done += 1
        context.report("autoencoder", done, total)

    for source in sources:
        measure(*source)
    for clip in clips:
        usable = min(len(clip), frames)
        usable -= (usable - 1) % model.frame_unit
        measure("given clips", clip.name, middle_square(clip.frames[:usable], model.working_size))
    for (group, length), found in sorted(scores.items()):
        what = f"{'single pictures' if length == 1 else f'{frames} frames'}, {group}"
        key = f"{'synthetic' if group == 'synthetic' else 'clips'}.{'image' if length == 1 else 'video'}"
        goal = at_least(26) if group != "synthetic" else None
        result.add(
            f"{key}.psnr", f"PSNR of {what}", mean(value for value, _ in found), "dB", goal, f"SSIM {mean(value for _, value in found):.3f}"
        )
    columns = ("clip", "PSNR picture", "SSIM picture", f"PSNR {frames} frames", f"SSIM {frames} frames")
    result.tables.append(Table("Every clip", columns, tuple(rows)))
    result.seconds = time.monotonic() - started
    return result


def reconstructed(model: VideoEngine, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (T, h, w, 3), T = 4k + 1, encoded and decoded as the model does both."""
    with torch.inference_mode():
        latents = model.encode_pixels(to_model(frames))
        return to_frames(model.decode(latents)[0])


def middle_square(frames: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The largest rectangle of the working size's shape in the middle of frames (T, H, W, 3),
    brought to `size` (h, w)."""
    height, width = frames.shape[1:3]
    scale = min(height / size[0], width / size[1])
    rows, columns = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - rows) // 2, (width - columns) // 2
    cropped = frames[:, top : top + rows, left : left + columns]
    return np.stack([cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA) for frame in cropped])
