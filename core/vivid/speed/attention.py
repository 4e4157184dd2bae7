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


def fuse_attention(attn: Attention, kernel: str) -> None:
    """Join the three layers of one attention module and let `FusedAttention` use them."""
    parts = [attn.to_q, attn.to_k, attn.to_v]
    first = parts[0]
    with torch.device(first.weight.device):
        joined = nn.Linear(first.in_features, 3 * first.out_features, bias=first.bias is not None, dtype=first.weight.dtype)
    with torch.no_grad():
        joined.weight.copy_(torch.cat([part.weight for part in parts]))
        if first.bias is not None:
            joined.bias.copy_(torch.cat([part.bias for part in parts]))
    attn.to_qkv = joined.requires_grad_(False)
    for name in ("to_q", "to_k", "to_v"):
        delattr(attn, name)
    attn.set_processor(FusedAttention(kernel))
