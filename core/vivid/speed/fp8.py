"""Linear layers in 8 bits: weights rounded once, inputs on the way."""

from __future__ import annotations

import torch
from torch import nn, Tensor

_LARGE = ("attn", "attn1", "attn2", "ff", "ffn", "ff_context", "img_mlp", "txt_mlp")
"""The parts of a block that hold its large layers, by the names that diffusers gives them."""
_MOST = 448.0
"""The largest number of float8_e4m3fn."""


class Fp8Linear(nn.Module):
    """A linear layer whose product is computed in float8_e4m3fn, with one scale for each row of
    input and each row of weights, and summed in single precision.

    Where there is no such product (a CPU) the same numbers are multiplied in single precision.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear, device: torch.device) -> None:
        """Take over the weights of `linear`, (out, in); `device` rounds them."""
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        own = linear.weight.detach()
        weight, scale = _rounded(own.to(device))
        self.register_buffer("weight", weight.to(own.device))
        self.register_buffer("scale", scale.to(own.device))
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out), in the precision of the input."""
        rows, scale = _rounded(x.reshape(-1, self.in_features))
        if x.is_cuda:
            bias = None if self.bias is None else self.bias.to(torch.bfloat16)
            result = torch._scaled_mm(
                rows, self.weight.t(), scale_a=scale, scale_b=self.scale.t(), bias=bias, out_dtype=torch.bfloat16, use_fast_accum=True
            )
        else:
            result = (rows.float() @ self.weight.float().t()) * scale * self.scale.t()
            result = result if self.bias is None else result + self.bias
        return result.to(x.dtype).reshape(*x.shape[:-1], self.out_features)


def _rounded(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(N, K) -> in 8 bits, and the scale (N, 1) of each row, single precision."""
    scale = rows.abs().amax(dim=-1, keepdim=True).float().clamp(min=1e-12) / _MOST
    return (rows.float() / scale).clamp(-_MOST, _MOST).to(torch.float8_e4m3fn), scale


def use_fp8(block: nn.Module, device: torch.device) -> None:
    """Replace the large linear layers of a denoiser's block: those of attention and feed-forward.
    The small ones, which say how strongly a step changes each channel, stay.
    """
    for name, module in list(block.named_modules()):
        if isinstance(module, nn.Linear) and name.partition(".")[0] in _LARGE and not (module.in_features % 16 or module.out_features % 16):
            parent = block.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], Fp8Linear(module, device))


def has_fp8(device: torch.device) -> bool:
    """Whether a device can have products in 8 bits; a CPU computes them otherwise, to the same
    numbers.
    """
    return device.type == "cpu" or (device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 9))
