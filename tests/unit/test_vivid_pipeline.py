"""VividPipeline is CogVideoX with more input: the equality, the scales, the round trip."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXDPMScheduler, CogVideoXPipeline

from core.training.common.cogvideox import build_scheduler
from core.training.small.networks import build_text_encoder, build_tokenizer, build_transformer, build_vae
from core.vivid.adapter import add_adapter, widen_patch_embedding
from core.vivid.conditioning import latent_mask, masked_video
from core.vivid.layout import ChannelLayout
from core.vivid.pipeline import VividPipeline
from tests.builders import tiny_network

pytestmark = pytest.mark.usefixtures("one_thread")


def _parts(seed: int = 0, **changes: Any) -> dict[str, Any]:
    torch.manual_seed(seed)
    config = tiny_network(**changes)
    return {
        "tokenizer": build_tokenizer(),
        "text_encoder": build_text_encoder(config).eval(),
        "vae": build_vae(config).eval(),
        "transformer": build_transformer(config).eval(),
        "scheduler": build_scheduler(),
    }


def _base_transformer(patch_size: int) -> Any:
    """A plain text-to-video denoiser: its input is the noisy latent alone."""
    from diffusers import CogVideoXTransformer3DModel

    torch.manual_seed(3)
    config = dict(build_transformer(tiny_network(patch_size=patch_size)).config)
    return CogVideoXTransformer3DModel.from_config(config | {"in_channels": 4}).eval()


@pytest.mark.parametrize("scheduler", [CogVideoXDDIMScheduler, CogVideoXDPMScheduler])
@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.parametrize("patch_size", [1, 2])
def test_with_new_channels_and_adapter_at_zero_it_is_cogvideox(scheduler: Any, guidance: float, patch_size: int) -> None:
    parts = _parts(patch_size=patch_size) | {"scheduler": scheduler.from_config(build_scheduler().config)}
    base = _base_transformer(patch_size)
    wide = copy.deepcopy(base)
    add_adapter(wide, ChannelLayout())
    plain = CogVideoXPipeline(**parts | {"transformer": base})
    vivid = VividPipeline(**parts | {"transformer": wide})
    for pipeline in (plain, vivid):
        pipeline.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 3, 4, 4, 4, generator=torch.Generator().manual_seed(5))
    settings = {"num_inference_steps": 4, "guidance_scale": guidance, "max_sequence_length": 16}

    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(9)

    for output in ("latent", "pt"):
        expected = plain(
            "a red ball", height=32, width=32, num_frames=9, latents=noise, generator=generator(), output_type=output, **settings
        ).frames
        video, mask = torch.rand(1, 3, 9, 32, 32), (torch.rand(1, 1, 9, 32, 32) > 0.5).float()
        given = vivid("a red ball", video, mask, latents=noise, generator=generator(), output_type=output, **settings).frames
        assert expected.isfinite().all()
        torch.testing.assert_close(given, expected, rtol=0, atol=1e-5)


def test_a_trained_input_makes_the_mask_and_the_video_matter() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    video, mask = torch.rand(1, 3, 5, 32, 32), torch.zeros(1, 1, 5, 32, 32)
    mask[..., 8:24, 8:24] = 1

    def run(video: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        noise = torch.ones(1, 2, 4, 4, 4)
        return pipeline("a ball", video, mask, latents=noise, num_inference_steps=2, guidance_scale=1.0, output_type="latent").frames

    first = run(video, mask)
    assert not torch.allclose(first, run(video, torch.zeros_like(mask)), atol=1e-4)
    assert not torch.allclose(first, run(-video, mask), atol=1e-4)
    hidden = torch.where(mask.bool(), torch.rand_like(video), video)
    assert torch.equal(first, run(hidden, mask))  # what the region showed before never reaches the denoiser


def _watched(pipeline: VividPipeline) -> list[torch.Tensor]:
    """What the transformer is given as hidden states, call by call."""
    seen: list[torch.Tensor] = []
    pipeline.transformer.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs["hidden_states"].clone()), with_kwargs=True)
    return seen


def test_what_reaches_the_transformer_is_noise_mask_and_masked_latent() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    seen = _watched(pipeline)
    video, mask = torch.rand(1, 3, 5, 32, 32) * 2 - 1, (torch.rand(1, 1, 5, 32, 32) > 0.99).float()
    noise = torch.randn(2, 2, 4, 4, 4)
    pipeline(["a ball", "a cube"], video, mask, latents=noise, num_inference_steps=2, guidance_scale=3.0, output_type="latent")
    first = seen[0]
    with torch.no_grad():
        expected = pipeline.vae.encode(masked_video(video, mask)).latent_dist.mode().transpose(1, 2)
    assert first.shape == (4, 2, 9, 4, 4)  # two captions, each with and without guidance, in one call
    assert torch.equal(first[:, :, :4], torch.cat([noise, noise]))
    assert torch.equal(first[:, :, 4:5], latent_mask(mask).expand(4, -1, -1, -1, -1))
    torch.testing.assert_close(first[:, :, 5:], expected.expand(4, -1, -1, -1, -1))


def test_without_guidance_there_is_no_second_pass() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    seen = _watched(pipeline)
    pipeline("", torch.zeros(1, 3, 1, 32, 32), torch.ones(1, 1, 1, 32, 32), num_inference_steps=3, guidance_scale=1.0, output_type="latent")
    assert [len(call) for call in seen] == [1, 1, 1]


def test_encoded_conditions_can_be_handed_in_again() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    video, mask = torch.rand(1, 3, 1, 32, 32), torch.ones(1, 1, 1, 32, 32)
    masked_latents, mask_latents = pipeline.encode_masked(video, mask)
    settings = {"latents": torch.ones(1, 1, 4, 4, 4), "num_inference_steps": 2, "output_type": "pt"}
    again = pipeline("a ball", masked_latents=masked_latents, mask_latents=mask_latents, **settings).frames
    assert torch.equal(again, pipeline("a ball", video, mask, **settings).frames)


def test_scale_and_shift_come_from_the_vae() -> None:
    parts = _parts()
    pipeline = VividPipeline(**parts)
    pixels = torch.rand(1, 3, 1, 32, 32)
    with torch.no_grad():
        raw = parts["vae"].encode(pixels).latent_dist.mode().transpose(1, 2)
        decoded = parts["vae"].decode(raw.transpose(1, 2)).sample
        parts["vae"].register_to_config(scaling_factor=0.7, shift_factor=0.25)
        torch.testing.assert_close(pipeline.encode_pixels(pixels), (raw - 0.25) * 0.7)
        torch.testing.assert_close(pipeline.encode_condition(pixels), (raw - 0.25) * 0.7)
        torch.testing.assert_close(pipeline.decode_latents((raw - 0.25) * 0.7), decoded)
        parts["vae"].register_to_config(invert_scale_latents=True)
        torch.testing.assert_close(pipeline.encode_condition(pixels), (raw - 0.25) / 0.7)
        torch.testing.assert_close(pipeline.encode_pixels(pixels), (raw - 0.25) * 0.7)


def test_save_and_load_give_the_same_pixels(tmp_path: Path) -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.save_pretrained(tmp_path)
    loaded = VividPipeline.from_pretrained(tmp_path)
    assert type(loaded.scheduler) is type(pipeline.scheduler)
    settings = {"latents": torch.ones(1, 1, 4, 4, 4), "num_inference_steps": 2, "output_type": "np", "guidance_scale": 3.0}
    video, mask = torch.rand(1, 3, 1, 32, 32), torch.ones(1, 1, 1, 32, 32)
    assert (loaded("a red ball", video, mask, **settings).frames == pipeline("a red ball", video, mask, **settings).frames).all()


def test_the_layout_is_saved_with_the_pipeline(tmp_path: Path) -> None:
    VividPipeline(**_parts(), layout="masked,noise,mask").save_pretrained(tmp_path)
    assert str(VividPipeline.from_pretrained(tmp_path).layout) == "masked,noise,mask"


def test_a_transformer_that_does_not_fit_the_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="takes 4 channels"):
        VividPipeline(**_parts() | {"transformer": _base_transformer(1)})


@pytest.mark.parametrize("frames", [1, 9, 17, 25])
def test_a_clip_keeps_its_frame_count(frames: int) -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    video, mask = torch.zeros(1, 3, frames, 32, 32), torch.ones(1, 1, frames, 32, 32)
    assert pipeline("a ball", video, mask, num_inference_steps=1, output_type="pt").frames.shape == (1, frames, 3, 32, 32)


def test_a_frame_count_that_the_autoencoder_would_stretch_is_refused() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    with pytest.raises(ValueError, match="8k \\+ 1"):
        pipeline("a ball", torch.zeros(1, 3, 5, 32, 32), torch.ones(1, 1, 5, 32, 32), num_inference_steps=1, output_type="pt")


def test_missing_or_mismatched_conditions_are_refused() -> None:
    pipeline = VividPipeline(**_parts())
    with pytest.raises(ValueError, match="video and mask"):
        pipeline("a ball")
    with pytest.raises(ValueError, match="2 videos don't fit 1 captions"):
        pipeline("a ball", torch.zeros(2, 3, 1, 32, 32), torch.zeros(2, 1, 1, 32, 32), num_inference_steps=1)


def test_a_callback_can_stop_and_can_replace_the_latents() -> None:
    pipeline = VividPipeline(**_parts())
    pipeline.set_progress_bar_config(disable=True)
    conditions = torch.zeros(1, 3, 1, 32, 32), torch.ones(1, 1, 1, 32, 32)
    zeros = pipeline(
        "a ball",
        *conditions,
        num_inference_steps=2,
        output_type="latent",
        callback_on_step_end=lambda pipe, step, timestep, tensors: {"latents": torch.zeros_like(tensors["latents"])},
    ).frames
    assert zeros.abs().max() == 0

    steps = []

    def stop(pipe: Any, step: int, timestep: Any, tensors: Any) -> Any:
        steps.append(step)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pipeline("a ball", *conditions, num_inference_steps=5, callback_on_step_end=stop)
    assert steps == [0]


def test_strength_starts_later_from_the_noised_guess() -> None:
    parts = _parts()
    pipeline = VividPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    seen = _watched(pipeline)
    noise, guess = torch.randn(1, 1, 4, 4, 4), torch.randn(1, 1, 4, 4, 4)
    settings = {"latents": noise, "num_inference_steps": 4, "guidance_scale": 1.0, "output_type": "latent"}
    conditions = torch.zeros(1, 3, 1, 32, 32), torch.ones(1, 1, 1, 32, 32)
    pipeline("a ball", *conditions, init_latents=guess, strength=0.5, **settings)
    assert len(seen) == 2
    alpha = parts["scheduler"].alphas_cumprod[parts["scheduler"].timesteps[2]].float()
    torch.testing.assert_close(seen[0][:, :, :4], alpha.sqrt() * guess + (1 - alpha).sqrt() * noise)
    whole = pipeline("a ball", *conditions, init_latents=guess, strength=1.0, **settings).frames
    assert torch.equal(whole, pipeline("a ball", *conditions, **settings).frames)
    with pytest.raises(ValueError, match="strength of 0"):
        pipeline("a ball", *conditions, init_latents=guess, strength=0, **settings)


def test_widening_keeps_the_old_weights_where_the_layout_puts_the_noise() -> None:
    base = _base_transformer(2)
    old = base.patch_embed.proj.weight.clone()
    layout = ChannelLayout.parse("mask,masked,noise")
    widen_patch_embedding(base, layout)
    widen_patch_embedding(base, layout)  # a second time changes nothing
    new = base.patch_embed.proj.weight
    assert new.shape[1] == base.config.in_channels == 9
    assert torch.equal(new[:, 5:], old)
    assert new[:, :5].abs().max() == 0
    with pytest.raises(ValueError, match="9 input channels"):
        widen_patch_embedding(base, ChannelLayout(mask_channels=2))
