"""VIVID as a diffusers pipeline: CogVideoX that also reads a masked video and its mask (arXiv
2411.15260, section 4).
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypedDict, TypeVar, Unpack

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXDPMScheduler, CogVideoXPipeline, CogVideoXTransformer3DModel
from diffusers.pipelines.cogvideo.pipeline_cogvideox import CogVideoXPipelineOutput, retrieve_timesteps
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from core.vivid.conditioning import BLACK, latent_mask, masked_video
from core.vivid.latents import condition_latents, pixel_latents, working_device
from core.vivid.layout import ChannelLayout
from core.vivid.placed import PlacedPipeline, Work
from core.vivid.residents import memory_errors
from core.vivid.speed.nearby import near_cells, on_grid, run_near, token_numbers
from core.vivid.speed.steps import Answers, plan_steps

StepCallback = Callable[[Any, int, Tensor, dict[str, Any]], dict[str, Tensor]]


class DenoisingOptions(TypedDict, total=False):
    """Keyword arguments of `VividPipeline`, by the names that diffusers gives them; every one may
    be left out.

    Attributes:
        negative_prompt: What guidance leads away from.
        num_inference_steps: Denoising steps; 50.
        guidance_scale: Up to 1 the unconditional pass is left out; 6.
        eta: Of the DDIM scheduler.
        generator: Draws the noise; a list has one for each result.
        latents: The noise (B, F, C, h, w) to start from, instead of drawing it.
        init_latents: A first guess (B or 1, F, C, h, w), as `encode_pixels` gives it, to start from
            in part; needs `strength` below 1.
        strength: How much of the way from noise to the result is denoised: 1 all of it, 0.5 the
            later half, from the noised guess.
        masked_latents: With `mask_latents`, what `encode_masked` gave, instead of video and mask.
        mask_latents: See `masked_latents`.
        prompt_embeds: (B, L, D), instead of a prompt.
        negative_prompt_embeds: (B, L, D), instead of a negative prompt.
        output_type: "pil", "np", "pt" or "latent".
        return_dict: False gives a tuple.
        attention_kwargs: Passed on to the attention layers.
        callback_on_step_end: Called as (pipeline, step, timestep, tensors); gives a dict of tensors
            to replace, and may raise to stop.
        callback_on_step_end_tensor_inputs: Which tensors it is given.
        max_sequence_length: Tokens of a prompt at most.
    """

    negative_prompt: str | list[str] | None
    num_inference_steps: int
    guidance_scale: float
    eta: float
    generator: torch.Generator | list[torch.Generator] | None
    latents: Tensor | None
    init_latents: Tensor | None
    strength: float
    masked_latents: Tensor | None
    mask_latents: Tensor | None
    prompt_embeds: Tensor | None
    negative_prompt_embeds: Tensor | None
    output_type: str
    return_dict: bool
    attention_kwargs: dict[str, Any] | None
    callback_on_step_end: StepCallback | None
    callback_on_step_end_tensor_inputs: tuple[str, ...] | list[str]
    max_sequence_length: int | None


P = ParamSpec("P")
R = TypeVar("R")


def _reporting_full_memory(method: Callable[Concatenate[VividPipeline, P], R]) -> Callable[Concatenate[VividPipeline, P], R]:
    """Raise DeviceMemoryError where the device runs out of memory."""

    @functools.wraps(method)
    def wrapped(self: VividPipeline, *args: P.args, **kwargs: P.kwargs) -> R:
        with memory_errors(self.memory.mode, self._execution_device):
            return method(self, *args, **kwargs)

    return wrapped


class VividPipeline(PlacedPipeline, CogVideoXPipeline):
    """CogVideoX whose transformer takes noisy latent, mask and masked latent (`core.vivid.layout`).

    With zero weights on the added channels it computes exactly what `CogVideoXPipeline` does. Works
    with CogVideoX's DDIM and DPM schedulers. `layout` and `mask_channels` are stored in
    model_index.json.
    """

    patches_time = False  # that of CogVideoX 1.5 does

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
        super().__init__(tokenizer=tokenizer, text_encoder=text_encoder, vae=vae, transformer=transformer, scheduler=scheduler)
        self.register_to_config(layout=layout, mask_channels=mask_channels)
        self.layout = ChannelLayout.parse(layout, mask_channels)
        self.latent_channels: int = vae.config.latent_channels
        expected = self.layout.channels(self.latent_channels)
        if transformer.config.in_channels != expected:
            raise ValueError(f"the transformer takes {transformer.config.in_channels} channels, the layout '{layout}' makes {expected}")
        if transformer.config.patch_size_t is not None and not self.patches_time:
            raise ValueError("transformers that patch in time (CogVideoX 1.5) are not supported")

    @property
    def frame_unit(self) -> int:
        """Clips have 1 or a multiple of this many frames and one more: 8 for CogVideoX."""
        return self.vae_scale_factor_temporal * self.vae.num_latent_frames_batch_size

    def work(self, working_size: tuple[int, int], window_frames: int) -> Work:
        config, cell = self.transformer.config, self.vae_scale_factor_spatial * self.transformer.config.patch_size
        latents = (window_frames - 1) // self.vae_scale_factor_temporal + 1
        tokens = latents * (working_size[0] // cell) * (working_size[1] // cell) + config.max_text_seq_length
        return Work(tokens, config.num_attention_heads * config.attention_head_dim, self.vae.config.block_out_channels[0])

    # Latents.

    @_reporting_full_memory
    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, T, H, W) in [-1, 1] -> latents (B, F, C, h, w) as they are denoised. The
        posterior's mode: no randomness.
        """
        self._choose_tiles(pixels.shape[2])
        return pixel_latents(self.vae, pixels)

    @_reporting_full_memory
    def encode_condition(self, pixels: Tensor) -> Tensor:
        """Like `encode_pixels`, in the scale in which the checkpoint was conditioned
        (`invert_scale_latents`).
        """
        self._choose_tiles(pixels.shape[2])
        return condition_latents(self.vae, pixels)

    @_reporting_full_memory
    def decode_latents(self, latents: Tensor) -> Tensor:
        """Denoised latents (B, F, C, h, w), F odd -> pixels (B, 3, T, H, W), T = 4F - 3, nominally
        in [-1, 1].
        """
        if latents.shape[1] % self.vae.num_latent_frames_batch_size == 0:
            # The decoder works on pairs of latents after the first; on an even number it takes the
            # first for a pair's and gives 4F frames.
            raise ValueError(f"the autoencoder decodes 1 or {self.frame_unit}k + 1 frames, not {latents.shape[1]} latent frames")
        latents = latents / self.vae.config.scaling_factor + (self.vae.config.shift_factor or 0.0)
        self._choose_tiles(latents.shape[1])
        return self.vae.decode(latents.transpose(1, 2).to(working_device(self.vae), self.vae.dtype)).sample

    def encode_masked(self, video: Tensor, mask: Tensor, filling: Tensor | float = BLACK) -> tuple[Tensor, Tensor]:
        """What the denoiser reads of the clip: latent of the masked video and mask on the latent
        grid.

        video (B, 3, T, H, W) in [-1, 1]; mask (B, 1, T, H, W), 1 = edit; filling: what the hole
        shows, black or (B, 3, T, H, W). Gives (B, F, C, h, w) and (B, F, 1, h, w).

        Args:
            video: (B, 3, T, H, W) in [-1, 1].
            mask: (B, 1, T, H, W), 1 = edit.
            filling: What the mask is filled with: a level, or as `video`.

        Returns:
            (B, F, C, h, w) and (B, F, 1, h, w).
        """
        grid = latent_mask(mask, self.vae_scale_factor_spatial, self.vae_scale_factor_temporal)
        return self.encode_condition(masked_video(video, mask, filling)), grid.to(working_device(self.vae), self.vae.dtype)

    @_reporting_full_memory
    def encode_caption(self, caption: str, max_length: int) -> Tensor:
        """The text encoder's output (1, L, D)."""
        return self.encode_prompt(
            caption, do_classifier_free_guidance=False, max_sequence_length=max_length, device=self._execution_device
        )[0]

    @torch.no_grad()
    @_reporting_full_memory
    def __call__(
        self,
        prompt: str | list[str] | None = None,
        video: Tensor | None = None,
        mask: Tensor | None = None,
        **options: Unpack[DenoisingOptions],
    ) -> CogVideoXPipelineOutput | tuple:
        """Paint the masked region of a video as the prompt says.

        Args:
            prompt: The local caption, one for each video; or the option `prompt_embeds`.
            video: (B, 3, T, H, W) in [-1, 1], T = 8k + 1 (one frame is an image). The region may
                already be black.
            mask: (B, 1, T, H, W), 1 = edit. A video and mask of batch 1 serve any number of
                prompts.
            options: See `DenoisingOptions`.

        Returns:
            CogVideoXPipelineOutput with `frames`, or a tuple of them.

        Raises:
            ValueError: Shapes don't fit.
            TypeError: An option is unknown.
            DeviceMemoryError: The device is too small.
        """
        if unknown := sorted(options.keys() - DenoisingOptions.__annotations__.keys()):
            raise TypeError(f"unknown options: {', '.join(unknown)}")
        masked_latents, mask_latents = options.get("masked_latents"), options.get("mask_latents")
        if masked_latents is None or mask_latents is None:
            if video is None or mask is None:
                raise ValueError("pass video and mask, or masked_latents and mask_latents")
            masked_latents, mask_latents = self.encode_masked(video, mask)
        height, width = (side * self.vae_scale_factor_spatial for side in masked_latents.shape[-2:])
        prompt_embeds, negative_prompt_embeds = self._embeddings(prompt, (height, width), options)
        self._attention_kwargs, self._current_timestep, self._interrupt = options.get("attention_kwargs"), None, False
        batch, dtype, device = prompt_embeds.shape[0], prompt_embeds.dtype, self._execution_device
        timesteps = self._steps_to_run(options)
        latents = self._start(batch, masked_latents, dtype, timesteps, options)
        conditions = self._for_batch(mask_latents.to(device, dtype), batch), self._for_batch(masked_latents.to(device, dtype), batch)
        latents = self._denoise(latents, conditions, (prompt_embeds, negative_prompt_embeds), timesteps, options)
        output_type = options.get("output_type", "pil")
        if output_type == "latent":
            result = latents
        else:
            result = self.video_processor.postprocess_video(video=self.decode_latents(latents), output_type=output_type)
        self.maybe_free_model_hooks()
        return CogVideoXPipelineOutput(frames=result) if options.get("return_dict", True) else (result,)

    @property
    def _is_guided(self) -> bool:
        return self._guidance_scale > 1.0

    def _embeddings(self, prompt: str | list[str] | None, size: tuple[int, int], options: DenoisingOptions) -> tuple[Tensor, Tensor | None]:
        """What the text encoder makes of the prompt and of the negative one; of the latter None
        without guidance.
        """
        negative, embeds, negative_embeds = (options.get(name) for name in ("negative_prompt", "prompt_embeds", "negative_prompt_embeds"))
        self._guidance_scale = options.get("guidance_scale", 6.0)
        self.check_inputs(prompt, *size, negative, options.get("callback_on_step_end_tensor_inputs", ("latents",)), embeds, negative_embeds)
        return self.encode_prompt(
            prompt,
            negative,
            self._is_guided,
            prompt_embeds=embeds,
            negative_prompt_embeds=negative_embeds,
            max_sequence_length=options.get("max_sequence_length") or self.transformer.config.max_text_seq_length,
            device=self._execution_device,
        )

    def _steps_to_run(self, options: DenoisingOptions) -> Tensor:
        """The time steps, from the noisiest; only the last share of them from a first guess."""
        steps = options.get("num_inference_steps", 50)
        # On the host, where the scheduler looks its numbers up: it would wait for the device.
        timesteps, steps = retrieve_timesteps(self.scheduler, steps, "cpu")
        if options.get("init_latents") is not None:
            strength = options.get("strength", 1.0)
            if not 0 < strength <= 1:
                raise ValueError(f"a strength of {strength} is outside 0 to 1")
            timesteps = timesteps[steps - max(round(strength * steps), 1) :]
        self._num_timesteps = len(timesteps)
        return timesteps

    def _start(self, batch: int, masked_latents: Tensor, dtype: torch.dtype, timesteps: Tensor, options: DenoisingOptions) -> Tensor:
        """What the denoising starts from: noise, or the noised first guess."""
        frames = (masked_latents.shape[1] - 1) * self.vae_scale_factor_temporal + 1
        height, width = (side * self.vae_scale_factor_spatial for side in masked_latents.shape[-2:])
        noise, generator, guess = options.get("latents"), options.get("generator"), options.get("init_latents")
        device = self._execution_device
        latents = self.prepare_latents(batch, self.latent_channels, frames, height, width, dtype, device, generator, noise)
        if guess is not None and options.get("strength", 1.0) < 1:
            latents = self.scheduler.add_noise(guess.to(latents).expand_as(latents), latents, timesteps[:1])
        return latents

    def _denoise(
        self,
        latents: Tensor,
        conditions: tuple[Tensor, Tensor],
        prompts: tuple[Tensor, Tensor | None],
        timesteps: Tensor,
        options: DenoisingOptions,
    ) -> Tensor:
        """Run the steps. `conditions` are mask and masked latents for every sample, `prompts` what
        `_embeddings` gave.
        """
        prompt_embeds, negative_prompt_embeds = prompts
        guided, dtype, device = self._is_guided, latents.dtype, self._execution_device
        both = prompt_embeds if negative_prompt_embeds is None or not guided else torch.cat([negative_prompt_embeds, prompt_embeds])
        extra = self.prepare_extra_step_kwargs(options.get("generator"), options.get("eta", 0.0))
        height, width = (side * self.vae_scale_factor_spatial for side in latents.shape[-2:])
        rotary: tuple[Tensor, ...] | None = (
            self._prepare_rotary_positional_embeddings(height, width, latents.shape[1], device)
            if self.transformer.config.use_rotary_positional_embeddings
            else None
        )
        cells = None
        if self.levers.nearby and rotary is not None:
            cells = near_cells(conditions[0], self.transformer.config.patch_size, self.levers.nearby)
            kept = token_numbers(cells, latents.shape[1])
            rotary = (rotary[0][kept], rotary[1][kept], kept)
        on_step, names = options.get("callback_on_step_end"), options.get("callback_on_step_end_tensor_inputs", ("latents",))
        previous_sample: Tensor | None = None  # what DPM-Solver++ remembers of the last step
        plan, answers = plan_steps(len(timesteps), self.levers), Answers(self._guidance_scale)
        on_device = timesteps.to(device)
        with self.progress_bar(total=len(timesteps)) as bar:
            for index, timestep in enumerate(timesteps):
                if self.interrupt:
                    continue
                self._current_timestep = timestep
                if plan[index] == "continued":
                    predicted = answers.continued(int(timestep))
                else:
                    double = guided and plan[index] == "guided"
                    noisy = self.scheduler.scale_model_input(torch.cat([latents] * 2) if double else latents, timestep)
                    told = [part[: noisy.shape[0]] for part in conditions]
                    arranged, embeds = self.layout.arrange(noisy, *told), both if double else prompt_embeds
                    answer = self._ask(arranged, embeds, on_device[index].expand(noisy.shape[0]), rotary, double).float()
                    predicted = (answers.guided if double else answers.plain)(int(timestep), answer)
                if isinstance(self.scheduler, CogVideoXDPMScheduler):
                    back = timesteps[index - 1] if index > 0 else None
                    latents, previous_sample = self.scheduler.step(
                        predicted, previous_sample, timestep, back, latents, **extra, return_dict=False
                    )
                else:
                    latents = self.scheduler.step(predicted, timestep, latents, **extra, return_dict=False)[0]
                latents = latents.to(dtype)

                if on_step is not None:
                    tensors = {"latents": latents, "prompt_embeds": prompt_embeds, "negative_prompt_embeds": negative_prompt_embeds}
                    chosen = {name: tensors[name] for name in names}
                    latents = on_step(self, index, timestep, chosen).pop("latents", latents)
                bar.update()
        self._current_timestep = None
        if cells is not None:
            # Far from the region it is the clip's own, in the scale in which it is denoised.
            scale = self.vae.config.scaling_factor**2 if self.vae.config.invert_scale_latents else 1
            own = conditions[1][-latents.shape[0] :].to(latents) * scale
            latents = torch.where(on_grid(cells, self.transformer.config.patch_size), latents, own)
        return latents

    def run_transformer(self, hidden: Tensor, embeds: Tensor, timestep: Tensor, *rotary: Tensor) -> Tensor:
        """One pass of the denoiser.

        Args:
            hidden: (B, F, C, h, w), noise and conditions in the layout's order.
            embeds: (B, L, D).
            timestep: (B,).
            rotary: Cosines and sines of the positions, and the numbers of the tokens that are
                looked at where these are not all; or nothing.

        Returns:
            (B, F, C', h, w).
        """
        return self._run(self.transformer, hidden, embeds, timestep, rotary or None)

    def _run(
        self,
        transformer: CogVideoXTransformer3DModel,
        hidden: Tensor,
        embeds: Tensor,
        timestep: Tensor,
        rotary: tuple[Tensor, ...] | None,
    ) -> Tensor:
        if rotary is not None and len(rotary) > 2:
            return run_near(transformer, hidden, embeds, timestep, (rotary[0], rotary[1]), rotary[2])
        with transformer.cache_context("cond_uncond"):
            return transformer(
                hidden_states=hidden,
                encoder_hidden_states=embeds,
                timestep=timestep,
                image_rotary_emb=rotary,
                attention_kwargs=self._attention_kwargs,
                return_dict=False,
            )[0]

    def _ask(self, hidden: Tensor, embeds: Tensor, timestep: Tensor, rotary: tuple[Tensor, ...] | None, double: bool) -> Tensor:
        """One step's pass, or both when it is `double`, in the way that is quickest."""
        places = hidden.numel() // hidden.shape[2]
        if self.graphs is not None and self.graphs.suits(hidden.device, places) and self._attention_kwargs is None:
            return self.graphs(hidden, embeds, timestep, *(rotary or ()))
        if double and self.twin is not None:
            return self.twin(self.transformer, self._run, hidden, embeds, timestep, rotary)
        return self.run_transformer(hidden, embeds, timestep, *(rotary or ()))

    def _for_batch(self, part: Tensor, batch: int) -> Tensor:
        """A condition for every sample of the batch, and again for the unconditional pass."""
        if part.shape[0] not in (1, batch):
            raise ValueError(f"conditions for {part.shape[0]} videos don't fit {batch} captions")
        part = part.expand(batch, -1, -1, -1, -1)
        return torch.cat([part] * 2) if self._is_guided else part
