"""What `bench --random-weights` measures: a model of full size, and diffusers' own way with it."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from diffusers import CogVideoXPipeline
from torch import nn, Tensor

from app.commands.full_size import build_model, build_transformer, SIZES
from app.commands.full_size_vace import build_vace, build_vace_denoiser, own_pipeline, text_for, VACE_SIZES
from core.vivid.contract import Conditions, Sampling, VideoEngine

CAPTION = "a red ball on the grass"


class Subject(ABC):
    """A model of full size with random weights.

    Attributes:
        model: As the editor uses it.
        guided: Its usual steps and guidance.
        few: Steps without guidance of weights that were distilled; None where there are none.
    """

    model: VideoEngine
    guided: Sampling
    few: Sampling | None = None

    @abstractmethod
    def fresh(self) -> nn.Module:
        """Another denoiser, no lever set."""

    @abstractmethod
    def own(self, frames: int, denoiser: nn.Module) -> Callable[[Sampling], Any]:
        """diffusers' own loop over clips of so many frames, with this denoiser's blocks."""

    def painted(self, frames: int, seeds: int) -> Callable[[Sampling], Any]:
        """The editor's way over the same clips, for so many seeds at once."""
        conditions = self.conditions(frames)
        return lambda sampling: self.model.paint(CAPTION, conditions, list(range(seeds)), sampling, lambda number: None)

    def conditions(self, frames: int) -> Conditions:
        """What the denoiser is told of the clip."""
        return self._encoded(*self._clip(frames))

    def _clip(self, frames: int) -> tuple[Tensor, Tensor]:
        """A clip of noise with a hole in it, a fourth of its sides, and the hole's mask."""
        height, width = self.model.working_size
        draw = torch.Generator().manual_seed(0)
        coarse = torch.rand((1, 3, frames, height // 16, width // 16), generator=draw)
        video = coarse.repeat_interleave(16, 3).repeat_interleave(16, 4) * 2 - 1
        mask = torch.zeros(1, 1, frames, height, width)
        mask[..., height // 4 : height // 2, width // 4 : width // 2] = 1
        return video, mask

    def _encoded(self, video: Tensor, mask: Tensor) -> Conditions:
        with torch.inference_mode():
            return self.model.encode(video, mask)


class VividSubject(Subject):
    """VIVID on CogVideoX; what is compared are the steps and decoding."""

    def __init__(self, name: str, device: torch.device) -> None:
        self.model, self._size = build_model(name, device), SIZES[name]
        self.guided = Sampling(50, 6.0)

    def fresh(self) -> nn.Module:
        return build_transformer(self._size, self.model.device)

    def own(self, frames: int, denoiser: nn.Module) -> Callable[[Sampling], Any]:
        own = build_transformer(self._size, self.model.device, in_channels=16)
        own.transformer_blocks = denoiser.transformer_blocks
        parts = self.model.pipeline.components | {"transformer": own}
        pipeline = CogVideoXPipeline(**{name: parts[name] for name in ("tokenizer", "text_encoder", "vae", "transformer", "scheduler")})
        return _caller(pipeline, self.model, frames, self.model.embed(CAPTION), self.model.embed(""))


class VaceSubject(Subject):
    """VACE; what is compared are encoding, steps and decoding, since diffusers does all of it in
    one call.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.model = self._vace = build_vace(name, device)
        self._size = VACE_SIZES[name]
        self._text = text_for(self._vace, name)
        for caption in (CAPTION, self.model.declared.negative_caption):
            self.model._embeddings[caption] = self._text
        self.guided, self.few = self.model.declared.tasks["propagate"], Sampling(self._size.few_steps, 1.0)

    def fresh(self) -> nn.Module:
        return build_vace_denoiser(self._size, self.model.device)

    def own(self, frames: int, denoiser: nn.Module) -> Callable[[Sampling], Any]:
        self.model.pipeline.transformer = denoiser
        return _caller(own_pipeline(self._vace), self.model, frames, self._text, self._text)

    def painted(self, frames: int, seeds: int) -> Callable[[Sampling], Any]:
        clip = self._clip(frames)

        def both(sampling: Sampling) -> Any:
            return self.model.paint(CAPTION, self._encoded(*clip), list(range(seeds)), sampling, lambda number: None)

        return both


def _caller(pipeline: Any, model: VideoEngine, frames: int, text: Tensor, empty: Tensor) -> Callable[[Sampling], Any]:
    pipeline.set_progress_bar_config(disable=True)

    def call(sampling: Sampling) -> Any:
        return pipeline(
            prompt_embeds=text,
            negative_prompt_embeds=empty,
            height=model.working_size[0],
            width=model.working_size[1],
            num_frames=frames,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            output_type="pt",
        )

    return call


def subject(name: str, device: torch.device) -> Subject:
    """A model of SUBJECTS on a device."""
    return VividSubject(name, device) if name in SIZES else VaceSubject(name, device)


SUBJECTS = (*SIZES, *VACE_SIZES)
"""The names that there are."""
