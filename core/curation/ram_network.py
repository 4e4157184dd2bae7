"""The network of RAM (Recognize Anything): a Swin transformer looks at a picture, and a decoder
asks it for each tag whether that is there.

The parts and the names of the decoder's weights are those of the published checkpoint, which this
reads; Swin is that of transformers, under whose names `swin_weights` puts the checkpoint's. RAM's
text encoder and its writer of captions are left out: tagging does not use them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn, Tensor
from transformers import SwinConfig, SwinModel

HEADS = 4
"""Of the decoder's attention, in every published size."""
_STRIDE = 32
"""Pixels of a side that Swin makes one of its last grid; RAM's pictures are one window of it."""

_SWIN_NAMES = (
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
    (r"^patch_embed\.norm", "embeddings.norm"),
    (r"^layers\.", "encoder.layers."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.o_proj."),
    (r"\.attn\.relative_position_bias_table", ".attention.relative_position_bias.relative_position_bias_table"),
    (r"^norm\.", "layernorm."),
)


@dataclass(frozen=True)
class RamSizes:
    """Sizes of the network; the published one's without. Pictures are squares of `window` times 32
    pixels; `words` is the width in which tags are embedded."""

    tags: int = 4585
    embed_dim: int = 192
    depths: tuple[int, ...] = (2, 2, 18, 2)
    heads: tuple[int, ...] = (6, 12, 24, 48)
    window: int = 12
    words: int = 512
    hidden: int = 768
    feedforward: int = 3072
    layers: int = 2

    @property
    def side(self) -> int:
        """Of the pictures, in pixels."""
        return _STRIDE * self.window

    @classmethod
    def of(cls, weights: dict[str, Tensor]) -> RamSizes:
        """Read the sizes off a checkpoint. LookupError when it is none of RAM."""
        swin, table = "visual_encoder.layers", "attn.relative_position_bias_table"
        stages = _count(weights, rf"{re.escape(swin)}\.(\d+)\.")
        depths = tuple(_count(weights, rf"{re.escape(swin)}\.{stage}\.blocks\.(\d+)\.") for stage in range(stages))
        first = weights[f"{swin}.0.blocks.0.{table}"]
        return cls(
            tags=weights["label_embed"].shape[0],
            embed_dim=weights["visual_encoder.patch_embed.proj.weight"].shape[0],
            depths=depths,
            heads=tuple(weights[f"{swin}.{stage}.blocks.0.{table}"].shape[1] for stage in range(stages)),
            window=(round(first.shape[0] ** 0.5) + 1) // 2,
            words=weights["image_proj.weight"].shape[0],
            hidden=weights["fc.weight"].shape[1],
            feedforward=weights["tagging_head.encoder.layer.0.intermediate.dense.weight"].shape[0],
            layers=_count(weights, r"tagging_head\.encoder\.layer\.(\d+)\."),
        )


def _count(weights: dict[str, Tensor], pattern: str) -> int:
    return len({found[1] for key in weights if (found := re.match(pattern, key))})


class RamNetwork(nn.Module):
    """Pictures to logits of tags."""

    def __init__(self, sizes: RamSizes) -> None:
        super().__init__()
        self.sizes = sizes
        config = SwinConfig(
            image_size=sizes.side,
            embed_dim=sizes.embed_dim,
            depths=list(sizes.depths),
            num_heads=list(sizes.heads),
            window_size=sizes.window,
            drop_path_rate=0.0,
        )
        self.visual_encoder = SwinModel(config, add_pooling_layer=False)
        self.image_proj = nn.Linear(sizes.embed_dim * 2 ** (len(sizes.depths) - 1), sizes.words)
        self.label_embed = nn.Parameter(torch.zeros(sizes.tags, sizes.words))
        self.wordvec_proj = nn.Linear(sizes.words, sizes.hidden) if sizes.words != sizes.hidden else nn.Identity()
        layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.layers))
        self.tagging_head: Any = nn.ModuleDict({"encoder": nn.ModuleDict({"layer": layers})})
        self.fc = nn.Linear(sizes.hidden, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (B, tags) of pictures (B, 3, side, side), normalised as ImageNet's."""
        seen = self.visual_encoder(pixel_values=pictures).last_hidden_state
        seen = self.image_proj(torch.cat([seen.mean(1, keepdim=True), seen], 1))
        asked = F.relu(self.wordvec_proj(self.label_embed)).expand(len(pictures), -1, -1)
        for layer in self.tagging_head["encoder"]["layer"]:
            asked = layer(asked, seen)
        logits: Tensor = self.fc(asked).squeeze(-1)
        return logits


class _Layer(nn.Module):
    """A layer of BERT without its attention among the tags."""

    def __init__(self, sizes: RamSizes) -> None:
        super().__init__()
        hidden = sizes.hidden
        parts = {name: nn.Linear(hidden if name == "query" else sizes.words, hidden) for name in ("query", "key", "value")}
        self.crossattention: Any = nn.ModuleDict({"self": nn.ModuleDict(parts), "output": _added(hidden, hidden)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(hidden, sizes.feedforward)})
        self.output = _added(sizes.feedforward, hidden)

    def forward(self, asked: Tensor, seen: Tensor) -> Tensor:
        parts = self.crossattention["self"]
        query, key, value = (
            parts[name](given).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for name, given in (("query", asked), ("key", seen), ("value", seen))
        )
        found = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        asked = _add(self.crossattention["output"], found, asked)
        return _add(self.output, F.gelu(self.intermediate["dense"](asked)), asked)


def _added(given: int, hidden: int) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(given, hidden), "LayerNorm": nn.LayerNorm(hidden, eps=1e-12)})


def _add(part: nn.ModuleDict, found: Tensor, before: Tensor) -> Tensor:
    summed: Tensor = part["LayerNorm"](part["dense"](found) + before)
    return summed


def swin_weights(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a Swin as its authors name them, as transformers does."""
    renamed: dict[str, Tensor] = {}
    for key, value in weights.items():
        if key.endswith(("relative_position_index", "attn_mask")):
            continue  # computed
        for pattern, name in _SWIN_NAMES:
            key = re.sub(pattern, name, key)
        if ".attn.qkv." in key:
            for part, each in zip("qkv", value.chunk(3), strict=True):
                renamed[key.replace(".attn.qkv.", f".attention.{part}_proj.")] = each
        else:
            renamed[key] = value
    return renamed


def build_ram(weights: dict[str, Tensor]) -> RamNetwork:
    """The network that a checkpoint's weights belong to, with them.

    LookupError or RuntimeError when it is none of RAM.
    """
    named = {key.replace("vision_multi", "tagging_head", 1): value for key, value in weights.items()}
    network = RamNetwork(RamSizes.of(named))
    prefix = "visual_encoder."
    swin = swin_weights({key.removeprefix(prefix): value for key, value in named.items() if key.startswith(prefix)})
    others = {key: value for key, value in named.items() if not key.startswith(prefix)}
    there = network.state_dict()
    network.load_state_dict({key: value for key, value in others.items() if key in there} | {prefix + key: swin[key] for key in swin})
    return network.eval().requires_grad_(False)
