"""How precisely a network that tracks computes on a GPU."""

from __future__ import annotations

import contextlib

import torch


def half_on_gpu(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """SAM 2's networks in bfloat16 on a GPU that has it, as SAM 2's own programs run them; on a
    processor as their weights are.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()
