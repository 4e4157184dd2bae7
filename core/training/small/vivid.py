"""Recipe `small-vivid`: the small denoiser and its text encoder from nothing, over a trained
autoencoder.

The loss is the v-prediction error, weighted 1 inside the region and `outside_weight` outside.
Batches are all images or all clips, as in the paper; clips are given their keyframe with
probability `keyframe_probability` (the paper: 0.5), because reading it is the hard part.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from torch import Tensor
from transformers import T5EncoderModel

from core.data.world import CAPTIONS, EMPTY_INDEX, World
from core.errors import InputError
from core.training.common.cogvideox import build_scheduler, rotary_embedding
from core.training.common.diffusion import loss_weight, noised
from core.training.common.run import TrainingRun
from core.training.small.captured import call, CapturedStep
from core.training.small.data_clips import DataClips
from core.training.small.export import export_package
from core.training.small.latents import checkpoint_state, encode_examples, LatentBuffer
from core.training.small.networks import build_text_encoder, build_transformer, token_ids
from core.training.small.preview import save_sheet
from core.training.small.run import begin_run, freeze, use_fast_kernels
from core.training.small.vivid_config import VividConfig
from core.training.small.world import build_world
from core.vivid.conditioning import denoiser_input


def draw_timesteps(count: int, high_noise: float, high_from: int, device: torch.device) -> Tensor:
    """Draw time steps, mostly where captions act.

    Args:
        count: How many.
        high_noise: Share that comes from `high_from` to 999; the rest is uniform.
        high_from: The least of those.
        device: Where they are drawn.

    Returns:
        int64 (count,), 0 to 999. One in twelve is 999, where sampling starts.
    """
    place, kind = torch.rand(count, device=device), torch.rand(count, device=device)
    low = torch.where(kind < high_noise, float(high_from), 0.0)
    step = (low + place * (1000 - low)).long().clamp(max=999)
    return torch.where(torch.rand(count, device=device) < 1 / 12, 999, step)


class VividStep:
    """One optimisation step of denoiser and text encoder on examples from a buffer."""

    def __init__(
        self,
        run: TrainingRun,
        transformer: CogVideoXTransformer3DModel,
        text_encoder: T5EncoderModel,
        buffer: LatentBuffer,
        batch: int,
        config: VividConfig,
    ) -> None:
        self.run, self.transformer, self.text_encoder, self.buffer, self.batch, self.config = (
            run,
            transformer,
            text_encoder,
            buffer,
            batch,
            config,
        )
        device = buffer.device
        self.tokens = token_ids(CAPTIONS).to(device)
        self.alphas = build_scheduler().alphas_cumprod.float().to(device)
        _, frames, _, height, width = buffer.latent.shape
        self.rotary = rotary_embedding(transformer, frames, height, width, device)

    def __call__(self) -> Tensor:
        """Returns the loss, a scalar tensor."""
        config, device = self.config, self.buffer.device
        latent, masked, mask, caption = self.buffer.draw(self.batch)
        silent = torch.rand(self.batch, device=device) < config.caption_drop
        caption = torch.where(silent, EMPTY_INDEX, caption)
        step = draw_timesteps(self.batch, config.high_noise, config.high_noise_from, device)
        noisy, velocity = noised(latent, torch.randn_like(latent), self.alphas[step].view(-1, 1, 1, 1, 1))
        text = call(self.text_encoder, input_ids=self.tokens[caption])[0]
        predicted = call(
            self.transformer,
            hidden_states=denoiser_input(noisy, mask, masked),
            encoder_hidden_states=text,
            timestep=step,
            image_rotary_emb=self.rotary,
            return_dict=False,
        )[0]
        loss = (loss_weight(mask, config.outside_weight) * (predicted.float() - velocity).square()).mean()
        self.run.optimizer.descend(loss)
        return loss.detach()


def motion_at(progress: float, still: float) -> float:
    """How fast the world moves: not at all at first, then growing to full."""
    return min(max((progress - still) / max(still, 1e-6), 0.0), 1.0)


def vae_folder(config: VividConfig) -> Path:
    """Where the run's autoencoder lies."""
    return Path(config.vae or Path(config.out) / "vae")


def load_vae(folder: Path, device: torch.device) -> AutoencoderKLCogVideoX:
    """The trained autoencoder, frozen."""
    if not (folder / "config.json").exists():
        raise InputError(f"no autoencoder in {folder}: train it first (small-vae), or say vae=FOLDER")
    vae = AutoencoderKLCogVideoX.from_pretrained(folder, torch_dtype=torch.float32, use_safetensors=True).to(device)
    freeze([vae])
    return vae.bfloat16() if device.type == "cuda" else vae


