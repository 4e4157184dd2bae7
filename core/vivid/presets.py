"""Which memory mode a model of the catalogue takes on a card, worked out from its sizes before any
of its weights are here. Pure Python.

These are computed figures: `core.vivid.offload.needs_of` makes the same ones from loaded weights,
and what was measured is in docs/performance.md.
"""

from __future__ import annotations

from core.models.model import Parameters
from core.vivid.memory import choose_plan, coding_bytes, denoise_bytes, lone_bytes, MemoryPlan, Needs, tile_size

CARDS = (8, 12, 16, 24, 40, 80)
"""GB of the graphics cards that have a preset."""
USABLE = 0.94
"""Share of a card's memory that is free when nothing else works there."""
_SCALE = 8
"""Pixels across of a latent, of every autoencoder here."""
_HALF, _SINGLE = 2, 4  # bytes of a value


def needs_of_parameters(sizes: Parameters) -> Needs:
    """What a model needs on a device, in bytes.

    Args:
        sizes: How large its parts are, and what it works on at once.

    Returns:
        Bytes, by part.
    """
    frames, *size = sizes.window
    shape, coder = (size[0], size[1]), _SINGLE if sizes.single_coding else _HALF
    text, denoiser = round(sizes.text_encoder * 1e9) * _HALF, round(sizes.denoiser * 1e9) * _HALF
    tile = tile_size(shape, _SCALE)
    return Needs(
        text_encoder=text,
        transformer=denoiser,
        vae=round(sizes.autoencoder * 1e9) * coder,
        text_layers=text // sizes.text_layers,
        # The layer at work, and the one that is fetched meanwhile.
        transformer_layers=2 * denoiser // sizes.layers,
        denoise=denoise_bytes(sizes.tokens, sizes.width, 2 if sizes.together else 1, _HALF, sizes.kept),
        whole=coding_bytes((frames, sizes.chunk), shape, sizes.coded, coder),
        tiled=coding_bytes((frames, sizes.chunk), shape, sizes.coded, coder, tile),
        lone=lone_bytes(sizes.chunk, shape, sizes.coded, coder) if frames > 1 else 0,  # pictures may be coded in tiles
        others=denoiser * (sizes.experts - 1),
    )


def preset(sizes: Parameters, free: int) -> MemoryPlan:
    """How a model would share out so many free bytes of a device."""
    return choose_plan("auto", needs_of_parameters(sizes), free)


def presets(sizes: Parameters) -> dict[int, MemoryPlan]:
    """By the GB of each of CARDS, what a model does there; cards on which it does not fit are left
    out.
    """
    plans = {card: preset(sizes, free_of_card(card)) for card in CARDS}
    return {card: plan for card, plan in plans.items() if plan.fits}


def free_of_card(gigabytes: int) -> int:
    """Bytes that are free on an idle card of that size."""
    return int(gigabytes * 2**30 * USABLE)
