"""What the denoiser is told: values by hand on small cases."""

from __future__ import annotations

import pytest
import torch

from core.errors import InputError
from core.vivid.conditioning import denoiser_input, latent_mask, masked_video, with_keyframe
from core.vivid.layout import ChannelLayout
from core.vivid.pixels import mask_to_model, to_frames, to_model


@pytest.mark.parametrize(("frame", "latent"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (8, 2), (9, 3), (12, 3)])
def test_a_pixel_of_one_frame_reaches_exactly_its_latent_frame(frame: int, latent: int) -> None:
    mask = torch.zeros(1, 1, 13, 16, 24)
    mask[0, 0, frame, 9, 17] = 1
    grid = latent_mask(mask)
    assert grid.shape == (1, 4, 1, 2, 3)
    assert grid.nonzero().tolist() == [[0, latent, 0, 1, 2]]


def test_motion_inside_a_latent_frame_covers_its_whole_path() -> None:
    mask = torch.zeros(1, 1, 5, 8, 32)
    for frame in range(1, 5):
        mask[0, 0, frame, 3, 8 * (frame - 1)] = 1
    assert latent_mask(mask)[0, :, 0].tolist() == [[[0, 0, 0, 0]], [[1, 1, 1, 1]]]


def test_one_frame_is_a_video_of_one_latent() -> None:
    mask = torch.zeros(1, 1, 1, 8, 8)
    mask[..., 7, 7] = 1
    assert latent_mask(mask).tolist() == [[[[[1]]]]]


@pytest.mark.parametrize("frames", [2, 4, 16])
def test_other_frame_counts_are_refused(frames: int) -> None:
    with pytest.raises(ValueError, match=f"not {frames}"):
        latent_mask(torch.zeros(1, 1, frames, 8, 8))


def test_the_region_is_black_in_the_masked_video_and_the_rest_is_kept() -> None:
    pixels = torch.linspace(-1, 1, 3 * 4).view(1, 3, 1, 2, 2)
    mask = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 1, 1, 2, 2)
    result = masked_video(pixels, mask)
    assert (result[..., 0, 0] == -1).all()
    assert (result[..., 1, 1] == -1).all()
    assert torch.equal(result[..., 0, 1], pixels[..., 0, 1])
    assert torch.equal(result[..., 1, 0], pixels[..., 1, 0])


def test_a_keyframe_replaces_frame_0_and_clears_its_mask_and_nothing_else() -> None:
    pixels, mask, key = torch.rand(1, 3, 5, 8, 8), torch.ones(1, 1, 5, 8, 8), torch.rand(1, 3, 1, 8, 8)
    new_pixels, new_mask = with_keyframe(pixels, mask, key)
    assert torch.equal(new_pixels[:, :, :1], key)
    assert torch.equal(new_pixels[:, :, 1:], pixels[:, :, 1:])
    assert new_mask[:, :, 0].max() == 0
    assert new_mask[:, :, 1:].min() == 1
    with pytest.raises(ValueError, match="does not fit"):
        with_keyframe(pixels, mask, torch.rand(1, 3, 1, 4, 8))


def test_the_default_layout_is_the_training_input() -> None:
    noise, mask, masked = torch.rand(2, 3, 4, 2, 2), torch.rand(2, 3, 1, 2, 2), torch.rand(2, 3, 4, 2, 2)
    layout = ChannelLayout.parse("noise,mask,masked")
    assert torch.equal(layout.arrange(noise, mask, masked), denoiser_input(noise, mask, masked))
    assert layout.channels(4) == 9


def test_a_layout_is_data() -> None:
    noise, mask, masked = torch.rand(1, 1, 4, 2, 2), torch.rand(1, 1, 2, 2, 2), torch.rand(1, 1, 4, 2, 2)
    layout = ChannelLayout.parse("masked, noise, mask", mask_channels=2)
    combined = layout.arrange(noise, mask, masked)
    for part, tensor in (("noise", noise), ("mask", mask), ("masked", masked)):
        assert torch.equal(combined[:, :, layout.place(part, 4)], tensor)
    assert str(layout) == "masked,noise,mask"
    with pytest.raises(ValueError, match="1 channels"):
        layout.arrange(noise, mask[:, :, :1], masked)


@pytest.mark.parametrize("text", ["noise,mask", "noise,mask,mask", "noise,mask,image", ""])
def test_an_unknown_layout_names_what_it_has_to_be(text: str) -> None:
    with pytest.raises(InputError, match="noise, mask, masked"):
        ChannelLayout.parse(text)


def test_pixels_survive_the_way_to_the_model_and_back() -> None:
    frames = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 16, 16, 3).numpy()
    assert (to_frames(to_model(frames)[0]) == frames).all()
    assert to_model(frames).min() == -1
    assert to_model(frames).max() == 1
    assert mask_to_model(frames[..., 0] > 100).unique().tolist() == [0, 1]
