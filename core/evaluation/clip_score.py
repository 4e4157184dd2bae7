"""CLIP's opinion (Radford et al., 2021), through transformers: how well pictures fit words, and how
alike neighbours are.

CLIP does not ship: it is loaded from a local folder or by its name on the hub, when a person says
which.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before transformers imports torchvision)

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from core.errors import ModelMissingError
from core.evaluation.arrays import Frame, FrameSequence

SUGGESTED = "openai/clip-vit-base-patch32"
MISSING = f"needs CLIP: --clip-model FOLDER, or a name on the hub such as {SUGGESTED} (605 MB to fetch)"
"""What stands in the place of a figure that needs CLIP when there is none."""
_BATCH = 32


class ClipScorer:
    """A loaded CLIP: transformers' CLIPModel and CLIPProcessor."""

    def __init__(self, model: Any, processor: Any, device: str = "cpu") -> None:
        self.model, self.processor, self.device = model.to(device).eval(), processor, device

    @classmethod
    def load(cls, name: str, device: str = "cpu") -> ClipScorer:
        """From a folder, the hub's cache or the hub; ModelMissingError, saying what to fetch, when
        it is nowhere."""
        from transformers import CLIPModel, CLIPProcessor

        try:
            return cls(CLIPModel.from_pretrained(name, use_safetensors=True), CLIPProcessor.from_pretrained(name), device)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelMissingError(f"CLIP can't be loaded from '{name}': fetch {SUGGESTED} and give its folder ({reason})") from error

    def text_alignment(self, pictures: Sequence[Frame], captions: Sequence[str]) -> list[float]:
        """100 times the cosine between each picture (H, W, 3) and its caption (TA of one
        region)."""
        return (100 * (self.images(pictures) * self._words(list(captions))).sum(1)).tolist()

    def alignment_of(self, pictures: Sequence[Frame], caption: str) -> float:
        """100 times the mean cosine between pictures (H, W, 3) and one caption (TA of a clip)."""
        return float(100 * (self.images(pictures) @ self._words([caption])[0]).mean())

    def consistency(self, frames: Sequence[Frame]) -> float:
        """100 times the mean cosine between neighbouring frames (H, W, 3) (TC); NaN for one
        frame."""
        return neighbours(self.images(frames))

    @torch.inference_mode()
    def images(self, pictures: FrameSequence) -> Tensor:
        """Unit vectors (N, D) of pictures (H, W, 3)."""
        parts = []
        for start in range(0, len(pictures), _BATCH):
            inputs = self.processor(images=list(pictures[start : start + _BATCH]), return_tensors="pt")
            parts.append(_vectors(self.model.get_image_features(pixel_values=inputs["pixel_values"].to(self.device))))
        return torch.cat(parts)

    @torch.inference_mode()
    def _words(self, captions: list[str]) -> Tensor:
        inputs = self.processor(text=captions, return_tensors="pt", padding=True, truncation=True)
        return _vectors(self.model.get_text_features(**{name: value.to(self.device) for name, value in inputs.items()}))


def neighbours(images: Tensor) -> float:
    """100 times the mean cosine between neighbouring unit vectors (N, D); NaN for one."""
    return float(100 * (images[1:] * images[:-1]).sum(1).mean())


def _vectors(features: Tensor) -> Tensor:
    """Unit vectors (N, D); some releases of transformers hand them over inside an output object."""
    found = features if isinstance(features, Tensor) else features.pooler_output
    return torch.nn.functional.normalize(found.float(), dim=1).cpu()
