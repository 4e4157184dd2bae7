"""SDXL inpainting, for small cards: its UNet reads the mask and what is around it."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any, ClassVar

from diffusers import StableDiffusionXLInpaintPipeline
from PIL import Image

from core.keyframe_models.contract import PaintRequest
from core.keyframe_models.pipeline_model import Embeddings, PipelineModel


class Sdxl(PipelineModel):
    """`StableDiffusionXLInpaintPipeline` with a UNet of nine channels."""

    pipeline_class = StableDiffusionXLInpaintPipeline
    opened_with: ClassVar[dict[str, Any]] = {"add_watermarker": False}
    denoiser = "unet"
    cell = 8
    unit = 64
    delete_caption = "empty background, nothing in front of it"

    def _own_sampling(self) -> tuple[int, float]:
        return 25, 7.5

    def _read(self, caption: str, guided: bool) -> Embeddings:
        words = self.pipeline.encode_prompt(caption, do_classifier_free_guidance=guided)
        names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
        return dict(zip(names, words, strict=True))

    def _arguments(self, asked: PaintRequest, picture: Image.Image, mask: Image.Image) -> dict[str, Any]:
        # A little more than the steps that are to be run: the pipeline rounds them down.
        strength = 1.0 if asked.runs == asked.steps else (asked.runs + 1e-3) / asked.steps
        return {"image": picture, "mask_image": mask, "strength": strength, "guidance_scale": max(asked.guidance, 1.0)}
