"""Correcting and tracking objects with the editor's operations, on a clip of two shots and the
segmenter that ships.
"""

from pathlib import Path

import numpy as np
import pytest
from builders import video_file

from app.editor.editor import Editor
from core.errors import InputError
from core.media import write_image

CUT, FRAMES = 6, 10


def centre(frame: int) -> tuple[int, int]:
    """Of the disc: it moves to the right in the first shot and stands still in the second."""
    return (55 + 2 * frame, 61) if frame < CUT else (110, 40)


def disc(frame: int, radius: float = 20) -> np.ndarray:
    ys, xs = np.mgrid[:120, :160]
    x, y = centre(frame)
    return (xs - x) ** 2 + (ys - y) ** 2 < radius**2


def box(frame: int) -> tuple[int, int, int, int]:
    x, y = centre(frame)
    return x - 22, y - 22, x + 23, y + 23


SQUARE = np.zeros((120, 160), bool)
SQUARE[88:113, 8:33] = True


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ys, xs = np.mgrid[:120, :160]
    shots = np.stack([60 + xs // 4, 90 + ys // 4, 70 + (xs + ys) // 8], -1), np.stack([200 - xs // 3, 60 + xs // 3, 30 + ys], -1)
    frames = np.stack([shots[frame >= CUT] for frame in range(FRAMES)]).astype(np.uint8)
    for frame, picture in enumerate(frames):
        picture[SQUARE] = (30, 30, 160)
        picture[disc(frame)] = (235, 200, 60) if frame < CUT else (40, 60, 220)
    return video_file(tmp_path_factory.mktemp("clip") / "shots.mp4", frames, options={"crf": "12"})


def run(editor: Editor, project_id: str, *arguments, **named) -> dict:
    status = editor.runner.wait(editor.tracking.start(project_id, *arguments, **named), 120)
    assert status.state == "done", status.message
    return status.result


def boxed(editor: Editor, clip: Path) -> str:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    editor.prompts.add_box(project_id, 1, 0, *box(0))
    return project_id


def mask(editor: Editor, project_id: str, frame: int, object_id: int = 1) -> np.ndarray:
    project = editor.projects.get(project_id)
    return editor.pictures.masks.load(project, project.track(object_id).masks or "")[frame]


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def test_tracking_stops_at_a_cut_asks_for_a_click_and_goes_on_with_it(editor: Editor, clip: Path) -> None:
    project_id = boxed(editor, clip)
    assert run(editor, project_id) == {"frames": CUT, "waiting": [CUT], "missed": []}
    assert editor.tracking.timeline(project_id)[0]["present"] == [[0, CUT]]
    assert not editor.projects.get(project_id).track(1).covers(0, FRAMES)
    first = [mask(editor, project_id, frame) for frame in range(CUT)]
    editor.prompts.add_box(project_id, 1, CUT, *box(CUT))
    assert run(editor, project_id) == {"frames": FRAMES - CUT, "waiting": [], "missed": []}
    assert editor.projects.get(project_id).track(1).covers(0, FRAMES)
    assert overlap(mask(editor, project_id, FRAMES - 1), disc(FRAMES - 1)) > 0.8
    assert all((mask(editor, project_id, frame) == first[frame]).all() for frame in range(CUT))
    assert editor.tracking.timeline(project_id)[0]["suspect"] == []


def test_an_object_that_is_not_in_a_shot_needs_no_click(editor: Editor, clip: Path) -> None:
    project_id = boxed(editor, clip)
    run(editor, project_id)
    editor.tracking.mark_absent(project_id, 1, CUT)
    assert run(editor, project_id)["waiting"] == []
    assert editor.projects.get(project_id).track(1).covers(0, FRAMES)
    assert editor.tracking.timeline(project_id)[0]["present"] == [[0, CUT]]


def test_a_correction_reaches_the_frames_after_it_and_no_others(editor: Editor, clip: Path) -> None:
    project_id = boxed(editor, clip)
    run(editor, project_id)
    before = [mask(editor, project_id, frame) for frame in range(CUT)]
    editor.prompts.add_box(project_id, 1, 3, 5, 85, 36, 116)  # the square it is meant to be
    last = CUT - 1
    run(editor, project_id, "forward", object_id=1, frame=3, span=(3, last))
    after = [mask(editor, project_id, frame) for frame in range(CUT)]
    assert all(overlap(after[frame], SQUARE) > 0.7 for frame in range(3, last))
    assert all((after[frame] == before[frame]).all() for frame in (0, 1, 2, last)), "it stops where it was asked to"
    with pytest.raises(InputError, match="frame 3 is not among the frames 4 to 5"):
        editor.tracking.start(project_id, "both", 1, 3, (4, 6))
    editor.prompts.clear(project_id, 1, 0)
    run(editor, project_id, "backward", object_id=1, frame=3)
    assert overlap(mask(editor, project_id, 2), SQUARE) > 0.7
    editor.history.undo(project_id)
    assert (mask(editor, project_id, 2) == before[2]).all()
    editor.prompts.add_point(project_id, 1, 3, 140, 20)  # far outside the box
    assert mask(editor, project_id, 3)[20, 140]


def test_a_confirmed_frame_is_never_overwritten(editor: Editor, clip: Path) -> None:
    project_id = boxed(editor, clip)
    run(editor, project_id)
    editor.prompts.paint(project_id, 1, 5, [(140, 100)], 5)
    editor.prompts.clear(project_id, 1, 5)
    drawn = mask(editor, project_id, 5)
    editor.tracking.confirm(project_id, 1, 5)
    assert drawn[100, 140]
    for options in ({}, {"object_id": 1, "frame": 2}):
        run(editor, project_id, **options)
        assert (mask(editor, project_id, 5) == drawn).all()
    editor.tracking.confirm(project_id, 1, 5, False)
    run(editor, project_id, object_id=1, frame=2)
    assert not mask(editor, project_id, 5)[100, 140]
    with pytest.raises(InputError, match="outside the clip"):
        editor.tracking.confirm(project_id, 1, FRAMES)


def test_a_click_on_a_tracked_frame_corrects_the_mask_that_is_there(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = boxed(editor, clip)
    run(editor, project_id)
    before = mask(editor, project_id, 4)
    editor.prompts.add_point(project_id, 1, 4, 5, 5, positive=False)
    assert (mask(editor, project_id, 4) == before).all(), "that was outside already"
    assert editor.tracking.timeline(project_id)[0]["pending"] == [4, CUT]
    with pytest.raises(InputError, match="nothing on frame 9"):
        editor.prompts.add_point(project_id, 1, 9, 5, 5, positive=False)
    begun_over = editor.projects.create(clip).project_id  # the same clip, with masks in a folder of its own
    editor.objects.add(begun_over)
    drawn = np.zeros((120, 160), bool)
    drawn[20:60, 30:70] = True
    write_image(tmp_path / "drawn.png", np.repeat(drawn[..., None] * np.uint8(255), 3, -1))
    editor.prompts.set_mask(begun_over, 1, 2, tmp_path / "drawn.png")
    editor.prompts.add_point(begun_over, 1, 2, 50, 40)
    assert mask(editor, begun_over, 2)[40, 50]


def test_what_hovering_shows_is_what_the_click_does(editor: Editor, clip: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    shown = editor.prompts.preview_point(project_id, None, 0, *centre(0))
    assert editor.projects.get(project_id).tracks == ()
    editor.objects.add(project_id)
    editor.prompts.add_point(project_id, 1, 0, *centre(0))
    assert (mask(editor, project_id, 0) == shown).all()
    less = editor.prompts.preview_point(project_id, 1, 0, 65, 61, positive=False)
    editor.prompts.add_point(project_id, 1, 0, 65, 61, positive=False)
    assert (mask(editor, project_id, 0) == less).all()


def test_strokes_draw_and_erase_and_are_undone_one_by_one(editor: Editor, clip: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    editor.prompts.paint(project_id, 1, 2, [(40, 40), (80, 40)], 6)
    line = mask(editor, project_id, 2)
    ys, xs = np.mgrid[:120, :160] + 0.5
    truth = np.hypot(xs - xs.clip(40, 80), ys - 40) <= 6
    assert (line == truth).all()
    editor.prompts.paint(project_id, 1, 2, [(60, 40)], 4, erase=True)
    assert not mask(editor, project_id, 2)[40, 60]
    editor.history.undo(project_id)
    assert (mask(editor, project_id, 2) == line).all()
    again = Editor(editor.settings)
    again.history.redo(project_id)
    assert not mask(again, project_id, 2)[40, 60]
    again.close()
    with pytest.raises(InputError, match="stroke"):
        editor.prompts.paint(project_id, 1, 2, [], 6)


def test_objects_are_renamed_hidden_and_merged(editor: Editor, clip: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    for left, name in ((20, "left"), (100, "right")):
        _, object_id = editor.objects.add(project_id)
        editor.objects.rename(project_id, object_id, f" {name} ")
        editor.prompts.paint(project_id, object_id, 0, [(left, 40)], 10)
    both = mask(editor, project_id, 0, 1) | mask(editor, project_id, 0, 2)
    shown = editor.masks.overlay_png(project_id, 0)
    editor.objects.hide(project_id, 2)
    assert editor.masks.overlay_png(project_id, 0) != shown
    editor.objects.hide(project_id, 2, False)
    merged = editor.objects.merge(project_id, 1, 2)
    assert [track.name for track in merged.tracks] == ["left"]
    assert (mask(editor, project_id, 0) == both).all()
    assert run(editor, project_id)["frames"] == CUT
    with pytest.raises(InputError, match="needs a name"):
        editor.objects.rename(project_id, 1, "  ")
    with pytest.raises(InputError, match="another object"):
        editor.objects.merge(project_id, 1, 1)
