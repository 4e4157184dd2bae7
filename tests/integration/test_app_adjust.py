"""The Adjust operations on a real clip with two objects: the region, what is seen of it, and what
undo takes back.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import shot_frames, video_file

from app.editor.editor import Editor
from app.jobs.region import RegionBuilder
from app.media.region_previews import DARK
from app.render.recipe import Asked, asked_for
from core.errors import InputError
from core.masks import adjust, bounding_box
from core.project.codec import decode
from core.project.tracks import ALL_HOLES, FORMS, MaskAdjustment

FRAMES = 8
ys, xs = np.mgrid[:120, :160]


def ring(frame: int) -> np.ndarray:
    """Moves to the right, with a hole; a piece of it is missing on frame 4."""
    distance = (xs - 40 - 3 * frame) ** 2 + (ys - 60) ** 2
    mask = (distance <= 20**2) & (distance > 6**2)
    return mask & (xs < 55) if frame == 4 else mask


def block(frame: int) -> np.ndarray:
    return (np.abs(xs - 130) <= 12) & (np.abs(ys - 30 - frame) <= 8)


def with_two(editor: Editor, clip: Path, tmp_path: Path) -> str:
    """A project whose objects 1 and 2 are the ring and the block."""
    project_id = editor.projects.create(clip).project_id
    for name, shape in (("Ring", ring), ("Block", block)):
        folder = tmp_path / name
        folder.mkdir()
        for frame in range(FRAMES):
            cv2.imwrite(str(folder / f"{frame:05d}.png"), shape(frame).astype(np.uint8) * 255)
        editor.masks.import_masks(project_id, folder, 0, name)
    return project_id


def region(editor: Editor, project_id: str) -> np.ndarray:
    """The region as it will be edited, which every frame's preview has to agree with."""
    project = editor.projects.get(project_id)
    masks = RegionBuilder(editor.workspace, editor.pictures.frames, editor.pictures.masks).build(project).masks
    for frame in range(FRAMES):
        assert (editor.pictures.masks.region_mask(project, frame) == masks[frame]).all()
    return masks.array()


