"""RAM's network, part by part against other implementations of the same."""

from __future__ import annotations

import pytest
import torch
from tiny_models import ram_checkpoint
from torch import nn
from torch.nn.functional import gelu, layer_norm

from core.curation.ram_network import build_ram, HEADS, RamSizes

SIZES = RamSizes(tags=5, embed_dim=8, depths=(2, 2), heads=(2, 4), window=2, words=6, hidden=8, feedforward=12, layers=2)


@torch.inference_mode()
def test_ram_answers_as_its_parts_do() -> None:
    swin, weights = ram_checkpoint(SIZES)
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
    _, weights = ram_checkpoint(SIZES)
    for lost in ("fc.weight", "label_embed", "visual_encoder.layers.1.blocks.0.mlp.fc1.weight"):
        with pytest.raises((LookupError, RuntimeError)):
            build_ram({key: value for key, value in weights.items() if key != lost})
