"""What a step of `vivid-5b` costs on this GPU: true sizes, random weights, latents out of thin air.

Neither autoencoder nor text encoder takes part: training is meant to run from precomputed latents.
Every figure is printed as soon as it is known and kept in `out`/benchmark.json, so that a run that
is interrupted is not lost.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import gc
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import CogVideoXTransformer3DModel

from core.errors import InputError
from core.training.adapter.activations import attention_kernel, block_runner, plan_blocks, time_attention, use_runner
from core.training.adapter.config import Vivid5bConfig
from core.training.adapter.flops import count_flops, count_tokens
from core.training.adapter.step import adapted, adapter_optimizer, denoising_loss, draw_noise, draw_timesteps
from core.training.common.cogvideox import build_scheduler, rotary_embedding
from core.training.common.errors import TrainingError
from core.training.datasets.feed import LatentBatch
from core.training.datasets.sample_schedule import Kind

COGVIDEOX_5B: dict[str, Any] = {
    "num_attention_heads": 48,
    "attention_head_dim": 64,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 42,
    "time_embed_dim": 512,
    "text_embed_dim": 4096,
    "max_text_seq_length": 226,
    "sample_width": 90,
    "sample_height": 60,
    "sample_frames": 49,
    "use_rotary_positional_embeddings": True,
}
"""The configuration of CogVideoX-5B's transformer; what isn't named is diffusers' default."""

VIDEOS, IMAGES = 20_000, 200_000
"""The data set that the cost is given for."""
SCALING = 0.95
"""What of eight GPUs' speed is assumed to be left: only 33 M gradients travel, once a step."""
_LATEST = 150.0
"""Seconds after which nothing more is begun that has to be compiled."""


@dataclass(frozen=True)
class StepMeasurement:
    """One kind of step: seconds, and peak memory in GiB as allocated and as reserved.

    TFLOP/s count what is needed (nothing twice) and what is executed (with what checkpointing and
    attention compute again).
    """

    kind: str
    batch: int
    again: str
    compiled: bool
    seconds: float
    allocated_gib: float
    reserved_gib: float
    needed_tflops: float
    executed_tflops: float


def run_benchmark(config: Vivid5bConfig, network: dict[str, Any] | None = None) -> list[StepMeasurement]:
    """Measure and print.

    `network` is the transformer's configuration (CogVideoX-5B's). InputError without a GPU, but for
    device=cpu, which is for tiny networks.
    """
    if config.device == "cpu" and network is None:
        raise InputError("benchmark=true needs a GPU: the true size takes minutes a step on a CPU")
    if config.device != "cpu" and not torch.cuda.is_available():
        raise InputError("benchmark=true needs a GPU, and PyTorch finds none here")
    return Benchmark(config, network or COGVIDEOX_5B).run()


