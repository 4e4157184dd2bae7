"""Memory and seconds of full-size engines as each graphics card would have them, on one GPU.

A script, not a test: it needs the GPU.

python -m scripts.measure_memory [--model NAME ...] [--cards 8,12,16] [--limit 300] [--tiny]

Builds each engine with random weights in the host's memory (21 to 81 GB) once for each memory plan
that the cards have, in a process of its own that can't take more than the card has. It makes
keyframe tries and one window of the engine's own length and size, of two steps each, and prints
seconds, the most memory that PyTorch had in use and had taken, and what was computed beforehand; at
the end the engine's row of the table in docs/performance.md. A plan that runs out of memory or of
time is noted in that row, and the others go on; the exit status is 1 then. The latents of a window
should be the same in all modes, to the bit where the sums are the same. With --tiny the engines are
toys, on a CPU if need be.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import StudioError
from core.machine import let_device_memory_grow
from core.models.catalogue import entry
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.vivid.contract import Sampling, VideoEngine
from core.vivid.keyframe import KeyframeStudio
from core.vivid.loading import set_up
from core.vivid.memory import MemoryPlan
from core.vivid.presets import CARDS, free_of_card, preset
from scripts.full_size_engines import build_engine, ENGINES

GIB = 2**30
CAPTION = "a red ball on the grass"
STEPS = 2


class Watch:
    """Seconds of what a process does on a device, and the most memory that it took there."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._most = 0
        self._cuda = torch.cuda.is_available()

    @property
    def most(self) -> float | None:
        """GiB; None without a GPU."""
        return max(self._most, torch.cuda.max_memory_allocated()) / GIB if self._cuda else None

    def forget(self) -> None:
        """What was measured so far."""
        self.seconds, self._most = {}, 0
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()

    @contextmanager
    def measured(self, title: str) -> Iterator[None]:
        """Print and keep the seconds of what runs inside, and print its most memory."""
        if self._cuda:
            torch.cuda.synchronize()
            self._most = max(self._most, torch.cuda.max_memory_allocated())
            torch.cuda.reset_peak_memory_stats()
        started = time.monotonic()
        yield
        if self._cuda:
            torch.cuda.synchronize()
        self.seconds[title] = round(time.monotonic() - started, 2)
        used, taken = (read() / GIB if self._cuda else 0 for read in (torch.cuda.max_memory_allocated, torch.cuda.max_memory_reserved))
        peak = f", at most {used:.1f} GiB in {taken:.1f} that were taken" if self._cuda else ""
        print(f"  {title:<32}{self.seconds[title]:6.2f} s{peak}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=ENGINES, help="engine (repeatable; all of them)")
    parser.add_argument("--cards", default=",".join(map(str, CARDS)), help="GB of the cards, with commas between")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one plan")
    parser.add_argument("--tiny", action="store_true", help="toys")
    parser.add_argument("--only", nargs=2, metavar=("CARD", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        return one_plan(options.model[0], int(options.only[0]), Path(options.only[1]), options.tiny)
    if not (torch.cuda.is_available() or options.tiny):
        print("there is no CUDA device here; --tiny shows the way on a CPU", file=sys.stderr)
        return 2
    let_device_memory_grow()  # of the processes that are started here
    failed = False
    for name in options.model or ENGINES:
        plans = plans_of(name, [int(card) for card in options.cards.split(",")])
        with tempfile.TemporaryDirectory() as folder:
            for card in smallest_cards(plans):
                words = ["--model", name, "--only", str(card), folder, *(["--tiny"] if options.tiny else [])]
                try:
                    ran = subprocess.run([sys.executable, "-m", "scripts.measure_memory", *words], check=False, timeout=options.limit)
                    failed |= ran.returncode != 0
                except subprocess.TimeoutExpired:
                    failed = True
                    note(Path(folder), card, {"failed": f"more than {options.limit:.0f} s"})
            compare(Path(folder))
            print(table_row(name, plans, Path(folder)), flush=True)
    return int(failed)


def plans_of(name: str, cards: Sequence[int]) -> dict[int, MemoryPlan]:
    """By card, what is computed for the engine on it."""
    sizes = entry("cogvideox-fun-inp-5b" if name == "vivid-5b" else name, "video").parameters
    assert sizes is not None, "each of ENGINES says its sizes"
    return {card: preset(sizes, free_of_card(card)) for card in sorted(cards)}


def smallest_cards(plans: dict[int, MemoryPlan]) -> list[int]:
    """The smallest card for each plan that fits."""
    first: dict[tuple[str, bool], int] = {}
    for card, plan in plans.items():
        if plan.fits:
            first.setdefault((plan.mode, plan.tiled), card)
    return list(first.values())


def table_row(name: str, plans: dict[int, MemoryPlan], folder: Path) -> str:
    """A row of the table: by card the plan, the most GiB that was measured, and what was computed.

    Args:
        name: The engine's.
        plans: What is computed, by card.
        folder: With what `note` wrote of the plans that were run.
    """
    cells = []
    for card, plan in plans.items():
        cell = "no"
        if plan.fits:
            same = next(small for small in smallest_cards(plans) if (plans[small].mode, plans[small].tiled) == (plan.mode, plan.tiled))
            path = folder / f"{same}.json"
            found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"failed": "the process died"}
            most = found.get("failed") or ("not a GPU" if found["most"] is None else f"{found['most']:.1f}")
            cell = f"`{plan.mode}`{' tiled' if plan.tiled else ''}, {most} ({plan.need / GIB:.1f})"
        cells.append(f"{card} GB: {cell}")
    return f"| `{name}` | {' | '.join(cells)} |"


def note(folder: Path, card: int, found: dict[str, Any]) -> None:
    """Keep what was found of a card's plan."""
    (folder / f"{card}.json").write_text(json.dumps(found), encoding="utf-8")


def one_plan(name: str, card: int, folder: Path, tiny: bool) -> int:
    """Run a card's plan in this process, and note what was found. 1 where it does not run.

    Args:
        name: The engine's.
        card: GB of the card.
        folder: Where the note, the conditions and the latents are kept.
        tiny: Whether the engine is a toy.
    """
    print(f"{name} on a card of {card} GB", flush=True)
    watch = Watch()
    try:
        found = measure(name, card, folder, tiny, watch)
    except (StudioError, torch.cuda.OutOfMemoryError) as error:
        found = {"failed": "out of memory", "error": str(error).splitlines()[0], "most": watch.most, "seconds": watch.seconds}
    note(folder, card, found)
    print(f"  {json.dumps({'model': name, 'card': card} | found)}", flush=True)
    return int("failed" in found)


def measure(name: str, card: int, folder: Path, tiny: bool, watch: Watch) -> dict[str, Any]:
    """What one plan takes.

    Args:
        name: The engine's.
        card: GB of the card.
        folder: Where conditions and latents are kept.
        tiny: Whether the engine is a toy.
        watch: Measures.

    Returns:
        The plan in words, GiB as `most` and `computed`, and seconds by what was done.
    """
    device, free = "cuda" if torch.cuda.is_available() else "cpu", free_of_card(card)
    with watch.measured("build"):
        model = build_engine(name, tiny)
    if device == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        watch.forget()  # what building took is not the plan's
        torch.cuda.set_per_process_memory_fraction(free / torch.cuda.get_device_properties(0).total_memory)
    with watch.measured("place"):
        set_up(model, torch.device(device), "auto", "plain", free)
    print(f"  {model.memory}", flush=True)
    frame, region, video, mask = drawn_window(model)
    with watch.measured("caption"):
        model.embed(CAPTION)
    guided = Sampling(STEPS, model.tasks["propagate"].guidance)
    with watch.measured("keyframe: encode"):
        prepared = KeyframeStudio(model).prepare(frame, region)
    for title in ("first", "second"):
        with watch.measured(f"keyframe: {title} try"):
            list(prepared.tries("add", CAPTION, (0,), SamplingSettings(steps=STEPS, guidance=guided.guidance), JobContext()))
    with watch.measured("window: encode"), torch.inference_mode():
        encoded = model.encode(video, mask)
    # Tiles change what is encoded; from the same conditions every mode has to denoise the same.
    kept = folder / "conditions.pt"
    if not kept.exists():
        torch.save([part.cpu() for part in encoded], kept)
    shown = tuple(part.to(model.device) for part in torch.load(kept, weights_only=True))
    latents: list[Tensor] = []
    decode = model.decode

    def keep(given: Tensor) -> Any:
        latents.append(given.cpu())
        return decode(given)

    model.decode = keep  # type: ignore[method-assign,assignment]
    with watch.measured(f"window: {STEPS} steps, decode"):
        model.paint(CAPTION, shown, [0], guided, lambda number: None)
    torch.save(latents[0], folder / f"latents-{card}.pt")
    computed = round(model.memory.need / GIB, 2)
    return {"plan": str(model.memory), "most": watch.most, "computed": computed, "seconds": watch.seconds}


def drawn_window(model: VideoEngine) -> tuple[NDArray[np.uint8], NDArray[np.bool_], Tensor, Tensor]:
    """A window of the engine's length and size in which a picture moves.

    Returns:
        The picture (H, W, 3), a region (H, W) of a sixteenth of it, and of the window the video
        (1, 3, T, H, W) in [-1, 1] and the mask (1, 1, T, H, W).
    """
    (height, width), frames = model.working_size, model.window_frames
    coarse = np.random.default_rng(0).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    frame = coarse.repeat(16, 0).repeat(16, 1)
    region = np.zeros((height, width), np.bool_)
    region[height // 4 : height // 2, width // 4 : width // 2] = True
    clip = np.stack([np.roll(frame, 3 * index, 1) for index in range(frames)])
    video = torch.from_numpy(clip).float().permute(3, 0, 1, 2)[None] / 127.5 - 1
    return frame, region, video, torch.from_numpy(region)[None, None, None].float().expand(1, 1, frames, height, width)


def compare(folder: Path) -> None:
    """Print how far the plans' latents are apart."""
    found = [(path.stem, torch.load(path, weights_only=True).float()) for path in sorted(folder.glob("latents-*.pt"))]
    for name, latents in found[1:]:
        print(f"{name} differs from {found[0][0]} by at most {float((found[0][1] - latents).abs().max()):g}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
