"""What makes the small network fast leaves its answers alone: pooled memory, merged convolutions,
the neck's positions, other attention, bfloat16.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before sam2 imports torchvision)

from dataclasses import replace

import pytest
import torch
from sam2.modeling.backbones.image_encoder import FpnNeck
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.models.device import has_fast_bfloat16
from core.segment.attention import attend
from core.segment.inference import merge_convolutions, shorten, speed_up
from core.segment.network import build_network, Sam2Config
from core.training.small.sam2_tracking import BatchTracker

SIZES = Sam2Config(64, 8, (1, 1, 2, 1), (4, 4, 4, 2), 32, 16, 2, 32, 4, 3)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def networks() -> tuple[SAM2Base, SAM2Base]:
    """The same weights, with memory as it is and pooled."""
    torch.manual_seed(2)
    plain, pooled = build_network(SIZES).eval(), build_network(replace(SIZES, pooled_memory=True)).eval()
    pooled.load_state_dict(plain.state_dict())
    return plain, pooled


@torch.no_grad()
def recalled(network: SAM2Base, frames: int) -> Tensor:
    """The features of a frame with the memory of a prompted one and of `frames` after it."""
    torch.manual_seed(5)
    tracker = BatchTracker(network)
    first, *others = tracker.encode(torch.rand(2, 2, 3, 64, 64), 1)
    points = (torch.full((2, 1, 2), 32.0), torch.ones(2, 1, dtype=torch.int32))
    answer = tracker.decode(first, tracker.plain(first), points, None, True)
    memory = tracker.remember(first, answer)
    return tracker.recall(others[0], memory, [memory] * frames, torch.ones(()), 2)


def test_pooled_memory_reads_the_prompted_frame_as_it_is() -> None:
    plain, pooled = networks()
    assert torch.allclose(recalled(plain, 0), recalled(pooled, 0), atol=1e-5)


def test_pooled_memory_reads_later_frames_at_half_their_resolution() -> None:
    """Like the plain one where memory is the same in every block of cells, but for positions."""
    plain, pooled = networks()
    assert recalled(pooled, 2).shape == recalled(plain, 2).shape
    assert not torch.allclose(recalled(plain, 2), recalled(pooled, 2), atol=1e-5)
    for network in (plain, pooled):
        for layer in network.memory_attention.layers:  # without positions, and with one value everywhere, pooling changes nothing
            torch.nn.init.zeros_(layer.cross_attn_image.k_proj.weight)
            torch.nn.init.zeros_(layer.cross_attn_image.v_proj.weight)
    assert torch.allclose(recalled(plain, 2), recalled(pooled, 2), atol=1e-5)


def test_pooled_memory_calculates_in_bfloat16_where_its_weights_are() -> None:
    _, pooled = networks()
    exact = recalled(pooled, 2)
    pooled.memory_attention.bfloat16()
    rough = recalled(pooled, 2)
    assert rough.dtype == torch.float32
    assert (rough - exact).norm() < 0.03 * exact.norm()


@torch.no_grad()
def test_merged_convolutions_and_the_neck_answer_as_before() -> None:
    network, _ = networks()
    pictures = torch.rand(1, 3, 64, 64)
    expected = network.forward_image(pictures)["backbone_fpn"]
    neck, levels = network.image_encoder.neck, network.image_encoder.trunk(pictures)
    theirs, positions = FpnNeck.forward(neck, levels)
    found, own = neck(levels)
    assert all(torch.equal(one, other) for one, other in zip(found, theirs, strict=True))
    assert torch.equal(own[2], positions[2])  # of the level that the memory sees; of the others only the size is read
    assert [each.shape[2:] for each in own] == [each.shape[2:] for each in positions]
    merge_convolutions(network)
    merged = network.forward_image(pictures)["backbone_fpn"]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(merged, expected, strict=True))


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 256])  # few and many rows at a time
def test_a_network_that_was_sped_up_answers_as_before(side: int) -> None:
    torch.manual_seed(3)
    network = build_network(replace(SIZES, image_size=side)).eval()
    pictures, masks = torch.rand(1, 3, side, side), torch.randn(1, 1, side, side)

    def answers() -> list[Tensor]:
        levels = network.forward_image(pictures)["backbone_fpn"]
        return [*levels, network.memory_encoder(levels[-1], masks, skip_mask_sigmoid=True)["vision_features"]]

    expected = answers()
    speed_up(network, "cpu")
    allowed = 0.02 if has_fast_bfloat16() else 1e-4  # memory is written in bfloat16 there
    for found, known in zip(answers(), expected, strict=True):
        assert (found - known).norm() < allowed * known.norm()
    shorten(network.image_encoder)
    for found, known in zip(answers(), expected, strict=True):
        assert found.dtype == torch.float32
        assert (found - known).norm() < 0.05 * known.norm()


@torch.inference_mode()
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_attention_finds_what_the_fused_one_finds(kind: torch.dtype) -> None:
    torch.manual_seed(4)
    query, key, value = (torch.randn(2, count, 3, 8).to(kind).transpose(1, 2) for count in (300, 70, 70))  # as heads lie in a network
    expected = torch.nn.functional.scaled_dot_product_attention(query.float(), key.float(), value.float())
    found = attend(query, key, value)
    assert found.shape == expected.shape
    assert found.dtype == kind
    assert (found.float() - expected).norm() < 0.02 * expected.norm()
