"""VIVID as a diffusers pipeline: CogVideoX that also reads a masked video and its mask (arXiv 2411.15260, section 4)."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXDPMScheduler, CogVideoXPipeline, CogVideoXTransformer3DModel
from diffusers.pipelines.cogvideo.pipeline_cogvideox import CogVideoXPipelineOutput, retrieve_timesteps
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from core.vivid.conditioning import BLACK, latent_mask, masked_video
from core.vivid.latents import condition_latents, pixel_latents, working_device
from core.vivid.layout import ChannelLayout
from core.vivid.memory import MemoryPlan
from core.vivid.offload import Residents, told_shortage

StepCallback = Callable[[Any, int, Tensor, dict[str, Tensor]], dict[str, Tensor]]


P = ParamSpec("P")
R = TypeVar("R")


def _in_memory(method: Callable[Concatenate[VividPipeline, P], R]) -> Callable[Concatenate[VividPipeline, P], R]:
    """Work on the device: its running out of memory is told as what a person can do."""

    @functools.wraps(method)
    def told(self: VividPipeline, *args: P.args, **kwargs: P.kwargs) -> R:
        with told_shortage(self.memory.mode, self._execution_device):
            return method(self, *args, **kwargs)

    return told


class VividPipeline(CogVideoXPipeline):
    """CogVideoX whose transformer takes noisy latent, mask and masked latent (see `core.vivid.layout`).

    With zero weights on the added channels it computes exactly what `CogVideoXPipeline` does. Works with CogVideoX's DDIM and DPM
    schedulers. `layout` and `mask_channels` are stored in model_index.json.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase | None,
        text_encoder: T5EncoderModel | None,
        vae: AutoencoderKLCogVideoX,
        transformer: CogVideoXTransformer3DModel,
        scheduler: CogVideoXDDIMScheduler | CogVideoXDPMScheduler,
        layout: str = "noise,mask,masked",
        mask_channels: int = 1,
    ) -> None:
        self.memory = MemoryPlan()
        self.residents: Residents | None = None
        super().__init__(tokenizer=tokenizer, text_encoder=text_encoder, vae=vae, transformer=transformer, scheduler=scheduler)
        self.register_to_config(layout=layout, mask_channels=mask_channels)
        self.layout = ChannelLayout.parse(layout, mask_channels)
        self.latent_channels: int = vae.config.latent_channels
        expected = self.layout.channels(self.latent_channels)
        if transformer.config.in_channels != expected:
            raise ValueError(f"the transformer takes {transformer.config.in_channels} channels, the layout '{layout}' makes {expected}")
        if transformer.config.patch_size_t is not None:
            raise ValueError("transformers that patch in time (CogVideoX 1.5) are not supported")

    @property
    def frame_unit(self) -> int:
        """Clips have 1 or a multiple of this many frames and one more: 8 for CogVideoX."""
        return self.vae_scale_factor_temporal * self.vae.num_latent_frames_batch_size

    # Latents.

    @_in_memory
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, T, H, W) in [-1, 1] -> latents (B, F, C, h, w) as they are denoised. The posterior's mode: no randomness."""
        self._choose_tiles(pixels.shape[2])
        return pixel_latents(self.vae, pixels)

    @_in_memory
    def encode_condition(self, pixels: Tensor) -> Tensor:
        """Like `encode_pixels`, in the scale in which the checkpoint was conditioned (`invert_scale_latents`)."""
        self._choose_tiles(pixels.shape[2])
        return condition_latents(self.vae, pixels)

    @_in_memory
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Denoised latents (B, F, C, h, w), F odd -> pixels (B, 3, T, H, W), T = 4F - 3, nominally in [-1, 1]."""
        if latents.shape[1] % self.vae.num_latent_frames_batch_size == 0:
            # The decoder works on pairs of latents after the first; on an even number it takes the first for a pair's and gives 4F frames.
            raise ValueError(f"the autoencoder decodes 1 or {self.frame_unit}k + 1 frames, not {latents.shape[1]} latent frames")
        latents = latents / self.vae.config.scaling_factor + (self.vae.config.shift_factor or 0.0)
        self._choose_tiles(latents.shape[1])
        return self.vae.decode(latents.transpose(1, 2).to(working_device(self.vae), self.vae.dtype)).sample

    def encode_masked(self, video: Tensor, mask: Tensor, filling: Tensor | float = BLACK) -> tuple[Tensor, Tensor]:
        """What the denoiser reads of the clip: latent of the masked video and mask on the latent grid.

        video (B, 3, T, H, W) in [-1, 1]; mask (B, 1, T, H, W), 1 = edit; filling: what the hole shows, black or (B, 3, T, H, W). Gives
        (B, F, C, h, w) and (B, F, 1, h, w).
        """
        grid = latent_mask(mask, self.vae_scale_factor_spatial, self.vae_scale_factor_temporal)
        return self.encode_condition(masked_video(video, mask, filling)), grid.to(working_device(self.vae), self.vae.dtype)

    def _choose_tiles(self, frames: int) -> None:
        """A lone frame needs less than a tile of a clip, and is coded as if there were memory for everything."""
        if self.memory.tiled:
            self.vae.use_tiling = frames > 1

    @_in_memory
    def encode_caption(self, caption: str, max_length: int) -> Tensor:
        """The text encoder's output (1, L, D)."""
        return self.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=max_length, device=self._execution_device
        )[0]

    def release_text_encoder(self) -> None:
        """Send it back to the host's memory, where the plan has it wait there."""
        if self.residents is not None:
            self.residents.leave("text_encoder")

    @torch.no_grad()
    @_in_memory
    def __call__(
        self,
        prompt: str | list[str] | None = None,
        video: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        negative_prompt: str | list[str] | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 6.0,
        eta: float = 0.0,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: Tensor | None = None,
        init_latents: Tensor | None = None,
        strength: float = 1.0,
        masked_latents: Tensor | None = None,
        mask_latents: Tensor | None = None,
        prompt_embeds: Tensor | None = None,
        negative_prompt_embeds: Tensor | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        attention_kwargs: dict[str, Any] | None = None,
        callback_on_step_end: StepCallback | None = None,
        callback_on_step_end_tensor_inputs: tuple[str, ...] | list[str] = ("latents",),
        max_sequence_length: int | None = None,
    ) -> CogVideoXPipelineOutput | tuple:
        """Paint the masked region of `video` as the prompt says.

        Args:
            prompt: the local caption, one for each video; or `prompt_embeds` (B, L, D).
            video: (B, 3, T, H, W) in [-1, 1], T = 8k + 1 (one frame is an image). The region may already be black.
            mask: (B, 1, T, H, W), 1 = edit. A video and mask of batch 1 serve any number of prompts.
            masked_latents, mask_latents: instead of `video` and `mask`, what `encode_masked` gave for them.
            latents: the noise (B, F, C, h, w) to start from; else drawn from `generator` (a list: one for each result).
            init_latents: a first guess (B or 1, F, C, h, w), as `encode_pixels` gives it, to start from in part; needs `strength` below 1.
            strength: how much of the way from noise to the result is denoised: 1 all of it, 0.5 the later half, from the noised guess.
            guidance_scale: up to 1 the unconditional pass is left out.
            output_type: "pil", "np", "pt" or "latent".
            callback_on_step_end: called as (pipeline, step, timestep, tensors) and returns a dict of tensors to replace; may raise to stop.

        Returns:
            CogVideoXPipelineOutput with `frames`, or a tuple of them. ValueError for shapes that don't fit.
        """
        if masked_latents is None or mask_latents is None:
            if video is None or mask is None:
                raise ValueError("pass video and mask, or masked_latents and mask_latents")
            masked_latents, mask_latents = self.encode_masked(video, mask)
        height, width = (side * self.vae_scale_factor_spatial for side in masked_latents.shape[-2:])
        self.check_inputs(prompt, height, width, negative_prompt, callback_on_step_end_tensor_inputs, prompt_embeds, negative_prompt_embeds)
        self._guidance_scale, self._attention_kwargs = guidance_scale, attention_kwargs
        self._current_timestep, self._interrupt = None, False

        device = self._execution_device
        guided = guidance_scale > 1.0
        prompt_embeds, negative_prompt_embeds = self.encode_prompt(
            prompt,
            negative_prompt,
            guided,
            prompt_embeds=prompt_embeds,
            negative_prompt_embeds=negative_prompt_embeds,
            max_sequence_length=max_sequence_length or self.transformer.config.max_text_seq_length,
            device=device,
        )
        batch = prompt_embeds.shape[0]
        dtype = prompt_embeds.dtype
        embeds = torch.cat([negative_prompt_embeds, prompt_embeds]) if guided else prompt_embeds

        timesteps, num_inference_steps = retrieve_timesteps(self.scheduler, num_inference_steps, device)
        if init_latents is not None:
            if not 0 < strength <= 1:
                raise ValueError(f"a strength of {strength} is outside 0 to 1")
            timesteps = timesteps[num_inference_steps - max(round(strength * num_inference_steps), 1) :]
        self._num_timesteps = len(timesteps)

        frames = (masked_latents.shape[1] - 1) * self.vae_scale_factor_temporal + 1
        latents = self.prepare_latents(batch, self.latent_channels, frames, height, width, dtype, device, generator, latents)
        if init_latents is not None and strength < 1:
            latents = self.scheduler.add_noise(init_latents.to(latents).expand_as(latents), latents, timesteps[:1])
        conditions = [self._for_batch(part.to(device, dtype), batch, guided) for part in (mask_latents, masked_latents)]
        extra = self.prepare_extra_step_kwargs(generator, eta)
        rotary = (
            self._prepare_rotary_positional_embeddings(height, width, latents.shape[1], device)
            if self.transformer.config.use_rotary_positional_embeddings
            else None
        )

        previous_sample: Tensor | None = None  # what DPM-Solver++ remembers of the last step
        with self.progress_bar(total=len(timesteps)) as bar:
            for index, timestep in enumerate(timesteps):
                if self.interrupt:
                    continue
                self._current_timestep = timestep
                noisy = self.scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, timestep)
                with self.transformer.cache_context("cond_uncond"):
                    predicted = self.transformer(
                        hidden_states=self.layout.arrange(noisy, *conditions),
                        encoder_hidden_states=embeds,
                        timestep=timestep.expand(noisy.shape[0]),
                        image_rotary_emb=rotary,
                        attention_kwargs=attention_kwargs,
                        return_dict=False,
                    )[0].float()
                if guided:
                    without, with_caption = predicted.chunk(2)
                    predicted = without + guidance_scale * (with_caption - without)
                if isinstance(self.scheduler, CogVideoXDPMScheduler):
                    back = timesteps[index - 1] if index > 0 else None
                    latents, previous_sample = self.scheduler.step(
                        predicted, previous_sample, timestep, back, latents, **extra, return_dict=False
                    )
                else:
                    latents = self.scheduler.step(predicted, timestep, latents, **extra, return_dict=False)[0]
                latents = latents.to(dtype)

                if callback_on_step_end is not None:
                    tensors = {"latents": latents, "prompt_embeds": prompt_embeds, "negative_prompt_embeds": negative_prompt_embeds}
                    chosen = {name: tensors[name] for name in callback_on_step_end_tensor_inputs}
                    latents = callback_on_step_end(self, index, timestep, chosen).pop("latents", latents)
                bar.update()
        self._current_timestep = None

        if output_type == "latent":
            result = latents
        else:
            result = self.video_processor.postprocess_video(video=self.decode_latents(latents), output_type=output_type)
        self.maybe_free_model_hooks()
        return CogVideoXPipelineOutput(frames=result) if return_dict else (result,)

    @staticmethod
    def _for_batch(part: Tensor, batch: int, guided: bool) -> Tensor:
        """A condition for every sample of the batch, and again for the unconditional pass."""
        if part.shape[0] not in (1, batch):
            raise ValueError(f"conditions for {part.shape[0]} videos don't fit {batch} captions")
        part = part.expand(batch, -1, -1, -1, -1)
        return torch.cat([part] * 2) if guided else part
