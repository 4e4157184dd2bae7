"""Attention in plain products, where that is faster than torch's fused one."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from core.models.device import has_fast_bfloat16

_ROWS = 256  # queries at a time: their scores fit in a core's cache


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What each query finds: the values, weighted by how well their keys match it.

    Args:
        query: (..., Q, C).
        key: (..., K, C).
        value: (..., K, C).

    Returns:
        (..., Q, C).
    """
    if query.device.type != "cpu" or query.dtype != torch.bfloat16 or torch.is_grad_enabled() or not _products_are_faster():
        return F.scaled_dot_product_attention(query, key, value)
    queries, keys, values = (x.reshape(-1, *x.shape[-2:]) for x in (query * query.shape[-1] ** -0.5, key, value))
    keys = keys.transpose(1, 2)
    found = [torch.bmm(torch.softmax(torch.bmm(few, keys), -1), values) for few in queries.split(_ROWS, 1)]
    return torch.cat(found, 1).view(query.shape)


@cache
def _products_are_faster() -> bool:
    """torch's fused attention multiplies bfloat16 at full speed with AMX only; plain products do so
    with AVX-512 BF16 too.
    """
    amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return has_fast_bfloat16() and not (amx is not None and amx())
