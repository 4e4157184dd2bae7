"""What a camera does to a clip: motion blur, light that changes, softness, noise and the blocks of
compression."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.noise import chance, log_uniform, uniform

_BLOCK = 8


def _grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    x = (torch.arange(width, device=device) + 0.5) / width * 2 - 1
    y = (torch.arange(height, device=device) + 0.5) / height * 2 - 1
    return x[None, None, :], y[None, :, None]


def motion_blur(pictures: Tensor, velocity: Tensor) -> Tensor:
    """Smear pictures (N, 3, H, W) along a velocity (N, 2, H, W), in half sides of the picture while
    the shutter is open."""
    x, y = _grid(pictures.shape[-2], pictures.shape[-1], pictures.device)
    soft = F.avg_pool2d(velocity, 5, 1, 2, count_include_pad=False)
    total = pictures
    for part in (-0.5, -0.25, 0.25, 0.5):
        grid = torch.stack([x + part * soft[:, 0], y + part * soft[:, 1]], -1).to(pictures.dtype)
        total = total + F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return total / 5


def cosine_matrix(device: torch.device | str) -> Tensor:
    """The 8 x 8 discrete cosine transform, orthonormal."""
    index = torch.arange(_BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / _BLOCK * (index[None, :] + 0.5) * index[:, None]) * math.sqrt(2 / _BLOCK)
    matrix[0] /= math.sqrt(2)
    return matrix


def compress(pictures: Tensor, step: Tensor, cosine: Tensor) -> Tensor:
    """Round the cosine coefficients of 8 x 8 blocks, as compression does.

    Args:
        pictures: (N, 3, H, W) in [0, 1], H and W multiples of 8.
        step: What coefficients are rounded to multiples of, (N,); finer detail is rounded more
            coarsely.
        cosine: From `cosine_matrix`.

    Returns:
        The pictures after it, shape as before.
    """
    count, channels, height, width = pictures.shape
    blocks = pictures.float().view(count, channels, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).transpose(3, 4)
    index = torch.arange(_BLOCK, device=pictures.device)
    quantum = step[:, None, None, None, None, None] * (1 + 0.6 * (index[:, None] + index[None, :]))
    coefficients = cosine @ blocks @ cosine.T
    blocks = cosine.T @ (torch.round(coefficients / quantum) * quantum) @ cosine
    return blocks.transpose(3, 4).reshape(count, channels, height, width).to(pictures.dtype)


def smooth_field(count: int, size: int, device: torch.device, cells: int = 5) -> Tensor:
    """Draw smooth random pictures.

    Args:
        count: How many.
        size: Side in pixels.
        device: Where it is drawn.
        cells: Cells of the grid that is enlarged.

    Returns:
        (count, 1, size, size) of about unit variance.
    """
    return F.interpolate(torch.randn(count, 1, cells, cells, device=device), size=(size, size), mode="bicubic", align_corners=False)


def photograph(pictures: Tensor, batch: int, cosine: Tensor) -> Tensor:
    """Show clips as a camera records them; settings are drawn once a clip, and some drift in time.

    Args:
        pictures: (batch * T, 3, S, S) in [0, 1].
        batch: Number of clips.
        cosine: From `cosine_matrix`.

    Returns:
        The pictures after it, shape and range as before.
    """
    count, _, size, _ = pictures.shape
    device, dtype, frames = pictures.device, pictures.dtype, count // batch

    def each(values: Tensor) -> Tensor:
        """(batch, ...) once a clip -> a frame."""
        return values.repeat_interleave(frames, 0, output_size=count).to(dtype)

    def some(p: float, low: float = 0.0, high: float = 1.0) -> Tensor:
        return uniform(batch, 1, 1, 1, device=device, low=low, high=high) * chance(batch, 1, 1, 1, device=device, p=p)

    time = torch.linspace(0, 1, frames, device=device)
    # shadows and patches of light that wander over the picture
    first, last = smooth_field(batch, size, device), smooth_field(batch, size, device)
    patch = torch.lerp(first[:, None], last[:, None], time[None, :, None, None, None]).flatten(0, 1)
    hard = each(log_uniform(batch, 1, 1, 1, device=device, low=1, high=12))
    shade = 1 - each(some(0.4, high=0.5)) * torch.sigmoid(hard * patch.to(dtype))
    drift = 0.12 * torch.randn(batch, 1, device=device) * time + 0.02 * torch.randn(batch, frames, device=device)
    balance = 0.1 * torch.randn(batch, 1, 3, device=device)
    gain = torch.exp(drift[..., None] + balance).view(count, 3, 1, 1).to(dtype)
    seen = (pictures * shade * gain).clamp(1e-3, 1) ** each(log_uniform(batch, 1, 1, 1, device=device, low=0.7, high=1.5))
    seen = torch.lerp(seen, seen.mean(1, keepdim=True), each(some(0.25)))
    soft = F.avg_pool2d(F.avg_pool2d(seen, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False)
    seen = torch.lerp(seen, soft, each(some(0.5)))
    small = F.interpolate(F.avg_pool2d(seen, 2), size=(size, size), mode="bilinear", align_corners=False)
    seen = torch.lerp(seen, small, each(some(0.3)))
    seen = seen + each(some(0.6, high=0.06)) * torch.randn_like(seen)
    step = (some(0.5, 0.01, 0.12) + 1e-3).flatten()
    return compress(seen, step.repeat_interleave(frames, output_size=count), cosine).clamp(0, 1)


def record(video: Tensor, cosine: Tensor) -> Tensor:
    """Clips (B, T, 3, H, W) in [0, 1] as a gentler camera records them: a part soft, a part with
    the blocks of compression."""
    batch, frames, _, height, width = video.shape
    device, pictures = video.device, video.flatten(0, 1)

    def some(p: float, low: float, high: float) -> Tensor:
        drawn = uniform(batch, 1, 1, 1, device=device, low=low, high=high) * chance(batch, 1, 1, 1, device=device, p=p)
        return drawn.repeat_interleave(frames, 0, output_size=batch * frames)

    soft = F.avg_pool2d(F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False)
    seen = torch.lerp(pictures, soft, some(0.35, 0.2, 0.9))
    blocks = some(0.3, 0.004, 0.03)
    seen = torch.where(blocks > 0, compress(seen, blocks.flatten() + 1e-3, cosine), seen)
    return seen.view(batch, frames, 3, height, width)
