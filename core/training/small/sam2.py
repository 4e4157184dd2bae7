"""Recipe `small-sam2`: the small SAM 2, on procedural clips of whole moving things.

In phases: short clips at 256 px, longer ones, then 384 px; one learning-rate schedule runs through
all of them. Every batch is used twice, the second time mirrored and backwards with other prompts. A
fixed set of clips is tracked at intervals with the averaged weights, and the best weights are the
ones that are exported.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

import copy
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.data.photo_world import PhotoWorld
from core.data.tracking import TrackingClips, TrackingWorld, whole_things
from core.data.tracking_sheet import tinted
from core.errors import InputError
from core.models.tensors import load_tensors
from core.segment.network import build_network, Sam2Config
from core.training.common.checkpoint import save_tensors
from core.training.common.run import TrainingRun
from core.training.small.captured import CapturedStep
from core.training.small.run import begin_run, fits_in_checkpoint, use_fast_kernels
from core.training.small.sam2_config import Sam2RecipeConfig
from core.training.small.sam2_tracking import BatchTracker, fit_to, MEASURES, track, training_loss

_VALIDATION_SEED = 9001
_VALIDATION_AT_ONCE = 10
_VALIDATION_POOLS = {"textures_count": 192, "outlines": 64, "solids_per_kind": 8, "backgrounds": 48}
_LEARNT, _COLLAPSED = 0.2, 0.8  # a score from which one below this share of it means that something has broken
_SURELY_THERE = 3.0  # an untrained network that calls the object absent shows no mask to learn from


class Phase(NamedTuple):
    """A stretch of the run: side in pixels, frames, clips, targets a clip, and the progress at
    which it ends."""

    size: int
    frames: int
    clips: int
    targets: int
    until: float


def read_phases(text: str) -> list[Phase]:
    """Phases of `Sam2RecipeConfig.phases`; InputError for what can't be read or run."""
    try:
        phases = []
        for part in text.split(","):
            size, frames, clips, targets, until = part.split(":")
            phases.append(Phase(int(size), int(frames), int(clips), int(targets), float(until)))
    except ValueError:
        raise InputError(f"phases={text}: write size:frames:clips:targets:until, several with commas between") from None
    for phase in phases:
        if phase.size % 32 or phase.size < 64 or phase.frames < 2 or phase.clips * phase.targets < 8:
            raise InputError(f"phases={text}: sizes are multiples of 32 from 64, frames at least 2, clips times targets at least 8")
    if [phase.until for phase in phases] != sorted(phase.until for phase in phases) or phases[-1].until < 1:
        raise InputError(f"phases={text}: each ends later than the one before, the last at 1")
    return phases


class TrackingBatch:
    """The clips that a step reads, refilled from the world or turned round in place."""

    def __init__(self, world: TrackingWorld, phase: Phase) -> None:
        self.world, self.phase = world, phase
        shape = (phase.clips, phase.frames, 3, phase.size, phase.size)
        self.pixels = torch.zeros(shape, dtype=world.dtype, device=world.device)
        self.labels = torch.zeros((*shape[:2], *shape[3:]), dtype=torch.int8, device=world.device)

    def fill(self) -> Tensor:
        """Fresh clips."""
        clips = self.world.sample(self.phase.clips, self.phase.frames, self.phase.size)
        self.labels.copy_(clips.labels)
        return self.pixels.copy_(clips.pixels)

    def turn(self) -> None:
        """The same clips mirrored, and backwards in time."""
        self.pixels.copy_(self.pixels.flip(1, 4))
        self.labels.copy_(self.labels.flip(1, 3))

    def state(self) -> dict[str, Tensor]:
        """For a checkpoint, if it is small."""
        tensors = {"pixels": self.pixels, "labels": self.labels}
        return tensors if fits_in_checkpoint(tensors.values()) else {}

    def load(self, state: dict[str, Tensor]) -> bool:
        """Take what a checkpoint kept; False when it is none of this phase."""
        if not state or state["pixels"].shape != self.pixels.shape:
            return False
        self.pixels.copy_(state["pixels"])
        self.labels.copy_(state["labels"])
        return True


