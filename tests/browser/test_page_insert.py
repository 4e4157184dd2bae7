"""A picture of one's own on the page: laid on the frame by its handles and by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import disc_clip
from PIL import Image
from studio_page import open_page, paste, point, prepared, Server


@pytest.mark.browser
def test_a_pasted_picture_is_moved_pinned_and_becomes_a_try(page: Any, server: Server, tmp_path: Path) -> None:
    def corners() -> list[list[float]]:
        return page.evaluate("studio.state.laying.corners")

    def drag(start: list[float], end: list[float]) -> None:
        page.mouse.move(*point(page, *start))
        page.mouse.down()
        page.mouse.move(*point(page, *end))
        page.mouse.up()

    logo = np.full((20, 40, 4), (200, 30, 60, 255), np.uint8)
    logo[5:15, 10:20, 3] = 0
    Image.fromarray(logo).save(tmp_path / "logo.png")
    project = prepared(server.workspace, disc_clip(tmp_path / "disc.mp4", frames=4))
    open_page(page, f"{server.url}/?project={project}")
    page.evaluate("studio.openStep('keyframe')")
    paste(page, tmp_path / "logo.png")
    page.get_by_role("button", name="Add it to the frame").click()
    page.wait_for_function("studio.state.laying")
    (left, top), _, (right, bottom), _ = corners()
    assert [(left + right) / 2, (top + bottom) / 2, (right - left) / (bottom - top)] == pytest.approx([80, 60, 2])
    drag([80, 60], [100, 40])
    assert corners()[0] == pytest.approx([left + 20, top - 20], abs=0.6)
    drag(corners()[2], [right + 44, bottom - 8])
    (left, top), _, (right, bottom), _ = corners()
    assert (right - left) / (bottom - top) == pytest.approx(2, abs=0.01), "it keeps its shape"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert corners()[0] == pytest.approx([left - 1, top + 10], abs=0.02)
    assert page.evaluate("studio.state.frame") == 0, "arrows are the picture's meanwhile"
    page.get_by_text("Pin corners").click()
    before = corners()
    drag(before[1], [before[1][0] - 4, before[1][1] + 5])
    assert corners()[1] == pytest.approx([before[1][0] - 4, before[1][1] + 5], abs=0.6)
    assert [corners()[i] for i in (0, 2, 3)] == [before[i] for i in (0, 2, 3)]
    page.get_by_label("Moves with").select_option("place")
    page.get_by_text("Shadow", exact=True).click()
    page.get_by_label("Casts a shadow").check()
    page.get_by_label("Direction").fill("-30")
    page.get_by_label("How it falls").select_option("flat")
    laid = corners()
    page.get_by_role("button", name="Add as a try").first.click()
    page.wait_for_function("!studio.state.laying && (studio.chosenTry() || {}).insert")
    made = page.evaluate("studio.chosenTry()")
    assert (made["name"], made["insert"]["corners"], made["insert"]["follows"]) == ("pasted", laid, "place")
    assert made["insert"]["shadow"] == {"angle": -30, "length": 0.12, "softness": 0.35, "strength": 0.45, "stands": False}

    # changed, it is a try of its own below the first; left alone, none
    page.get_by_role("button", name="Branch").click()
    assert corners() == laid
    page.get_by_text("Light", exact=True).click()
    page.locator("#vs-layOpacity").fill("50")
    page.get_by_label("Motion blur").check()
    page.get_by_role("button", name="Add as a try").first.click()
    page.wait_for_function("id => !studio.state.laying && studio.chosenTry().id !== id", arg=made["id"])
    assert page.evaluate("[studio.chosenTry().parent, studio.chosenTry().insert.opacity, studio.chosenTry().insert.shutter]") == [
        made["id"],
        0.5,
        0.5,
    ]
    page.get_by_role("button", name="Reuse").click()
    page.keyboard.press("Escape")
    assert page.evaluate("[studio.state.laying, studio.state.view.edits.length]") == [None, 3]

    # what is no picture is said in a line
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page.locator("#studio-keyframe [data-ref=layFile]").set_input_files(tmp_path / "broken.png")
    page.get_by_role("alert").get_by_text("'broken.png' is not a picture").wait_for()
