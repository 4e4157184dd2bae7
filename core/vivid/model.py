"""A video model as the editor uses it: the pipeline, and what its package says about working size,
window, defaults and words.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import CogVideoXPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from torch import Tensor
from transformers.utils import logging as transformers_logging

from core.errors import InputError, ModelMissingError
from core.models import ModelStore
from core.models.tensors import check_package
from core.models.vocabulary import read_vocabulary, Vocabulary
from core.project.edits import SamplingSettings, TASKS
from core.vivid.adapter import load_adapter
from core.vivid.conditioning import DELETE_CAPTION
from core.vivid.layout import ChannelLayout
from core.vivid.memory import MemoryPlan
from core.vivid.offload import place
from core.vivid.pipeline import VividPipeline
from core.vivid.speed.accelerate import accelerate, convert, levers_for
from core.vivid.speed.levers import Levers

FACTS = "vivid.json"
MASK_FILLS = {"black": "black", "carried": "warped"}
"""What the mask is filled with, by its name in vivid.json."""
_CAPTIONS_KEPT = 64
_DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError)
"""What the libraries raise over a package that is incomplete or damaged."""


@dataclass(frozen=True)
class Sampling:
    """How the denoising is run, every value settled.

    `strength` below 1 (propagation only) starts from the noised guess that the mask's motion gives,
    and leaves out the first steps.
    """

    steps: int
    guidance: float
    strength: float = 1.0

    @property
    def runs(self) -> int:
        """How many of the steps are really run."""
        return max(round(self.strength * self.steps), 1)


@dataclass
class VividModel:
    """A loaded model. `working_size` is (height, width) in pixels; `window_frames` is 8k + 1;
    `vocabulary` None means any word goes.
    """

    pipeline: VividPipeline
    name: str
    working_size: tuple[int, int]
    window_frames: int
    tasks: dict[str, Sampling]
    max_text_length: int
    vocabulary: Vocabulary | None = None
    mask_fill: str = "black"
    """What the masked video shows in the region when a keyframe is propagated: "black" (the
    paper's) or "warped" (the keyframe moved along the mask, as the small model was trained;
    never for deletion, where the mask's motion says nothing about the background). `hole` in
    vivid.json.
    """
    keyframe_weight: float = 0.0
    """How much of the warped keyframe a propagated frame shows at least, 0 to 1, where the model's
    answer differs from it: 1 for a model that is better at saying how objects move than at drawing
    them again. `kept` in vivid.json.
    """
    object_mattes: bool = False
    """Whether all it paints are objects with an outline, which can be matted out of the background
    that it paints anew around them. `things` in vivid.json.
    """
    _embeddings: OrderedDict[str, Tensor] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        height, width = self.working_size
        cell = self.pipeline.vae_scale_factor_spatial * self.pipeline.transformer.config.patch_size
        if height % cell or width % cell or min(height, width) < cell:
            raise InputError(f"a working size of {height}x{width} does not fit this model: both sides have to be multiples of {cell}")
        unit = self.pipeline.frame_unit
        if self.window_frames <= unit or (self.window_frames - 1) % unit:
            raise InputError(f"a window of {self.window_frames} frames does not fit this model: it has to be {unit}k + 1, more than 1")

    @property
    def device(self) -> torch.device:
        """Where it works; its weights may wait in the host's memory (`memory`)."""
        return self.pipeline._execution_device

    @property
    def memory(self) -> MemoryPlan:
        """How it shares out its device's memory."""
        return self.pipeline.memory

    @property
    def paints_background(self) -> bool:
        """Whether it can paint what is behind a thing that is removed, not only objects."""
        return not self.object_mattes

    @property
    def levers(self) -> Levers:
        """What it does to be faster."""
        return self.pipeline.levers

    def sampling(self, task: str, wanted: SamplingSettings) -> Sampling:
        """The wanted settings, with the model's own for `task` (add, modify, delete or propagate)
        where they say None.
        """
        own = self.tasks[task]
        return Sampling(
            own.steps if wanted.steps is None else wanted.steps,
            own.guidance if wanted.guidance is None else wanted.guidance,
            own.strength,
        )

    def caption_for(self, task: str, caption: str) -> str:
        """What the denoiser reads: the caption, or for delete the fixed one."""
        return DELETE_CAPTION if task == "delete" else caption.strip()

    def embed(self, caption: str) -> Tensor:
        """The text encoder's output (1, L, D); the last few captions are kept."""
        if caption not in self._embeddings:
            # Where the text encoder has to be fetched, it reads at once what guidance will ask it
            # for next.
            others = [""] if self.memory.mode != "all" and "" not in self._embeddings else []
            with torch.inference_mode():
                for text in dict.fromkeys([*others, caption]):
                    self._embeddings[text] = self.pipeline.encode_caption(text, self.max_text_length)
            self.pipeline.release_text_encoder()
        self._embeddings.move_to_end(caption)
        while len(self._embeddings) > _CAPTIONS_KEPT:
            self._embeddings.popitem(last=False)
        return self._embeddings[caption]

    def noise(self, seed: int, latent_frames: int) -> tuple[Tensor, torch.Generator]:
        """Starting noise (1, F, C, h, w) of a seed, the same on every device and in every batch,
        and what draws any noise after it.
        """
        generator = torch.Generator().manual_seed(seed)
        scale = self.pipeline.vae_scale_factor_spatial
        shape = (1, latent_frames, self.pipeline.latent_channels, self.working_size[0] // scale, self.working_size[1] // scale)
        return torch.randn(shape, generator=generator).to(self.device, self.pipeline.transformer.dtype), generator


def load_vivid(name: str, device: str, store: ModelStore, memory: str = "auto", speed: str = "auto") -> VividModel:
    """Load a model of the catalogue, or a package's folder given as a path, onto `device`.

    Single precision on a CPU, bfloat16 elsewhere. `memory` is all, parts, layers or auto, which
    chooses by what the device has free (see `core.vivid.memory`). `speed` is a preset, levers or
    auto, which is `fast` for a large model on a GPU (see `core.vivid.speed`). InputError for an
    unknown name, ModelMissingError when weights are absent or damaged, DeviceMemoryError when the
    device is too small.

    Args:
        name: A name of the catalogue, or the path of a package's folder.
        device: cpu, cuda, cuda:N or mps.
        store: Where models lie.
        memory: all, parts, layers or auto.
        speed: A preset, levers or auto.

    Returns:
        The model, placed on the device.

    Raises:
        InputError: The name is unknown.
        ModelMissingError: The weights are absent or damaged.
        DeviceMemoryError: The device is too small.
    """
    folder = store.locate(name, "video")
    facts = read_facts(folder)
    # Half precision is slower than single on most CPUs, and some operators lack it there.
    dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        pipeline = _open_pipeline(folder, facts, dtype, store)
        pipeline.set_progress_bar_config(disable=True)
        model = VividModel(
            pipeline=pipeline,
            name=name,
            working_size=(int(facts["working_size"][0]), int(facts["working_size"][1])),
            window_frames=int(facts["window_frames"]),
            tasks={task: _sampling(facts["tasks"][task]) for task in (*TASKS, "propagate")},
            max_text_length=int(facts["max_text_length"]),
            vocabulary=read_vocabulary(folder),
            mask_fill=_mask_fill(facts.get("hole", "black")),
            keyframe_weight=_keyframe_weight(float(facts.get("kept", 0))),
            object_mattes=bool(facts.get("things", False)),
        )
    except _DAMAGED as error:
        raise ModelMissingError(f"the model package '{folder}' can't be loaded ({_first_line(error)}): get it anew") from error
    levers = levers_for(pipeline.transformer, speed, torch.device(device))
    convert(pipeline.transformer, levers, torch.device(device))
    guided = any(sampling.guidance > 1 for sampling in model.tasks.values())
    place(pipeline, torch.device(device), memory, model.working_size, model.window_frames, guided)
    accelerate(pipeline, levers)
    return model


def read_facts(folder: Path) -> dict[str, Any]:
    """The package's vivid.json; ModelMissingError when there is none to read."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"'{folder}' is no VIVID package: its {FACTS} can't be read ({_first_line(error)})") from error
    if not isinstance(facts, dict):
        raise ModelMissingError(f"'{folder}' is no VIVID package: its {FACTS} holds no object")
    return facts


def _sampling(own: dict[str, Any]) -> Sampling:
    sampling = Sampling(int(own["steps"]), float(own["guidance"]), float(own.get("strength", 1)))
    if sampling.steps < 1 or not 0 < sampling.strength <= 1:
        raise ValueError(f"sampling settings {own} can't be used")
    return sampling


def _mask_fill(name: str) -> str:
    if name not in MASK_FILLS:
        raise ValueError(f"'hole' is '{name}', but has to be one of {', '.join(MASK_FILLS)}")
    return MASK_FILLS[name]


def _keyframe_weight(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(f"'kept' has to lie in 0 to 1, not at {share}")
    return share


def _open_pipeline(folder: Path, facts: dict[str, Any], dtype: torch.dtype, store: ModelStore) -> VividPipeline:
    """A whole package; or, where vivid.json names `base` and `adapter`, the base model widened by
    the adapter beside it.

    `base` is a folder, a name of the catalogue or, with a slash in it, a repository of the hub.
    """
    if "adapter" not in facts:
        layout = {"layout": facts["layout"], "mask_channels": int(facts["mask_channels"])}
        check_package(folder)
        return VividPipeline.from_pretrained(folder, dtype=dtype, use_safetensors=True, **layout)
    named = str(facts["base"])
    base: Path | str = folder / named  # an absolute path stays what it is
    if not Path(base).is_dir():
        base = named if named.count("/") == 1 and not named.startswith(("/", ".")) else store.locate(named, "video")
    return pipeline_with_adapter(base, folder / facts["adapter"], dtype)


def pipeline_with_adapter(base: Path | str, adapter: Path, dtype: torch.dtype = torch.float32) -> VividPipeline:
    """A VividPipeline out of a CogVideoX text-to-video checkpoint and a VIVID adapter file; the
    LoRA is merged into the weights.

    Args:
        base: Folder or repository of the checkpoint.
        adapter: The adapter's file.
        dtype: Precision of the weights.

    Returns:
        The pipeline, in the host's memory.
    """
    if Path(base).is_dir():
        check_package(Path(base))
    plain = CogVideoXPipeline.from_pretrained(base, dtype=dtype, use_safetensors=True)
    layout: ChannelLayout = load_adapter(plain.transformer, adapter, merge=True)
    return VividPipeline(**plain.components, layout=str(layout), mask_channels=layout.mask_channels)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
