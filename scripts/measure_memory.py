"""Memory and seconds of a full-size VIVID package in every mode of memory use, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_memory [--folder /dev/shm/vivid-full-size] [--tiny]

Writes a package of CogVideoX-5B's size with random weights (21 GB) to the folder, then loads it in
each mode in a process of its own, `parts` and `layers` on a pretended card of 16 and 8 GB, makes
keyframe tries and one window of 49 frames at 480x720 of two steps each, and prints seconds and the
most memory that PyTorch had allocated. What the modes denoise should be the same to the bit. With
--tiny it is a toy, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import numpy as np
import torch

from app.commands.full_size import build_pipeline, SIZES
from core.models import ModelStore
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.vivid import offload
from core.vivid.contract import Sampling
from core.vivid.keyframe import KeyframeStudio
from core.vivid.model import load_vivid

GIB = 2**30
CARDS = {"all": None, "parts": 15.0, "layers": 7.2}
"""Mode -> GiB free of the card that is pretended; None for the card that is there."""
CAPTION = "a red ball on the grass"
STEPS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/vivid-full-size"), help="where the package lies meanwhile")
    parser.add_argument("--tiny", action="store_true", help="a toy package")
    parser.add_argument("--mode", choices=CARDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mode:
        measure(options.mode, options.folder)
        return 0
    if not (torch.cuda.is_available() or options.tiny):
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    options.folder.mkdir(parents=True)
    try:
        write_package(options.folder, options.tiny)
        for mode in CARDS:
            subprocess.run([sys.executable, "-m", "scripts.measure_memory", "--folder", str(options.folder), "--mode", mode], check=True)
        compare(options.folder)
    finally:
        shutil.rmtree(options.folder)
    return 0


def write_package(folder: Path, tiny: bool) -> None:
    """A VIVID package with random weights; those of its parts are as many as CogVideoX-5B has, or
    next to none.
    """
    size = SIZES["vivid-toy" if tiny else "vivid-5b"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    build_pipeline(size, device).save_pretrained(folder, max_shard_size="5GB")
    facts = {"working_size": list(size.working_size), "window_frames": size.window_frames, "layout": "noise,mask,masked"}
    sampling = {"steps": STEPS, "guidance": 6.0}
    tasks = dict.fromkeys(("add", "modify", "delete", "propagate"), sampling)
    (folder / "vivid.json").write_text(json.dumps(facts | {"mask_channels": 1, "max_text_length": size.text_tokens, "tasks": tasks}))


@contextmanager
def measured(title: str) -> Iterator[None]:
    """Print the seconds and the most memory of what runs inside."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    started = time.monotonic()
    yield
    if cuda:
        torch.cuda.synchronize()
    peak = f", at most {torch.cuda.max_memory_allocated() / GIB:.1f} GiB" if cuda else ""
    print(f"  {title:<32}{time.monotonic() - started:6.2f} s{peak}", flush=True)


def measure(mode: str, folder: Path) -> None:
    """One mode, in this process; the latents of its window are kept beside the package."""
    device, free = ("cuda" if torch.cuda.is_available() else "cpu"), CARDS[mode]
    if device == "cuda" and free is not None:
        torch.cuda.set_per_process_memory_fraction(free * GIB / torch.cuda.get_device_properties(0).total_memory)
    print(mode if free is None else f"{mode}, {free} GiB free", flush=True)
    with measured("load"):
        model = load_vivid(str(folder), device, ModelStore(), mode)
    needs = offload.needs_of(model.pipeline, model.working_size, model.window_frames, guided=True)
    print(f"  expected: at most {needs.peak(mode, model.memory.tiled) / GIB:.1f} GiB", flush=True)
    (height, width), frames = model.working_size, model.window_frames
    coarse = np.random.default_rng(0).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    frame = coarse.repeat(16, 0).repeat(16, 1)
    region = np.zeros((height, width), np.bool_)
    region[height // 4 : height // 2, width // 4 : width // 2] = True
    with measured("caption"):
        model.embed(CAPTION)
    with measured("keyframe: encode"):
        prepared = KeyframeStudio(model).prepare(frame, region)
    for title in ("first", "second"):
        with measured(f"keyframe: {title} try"):
            list(prepared.tries("add", CAPTION, (0,), SamplingSettings(steps=STEPS, guidance=6.0), JobContext()))
    clip = np.stack([np.roll(frame, 3 * index, 1) for index in range(frames)])
    video = torch.from_numpy(clip).float().permute(3, 0, 1, 2)[None] / 127.5 - 1
    mask = torch.from_numpy(region)[None, None, None].float().expand(1, 1, frames, height, width)
    with measured("window: encode"), torch.inference_mode():
        encoded = model.encode(video, mask)
    # Tiles change what is encoded; from the same conditions every mode has to denoise the same.
    kept = folder / "conditions.pt"
    if not kept.exists():
        torch.save([part.cpu() for part in encoded], kept)
    masked, shown = (part.to(model.device) for part in torch.load(kept, weights_only=True))
    latents: list[torch.Tensor] = []
    decode = model.pipeline.decode_latents

    def keep(given: torch.Tensor) -> Any:
        latents.append(given.cpu())
        return decode(given)

    model.pipeline.decode_latents = keep  # type: ignore[assignment,method-assign]
    with measured(f"window: {STEPS} steps, decode"):
        model.paint(CAPTION, (masked, shown), [0], Sampling(STEPS, 6.0), lambda number: None)
    torch.save(latents[0], folder / f"latents-{mode}.pt")


def compare(folder: Path) -> None:
    """Print how far the modes' latents are apart."""
    first, *others = (torch.load(folder / f"latents-{mode}.pt", weights_only=True).float() for mode in CARDS)
    for mode, other in zip(list(CARDS)[1:], others, strict=True):
        print(f"{mode}: latents differ from those of all by at most {float((first - other).abs().max()):g}")


if __name__ == "__main__":
    sys.exit(main())
