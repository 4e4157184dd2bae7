"""SAM 2.1 as the editor tracks with it, beside the bare package, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_tracking [--size tiny] [--frames 200] [--tiny]

Both track the same boxes through the same drawn frames of 854x480 with the same random weights of
true size. The bare package has its frames on the GPU before it begins; the editor resizes each when
it comes to it. Prints frames a second of one object and of four, and the most memory after a
quarter of the frames and after all. With --tiny it is a short clip, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sam2.build_sam import build_sam2_video_predictor
from torch import nn

from core.models import ModelStore
from core.progress import JobContext
from core.project.prompts import BoxPrompt
from core.segment.loading import load_segmenter
from core.segment.precision import half_on_gpu

SIZES = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}
HEIGHT, WIDTH = 480, 854


class Drawn:
    """Frames in memory, as a clip's reader gives them."""

    def __init__(self, count: int) -> None:
        self.info = SimpleNamespace(width=WIDTH, height=HEIGHT)
        ground = np.random.default_rng(0).integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
        self._ground = cv2.resize(ground, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def frame(self, index: int) -> NDArray[np.uint8]:
        """A frame with four discs that move."""
        frame = self._ground.copy()
        for number in range(4):
            cv2.circle(frame, (150 + 180 * number + index % 40, 240), 50, (60 * number, 250 - 60 * number, 90), -1)
        return np.asarray(frame, np.uint8)


def box(number: int) -> tuple[float, float, float, float]:
    """Around a disc on frame 0."""
    middle = 150 + 180 * number
    return middle - 52, 188, middle + 52, 292


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", action="append", choices=SIZES, help="of SAM 2.1 (repeatable; tiny and large)")
    parser.add_argument("--frames", type=int, default=200, help="of the clip")
    parser.add_argument("--tiny", action="store_true", help="a short clip, on a CPU if there is no GPU")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not options.tiny:
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    frames = 4 if options.tiny else options.frames
    for size in options.size or (["tiny"] if options.tiny else ["tiny", "large"]):
        with tempfile.TemporaryDirectory() as folder:
            measure(size, device, frames, Path(folder))
    return 0


def measure(size: str, device: torch.device, frames: int, folder: Path) -> None:
    """One size of SAM 2.1.

    Args:
        size: One of SIZES.
        device: Where both run.
        frames: Of the clip.
        folder: An empty one for weights and pictures.
    """
    clip = Drawn(frames)
    bare = build_sam2_video_predictor(f"configs/sam2.1/sam2.1_hiera_{SIZES[size]}.yaml", device=str(device))
    _fill(bare)
    weights = folder / "weights.pt"
    torch.save({"model": {name: tensor.cpu() for name, tensor in bare.state_dict().items()}}, weights)
    pictures = folder / "pictures"
    pictures.mkdir()
    for index in range(frames):
        cv2.imwrite(str(pictures / f"{index:05d}.jpg"), clip.frame(index)[..., ::-1])
    segmenter = load_segmenter(str(weights), str(device), ModelStore())
    rates = {}
    for who in ("bare", "ours") * 2:  # the first round warms up
        for objects in (1, 4):
            session = segmenter.session(clip)

            def ours(session: object = session, objects: int = objects) -> Iterator[object]:
                prompts = {number + 1: [BoxPrompt(0, number + 1, *box(number))] for number in range(objects)}
                return session.track(prompts, 0, frames, JobContext())  # type: ignore[attr-defined]

            count = frames if (who, objects) in rates else min(frames, 30)
            go = ours if who == "ours" else lambda objects=objects: _bare(bare, pictures, objects)
            rates[who, objects] = _rate(f"{size}, {who}, {objects} objects", go, count, device)
    print(
        f"{size}: {rates['ours', 1] / rates['bare', 1]:.2f}x the bare package's frames a second; "
        f"four objects at {rates['ours', 4] / rates['ours', 1]:.2f}x the speed of one "
        f"(bare {rates['bare', 4] / rates['bare', 1]:.2f}x)",
        flush=True,
    )


def _bare(predictor: object, pictures: Path, objects: int) -> Iterator[object]:
    """The package's own video predictor; its masks in the clip's size, as ours are."""
    with torch.inference_mode(), half_on_gpu(predictor.device):  # type: ignore[attr-defined]
        state = predictor.init_state(str(pictures))  # type: ignore[attr-defined]
        for number in range(objects):
            predictor.add_new_points_or_box(state, 0, number + 1, box=np.array(box(number)))  # type: ignore[attr-defined]
        for index, _, logits in predictor.propagate_in_video(state):  # type: ignore[attr-defined]
            yield index, (logits > 0).cpu().numpy()


def _rate(title: str, go: Callable[[], Iterator[object]], count: int, device: torch.device) -> float:
    """Frames a second after the first few, of so many frames."""
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    first, most, began = min(4, count - 2), [], 0.0
    with closing(go()) as stream:  # type: ignore[type-var]
        for number, _ in enumerate(stream):
            if number == first:
                began = time.monotonic()
            if cuda and number in (count // 4, count - 1):
                most.append(torch.cuda.max_memory_allocated() / 2**30)
            if number == count - 1:
                break
    rate = (count - 1 - first) / (time.monotonic() - began)
    memory = f", at most {most[0]:.2f} and {most[-1]:.2f} GiB" if cuda else ""
    print(f"  {title:<28}{rate:7.1f} frames a second{memory}", flush=True)
    return rate


def _fill(network: nn.Module) -> None:
    """Random weights under which masks are neither empty nor full at once."""
    draw = torch.Generator(next(network.parameters()).device).manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, 0, 0.02, generator=draw)


if __name__ == "__main__":
    sys.exit(main())
