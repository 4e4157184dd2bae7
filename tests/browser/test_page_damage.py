"""What is damaged or doubtful is said on the page, with one click to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from studio_page import open_page, Server

pytestmark = pytest.mark.browser


def test_inverted_masks_and_damaged_projects_are_said(page: Any, server: Server, tmp_path: Path) -> None:
    broken = server.workspace / "projects" / ("b" * 32)
    broken.mkdir(parents=True)
    (broken / "project.json").write_text('{"schema": 1, "project": {"name": "gone')
    open_page(page, server.url)
    width, height, frames = page.evaluate("[studio.state.view.clip.width, studio.state.view.clip.height, studio.state.view.clip.frames]")
    hole = np.full((height, width), 255, np.uint8)
    hole[height // 4 : height // 2, width // 4 : width // 2] = 0
    files = []
    for frame in range(frames):
        Image.fromarray(hole).save(tmp_path / f"m{frame}.png")
        files.append(tmp_path / f"m{frame}.png")

    page.keyboard.press("2")
    page.set_input_files("#studio-select [data-ref=maskFiles]", files)
    dialog = page.get_by_role("dialog", name="Inverted masks?")
    dialog.wait_for()
    page.screenshot(path=tmp_path / "inverted.png")
    dialog.get_by_role("button", name="Invert them").click()
    page.wait_for_function("studio.state.view.lanes[0].doubt === ''")
    assert page.evaluate("studio.state.view.undo") == "Invert masks"

    page.keyboard.press("1")
    card = page.locator("#studio-video")
    card.get_by_text("Open", exact=True).first.click()
    row = card.locator(f"[data-project='{'b' * 32}']")
    row.get_by_text("put back a copy of it").wait_for()
    row.get_by_role("button", name="Show file").click()
    page.get_by_text(str(broken / "project.json")).first.wait_for()
    card.get_by_text("Workspace: ").wait_for()
    page.screenshot(path=tmp_path / "damaged.png")
    row.get_by_label("Delete Project bbbbbb").click()
    row.get_by_role("button", name="Delete for good").click()
    row.wait_for(state="detached")
    assert not broken.exists()
