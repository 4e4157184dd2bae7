"""VACE on Wan 2.1 and 2.2: a video model that reads a clip with a gray hole, its mask, and kept
frames anywhere in the window.

Control is what a second branch of the denoiser reads (`WanVACETransformer3DModel`): 16 channels of
what is kept (inactive), 16 of what the region showed (reactive), 64 of the mask. With the hole
filled gray, which is 0 here, nothing of what is replaced reaches the model.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACEPipeline, WanVACETransformer3DModel
from torch import nn, Tensor
from transformers import PreTrainedTokenizerBase, UMT5EncoderModel

from core.engines.folders import config_of, facts_of, own_settings, settings_reported
from core.engines.packing import pack_mask
from core.vivid.conditioning import EMPTY_CAPTION, masked_video
from core.vivid.contract import Conditions, Declaration, MaskRule, SAMPLED, Sampling, VideoEngine
from core.vivid.distilled import add_loras, shift_of
from core.vivid.latents import working_device
from core.vivid.placed import PlacedPipeline, Work
from core.vivid.residents import memory_errors
from core.vivid.speed.steps import Answers, plan_steps

TEXT_TOKENS = 512
_CHUNK = 4
"""Frames that the autoencoder works on at once."""

DECLARED = Declaration(
    title="VACE",
    mask=MaskRule(one_means="edit", latent="unshuffled"),
    fill=0.0,
    frame_unit=4,
    size_unit=16,
    working_size=(480, 832),
    window_frames=81,
    delete_caption=EMPTY_CAPTION,
    tasks=dict.fromkeys(SAMPLED, Sampling(30, 5.0)),
    rate=16.0,
    keyframes="any",
    region_form="box+expand",
    light_drifts=True,
    shift=3.0,
    negative_caption=(
        "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, overall gray, worst quality, "
        "low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, poorly drawn faces, deformed, "
        "disfigured, misshapen limbs, fused fingers, still picture, messy background, three legs, many people in the background, "
        "walking backwards"
    ),
    accelerators=frozenset({"compiled", "fused", "attention", "graphs", "fp8", "guide_every", "compute_every"}),
)
TWO_DENOISERS = replace(DECLARED, title="VACE Fun 2.2", shift=12.0, accelerators=frozenset({"compiled", "fused", "attention", "fp8"}))
"""Wan 2.2: one denoiser for the noisy steps, one for the others. Answers of one say nothing of the
other's, and what is recorded of one can't be replayed for the other.
"""
_LARGE = 720 * 1280 * 0.75
"""Pixels from which a clip counts as 720p, which wants its steps nearer to the noise."""
_LARGE_SHIFT = 5.0


class VacePipeline(PlacedPipeline, WanVACEPipeline):
    """diffusers' pipeline, of which the parts and their loading are used. Packing and steps are
    `VaceEngine`'s: diffusers reads latent 0 of the mask from frame 1, and lets three frames in four
    pass unread.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        text_encoder: UMT5EncoderModel,
        vae: AutoencoderKLWan,
        scheduler: Any,
        transformer: WanVACETransformer3DModel | None = None,
        transformer_2: WanVACETransformer3DModel | None = None,
        boundary_ratio: float | None = None,
    ) -> None:
        # diffusers reads from this signature which parts there are.
        super().__init__(tokenizer, text_encoder, vae, scheduler, transformer, transformer_2, boundary_ratio)

    @property
    def denoisers(self) -> list[nn.Module]:
        return [one for one in (self.transformer, self.transformer_2) if one is not None]

    def blocks_of(self, denoiser: Any) -> list[nn.Module]:
        return [*denoiser.blocks, *denoiser.vace_blocks]

    def work(self, working_size: tuple[int, int], window_frames: int) -> Work:
        config = self.transformer.config
        cell = self.vae_scale_factor_spatial * config.patch_size[1]
        latents = (window_frames - 1) // self.vae_scale_factor_temporal + 1
        tokens = latents * (working_size[0] // cell) * (working_size[1] // cell)
        width = config.num_attention_heads * config.attention_head_dim
        return Work(tokens, width, self.vae.config.base_dim, _CHUNK, kept=len(config.vace_layers), together=False)

    def code_in_tiles(self, height: int, width: int, overlap: tuple[float, float]) -> None:
        """See `PlacedPipeline`; here not the overlap is set, but how far apart tiles begin.

        Args:
            height: Of a tile.
            width: Of a tile.
            overlap: Shares of height and width.
        """
        high, wide = overlap
        self.vae.enable_tiling(height, width, height - round(height * high), width - round(width * wide))

    def run_transformer(self, latents: Tensor, text: Tensor, timestep: Tensor, control: Tensor, denoiser: Any = None) -> Tensor:
        """One pass of a denoiser.

        Args:
            latents: (B, 16, F, h, w).
            text: (B, L, D).
            timestep: (B,).
            control: (B, 96, F, h, w).
            denoiser: None for the first.

        Returns:
            (B, 16, F, h, w).
        """
        answer: Tensor = (denoiser or self.transformer)(
            hidden_states=latents, timestep=timestep, encoder_hidden_states=text, control_hidden_states=control, return_dict=False
        )[0]
        return answer

    def encode_caption(self, caption: str, max_length: int) -> Tensor:
        """The text encoder's output (1, L, D), zero behind the caption's end."""
        read = self.tokenizer(
            " ".join(caption.split()),
            padding="max_length",
            max_length=max_length,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        device = self._execution_device
        with memory_errors(self.memory.mode, device):
            told = self.text_encoder(read.input_ids.to(device), read.attention_mask.to(device)).last_hidden_state
        return (told * read.attention_mask[..., None].to(told)).to(self.transformer.dtype)


@dataclass
class VaceEngine(VideoEngine):
    """A loaded VACE. Latents are (B, 16, F, h, w)."""

    pipeline: VacePipeline
    declared: Declaration = field(default=DECLARED, kw_only=True, repr=False)
    _gray: tuple[torch.Size, Tensor] | None = field(default=None, kw_only=True, repr=False)

    @property
    def size_unit(self) -> int:
        return int(self.pipeline.vae_scale_factor_spatial * self.pipeline.transformer.config.patch_size[1])

    def encode(self, video: Tensor, mask: Tensor, filling: Tensor | None = None) -> Conditions:
        """The control (1, 96, F, h, w): inactive, reactive, mask; see `VideoEngine`.

        Args:
            video: (1, 3, T, H, W) in [-1, 1].
            mask: (1, 1, T, H, W), 1 = edit.
            filling: What the region shows; None for gray.

        Returns:
            The control alone.
        """
        shown = masked_video(video, mask, self.declared.fill if filling is None else filling)
        pipeline = self.pipeline
        told = pack_mask(mask, self.declared.mask, pipeline.vae_scale_factor_spatial, pipeline.vae_scale_factor_temporal)
        inactive = self.encode_pixels(shown * (1 - mask))
        reactive = self._gray_latents(video) if filling is None else self.encode_pixels(shown * mask)
        return (torch.cat([inactive, reactive, told.to(inactive)], dim=1),)

    def _gray_latents(self, video: Tensor) -> Tensor:
        """Latents of a clip that is gray everywhere: what the region shows where nothing fills it.
        Those of the last shape are kept.
        """
        if self._gray is None or self._gray[0] != video.shape:
            self._gray = video.shape, self.encode_pixels(torch.full_like(video, self.declared.fill))
        return self._gray[1]

    def shift_steps(self, shift: float) -> None:
        self.pipeline.scheduler = shifted(self.pipeline.scheduler, shift)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        vae = self.pipeline.vae
        with memory_errors(self.memory.mode, self.device):
            self.pipeline._choose_tiles(pixels.shape[2])
            latents = vae.encode(pixels.to(working_device(vae), vae.dtype)).latent_dist.mode().float()
        mean, deviation = self._scale(latents)
        return (latents - mean) / deviation

    def decode(self, latents: Tensor) -> Tensor:
        vae = self.pipeline.vae
        mean, deviation = self._scale(latents)
        with memory_errors(self.memory.mode, self.device):
            self.pipeline._choose_tiles(latents.shape[2])
            pixels: Tensor = vae.decode((latents * deviation + mean).to(working_device(vae), vae.dtype)).sample
        return pixels

    def _denoise(
        self,
        caption: str,
        conditions: Conditions,
        seeds: Sequence[int],
        sampling: Sampling,
        on_step: Callable[[int], None],
        guess: Tensor | None,
    ) -> Tensor:
        scheduler, guided = self.pipeline.scheduler, sampling.guidance > 1
        batch, device, dtype = len(seeds), self.device, self.pipeline.transformer.dtype
        texts = [self.embed(text) for text in ([self.declared.negative_caption, caption] if guided else [caption])]
        texts = [text.to(device, dtype).expand(batch, -1, -1) for text in texts]
        control = conditions[0].to(device, dtype).expand(batch, -1, -1, -1, -1)
        latents = torch.cat([self._noise(seed, control) for seed in seeds]).to(device)
        # On the host, where the scheduler looks its numbers up: it would wait for the device.
        scheduler.set_timesteps(sampling.steps)
        first = sampling.steps - sampling.runs if guess is not None else 0
        scheduler.set_begin_index(first)
        timesteps = scheduler.timesteps[first:]
        if guess is not None and first:
            latents = self._noised(guess.to(latents).expand_as(latents), latents, timesteps[:1])
        plan, answers = plan_steps(len(timesteps), self.levers), Answers(sampling.guidance)
        for index, timestep in enumerate(timesteps):
            if plan[index] == "continued":
                predicted = answers.continued(int(timestep))
            else:
                asked = texts if guided and plan[index] == "guided" else texts[-1:]
                both = torch.cat([self._ask(latents.to(dtype), text, timestep, control) for text in asked]).float()
                predicted = (answers.guided if len(asked) == 2 else answers.plain)(int(timestep), both)
            latents = scheduler.step(predicted, timestep, latents, return_dict=False)[0]
            on_step(index + 1)
        return latents

    def _ask(self, latents: Tensor, text: Tensor, timestep: Tensor, control: Tensor) -> Tensor:
        """One pass of the denoiser whose turn it is."""
        pipeline, denoiser = self.pipeline, self.pipeline.transformer
        if pipeline.transformer_2 is not None:
            boundary = pipeline.config.boundary_ratio * pipeline.scheduler.config.num_train_timesteps
            denoiser = denoiser if timestep >= boundary else pipeline.transformer_2
        given = latents, text, timestep.to(latents.device).expand(latents.shape[0]), control
        with memory_errors(self.memory.mode, self.device):
            if pipeline.graphs is not None and pipeline.graphs.suits(latents.device, latents.numel() // latents.shape[1]):
                return pipeline.graphs(*given)
            return pipeline.run_transformer(*given, denoiser)

    def _noise(self, seed: int, control: Tensor) -> Tensor:
        """Starting noise (1, 16, F, h, w) of a seed, the same everywhere and in every batch."""
        shape = (1, self.pipeline.vae.config.z_dim, *control.shape[2:])
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

    def _noised(self, guess: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        scheduler = self.pipeline.scheduler
        if hasattr(scheduler, "add_noise"):
            noised: Tensor = scheduler.add_noise(guess, noise, timestep)
        else:
            noised = scheduler.scale_noise(guess, timestep, noise)
        return noised

    def _scale(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel of the autoencoder's latents."""
        config = self.pipeline.vae.config
        mean, deviation = (latents.new_tensor(one).view(1, -1, 1, 1, 1) for one in (config.latents_mean, config.latents_std))
        return mean, deviation


def recognises(folder: Path) -> bool:
    """Whether a folder holds a VACE in diffusers' layout."""
    return config_of(folder, "transformer").get("_class_name") == "WanVACETransformer3DModel"


def read_engine(folder: Path, name: str, dtype: torch.dtype, denoiser: Any = None) -> VaceEngine:
    """Read a VACE into the host's memory. The autoencoder stays in single precision, which it
    needs.

    Args:
        folder: In diffusers' layout.
        name: What it is called.
        dtype: Precision of denoiser and text encoder.
        denoiser: One that takes the place of the folder's.

    Returns:
        The engine, not placed yet.
    """
    vae = AutoencoderKLWan.from_pretrained(folder, subfolder="vae", dtype=torch.float32, use_safetensors=True)
    own_parts = {"vae": vae} if denoiser is None else {"vae": vae, "transformer": denoiser}
    pipeline = VacePipeline.from_pretrained(folder, dtype=dtype, use_safetensors=True, **own_parts)
    pipeline.set_progress_bar_config(disable=True)
    declared = DECLARED if pipeline.transformer_2 is None else TWO_DENOISERS
    if pipeline.transformer_2 is not None and pipeline.config.boundary_ratio is None:
        pipeline.register_to_config(boundary_ratio=0.875)
    own, facts = own_settings(folder, declared), facts_of(folder)
    shift = declared.shift or 1.0
    if pipeline.transformer_2 is None and own["working_size"][0] * own["working_size"][1] > _LARGE:
        shift = _LARGE_SHIFT
    with settings_reported(folder):
        pipeline.scheduler = shifted(pipeline.scheduler, shift_of(facts, shift))
        add_loras(pipeline, folder, facts)
    return VaceEngine(pipeline=pipeline, name=name, max_text_length=TEXT_TOKENS, declared=declared, **own)


def shifted(scheduler: Any, shift: float) -> Any:
    """The scheduler with its steps moved towards noise."""
    if isinstance(scheduler, UniPCMultistepScheduler):
        flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": shift}
        return UniPCMultistepScheduler.from_config(scheduler.config, **flow)
    return type(scheduler).from_config(scheduler.config, shift=shift)
