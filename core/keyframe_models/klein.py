"""FLUX.2 klein: four steps, and it sees the whole picture while it paints in it."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from typing import Any

from diffusers import Flux2KleinInpaintPipeline
from PIL import Image

from core.keyframe_models.contract import PaintRequest
from core.keyframe_models.pipeline_model import Embeddings, PipelineModel


class Klein(PipelineModel):
    """`Flux2KleinInpaintPipeline`.

    The pipeline's own defaults (50 steps, strength 0.8) suit the base weights, not the distilled
    ones.
    """

    pipeline_class = Flux2KleinInpaintPipeline
    sees_region = True
    returns_surroundings = True
    delete_caption = "Remove the object. Show the background that lies behind it."

    def is_guided(self, guidance: float) -> bool:
        """Distilled weights take no guidance."""
        return guidance > 1 and not self.pipeline.config.is_distilled

    def _own_sampling(self) -> tuple[int, float]:
        return (4, 1.0) if self.pipeline.config.is_distilled else (50, 4.0)

    def _read(self, caption: str, guided: bool) -> Embeddings:
        words = {"prompt_embeds": self.pipeline.encode_prompt(caption)[0]}
        if guided:
            words["negative_prompt_embeds"] = self.pipeline.encode_prompt("")[0]
        return words

    def _arguments(self, asked: PaintRequest, picture: Image.Image, mask: Image.Image) -> dict[str, Any]:
        # A little less than the steps that are to be run: the pipeline rounds what it leaves out
        # down.
        strength = 1.0 if asked.runs == asked.steps else (asked.runs - 1e-3) / asked.steps
        guidance = asked.guidance if self.is_guided(asked.guidance) else 1.0
        return {"image": picture, "mask_image": mask, "strength": strength, "guidance_scale": guidance}
