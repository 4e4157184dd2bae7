"""Recipe `small-base`: a text-to-video CogVideoX in small, the base that `vivid-5b` can put its
adapter on.

The caption says what the one thing in the clip is; there is no mask. `out`/base is a plain
diffusers CogVideoX package.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXPipeline, CogVideoXTransformer3DModel
from PIL import Image
from torch import Tensor
from transformers import T5EncoderModel

from core.data.sheet import tile
from core.data.world import CAPTIONS, EMPTY_INDEX, World
from core.training.common.cogvideox import build_scheduler, rotary_embedding
from core.training.common.diffusion import noised, TIMESTEPS, velocity_loss
from core.training.common.run import TrainingRun
from core.training.small.base_config import BaseConfig
from core.training.small.captured import call, CapturedStep
from core.training.small.config import NetworkConfig
from core.training.small.latents import checkpoint_state, LatentBuffer
from core.training.small.networks import build_text_encoder, build_tokenizer, build_transformer, token_ids
from core.training.small.run import begin_run, freeze, use_fast_kernels
from core.training.small.vivid import load_vae
from core.training.small.world import build_world

_SHOWN = ("a red ball", "a blue cube", "a green star", "a yellow heart", "a white ball with stripes", "a small black cube")


def build_base_transformer(config: NetworkConfig) -> CogVideoXTransformer3DModel:
    """The small denoiser as a text-to-video model: its input is the noisy latent alone."""
    wide = dict(build_transformer(config).config)
    return CogVideoXTransformer3DModel.from_config(wide | {"in_channels": config.latent_channels})


def vae_folder(config: BaseConfig) -> Path:
    """Where the run's autoencoder lies."""
    return Path(config.vae or Path(config.out) / "vae")


class BaseStep:
    """One optimisation step of denoiser and text encoder on latents from a buffer."""

    def __init__(
        self,
        run: TrainingRun,
        transformer: CogVideoXTransformer3DModel,
        text_encoder: T5EncoderModel,
        buffer: LatentBuffer,
        batch: int,
        caption_drop: float,
    ) -> None:
        self.run, self.transformer, self.text_encoder, self.buffer = run, transformer, text_encoder, buffer
        self.batch, self.caption_drop = batch, caption_drop
        self.tokens = token_ids(CAPTIONS).to(buffer.device)
        self.alphas = build_scheduler().alphas_cumprod.float().to(buffer.device)
        _, frames, _, height, width = buffer.latent.shape
        self.rotary = rotary_embedding(transformer, frames, height, width, buffer.device)

    def __call__(self) -> Tensor:
        """Returns the loss, a scalar tensor."""
        device = self.buffer.device
        latent, _, mask, caption = self.buffer.draw(self.batch)
        caption = torch.where(torch.rand(self.batch, device=device) < self.caption_drop, EMPTY_INDEX, caption)
        step = torch.randint(0, TIMESTEPS, (self.batch,), device=device)
        noisy, velocity = noised(latent, torch.randn_like(latent), self.alphas[step].view(-1, 1, 1, 1, 1))
        text = call(self.text_encoder, input_ids=self.tokens[caption])[0]
        predicted = call(
            self.transformer,
            hidden_states=noisy,
            encoder_hidden_states=text,
            timestep=step,
            image_rotary_emb=self.rotary,
            return_dict=False,
        )[0]
        loss = velocity_loss(predicted, velocity, mask)
        self.run.optimizer.descend(loss)
        return loss.detach()


