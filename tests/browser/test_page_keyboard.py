"""A whole edit with the keyboard alone: every control can be reached, what has the focus is seen,
and the keys do what the sheet says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from studio_page import open_page, Server, SLOW, wait_for_job

from core.media import open_clip

pytestmark = pytest.mark.browser

FOCUS = """() => {
  const node = document.activeElement;
  const near = [node, node.nextElementSibling, node.firstElementChild, node.closest('label')].filter(Boolean);
  const around = near.map((one) => getComputedStyle(one));
  const outlined = around.some((style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
  return { html: node.outerHTML.slice(0, 120), seen: node === document.body || outlined };
}"""


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until `selector` has the focus; whatever has it on the way shows that it has."""
    for _ in range(90):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["seen"], focus["html"]
    pytest.fail(f"Tab never came to {selector}")


def go_on(page: Any, step: str) -> None:
    page.wait_for_function("document.querySelector(`#studio-${studio.state.step} .vs-primary:enabled`)", timeout=SLOW)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(f"#studio[data-step={step}]", timeout=SLOW)


def test_a_whole_edit_needs_no_mouse(page: Any, server: Server) -> None:
    open_page(page, server.url)
    tab_to(page, "#studio-video [data-ref=stop]")
    page.keyboard.press("Control+a")
    page.keyboard.type("6")
    page.keyboard.press("Enter")
    page.wait_for_function("studio.state.view.clip.stop === 7")
    page.keyboard.press("Escape")

    go_on(page, "select")
    page.keyboard.press("k")
    for axis, share, less, more in (("x", 0.117, "ArrowLeft", "ArrowRight"), ("y", 0.414, "ArrowUp", "ArrowDown")):
        size = page.evaluate("studio.state.view.clip")["width" if axis == "x" else "height"]
        while abs(away := page.evaluate("studio.state.cursor")[axis] - share * size) > 8:
            page.keyboard.press(less if away > 0 else more)
    page.keyboard.press("Enter")
    page.wait_for_function("studio.state.view.objects.length && studio.state.view.objects[0].prompts.length", timeout=SLOW)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    wait_for_job(page, "track")

    go_on(page, "adjust")
    tab_to(page, "#studio-adjust input[type=radio]")
    form = page.evaluate("studio.state.view.adjustment.form")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("form => studio.state.view.adjustment.form !== form", arg=form)

    go_on(page, "keyframe")
    tab_to(page, "#studio-keyframe [data-ref=variations]")
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("a red ball")
    page.keyboard.press("Enter")
    page.wait_for_function("studio.state.view.edits.length === 1 && !studio.activeJob()", timeout=SLOW)
    page.keyboard.press("Escape")

    go_on(page, "propagate")
    tab_to(page, "#studio-propagate summary")
    page.keyboard.press("Enter")
    tab_to(page, "#studio-propagate [data-ref=steps]")
    page.keyboard.type("1")
    page.wait_for_function("!studio.activeJob()", timeout=SLOW)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("studio.state.view.result && studio.state.view.result.done", timeout=SLOW)
    tab_to(page, "#studio-propagate [data-ref=download]")
    with page.expect_download(timeout=SLOW) as download:
        page.keyboard.press("Enter")
    with open_clip(Path(download.value.path())) as reader:
        assert len(reader) == 72, "the whole clip, with the part that was edited"

    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    for words in ("the main button of the step", "one frame back or on", "add an object", "a pointer for the arrow keys"):
        sheet.get_by_text(words).wait_for()
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
