"""Driving the editor's page: opening it, pointing at source pixels, waiting for masks and jobs."""

from __future__ import annotations

import base64
import dataclasses
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
"""What Chromium is started with: nothing that needs a sandbox, a GPU or another machine."""

SLOW = 240_000
"""Milliseconds that a piece of model work may take on a busy machine before a test gives up on it.
"""

SOON = 60_000
"""Milliseconds for what needs no model, on a busy machine."""

DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
"""Resolves when what has just changed is laid out and drawn."""

SCREEN = {"width": 1366, "height": 768}
"""The smallest window that every step has to fit."""


TOKEN = secrets.token_urlsafe(24)
"""What lets these tests into the servers that they start."""


def environment() -> dict[str, str]:
    """What the servers of these tests are started with."""
    return {**os.environ, "VIVID_TOKEN": TOKEN}


def new_context(browser: Any, **how: Any) -> Any:
    """A browser window of its own that waits patiently; `how` is passed on to Playwright."""
    context = browser.new_context(**{"viewport": SCREEN} | how)
    context.set_default_timeout(SOON)
    return context


def signed(url: str) -> str:
    """An address of the page with the token, which lets a new browser in."""
    address, _, step = url.partition("#")
    return f"{address.removesuffix('/')}{'&' if '?' in address else '/?'}token={TOKEN}" + (f"#{step}" if step else "")


@dataclass(frozen=True)
class Server:
    """A running program and its address, without the token."""

    url: str
    workspace: Path
    process: subprocess.Popen[str]


@dataclass
class Problems:
    """What a page did that it should not."""

    expected: list[str] = field(default_factory=list)
    """Parts of complaints that a test provokes on purpose."""
    seen: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("console", lambda m: self.seen.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.seen.append(f"script error: {error}"))
        page.on("request", self._check_address)

    def _check_address(self, request: Any) -> None:
        if not re.match(r"(http://127\.0\.0\.1[:/]|blob:|data:)", request.url):
            self.seen.append(f"request off this machine: {request.url}")

    def assert_none(self) -> None:
        left = [line for line in self.seen if not any(part in line for part in self.expected)]
        assert not left, left


def open_page(page: Any, url: str) -> None:
    """Open the editor at an address that names a project, or with an example as a new one, and
    wait until a frame is on the stage.
    """
    page.goto(signed(url if "?" in url else f"{url}/?example=meadow"))
    page.wait_for_selector("#studio[data-ready=true]")
    page.wait_for_selector("#studio-canvas canvas[data-frame]")


def open_by_path(page: Any, path: Path) -> None:
    """Open a clip by its path in the Video step; afterwards it is the page's project."""
    before = page.evaluate("studio.state.view.id")
    page.evaluate("studio.openStep('video')")
    page.locator("#studio-video").get_by_text("Open", exact=True).first.click()
    page.get_by_label("Path of a video on this machine").fill(str(path))
    page.keyboard.press("Enter")
    page.wait_for_function("before => studio.state.view.id !== before", arg=before)


def point(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where source pixel (x, y) is on the screen, from the picture's own place there, once the page
    has come to rest.
    """
    where = """async ([x, y]) => {
      const canvas = document.querySelector("#studio-canvas canvas");
      const now = () => {
        const { left, top } = canvas.getBoundingClientRect();
        const { place } = studio;
        return [left + place.x + x * place.scale, top + place.y + y * place.scale];
      };
      for (let before = null; ; ) {
        const at = now();
        if (before && before[0] === at[0] && before[1] === at[1]) return at;
        before = at;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
      }
    }"""
    left, top = page.evaluate(where, [x, y])
    return left, top


def overlay(page: Any) -> str:
    """Address of the overlay that is drawn now; empty when there is none."""
    return page.evaluate("document.querySelector('#studio-canvas canvas').dataset.overlay || ''")


def wait_for_new_overlay(page: Any, before: str) -> None:
    """Wait until another overlay than `before` is drawn."""
    test = "(before) => { const now = document.querySelector('#studio-canvas canvas').dataset.overlay; return now && now !== before; }"
    page.wait_for_function(test, arg=before, timeout=SLOW)


def drop(page: Any, path: Path) -> str:
    """Drop a file or a folder on the picture, as from the desktop; returns what the page said that
    it would do with it.
    """
    box = page.locator("#studio-stage").bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    held = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": held})
    page.wait_for_selector("body.vs-dropping")
    says = page.evaluate("getComputedStyle(document.getElementById('studio-stage'), '::after').content")
    session.send("Input.dispatchDragEvent", {"type": "drop", **at, "data": held})
    session.detach()
    return says


def paste(page: Any, path: Path) -> None:
    """Paste a PNG, as if it had been copied in another program."""
    page.evaluate(
        """([name, bytes]) => {
          const held = new DataTransfer();
          held.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: 'image/png' }));
          document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: held, bubbles: true, cancelable: true }));
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def newest_job(page: Any) -> str:
    """Id of the job that was started last; empty before the first one."""
    return page.evaluate("studio.state.view.jobs[0] ? studio.state.view.jobs[0].id : ''")


