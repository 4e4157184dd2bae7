"""VIVID as a video engine: the pipeline, and what its package says about working size, window,
defaults and words.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import CogVideoXPipeline
from torch import Tensor

from core.models import ModelStore
from core.models.tensors import check_package
from core.models.vocabulary import read_vocabulary
from core.vivid.adapter import load_adapter
from core.vivid.conditioning import BLACK, DELETE_CAPTION
from core.vivid.contract import Conditions, Declaration, MaskRule, SAMPLED, Sampling, VideoEngine
from core.vivid.layout import ChannelLayout
from core.vivid.loading import damage_reported, dtype_for, read_facts, sampling_of_facts, set_up
from core.vivid.pipeline import VividPipeline
from core.vivid.speed.levers import Levers

MASK_FILLS = {"black": "black", "carried": "warped"}
"""What the mask is filled with, by its name in vivid.json."""

VIVID = Declaration(
    title="VIVID",
    mask=MaskRule(),
    fill=BLACK,
    frame_unit=8,
    size_unit=16,
    working_size=(480, 720),
    window_frames=49,
    delete_caption=DELETE_CAPTION,
    tasks=dict.fromkeys(SAMPLED, Sampling(50, 6.0)),
    accelerators=frozenset(lever.name for lever in fields(Levers)),
    usual_speed="fast",
)
"""The paper's model, on CogVideoX-5B. A package's own facts come before it."""


@dataclass
class VividModel(VideoEngine):
    """A loaded model. `window_frames` is 8k + 1."""

    pipeline: VividPipeline
    declared: Declaration = field(default=VIVID, kw_only=True, repr=False)

    @property
    def frame_unit(self) -> int:
        return self.pipeline.frame_unit

    @property
    def size_unit(self) -> int:
        return int(self.pipeline.vae_scale_factor_spatial * self.pipeline.transformer.config.patch_size)

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """Latent of the masked video (1, F, C, h, w) and mask on the latent grid (1, F, 1, h, w);
        see `VideoEngine`.

        Args:
            video: (1, 3, T, H, W) in [-1, 1].
            mask: (1, 1, T, H, W), 1 = edit.
            filling: What the region shows; None for black.

        Returns:
            The two.
        """
        return self.pipeline.encode_masked(video, mask, self.declared.fill if filling is None else filling)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        return self.pipeline.encode_pixels(pixels)

    def decode(self, latents: Tensor) -> Tensor:
        return self.pipeline.decode_latents(latents)

    def _denoise(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None,
    ) -> Tensor:
        masked_latents, mask_latents = conditions

        def after_step(pipeline: Any, index: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            on_step(index + 1)
            return tensors

        batch = len(seeds)
        drawn = [self.noise(seed, masked_latents.shape[1]) for seed in seeds]
        guided = sampling.guidance > 1
        negative = self.declared.negative_caption
        denoised: Tensor = self.pipeline(
            prompt_embeds=self.embed(caption).expand(batch, -1, -1),
            negative_prompt_embeds=self.embed(negative).expand(batch, -1, -1) if guided else None,
            masked_latents=masked_latents,
            mask_latents=mask_latents,
            latents=torch.cat([noise for noise, _ in drawn]),
            generator=[generator for _, generator in drawn],
            init_latents=guess,
            strength=sampling.strength,
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return denoised

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
    model = open_vivid(folder, name, dtype_for(device), store)
    set_up(model, torch.device(device), memory, speed)
    return model


def is_vivid(facts: Mapping[str, Any]) -> bool:
    """Whether what a folder's vivid.json says makes it a package of VIVID's."""
    return bool(facts.keys() & {"layout", "adapter"})


def open_vivid(folder: Path, name: str, dtype: torch.dtype, store: ModelStore) -> VividModel:
    """Read a package into the host's memory.

    Args:
        folder: The package.
        name: What it is called.
        dtype: Precision of the weights.
        store: Where a base that the package names lies.

    Returns:
        The model, not placed yet.

    Raises:
        ModelMissingError: The weights are absent or damaged.
    """
    facts = read_facts(folder)
    with damage_reported(folder):
        pipeline = _open_pipeline(folder, facts, dtype, store)
        pipeline.set_progress_bar_config(disable=True)
        return VividModel(
            pipeline=pipeline,
            name=name,
            working_size=(int(facts["working_size"][0]), int(facts["working_size"][1])),
            window_frames=int(facts["window_frames"]),
            tasks={task: sampling_of_facts(facts["tasks"][task]) for task in SAMPLED},
            max_text_length=int(facts["max_text_length"]),
            vocabulary=read_vocabulary(folder),
            mask_fill=_mask_fill(facts.get("hole", "black")),
            keyframe_weight=_keyframe_weight(float(facts.get("kept", 0))),
            object_mattes=bool(facts.get("things", False)),
            declared=replace(VIVID, rate=_rate(float(facts.get("fps", 0))), direct=bool(facts.get("direct", True))),
        )


def _mask_fill(name: str) -> str:
    if name not in MASK_FILLS:
        raise ValueError(f"'hole' is '{name}', but has to be one of {', '.join(MASK_FILLS)}")
    return MASK_FILLS[name]


def _keyframe_weight(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError(f"'kept' has to lie in 0 to 1, not at {share}")
    return share


def _rate(fps: float) -> float | None:
    if fps < 0:
        raise ValueError(f"'fps' has to be 0 or more, not {fps}")
    return fps or None


def _open_pipeline(folder: Path, facts: dict[str, Any], dtype: torch.dtype, store: ModelStore) -> VividPipeline:
    """A whole package; or, where vivid.json names `base` and `adapter`, the base model widened by
    the adapter beside it.

    `base` is a folder, a name of the catalogue or, with a slash in it, a repository that lies in
    the hub's cache. Nothing is fetched here.
    """
    if "adapter" not in facts:
        layout = {"layout": facts["layout"], "mask_channels": int(facts["mask_channels"])}
        check_package(folder)
        return VividPipeline.from_pretrained(folder, dtype=dtype, use_safetensors=True, **layout)
    named = str(facts["base"])
    base = folder / named  # an absolute path stays what it is
    if not base.is_dir():
        base = store.repository(named) if named.count("/") == 1 and not named.startswith(("/", ".")) else store.locate(named, "video")
    return pipeline_with_adapter(base, folder / facts["adapter"], dtype)


def pipeline_with_adapter(base: Path, adapter: Path, dtype: torch.dtype = torch.float32) -> VividPipeline:
    """A VividPipeline out of a CogVideoX text-to-video checkpoint and a VIVID adapter file; the
    LoRA is merged into the weights.

    Args:
        base: Folder of the checkpoint.
        adapter: The adapter's file.
        dtype: Precision of the weights.

    Returns:
        The pipeline, in the host's memory.
    """
    check_package(base)
    plain = CogVideoXPipeline.from_pretrained(base, dtype=dtype, use_safetensors=True)
    layout: ChannelLayout = load_adapter(plain.transformer, adapter, merge=True)
    return VividPipeline(**plain.components, layout=str(layout), mask_channels=layout.mask_channels)
