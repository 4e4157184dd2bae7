"""Which channels the denoiser's input is made of, in which order: data that travels with every
package and adapter.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import InputError

PARTS = ("noise", "mask", "masked")


@dataclass(frozen=True)
class ChannelLayout:
    """Order of the parts on the channel axis: the noisy latent, the mask (1 = edit) and the latent
    of the masked video.
    """

    parts: tuple[str, ...] = PARTS
    mask_channels: int = 1

    def __post_init__(self) -> None:
        if sorted(self.parts) != sorted(PARTS):
            raise InputError(f"the channel layout '{self}' is not one that we know: it has to name {', '.join(PARTS)} once each")
        if self.mask_channels < 1:
            raise InputError(f"{self.mask_channels} mask channels is not a layout: there has to be at least one")

    @classmethod
    def parse(cls, text: str, mask_channels: int = 1) -> ChannelLayout:
        """Read `noise,mask,masked`; InputError for anything else than these three in some order."""
        return cls(tuple(part.strip() for part in text.split(",")), mask_channels)

    def __str__(self) -> str:
        return ",".join(self.parts)

    def width(self, part: str, latent_channels: int) -> int:
        """Number of channels of one part."""
        return self.mask_channels if part == "mask" else latent_channels

    def channels(self, latent_channels: int) -> int:
        """Number of channels of the whole input."""
        return sum(self.width(part, latent_channels) for part in self.parts)

    def place(self, part: str, latent_channels: int) -> slice:
        """Where one part lies on the channel axis."""
        before = self.parts[: self.parts.index(part)]
        start = sum(self.width(other, latent_channels) for other in before)
        return slice(start, start + self.width(part, latent_channels))

    def arrange(self, noise: Tensor, mask: Tensor, masked: Tensor) -> Tensor:
        """Concatenate (B, F, C, h, w), (B, F, M, h, w) and (B, F, C, h, w) on channels, in this
        layout's order.

        Args:
            noise: (B, F, C, h, w).
            mask: (B, F, M, h, w).
            masked: (B, F, C, h, w).

        Returns:
            (B, F, 2C + M, h, w).

        Raises:
            ValueError: The mask has another number of channels.
        """
        if mask.shape[2] != self.mask_channels:
            raise ValueError(f"the mask has {mask.shape[2]} channels, the layout '{self}' wants {self.mask_channels}")
        given = {"noise": noise, "mask": mask, "masked": masked}
        return torch.cat([given[part] for part in self.parts], dim=2)
