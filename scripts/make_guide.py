"""Take the pictures of docs/guide.md from a whole edit in a real browser: `python -m
scripts.make_guide [FOLDER]`.

The edit is the one that the guide tells of, on the example clip with the models that ship. The
pictures are WebP, small enough for a repository. It takes a minute or two.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from studio_page import newest_job, open_page, point, program, ROOT, SLOW, wait_for_job

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1366, "height": 768}
LAST = 23
"""The guide works on the frames 0 to this one."""

BALL = (0.117, 0.414)
"""Where the example's ball lies on its first frame, as a share of the frame."""


class Guide:
    """The open page, and where its pictures go."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page = page
        self.folder = folder

    def picture(self, name: str, part: str = "", pause: int = 700) -> None:
        """Keep what the page shows, or one part of it, as FOLDER/NAME.webp."""
        from PIL import Image

        self.page.wait_for_function("!document.querySelector('.vs-toast.vs-on')")
        self.page.wait_for_timeout(pause)
        png = self.page.locator(part).screenshot() if part else self.page.screenshot()
        path = self.folder / f"{name}.webp"
        Image.open(io.BytesIO(png)).convert("RGB").save(path, "WEBP", quality=82, method=6)
        print(f"{path.name}: {path.stat().st_size // 1000} kB")

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).and_(self.page.locator(":visible")).first.click()

    def go_to(self, frame: int) -> None:
        self.page.evaluate("frame => studio.goTo(frame)", frame)
        self.page.wait_for_function("frame => studio.state.frame === frame", arg=frame)

    def wait(self, kind: str, before: str = "") -> None:
        wait_for_job(self.page, kind, after=before)


def open_and_trim(guide: Guide) -> None:
    page = guide.page
    page.get_by_label("Last frame to work on").fill(str(LAST))
    page.keyboard.press("Enter")
    page.wait_for_function("stop => studio.state.view.clip.stop === stop", arg=LAST + 1)
    page.wait_for_function("!document.getElementById('studio-video').innerText.includes('looking for cuts')", timeout=SLOW)
    guide.picture("1-video", pause=2500)


def select(guide: Guide) -> None:
    page = guide.page
    guide.press("Continue to Select")
    page.wait_for_selector("#studio[data-step=select]")
    clip = page.evaluate("studio.state.view.clip")
    at = point(page, BALL[0] * clip["width"], BALL[1] * clip["height"])
    page.mouse.click(*at)
    page.wait_for_function("studio.state.view.objects.length && studio.state.view.objects[0].prompts.length === 1", timeout=SLOW)
    page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.overlay", timeout=SLOW)
    page.keyboard.press("F2")
    page.get_by_label("New name of Object 1").fill("Ball")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Hide Ball from the picture").wait_for()
    guide.picture("2-select")
    before = newest_job(page)
    guide.press(re.compile("^Track$"))
    guide.wait("track", before)
    guide.go_to(7)
    guide.picture("3-track")


def adjust(guide: Guide) -> None:
    page = guide.page
    guide.go_to(0)
    guide.press("Continue to Adjust")
    page.get_by_text("Wide box").click()
    page.wait_for_function("studio.state.view.adjustment.form === 'box+expand'")
    guide.picture("4-adjust", pause=1500)


def tried(guide: Guide, caption: str, variations: int, picture: str) -> None:
    """Try a caption with so many seeds, and take the picture of all that is in the tree then."""
    page = guide.page
    there = page.evaluate("studio.state.view.edits.length")
    page.get_by_label("Caption").fill(caption)
    page.get_by_label("Variations").fill(str(variations))
    before = newest_job(page)
    page.get_by_role("button", name="Try", exact=True).click()
    guide.wait("keyframe", before)
    page.wait_for_function("count => studio.state.view.edits.length === count", arg=there + variations)
    page.wait_for_function("/about/.test(document.querySelector('#studio-keyframe [data-ref=forecast]').textContent)", timeout=SLOW)
    page.wait_for_function("!studio.activeJob()", timeout=SLOW)
    guide.picture(picture, pause=1500)


def keyframe(guide: Guide) -> None:
    page = guide.page
    guide.press("Continue to Keyframe")
    page.locator("#studio-keyframe").get_by_text("Change", exact=True).click()
    tried(guide, "a blue cube", 3, "5-tries")
    guide.press("Branch")
    page.get_by_label("Keep of its picture").fill("20")
    tried(guide, "a purple cube", 1, "6-branch")
    first = page.evaluate("studio.state.view.edits[0].id")
    page.evaluate("id => studio.set({ tryId: id })", first)


def propagate(guide: Guide) -> None:
    page = guide.page
    guide.press("Accept and continue")
    page.wait_for_selector("#studio[data-step=propagate]")
    page.wait_for_function("/about/.test(document.querySelector('#studio-propagate [data-ref=forecast]').textContent)", timeout=SLOW)
    page.wait_for_function("!studio.activeJob()", timeout=SLOW)
    guide.picture("7-estimate")
    before = newest_job(page)
    page.get_by_role("button", name=re.compile("^Propagate to")).click()
    page.wait_for_function(
        "before => studio.state.view.jobs.some((job) => job.kind === 'propagate' && job.id !== before && job.finished)",
        arg=before,
        timeout=SLOW,
    )
    page.wait_for_function("studio.state.view.result.done && !studio.activeJob()", timeout=SLOW)
    page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
    page.get_by_text("Wipe", exact=True).click()
    guide.go_to(14)
    guide.picture("8-result", pause=2500)


def export(guide: Guide) -> None:
    page = guide.page
    before = newest_job(page)
    page.get_by_role("button", name="Export", exact=True).click()
    guide.wait("export", before)
    page.wait_for_selector("#studio-propagate .vs-files a")
    page.locator("#studio-propagate [data-ref=exportSection]").scroll_into_view_if_needed()
    guide.picture("9-export", part="#studio-panel", pause=7000)


def main(folder: Path) -> None:
    """Make every picture anew; what lies in the folder and is no longer made goes."""
    from playwright.sync_api import sync_playwright

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"no browser on PATH (looked for {', '.join(BROWSERS)})")
    with tempfile.TemporaryDirectory() as workspace, program(Path(workspace), port=18490) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(SLOW)
        open_page(page, url)
        guide = Guide(page, folder)
        for step in (open_and_trim, select, adjust, keyframe, propagate, export):
            step(guide)
        browser.close()
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{total // 1000} kB in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "guide")
