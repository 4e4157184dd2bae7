"""Attention of the denoiser's blocks with one product for query, key and value, and a kernel that
is chosen here.

diffusers calls PyTorch's own choice, and what is compiled keeps the kernel of its first call.
"""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import apply_rotary_emb
from diffusers.models.transformers.transformer_wan import WanAttention
from torch import nn, Tensor


class FusedAttention:
    """A processor of diffusers' `Attention` that computes what CogVideoX's own does."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Attend, text and picture together.

        Args:
            attn: The module, whose `to_qkv` gives all three.
            hidden_states: (B, N, D) of the picture.
            encoder_hidden_states: (B, L, D) of the text.
            attention_mask: None; CogVideoX has none.
            image_rotary_emb: Cosines and sines for the picture's tokens.

        Returns:
            (B, N, D) and (B, L, D).
        """
        text = encoder_hidden_states.shape[1]
        joined = torch.cat([encoder_hidden_states, hidden_states], dim=1)
        query, key, value = (part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in attn.to_qkv(joined).chunk(3, dim=-1))
        query, key = attn.norm_q(query), attn.norm_k(key)
        if image_rotary_emb is not None:
            query, key = (
                torch.cat([part[:, :, :text], apply_rotary_emb(part[:, :, text:], image_rotary_emb)], dim=2) for part in (query, key)
            )
        attended = attend(query, key, value, self._kernel).transpose(1, 2).flatten(2)
        attended = attn.to_out[1](attn.to_out[0](attended))
        return attended[:, text:], attended[:, :text]


def attend(query: Tensor, key: Tensor, value: Tensor, kernel: str) -> Tensor:
    """Scaled dot-product attention by one kernel, or by PyTorch's choice.

    Args:
        query: (B, heads, N, d).
        key: The same.
        value: The same.
        kernel: One of `core.vivid.speed.levers.ATTENTION`.

    Returns:
        (B, heads, N, d).
    """
    if kernel == "cudnn":
        return torch.ops.aten._scaled_dot_product_cudnn_attention(query, key, value, None, False)[0]
    if kernel == "flash":
        return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]
    return F.scaled_dot_product_attention(query, key, value)


class FusedWanAttention:
    """A processor of diffusers' `WanAttention` that computes what Wan's own does."""

    def __init__(self, kernel: str) -> None:
        self._kernel = kernel

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend to the clip, or to the text.

        Args:
            attn: The module, whose `to_qkv` or `to_kv` gives what is joined.
            hidden_states: (B, N, D) of the clip.
            encoder_hidden_states: (B, L, D) of the text; None to attend to the clip itself.
            attention_mask: None; VACE has none.
            rotary_emb: Cosines and sines (1, N, 1, d), each twice in a row, or None.

        Returns:
            (B, N, D).
        """
        if encoder_hidden_states is None:
            query, key, value = attn.to_qkv(hidden_states).chunk(3, dim=-1)
        else:
            query, (key, value) = attn.to_q(hidden_states), attn.to_kv(encoder_hidden_states).chunk(2, dim=-1)
        query, key, value = (part.unflatten(-1, (attn.heads, -1)) for part in (attn.norm_q(query), attn.norm_k(key), value))
        if rotary_emb is not None:
            query, key = (_turned(part, *rotary_emb) for part in (query, key))
        query, key, value = (part.transpose(1, 2) for part in (query, key, value))
        attended = attend(query, key, value, self._kernel).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](attended))


def _turned(part: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Rotary positions on pairs of neighbouring channels of (B, N, heads, d)."""
    first, second = part.unflatten(-1, (-1, 2)).unbind(-1)
    cosine, sine = cosines[..., ::2], sines[..., ::2]
    return torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=-1).flatten(-2).type_as(part)


def fuse_attention(attn: Attention | WanAttention, kernel: str) -> None:
    """Join the layers of one attention module that read the same, and let `FusedAttention` or
    `FusedWanAttention` use them.

    Args:
        attn: Of a block of the denoiser.
        kernel: One of `core.vivid.speed.levers.ATTENTION`.
    """
    if isinstance(attn, WanAttention):
        if attn.is_cross_attention:
            _join(attn, ("to_k", "to_v"), "to_kv")
        else:
            _join(attn, ("to_q", "to_k", "to_v"), "to_qkv")
        attn.set_processor(FusedWanAttention(kernel))
    else:
        _join(attn, ("to_q", "to_k", "to_v"), "to_qkv")
        attn.set_processor(FusedAttention(kernel))


def _join(attn: nn.Module, names: tuple[str, ...], joined: str) -> None:
    parts: list[nn.Linear] = [getattr(attn, name) for name in names]
    first = parts[0]
    with torch.device(first.weight.device):
        width = sum(part.out_features for part in parts)
        layer = nn.Linear(first.in_features, width, bias=first.bias is not None, dtype=first.weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.cat([part.weight for part in parts]))
        if first.bias is not None:
            layer.bias.copy_(torch.cat([part.bias for part in parts]))
    setattr(attn, joined, layer.requires_grad_(False))
    for name in names:
        delattr(attn, name)
