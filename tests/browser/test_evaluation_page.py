"""The report of `evaluate` in a real browser: its clips play, can be stopped and stepped through,
in light and in dark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import report_page


@pytest.mark.browser
def test_a_page_plays_in_a_browser_in_light_and_dark(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(report_page(), encoding="utf-8")
    grounds = []
    for scheme in ("light", "dark"):
        tab = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme=scheme)
        faults: list[str] = []
        tab.on("pageerror", lambda error, faults=faults: faults.append(str(error)))
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
        tab.close()
    assert grounds[0] != grounds[1]
