"""Replay buffers of encoded clips: encoding costs as much as learning, so each latent is used
several times before it is replaced."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import Tensor

from core.data.world import DELETE_INDEX, EMPTY_INDEX, GENERIC_INDEX, WorldClips
from core.propagation.mask_motion import warp_clips
from core.training.small.run import fits_in_checkpoint
from core.vivid.conditioning import BLACK, latent_mask, masked_video, with_keyframe


class ClipSource(Protocol):
    """What draws clips: the procedural world, or a data set."""

    device: torch.device

    def sample(self, batch: int, frames: int, *, delete: float = ..., foreign: float = ...) -> WorldClips:
        """As `core.data.world.World.sample`."""
        ...


class LatentBuffer:
    """A ring of conditioned examples: latent, masked latent (N, F, C, h, w), mask (N, F, 1, h, w),
    caption (N,)."""

    def __init__(self, size: int, latent_frames: int, channels: int, height: int, width: int, device: torch.device) -> None:
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.size, self.device = size, device
        self.latent = torch.zeros(size, latent_frames, channels, height, width, device=device, dtype=dtype)
        self.masked = torch.zeros_like(self.latent)
        self.mask = torch.zeros(size, latent_frames, 1, height, width, device=device, dtype=dtype)
        self.caption = torch.full((size,), EMPTY_INDEX, dtype=torch.long, device=device)
        self.next = torch.zeros((), dtype=torch.long, device=device)
        self.filled = torch.zeros((), dtype=torch.long, device=device)

    def tensors(self) -> dict[str, Tensor]:
        """All state, for a checkpoint."""
        return {name: getattr(self, name) for name in ("latent", "masked", "mask", "caption", "next", "filled")}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take the state of `tensors`."""
        for name, value in tensors.items():
            getattr(self, name).copy_(value)

    def prepare(self, fill: Callable[[], Tensor], fresh: int, kept: dict[str, Tensor] | None) -> None:
        """Make the buffer ready for the first step.

        Args:
            fill: Writes fresh examples.
            fresh: How many it writes.
            kept: What a checkpoint kept; without it the buffer is half filled, with 4096 examples
                at most.
        """
        if kept is not None:
            self.load(kept)
            return
        for _ in range(max(1, min(self.size // 2, 4096) // fresh)):
            fill()

    def put(self, latent: Tensor, masked: Tensor, mask: Tensor, caption: Tensor) -> None:
        """Write examples over the oldest ones.

        Args:
            latent: (B, F, C, h, w).
            masked: Latent of the masked video, same shape.
            mask: (B, F, 1, h, w).
            caption: Index, int64 (B,).
        """
        count = latent.shape[0]
        place = (self.next + torch.arange(count, device=self.device)) % self.size
        for name, value in (("latent", latent), ("masked", masked), ("mask", mask), ("caption", caption)):
            kept = getattr(self, name)
            kept.index_copy_(0, place, value.to(kept.dtype))
        self.next.copy_((self.next + count) % self.size)
        self.filled.copy_((self.filled + count).clamp(max=self.size))

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Random examples among those written: latent, masked latent, mask in single precision,
        caption."""
        place = (torch.rand(count, device=self.device) * self.filled).long().clamp(max=self.size - 1)
        return self.latent[place].float(), self.masked[place].float(), self.mask[place].float(), self.caption[place]


def checkpoint_state(buffers: Mapping[str, LatentBuffer]) -> dict[str, dict[str, Tensor]]:
    """The buffers by kind, if they are small enough for a checkpoint."""
    tensors = {kind: buffer.tensors() for kind, buffer in buffers.items()}
    return tensors if fits_in_checkpoint(value for part in tensors.values() for value in part.values()) else {}


def show_keyframe(pixels: Tensor, mask: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Give some samples their keyframe (KIVE): the true first frame, whose mask is zero.

    Args:
        pixels: (B, 3, T, H, W).
        mask: (B, 1, T, H, W).
        chosen: bool (B,): the samples.

    Returns:
        Pixels and mask, with the keyframe where chosen.
    """
    with_key, mask_key = with_keyframe(pixels, mask, pixels[:, :, :1])
    pick = chosen[:, None, None, None, None]
    return torch.where(pick, with_key, pixels), torch.where(pick, mask_key, mask)


def quieter_caption(caption: Tensor, chosen: Tensor) -> Tensor:
    """Where chosen, a quarter of the captions say "an object", a quarter nothing and a quarter
    something else than is shown: the keyframe alone must tell."""
    draw = torch.rand(caption.shape[0], device=caption.device)
    wrong = torch.randint(0, DELETE_INDEX, caption.shape, device=caption.device)
    quiet = torch.where(draw < 0.25, GENERIC_INDEX, torch.where(draw < 0.5, EMPTY_INDEX, torch.where(draw < 0.75, wrong, caption)))
    return torch.where(chosen, quiet, caption)


@torch.no_grad()
def encode_examples(
    vae: AutoencoderKLCogVideoX, world: ClipSource, batch: int, frames: int, delete: float, keyframe: float, warped: float, foreign: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw fresh clips and encode them as the denoiser's examples.

    Args:
        vae: The frozen autoencoder.
        world: Where clips come from.
        batch: Number of clips, B.
        frames: Of each clip, 4k + 1.
        delete: Share of deletions.
        keyframe: Share that is given its keyframe.
        warped: Share of those whose masked region shows the warped keyframe, not black.
        foreign: Share whose object has no name.

    Returns:
        Scaled latent and scaled masked latent (B, F, C, h, w), latent mask (B, F, 1, h, w), caption
        index (B,).
    """
    clips = world.sample(batch, frames, delete=delete, foreign=foreign if frames > 1 else 0.0)
    pixels, mask, caption = clips.pixels, clips.mask, clips.caption
    filling = torch.full_like(pixels, BLACK)
    if frames > 1:
        chosen = (torch.rand(batch, device=world.device) < keyframe) | clips.foreign
        moved = warp_clips(pixels, mask, mask[:, :, :1])
        shown = chosen & ~clips.delete & (torch.rand(batch, device=world.device) < warped)
        filling = torch.where(shown[:, None, None, None, None], moved, filling)
        pixels, mask = show_keyframe(pixels, mask, chosen)
        caption = quieter_caption(caption, chosen & ~clips.delete)
    both = torch.cat([pixels, masked_video(pixels, mask, filling)])
    latent = vae.encode(both.to(vae.dtype)).latent_dist.mode().float() * vae.config.scaling_factor
    latent, masked = latent.transpose(1, 2).chunk(2)
    return latent, masked, latent_mask(mask), caption
