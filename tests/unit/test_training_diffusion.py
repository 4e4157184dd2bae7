"""The loss of vivid-5b against CogVideoX's own scheduler and against numbers by hand; what moves
the weights.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)


import pytest
import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXDPMScheduler

from core.project.tracks import FORMS
from core.training.adapter.config import Vivid5bConfig
from core.training.adapter.flops import count_flops, count_tokens
from core.training.adapter.step import draw_noise, draw_timesteps
from core.training.common.diffusion import noised, spread_timesteps, velocity_loss
from core.training.datasets.conditions import draw_caption, draw_conditions

SCHEDULERS = [
    CogVideoXDDIMScheduler(
        beta_schedule="scaled_linear", prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=shift, clip_sample=False
    )
    for shift in (1.0, 3.0)
]
"""As CogVideoX-5B and -2B have it."""


def example() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 2, 4, 5, 5, generator=generator), torch.randn(3, 2, 4, 5, 5, generator=generator)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_noise_and_velocity_are_the_schedulers(scheduler: CogVideoXDDIMScheduler) -> None:
    latent, noise = example()
    steps = torch.tensor([0, 437, 999])
    noisy, velocity = noised(latent, noise, scheduler.alphas_cumprod.float()[steps].view(-1, 1, 1, 1, 1))
    torch.testing.assert_close(noisy, scheduler.add_noise(latent, noise, steps))
    torch.testing.assert_close(velocity, CogVideoXDPMScheduler.from_config(scheduler.config).get_velocity(latent, noise, steps))
    assert float(scheduler.alphas_cumprod[999]) == 0
    torch.testing.assert_close(noisy[2], noise[2])
    torch.testing.assert_close(velocity[2], -latent[2])


def test_the_loss_is_cogvideoxs_weighted_error_of_the_clean_latent() -> None:
    """Their trainer: clean latent from the velocity, squared error times 1 / (1 - alpha)."""
    scheduler = SCHEDULERS[0]
    latent, noise = example()
    steps = torch.tensor([12, 437, 999])
    alpha = scheduler.alphas_cumprod.float()[steps].view(-1, 1, 1, 1, 1)
    noisy, velocity = noised(latent, noise, alpha)
    predicted = velocity + torch.randn(velocity.shape, generator=torch.Generator().manual_seed(1))
    clean = alpha.sqrt() * noisy - (1 - alpha).sqrt() * predicted
    theirs = ((clean - latent).square() / (1 - alpha)).mean()
    assert float(velocity_loss(predicted, velocity, torch.zeros(3, 2, 1, 5, 5))) == pytest.approx(float(theirs), rel=1e-4)


def test_the_loss_by_hand() -> None:
    predicted, velocity, mask = torch.zeros(1, 1, 1, 5, 5), torch.zeros(1, 1, 1, 5, 5), torch.zeros(1, 1, 1, 5, 5)
    mask[..., 0, 0] = 1
    predicted[..., 0, 0], predicted[..., 4, 4] = 3.0, 5.0
    assert float(velocity_loss(predicted, velocity, mask)) == pytest.approx((9 + 25) / 25)
    # The cell of the mask and its three neighbours weigh 1, the other 21 weigh 0.2; weights sum to
    # 8.2.
    assert float(velocity_loss(predicted, velocity, mask, outside=0.2)) == pytest.approx((9 + 0.2 * 25) / 8.2)


def test_time_steps_are_spread_over_the_samples_of_a_step() -> None:
    assert spread_timesteps(torch.zeros(4)).tolist() == [0, 250, 500, 750]
    assert spread_timesteps(torch.tensor([0.5, 0.999999, 0.0, 0.25])).tolist() == [125, 499, 500, 812]
    alone = torch.cat([draw_timesteps(0, step, 1) for step in range(4000)])
    assert int(alone.min()) >= 0
    assert int(alone.max()) <= 999
    assert torch.histc(alone.float(), 4, 0, 1000).tolist() == pytest.approx([1000] * 4, rel=0.1), "alone it is uniform"


def test_noise_belongs_to_the_sample_not_to_the_batch() -> None:
    together = draw_noise(7, "video", (3, 4), torch.Size((2, 3, 4, 5, 5)))
    assert torch.equal(together[1:], draw_noise(7, "video", (4,), torch.Size((1, 3, 4, 5, 5))))
    assert not torch.equal(together[:1], draw_noise(8, "video", (3,), torch.Size((1, 3, 4, 5, 5))))


def test_conditions_are_drawn_as_the_paper_says() -> None:
    config = Vivid5bConfig()
    drawn = [draw_conditions(config, f"record {number}", "video", 0) for number in range(3000)]
    for form in FORMS:
        share = sum(one.adjustment.form == form for one in drawn) / len(drawn)
        assert share == pytest.approx(1 / 6, abs=0.03), f"six forms alike: {form}"
    assert sum(one.keyframe for one in drawn) / len(drawn) == pytest.approx(0.5, abs=0.03)
    widths = {one.adjustment.pixels for one in drawn if one.adjustment.form.endswith("expand")}
    assert (min(widths), max(widths)) == (config.expand_from, config.expand_to)
    assert not any(draw_conditions(config, f"record {number}", "image", 0).keyframe for number in range(50)), "an image has no keyframe"
    again = [draw_conditions(config, "one", "video", visit) for visit in range(20)]
    assert again == [draw_conditions(config, "one", "video", visit) for visit in range(20)]
    assert len(set(again)) > 5, "each visit is drawn anew"


def test_captions_of_all_lengths_and_sometimes_none() -> None:
    config = Vivid5bConfig(caption_drop=0.1)
    texts = [draw_caption(config, f"record {number}", ("short", "medium", "long"), 0) for number in range(3000)]
    assert texts.count("") / 3000 == pytest.approx(0.1, abs=0.02)
    assert all(texts.count(length) / 3000 == pytest.approx(0.3, abs=0.03) for length in ("short", "medium", "long"))


def test_floating_point_operations_of_the_paper() -> None:
    """17.1 PFLOP for 50 guided steps of a video is what the linear layers take; with attention it
    is 33.2.
    """
    tokens = count_tokens(49, 480, 720, 226)
    assert tokens == 226 + 13 * 30 * 45
    flops = count_flops(["none"] * 42, 3072, tokens, 0)
    assert 100 * flops.forward == pytest.approx(33.2e15, rel=0.01)
    linear = 24 * 3072**2 * tokens * 42
    assert 100 * linear == pytest.approx(17.1e15, rel=0.02)
    attention = flops.forward - linear
    assert flops.needed == pytest.approx(2 * linear + 3 * attention)
    assert count_flops(["block"] * 42, 3072, tokens, 0).executed == pytest.approx(flops.needed + attention / 2 + flops.forward)