def train_once(run: TrainingRun, tracker: BatchTracker, batch: TrackingBatch, shares: tuple[float, float]) -> Tensor:
    """Make one optimisation step on the batch.

    Args:
        run: Whose optimizer moves the weights.
        tracker: The network's steps.
        batch: The clips.
        shares: As in `training_loss`.

    Returns:
        The loss and MEASURES, (8,).
    """
    masks, usable = whole_things(TrackingClips(batch.pixels, batch.labels), batch.phase.targets)
    cuda = run.device.type == "cuda"
    with torch.autocast(run.device.type, dtype=torch.bfloat16, enabled=cuda):
        loss, seen = training_loss(tracker, batch.pixels, masks, batch.labels, usable, shares)
    run.optimizer.descend(loss)
    return torch.cat([loss.detach()[None], seen])


class Validation:
    """A fixed set of clips, each with the target that is tracked, and the best score so far."""

    def __init__(self, config: Sam2RecipeConfig, size: int, device: torch.device) -> None:
        self.passes, self.size = config.prompt_passes, size
        few = {name: min(getattr(config.pools, name), limit) for name, limit in _VALIDATION_POOLS.items()}
        world = make_world(replace(config, pools=replace(config.pools, **few)), _VALIDATION_SEED, device)
        self.parts: list[tuple[Tensor, Tensor]] = []
        wanted = config.validation_clips
        for seed in range(1, 50 * wanted):
            if wanted <= 0:
                break
            clips = world.sample(_VALIDATION_AT_ONCE, config.validation_frames, size, seed=seed)
            with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                torch.manual_seed(seed)
                masks, usable = whole_things(clips, 1, least=0.01, most=0.5)
            fit = torch.nonzero(usable[:, 0] > 0)[:wanted, 0]
            if len(fit):
                self.parts.append((clips.pixels[fit].half(), masks[fit]))
                wanted -= len(fit)

    @torch.no_grad()
    def score(self, network: SAM2Base) -> dict[str, float]:
        """Mean J: from box, click and mask over all frames, and on the first from box and click."""
        tracker = BatchTracker(network)
        found: dict[str, Tensor] = {}
        for prompt in ("box", "click", "mask"):
            with torch.autocast(network.device.type, dtype=torch.bfloat16, enabled=network.device.type == "cuda"):
                found[prompt] = torch.cat([track(tracker, pixels, masks, prompt, self.passes)[0] for pixels, masks in self.parts])
        result = {f"J_{prompt}": float(values[:, 1:].mean()) for prompt, values in found.items()}
        return result | {f"J0_{prompt}": float(found[prompt][:, 0].mean()) for prompt in ("box", "click")}

    @torch.no_grad()
    def sheet(self, network: SAM2Base, rows: int = 10) -> np.ndarray:
        """The first clips with their truth and what is answered from a box: uint8 (H, W, 3)."""
        pixels, masks = self.parts[0][0][:rows], self.parts[0][1][:rows]
        logits = track(BatchTracker(network), pixels, masks, "box", self.passes)[1]
        said = torch.nn.functional.interpolate(logits.float(), size=(self.size, self.size), mode="bilinear")[:, :, None] > 0
        every = max(1, pixels.shape[1] // 4)
        small = slice(None, None, 2)
        pairs = [tinted(pixels[:, ::every, :, small, small], part[:, ::every, :, small, small]) for part in (masks, said)]
        return np.concatenate(pairs, axis=1)


def make_world(config: Sam2RecipeConfig, seed: int, device: torch.device) -> TrackingWorld:
    """Build a world of the recipe's sizes, with its pictures.

    Args:
        config: Of the recipe.
        seed: Of the pools. Validation's seed gives pictures that training never sees.
        device: To draw on.

    Returns:
        The world.
    """
    if config.pictures:
        return PhotoWorld(Path(config.pictures), seed == _VALIDATION_SEED, device, seed=seed, **asdict(config.pools))
    return TrackingWorld(device, seed=seed, **asdict(config.pools))


def start_network(config: Sam2RecipeConfig) -> tuple[SAM2Base, Sam2Config]:
    """The network to train, from nothing or from `initial`, and its configuration."""
    folder = Path(config.initial)
    sizes = Sam2Config.read(folder / "config.json") if config.initial else Sam2Config()
    pooled, side = config.pooled_memory or sizes.pooled_memory, config.image_size or sizes.image_size
    sizes = replace(sizes, prompt_passes=config.prompt_passes, pooled_memory=pooled, image_size=side)
    network = build_network(sizes)
    if config.initial and (folder / "model.safetensors").exists():
        network.load_state_dict(load_tensors(folder / "model.safetensors"))
    else:
        torch.nn.init.constant_(network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias, _SURELY_THERE)
    return network, sizes


class Keeper:
    """Scores the averaged weights at intervals, keeps the best, writes the package, and goes back
    to the best after a collapse.

    It has a network of its own, of the validation's size: the one that trains is part of a captured
    graph, which would go on reading the tensors that fitting it to another size replaces.
    """

    def __init__(self, run: TrainingRun, config: Sam2RecipeConfig, network: SAM2Base, sizes: Sam2Config, validation: Validation) -> None:
        self.run, self.config, self.sizes, self.validation = run, config, sizes, validation
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        fit_to(self.network, validation.size)
        self.latest: dict[str, float] = dict.fromkeys(("J_box", "J_click", "J_mask", "J0_box", "J0_click"), 0.0)
        self.best: list[Tensor] = []
        self.last = time.monotonic()
        self.folder = Path(config.export or run.folder / "package")
        self.folder.mkdir(parents=True, exist_ok=True)

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() - self.last > self.config.validate_seconds

    def validate(self, final: bool = False) -> None:
        """Score, and export when nothing was better; then write curve and, at the end, a sheet
        beside it."""
        average = list(self.run.optimizer.average.values())
        torch._foreach_copy_(list[Tensor](self.network.parameters()), average)
        self.latest = self.validation.score(self.network)
        score = sum(self.latest.values()) / len(self.latest)
        best = self.run.extra.get("best", -math.inf)
        if score >= best:
            self.run.extra["best"] = score
            self.best = [value.clone() for value in average]
            self._export()
        elif self.best and best > _LEARNT and score < _COLLAPSED * best:
            print(f"back to the weights that scored {best:.4f}", flush=True)
            self.run.optimizer.restart_from(self.best)
        if final:
            Image.fromarray(self.validation.sheet(self.network)).save(self.folder / "sheet-small-sam2.jpg", quality=85)
        marks = " ".join(f"{key}={value:.4f}" for key, value in self.latest.items())
        print(f"validation at step {self.run.step}: {marks} mean={score:.4f} best={max(score, best):.4f}", flush=True)
        curve = self.run.folder / "curve-small-sam2.csv"
        if curve.exists():
            shutil.copyfile(curve, self.folder / curve.name)
        self.last = time.monotonic()

    def _export(self) -> None:
        """Half precision, moved over the old file only when whole.

        Elsewhere a copy stays for a later call of a broken run.
        """
        state = {key: value.half() for key, value in self.network.state_dict().items()}
        for folder in {self.folder, self.run.folder / "package"}:
            save_tensors(folder / "model.safetensors", state, {"format": "pt"})
            self.sizes.write(folder / "config.json")

    def bring(self) -> None:
        """Begin with the best package of an earlier call, should this one find no better."""
        kept = self.run.folder / "package"
        if not (kept / "model.safetensors").exists():
            return
        state = load_tensors(kept / "model.safetensors", device=str(self.run.device))
        self.best = [state[name].float() for name, _ in self.network.named_parameters()]
        if kept != self.folder:
            for name in ("model.safetensors", "config.json"):
                shutil.copyfile(kept / name, self.folder / name)


def train(config: Sam2RecipeConfig) -> None:
    """Run the recipe; writes a curve, a checkpoint, and the package with the best weights."""
    began = time.monotonic()
    phases = read_phases(config.phases)
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    use_fast_kernels()
    network, sizes = start_network(config)
    network = network.to(device).train()
    print(f"drawing {config.pools.textures_count} textures and {config.pools.backgrounds} backgrounds on {device}", flush=True)
    world = make_world(config, config.seed, device)
    validation = Validation(config, sizes.image_size, device)
    print(f"worlds made in {time.monotonic() - began:.1f} s", flush=True)
    run = begin_run(config, "small-sam2", {"network": network})
    resumed = run.load_checkpoint()
    kept = run.extra.pop("batch", {}) if resumed else {}
    keeper = Keeper(run, config, network, sizes, validation)
    if resumed:
        keeper.bring()
    if config.compile:
        network.image_encoder.compile(dynamic=False)

    def over() -> bool:
        return bool(run.progress >= 1 or (config.stop_after and time.monotonic() - began > config.stop_after))

    run.start_clock()
    while not over():
        phase = next(phase for phase in phases if run.progress < phase.until)
        train_phase(run, network, world, phase, keeper, over, kept)
        kept = {}
    keeper.validate(final=True)
    run.save_checkpoint()
    print(f"stopped at step {run.step}, progress {run.progress:.3f}, {time.monotonic() - began:.0f} s after the start", flush=True)


def train_phase(
    run: TrainingRun,
    network: SAM2Base,
    world: TrackingWorld,
    phase: Phase,
    keeper: Keeper,
    over: Callable[[], bool],
    kept: dict[str, Tensor],
) -> None:
    """Train until the phase, or the call, is over.

    Args:
        run: the run that the phase is a part of.
        network: what is trained; it is fitted to the size of the phase.
        world: where clips come from.
        phase: size, length and number of the clips, and when it ends.
        keeper: validates at intervals.
        over: tells whether the call has to end.
        kept: the batch of a checkpoint, empty without one.
    """
    began = time.monotonic()
    fit_to(network, phase.size)
    batch, tracker = TrackingBatch(world, phase), BatchTracker(network)
    fill = CapturedStep(batch.fill, run.device, warm_up=1)
    fresh = not batch.load(kept)
    if fresh and run.device.type == "cuda":
        batch.fill()
    step = CapturedStep(partial(train_once, run, tracker, batch, (keeper.config.box_share, keeper.config.click_share)), run.device)
    if run.device.type == "cuda":
        memory = torch.cuda.max_memory_allocated() / 2**30
        print(f"{phase}: captured in {time.monotonic() - began:.1f} s, {memory:.1f} GiB at most", flush=True)
    mark, since = time.monotonic(), run.step
    while run.progress < phase.until and not over():
        if fresh or run.step % 2 == 0:
            fill()
        else:
            batch.turn()
        fresh = False
        seen = step()
        run.extra = {"best": run.extra.get("best", -math.inf), "batch": batch.state()}

        def rows() -> dict[str, dict[str, float]]:
            nonlocal mark, since
            row = dict(zip(("loss", *MEASURES), seen.tolist(), strict=True))  # noqa: B023
            speed = phase.clips * (run.step - since) / max(time.monotonic() - mark, 1e-6)
            mark, since = time.monotonic(), run.step
            pace = {"clips_a_second": speed, "milliseconds": 1000 * phase.clips / max(speed, 1e-6)}
            return {f"{phase.size}x{phase.frames}": row | pace | keeper.latest}

        run.advance(rows)
        if keeper.due():
            keeper.validate()
            mark, since = time.monotonic(), run.step
