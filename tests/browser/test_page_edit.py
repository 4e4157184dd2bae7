"""A whole edit through the real page on the example clip with the models that ship, and what comes
out of it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_page import newest_job, open_page, overlay, point, ROOT, Server, SLOW, wait_for_job, wait_for_new_overlay

pytestmark = pytest.mark.browser

SCREENSHOTS = os.environ.get("VIVID_SCREENSHOTS") == "1"
"""Write docs/images anew: on request only, the pictures in the repository don't change with every
run.
"""

LAST = 31 if SCREENSHOTS else 16
"""The last frame that is edited: of the first window, but for the pictures."""

ROOM = "(({ scrollHeight, clientHeight }) => clientHeight - scrollHeight)(document.querySelector('#studio-propagate .vs-body'))"
"""Pixels that the Propagate panel has left; negative where it scrolls."""


def screenshot(page: Any, name: str) -> None:
    if SCREENSHOTS:
        folder = ROOT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        page.mouse.move(5, 300)
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=86)


def read_video(path: Path) -> tuple[np.ndarray, Any]:
    """Frames uint8 (T, H, W, 3) and the exact rate."""
    import av

    with av.open(str(path)) as container:
        rate = container.streams.video[0].average_rate
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]), rate


def example_clip() -> tuple[Path, np.ndarray]:
    """The example that a new workspace opens with, and the true mask of its thing on frame 0, bool
    (H, W).
    """
    from PIL import Image

    clip = sorted((ROOT / "assets" / "clips").glob("*.mp4"))[0]
    return clip, np.asarray(Image.open(clip.with_name(f"{clip.stem}_masks") / "00000.png")) > 0


def box_around(mask: np.ndarray, margin: int) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 around a mask, `margin` pixels wider and cut at the frame."""
    (height, width), (ys, xs) = mask.shape, np.nonzero(mask)
    x0, y0, x1, y1 = xs.min() - margin, ys.min() - margin, xs.max() + 1 + margin, ys.max() + 1 + margin
    return max(0, int(x0)), max(0, int(y0)), min(width, int(x1)), min(height, int(y1))


