"""Recipe `small-outline`: the network that brings a mask's outline to the picture.

The segmenter that ships, which stays as it is, tracks things through clips larger than its own
square; the network learns to turn its coarse answers into the truth at the clip's size. A fixed set
of clips is scored at intervals with the averaged weights, and the best are exported.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.models.tensors import load_tensors
from core.segment.network import build_network, Sam2Config
from core.segment.outline_network import FILE_NAME, load_outline_network, OutlineNetwork
from core.training.common.checkpoint import save_tensors
from core.training.common.run import TrainingRun
from core.training.small.captured import CapturedStep
from core.training.small.outline_config import OutlineRecipeConfig
from core.training.small.outline_parts import cut_parts, draw_parts, Parts, PROMPTS, track_clips, TrackedClips, whole_boxes
from core.training.small.run import begin_run, use_fast_kernels
from core.training.small.sam2 import make_world, Phase, TrackingBatch, validation_world

MEASURES = ("J", "J_before", "F", "F_before")
"""Of a validation: overlap with the truth, and F of outlines within a pixel, of the network's
answers and of the interpolated logits that it is given."""
_MARGIN = 0.2
_RIM = 4.0  # how much more a pixel counts near the true outline


def outline_loss(answer: Tensor, parts: Parts) -> Tensor:
    """Cross entropy, most of it at the rim, and Dice: a scalar."""
    rim = F.max_pool2d(parts.truth, 5, 1, 2) + F.max_pool2d(-parts.truth, 5, 1, 2)
    care = 1 + _RIM * rim
    cross = F.binary_cross_entropy_with_logits(answer, parts.truth, reduction="none")
    each = (cross * care).mean((1, 2, 3))
    said = torch.sigmoid(answer)
    overlap = (2 * (said * parts.truth).sum((1, 2, 3)) + 64) / ((said + parts.truth).sum((1, 2, 3)) + 64)
    each = each + 0.5 * (1 - overlap)
    return (each * parts.weight).sum() / (parts.weight.sum() + 1e-3)


def answered(network: OutlineNetwork, parts: Parts) -> Tensor:
    """The network's answer to parts, (N, 1, s, s); on CUDA in bfloat16."""
    cuda = parts.picture.is_cuda
    with torch.autocast(parts.picture.device.type, dtype=torch.bfloat16, enabled=cuda):
        answer: Tensor = network(parts.picture, parts.logits, parts.features)
    return answer.float()


def overlaps(said: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """J, and F of outlines within a pixel, of masks bool (N, 1, s, s): (N,) each."""
    both, either = (said & truth).sum((1, 2, 3)), (said | truth).sum((1, 2, 3))

    def outline(masks: Tensor) -> Tensor:
        inside = masks.float()
        return inside * (1 + F.max_pool2d(-inside, 3, 1, 1))

    def near(line: Tensor, around: Tensor) -> Tensor:
        share: Tensor = (line * F.max_pool2d(around, 3, 1, 1)).sum((1, 2, 3)) / line.sum((1, 2, 3)).clamp(min=1)
        return share

    one, other = outline(said), outline(truth)
    precision, recall = near(one, other), near(other, one)
    return both / either.clamp(min=1), 2 * precision * recall / (precision + recall).clamp(min=1e-6)


class OutlineKeeper:
    """Scores the averaged weights on clips that training never sees, and keeps the best."""

    def __init__(self, run: TrainingRun, config: OutlineRecipeConfig, segmenter: SAM2Base, passes: int) -> None:
        self.run, self.config, self.last = run, config, time.monotonic()
        self.network = OutlineNetwork().to(run.device).eval().requires_grad_(False)
        self.latest: dict[str, float] = dict.fromkeys(MEASURES, 0.0)
        self.folder = Path(config.export or run.folder / "package")
        self.folder.mkdir(parents=True, exist_ok=True)
        world = validation_world(config.pictures, config.pools, run.device)
        self.parts = []
        for seed in range(math.ceil(config.validation_clips / 4)):
            clips = world.sample(4, config.frames, config.side, seed=seed)
            with torch.random.fork_rng(devices=[run.device] if run.device.type == "cuda" else []):
                torch.manual_seed(seed)
                tracked = track_clips(segmenter, clips, 1, PROMPTS[seed % 2], passes)
            logits = tracked.logits.flatten(0, 1)
            self.parts.append(cut_parts(tracked, whole_boxes(logits > 0, _MARGIN), config.part, logits))

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() - self.last > self.config.validate_seconds

    @torch.no_grad()
    def validate(self) -> None:
        """Score, export when nothing was better, and copy the curve."""
        state = self.run.averaged_states()["outline"]
        self.network.load_state_dict(state)
        found: list[Tensor] = []
        for parts in self.parts:
            truth = parts.truth > 0.5
            pairs = [overlaps(logits > 0, truth) for logits in (answered(self.network, parts), parts.logits)]
            found.append(torch.stack([pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]], 1)[parts.weight > 0])
        means = torch.cat(found).mean(0).nan_to_num()  # nothing is left when a segmenter loses everything
        self.latest = dict(zip(MEASURES, means.tolist(), strict=True))
        score = self.latest["J"] + self.latest["F"]
        best = self.run.extra.get("best", -math.inf)
        if score >= best:
            self.run.extra["best"] = score
            for folder in {self.folder, self.run.folder / "package"}:
                save_tensors(folder / FILE_NAME, {key: value.half() for key, value in state.items()}, {"format": "pt"})
        marks = " ".join(f"{key}={value:.4f}" for key, value in self.latest.items())
        print(f"validation at step {self.run.step}: {marks} best={max(score, best):.4f}", flush=True)
        curve = self.run.folder / "curve-small-outline.csv"
        if curve.exists():
            shutil.copyfile(curve, self.folder / curve.name)
        self.last = time.monotonic()

    def bring(self) -> None:
        """Begin with the best weights of an earlier call, should this one find none better."""
        kept = self.run.folder / "package" / FILE_NAME
        if kept.exists() and kept.parent != self.folder:
            shutil.copyfile(kept, self.folder / FILE_NAME)


