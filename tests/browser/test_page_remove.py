"""Removing a thing with its shadow, in a real browser: found, shown, left alone by a switch, and
propagated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import video_file
from studio_page import newest_job, overlay, Server, signed, SLOW, wait_for_job

pytestmark = pytest.mark.browser


def walked_yard(workspace: Path, folder: Path) -> str:
    """A project with the masks of somebody who walks across a drawn courtyard; returns its id."""
    from app.editor.editor import Editor
    from app.settings import Settings
    from core.data.courtyard import draw_courtyard
    from core.masks import write_mask

    clip = draw_courtyard(20, (288, 162), camera="still")
    (folder / "masks").mkdir()
    for index, mask in enumerate(clip.masks):
        write_mask(folder / "masks" / f"{index:05d}.png", mask)
    editor = Editor(Settings(workspace=workspace, device="cpu"))
    project_id = editor.projects.create(video_file(folder / "yard.mp4", clip.frames), "Yard").project_id
    editor.masks.import_masks(project_id, folder / "masks")
    editor.close()
    return project_id


def test_a_removal_shows_its_shadow_and_takes_it(page: Any, server: Server, tmp_path: Path) -> None:
    project_id = walked_yard(server.workspace, tmp_path)
    page.goto(signed(f"{server.url}/?project={project_id}#keyframe"))
    page.wait_for_selector("#studio[data-ready=true]")
    page.wait_for_function("studio.state.step === 'keyframe'")
    shadows = page.get_by_label("Its shadow and reflection too")
    assert not shadows.is_visible()
    page.get_by_text("Remove", exact=True).click()
    assert shadows.is_checked()
    page.wait_for_function("studio.state.view.adjustment.form === 'expand'")
    assert "Wider by 6 px, close to the object" in page.locator("#studio-keyframe [data-ref=regionNote]").inner_text()
    page.screenshot(path=str(tmp_path / "proposed.png"))

    before = newest_job(page)
    page.locator("#studio-keyframe [data-ref=variations]").fill("1")
    page.locator("#studio-keyframe [data-ref=secondary]").click()
    wait_for_job(page, "keyframe", after=before)
    page.wait_for_function("studio.state.view.objects.some((object) => object.affected)")
    page.screenshot(path=str(tmp_path / "removed.png"))

    page.evaluate("studio.openStep('adjust')")  # the region, and the shadow in a tint of its own
    page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.overlay")
    shown = overlay(page)
    page.screenshot(path=str(tmp_path / "shadow.png"))

    page.evaluate("studio.openStep('keyframe')")
    shadows.uncheck()
    page.wait_for_function("!studio.state.view.shadows")
    page.evaluate("studio.openStep('adjust')")
    page.wait_for_function("(before) => document.querySelector('#studio-canvas canvas').dataset.overlay !== before", arg=shown)
    page.evaluate("studio.openStep('keyframe')")
    shadows.check()
    page.wait_for_function("studio.state.view.shadows")

    page.locator("#studio-keyframe [data-ref=primary]").click()
    page.wait_for_function("studio.state.step === 'propagate'")
    before = newest_job(page)
    page.locator("#studio-propagate [data-ref=primary]").click()
    wait_for_job(page, "propagate", after=before)
    page.wait_for_function("studio.state.view.result && studio.state.view.result.done", timeout=SLOW)