def drag_box(page: Any, box: tuple[int, int, int, int]) -> None:
    before = overlay(page)
    page.mouse.move(*point(page, box[0], box[1]))
    page.mouse.down()
    page.mouse.move(*point(page, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    page.mouse.move(*point(page, box[2], box[3]))
    page.mouse.up()
    wait_for_new_overlay(page, before)


def test_a_whole_edit_from_the_example_to_the_downloaded_video(page: Any, server: Server, tmp_path: Path) -> None:
    open_page(page, server.url)
    clip, thing = example_clip()
    source, rate = read_video(clip)
    page.get_by_label("Last frame to work on").fill(str(LAST))
    page.keyboard.press("Enter")
    page.wait_for_function("last => studio.state.view.clip.stop === last + 1", arg=LAST)
    screenshot(page, "1-video")

    page.click("#studio-video [data-ref=primary]")
    drag_box(page, box_around(thing, 2))
    page.mouse.move(*point(page, 40.5, 30.5))
    page.keyboard.press("p")
    page.wait_for_function("studio.state.message?.words.includes('--point 0:40,30')")
    screenshot(page, "2-select")
    page.click("#studio-select [data-ref=secondary]")
    page.wait_for_function("studio.state.view.jobs.length")
    tracking = newest_job(page)
    page.reload()  # in the middle of the job: the page finds the project, the step and the job again
    page.wait_for_function("id => window.studio?.state?.view?.jobs.some((job) => job.id === id)", arg=tracking)
    assert page.evaluate("studio.state.step") == "select"
    assert page.url.endswith("/#select"), "the address tells of no project"
    wait_for_job(page, "track")
    present = page.evaluate("studio.state.view.lanes[0].present.reduce((sum, [a, b]) => sum + b - a, 0)")
    assert present > (LAST + 1) * 0.6
    page.keyboard.press("Home")

    page.get_by_role("button", name="Continue to Adjust").click()
    page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.overlay.includes('kind=region')")
    before = overlay(page)
    page.get_by_text("Wide hull").click()
    wait_for_new_overlay(page, before)
    before = overlay(page)
    page.get_by_text("Wide box", exact=True).click()
    wait_for_new_overlay(page, before)
    screenshot(page, "3-adjust")

    page.get_by_role("button", name="Continue to Keyframe").click()
    assert page.locator("#studio-keyframe [data-ref=primary]").is_disabled()
    assert page.get_by_role("radio", name="Change").is_checked(), "what a clicked thing is mostly for"
    page.get_by_label("Caption").fill("a purple elephant")  # the model doesn't know the word
    page.wait_for_function("document.querySelector('#studio-keyframe [data-ref=hint]').textContent.includes('elephant')")
    page.get_by_label("Caption").fill("")
    page.locator("[data-group=colour] .vs-chip").first.click()
    page.locator("[data-group=kind] .vs-chip").first.click()
    page.wait_for_selector("#studio-keyframe [data-ref=hint]:empty", state="attached")
    page.get_by_role("button", name="Try", exact=True).click()
    page.wait_for_selector(".vs-try[aria-selected=true]", timeout=SLOW)
    wait_for_job(page, "keyframe")
    assert page.locator(".vs-try").count() == 2
    # the divider starts on the thing itself, whose middle is far from the frame's
    page.wait_for_function("middle => Math.abs(studio.state.wipe - middle) < 0.05", arg=np.nonzero(thing)[1].mean() / thing.shape[1])
    screenshot(page, "4-keyframe")
    page.get_by_role("slider", name="Before and after").focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".vs-wipe[aria-valuenow='0']")
    for _ in range(24):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(".vs-wipe[aria-valuenow='48']")

    page.get_by_role("button", name="Accept and continue").click()
    page.get_by_role("button", name=re.compile("^Propagate to")).click()
    wait_for_job(page, "propagate")
    page.get_by_text("Side by side").wait_for()
    parts = page.locator("#studio-propagate .vs-parts-tabs")
    parts.get_by_text("About").click()
    facts = page.locator("#studio-propagate [data-ref=report]")
    assert "not one pixel changed before encoding" in facts.inner_text()
    page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
    page.keyboard.press("Home")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_function("studio.state.frame > 5")
    apart = "(() => { const [a, b] = document.querySelectorAll('video'); return Math.abs(a.currentTime - b.currentTime); })()"
    page.wait_for_function(f"{apart} < 0.25")
    page.keyboard.press("Space")
    screenshot(page, "5-propagate")

    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("link", name="Download").click()
    saved = tmp_path / "result.mp4"
    download.value.save_as(saved)
    caption = page.evaluate("studio.state.view.result.title")
    assert download.value.suggested_filename == f"Meadow, {caption}.mp4"
    result, result_rate = read_video(saved)
    assert result.shape == source.shape
    assert result_rate == rate
    difference = np.abs(result[0].astype(int) - source[0]).mean(-1)
    inside = difference[thing]
    x0, y0, x1, y1 = box_around(thing, 32)
    outside = np.ones(thing.shape, bool)
    outside[y0:y1, x0:x1] = False
    assert inside.mean() > 8, "the edit is there"
    assert difference[outside].mean() < 3, "elsewhere only the encoder's own noise"
    assert np.abs(result[LAST + 1 :].astype(int) - source[LAST + 1 :]).mean() < 3, "the whole clip comes back"
    parts.get_by_text("Save").click()
    page.get_by_label("What is saved").select_option("part")
    page.get_by_role("button", name="Rename the result").click()
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    page.get_by_label("Which result").get_by_text("First · ").wait_for(state="attached")
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == f"Meadow, first, frames 0 to {LAST}.mp4"
    assert len(read_video(Path(download.value.path()))[0]) == LAST + 1
    files = page.locator("#studio-propagate [data-ref=files] li a[download]").filter(has_not_text="recipe")
    assert download.value.suggested_filename in files.all_text_contents(), "the list has the names of the files"
    assert files.count() == 2, "the one before is not replaced"
    page.get_by_role("button", name="Copy as command").click()
    page.wait_for_function("studio.state.message?.words.includes(' edit ')")
    command = page.evaluate("studio.state.message.words")
    assert all(word in command for word in (f"--frames 0:{LAST + 1}", "--box ", "--task modify", "--caption "))
    for part in ("Save", "About", "Keyframes"):
        parts.get_by_text(part).click()
        assert page.evaluate(ROOM) >= 0, f"{part} scrolls"


def test_clicks_in_a_hurry_all_arrive_and_can_be_undone(page: Any, server: Server) -> None:
    open_page(page, server.url)
    page.keyboard.press("2")
    clip = page.evaluate("studio.state.view.clip")
    spots = [(0.3, 0.4, "left"), (0.5, 0.5, "left"), (0.7, 0.6, "right"), (0.6, 0.3, "left"), (0.2, 0.7, "right")]
    for x, y, button in spots:
        page.mouse.click(*point(page, x * clip["width"], y * clip["height"]), button=button)
    page.wait_for_function("studio.state.view.objects.length && studio.state.view.objects[0].prompts.length === 5", timeout=SLOW)
    prompts = page.evaluate("studio.state.view.objects[0].prompts")
    assert [prompt["positive"] for prompt in prompts] == [True, True, False, True, False]
    for prompt, (x, y, _) in zip(prompts, spots, strict=True):
        assert prompt["x"] == pytest.approx(x * clip["width"], abs=1.5)
        assert prompt["y"] == pytest.approx(y * clip["height"], abs=1.5)
    page.keyboard.press("Control+z")
    page.wait_for_function("studio.state.view.objects[0].prompts.length === 4")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function("studio.state.view.objects[0].prompts.length === 5")
