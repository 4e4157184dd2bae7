"""What makes a small network that only answers faster. Its weights no longer fit a package's then,
and it can't be trained any more.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F
from sam2.modeling.backbones.hieradet import do_pool, MultiScaleAttention
from sam2.modeling.sam2_base import SAM2Base
from sam2.modeling.sam2_utils import LayerNorm2d, MLP
from torch import nn, Tensor

from core.models.device import has_fast_bfloat16
from core.segment.attention import attend
from core.segment.memory import PooledMemoryAttention

_ROWS = 2048  # of a long list of vectors at a time, so that what lies between two layers stays in a core's cache


def speed_up(network: SAM2Base, device: str) -> None:
    """Rearrange a small network before it goes to `device`; most of it suits processors only.

    Where bfloat16 is fast, memory is written and attended to in it; core.segment.loading does the
    same for the image encoder.
    """
    merge_convolutions(network)
    encoder, memory = network.image_encoder, network.memory_encoder
    memory.to(memory_format=torch.channels_last)
    if device != "cpu":
        return
    encoder.trunk.patch_embed.to(memory_format=torch.channels_last)
    for block in encoder.trunk.blocks:
        block.attn.__class__, block.mlp.__class__, block.norm1.__class__, block.norm2.__class__ = _Attention, _Mlp, _Norm, _Norm
    for module in memory.modules():
        if isinstance(module, LayerNorm2d):
            module.__class__ = _ChannelNorm
    if has_fast_bfloat16():
        shorten(memory)
        if isinstance(network.memory_attention, PooledMemoryAttention):
            network.memory_attention.bfloat16()


def shorten(part: nn.Module) -> None:
    """Let a part of a network calculate in bfloat16; what it takes and gives stays float32.

    SAM 2's own programs run all of the network so.
    """
    part.bfloat16()
    part.register_forward_pre_hook(lambda _, inputs: tuple(_cast(value, torch.bfloat16) for value in inputs))
    part.register_forward_hook(lambda _module, _inputs, output: _cast(output, torch.float32))


def merge_convolutions(network: SAM2Base) -> None:
    """Make one convolution of two that follow each other on the two finest levels, where nothing
    else reads what lies between them.
    """
    decoder, convolutions = network.sam_mask_decoder, network.image_encoder.neck.convs
    for level, name in enumerate(("conv_s0", "conv_s1")):
        first, second = convolutions[len(convolutions) - 1 - level].conv, getattr(decoder, name)
        merged = nn.Conv2d(first.in_channels, second.out_channels, 1).requires_grad_(False)
        state = {
            "weight": torch.einsum("om,mi->oi", second.weight[..., 0, 0], first.weight[..., 0, 0])[..., None, None],
            "bias": second.weight[..., 0, 0] @ first.bias + second.bias,
        }
        merged.load_state_dict(state)
        convolutions[len(convolutions) - 1 - level] = nn.Sequential(OrderedDict(conv=merged))
        setattr(decoder, name, nn.Identity())


class _Attention(MultiScaleAttention):
    """The package's attention, by way of core.segment.attention."""

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, _ = x.shape
        q, k, v = self.qkv(x).split(self.dim_out, -1)
        if self.q_pool:
            q = do_pool(q.contiguous(), self.q_pool)
            height, width = q.shape[1:3]
        q, k, v = (part.reshape(batch, -1, self.num_heads, self.dim_out // self.num_heads).transpose(1, 2) for part in (q, k, v))
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(batch, height, width, -1))


class _Mlp(MLP):
    """The package's two layers, a few rows at a time."""

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, -2)
        if len(rows) <= _ROWS:
            return super().forward(x)
        out = torch.empty_like(rows)
        for few, into in zip(rows.split(_ROWS), out.split(_ROWS), strict=True):
            into.copy_(super().forward(few))
        return out.view(x.shape)


class _Norm(nn.LayerNorm):
    """The same norm in float32: torch's own for short vectors of bfloat16 takes twice as long."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps).to(x.dtype)


class _ChannelNorm(LayerNorm2d):
    """The package's norm over channels as one operator, for pictures whose channels lie together.
    Very few of them are faster plane by plane.
    """

    def forward(self, x: Tensor) -> Tensor:
        if len(self.weight) < 8:
            return super().forward(x.contiguous())
        return F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


def _cast(values: Any, kind: torch.dtype) -> Any:
    if isinstance(values, dict):
        return {key: _cast(value, kind) for key, value in values.items()}
    if isinstance(values, list):
        return [_cast(value, kind) for value in values]
    return values.to(kind) if isinstance(values, Tensor) else values
