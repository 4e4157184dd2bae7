"""The shape tool of the Select step: drawn on a frame, shaped again on another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import disc_clip
from studio_page import open_by_path, open_page, point, Server


@pytest.mark.browser
def test_a_shape_is_drawn_closed_and_moved_on_another_frame(page: Any, server: Server, tmp_path: Path) -> None:
    open_page(page, server.url)
    open_by_path(page, disc_clip(tmp_path / "disc.mp4", frames=9))
    page.evaluate("studio.openStep('select')")
    page.wait_for_function("studio.state.step === 'select'")
    page.wait_for_selector("#studio-canvas canvas[data-frame='0']")
    page.keyboard.press("l")
    page.wait_for_function("studio.state.tool === 'shape'")
    for x, y in ((30, 40), (80, 40), (80, 90), (30, 90), (30, 40)):
        page.mouse.click(*point(page, x, y))
    page.wait_for_function("studio.state.view.objects.some((object) => object.shape)")
    keys = "studio.state.view.objects.at(-1).shape.keys"
    drawn = page.evaluate(keys)
    assert len(drawn) == 1
    assert [round(x) for x, _ in drawn[0]["points"]] == [30, 80, 80, 30]
    assert page.evaluate("studio.state.view.objects.at(-1).tracked"), "an object on every frame"
    page.keyboard.press("End")
    page.wait_for_selector("#studio-canvas canvas[data-frame='8']")
    page.mouse.move(*point(page, 55, 65))
    page.mouse.down()
    page.mouse.move(*point(page, 65, 65), steps=3)
    page.mouse.up()
    page.wait_for_function(f"{keys}.length === 2")
    assert [round(x) for x, _ in page.evaluate(keys)[1]["points"]] == pytest.approx([40, 90, 90, 40], abs=1)
    page.mouse.move(*point(page, 40, 40))
    page.mouse.down()
    page.mouse.move(*point(page, 40, 25), steps=3)
    page.mouse.up()
    page.wait_for_function(f"Math.round({keys}[1].points[0][1]) < 30")
    page.get_by_label("Smooth curve").check()
    page.wait_for_function("studio.state.view.objects.at(-1).shape.curve")
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function(f"{keys}.length === 1")
