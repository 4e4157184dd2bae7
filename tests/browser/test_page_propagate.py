"""The Propagate step in a real browser on the models that ship: what a reload and a killed server
leave of a run.
"""

from __future__ import annotations

import os
import re
import signal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from studio_page import new_context, newest_job, prepared, Problems, program, ROOT, Server, signed, SLOW, wait_for_job

pytestmark = pytest.mark.browser

FRAMES = 34
"""Three windows."""

HOLD = f"""
import sys
import app
sys.path.insert(0, {str(ROOT / "tests")!r})
from builders import held_at
held = held_at("propagate", 2)
held.__enter__()
"""
"""Lets the program finish one window and no more, for as long as it lives."""


def open_step(page: Any, url: str, project_id: str, step: str = "propagate") -> None:
    page.goto(signed(f"{url}/?project={project_id}#{step}"))
    page.wait_for_selector("#studio[data-ready=true]")
    page.wait_for_function("step => studio.state.view && studio.state.step === step", arg=step)


DONE = "studio.state.view.result ? studio.state.view.result.windows.filter((window) => window[2]).length : 0"


def test_a_propagation_outlives_a_reload_and_a_killed_server(browser: Any, tmp_path: Path) -> None:
    from builders import disc_clip

    from app.jobs.estimates import Estimates

    clip = disc_clip(tmp_path / "disc.mp4", frames=FRAMES, audio=True)
    workspace = tmp_path / "workspace"
    project_id = prepared(workspace, clip)
    windows = workspace / "projects" / project_id / "windows"
    problems = Problems()
    page = new_context(browser).new_page()
    problems.watch(page)

    Estimates(workspace / "timings.json").learn_rate("keyframe", "vivid-small", 4.2, "cpu")
    (tmp_path / "sitecustomize.py").write_text(HOLD)
    with program(workspace, start_up=tmp_path) as (url, process):
        open_step(page, url, project_id, "keyframe")
        page.get_by_label("Caption").fill("a blue ball")
        page.get_by_role("button", name="Without a keyframe").click()
        page.get_by_text("Paint the clip from the caption alone").wait_for()
        page.locator("#studio-propagate [data-ref=forecast]").get_by_text("about").wait_for(timeout=SLOW)
        page.get_by_text("3 edits without a keyframe:").wait_for()
        page.locator("#studio-propagate summary", has_text="Advanced").click()
        assert page.get_by_label("What the model is shown").is_hidden(), "of a model without a rate there is nothing to choose"
        page.locator("#studio-propagate [data-ref=steps]").fill("1")
        page.get_by_role("button", name=re.compile("^Propagate to")).click()
        page.locator("[data-step=select]").click()
        page.get_by_label("Export masks").select_option("ids")
        page.wait_for_function("studio.state.view.jobs.some((job) => job.kind === 'masks' && job.state === 'queued')")
        page.locator("[data-step=propagate]").click()
        page.reload()
        page.wait_for_selector("#studio-job [data-state=running]")
        assert page.evaluate("studio.state.step") == "propagate"
        # the page can be used meanwhile: frames are scrubbed
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#studio-canvas canvas[data-frame='1']")
        page.wait_for_function(f"({DONE}) >= 1", timeout=SLOW)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in windows.glob("*.npz")}
    assert len(kept) == 1

    problems.expected += ["ERR_CONNECTION", "Failed to fetch", "EventSource", "Connection", "NetworkError", "net::"]
    with program(workspace) as (url, _):
        open_step(page, url, project_id)
        resume = page.locator("#studio-propagate").get_by_role("button", name="Resume")
        assert page.evaluate(DONE) == len(kept)
        page.get_by_text("Writing: interrupted").wait_for()
        left = newest_job(page)
        page.locator("#studio-job").get_by_role("button", name="Resume").click()
        wait_for_job(page, "masks", after=left)
        page.locator("#studio-job [data-state=idle]").wait_for()
        resume.click()
        wait_for_job(page, "propagate")
        page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
        now = {path.name: path.stat().st_mtime_ns for path in windows.glob("*.npz")}
        assert len(now) == 3
        assert kept.items() <= now.items(), "windows that were there are not made again"
        report = page.evaluate("studio.state.view.result.report")
        assert report["windows_made"] == 3 - len(kept)
        page.get_by_text("About", exact=True).click()
        page.get_by_text(f"{len(kept)} of 3 windows, made before").wait_for()
        page.get_by_text("none: painted from the caption alone").wait_for()
        page.get_by_text("Where windows meet, nothing shows.").or_(page.locator("[data-ref=joins] button")).wait_for()
        page.get_by_text("Save", exact=True).and_(page.locator(".vs-parts-tabs span")).click()
        page.get_by_text("The sound is kept as it is.").wait_for()
        page.get_by_label("Format", exact=True).select_option("png")
        page.get_by_text("Pictures hold no sound.").wait_for()
        page.get_by_label("Format", exact=True).select_option("ffv1")
        page.get_by_role("button", name="Export").click()
        wait_for_job(page, "export")
        page.get_by_role("link", name="Disc, a blue ball.mkv", exact=True).wait_for()
        page.get_by_role("link", name="recipe").wait_for()
        # a page that was closed meanwhile says where the file is, and leads there
        page.evaluate("id => localStorage.setItem('vivid-watched', JSON.stringify([id]))", newest_job(page))
        page.evaluate("studio.openStep('select')")
        page.reload()
        page.get_by_role("button", name="Show it").click()
        page.wait_for_function("document.activeElement.title === 'Disc, a blue ball.mkv' && studio.state.step === 'propagate'")
        assert page.locator("#studio-propagate [data-ref=others] a").count() == 1, "masks are no file of the result"
        page.get_by_role("button", name="Accept, edit on").click()
        page.wait_for_function("studio.state.view.layers.length === 1 && studio.state.step === 'select'")
        page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.frame !== undefined")
        page.keyboard.press("Control+z")
        page.wait_for_function("studio.state.view.layers.length === 0")
    page.context.close()
    problems.assert_none()


