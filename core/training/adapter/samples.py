"""Sample videos of a run: what the adapter in training makes of a few of its own samples, next to
what they should show."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from torch import Tensor

from core.media import VideoWriter, write_image
from core.project.video import VideoInfo
from core.training.adapter.config import Vivid5bConfig
from core.training.datasets.encoders import load_part
from core.training.datasets.feed import Feed, LatentBatch
from core.training.datasets.sample_schedule import Kind
from core.vivid.pipeline import VividPipeline
from core.vivid.pixels import to_frames


def write_samples(folder: Path, step: int, config: Vivid5bConfig, transformer: CogVideoXTransformer3DModel, feed: Feed) -> list[Path]:
    """Write the first samples of the run as videos, or as pictures where the run has images only.

    Args:
        folder: Where step-STEP-N.mp4 (or .png) go.
        step: That the files are named by.
        config: Settings of the run.
        transformer: The denoiser in training.
        feed: Encodes the samples.

    Returns:
        The files: the target on the left, the result on the right. Samples and noise are the same
        every time, so that files of different steps can be compared.
    """
    kind: Kind = "video" if config.video_batches else "image"
    encoders = feed.encoders
    pipeline = VividPipeline(
        None,  # captions come as embeddings
        None,
        encoders.vae,
        transformer,
        load_part(config.base, "scheduler", CogVideoXDDIMScheduler),
    )
    pipeline.set_progress_bar_config(disable=True)
    written = []
    for number in range(config.sample_count):
        batch = feed.encode(kind, [number], [feed.data.sample(feed.schedule.sample(kind, number))])
        result = _paint(pipeline, config, batch, feed.text(""), number)
        with torch.inference_mode():
            both = [to_frames(pipeline.decode_latents(latent)[0]) for latent in (batch.latent, result)]
        frames = np.concatenate(both, axis=2)
        name = f"step-{step:07d}-{number}"
        written.append(_write(folder / name, frames, Fraction(config.fps or 24).limit_denominator(1000)))
    return written


def _paint(pipeline: VividPipeline, config: Vivid5bConfig, batch: LatentBatch, nothing: Tensor, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(number)
    noise = torch.randn(batch.latent.shape, generator=generator)
    (latent,) = pipeline(
        prompt_embeds=batch.text,
        negative_prompt_embeds=nothing[None],
        masked_latents=batch.masked,
        mask_latents=batch.mask,
        latents=noise.to(batch.latent),
        num_inference_steps=config.sample_steps,
        guidance_scale=config.sample_guidance,
        output_type="latent",
        return_dict=False,
    )
    return latent


def _write(path: Path, frames: np.ndarray, rate: Fraction) -> Path:
    """uint8 (T, H, W, 3) as a video, or a picture when it is one frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if len(frames) == 1:
        path = path.with_suffix(".png")
        write_image(path, frames[0])
        return path
    path = path.with_suffix(".mp4")
    info = VideoInfo(width=frames.shape[2], height=frames.shape[1], rate=rate, frames=len(frames))
    with VideoWriter(path, info) as writer:
        for frame in frames:
            writer.write(frame)
    return path
