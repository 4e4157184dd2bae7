"""How a video model shares out a GPU's memory: which mode is chosen, who makes room, where tiles
lie.
"""

from __future__ import annotations

import pytest

from app.contract.error_text import error_text
from core.errors import DeviceMemoryError
from core.models.catalogue import MODELS
from core.vivid.memory import choose_plan, MARGIN, MODES, Needs, next_mode, parts_to_evict, tile_size
from core.vivid.presets import free_of_card, preset

GB = 10**9
FULL = Needs(
    text_encoder=int(9.5 * GB),
    transformer=int(11.2 * GB),
    vae=int(0.4 * GB),
    text_layers=int(0.4 * GB),
    transformer_layers=int(0.7 * GB),
    denoise=int(3.5 * GB),
    whole=int(16 * GB),
    tiled=int(4.5 * GB),
)
"""About what a package of CogVideoX-5B's size needs at 49x480x720."""


@pytest.mark.parametrize(
    ("card", "mode", "tiled"),
    [(141, "all", False), (48, "all", False), (32, "all", True), (24, "parts", True), (12, "layers", True), (8, "layers", True)],
)
def test_the_quickest_mode_that_fits_is_chosen(card: int, mode: str, tiled: bool) -> None:
    plan = choose_plan("auto", FULL, int(card * 2**30 * 0.96))
    assert (plan.mode, plan.tiled, plan.fits) == (mode, tiled, True)
    assert plan.need == FULL.peak(mode, tiled)
    assert f"memory {mode}" in str(plan)
    assert "too little" not in str(plan)


@pytest.mark.parametrize(
    ("model", "cards"),
    [
        ("wan-vace-1.3b", {8: ("layers", True, 4.0), 16: ("parts", True, 10.9), 24: ("all", True, 18.3), 40: ("all", False, 24.0)}),
        ("wan-vace-14b", {16: ("layers", True, 8.8), 24: ("layers", True, 8.8), 80: ("all", False, 52.5)}),
        ("wan22-vace-fun-14b", {24: ("layers", True, 8.8), 80: ("parts", True, 39.4)}),
        # Out of memory in `parts` on 16 GB and untiled on 40 GB, with 13.5 and 34.4 GiB in use.
        ("cogvideox-fun-inp-5b", {8: ("layers", True, 4.1), 16: ("layers", True, 4.1), 24: ("parts", True, 14.5), 40: ("all", True, 23.4)}),
    ],
)
def test_what_a_card_is_given_takes_no_more_than_was_computed(model: str, cards: dict[int, tuple[str, bool, float]]) -> None:
    """The most GiB of each as it was measured on one H200."""
    sizes = MODELS[model].parameters
    assert sizes is not None
    plans = {card: preset(sizes, free_of_card(card)) for card in cards}
    assert {card: (plan.mode, plan.tiled) for card, plan in plans.items()} == {card: found[:2] for card, found in cards.items()}
    assert all(plan.fits and plan.need >= cards[card][2] * 2**30 for card, plan in plans.items())


def test_more_memory_never_leads_to_a_slower_mode() -> None:
    chosen = [choose_plan("auto", FULL, quarter * 2**28) for quarter in range(400)]
    places = [(MODES.index(plan.mode), plan.tiled) for plan in chosen]
    assert places == sorted(places, reverse=True)
    assert all(plan.need + MARGIN <= (plan.free or 0) for plan in chosen if plan.fits)


def test_where_nothing_fits_the_most_frugal_mode_is_tried_and_told() -> None:
    plan = choose_plan("auto", FULL, 2 * GB)
    assert (plan.mode, plan.tiled, plan.fits) == ("layers", True, False)
    assert "may be too little" in str(plan)


def test_a_mode_that_is_asked_for_is_taken() -> None:
    assert choose_plan("layers", FULL, 141 * GB).mode == "layers"
    assert choose_plan("parts", FULL, 141 * GB).tiled
    assert not choose_plan("all", FULL, 141 * GB).tiled
    told = choose_plan("all", FULL, 24 * GB)
    assert (told.mode, told.tiled, told.fits) == ("all", True, False)


def test_a_device_in_the_hosts_own_memory_keeps_everything() -> None:
    for wanted in ("auto", "parts", "layers"):
        assert choose_plan(wanted, FULL, 24 * GB, shared=True).mode == "all"


def test_parts_make_room_for_one_another_only_where_they_have_to() -> None:
    here = {"transformer": 11, "vae": 1}
    assert parts_to_evict(here, 9, 21) == []
    assert parts_to_evict(here, 9, 20) == ["transformer"]
    assert parts_to_evict(here, 20, 20) == ["transformer", "vae"]
    assert parts_to_evict({}, 30, 20) == []


def test_tiles_lie_on_whole_latents_and_meet() -> None:
    """As diffusers counts them: where the next tile starts in pixels and in latents, and what of
    each is kept, has to agree.
    """
    assert tile_size((480, 720), 8) == (192, 320)
    for side in range(16, 2048, 16):
        for tile, parts in zip(tile_size((side, side), 8), (6, 5), strict=True):
            latents, share = tile // 8, 1 / parts
            assert tile % 8 == 0
            assert 3 * (tile - tile // parts) >= side
            assert int(tile * (1 - share)) == 8 * int(latents * (1 - share)) == tile - int(tile * share)
            assert int(latents * (1 - share)) == latents - int(latents * share)


@pytest.mark.parametrize(("mode", "step"), [("all", "--memory parts"), ("parts", "--memory layers"), ("layers", "--device cpu")])
def test_a_full_device_names_the_next_step(mode: str, step: str) -> None:
    def text(device: str) -> str:
        return error_text(DeviceMemoryError(device, mode, next_mode(mode, device)))

    assert step in text("cuda:0")
    assert "--memory" not in text("mps")
