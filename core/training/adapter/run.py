"""A run of `vivid-5b`, one process to many GPUs through accelerate: data, model, loop, checkpoints
and the package at the end."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import contextlib
import json
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from diffusers import CogVideoXTransformer3DModel
from torch import nn, Tensor

from core.errors import InputError
from core.training.adapter.activations import attention_kernel, block_runner, BlockRunner, fastest_attention, plan_blocks, use_runner
from core.training.adapter.config import Vivid5bConfig
from core.training.adapter.flops import count_tokens
from core.training.adapter.samples import write_samples
from core.training.adapter.step import adapted, adapter_optimizer, denoising_loss, draw_noise, draw_timesteps, dtype_of
from core.training.common.cogvideox import rotary_embedding
from core.training.common.run import TrainingRun
from core.training.datasets.encoders import Encoders, load_alphas, load_transformer
from core.training.datasets.feed import Feed, ManifestSource, ProceduralSource, SampleSource, TrainingStep
from core.training.datasets.latent_cache import LatentCache
from core.training.datasets.precompute import precompute
from core.training.datasets.reading import read_records
from core.training.datasets.sample_schedule import Kind, SampleSchedule
from core.vivid.adapter import save_adapter

RECIPE = "vivid-5b"


def run_recipe(config: Vivid5bConfig) -> None:
    """Train, or fill the `precompute` folder.

    Writes a curve, checkpoints and the package `out`/package.
    """
    if not config.data:
        raise InputError("say what to train on: data=MANIFEST.jsonl, data=FOLDER of .tar files, or data=procedural")
    accelerator = Accelerator(cpu=config.device == "cpu", mixed_precision="no")
    if config.device == "cuda" and accelerator.device.type != "cuda":
        raise InputError("device=cuda: this machine has no GPU that PyTorch can use (device=cpu is for tiny runs)")
    if config.precompute:
        _precompute(config, accelerator)
    else:
        AdapterTraining(config, accelerator).train()


class AdapterTraining:
    """One process' part of a run of `vivid-5b`."""

    def __init__(self, config: Vivid5bConfig, accelerator: Accelerator) -> None:
        self.config, self.accelerator, self.device = config, accelerator, accelerator.device
        self.dtype = dtype_of(config, self.device)
        cache = LatentCache.open(Path(config.latents), config) if config.latents else None
        data = self._data(cache)
        shares = config.accumulate * accelerator.num_processes
        self.samples: dict[Kind, int] = {"image": config.image_batch * shares, "video": config.video_batch * shares}
        self.schedule = SampleSchedule(
            config.seed,
            data.groups,
            self.samples,
            {"image": config.image_batches, "video": config.video_batches},
            {"draw": config.draw_samples, "delete": config.delete_samples},
        )
        self.transformer = load_transformer(config.base, self.dtype).to(self.device).train()
        self._check_base()
        self.optimizer = adapter_optimizer(config, adapted(config, self.transformer))
        self.run = TrainingRun(
            config,
            RECIPE,
            self.optimizer,
            minutes=config.minutes,
            checkpoint_every=config.checkpoint_every,
            writes=accelerator.is_main_process,
        )
        self.run.agree = self._of_main_process
        self.alphas = load_alphas(config.base).to(self.device)
        self.text_length = self.transformer.config.max_text_seq_length
        encoders = Encoders(config.base, self.device, self.dtype, self.text_length)
        self.feed = Feed(config, data, self.schedule, encoders, cache, accelerator.process_index, accelerator.num_processes)
        self.pending: dict[str, list[float]] = {}
        """Kind of step -> sum of losses, sum of gradient norms and number of steps since the last
        row of the curve."""

    def _data(self, cache: LatentCache | None) -> SampleSource:
        if self.config.data == "procedural":
            if cache is not None:
                raise InputError("latents=...: procedural clips are new each time, nothing of them is precomputed")
            return ProceduralSource(self.config, self.device)
        return ManifestSource(read_records(self.config), self.config, cache)

    def _check_base(self) -> None:
        config, own = self.config, self.transformer.config
        cell = 8 * own.patch_size
        if config.height % cell or config.width % cell:
            raise InputError(f"{config.height}x{config.width} does not fit base={config.base}: both have to be multiples of {cell}")
        if not own.use_rotary_positional_embeddings and (config.height, config.width) != (8 * own.sample_height, 8 * own.sample_width):
            raise InputError(f"base={config.base} knows one size only: height={8 * own.sample_height} width={8 * own.sample_width}")

    # -- a run -------------------------------------------------------------------------------------

    def train(self) -> None:
        """From the checkpoint, if there is one and resume is on, to the last step."""
        config, run = self.config, self.run
        self._resume()
        kernel = config.attention if config.attention != "auto" else self._fastest_kernel()
        self.feed.load_encoders()  # before memory is shared out
        kinds: tuple[Kind, Kind] = ("image", "video")
        runners = {kind: self._runner(kind) for kind in kinds}
        rotary = {kind: self._rotary(kind) for kind in kinds}
        model = self.accelerator.prepare_model(self.transformer)
        run.extra = {"pending": self.pending, "samples": dict(self.samples)}
        run.start_clock()
        for step in self.feed.steps(run.step, config.steps) if run.progress < 1 else ():
            use_runner(self.transformer, runners[step.kind])
            with attention_kernel(kernel):
                loss = self._learn(model, step, rotary[step.kind])
            self._count(step.kind, loss, self.optimizer.step(step.number + 1))
            run.advance(self._rows)
            if config.sample_every and run.step % config.sample_every == 0:
                self._write_samples()
            if run.progress >= 1:
                break
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            self.save_package()
            print(f"the adapter is in {run.folder / 'package'}", flush=True)

    def _learn(self, model: nn.Module, step: TrainingStep, rotary: Any) -> Tensor:
        """Gradients of one step; its mean loss, still on the device."""
        config = self.config
        times = draw_timesteps(config.seed, step.number, self.samples[step.kind])
        total = torch.zeros((), device=self.device)
        for index, (batch, places) in enumerate(zip(step.batches, step.places, strict=True)):
            last = index == len(step.batches) - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(model):
                noise = draw_noise(config.seed, step.kind, batch.numbers, batch.latent.shape).to(self.device)
                chosen = times[list(places)].to(self.device)
                loss = denoising_loss(model, batch, chosen, noise, self.alphas, rotary, config.outside_weight) / len(step.batches)
                loss.backward()
                total += loss.detach()
        return total

    def _of_main_process(self, seconds: float) -> float:
        return float(broadcast(torch.tensor([seconds], device=self.device), 0)[0])

    def _count(self, kind: str, loss: Tensor, norm: float) -> None:
        value = float(self.accelerator.reduce(loss, "mean"))
        sums = self.pending.setdefault(kind, [0.0, 0.0, 0.0])
        for place, part in enumerate((value, norm, 1.0)):
            sums[place] += part

    def _rows(self) -> dict[str, dict[str, float]]:
        """A row of the curve for each kind of step that there was since the last ones."""
        rows = {}
        for kind in sorted(self.pending):
            loss, norm, count = self.pending[kind]
            rows[kind] = {"loss": loss / count, "gradient_norm": norm / count, "learning_rate": self.optimizer.rate}
        self.pending.clear()  # in place: the checkpoint holds it
        return rows

    # -- set-up ------------------------------------------------------------------------------------

    def _fastest_kernel(self) -> str:
        own = self.transformer.config
        return fastest_attention(self.device, self._tokens("video"), own.num_attention_heads, own.attention_head_dim)

    def _runner(self, kind: Kind) -> BlockRunner:
        """How blocks run in steps of this kind; `auto` goes by its tokens and the memory that is
        free."""
        config, own = self.config, self.transformer.config
        plan = [config.checkpointing] * own.num_layers
        if config.checkpointing == "auto":
            tokens = self._tokens(kind) * (config.video_batch if kind == "video" else config.image_batch)
            free = int(torch.cuda.mem_get_info(self.device)[0] * 0.85) if self.device.type == "cuda" else 0
            plan = plan_blocks(own.num_layers, tokens, own.num_attention_heads * own.attention_head_dim, self.dtype.itemsize, free)
        return block_runner(self.transformer, plan, config.compile)

    def _tokens(self, kind: str) -> int:
        own, config = self.transformer.config, self.config
        return count_tokens(config.frames_of(kind), config.height, config.width, self.text_length, own.patch_size)

    def _rotary(self, kind: str) -> tuple[Tensor, Tensor] | None:
        if not self.transformer.config.use_rotary_positional_embeddings:
            return None
        latent_frames = (self.config.frames_of(kind) - 1) // 4 + 1
        return rotary_embedding(self.transformer, latent_frames, *self.config.latent_size, self.device)

    # -- files -------------------------------------------------------------------------------------

    def _resume(self) -> None:
        run = self.run
        if run.checkpoint.exists() and not self.config.resume:
            raise InputError(f"there is a run in {run.folder} already: resume=true continues it, out= names another folder for a new one")
        if not run.load_checkpoint():
            return
        for kind, samples in self.samples.items():  # the place in the data is counted in steps
            before = run.extra["samples"][kind]
            if before != samples:
                raise InputError(
                    f"the run in {run.folder} took {before} samples for a step of {kind}s, this one would take {samples}: "
                    "processes x accumulate x batch has to stay the same"
                )
        self.pending.update(run.extra["pending"])

    def _write_samples(self) -> None:
        if self.accelerator.is_main_process:
            self.transformer.eval()
            with self.optimizer.averaged():
                write_samples(self.run.folder / "samples", self.run.step, self.config, self.transformer, self.feed)
            self.transformer.train()
        self.accelerator.wait_for_everyone()

    def save_package(self) -> None:
        """The adapter and its vivid.json, which `load_vivid` opens: --model OUT/package."""
        folder = self.run.folder / "package"
        folder.mkdir(parents=True, exist_ok=True)
        with self.optimizer.averaged():
            save_adapter(self.transformer, folder / "vivid.safetensors")
        base = Path(self.config.base)
        tasks: dict[str, dict[str, float]] = {task: {"steps": 50, "guidance": 6.0} for task in ("add", "modify", "delete", "propagate")}
        facts = {
            "working_size": [self.config.height, self.config.width],
            "window_frames": max(self.config.frames, 9),
            "layout": "noise,mask,masked",
            "mask_channels": 1,
            "max_text_length": self.text_length,
            "tasks": tasks,
            "fps": self.config.fps,
            "direct": self.config.keyframe_probability < 1,
            "base": str(base.resolve()) if base.exists() else self.config.base,
            "adapter": "vivid.safetensors",
        }
        (folder / "vivid.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _precompute(config: Vivid5bConfig, accelerator: Accelerator) -> None:
    if config.data == "procedural":
        raise InputError("precompute: procedural clips are new each time; give manifests")
    records = read_records(config)
    length = load_config(config.base)["max_text_seq_length"]
    encoders = Encoders(config.base, accelerator.device, dtype_of(config, accelerator.device), length)
    with accelerator.main_process_first():
        cache = LatentCache.create(Path(config.precompute), config)
    done = precompute(config, records, encoders, cache, accelerator.process_index, accelerator.num_processes)
    print(f"{done} records encoded; train with latents={config.precompute}", flush=True)


def load_config(base: str) -> dict[str, Any]:
    """The denoiser's configuration, without its weights. ModelMissingError when there is none."""
    from core.errors import ModelMissingError

    try:
        return dict(CogVideoXTransformer3DModel.load_config(base, subfolder="transformer"))
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"base={base}: no transformer was found ({str(error).splitlines()[0]})") from error
