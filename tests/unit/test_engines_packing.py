"""The region as each engine reads it: values by hand on small cases."""

from __future__ import annotations

import pytest
import torch

from core.engines.loading import engine_modules
from core.engines.packing import pack_mask
from core.vivid.conditioning import latent_mask
from core.vivid.contract import MaskRule
from core.vivid.model import VIVID

UNSHUFFLED = MaskRule(latent="unshuffled")


@pytest.mark.parametrize(("frame", "latent"), [(0, 0), (1, 1), (4, 1), (5, 2), (8, 2)])
def test_a_pixel_of_one_frame_has_a_channel_of_its_latent(frame: int, latent: int) -> None:
    mask = torch.zeros(1, 1, 9, 16, 24)
    mask[0, 0, frame, 9, 18] = 1  # row 1 and column 2 of its latent: the eleventh of 64 pixels
    packed = pack_mask(mask, UNSHUFFLED, 8, 4)
    assert packed.shape == (1, 64, 3, 2, 3)
    assert packed.nonzero().tolist() == [[0, 8 + 2, latent, 1, 2]]


def test_motion_inside_a_latent_leaves_its_whole_path() -> None:
    mask = torch.zeros(1, 1, 5, 2, 4)
    for frame in range(1, 5):
        mask[0, 0, frame, 1, frame - 1] = 1
    packed = pack_mask(mask, UNSHUFFLED, 2, 4)
    assert packed[0, :, 0].max() == 0
    assert packed[0, :, 1].tolist() == [[[0, 0]], [[0, 0]], [[1, 1]], [[1, 1]]]


def test_a_kept_first_frame_is_kept_in_its_latent() -> None:
    mask = torch.ones(1, 1, 9, 8, 8)
    mask[:, :, 0] = 0
    assert [float(one) for one in pack_mask(mask, UNSHUFFLED, 8, 4).mean((0, 1, 3, 4))] == [0, 1, 1]
    assert [float(one) for one in pack_mask(mask, MaskRule(), 8, 4).flatten()] == [0, 1, 1]


def test_a_resized_mask_is_the_mean_of_what_is_nearest_and_frame_0_stands_alone() -> None:
    mask = torch.zeros(1, 1, 9, 8, 8)
    mask[:, :, 0] = 1
    mask[:, :, 3] = 1  # of frames 1 to 4 the middle two count, half each
    mask[:, :, 6:8] = 1
    keep = pack_mask(mask, MaskRule("keep", "resized", 0.7), 8, 4)
    assert keep.flatten().tolist() == pytest.approx([0, 0.5 * 0.7, 0])
    half = torch.zeros(1, 1, 1, 8, 8)
    half[..., 4:] = 1  # the middle two rows and columns of a latent count
    assert pack_mask(half, MaskRule(latent="resized"), 8, 4).item() == pytest.approx(0.5)


@pytest.mark.parametrize("rule", [MaskRule(), UNSHUFFLED, MaskRule("keep", "resized")])
def test_other_frame_counts_are_refused(rule: MaskRule) -> None:
    with pytest.raises(ValueError, match="not 4"):
        pack_mask(torch.zeros(1, 1, 4, 8, 8), rule, 8, 4)


def test_what_vivid_declares_is_what_its_denoiser_was_trained_with() -> None:
    mask = (torch.rand(2, 1, 9, 16, 24) > 0.9).float()
    assert torch.equal(pack_mask(mask, VIVID.mask, 8, 4).transpose(1, 2), latent_mask(mask))


def test_every_engine_declares_sizes_that_agree() -> None:
    declared = [VIVID, *(module.DECLARED for module in engine_modules())]
    assert len({one.title for one in declared}) == len(declared) > 1
    for one in declared:
        assert (one.window_frames - 1) % one.frame_unit == 0
        assert not any(side % one.size_unit for side in one.working_size)
        assert set(one.tasks) == {"add", "modify", "delete", "propagate"}
