"""The report of `evaluate` in a real browser: its clips play, can be stopped and stepped through,
in light and in dark. And the page on which people rate: what they answer comes back as a file.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.commands.cli import main
from core.dataset.facts import ClipFacts, PackedMasks, SampleFacts, SourceFacts
from core.dataset.writer import DatasetWriter
from tests.builders import counted_frames, report_page, video_file


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


@pytest.mark.browser
def test_samples_are_rated_and_the_answers_put_together(browser: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = counted_frames(5)  # 96x64
    masks = np.zeros((5, 64, 96), bool)
    masks[:, 10:40, 20:60] = True
    video = video_file(tmp_path / "clip.mp4", frames)
    facts = "e0", "modify", ("a <dog>", "a brown dog"), PackedMasks.pack(masks), "dog"
    with DatasetWriter(tmp_path / "set" / "data") as writer:
        for number in range(2):
            clip = ClipFacts(f"clip{number}", "video", SourceFacts(f"s{number}"), 96, 64, 5, Fraction(24), 0, 5, ".mp4")
            writer.add(clip, video, [SampleFacts(*facts)])
    assert main(["data", "statistics", str(tmp_path / "set"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 2
    assert main(["data", "rate", str(tmp_path / "set"), "--page", str(tmp_path / "rating.html")]) == 0
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto((tmp_path / "rating.html").as_uri())
    assert tab.get_by_role("button", name="Save answers").is_disabled()
    for answers in (("Good", "Good", "Good"), ("Good", "Bad", "Good")):
        shown = tab.locator(".item:visible")
        assert shown.get_by_text("a <dog>").is_visible()
        for number, answer in enumerate(answers):
            shown.locator("fieldset").nth(number).get_by_text(answer).click()
        if tab.get_by_role("button", name="Next").is_enabled():
            tab.get_by_role("button", name="Next").click()
    tab.get_by_label("Your name").fill("Ann")
    tab.reload()  # what was answered is still there
    assert tab.get_by_role("status").inner_text() == "2 of 2, 2 answered"
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Save answers").click()
    assert saved.value.suggested_filename == "ratings-Ann.csv"
    saved.value.save_as(tmp_path / "ratings.csv")
    capsys.readouterr()
    assert main(["data", "ratings", str(tmp_path / "ratings.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["high_quality"] == 0.5
    assert {one["question"]: one["share"]["good"] for one in found["questions"]} == {"MG": 1, "MP": 0.5, "TA": 1}
    assert not faults
    tab.close()