class Benchmark:
    """One benchmark on one device."""

    def __init__(self, config: Vivid5bConfig, network: dict[str, Any]) -> None:
        self.config, self.network = config, network
        self.device = torch.device("cpu" if config.device == "cpu" else "cuda")
        self.cuda = self.device.type == "cuda"
        self.dtype = torch.bfloat16 if self.cuda else torch.float32
        self.started = time.monotonic()
        self.facts: dict[str, Any] = {}
        self.rows: list[StepMeasurement] = []

    def run(self) -> list[StepMeasurement]:
        """All of it, the surest parts first."""
        if self.cuda:
            self._record("device", torch.cuda.get_device_name(self.device))
            self._record("torch", torch.__version__)
            # PyTorch's own products are timed first: on an empty card nothing disturbs them.
            self._record("matmul_tflops", round(matmul_tflops(self.device), 1))
        kernel = self._choose_kernel()
        self._build()
        best = self._eager(kernel)
        if self.cuda and time.monotonic() - self.started < _LATEST:
            self._compiled(kernel, best)
        if not self.rows:
            raise TrainingError("the benchmark measured nothing: every way of running a step failed, see above")
        self._costs()
        self._record("seconds_in_all", round(time.monotonic() - self.started, 1))
        return self.rows

    # -- parts -------------------------------------------------------------------------------------

    def _tokens(self, kind: Kind) -> int:
        config, network = self.config, self.network
        return count_tokens(config.frames_of(kind), config.height, config.width, network["max_text_seq_length"])

    def _choose_kernel(self) -> str:
        if not self.cuda or self.config.attention != "auto":
            return self.config.attention
        heads, head_dim = self.network["num_attention_heads"], self.network["attention_head_dim"]
        tokens = self._tokens("video")
        seconds = time_attention(self.device, tokens, heads, head_dim)
        flops = 3.5 * 4 * tokens * tokens * heads * head_dim
        self._record("attention_tflops", {name: round(flops / value / 1e12, 1) for name, value in seconds.items()})
        kernel = min(seconds, key=seconds.__getitem__) if seconds else "auto"
        self._record("attention", kernel)
        gc.collect()
        torch.cuda.empty_cache()
        return kernel

    def _build(self) -> None:
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        torch.manual_seed(self.config.seed)
        try:
            with self.device:
                self.transformer = CogVideoXTransformer3DModel(**self.network).train()
        finally:
            torch.set_default_dtype(before)
        parameters = adapted(self.config, self.transformer)
        config = self.config
        self.optimizer = adapter_optimizer(config, parameters)
        self.alphas = build_scheduler().alphas_cumprod.float().to(self.device)
        everything = sum(parameter.numel() for parameter in self.transformer.parameters())
        trained = sum(parameter.numel() for parameter in parameters.values())
        self._record("parameters_million", round(everything / 1e6, 1))
        self._record("trained_million", round(trained / 1e6, 2))
        self._record("weights_ready_after_seconds", round(time.monotonic() - self.started, 1))

    def _eager(self, kernel: str) -> dict[Kind, list[str]]:
        """Videos and images with the plan that keeps the most that fits, then videos with the
        thriftiest; returns the former."""
        best: dict[Kind, list[str]] = {}
        for kind in ("video", "image"):
            for plan, way in [(plan, way) for way in dict.fromkeys([kernel, "auto"]) for plan in self._plans(kind)]:
                if kind not in best and self._try(kind, self._batch_size(kind), plan, way, compiled=False) is not None:
                    best[kind] = plan
        thrifty = ["block"] * self.network["num_layers"]
        if best.get("video", thrifty) != thrifty:
            self._try("video", self._batch_size("video"), thrifty, kernel, compiled=False)
        return best

    def _plans(self, kind: Kind) -> list[list[str]]:
        """From the most that should fit to the least."""
        layers = self.network["num_layers"]
        if self.config.checkpointing != "auto":
            return [[self.config.checkpointing] * layers]
        width = self.network["num_attention_heads"] * self.network["attention_head_dim"]
        free = torch.cuda.mem_get_info(self.device)[0] if self.cuda else 0
        tokens = self._tokens(kind) * self._batch_size(kind)
        plans = [plan_blocks(layers, tokens, width, self.dtype.itemsize, int(free * share)) for share in (0.9, 0.75)]
        return [*plans, ["attention"] * layers, ["block"] * layers]

    def _compiled(self, kernel: str, best: dict[Kind, list[str]]) -> None:
        """The same compiled, which may need more memory or less.

        What one plan compiled serves the next.
        """
        for kind, plan in best.items():
            for other in [plan, *(later for later in self._plans(kind) if later.count("none") < plan.count("none"))]:
                if time.monotonic() - self.started < _LATEST and self._try(kind, self._batch_size(kind), other, kernel, compiled=True):
                    break

    def _batch_size(self, kind: Kind) -> int:
        return self.config.video_batch if kind == "video" else self.config.image_batch

    def _try(self, kind: Kind, batch: int, plan: list[str], kernel: str, compiled: bool) -> StepMeasurement | None:
        """Measure one way; one that this card or this PyTorch can't run is reported and left
        out."""
        name = f"{kind}, again {_in_words(plan)}, {'compiled' if compiled else 'eager'}, attention {kernel}"
        measured, failure = None, ""
        try:
            with attention_kernel(kernel):
                measured = self._measure(kind, batch, plan, compiled)
        except torch.OutOfMemoryError:
            failure = "out of memory"
        except Exception as error:
            failure = f"failed: {(str(error).splitlines() or [type(error).__name__])[0][:200]}"
        # Only here, when the error and with it what its frames hold are gone, is the memory free.
        self.transformer.zero_grad(set_to_none=True)
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()
        if measured is None:
            self._record(name, failure)
            return None
        self.rows.append(measured)
        self._record("steps", [asdict(row) for row in self.rows], quiet=True)
        share = ""
        if "matmul_tflops" in self.facts:
            whole = self.facts["matmul_tflops"]
            share = f", {measured.needed_tflops / whole:.1%} and {measured.executed_tflops / whole:.1%} of the matmul"
        print(
            f"{name}, batch {batch}: {measured.seconds:.3f} s a step, "
            f"{measured.allocated_gib:.1f} GiB ({measured.reserved_gib:.1f} reserved), {measured.needed_tflops:.0f} TFLOP/s needed, "
            f"{measured.executed_tflops:.0f} executed{share}",
            flush=True,
        )
        return measured

    def _measure(self, kind: Kind, batch: int, plan: list[str], compiled: bool) -> StepMeasurement:
        use_runner(self.transformer, block_runner(self.transformer, plan, compiled))
        step = self._step_of(kind, batch)
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        for number in range(2 if compiled or kind == "image" else 1):  # compiles, warms up, fills the allocator
            step(number)
        repeats = 2 if kind == "video" else 10
        begun = self._now()
        for number in range(repeats):
            step(2 + number)
        seconds = (self._now() - begun) / repeats
        peaks = [0.0, 0.0]
        if self.cuda:
            peaks = [torch.cuda.max_memory_allocated(self.device) / 2**30, torch.cuda.max_memory_reserved(self.device) / 2**30]
        width = self.network["num_attention_heads"] * self.network["attention_head_dim"]
        flops = count_flops(plan, width, self._tokens(kind), self.config.rank)
        speeds = [batch * value / seconds / 1e12 for value in (flops.needed, flops.executed)]
        return StepMeasurement(kind, batch, _in_words(plan), compiled, seconds, *peaks, *speeds)

    def _step_of(self, kind: Kind, batch: int) -> Any:
        """A whole training step as a function of its number: noise, forward, backward, clipping,
        AdamW."""
        config, network = self.config, self.network
        frames, size = (config.frames_of(kind) - 1) // 4 + 1, config.latent_size
        shape = torch.Size((batch, frames, network["out_channels"], *size))
        latent = torch.randn(shape, device=self.device, dtype=self.dtype)
        mask = torch.zeros(batch, frames, 1, *size, device=self.device, dtype=self.dtype)
        mask[..., size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
        text = torch.randn(batch, network["max_text_seq_length"], network["text_embed_dim"], device=self.device, dtype=self.dtype)
        rotary = rotary_embedding(self.transformer, frames, *size, self.device)

        def step(number: int) -> None:
            numbers = tuple(range(number * batch, (number + 1) * batch))
            data = LatentBatch(kind, numbers, latent, mask, latent * (1 - mask), text)
            noise = draw_noise(config.seed, kind, numbers, shape).to(self.device)
            times = draw_timesteps(config.seed, number, batch).to(self.device)
            denoising_loss(self.transformer, data, times, noise, self.alphas, rotary, config.outside_weight).backward()
            self.optimizer.step(number + 1)

        return step

    def _now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    # -- what is reported --------------------------------------------------------------------------

    def _costs(self) -> None:
        """GPU hours for the data set, once through, from the fastest step of each kind."""
        seconds = {}
        for kind in ("image", "video"):
            rows = [row.seconds / row.batch for row in self.rows if row.kind == kind]
            if not rows:
                return
            seconds[kind] = min(rows)
        one = (VIDEOS * seconds["video"] + IMAGES * seconds["image"]) / 3600
        eight = one / 8 / SCALING
        self._record("hours_on_1_gpu", round(one, 1))
        self._record("hours_on_8_gpus", round(eight, 1))
        print(
            f"{VIDEOS} videos and {IMAGES} images once, from precomputed latents: {one:.1f} h on one GPU, {eight:.1f} h on eight "
            f"(assumed: {SCALING:.0%} of eight times the speed)",
            flush=True,
        )

    def _record(self, name: str, value: Any, quiet: bool = False) -> None:
        self.facts[name] = value
        if not quiet:
            print(f"{name}: {value}", flush=True)
        folder = Path(self.config.out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "benchmark.json").write_text(json.dumps(self.facts, indent=2) + "\n", encoding="utf-8")


def _in_words(plan: list[str]) -> str:
    """Such as `none in 34, attention in 8`: what blocks compute again."""
    return ", ".join(f"{mode} in {plan.count(mode)}" for mode in dict.fromkeys(plan))


def matmul_tflops(device: torch.device, size: int = 8192, repeats: int = 20) -> float:
    """Measure a square matrix product in bfloat16, which the steps are compared with.

    Args:
        device: A CUDA device.
        size: Rows and columns.
        repeats: Products that are timed.

    Returns:
        TFLOP/s.
    """
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        left @ right
    torch.cuda.synchronize(device)
    begun = time.perf_counter()
    for _ in range(repeats):
        left @ right
    torch.cuda.synchronize(device)
    return 2 * size**3 * repeats / (time.perf_counter() - begun) / 1e12
