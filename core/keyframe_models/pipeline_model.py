"""A keyframe model out of a pipeline of diffusers: embeddings are kept, seeds are the same on every
device, and a stop comes within a step.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import math
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray
from PIL import Image

from core.errors import StudioError
from core.keyframe_models.contract import PaintRequest, sizes_of
from core.keyframe_models.facts import Facts
from core.keyframe_models.placing import Places
from core.models import ModelStore
from core.vivid.residents import full_device_told, release_unused
from core.vivid.speed.levers import Levers

Embeddings = dict[str, Any]
"""What a pipeline takes instead of a caption, by the names of its arguments."""
_CAPTIONS_KEPT = 64


class PipelineModel(ABC):
    """What the keyframe models of diffusers share; see `KeyframeModel`.

    A subclass says what it was trained with and how its pipeline is called.
    """

    pipeline_class: ClassVar[type[DiffusionPipeline]]
    opened_with: ClassVar[dict[str, Any]] = {}
    """What the pipeline's class is told besides its parts."""
    denoiser = "transformer"
    """The pipeline's name of its denoiser."""
    side = 1024
    """Pixels of a side of the squares that it was trained on."""
    cell = 16
    unit = 16
    """Both sides of a picture are multiples of so many pixels."""
    sees_region = False
    returns_surroundings = False
    delete_caption = "empty background"

    def __init__(self, pipeline: DiffusionPipeline, name: str, facts: Facts) -> None:
        self.pipeline: Any = pipeline
        self.name = name
        own_steps, own_guidance = self._own_sampling()
        self.steps = facts.steps or own_steps
        self.guidance = own_guidance if facts.guidance is None else facts.guidance
        self.sizes = sizes_of(facts.side or self.side, self.unit)
        self.places: Places | None = None
        self.levers = Levers()
        self._busy = threading.Lock()
        self._embeddings: OrderedDict[tuple[str, bool], Embeddings] = OrderedDict()
        pipeline.set_progress_bar_config(disable=True)

    @classmethod
    def parts_in(cls, folder: Path, store: ModelStore) -> Path:
        """The folder in which the parts of the pipeline lie.

        Args:
            folder: The model's.
            store: Where a model that it stands on lies.
        """
        return folder

    @classmethod
    def opened(cls, folder: Path, dtype: torch.dtype, store: ModelStore, **parts: Any) -> DiffusionPipeline:
        """The pipeline in a folder as diffusers writes it.

        Args:
            folder: The folder; weights may be there in half precision alone (`fp16`).
            dtype: Precision of the weights in memory.
            store: Where a model that it stands on lies.
            **parts: What takes the place of a part in the folder, by its name there.

        Returns:
            The pipeline, in the host's memory.
        """
        weights = [path.name for path in folder.glob(f"{cls.denoiser}/*.safetensors")]
        variant = "fp16" if weights and all(".fp16." in name for name in weights) else None
        return cls.pipeline_class.from_pretrained(folder, dtype=dtype, use_safetensors=True, variant=variant, **cls.opened_with, **parts)

    def shift_steps(self, shift: float) -> None:
        """Let the scheduler move its steps so far towards noise, whatever the size of the picture.
        ValueError for a model whose scheduler has no shift.
        """
        scheduler = self.pipeline.scheduler
        if not isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
            raise ValueError(f"{type(scheduler).__name__} has no shift")
        always = {"use_dynamic_shifting": True, "base_shift": math.log(shift), "max_shift": math.log(shift), "shift_terminal": None}
        self.pipeline.scheduler = FlowMatchEulerDiscreteScheduler.from_config(scheduler.config, **always)

    @property
    def device(self) -> torch.device:
        """Where it works; its weights may wait in the host's memory."""
        return torch.device(self.pipeline._execution_device)

    def embed(self, caption: str, guided: bool) -> Embeddings:
        """What the text encoder makes of a caption; the last few captions are kept.

        With `guided` also of no caption, which guidance compares with.
        """
        key = caption, guided
        if key not in self._embeddings:
            with torch.no_grad():
                self._embeddings[key] = self._read(caption, guided)
        self._embeddings.move_to_end(key)
        while len(self._embeddings) > _CAPTIONS_KEPT:
            self._embeddings.popitem(last=False)
        return self._embeddings[key]

    def paint(self, asked: PaintRequest, on_step: Callable[[int], None]) -> NDArray[np.uint8]:
        """Paint inside the mask; see `KeyframeModel`."""
        with self._busy, full_device_told(self.device, self._no_room):
            return self._painted(asked, on_step)

    def _no_room(self) -> StudioError:
        return StudioError(
            f"the memory of {self.device} is too small for the keyframe model '{self.name}': close other programs that use the GPU, "
            "start with --memory layers, or let the video model paint"
        )

    def _painted(self, asked: PaintRequest, on_step: Callable[[int], None]) -> NDArray[np.uint8]:
        height, width = asked.mask.shape
        embeddings = self.embed(asked.caption, self.is_guided(asked.guidance))
        own = self._arguments(asked, Image.fromarray(asked.pixels), Image.fromarray(np.uint8(255) * asked.mask))

        def after(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            on_step(step + 1)
            return tensors

        # Some pipelines draw from torch's own generator, too.
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.no_grad():
            torch.manual_seed(asked.seed)
            generator = torch.Generator().manual_seed(asked.seed)
            common = {"height": height, "width": width, "num_inference_steps": asked.steps, "generator": generator}
            result = self.pipeline(**embeddings, **common, **own, callback_on_step_end=after, output_type="np")
        picture = np.nan_to_num(np.asarray(result.images[0], np.float32))
        release_unused(self.device)
        return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)

    def is_guided(self, guidance: float) -> bool:
        """Whether each step also runs without the caption."""
        return guidance > 1

    def leave(self) -> None:
        """Send the weights back to the host's memory, once what is being painted is done."""
        with self._busy:
            if self.places is not None:
                self.places.leave()

    @abstractmethod
    def _own_sampling(self) -> tuple[int, float]:
        """The steps and the guidance that the weights were made for."""

    @abstractmethod
    def _read(self, caption: str, guided: bool) -> Embeddings:
        """Let the text encoder read a caption."""

    @abstractmethod
    def _arguments(self, asked: PaintRequest, picture: Image.Image, mask: Image.Image) -> dict[str, Any]:
        """What else this pipeline is called with."""