COUNT = 26

NUMBER = """(id, place) => {
  const shown = document.querySelector(`${place ? '#studio-canvas' : '#studio-player'} [data-ref=${id}]`);
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (place) context.drawImage(shown, place.x, place.y, 320 * place.scale, 240 * place.scale, 0, 0, 320, 240);
  else context.drawImage(shown, 0, 0);
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const [x, y] = [Math.floor((bit * canvas.width) / 8 + canvas.width / 16), Math.floor(canvas.height / 4)];
    if (context.getImageData(x, y, 1, 1).data[0] > 127) number |= 1 << bit;
  }
  return number;
}"""
"""What `counted_frames` drew into the frame that a video element shows, or the stage with the frame
at `place`.
"""


def test_the_player_shows_the_very_frame_of_a_clip_of_variable_rate(browser: Any, server: Server, tmp_path: Path) -> None:
    from builders import counted_frames, tiny_vivid_package, video_file

    stamps = [index * 20 + 45 * (index > 20) + (index * index) % 17 for index in range(COUNT)]
    clip = video_file(tmp_path / "varying.mp4", counted_frames(COUNT, 320, 240), pts=stamps, tick=Fraction(1, 600), options={"crf": "10"})
    package = tiny_vivid_package(tmp_path / "tiny")
    project_id = prepared(server.workspace, clip, str(package), propagate=True)
    problems = Problems()
    page = new_context(browser).new_page()
    problems.watch(page)
    open_step(page, server.url, project_id)
    assert page.evaluate("studio.state.view.clip.variable")
    page.wait_for_function("[...document.querySelectorAll('video')].every((video) => video.readyState >= 2)")
    settled = "[...document.querySelectorAll('video')].every((video) => !video.seeking && video.readyState >= 2)"
    for frame in (0, 7, 20, 21, 22, COUNT - 1, 5):
        page.evaluate("frame => studio.goTo(frame)", frame)
        page.wait_for_timeout(60)
        page.wait_for_function(settled)
        page.wait_for_function(f"frame => ({NUMBER})('result') === frame && ({NUMBER})('source') === frame", arg=frame)
    # over its end, and over again
    page.get_by_role("button", name="Loop").click()
    page.evaluate("frame => studio.goTo(frame)", COUNT - 4)
    page.wait_for_function(settled)
    page.keyboard.press("Space")
    page.wait_for_function("frame => studio.state.frame < frame && studio.state.playing", arg=COUNT - 4)
    page.keyboard.press("Space")
    page.get_by_role("button", name="Region").click()
    page.wait_for_function("document.querySelector('#studio-player [data-ref=maskAfter]').naturalWidth === 320")

    # dragged along the timeline, the stage shows the frame that is under the pointer, and so does
    # the player when it is back
    page.evaluate("studio.set({ step: 'video' })")
    lane = page.locator("#studio-timeline [data-ref=area]").bounding_box()
    page.mouse.move(lane["x"] + 3, lane["y"] + 30)
    page.mouse.down()
    for frame in (4, 23, 11):
        page.mouse.move(lane["x"] + lane["width"] * (frame + 0.5) / COUNT, lane["y"] + 30, steps=5)
        page.wait_for_selector(f"#studio-canvas canvas[data-frame='{frame}']")
        page.wait_for_function(f"frame => ({NUMBER})('canvas', studio.place) === frame", arg=frame)
    page.mouse.up()
    page.evaluate("studio.set({ step: 'propagate' })")
    page.wait_for_function(settled)
    page.wait_for_function(f"({NUMBER})('result') === 11 && ({NUMBER})('source') === 11")

    # half of it, tried out on the frame and made, then both results in step, and a third one
    whole = page.evaluate("studio.state.view.result.id")
    page.get_by_text("About", exact=True).click()
    page.get_by_text("Opacity and blend").click()
    for opacity in ("50", "20"):
        page.locator("#studio-propagate [data-ref=mixOpacity]").fill(opacity)
        page.wait_for_function("document.querySelector('#studio-player [data-ref=mixed]').naturalWidth === 320")
        made = page.evaluate("studio.state.view.result.id")
        page.get_by_role("button", name="Make", exact=True).click()
        page.wait_for_function("made => studio.state.view.result.id !== made", arg=made)
    page.get_by_text("Compare with other results").click()
    for row in (0, 1):
        page.locator("#studio-propagate [data-ref=besideList] input").nth(row).check()
    page.wait_for_function("document.querySelectorAll('video').length === 3")
    sources = page.evaluate("[...document.querySelectorAll('video')].map((video) => video.src.split('/').pop().split('.')[0])")
    assert (len(set(sources)), whole in sources) == (3, True)
    page.evaluate("studio.goTo(7)")
    page.wait_for_function(settled)
    page.wait_for_function(f"({NUMBER})('result') === 7 && ({NUMBER})('source') === 7")
    assert page.evaluate("new Set([...document.querySelectorAll('video')].map((video) => video.currentTime)).size") == 1
    page.context.close()
    problems.assert_none()
