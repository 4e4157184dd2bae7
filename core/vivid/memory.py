"""How a video model shares out an accelerator's memory: what it needs, and which mode that leaves.
Pure Python.

Modes: `all`, every weight stays on the device; `parts`, the text encoder leaves it as soon as it
has read a caption, and denoiser and autoencoder take turns where both don't fit; `layers`, of
denoiser and text encoder only the layers that are at work are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODES = ("all", "parts", "layers")
"""From the quickest to the most frugal."""

MARGIN = 1 << 30
"""Bytes that stay free: what kernels ask for on the way, and the segmenter's work."""

GAPS = 0.5
"""Share of the work's own bytes that may lie unusable between its tensors, which come and go in all
sizes. By the allocator's rules it is 0.2 to 0.46 of the engines' work; a window of CogVideoX ran
out of memory where it had 0.2.
"""

READING = 3 << 27
"""Bytes that reading a caption takes besides the text encoder's weights (measured: 0.3 GiB)."""

DENOISER_TENSORS = 16
"""Hidden states, of all tokens and both halves of a guided batch, that one block of the denoiser
holds at most: its feed-forward layer is four times as wide, and the rotary embedding works in
single precision (3.2 GiB for a window of CogVideoX-5B; measured: 2.7).
"""
DECODER_TENSORS = 20
"""Pictures of the autoencoder's first width that decoding one chunk of frames holds at most
(measured: 15.3 GiB at 480x720).
"""
ENCODER_TENSORS = 11
"""The same of encoding (8.2 GiB)."""
CHUNK = 9
"""Frames that the autoencoder works on at once, at most."""
_TILES = (6, 5)
"""Tiles are multiples of so many latents high and wide and overlap by one part in as many,
CogVideoX's own overlaps, so that they meet.
"""


@dataclass(frozen=True)
class Needs:
    """Bytes on the device. Weights: of each part; `text_layers` and `transformer_layers` what is
    there of them at a time when layers come one after the other. Work: `denoise` for a step of a
    window, `whole` and `tiled` for coding a window at once or tile by tile, `lone` for a keyframe,
    which is never tiled.
    """

    text_encoder: int
    transformer: int
    vae: int
    text_layers: int
    transformer_layers: int
    denoise: int
    whole: int
    tiled: int
    lone: int = 0
    others: int = 0
    """Denoisers that take turns with the first, where there are any."""

    def peak(self, mode: str, tiled: bool) -> int:
        """The most that a mode takes at a time."""
        coding, denoising = self.coding(tiled), with_gaps(self.denoise)
        if mode == "all":
            return self.text_encoder + self.transformer + self.others + self.vae + max(READING, denoising, coding)
        if mode == "parts":
            return max(self.text_encoder + READING, self.transformer + denoising, self.vae + coding)
        return self.vae + max(self.text_layers + READING, self.transformer_layers + denoising, coding)

    def coding(self, tiled: bool) -> int:
        """What coding takes besides the weights."""
        return with_gaps(max(self.lone, self.tiled if tiled else self.whole))


@dataclass(frozen=True)
class MemoryPlan:
    """What was chosen. `need` and `free` are bytes of the device; `free` None where nothing is to
    be shared out (a CPU).
    """

    mode: str = "all"
    tiled: bool = False
    need: int = 0
    free: int | None = None

    @property
    def fits(self) -> bool:
        return self.free is None or self.need + MARGIN <= self.free

    @property
    def label(self) -> str:
        """What a speed measured here depends on: nothing for the plain case."""
        return "" if self.mode == "all" and not self.tiled else f"{self.mode}{' tiled' if self.tiled else ''}"

    def __str__(self) -> str:
        how = {
            "all": "all of it stays on the device",
            "parts": "text encoder, denoiser and autoencoder take turns on the device",
            "layers": "layer after layer comes to the device",
        }[self.mode]
        tiles = ", clips are coded in tiles" if self.tiled else ""
        if self.free is None:
            return f"memory {self.mode}: {how}"
        doubt = "" if self.fits else "; that may be too little, close what else uses the GPU"
        return f"memory {self.mode}: {how}{tiles}; up to {self.need / 1e9:.1f} GB of {self.free / 1e9:.1f} GB free{doubt}"


