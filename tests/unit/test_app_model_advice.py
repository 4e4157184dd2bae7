"""What each model would bring on a machine, and which to take first."""

from __future__ import annotations

import pytest

from app.editor.model_advice import Advice, advice_for, Machine, this_machine, without_engine
from core.models.catalogue import MODELS, size_words

GB = 2**30


def firsts(machine: Machine) -> dict[str, str]:
    return {MODELS[name].kind: name for name, advice in advice_for(machine).items() if advice.first}


@pytest.mark.parametrize(
    ("gpu", "video", "how"),
    [
        (8, "wan-vace-1.3b", "layer after layer"),
        (12, "wan-vace-1.3b", "layer after layer"),
        (16, "wan-vace-1.3b", "its parts take turns"),
        (24, "wan-vace-1.3b", "all of it stays there"),
        (80, "wan-vace-14b", "all of it stays there"),
    ],
)
def test_the_first_engine_is_the_largest_that_the_card_holds(gpu: int, video: str, how: str) -> None:
    machine = Machine(256 * GB, gpu * GB)
    assert firsts(machine)["video"] == video
    assert firsts(machine)["image"] == ("sdxl-inpaint" if gpu < 12 else "flux2-klein-4b")
    advice = advice_for(machine)[video]
    assert advice.fits
    assert f"Fits this GPU of {gpu}" in advice.brings.replace("8.0", "8")
    assert how in advice.brings
    assert "(computed)" in advice.brings
    assert without_engine(machine, advice_for(machine)) == ""


def test_where_nothing_fits_it_is_said_and_sam_2_1_is_still_the_first_help() -> None:
    machine = Machine(16 * GB)
    advice = advice_for(machine)
    assert firsts(machine) == {"segmenter": "small"}
    assert advice["wan-vace-14b"] == Advice("Needs a GPU with 16 GB or more; this machine has none.", False)
    assert advice["void"].brings.startswith("Removes things")
    told = "No full-size video engine fits this machine (no GPU, 16 GB of memory): the smallest needs a GPU with 8 GB."
    assert without_engine(machine, advice) == told
    assert advice_for(Machine(16 * GB, 4 * GB))["wan-vace-1.3b"].brings == "Needs a GPU with 8 GB or more; this machine has 4.0 GB."


def test_weights_that_the_main_memory_can_not_hold_do_not_fit() -> None:
    advice = advice_for(Machine(32 * GB, 24 * GB))["wan-vace-14b"]
    assert advice == Advice("Needs 43 GB of main memory for its weights; this machine has 32 GB.", False)


def test_this_machine_is_looked_at_and_a_program_on_the_cpu_has_no_gpu() -> None:
    assert this_machine("cpu").gpu is None
    assert this_machine("cpu").memory > GB


def test_sizes_say_what_is_known_of_them() -> None:
    assert [size_words(MODELS[name]) for name in ("tiny", "wan-vace-1.3b", "qwen-image-inpaint", "embedded")] == [
        *("156 MB", "about 15.9 GB", "more than 57.7 GB", "")
    ]
