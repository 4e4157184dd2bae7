"""Qwen-Image with a ControlNet for inpainting, which reads the mask and what is around it."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline, QwenImageControlNetInpaintPipeline, QwenImageControlNetModel
from diffusers.pipelines.qwenimage.pipeline_qwenimage_controlnet_inpaint import calculate_shift
from PIL import Image

from core.keyframe_models.contract import PaintRequest
from core.keyframe_models.facts import CONTROLNET, INDEX
from core.keyframe_models.pipeline_model import Embeddings, PipelineModel
from core.models import ModelStore
from core.models.tensors import check_package

BASE = "qwen-image"
"""The catalogue's name of what a ControlNet alone stands on."""
_SHIFT = (("base_image_seq_len", 256), ("max_image_seq_len", 4096), ("base_shift", 0.5), ("max_shift", 1.15))


class Qwen(PipelineModel):
    """`QwenImageControlNetInpaintPipeline`, from one folder or from two."""

    pipeline_class = QwenImageControlNetInpaintPipeline
    side = 1328
    delete_caption = "the empty background"

    @classmethod
    def parts_in(cls, folder: Path, store: ModelStore) -> Path:
        """As `PipelineModel.parts_in`; a ControlNet alone stands on the catalogue's Qwen-Image."""
        return folder if (folder / INDEX).is_file() else store.locate(BASE, "part")

    @classmethod
    def opened(cls, folder: Path, dtype: torch.dtype, store: ModelStore, **parts: Any) -> DiffusionPipeline:
        """As `PipelineModel.opened`."""
        base = cls.parts_in(folder, store)
        if base != folder:
            check_package(base)
        control = folder / CONTROLNET if base == folder else folder
        net = QwenImageControlNetModel.from_pretrained(control, dtype=dtype, use_safetensors=True)
        return cls.pipeline_class.from_pretrained(base, controlnet=net, dtype=dtype, use_safetensors=True, **parts)

    def _own_sampling(self) -> tuple[int, float]:
        return 50, 4.0

    def _read(self, caption: str, guided: bool) -> Embeddings:
        words: Embeddings = {}
        for text, name in [(caption, "prompt_embeds"), (" ", "negative_prompt_embeds")][: 1 + guided]:
            embeds, mask = self.pipeline.encode_prompt(text)
            # It leaves out a mask that hides nothing, and then warns of its absence.
            words |= {
                name: embeds,
                f"{name}_mask": torch.ones(embeds.shape[:2], dtype=torch.long, device=embeds.device) if mask is None else mask,
            }
        return words

    def _arguments(self, asked: PaintRequest, picture: Image.Image, mask: Image.Image) -> dict[str, Any]:
        own = {"control_image": picture, "control_mask": mask, "true_cfg_scale": asked.guidance}
        return own if asked.runs == asked.steps else {**own, **self._started(asked, picture)}

    def _started(self, asked: PaintRequest, picture: Image.Image) -> dict[str, Any]:
        """The last steps alone, from the noised picture: the pipeline itself has no strength."""
        pipeline = self.pipeline
        sigmas = np.linspace(1.0, 1 / asked.steps, asked.steps)[-asked.runs :]
        with torch.no_grad():
            pixels = pipeline.image_processor.preprocess(picture)[:, :, None].to(self.device, pipeline.vae.dtype)
            coded = pipeline.vae.encode(pixels).latent_dist.mode()
        config = pipeline.vae.config
        mean, spread = (torch.tensor(values).view(1, -1, 1, 1, 1).to(coded) for values in (config.latents_mean, config.latents_std))
        clean = ((coded - mean) / spread).transpose(1, 2)
        _, _, channels, high, wide = clean.shape
        rules = [pipeline.scheduler.config.get(name, usual) for name, usual in _SHIFT]
        pipeline.scheduler.set_timesteps(sigmas=sigmas, mu=calculate_shift(high * wide // 4, *rules), device=self.device)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(asked.seed)).to(clean)
        latents = pipeline.scheduler.scale_noise(clean, pipeline.scheduler.timesteps[:1], noise)
        return {"sigmas": sigmas, "latents": pipeline._pack_latents(latents, 1, channels, high, wide)}