def choose_plan(wanted: str, needs: Needs, free: int, shared: bool = False) -> MemoryPlan:
    """Choose the quickest way that fits, or the most frugal one where none fits.

    Args:
        wanted: One of MODES, or `auto` for any of them.
        needs: What the model needs.
        free: Bytes free on the device.
        shared: The device works in the host's own memory (mps), where moving weights would free
            nothing: all of them stay there.

    Returns:
        The plan.
    """
    modes = MODES if wanted == "auto" else (wanted,)
    if shared:
        modes = ("all",)
    plans = [MemoryPlan(mode, tiled, needs.peak(mode, tiled), free) for mode in modes for tiled in (False, True)]
    # Parts and layers are for tight cards, and what one window needs may be more than was thought.
    plans = [plan for plan in plans if plan.tiled or plan.mode == "all"]
    return next((plan for plan in plans if plan.fits), plans[-1])


def with_gaps(size: int) -> int:
    """What tensors of so many bytes take, with what lies unusable between them."""
    return round((1 + GAPS) * size)


def parts_to_evict(resident: Mapping[str, int], wanted: int, budget: int) -> list[str]:
    """Which parts of a model have to leave a device, so that another finds room.

    Args:
        resident: Name and bytes of the parts on the device, the longest there first.
        wanted: Bytes that the new part needs.
        budget: Bytes that all parts may hold together.

    Returns:
        The names of the parts to send back, the longest there first.
    """
    evicted: list[str] = []
    held = sum(resident.values())
    for name, size in resident.items():
        if held + wanted <= budget:
            break
        evicted.append(name)
        held -= size
    return evicted


def denoise_bytes(tokens: int, width: int, batch: int, itemsize: int, kept: int = 0) -> int:
    """What a step of the denoiser needs besides its weights.

    Args:
        tokens: Tokens of one sample.
        width: Values of a token.
        batch: Samples.
        itemsize: Bytes of a value.
        kept: Hidden states that are held beside those of a block.

    Returns:
        Bytes.
    """
    return (DENOISER_TENSORS + kept) * batch * tokens * width * itemsize


def lone_bytes(chunk: int, size: tuple[int, int], width: int, itemsize: int) -> int:
    """What coding a lone frame needs: a quarter of what the frames do that are worked on at once.
    Measured: 3.7 GiB of 15.3 with CogVideoX's autoencoder, which pads a frame to three, and 3.2 of
    8.9 with Wan's.

    Args:
        chunk: Frames that the autoencoder works on at once.
        size: (height, width) in pixels.
        width: Channels of the autoencoder's first block.
        itemsize: Bytes of a value.

    Returns:
        Bytes.
    """
    return coding_bytes((max(1, chunk // 4),) * 2, size, width, itemsize)


def coding_bytes(frames: tuple[int, int], size: tuple[int, int], width: int, itemsize: int, tile: tuple[int, int] | None = None) -> int:
    """What encoding and decoding need besides the weights.

    Args:
        frames: Those of the clip, and how many are worked on at once.
        size: (height, width) in pixels.
        width: Channels of the autoencoder's first block.
        itemsize: Bytes of a value.
        tile: (height, width) of what is coded at once; None for the whole frame.

    Returns:
        Bytes.
    """
    height, across = tile or size
    work = max(DECODER_TENSORS, ENCODER_TENSORS) * min(frames) * height * across * width * itemsize
    # The clip itself, and, tile by tile, what was decoded of it: tiles overlap, and are put
    # together in rows first.
    return work + (4 if tile else 2) * frames[0] * 3 * size[0] * size[1] * itemsize


def tile_size(size: tuple[int, int], scale: int) -> tuple[int, int]:
    """Height and width of a tile in pixels for clips of `size`: the least of which three beside one
    another cover each side, in latents of `scale` pixels. (Halves would leave a narrow rest, which
    the autoencoder, normalising by what it sees, codes unlike the others.)
    """
    high, wide = (-(-side // (3 * (parts - 1) * scale)) * parts * scale for side, parts in zip(size, _TILES, strict=True))
    return high, wide


def overlap() -> tuple[float, float]:
    """By which share of their height and width tiles overlap."""
    return 1 / _TILES[0], 1 / _TILES[1]


def next_mode(mode: str, device: str) -> str | None:
    """The mode that needs less memory than `mode`; None where there is none, or where moving
    weights would free nothing (mps).
    """
    return None if device.startswith("mps") or mode == MODES[-1] else MODES[MODES.index(mode) + 1]
