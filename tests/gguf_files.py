"""GGUF files as the converters of denoisers write them."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch


def write_gguf(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """Write tensors: weights of linear layers in 8 bits where their rows are whole blocks, what has
    one dimension in bfloat16, and the rest as it is.
    """
    writer = gguf.GGUFWriter(path, "denoiser")
    for name, value in tensors.items():
        linear = name.endswith("weight") and value.ndim == 2 and not value.shape[1] % 32
        if linear or value.ndim == 1:
            kind = gguf.GGMLQuantizationType.Q8_0 if linear else gguf.GGMLQuantizationType.BF16
            writer.add_tensor(name, gguf.quants.quantize(value.numpy(), kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
