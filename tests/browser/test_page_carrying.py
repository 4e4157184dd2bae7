"""A keyframe that is carried as a change, on the page: what it is taken for, and where a further
one would help.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import video_file
from studio_page import new_context, Problems, program, signed, SLOW

from app.contract.requests import PictureRequest
from app.editor.editor import Editor
from app.settings import Settings
from core.data.carrying_clips import carrying_clips
from core.masks import export_png, MaskSequence
from core.media import write_image

pytestmark = pytest.mark.browser

FRAMES, TURNED = 12, 8
"""Frames, and the first on which the thing shows a side that the keyframe never did."""


def _project(workspace: Path, folder: Path) -> str:
    """A striped ball, brought back on frame 0, that suddenly shows another side."""
    drawn = next(carrying_clips(FRAMES, 1))
    frames = drawn.frames.copy()
    inside = drawn.masks[TURNED:]
    frames[TURNED:][inside] = np.uint8((20, 250, 60))
    video = video_file(folder / "ball.mp4", frames[:, :268], options={"crf": "4"})
    masks = drawn.masks[:, :268]
    export_png(MaskSequence((masks.shape[2], masks.shape[1]), 0, masks), folder / "masks")
    write_image(folder / "striped.png", drawn.changed["striped"][0][:268])
    editor = Editor(Settings(workspace=workspace, device="cpu"))
    project_id = str(editor.projects.create(video).project_id)
    editor.masks.import_masks(project_id, folder / "masks", 0, "Ball")
    _, edit_id = editor.exchange.bring_back(project_id, PictureRequest(0, folder / "striped.png", "a striped ball"))
    editor.keyframes.accept(project_id, edit_id)
    editor.close()
    return project_id


def test_the_far_side_is_marked_and_a_further_keyframe_proposed(browser: Any, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    project_id = _project(workspace, tmp_path)
    problems = Problems()
    page = new_context(browser).new_page()
    problems.watch(page)
    with program(workspace) as (url, _):
        page.goto(signed(f"{url}/?project={project_id}#propagate"))
        page.wait_for_selector("#studio[data-ready=true]")
        panel = page.locator("#studio-propagate")
        panel.get_by_text("carried as a change of the source").wait_for(timeout=SLOW)
        way = page.get_by_label("How the keyframe is carried")
        way.select_option("picture")
        panel.get_by_text("carried as a picture").wait_for()
        way.select_option("auto")
        page.get_by_role("button", name=f"Propagate to {FRAMES} frames").click()
        row = panel.get_by_text("does not say what becomes of")
        row.wait_for(timeout=SLOW)
        if os.environ.get("SHOW"):
            page.wait_for_timeout(1500)
            page.screenshot(path=os.environ["SHOW"])
        page.get_by_role("button", name="Add one on frame").click()
        page.wait_for_function(f"studio.state.step === 'keyframe' && studio.state.frame >= {TURNED}")
        page.context.close()
    problems.assert_none()
