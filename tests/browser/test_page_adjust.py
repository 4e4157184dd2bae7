"""The Adjust step on the example clip with two imported objects: what is chosen, dragged or typed
is seen, and can be undone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from studio_page import open_page, Server, SOON

pytestmark = pytest.mark.browser

WIDTH, HEIGHT, FRAMES = 640, 360, 72

FLICKERS = 10
"""A piece of the second object is missing on this frame."""

DARK = """([x, y]) => {
  const overlay = studio.picture(document.querySelector('#studio-canvas canvas').dataset.overlay);
  if (!overlay) return null;
  const canvas = new OffscreenCanvas(overlay.width, overlay.height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(overlay, 0, 0);
  const { clip } = studio.state.view;
  return context.getImageData(Math.floor(x * overlay.width / clip.width), Math.floor(y * overlay.height / clip.height), 1, 1).data[3] / 150;
}"""
"""How dark the stage shows a source pixel: 1 where nothing changes, 0 in the region, between at a
soft edge.
"""

TILES = """() => [...document.querySelectorAll('.vs-form canvas')].map((canvas) => {
  const context = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
  return sum / data.length;
})"""
"""How bright the pictures of the forms are, in the order of the page: exact, wider, hull, wide
hull, box, wide box.
"""


def first(frame: int) -> np.ndarray:
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    mask = (xs - 120 - 2 * frame) ** 2 + (ys - 90) ** 2 < 40**2
    return mask & (np.abs(ys - 90) > np.maximum(0, xs - 120 - 2 * frame))  # a disc with a wedge cut out


def second(frame: int) -> np.ndarray:
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    distance = (xs - 420 - frame) ** 2 + (ys - 240) ** 2
    mask = (distance < 50**2) & (distance > 12**2)
    return mask & (xs < 430) if frame == FLICKERS else mask


def bring_in(page: Any, folder: Path, shape: Any, count: int) -> None:
    """Import an object's masks as a person does, as pictures."""
    folder.mkdir()
    for frame in range(FRAMES):
        cv2.imwrite(str(folder / f"{frame:05d}.png"), shape(frame).astype(np.uint8) * 255)
    page.locator("#studio-select [data-ref=maskFiles]").set_input_files(sorted(folder.glob("*.png")))
    page.wait_for_function("count => studio.state.view.objects.length === count", arg=count, timeout=SOON)


def is_dark(page: Any, x: int, y: int, least: float, most: float) -> None:
    """Wait until the stage shows a source pixel that dark."""
    test = f"([x, y, least, most]) => {{ const dark = ({DARK})([x, y]); return dark !== null && least <= dark && dark <= most; }}"
    page.wait_for_function(test, arg=[x, y, least, most], timeout=SOON)


def adjusted(page: Any, where: str, **wanted: Any) -> None:
    """Wait until the adjustment of `all`, or of the object at that place in the list, has these
    values.
    """
    test = (
        "([where, wanted]) => { const now = where === 'all' ? studio.state.view.adjustment : studio.state.view.objects[where].adjustment;"
    )
    test += " return now && Object.entries(wanted).every(([key, value]) => now[key] === value); }"
    page.wait_for_function(test, arg=[where, wanted], timeout=SOON)


def pictures_are_of(page: Any, who: str) -> list[float]:
    """Wait until the six pictures show the present frame and state; their brightness."""
    test = "who => { const shown = document.querySelector('.vs-forms').dataset; const { frame, view } = studio.state;"
    test += " return shown.who === who && Number(shown.frame) === frame && shown.rev === view.region_rev; }"
    page.wait_for_function(test, arg=who, timeout=SOON)
    return page.evaluate(TILES)


def test_the_region_is_chosen_dragged_typed_and_seen(page: Any, server: Server, tmp_path: Path) -> None:
    open_page(page, server.url)
    page.evaluate("studio.openStep('select')")
    bring_in(page, tmp_path / "first", first, 1)
    page.keyboard.press("3")
    assert page.locator(".vs-who").is_hidden()  # of one object there is nothing to choose
    page.keyboard.press("2")
    bring_in(page, tmp_path / "second", second, 2)
    page.keyboard.press("3")

    # six pictures of the frame, side by side; a click chooses one
    exact, wider, hull, wide_hull, box, wide_box = pictures_are_of(page, "all")
    assert exact < wider < wide_hull < wide_box
    assert exact < hull < box < wide_box
    page.get_by_role("radio", name="Exact", exact=True).check()
    adjusted(page, "all", form="none")
    is_dark(page, 140, 90, 1, 1)  # in the wedge
    page.get_by_role("radio", name="Exact", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    adjusted(page, "all", form="hull")
    is_dark(page, 140, 90, 0, 0)
    assert page.get_by_label("Widen by", exact=True).is_disabled()

    # a drag is one step; what is typed holds, nonsense does not
    page.get_by_role("radio", name="Wider", exact=True).check()
    adjusted(page, "all", form="expand", pixels=8)
    slider = page.get_by_label("Widen by", exact=True)
    room = slider.bounding_box()
    page.mouse.move(room["x"] + room["width"] * 0.32, room["y"] + room["height"] / 2)
    page.mouse.down()
    for share in (0.4, 0.45, 0.5, 0.55, 0.6):
        page.mouse.move(room["x"] + room["width"] * share, room["y"] + room["height"] / 2)
    page.mouse.up()
    page.wait_for_function("studio.state.view.adjustment.pixels > 30", timeout=SOON)
    is_dark(page, 120, 90 + 40 + 25, 0, 0)
    page.keyboard.press("Control+z")
    adjusted(page, "all", form="expand", pixels=8)
    number = page.get_by_label("Widen by, in pixels")
    number.fill("200")
    number.press("Enter")
    adjusted(page, "all", pixels=200)
    number.fill("wide")
    number.press("Enter")
    assert number.input_value() == "200"
    number.fill("0")
    number.press("Enter")
    edge = page.get_by_label("Soft edge, in pixels")
    edge.fill("20")
    edge.press("Enter")
    adjusted(page, "all", pixels=0, feather=20)
    is_dark(page, 100, 60, 0.05, 0.9)  # four pixels inside the edge

    # holes and flicker, on the frame that has both; the pictures follow the frame
    page.get_by_role("radio", name="Exact", exact=True).check()
    page.get_by_label("Soft edge, in pixels").fill("0")
    page.get_by_label("Soft edge, in pixels").press("Enter")
    page.evaluate("document.activeElement.blur()")
    for _ in range(FLICKERS):
        page.keyboard.press("ArrowRight")
    pictures_are_of(page, "all")
    middle = 420 + FLICKERS
    is_dark(page, middle + 30, 240, 1, 1)
    smooth = page.get_by_label("Smooth over", exact=True)
    smooth.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    adjusted(page, "all", smooth=2)
    is_dark(page, middle + 30, 240, 0, 0)
    is_dark(page, middle, 240, 1, 1)
    holes = page.get_by_label("Fill holes", exact=True)
    holes.focus()
    page.keyboard.press("End")
    adjusted(page, "all", holes=-1)
    assert page.get_by_label("Fill holes, in pixels").input_value() == "all"
    is_dark(page, middle, 240, 0, 0)

    # one object in a way of its own, one left out, none at all
    page.locator(".vs-who .vs-object").nth(2).click()
    pictures_are_of(page, "2")
    page.get_by_role("radio", name="Box", exact=True).check()
    adjusted(page, "1", form="box", holes=-1)
    adjusted(page, "all", form="none")
    is_dark(page, middle + 45, 240 + 45, 0, 0)
    edge.fill("20")
    edge.press("Enter")
    adjusted(page, "1", form="box", feather=20)
    adjusted(page, "all", form="none", feather=0)
    is_dark(page, middle + 45, 240 + 45, 0.05, 0.95)
    is_dark(page, 120 + 2 * FLICKERS, 90 - 36, 0, 0)  # the other object's edge stays hard
    assert "own" in page.locator(".vs-who .vs-object").nth(2).inner_text()
    ticks = page.locator(".vs-who input")
    ticks.nth(0).uncheck()
    is_dark(page, 120, 80, 1, 1)
    ticks.nth(1).uncheck()
    page.wait_for_function("!studio.state.view.steps.keyframe.open")
    assert page.get_by_role("button", name="Continue to Keyframe").is_disabled()
    assert "Tick an object" in page.locator("#studio-adjust [data-ref=reason]").inner_text()
    ticks.nth(1).check()
    page.wait_for_function("studio.state.view.steps.keyframe.open")

    # it outlives a reload, with its undo; reset leads back
    page.reload()
    page.wait_for_function("window.studio?.state?.view && studio.state.step === 'adjust'")
    adjusted(page, "1", form="box")
    adjusted(page, "1", feather=20)
    assert [page.locator(".vs-who input").nth(i).is_checked() for i in (0, 1)] == [False, True]
    page.locator(".vs-who .vs-object").nth(2).click()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("studio.state.view.objects[1].adjustment === null")
    page.keyboard.press("Control+z")
    adjusted(page, "1", form="box")
    page.locator(".vs-who .vs-object").nth(0).click()
    page.get_by_role("button", name="Reset").click()
    adjusted(page, "all", form="box+expand", pixels=8, feather=4, holes=0, smooth=0)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
