"""Memory and seconds of full-size engines as each graphics card would have them, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_memory [--model NAME ...] [--cards 8,12,16] [--start] [--tiny]

Writes each engine with random weights to the folder (21 to 81 GB), in the layout that is fetched,
and loads it once for each memory plan that the cards have, in a process of its own that can't take
more than the card has. It makes keyframe tries and one window of the engine's own length and size,
of two steps each, and prints seconds, the most memory that PyTorch had allocated, and what was
computed beforehand. The latents of a window should be the same in all modes, to the bit where the
sums are the same.

With --start it loads each engine twice with its usual speed instead, all of it on the card, and
prints the seconds from the start of loading to the first step of a window. With --tiny the engines
are toys, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import numpy as np
import torch

from core.engines.loading import load_video_engine
from core.models import ModelStore
from core.models.catalogue import entry
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.vivid import offload
from core.vivid.contract import Sampling
from core.vivid.keyframe import KeyframeStudio
from core.vivid.presets import CARDS, free_of_card, preset
from scripts.full_size_folders import ENGINES, write_engine

GIB = 2**30
CAPTION = "a red ball on the grass"
STEPS = 2
_most: list[int] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=ENGINES, help="engine (repeatable; all of them)")
    parser.add_argument("--cards", default=",".join(map(str, CARDS)), help="GB of the cards, with commas between")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/full-size"), help="where the weights lie meanwhile")
    parser.add_argument("--start", action="store_true", help="seconds until the first step instead")
    parser.add_argument("--tiny", action="store_true", help="toys")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        measure(options.folder, options.model[0], options.only or None, options.start)
        return 0
    if not (torch.cuda.is_available() or options.tiny):
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    for name in options.model or ENGINES:
        options.folder.mkdir(parents=True)
        try:
            with measured(f"{name}: written"):
                write_engine(name, options.folder, options.tiny)
            for card in (0, 0) if options.start else cards_of(name, [int(card) for card in options.cards.split(",")]):
                words = ["--folder", str(options.folder), "--model", name, "--only", str(card), *(["--start"] if options.start else [])]
                if subprocess.run([sys.executable, "-m", "scripts.measure_memory", *words], check=False).returncode:
                    print(f"  {name} on {card} GB failed", flush=True)
            if not options.start:
                compare(options.folder)
        finally:
            shutil.rmtree(options.folder)
    return 0


def cards_of(name: str, cards: Sequence[int]) -> list[int]:
    """The smallest card for each plan that the cards have."""
    sizes = entry("cogvideox-fun-inp-5b" if name == "vivid-5b" else name, "video").parameters
    assert sizes is not None, "each of ENGINES says its sizes"
    first: dict[tuple[str, bool], int] = {}
    for card in sorted(cards):
        plan = preset(sizes, free_of_card(card))
        if plan.fits:
            first.setdefault((plan.mode, plan.tiled), card)
    return list(first.values())


@contextmanager
def measured(title: str) -> Iterator[None]:
    """Print the seconds and the most memory of what runs inside."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.synchronize()
        _most.append(torch.cuda.max_memory_allocated())
        torch.cuda.reset_peak_memory_stats()
    started = time.monotonic()
    yield
    if cuda:
        torch.cuda.synchronize()
    peak = f", at most {torch.cuda.max_memory_allocated() / GIB:.1f} GiB" if cuda else ""
    print(f"  {title:<32}{time.monotonic() - started:6.2f} s{peak}", flush=True)


def measure(folder: Path, name: str, card: int | None, start: bool) -> None:
    """One plan, in this process; the latents of its window are kept beside the weights.

    Args:
        folder: The engine's.
        name: What it is called.
        card: GB of the card that is pretended; None for the one that is there.
        start: Only until the first step, at the engine's usual speed.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and card is not None:
        free = free_of_card(card)
        torch.cuda.set_per_process_memory_fraction(free / torch.cuda.get_device_properties(0).total_memory)
        offload.free_on = lambda device: free - torch.cuda.memory_allocated(device)
    print(f"{name} on a card of {card} GB" if card else name, flush=True)
    began = time.monotonic()
    with measured("load"):
        model = load_video_engine(str(folder), device, ModelStore(), speed="auto" if start else "plain")
    print(f"  {model.memory}", flush=True)
    (height, width), frames = model.working_size, model.window_frames
    coarse = np.random.default_rng(0).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    frame = coarse.repeat(16, 0).repeat(16, 1)
    region = np.zeros((height, width), np.bool_)
    region[height // 4 : height // 2, width // 4 : width // 2] = True
    with measured("caption"):
        model.embed(CAPTION)
    clip = np.stack([np.roll(frame, 3 * index, 1) for index in range(frames)])
    video = torch.from_numpy(clip).float().permute(3, 0, 1, 2)[None] / 127.5 - 1
    mask = torch.from_numpy(region)[None, None, None].float().expand(1, 1, frames, height, width)
    guided = Sampling(STEPS, model.tasks["propagate"].guidance)
    if start:
        with measured("window: encode"), torch.inference_mode():
            encoded = model.encode(video, mask)
        steps: list[float] = []

        def step(number: int) -> None:
            if device == "cuda":
                torch.cuda.synchronize()
            steps.append(time.monotonic() - began)

        model.paint(CAPTION, encoded, [0], guided, step)
        print(f"  from loading to the first step {steps[0]:6.2f} s, the second {steps[1] - steps[0]:.2f} s", flush=True)
        return
    with measured("keyframe: encode"):
        prepared = KeyframeStudio(model).prepare(frame, region)
    for title in ("first", "second"):
        with measured(f"keyframe: {title} try"):
            list(prepared.tries("add", CAPTION, (0,), SamplingSettings(steps=STEPS, guidance=guided.guidance), JobContext()))
    with measured("window: encode"), torch.inference_mode():
        encoded = model.encode(video, mask)
    # Tiles change what is encoded; from the same conditions every mode has to denoise the same.
    kept = folder / "conditions.pt"
    if not kept.exists():
        torch.save([part.cpu() for part in encoded], kept)
    shown = tuple(part.to(model.device) for part in torch.load(kept, weights_only=True))
    latents: list[torch.Tensor] = []
    decode = model.decode

    def keep(given: torch.Tensor) -> Any:
        latents.append(given.cpu())
        return decode(given)

    model.decode = keep  # type: ignore[method-assign,assignment]
    with measured(f"window: {STEPS} steps, decode"):
        model.paint(CAPTION, shown, [0], guided, lambda number: None)
    torch.save(latents[0], folder / f"latents-{card}.pt")
    if device == "cuda":
        most = max(*_most, torch.cuda.max_memory_allocated())
        print(f"  in all {most / GIB:.1f} GiB, computed {model.memory.need / GIB:.1f}", flush=True)


def compare(folder: Path) -> None:
    """Print how far the plans' latents are apart."""
    found = {path.stem: torch.load(path, weights_only=True).float() for path in sorted(folder.glob("latents-*.pt"))}
    first, *others = found.items()
    for name, latents in others:
        print(f"{name} differs from {first[0]} by at most {float((first[1] - latents).abs().max()):g}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
