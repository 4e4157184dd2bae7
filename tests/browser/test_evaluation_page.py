"""The report of `evaluate` in a real browser: its clips play, can be stopped and stepped through, in light and in dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import report_page


@pytest.mark.browser
def test_a_page_plays_in_a_browser_in_light_and_dark(chromium: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    (tmp_path / "page.html").write_text(report_page(), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        grounds = []
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme=scheme)  # type: ignore[arg-type]
            faults: list[str] = []
            tab.on("pageerror", lambda error, faults=faults: faults.append(str(error)))  # type: ignore[misc]
            tab.goto((tmp_path / "page.html").as_uri())
            tab.evaluate("document.querySelector('video').scrollIntoView()")
            tab.wait_for_function("document.querySelector('video').currentTime > 0.1")
            assert tab.evaluate("document.querySelector('video').videoWidth") == 648
            assert tab.evaluate("document.documentElement.scrollWidth") == 1366
            tab.get_by_role("button", name="Pause all").click()
            tab.wait_for_function("document.querySelector('video').paused")
            tab.get_by_role("slider", name="Frame").fill("4")
            tab.wait_for_function("Math.abs(document.querySelector('video').currentTime - 4.5 / 12) < 0.01")
            grounds.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert not faults
        browser.close()
    assert grounds[0] != grounds[1]
