"""The Video step: opening, the preflight card with its remedies, In and Out, the projects of this
machine.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import counted_frames, shot_frames, slow_clip, video_file
from studio_page import new_context, newest_job, open_by_path, open_page, Server, signed, SLOW, wait_for_job

from core.media import VideoWriter
from core.project.video import VideoInfo

SPAN = "() => [studio.state.view.clip.start, studio.state.view.clip.stop]"


def wait_for_span(page: Any, start: int, stop: int) -> None:
    page.wait_for_function(
        "([a, b]) => { const { start, stop } = studio.state.view.clip; return start === a && stop === b; }", arg=[start, stop]
    )


FLY = """async (frames) => {
  const asked = () => performance.getEntriesByType('resource').flatMap(({ name }) => (/[/]frame[/](\\d+)[.]/.exec(name) || []).slice(1));
  for (const end = performance.now() + 60000; performance.now() < end && !asked().includes('160'); ) {
    for (const frame of frames) { studio.goTo(frame); await Promise.resolve(); }
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 30)));
  }
  return asked().map(Number);
}"""
"""Drag the playhead over frames at once, again where a busy machine made it rest on the way; the
frames that were asked for.
"""


@pytest.mark.browser
def test_whoever_flies_through_a_long_clip_sees_frames_that_come_at_once(page: Any, server: Server, tmp_path: Path) -> None:
    path = video_file(tmp_path / "long groups.mp4", counted_frames(240), options={"g": "40", "bf": "0", "sc_threshold": "0"})
    open_page(page, server.url)
    open_by_path(page, path)
    page.wait_for_selector("#studio-canvas canvas[data-frame='0']")
    page.wait_for_function("performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('/entries.json'))")
    asked = page.evaluate(FLY, [60, 110, 170])
    assert 160 in asked
    assert not {60, 110} & set(asked), "what is only passed is not decoded"
    page.wait_for_selector("#studio-canvas canvas[data-frame='170']")  # where it rests, the very frame
    page.evaluate("studio.openStep('select')")

    # a click is meant for what is seen: not while another frame stands in for the playhead's
    held: list[Any] = []
    page.route("**/frame/70.jpg*", lambda route: held.append(route))
    page.evaluate("studio.goTo(70)")
    page.wait_for_function("studio.state.frame === 70")
    page.click("#studio-canvas canvas")
    page.get_by_text("Frame 70 is still on its way").wait_for()
    assert page.evaluate("studio.state.pending.length + studio.state.view.objects.length") == 0
    for route in held:
        route.continue_()
    page.unroute("**/frame/70.jpg*")
    page.wait_for_selector("#studio-canvas canvas[data-frame='70']")

    # what is left behind is given up, so that it delays nothing
    held.clear()
    page.route("**/frame/30.jpg*", lambda route: held.append(route))
    with page.expect_event("requestfailed", lambda request: "/frame/30." in request.url):
        with page.expect_request("**/frame/30.jpg*"):
            page.evaluate("studio.goTo(30)")
        page.evaluate("studio.goTo(70)")
    page.wait_for_selector("#studio-canvas canvas[data-frame='70']")
    page.click("#studio-canvas canvas")
    page.wait_for_function("studio.state.view.objects.length === 1", timeout=SLOW)


@pytest.mark.browser
def test_a_clip_that_has_to_be_read_through_shows_how_far_it_is_and_is_given_up(page: Any, server: Server, tmp_path: Path) -> None:
    path = slow_clip(tmp_path / "slow.webm")
    open_page(page, server.url)
    before = page.evaluate("studio.state.view.id")
    page.get_by_text("Open", exact=True).first.click()
    page.fill("[data-ref='path']", str(path))
    page.click("[data-ref='openPath']")
    page.get_by_text(re.compile(r"Reading every frame of the clip: [1-9]\d* %")).wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Not opened. Nothing was kept of it.").wait_for()
    assert page.locator("[data-ref='opening']").is_hidden()
    assert page.evaluate("studio.state.view.id") == before


@pytest.mark.browser
def test_a_clip_is_opened_understood_and_trimmed(page: Any, browser: Any, server: Server, tmp_path: Path) -> None:
    path = video_file(tmp_path / "three shots.mp4", shot_frames(3, 70), rate=Fraction(10), audio="aac")
    (server.workspace / "timings.json").unlink(missing_ok=True)  # as if nothing had been measured yet
    open_page(page, server.url)
    assert page.evaluate("[studio.state.view.draft, studio.knownProjects(), history.state.project]") == [True, [], None]
    open_by_path(page, path)
    card = page.locator("#studio-video")
    card.get_by_text("2 cuts: tracking stops at each").wait_for(timeout=SLOW)
    card.get_by_text("210 frames").wait_for()
    assert card.get_by_text("AAC 48 kHz mono").is_visible()
    page.wait_for_function("document.querySelector('#studio-video [data-ref=looked]').textContent === ''", timeout=SLOW)

    # each remedy is one click
    page.evaluate("studio.goTo(100)")
    card.get_by_role("button", name="This shot only").click()
    wait_for_span(page, 70, 140)
    card.get_by_role("button", name="Whole clip").click()
    wait_for_span(page, 0, 210)
    card.get_by_role("button", name="10 s from here").click()
    wait_for_span(page, 100, 200)

    # In and Out: keys, the buttons, the markers on the ruler, numbers; and undo
    page.evaluate("studio.goTo(120)")
    page.keyboard.press("i")
    wait_for_span(page, 120, 200)
    page.evaluate("studio.goTo(149)")
    page.keyboard.press("o")
    wait_for_span(page, 120, 150)
    page.get_by_label("First frame", exact=True).click()
    page.get_by_label("Set Out here").click()  # before In, which lets go
    wait_for_span(page, 0, 1)
    page.keyboard.press("Control+z")
    wait_for_span(page, 120, 150)
    box = page.locator("#studio-timeline [data-ref=area]").bounding_box()
    low = box["y"] + 15  # pixels: the lower half of the ruler
    page.mouse.move(box["x"] + box["width"] * 150 / 210, low)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 180.5 / 210, low, steps=4)
    page.mouse.up()
    wait_for_span(page, 120, 181)
    page.fill("#studio-video [data-ref=stop]", "233")
    page.keyboard.press("Enter")
    page.get_by_text("The clip has no frame 233: choose from 0 to 209.").wait_for()
    page.wait_for_function("document.querySelector('#studio-video [data-ref=stop]').value === '180'")
    page.fill("#studio-video [data-ref=start]", "130")
    page.keyboard.press("Enter")
    wait_for_span(page, 130, 181)
    page.keyboard.press("Tab")  # the field is left, and Tab goes on from it
    assert page.evaluate("document.activeElement.dataset.ref") == "stop"
    page.keyboard.press("Enter")
    page.keyboard.press("2")  # so a digit is a key again
    page.wait_for_selector("#studio[data-step=select]")
    page.keyboard.press("1")

    # what it takes is measured, on this machine
    before = newest_job(page)
    card.get_by_role("button", name="Measure").click()
    wait_for_job(page, "measure", after=before)
    page.wait_for_function("() => !document.querySelector('#studio-video [data-ref=costs]').textContent.includes('not measured')")
    assert card.locator("[data-ref=costs]").inner_text().count("about") == 3

    # recent projects: picture, name, when; renamed and deleted
    card.get_by_text("Open", exact=True).first.click()
    mine = page.evaluate("studio.state.view.id")
    row = card.locator(f"[data-project='{mine}']")
    row.wait_for()
    assert re.search(r"just now|\d min ago", row.inner_text())
    page.wait_for_function("id => document.querySelector(`[data-project='${id}'] img`).naturalWidth === 160", arg=mine)
    row.get_by_label("Rename three shots").click()
    page.keyboard.type("The harbour")
    page.keyboard.press("Enter")
    card.get_by_label("Delete The harbour").wait_for()
    page.wait_for_function("studio.state.view.name === 'The harbour'")
    page.reload()
    page.wait_for_selector("#studio[data-ready=true]")
    assert page.evaluate(SPAN) == [130, 181]
    card.get_by_text("Open", exact=True).first.click()
    card.get_by_label("Delete The harbour").click()
    card.get_by_role("button", name="Keep").click()
    card.get_by_label("Delete The harbour").click()
    card.get_by_role("button", name="Delete for good").click()
    page.wait_for_function("mine => studio.state.view.id !== mine", arg=mine)  # another, or an example where there is none
    assert card.locator(f"[data-project='{mine}']").count() == 0
    assert not (server.workspace / "projects" / mine).exists()
    assert path.exists()

    # an example becomes a project with its first change
    card.get_by_text("Open", exact=True).first.click()
    page.get_by_title("Open the example Street").click()
    page.wait_for_function("studio.state.view.name === 'Street'")
    page.evaluate("studio.change(studio.servers.select, 'add_object', {})")
    page.wait_for_function("!studio.state.view.draft")
    first = page.evaluate("studio.state.view.id")
    assert page.evaluate("[studio.knownProjects()[0], history.state.project]") == [first, first]
    card.get_by_text("Open", exact=True).first.click()
    page.get_by_text("Workspace: ").wait_for()

    # another browser at this machine goes on with the last project, and lists what is there; the
    # example is opened as the project that was made of it; test_page_jobs has a server for others
    other = new_context(browser).new_page()
    other.goto(signed(server.url))
    other.wait_for_function("id => window.studio?.state?.view?.id === id", arg=first)
    other.locator("#studio-video").get_by_text("Open", exact=True).first.click()
    other.wait_for_selector(f"#studio-video [data-project='{first}']")
    open_page(other, server.url)
    other.wait_for_function("studio.state.view.draft")
    other.locator("#studio-video").get_by_text("Open", exact=True).first.click()
    other.get_by_title("Open the example Street").click()
    other.wait_for_function("id => studio.state.view.id === id", arg=first)
    other.context.close()


@pytest.mark.browser
def test_one_click_deinterlaces_and_the_picture_changes_at_once(page: Any, server: Server, tmp_path: Path) -> None:
    fields = np.full((4, 64, 96, 3), 40, np.uint8)
    for number in range(4):  # something has to move, else the fields fit together
        fields[number, ::2, 20 * number : 20 * number + 20] = 200
    with VideoWriter(tmp_path / "fields.mkv", VideoInfo(96, 64, Fraction(25), 4, field_order="top"), codec="ffv1") as writer:
        for frame in fields:
            writer.write(frame)
    open_page(page, server.url)
    open_by_path(page, tmp_path / "fields.mkv")
    notes = page.locator("#studio-video [data-ref=notes]")
    with page.expect_response("**/frame/0.jpg*whole=1*"):
        notes.get_by_role("button", name="Deinterlace").click()
    notes.get_by_role("button", name="Keep fields").click()
    notes.get_by_role("button", name="Deinterlace").wait_for()
    assert page.evaluate("studio.state.view.clip.deinterlaced") is False
