"""The Propagate step in a real browser on the models that ship: what a reload, a killed server and a second machine leave of a run."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_page import Problems, ROOT, SLOW, wait_for_job

pytestmark = pytest.mark.browser

FRAMES = 50
PORT = 17960


def prepared(workspace: Path, clip: Path) -> str:
    """A project with masks and an accepted keyframe, as the earlier steps leave it; returns its id."""
    from app.editor import Editor
    from app.pictures import encode_png
    from app.settings import Settings
    from core.masks import MaskSequence
    from core.project import project as document
    from core.project.edits import KeyframeEdit, SamplingSettings

    editor = Editor(Settings(workspace=workspace, device="cpu"))
    project_id = editor.create_project(clip, "Disc").project_id
    editor.add_object(project_id)
    ys, xs = np.mgrid[:120, :160]
    masks = MaskSequence((160, 120), 0, [(xs - 55 - i) ** 2 + (ys - 61) ** 2 < 24**2 for i in range(FRAMES)])
    track = dataclasses.replace(
        editor.project(project_id).track(1), masks=editor.pictures.store_masks(project_id, masks), tracked=(0, FRAMES)
    )
    editor.workspace.change(project_id, "Track", lambda p: document.with_track(p, track))
    picture = editor.pictures.frame(editor.project(project_id), 0).copy()
    picture[masks[0]] = (30, 60, 220)
    image = editor.workspace.add_file(project_id, encode_png(picture), ".png")
    edit = KeyframeEdit("k0", 0, "modify", "a blue ball", 3, SamplingSettings(), "vivid-small", image, "r")
    editor.workspace.change(project_id, "Try", lambda p: document.with_accepted(document.with_edits(p, (edit,)), "k0"))
    editor.close()
    return project_id


@contextmanager
def program(workspace: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The program as a person starts it; whatever still runs at the end is killed."""
    command = [sys.executable, "-m", "app.cli", "ui", "--port", str(PORT), "--no-browser", "--workspace", str(workspace), "--device", "cpu"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        try:
            yield found[0], process
        finally:
            process.kill()


def open_step(page: Any, url: str, project_id: str) -> None:
    page.goto(f"{url}/?project={project_id}#propagate")
    page.wait_for_selector("#studio[data-ready=true]")
    page.wait_for_function("studio.state.view && studio.state.step === 'propagate'")


DONE = "studio.state.view.result ? studio.state.view.result.windows.filter((window) => window[2]).length : 0"


def test_a_propagation_outlives_a_reload_and_a_killed_server_and_replays_headless(browser: Any, tmp_path: Path) -> None:
    from builders import disc_clip

    clip = disc_clip(tmp_path / "disc.mp4", frames=FRAMES, audio=True)
    workspace = tmp_path / "workspace"
    project_id = prepared(workspace, clip)
    windows = workspace / "projects" / project_id / "windows"
    problems = Problems()
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    problems.watch(page)

    with program(workspace) as (url, process):
        open_step(page, url, project_id)
        page.wait_for_function("document.querySelector('[data-ref=forecast]').textContent.includes('about')", timeout=SLOW)
        page.locator("#studio-propagate summary").click()
        page.locator("#studio-propagate [data-ref=steps]").fill("1")
        page.get_by_role("button", name=re.compile("^Propagate to")).click()
        page.wait_for_function(f"({DONE}) >= 1", timeout=SLOW)
        page.reload()
        page.wait_for_selector("#studio-job [data-state=running]")
        assert page.evaluate("studio.state.step") == "propagate"
        # the page can be used meanwhile: frames are scrubbed, and those of finished windows show the edit
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#studio-canvas canvas[data-frame='1']")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in windows.glob("*.npz")}
    assert 1 <= len(kept) < 4

    problems.expected += ["ERR_CONNECTION", "Failed to fetch", "EventSource", "Connection", "NetworkError", "net::"]
    with program(workspace) as (url, _):
        open_step(page, url, project_id)
        resume = page.get_by_role("button", name="Resume")
        assert page.evaluate(DONE) == len(kept)
        resume.click()
        wait_for_job(page, "propagate")
        page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
        now = {path.name: path.stat().st_mtime_ns for path in windows.glob("*.npz")}
        assert len(now) == 4
        assert kept.items() <= now.items(), "windows that were there are not made again"
        report = page.evaluate("studio.state.view.result.report")
        assert report["windows_made"] == 4 - len(kept)
        page.get_by_label("Format").select_option("ffv1")
        page.get_by_role("button", name="Export").click()
        wait_for_job(page, "export")
        assert page.locator("#studio-propagate .vs-files a").count() == 2
        page.get_by_role("button", name="Accept, edit on").click()
        page.wait_for_function("studio.state.view.layers.length === 1 && studio.state.step === 'select'")
        page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.frame !== undefined")
        page.keyboard.press("Control+z")
        page.wait_for_function("studio.state.view.layers.length === 0")
    page.context.close()
    problems.assert_none()

    exports = workspace / "projects" / project_id / "exports"
    (recipe,) = exports.glob("*.recipe.json")
    out = tmp_path / "replayed"
    command = [sys.executable, "-m", "app.cli", "replay", str(recipe), "--out", str(out), "--device", "cpu"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    from core.media import open_clip

    (exported,) = exports.glob("*.mkv")
    with open_clip(exported) as one, open_clip(out / "output.mkv") as two:
        # the replay was never cut off: what went on after the kill is what an unbroken run makes
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))
