"""RAM's network, part by part against other implementations of the same."""

from __future__ import annotations

import re

import core.compat  # noqa: F401  isort: skip  (before timm imports torchvision)

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, layer_norm

from core.curation.ram_network import build_ram, HEADS, RamNetwork, RamSizes

SIZES = RamSizes(tags=5, embed_dim=8, depths=(2, 2), heads=(2, 4), window=2, words=6, hidden=8, feedforward=12, layers=2)


def published(sizes: RamSizes) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """A Swin of timm with random weights, and a checkpoint named as RAM's that holds it."""
    timm = pytest.importorskip("timm.models.swin_transformer")
    torch.manual_seed(0)
    given = {"embed_dim": sizes.embed_dim, "depths": sizes.depths, "num_heads": sizes.heads, "window_size": sizes.window}
    swin = timm.SwinTransformer(img_size=sizes.side, patch_size=4, num_classes=0, **given).eval()
    for part in (swin, network := RamNetwork(sizes)):
        for values in part.parameters():
            nn.init.normal_(values, std=0.3)
    weights = {key: value for key, value in network.state_dict().items() if not key.startswith("visual_encoder.")}
    for key, value in swin.state_dict().items():  # timm has a stage begin with what ends the one before
        name = re.sub(r"^layers\.(\d+)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", key)
        weights[f"visual_encoder.{name}"] = value
    weights["visual_encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(1)
    weights["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(3, 6)
    return swin, weights


@torch.inference_mode()
def test_ram_answers_as_its_parts_do() -> None:
    swin, weights = published(SIZES)
    network = build_ram(weights)
    assert network.sizes == SIZES
    pictures = torch.randn(2, 3, SIZES.side, SIZES.side)
    grid = swin.forward_features(pictures).flatten(1, 2)
    seen = network.image_proj(torch.cat([grid.mean(1, keepdim=True), grid], 1))
    asked = torch.relu(network.wordvec_proj(weights["label_embed"])).expand(2, -1, -1)
    for number in range(SIZES.layers):
        layer = {key.split(f"layer.{number}.")[1]: value for key, value in weights.items() if f"layer.{number}." in key}
        attention = nn.MultiheadAttention(SIZES.hidden, HEADS, kdim=SIZES.words, vdim=SIZES.words, batch_first=True)
        parts = {f"{name[0]}_proj_weight": layer[f"crossattention.self.{name}.weight"] for name in ("query", "key", "value")}
        parts["in_proj_bias"] = torch.cat([layer[f"crossattention.self.{name}.bias"] for name in ("query", "key", "value")])
        parts |= {f"out_proj.{name}": layer[f"crossattention.output.dense.{name}"] for name in ("weight", "bias")}
        attention.load_state_dict(parts)
        asked = asked + attention(asked, seen, seen)[0]
        asked = layer_norm(
            asked, (SIZES.hidden,), *(layer[f"crossattention.output.LayerNorm.{name}"] for name in ("weight", "bias")), 1e-12
        )
        wide = gelu(asked @ layer["intermediate.dense.weight"].T + layer["intermediate.dense.bias"])
        asked = asked + wide @ layer["output.dense.weight"].T + layer["output.dense.bias"]
        asked = layer_norm(asked, (SIZES.hidden,), layer["output.LayerNorm.weight"], layer["output.LayerNorm.bias"], 1e-12)
    wanted = (asked @ weights["fc.weight"].T + weights["fc.bias"]).squeeze(-1)
    assert torch.allclose(network(pictures), wanted, atol=1e-5)


def test_another_network_is_not_taken_for_ram() -> None:
    _, weights = published(SIZES)
    for lost in ("fc.weight", "label_embed", "visual_encoder.layers.1.blocks.0.mlp.fc1.weight"):
        with pytest.raises((LookupError, RuntimeError)):
            build_ram({key: value for key, value in weights.items() if key != lost})
