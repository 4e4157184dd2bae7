"""The shadows that drawn things cast on what lies behind them: soft spots at their feet, or their
own shape on the ground or a wall."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.noise import chance, log_uniform, uniform


@dataclass
class Shadows:
    """What the things of a batch of clips cast, all (B, N) for N things a clip.

    `dark` is 0 to 1; `cast` 1 for a thing's own shape, 0 for a soft spot at its feet; `rise` how
    tall the shape lies in the picture for a thing of height 1, negative towards the viewer and 1 on
    a wall behind it; `lean` how far sideways its top lies; `aside` and `below` where the whole
    lies, in half sides; `soft` 0 for hard sunlight to 1.
    """

    dark: Tensor
    cast: Tensor
    rise: Tensor
    lean: Tensor
    aside: Tensor
    below: Tensor
    soft: Tensor

    @staticmethod
    def draw(batch: int, things: int, device: torch.device) -> Shadows:
        """Draw the shadows of half of the things, most of them of their own shape.

        Args:
            batch: Of clips, B.
            things: In each, N.
            device: Where it is drawn.

        Returns:
            The shadows. A scene's light comes from one side; a wall is rarer than the ground.
        """
        shape = (batch, things)
        wall = chance(*shape, device=device, p=0.2)
        flat = log_uniform(batch, 1, device=device, low=0.06, high=0.7) * (2 * chance(batch, 1, device=device, p=0.5) - 1)
        lifted = chance(*shape, device=device, p=0.2)
        return Shadows(
            dark=uniform(*shape, device=device, low=0.15, high=0.85) * chance(*shape, device=device, p=0.55),
            cast=chance(*shape, device=device, p=0.75),
            rise=torch.lerp(flat.expand(shape), torch.ones(shape, device=device), wall),
            lean=uniform(batch, 1, device=device, low=-1.2, high=1.2) * (1 - wall),
            aside=uniform(*shape, device=device, low=-0.25, high=0.25) * torch.maximum(wall, lifted),
            below=uniform(*shape, device=device, low=-0.04, high=0.3) * torch.maximum(wall, lifted),
            soft=uniform(*shape, device=device) ** 2,
        )

    def shade(self, thing: int, alpha: Tensor) -> Tensor:
        """How dark the shadow of a thing's own shape is, float (B, T, S, S), where `alpha` of that
        shape is the thing itself."""
        batch, frames, size, _ = alpha.shape
        line = (torch.arange(size, device=alpha.device) + 0.5) / size * 2 - 1
        x, y = line[None, None, None, :], line[None, None, :, None]
        rise, lean, aside, below, soft, dark = (
            value[:, thing, None, None, None] for value in (self.rise, self.lean, self.aside, self.below, self.soft, self.dark * self.cast)
        )
        foot = (((alpha.amax(3) > 0.5) * (line + 1)).amax(2) - 1)[..., None, None]  # where it stands: its lowest row
        height = (foot + below - y) / rise
        u, v = x - aside - lean * height, foot - height
        grid = torch.stack(torch.broadcast_tensors(u, v), -1).clamp(-3, 3).view(batch * frames, size, size, 2).to(alpha.dtype)
        whole = alpha.reshape(batch * frames, 1, size, size)
        hard = F.grid_sample(whole, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        diffuse = F.grid_sample(F.avg_pool2d(whole, 8), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return dark * torch.lerp(hard.view_as(alpha).float(), diffuse.view_as(alpha).float(), soft)