class ClipLatents:
    """Fresh latents of procedural clips, and the buffers that they are drawn from."""

    def __init__(self, config: BaseConfig, vae: AutoencoderKLCogVideoX, world: World) -> None:
        network = config.network
        shape = (network.latent_channels, network.height // 8, network.width // 8)
        self.vae, self.world = vae, world
        self.frames = {"i": 1, "v": network.window_frames}
        self.fresh = {"i": config.image_fill, "v": config.video_fill}
        self.buffers = {
            kind: LatentBuffer(size, (self.frames[kind] - 1) // 4 + 1, *shape, world.device)
            for kind, size in (("i", config.image_buffer), ("v", config.video_buffer))
        }

    @torch.no_grad()
    def fill(self, kind: str) -> Tensor:
        """Encode fresh clips over the oldest ones; they have no mask."""
        clips = self.world.sample(self.fresh[kind], self.frames[kind], delete=0.0)
        latent = self.vae.encode(clips.pixels.to(self.vae.dtype)).latent_dist.mode().float() * self.vae.config.scaling_factor
        latent = latent.transpose(1, 2)
        self.buffers[kind].put(latent, torch.zeros_like(latent), torch.zeros_like(latent[:, :, :1]), clips.caption)
        return self.buffers[kind].filled


def train(config: BaseConfig) -> None:
    """Run the recipe; writes a curve, a sheet of clips and the package `out`/base."""
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    use_fast_kernels()
    vae = load_vae(vae_folder(config), device)
    transformer = build_base_transformer(config.network).to(device).train()
    text_encoder = build_text_encoder(config.network).to(device).train()
    run = begin_run(config, "small-base", {"transformer": transformer, "text_encoder": text_encoder})
    clips = ClipLatents(config, vae, build_world(config))
    resumed = run.load_checkpoint()
    if config.compile:
        torch._dynamo.config.recompile_limit = 64  # a block counts once for each batch shape
        for block in transformer.transformer_blocks:
            block.compile(dynamic=False)
    kinds = list(dict.fromkeys(config.pattern))
    fills = {kind: CapturedStep(partial(clips.fill, kind), device, warm_up=1) for kind in kinds}
    for kind in kinds:
        clips.buffers[kind].prepare(fills[kind], clips.fresh[kind], run.extra.get("buffers", {}).get(kind) if resumed else None)
    batches = {"i": config.image_batch, "v": config.video_batch}
    steps = {
        kind: CapturedStep(BaseStep(run, transformer, text_encoder, clips.buffers[kind], batches[kind], config.caption_drop), device)
        for kind in kinds
    }
    run.start_clock()
    for kind in run.kinds(config.pattern):
        fills[kind]()
        loss = steps[kind]()
        run.extra = {"buffers": checkpoint_state(clips.buffers)}
        run.advance(lambda: {kind: {"loss": float(loss)}})  # noqa: B023
    run.save_checkpoint()
    save_package(run, config)


def save_package(run: TrainingRun, config: BaseConfig) -> None:
    """Write the averaged weights as a CogVideoX package, and what it draws for a few captions."""
    states = run.averaged_states()
    transformer, text_encoder = build_base_transformer(config.network), build_text_encoder(config.network)
    transformer.load_state_dict(states["transformer"])
    text_encoder.load_state_dict(states["text_encoder"])
    freeze([transformer.to(run.device), text_encoder.to(run.device)])
    vae = load_vae(vae_folder(config), torch.device("cpu")).to(run.device)  # training may hold it in bfloat16
    pipeline = CogVideoXPipeline(build_tokenizer(), text_encoder, vae, transformer, build_scheduler())
    pipeline.set_progress_bar_config(disable=True)
    pipeline.save_pretrained(run.folder / "base")
    Image.fromarray(tile(draw_clips(pipeline, config.network, list(_SHOWN)))).save(run.folder / "sheet-small-base.png")


def draw_clips(pipeline: CogVideoXPipeline, network: NetworkConfig, captions: list[str], steps: int = 10) -> Tensor:
    """Draw a window for each caption from fixed noise.

    Args:
        pipeline: The trained networks.
        network: Their sizes.
        captions: B of them.
        steps: Denoising steps.

    Returns:
        (B, 3, T, H, W) in [-1, 1].
    """
    latent = pipeline(
        captions,
        height=network.height,
        width=network.width,
        num_frames=network.window_frames,
        num_inference_steps=steps,
        guidance_scale=3.0,
        max_sequence_length=pipeline.transformer.config.max_text_seq_length,
        generator=torch.Generator("cpu").manual_seed(0),
        output_type="latent",
    ).frames
    with torch.no_grad():
        return pipeline.decode_latents(latent).float().clamp(-1, 1)
