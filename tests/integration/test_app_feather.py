"""Objects with soft edges of their own, from the slider to the recipe: each is softened as if its
width were that of all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from builders import finish, tiny_vivid_package, video_file

from app.commands.replay import on_size, replay_to_folder
from app.editor.editor import Editor
from app.media.region_previews import DARK
from app.render.recipe import Recipe
from app.settings import Settings
from core.media import open_clip, read_image
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.tracks import MaskAdjustment

pytestmark = pytest.mark.usefixtures("one_thread")

FRAMES = 6
QUICK = SamplingSettings(steps=1)
ys, xs = np.mgrid[:120, :160]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two discs, which move apart."""
    calm = np.stack([60 + xs // 4, 90 + ys // 4, 70 + (xs + ys) // 8], -1)
    pictures = np.stack([calm] * FRAMES).astype(np.uint8)
    for index, picture in enumerate(pictures):
        picture[(xs - 45 + index) ** 2 + (ys - 61) ** 2 < 22**2] = (235, 200, 60)
        picture[(xs - 110 - index) ** 2 + (ys - 61) ** 2 < 22**2] = (190, 40, 40)
    return video_file(tmp_path_factory.mktemp("clip") / "discs.mp4", pictures, options={"crf": "8"})


@pytest.fixture
def editor(tmp_path: Path):
    package = tiny_vivid_package(tmp_path / "tiny")
    editor = Editor(Settings(workspace=tmp_path / "workspace", model=str(package), device="cpu"))
    yield editor
    editor.close()


def tried(editor: Editor, project_id: str) -> np.ndarray:
    """A try with the adjustments of now, accepted."""
    (edit_id,) = finish(editor, editor.keyframes.start_tries(project_id, 0, "add", "a blue ball", (5,), QUICK))["edits"]
    editor.keyframes.accept(project_id, edit_id)
    return read_image(editor.projects.file(project_id, editor.projects.get(project_id).edit(edit_id).image))


def carried(editor: Editor, project_id: str) -> tuple[str, np.ndarray, set[str]]:
    """A propagation with the adjustments of now: its id, its frames (T, H, W, 3), the names of its
    windows.
    """
    propagation_id = finish(editor, editor.propagation.start(project_id, settings=QUICK))["propagation"]
    project = editor.projects.get(project_id)
    propagation = project.propagation(propagation_id)
    frames = np.stack(list(editor.pictures.frames.result(project, propagation).frames(0, FRAMES)))
    return propagation_id, frames, {window.key for window in editor.pictures.frames.plan(project, propagation)}


def without_feathers(data: Any) -> Any:
    """JSON as an earlier version wrote it."""
    if isinstance(data, dict):
        return {name: without_feathers(value) for name, value in data.items() if name != "feathers"}
    return [without_feathers(value) for value in data] if isinstance(data, list) else data


def same_video(one: Path, two: Path) -> bool:
    with open_clip(one) as a, open_clip(two) as b:
        return len(a) == len(b) == FRAMES and all((x == y).all() for x, y in zip(a.frames(), b.frames(), strict=True))


def test_two_objects_with_edges_of_their_own_up_to_the_recipe(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    for object_id, x in ((1, 45), (2, 110)):
        editor.objects.add(project_id)
        editor.prompts.add_box(project_id, object_id, 0, x - 23, 38, x + 23, 84)
    finish(editor, editor.tracking.start(project_id))
    left = np.s_[..., :78, :]  # what of a frame is the first object's side
    right = np.s_[..., 78:, :]

    def wide(first: int, second: int) -> None:
        """The second object's edge is its own where it is another than the first's."""
        editor.region.set_adjustment(project_id, MaskAdjustment("expand", 6, first))
        if first == second:
            editor.region.clear_adjustment(project_id, 2)
        else:
            editor.region.set_adjustment(project_id, MaskAdjustment("expand", 6, second), 2)

    tries, shades = {}, {}
    for widths in ((9, 9), (0, 0), (0, 9)):
        wide(*widths)
        tries[widths] = tried(editor, project_id)
        overlay = np.frombuffer(editor.masks.overlay_png(project_id, 0, "region"), np.uint8)
        shades[widths] = cv2.imdecode(overlay, cv2.IMREAD_UNCHANGED)[..., 3:]
        assert editor.pictures.masks.region_mask(editor.projects.get(project_id), 0)[:, 60:95].any()
    for found in (tries, shades):
        assert (found[0, 9][left] == found[0, 0][left]).all()
        assert (found[0, 9][right] == found[9, 9][right]).all()
        assert all((found[0, 0][side] != found[9, 9][side]).any() for side in (left, right))
    assert shades[0, 9].max() == 235 > DARK

    _, mixed, keys = carried(editor, project_id)
    wide(0, 0)
    _, hard, hard_keys = carried(editor, project_id)
    wide(9, 9)
    soft_id, soft, soft_keys = carried(editor, project_id)  # of the same accepted try
    assert (mixed[1:][left] == hard[1:][left]).all()
    assert (mixed[1:][right] == soft[1:][right]).all()
    assert all((hard[1:][side] != soft[1:][side]).any() for side in (left, right))
    assert len(keys | hard_keys | soft_keys) == 3 * len(keys)

    wide(0, 9)
    mixed_id, again, keys_again = carried(editor, project_id)
    assert (again == mixed).all()
    assert keys_again == keys
    assert editor.results.report(project_id, mixed_id)["max_difference_outside"] == 0

    done = finish(editor, editor.exports.start(project_id, "ffv1", mixed_id))
    exported, recipe = (editor.projects.file(project_id, done[name]) for name in ("file", "recipe"))
    (edit,) = Recipe.load(recipe).edits
    assert [pixels for pixels, _ in edit.feathers] == [0, 9]
    larger = on_size(edit, (320, 240), [])
    assert [track.adjusted_by(larger.adjustment).feather for track in larger.tracks] == [0, 18]
    for name, anew in (("recorded", False), ("anew", True)):  # anew: tracked, widened, softened and painted again
        replayed = replay_to_folder(editor.engine, recipe, tmp_path / name, JobContext(), anew=anew)
        assert same_video(exported, tmp_path / name / replayed["output"]), name

    # one number for all, as recipes and projects were before
    done = finish(editor, editor.exports.start(project_id, "ffv1", soft_id))
    data = json.loads(editor.projects.file(project_id, done["recipe"]).read_text())
    assert (data["edits"][0]["feather"], data["edits"][0]["feathers"]) == (9, [])
    (tmp_path / "old.json").write_text(json.dumps(without_feathers(data)))
    replayed = replay_to_folder(editor.engine, tmp_path / "old.json", tmp_path / "old", JobContext())
    assert same_video(editor.projects.file(project_id, done["file"]), tmp_path / "old" / replayed["output"])
    wide(9, 9)
    _, _, keys_now = carried(editor, project_id)  # with the region stored
    written = editor.workspace.folder(project_id) / "project.json"
    written.write_text(json.dumps(without_feathers(json.loads(written.read_text()))))
    reopened = Editor(editor.settings)
    assert carried(reopened, project_id)[2] == keys_now == soft_keys
    reopened.close()