def shown(editor: Editor, project_id: str, frame: int) -> np.ndarray:
    """Opacity of the overlay over the frame's pixels."""
    data = np.frombuffer(editor.masks.overlay_png(project_id, frame, "region"), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[..., 3]


def test_each_object_gives_its_own_part_to_the_region(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    rings, blocks = np.stack([ring(f) for f in range(FRAMES)]), np.stack([block(f) for f in range(FRAMES)])
    usual, own = MaskAdjustment("expand", 2, 3), MaskAdjustment("none", feather=3, holes=ALL_HOLES, smooth=2)
    editor.region.set_adjustment(project_id, usual)
    assert (region(editor, project_id) == adjust(rings, usual) | adjust(blocks, usual)).all()
    editor.region.set_adjustment(project_id, own, 1)
    settled = region(editor, project_id)
    assert (settled == adjust(rings, own) | adjust(blocks, usual)).all()
    whole = (xs - 52) ** 2 + (ys - 60) ** 2 <= 20**2
    assert (settled[4][:, :100] ^ whole[:, :100]).sum() < 0.02 * whole.sum()  # the missing piece and the hole are back
    editor.objects.hide(project_id, 2)
    assert (region(editor, project_id) == settled).all()

    editor.tracking.confirm(project_id, 1, 4)
    exact = region(editor, project_id)
    assert (exact[4][:, :100] == ring(4)[:, :100]).all(), "what a person vouches for is taken as it is"
    assert (np.delete(exact, 4, 0) == np.delete(settled, 4, 0)).all()
    painted = editor.prompts.paint(project_id, 1, 0, [(20, 40)], 5)
    assert (region(editor, project_id)[0][:, :100] == editor.pictures.masks.object_mask(painted, painted.track(1), 0)[:, :100]).all()
    editor.history.undo(project_id)
    editor.history.undo(project_id)
    editor.region.set_edited(project_id, 2, False)
    assert not region(editor, project_id)[:, :, 110:].any()

    asked = decode(Asked, json.loads(asked_for(editor.projects.get(project_id), "embedded", "w")))
    assert [(track.name, track.adjusted_by(asked.adjustment)) for track in asked.tracks] == [("Ring", own)]
    editor.region.set_edited(project_id, 1, False)
    assert (shown(editor, project_id, 0) == DARK).all()
    with pytest.raises(InputError, match="no object is edited"):
        editor.keyframes.start_tries(project_id, 0, "delete", "", (1,))


def test_a_region_is_smoothed_within_a_shot_only(editor: Editor, tmp_path: Path) -> None:
    clip = video_file(tmp_path / "shots.mp4", shot_frames(shots=2, frames=FRAMES // 2), options={"crf": "12"})
    project_id = editor.projects.create(clip).project_id
    still = ring(0), ring(0) | block(0)
    (tmp_path / "masks").mkdir()
    for frame in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"masks/{frame:05d}.png"), still[frame >= FRAMES // 2].astype(np.uint8) * 255)
    editor.masks.import_masks(project_id, tmp_path / "masks", 0, "Ring")
    editor.region.set_adjustment(project_id, MaskAdjustment("none", smooth=6))
    RegionBuilder(editor.workspace, editor.pictures.frames, editor.pictures.masks).build(editor.projects.get(project_id))
    assert (region(editor, project_id) == np.repeat(still, FRAMES // 2, axis=0)).all()


def test_every_change_is_a_step_and_a_drag_is_one(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    before = editor.projects.get(project_id)
    editor.region.set_adjustment(project_id, MaskAdjustment("hull+expand", 8))
    for number, pixels in enumerate((9, 10, 12)):
        editor.region.set_adjustment(project_id, MaskAdjustment("hull+expand", pixels), 2, merge=number > 0)
    editor.region.set_edited(project_id, 1, False)
    editor.region.clear_adjustment(project_id, 2)
    labels = []
    while editor.projects.get(project_id) != before:
        labels.append(editor.history.labels(project_id)[0])
        editor.history.undo(project_id)
    assert labels == ["Adjust as all", "Leave object out", "Widen (Block)", "Form of the region"]


def test_a_task_proposes_its_region_until_a_person_chooses(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    assert editor.projects.get(project_id).adjustment == MaskAdjustment("box+expand", 8)
    removal = editor.region.propose_adjustment(project_id, "delete")
    assert (removal.adjustment, removal.proposed_for) == (MaskAdjustment("expand", 6), "delete")
    assert editor.history.labels(project_id)[0] == "Region for Remove"
    wider = editor.region.set_adjustment(project_id, MaskAdjustment("expand", 6, feather=9))
    assert wider.proposed_for == "delete"  # the soft edge is not the form
    assert editor.region.propose_adjustment(project_id, "delete").adjustment == MaskAdjustment("expand", 11, feather=9)
    assert editor.region.propose_adjustment(project_id, "modify").adjustment == MaskAdjustment("box+expand", 8, feather=9)

    alone = editor.region.propose_adjustment(project_id, "delete", object_id=2)
    assert (alone.adjustment.form, alone.track(2).adjustment, alone.track(2).proposed_for) == (
        "box+expand",
        MaskAdjustment("hull+expand", 11, feather=9),
        "delete",
    )
    assert editor.region.proposals(project_id)["2"]["add"] == MaskAdjustment("box+expand", 8, feather=9)
    editor.history.undo(project_id)

    own = MaskAdjustment("box+expand", 12)
    editor.region.set_adjustment(project_id, own)
    assert editor.region.propose_adjustment(project_id, "delete").adjustment == own
    assert editor.region.propose_adjustment(project_id, "delete", asked=True).adjustment == MaskAdjustment("expand", 6)
    with pytest.raises(InputError, match="unknown task"):
        editor.region.propose_adjustment(project_id, "grow")  # type: ignore[arg-type]


def test_the_picture_is_dark_where_nothing_changes_and_soft_at_the_edge(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    editor.region.set_adjustment(project_id, MaskAdjustment("none", feather=0))
    hard = shown(editor, project_id, 2)
    inside = ring(2) | block(2)
    assert (hard[~inside] == DARK).all()
    assert set(np.unique(hard[inside])) == {0, 235}
    editor.region.set_adjustment(project_id, MaskAdjustment("none", feather=6))
    soft = shown(editor, project_id, 2)
    assert len(np.unique(soft[inside])) > 4
    assert (soft[~inside] == DARK).all()


def test_six_forms_side_by_side(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    editor.region.set_adjustment(project_id, MaskAdjustment("none", 6, 0))

    def bright(object_id: int | None) -> list[float]:
        sheet = cv2.imdecode(np.frombuffer(editor.region.forms_jpeg(project_id, 0, object_id, 120), np.uint8), cv2.IMREAD_GRAYSCALE)
        assert sheet.shape == (80, 720)
        return [float(tile.mean()) for tile in np.split(sheet, len(FORMS), 1)]

    for wrong, named in (({"width": 5000}, "5000 pixels"), ({"object_id": 7}, "no object 7")):
        with pytest.raises(InputError, match=named):
            editor.region.forms_jpeg(project_id, 0, **wrong)
    none, expand, hull, box, hull_expand, box_expand = bright(1)
    assert none < hull < box < box_expand
    assert none < expand <= hull_expand + 0.5 < box_expand
    editor.region.set_adjustment(project_id, MaskAdjustment("box", 6, 0), 1)
    editor.region.set_edited(project_id, 2, False)
    assert len({round(value, 3) for value in bright(None)}) == 1  # nothing follows the form of all
    assert len({round(value, 1) for value in bright(1)}) > 3


def test_a_hull_is_of_each_object_and_not_of_what_lies_between(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = with_two(editor, clip, tmp_path)
    editor.region.set_adjustment(project_id, MaskAdjustment("box"))
    region_now = region(editor, project_id)[0]
    assert bounding_box(region_now) == (20, 22, 143, 81)
    assert not region_now[:, 62:117].any()
