"""The Keyframe step in a real browser: a tree of tries, two of them compared, and a picture out to
another program and back.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from studio_page import drop, newest_job, paste, prepared, Problems, Server, signed, SLOW, wait_for_job
from tiny_keyframe_models import write_keyframe_model

pytestmark = pytest.mark.browser

EARLIER = 48
"""Tries that the project has when it is opened, besides the accepted one."""


def with_many_tries(workspace: Path, clip: Path) -> str:
    """A project with an accepted keyframe and many tries, some of them branches of branches;
    returns its id.
    """
    import dataclasses

    from app.editor.editor import Editor
    from app.settings import Settings
    from core.project.tries import with_edits

    project_id = prepared(workspace, clip)
    editor = Editor(Settings(workspace=workspace, device="cpu"))
    first = editor.projects.get(project_id).edits[0]
    tries = tuple(
        dataclasses.replace(first, edit_id=f"t{i}", caption=f"try {i}", seed=i, parent=f"t{i - 1}" if i % 8 else None)
        for i in range(EARLIER)
    )
    editor.workspace.change(project_id, "Tries", lambda p: with_edits(p, tries))
    editor.close()
    return project_id


def row(page: Any, name: str) -> Any:
    return page.locator(".vs-try", has=page.locator(".vs-try-name", has_text=name))


def chosen(page: Any) -> dict[str, Any]:
    return page.evaluate("studio.chosenTry()")


def tried(page: Any, caption: str) -> dict[str, Any]:
    """Press Enter in the caption; the try that comes of it."""
    before = newest_job(page)
    page.get_by_label("Caption").fill(caption)
    page.keyboard.press("Enter")
    page.wait_for_function("caption => (studio.chosenTry() || {}).caption === caption && !studio.activeJob()", arg=caption, timeout=SLOW)
    wait_for_job(page, "keyframe", after=before)
    return chosen(page)


def with_two_objects(workspace: Path, clip: Path) -> str:
    """A project with two objects, and tries for all, for the first and for the second; returns its
    id.
    """
    import dataclasses

    from app.editor.editor import Editor
    from app.settings import Settings
    from core.project import project as document
    from core.project.tries import with_edits

    project_id = prepared(workspace, clip)
    editor = Editor(Settings(workspace=workspace, device="cpu"))
    first = editor.projects.get(project_id)
    editor.objects.add(project_id, "Sun")
    track = dataclasses.replace(first.track(1), object_id=2, name="Sun")
    editor.workspace.change(project_id, "Track", lambda p: document.with_track(p, track))
    fresh = dataclasses.replace(first.edits[0], stale=False)
    tries = [dataclasses.replace(fresh, edit_id=f"o{i}", caption=f"a {word} ball", objects=(i,)) for i, word in ((1, "red"), (2, "green"))]
    editor.workspace.change(project_id, "Tries", lambda p: with_edits(p, tuple(tries)))
    editor.close()
    return project_id


def test_each_object_has_its_own_caption_and_tries_show_whose_they_are(
    page: Any, server: Server, problems: Problems, tmp_path: Path
) -> None:
    from builders import disc_clip

    project_id = with_two_objects(server.workspace, disc_clip(tmp_path / "disc.mp4", frames=3))
    page.goto(signed(f"{server.url}/?project={project_id}#keyframe"))
    page.wait_for_selector("#studio-canvas canvas[data-frame]")
    panel = page.locator("#studio-keyframe")
    which, main = page.get_by_label("For", exact=True), panel.locator("[data-ref=primary]")
    assert which.locator("option").all_text_contents() == ["All objects", "Object 1", "Sun"]
    scrolls = "(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)(document.querySelector('#studio-keyframe .vs-body'))"
    page.get_by_label("Caption").fill("a zebra")
    panel.get_by_text("The small model will guess: zebra.").wait_for()
    assert page.evaluate(scrolls) <= 0
    marks = row(page, "a blue ball").locator(".vs-try-marks span")
    assert (marks.inner_text(), marks.evaluate("(node) => node.scrollWidth - node.clientWidth")) == ("accepted", 0)

    page.evaluate("studio.goTo(1)")  # where no try lies over the region
    which.select_option(label="Sun")
    page.wait_for_function("document.querySelector('#studio-canvas canvas').dataset.overlay?.includes('only=2')")
    assert page.get_by_label("Caption").input_value() == "a green ball"
    row(page, "a red ball").click()
    assert "Object 1" in row(page, "a red ball").inner_text()
    assert main.inner_text() == "Accept for Object 1"
    main.click()
    page.wait_for_function("studio.state.view.accepted === 'o1'")
    assert panel.locator("[data-ref=reason]").inner_text().startswith("Sun stays as it is")
    row(page, "a green ball").click()
    main.click()
    page.wait_for_function("studio.state.view.accepted_tries.join() === 'o1,o2'")
    assert which.locator("option").all_text_contents() == ["All objects", "Object 1: Change “a red ball”", "Sun: Change “a green ball”"]
    assert [tries.count("accepted") for tries in (row(page, "a red ball").inner_text(), row(page, "a green ball").inner_text())] == [1, 1]
    main.click()
    page.wait_for_function("studio.state.step === 'propagate'")
    cards = page.locator("#studio-propagate .vs-keycard").all_inner_texts()
    assert ["Object 1" in cards[0], "Sun" in cards[1], len(cards)] == [True, True, 2]

    # what is no video is refused in one line, and leads nowhere else
    problems.expected.append("the server responded with a status of 400")
    page.evaluate("""new MutationObserver(() => { window.steps.push(document.getElementById('studio').dataset.step); })
      .observe(document.getElementById('studio'), { attributeFilter: ['data-step'] })""")
    for name in ("notes.mp4", "notes.txt"):
        (tmp_path / name).write_text("no video")
        for step in ("select", "adjust", "keyframe", "propagate"):
            page.evaluate("step => { studio.openStep(step); studio.showMessage('Looking.'); window.steps = []; }", step)
            drop(page, tmp_path / name)
            toast = page.locator(".vs-toast.vs-on[data-kind=error] span", has_text=name)
            toast.wait_for()
            assert ". " not in toast.inner_text()
            assert page.evaluate("window.steps.filter((shown) => shown !== studio.state.step)") == []
            assert page.evaluate("studio.state.step") == step
    page.keyboard.press("Control+z")  # the next thing that is done
    toast.wait_for(state="hidden")


def test_tries_grow_into_a_tree_and_a_picture_comes_back_from_elsewhere(page: Any, server: Server, tmp_path: Path) -> None:
    from builders import disc_clip

    project_id = with_many_tries(server.workspace, disc_clip(tmp_path / "disc.mp4", frames=12))
    page.goto(signed(f"{server.url}/?project={project_id}#keyframe"))
    page.wait_for_selector("#studio[data-ready=true]")
    page.wait_for_function("studio.state.step === 'keyframe'")
    tree = page.get_by_role("tree", name="Tries")
    items = tree.get_by_role("treeitem")
    assert items.count() == EARLIER + 1
    page.wait_for_function("[...document.querySelectorAll('.vs-try[aria-selected=true] img')].every((image) => image.naturalWidth === 240)")

    # a try, and one that branches from it
    steps = page.locator("#studio-keyframe [data-ref=steps]")
    assert not steps.is_visible()
    page.get_by_role("button", name="Advanced").click()
    steps.fill("2")
    page.locator("#studio-keyframe [data-ref=variations]").fill("1")
    page.get_by_text("Change", exact=True).click()
    parent = tried(page, "a red ball")
    assert (parent["parent"], parent["keep"], parent["steps"]) == (None, 0, 2)
    took = page.evaluate("studio.shortDuration(studio.chosenTry().seconds)")  # rounds in another way than Python does
    assert f"Took\n{took}" in page.locator("#studio-tries [data-ref=facts]").inner_text()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("b")
    page.get_by_label("Keep of its picture").fill("60")
    assert "60 %" in page.locator("#studio-keyframe [data-ref=branching]").inner_text()
    child = tried(page, "a red cube")
    assert (child["parent"], child["keep"]) == (parent["id"], 0.6)
    assert row(page, "a red cube").get_attribute("aria-level") == "2"
    page.get_by_role("button", name="Don't branch").click()

    # by keyboard: to the parent, a star and a name for it; then only what is starred
    row(page, "a red cube").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("id => studio.state.tryId === id", arg=parent["id"])
    page.keyboard.press("s")
    page.wait_for_function("studio.chosenTry().starred")
    page.keyboard.press("F2")
    page.keyboard.type("The good one")
    page.keyboard.press("Enter")
    row(page, "The good one").wait_for()
    page.get_by_role("button", name="Only the starred").click()
    page.wait_for_function("document.querySelectorAll('.vs-try').length === 1")
    page.get_by_role("button", name="Only the starred").click()
    page.wait_for_function(f"document.querySelectorAll('.vs-try').length === {EARLIER + 3}")
    row(page, "The good one").focus()
    page.keyboard.press("End")
    page.wait_for_function("studio.state.tryId === document.querySelector('.vs-try:last-of-type').dataset.edit")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("id => studio.state.tryId === id", arg=child["id"])

    # its branch folds, with the keys and with a click, and unfolds for what is chosen in it
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f".vs-try[data-edit='{parent['id']}'][aria-expanded=false]")
    assert items.count() == EARLIER + 2
    assert "+1" in row(page, "The good one").inner_text()
    page.reload()
    page.wait_for_selector(f".vs-try[data-edit='{parent['id']}'][aria-expanded=false]")
    row(page, "The good one").get_by_role("button", name="Show what grew out of").click()
    page.wait_for_selector(f".vs-try[data-edit='{child['id']}']")
    row(page, "The good one").get_by_role("button", name="Hide what grew out of").click()
    page.wait_for_selector(f".vs-try[data-edit='{child['id']}']", state="detached")
    page.evaluate("id => studio.set({ tryId: id })", child["id"])
    page.wait_for_selector(f".vs-try[data-edit='{child['id']}'][aria-selected=true]")

    # the models behind the quiet line; once there is one for keyframes, it is a choice
    page.get_by_role("button", name="Other models").click()
    page.get_by_role("dialog", name="Models").get_by_role("button", name="Close").click()
    page.locator("#studio-keyframe [data-ref=chips]").wait_for()
    klein = write_keyframe_model("flux2-klein", server.workspace / "models" / "flux2-klein-4b")
    (klein / "vivid.json").write_text(json.dumps(json.loads((klein / "vivid.json").read_text()) | {"draft": {"steps": 1, "guidance": 1}}))
    page.reload()
    page.get_by_label("Painted by").select_option("flux2-klein-4b")
    page.locator("#studio-keyframe [data-ref=chips]").wait_for(state="hidden")
    page.locator("#studio-keyframe [data-ref=variations]").fill("1")
    preset = page.locator("#studio-keyframe [data-ref=preset]")
    assert preset.locator("option").all_inner_texts() == ["Final", "Draft, 1 step"]
    preset.select_option("draft")
    painted = tried(page, "a dragon of jade")
    assert (painted["painter"], painted["preset"], painted["model"]) == ("flux2-klein-4b", "draft", "flux2-klein-4b:draft")
    assert "Painted by\nflux2-klein-4b" in page.locator("#studio-tries [data-ref=facts]").inner_text()
    page.get_by_role("button", name="Delete the try").click()
    page.wait_for_function("id => !studio.state.view.edits.some((edit) => edit.id === id)", arg=painted["id"])
    page.evaluate("id => studio.set({ tryId: id })", child["id"])

    # its settings back into the fields; it beside another
    page.get_by_label("Caption").fill("")
    page.get_by_role("button", name="Reuse").click()
    assert page.get_by_label("Caption").input_value() == "a red cube"
    page.get_by_label("Compare with").select_option(parent["id"])
    page.wait_for_selector(f"#studio-canvas canvas[data-other='{parent['id']}']")
    assert page.locator(".vs-wipe-tag").all_inner_texts() == ["The good one", "a red cube"]
    page.wait_for_function("document.querySelector('#studio-keyframe [data-ref=forecast]').textContent.includes('about')", timeout=SLOW)

    # deleted, its branch moves up; undone, it is there again
    page.keyboard.press("ArrowUp")
    page.wait_for_function("id => studio.state.tryId === id", arg=parent["id"])
    page.keyboard.press("Delete")
    page.wait_for_selector(f".vs-try[data-edit='{child['id']}'][aria-level='1']")
    page.get_by_text("Undo brings it back").wait_for()
    # and the step shows its frame, though another was left there
    page.evaluate("studio.goTo(3)")
    page.evaluate("studio.openStep('adjust'); studio.goTo(0)")
    page.keyboard.press("Control+z")
    page.get_by_text("Undone: delete try").wait_for()
    page.wait_for_function("studio.state.step === 'keyframe' && studio.state.frame === 0")
    page.wait_for_selector(f".vs-try[data-edit='{child['id']}'][aria-level='2']")

    # out to another program and back, twice the size and a little off
    with page.expect_download() as download:
        page.get_by_role("link", name="Send out", exact=True).click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = sorted(archive.namelist())
        frame, mask = (np.asarray(Image.open(io.BytesIO(archive.read(f"Disc frame 0{part}.png")))) for part in ("", " mask"))
    assert names == ["Disc frame 0 cutout.png", "Disc frame 0 mask.png", "Disc frame 0 region.png", "Disc frame 0.png"]
    assert frame.shape[:2] == mask.shape == (120, 160)
    edited = frame.copy()
    edited[mask > 0] = (30, 200, 90)
    Image.fromarray(edited).resize((320, 240), Image.Resampling.LANCZOS).save(tmp_path / "green.webp", quality=95)
    choose = page.locator("#studio-keyframe [data-ref=file]")
    choose.set_input_files(tmp_path / "green.webp")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("320 × 240, resized").wait_for()
    dialog.get_by_text("Outside the region it is the frame").wait_for()
    dialog.get_by_label("What it shows").fill("")
    dialog.get_by_role("button", name="Add as a try").click()
    dialog.get_by_text("Say in a few words").wait_for()
    dialog.get_by_label("What it shows").fill("a green ball")
    dialog.get_by_role("button", name="Add as a try").click()
    page.wait_for_function("(studio.chosenTry() || {}).name === 'green'")
    assert (chosen(page)["model"], chosen(page)["caption"], chosen(page)["task"]) == ("", "a green ball", "modify")
    dialog.wait_for(state="hidden")

    # another shape is a choice; what is no picture is said in a line
    Image.fromarray(edited[:, :120]).save(tmp_path / "square.png")
    drop(page, tmp_path / "square.png")
    page.get_by_role("button", name="It is this frame, edited").click()
    dialog.get_by_text("fitted into the frame").wait_for()
    dialog.get_by_text("Cover", exact=True).click()
    dialog.get_by_text("laid over the whole frame").wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    Image.fromarray(edited).save(tmp_path / "same.png")
    paste(page, tmp_path / "same.png")
    dialog.get_by_text("It has the frame's size").wait_for()
    dialog.get_by_role("button", name="Cancel").click()
    (tmp_path / "cut.png").write_bytes((tmp_path / "square.png").read_bytes()[:2000])
    choose.set_input_files(tmp_path / "cut.png")
    page.get_by_role("alert").get_by_text("cut.png").wait_for()

    page.get_by_role("button", name="Accept and continue").click()
    page.wait_for_function("studio.state.step === 'propagate'")
    assert page.evaluate("studio.state.view.accepted === studio.state.tryId")