class ExampleLatents:
    """Where clips come from, the encoder and the two replay buffers."""

    def __init__(self, config: VividConfig, vae: AutoencoderKLCogVideoX, world: World | DataClips, run: TrainingRun) -> None:
        network, device = config.network, world.device
        shape = (network.latent_channels, network.height // 8, network.width // 8)
        window = (network.window_frames - 1) // 4 + 1
        self.config, self.vae, self.world, self.run = config, vae, world, run
        self.buffers = {
            "i": LatentBuffer(config.image_buffer, 1, *shape, device),
            "v": LatentBuffer(config.video_buffer, window, *shape, device),
        }
        self.frames = {"i": 1, "v": network.window_frames}
        self.fresh = {"i": config.image_fill, "v": config.video_fill}

    def fill(self, kind: str) -> Tensor:
        """Encode fresh examples over the oldest ones."""
        config = self.config
        examples = encode_examples(
            self.vae,
            self.world,
            self.fresh[kind],
            self.frames[kind],
            config.delete_probability,
            config.keyframe_probability,
            config.carried_probability,
            config.foreign,
        )
        self.buffers[kind].put(*examples)
        return self.buffers[kind].filled


def train(config: VividConfig) -> None:
    """Run the recipe; writes a curve, a sheet and the package `out`/package."""
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    use_fast_kernels()
    vae = load_vae(vae_folder(config), device)
    if config.initial:
        start = Path(config.initial)
        transformer = CogVideoXTransformer3DModel.from_pretrained(
            start / "transformer", torch_dtype=torch.float32, use_safetensors=True
        ).to(device)
        text_encoder = T5EncoderModel.from_pretrained(start / "text_encoder", dtype=torch.float32, use_safetensors=True).to(device)
    else:
        transformer, text_encoder = build_transformer(config.network).to(device), build_text_encoder(config.network).to(device)
    transformer.train()
    text_encoder.train()
    world = build_world(config)
    run = begin_run(config, "small-vivid", {"transformer": transformer, "text_encoder": text_encoder})
    examples = ExampleLatents(config, vae, DataClips(config) if config.data else world, run)
    resumed = run.load_checkpoint()
    world.motion.fill_(motion_at(run.progress, config.still_fraction))
    if config.compile:
        torch._dynamo.config.recompile_limit = 64  # a block counts once for each batch shape
        for block in transformer.transformer_blocks:
            block.compile(dynamic=False)
    kinds = list(dict.fromkeys(config.pattern))
    fills: dict[str, Callable[[], Tensor]] = {kind: partial(examples.fill, kind) for kind in kinds}
    if not config.data:  # what is read off the disk can't be replayed as a graph
        fills = {kind: CapturedStep(fill, device, warm_up=1) for kind, fill in fills.items()}
    for kind in kinds:
        examples.buffers[kind].prepare(fills[kind], examples.fresh[kind], run.extra.get("buffers", {}).get(kind) if resumed else None)
    batches = {"i": config.image_batch, "v": config.video_batch}
    steps = {
        kind: CapturedStep(VividStep(run, transformer, text_encoder, examples.buffers[kind], batches[kind], config), device)
        for kind in kinds
    }
    run.start_clock()
    for kind in run.kinds(config.pattern):
        world.motion.fill_(motion_at(run.progress, config.still_fraction))
        fills[kind]()
        loss = steps[kind]()
        run.extra = {"buffers": checkpoint_state(examples.buffers)}
        if run.advance(lambda: {kind: {"loss": float(loss), "motion": float(world.motion)}}):  # noqa: B023
            save_package(run, vae, config)
    run.save_checkpoint()
    save_package(run, vae, config, world)


def save_package(run: TrainingRun, vae: AutoencoderKLCogVideoX, config: VividConfig, world: World | None = None) -> None:
    """Write the averaged weights as a package.

    Args:
        run: That trained them.
        vae: The autoencoder, for the sheet.
        config: Sizes, and where the autoencoder lies.
        world: Draws the clips of a sheet of results; none is written without it.
    """
    states = run.averaged_states()
    with torch.random.fork_rng(devices=[]):  # a run that exports on its way draws the same numbers as one that does not
        transformer, text_encoder = build_transformer(config.network), build_text_encoder(config.network)
    transformer.load_state_dict(states["transformer"])
    text_encoder.load_state_dict(states["text_encoder"])
    freeze([transformer, text_encoder])
    trained = load_vae(vae_folder(config), torch.device("cpu"))  # training may hold it in bfloat16
    export_package(run.folder / "package", trained, transformer, text_encoder, config.network, config.fps)
    if world is not None:
        transformer.float().to(run.device), text_encoder.float().to(run.device)
        save_sheet(run.folder / "sheet-small-vivid.png", vae.float(), transformer, text_encoder, world)
