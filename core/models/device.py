"""Which device the models run on."""

from __future__ import annotations

import re

import torch

from core.errors import DeviceMissingError, InputError
from core.words import counted


def choose_device(wanted: str) -> str:
    """The device to use: `auto` becomes cuda, mps or cpu, the best that there is.

    InputError for an unknown name, DeviceMissingError for a device that this machine does not have.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", wanted):
        raise InputError(f"unknown device '{wanted}': choose auto, cpu, cuda, cuda:N or mps")
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise DeviceMissingError(f"this machine has no device '{wanted}' ({counted(torch.cuda.device_count(), 'CUDA device')} found)")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceMissingError("this machine has no device 'mps'")
    return wanted


def gpu_memory(wanted: str) -> tuple[int, bool] | None:
    """Bytes of the GPU that `wanted` leads to, and whether they are the host's own; None without a
    GPU.
    """
    try:
        device = choose_device(wanted)
    except InputError:
        return None
    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory), False
    return (int(torch.mps.recommended_max_memory()), True) if device == "mps" else None


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 natively (AVX-512 BF16 or AMX); others emulate it,
    slower than float32.
    """
    answers = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(answer() for answer in answers if answer is not None)