def wait_for_job(page: Any, kind: str, after: str = "") -> None:
    """Wait until a job of `kind` that is newer than the job with the id `after` has ended, and see
    that it ended well.

    Others may have been started since: the page measures the machine on its own.
    """
    find = """([kind, after]) => {
      const { jobs } = studio.state.view, old = jobs.findIndex((job) => job.id === after);
      return (old < 0 ? jobs : jobs.slice(0, old)).find((job) => job.kind === kind && job.finished);
    }"""
    job = page.wait_for_function(find, arg=[kind, after], timeout=SLOW).json_value()
    assert job["state"] == "done", job


def prepared(workspace: Path, clip: Path, model: str = "vivid-small", propagate: bool = False) -> str:
    """A project with masks and an accepted keyframe, as the earlier steps leave it, or with a
    result; returns its id.
    """
    from app.editor.editor import Editor
    from app.media.pictures import encode_png
    from app.settings import Settings
    from core.masks import MaskSequence
    from core.project import project as document
    from core.project.edits import KeyframeEdit, SamplingSettings
    from core.project.tries import with_accepted, with_edits

    editor = Editor(Settings(workspace=workspace, device="cpu", model=model))
    project = editor.projects.create(clip, "Disc")
    project_id, (width, height), frames = project.project_id, project.clip.info.size, project.clip.info.frames
    editor.objects.add(project_id)
    ys, xs = np.mgrid[:height, :width]
    masks = MaskSequence((width, height), 0, [(xs - 55 - i) ** 2 + (ys - height + 59) ** 2 < 24**2 for i in range(frames)])
    stored = editor.pictures.masks.store(project_id, masks)
    track = dataclasses.replace(editor.projects.get(project_id).track(1), masks=stored, tracked=(0, frames))
    editor.workspace.change(project_id, "Track", lambda p: document.with_track(p, track))
    picture = editor.pictures.frames.frame(editor.projects.get(project_id), 0).copy()
    picture[masks[0]] = (30, 60, 220)
    image = editor.workspace.add_file(project_id, encode_png(picture), ".png")
    edit = KeyframeEdit("k0", 0, "modify", "a blue ball", 3, SamplingSettings(), model, image, "r")
    editor.workspace.change(project_id, "Try", lambda p: with_accepted(with_edits(p, (edit,)), "k0"))
    if propagate:
        assert editor.runner.wait(editor.propagation.start(project_id, settings=SamplingSettings(steps=1)), 120).state == "done"
    editor.close()
    return project_id


@contextmanager
def program(workspace: Path, *options: str, port: int = 17960, start_up: Path | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The program as a person starts it, on `port` or the next free one; whatever still runs at the
    end is killed. `start_up` is a folder with a sitecustomize.py, to break something in it.
    """
    own = {} if start_up is None else {"PYTHONPATH": os.pathsep.join([str(start_up), str(ROOT)])}
    command = [
        sys.executable,
        "-m",
        "app.commands.cli",
        "ui",
        "--port",
        str(port),
        "--no-browser",
        "--workspace",
        str(workspace),
        "--device",
        "cpu",
    ]
    with subprocess.Popen([*command, *options], cwd=ROOT, env=environment() | own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[^/\s]+", process.stdout.readline())
        assert found
        try:
            yield found[0], process
        finally:
            process.kill()