def train(config: OutlineRecipeConfig) -> None:
    """Run the recipe; writes a curve, a checkpoint and the best weights."""
    began = time.monotonic()
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    use_fast_kernels()
    folder = Path(config.segmenter)
    sizes = Sam2Config.read(folder / "config.json")
    segmenter = build_network(sizes)
    segmenter.load_state_dict(load_tensors(folder / "model.safetensors"))
    segmenter = segmenter.to(device).eval().requires_grad_(False)
    network = (load_outline_network(Path(config.initial)) if config.initial else None) or OutlineNetwork()
    network = network.to(device, memory_format=torch.channels_last).train().requires_grad_(True)  # type: ignore[call-overload]
    world = make_world(config.pictures, config.pools, config.seed, device)
    run = begin_run(config, "small-outline", {"outline": network})
    resumed = run.load_checkpoint()
    keeper = OutlineKeeper(run, config, segmenter, sizes.prompt_passes)
    if resumed:
        keeper.bring()
    batch = TrackingBatch(world, Phase(config.side, config.frames, config.clips, config.targets, 1.0))
    fill = CapturedStep(batch.fill, device, warm_up=1)
    print(f"ready after {time.monotonic() - began:.1f} s", flush=True)

    def over() -> bool:
        return bool(run.progress >= 1 or (config.stop_after and time.monotonic() - began > config.stop_after))

    run.start_clock()
    while not over():
        fill()
        prompt = PROMPTS[int(torch.multinomial(torch.tensor([0.45, 0.4, 0.15]), 1))]
        tracked = track_clips(segmenter, batch.clips(), config.targets, prompt, sizes.prompt_passes)
        learn(run, network, tracked, keeper, over)
    keeper.validate()
    run.save_checkpoint()
    print(f"stopped at step {run.step}, progress {run.progress:.3f}, {time.monotonic() - began:.0f} s after the start", flush=True)


def learn(run: TrainingRun, network: OutlineNetwork, tracked: TrackedClips, keeper: OutlineKeeper, over: Callable[[], bool]) -> None:
    """Make some steps on parts of the same clips.

    Args:
        run: Whose optimizer moves the weights.
        network: What is trained.
        tracked: The clips with the segmenter's answers.
        keeper: Validates at intervals.
        over: Tells whether the call has to end.
    """
    config = keeper.config
    for _ in range(config.parts):
        if over():
            return
        parts = draw_parts(tracked, config.part, (config.narrowest, config.widest))
        loss = outline_loss(answered(network, parts), parts)
        run.optimizer.descend(loss)
        run.extra = {"best": run.extra.get("best", -math.inf)}
        run.advance(lambda: {"outline": {"loss": float(loss.detach())} | keeper.latest})  # noqa: B023
        if keeper.due():
            keeper.validate()
