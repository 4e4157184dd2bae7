"""The editor's operations on a real clip and the models that ship: from a click to a video, saved
all the way.
"""

from pathlib import Path

import numpy as np
import pytest
from builders import DISC_BOX, disc_clip, finish, held_at

from app.commands.replay import replay_to_folder
from app.editor.editor import Editor
from app.jobs.keyframes import KeyframeJobs, TriesRequest
from app.jobs.region import RegionBuilder
from app.jobs.tracking import TrackingJob, TrackRequest
from app.media.region_previews import DARK
from core.errors import InputError
from core.media import open_clip, read_image
from core.progress import JobContext, ProgressEvent
from core.project.edits import SamplingSettings
from core.project.project import Project
from core.project.tracks import MaskAdjustment

FRAMES = 8


def selected(editor: Editor, clip: Path) -> Project:
    project = editor.projects.create(clip)
    _, object_id = editor.objects.add(project.project_id)
    return editor.prompts.add_box(project.project_id, object_id, 0, *DISC_BOX)


def test_from_a_click_to_a_video_and_back_after_a_restart(editor: Editor, clip: Path, tmp_path: Path) -> None:
    project_id = selected(editor, clip).project_id
    assert len(editor.masks.overlay_png(project_id, 0)) > len(editor.masks.overlay_png(project_id, 5))
    finish(editor, editor.tracking.start(project_id))
    assert editor.tracking.timeline(project_id)[0]["tracked"] == (0, FRAMES)
    editor.region.set_adjustment(project_id, MaskAdjustment("box+expand", 6))
    result = finish(editor, editor.keyframes.start_tries(project_id, 0, "modify", "a blue ball", (1, 2), SamplingSettings(steps=2)))
    project = editor.projects.get(project_id)
    assert [e.seed for e in project.edits] == [1, 2]
    assert [e.edit_id for e in project.edits] == result["edits"]
    pictures = [read_image(editor.projects.file(project_id, e.image)) for e in project.edits]
    assert (pictures[0] != pictures[1]).any()
    editor.keyframes.accept(project_id, project.edits[1].edit_id)
    propagation_id = finish(editor, editor.propagation.start(project_id, settings=SamplingSettings(steps=1)))["propagation"]
    report = editor.results.report(project_id, propagation_id)
    assert (report["frames"], report["max_difference_outside"]) == (FRAMES, 0)
    exported = finish(editor, editor.exports.start(project_id, "ffv1", propagation_id))
    recipe = editor.projects.file(project_id, exported["recipe"])
    replayed = replay_to_folder(editor.engine, recipe, tmp_path / "again", JobContext(), anew=True)
    with open_clip(editor.projects.file(project_id, exported["file"])) as one, open_clip(tmp_path / "again" / replayed["output"]) as two:
        # tracked, painted and propagated anew from what was clicked and written: the same to the
        # last bit
        assert all((a == b).all() for a, b in zip(one.frames(), two.frames(), strict=True))
    written = editor.projects.file(project_id, f"results/{propagation_id}/report.json")
    whole = written.read_bytes()
    written.write_bytes(whole[:50])
    with pytest.raises(InputError, match="damaged"):
        editor.results.report(project_id, propagation_id)
    written.write_bytes(whole)

    again = Editor(editor.settings)
    reopened = again.projects.get(project_id)
    assert reopened == editor.projects.get(project_id)
    assert reopened.latest_propagation is not None
    assert reopened.latest_propagation.result is not None
    with open_clip(again.projects.file(project_id, reopened.latest_propagation.result)) as video:
        assert len(video) == FRAMES
    assert [s.project_id for s in again.projects.recent()] == [project_id]
    while again.history.labels(project_id)[0]:
        again.history.undo(project_id)
    assert again.projects.get(project_id).tracks == ()
    again.close()


def test_a_click_can_be_undone_and_its_mask_goes_with_it(editor: Editor, clip: Path) -> None:
    project = selected(editor, clip)
    boxed = editor.masks.overlay_png(project.project_id, 0)
    editor.prompts.add_point(project.project_id, 1, 0, 5, 5, positive=False)
    assert editor.history.labels(project.project_id) == ("Point", None)
    editor.history.undo(project.project_id)
    assert editor.masks.overlay_png(project.project_id, 0) == boxed
    cleared = editor.prompts.clear(project.project_id, 1)
    assert cleared.track(1).masks is None
    assert cleared.track(1).prompts == ()


def test_stopping_a_track_keeps_the_frames_that_were_reached(editor: Editor, clip: Path) -> None:
    project_id = selected(editor, clip).project_id
    with held_at("tracking", 3) as reached:
        job = editor.tracking.start(project_id)
        assert reached.wait(240)
        editor.jobs.cancel(job)
    assert editor.runner.wait(job, 60).state == "cancelled"
    assert editor.projects.get(project_id).track(1).tracked == (0, 3)


def test_what_a_person_does_while_tracking_runs_stands(editor: Editor, clip: Path) -> None:
    project_id = selected(editor, clip).project_id
    editor.objects.add(project_id)
    editor.prompts.add_box(project_id, 2, 0, *DISC_BOX)

    def meanwhile(event: ProgressEvent) -> None:
        if event.stage == "tracking" and event.done == 7:
            editor.prompts.clear(project_id, 2)
            editor.prompts.add_box(project_id, 1, 5, 0, 0, 20, 20)

    TrackingJob(editor.workspace, editor.pictures).track(project_id, TrackRequest(), JobContext(meanwhile))
    first, second = editor.projects.get(project_id).tracks
    assert (second.prompts, second.masks, second.tracked) == ((), None, None)
    assert not first.covers(0, FRAMES)
    assert first.masks is not None
    masks = editor.pictures.masks.load(editor.projects.get(project_id), first.masks)
    assert not masks[5][25:, 25:].any()
    assert masks[4][25:, 25:].any()


def test_a_try_of_masks_that_changed_meanwhile_is_stale(editor: Editor, clip: Path) -> None:
    project_id = selected(editor, clip).project_id

    def meanwhile(event: ProgressEvent) -> None:
        if event.stage == "keyframe" and event.done == 1:
            editor.region.set_adjustment(project_id, MaskAdjustment("hull"))

    tries = TriesRequest(0, "modify", "a red ball", (1,), SamplingSettings(steps=2))
    regions = RegionBuilder(editor.workspace, editor.pictures.frames, editor.pictures.masks)
    jobs = KeyframeJobs(editor.workspace, editor.engine, editor.pictures, regions)
    jobs.try_keyframe(project_id, tries, JobContext(meanwhile))
    assert [e.stale for e in editor.projects.get(project_id).edits] == [True]


def test_a_correction_asks_for_tracking_again_and_keeps_the_masks(editor: Editor, clip: Path) -> None:
    project_id = selected(editor, clip).project_id
    finish(editor, editor.tracking.start(project_id))
    finish(editor, editor.keyframes.start_tries(project_id, 0, "delete", "", (0,)))
    editor.keyframes.accept(project_id, editor.projects.get(project_id).edits[0].edit_id)
    corrected = editor.prompts.add_point(project_id, 1, 4, 63, 61).track(1)
    assert not corrected.covers(0, FRAMES)
    assert editor.tracking.timeline(project_id)[0]["present"] == [[0, FRAMES]]
    with pytest.raises(InputError, match="track Object 1"):
        editor.propagation.start(project_id)


def test_what_is_not_ready_says_what_to_do_first(editor: Editor, clip: Path) -> None:
    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id)
    with pytest.raises(InputError, match="click or box"):
        editor.tracking.start(project_id)
    with pytest.raises(InputError, match="select an object"):
        editor.keyframes.start_tries(project_id, 0, "delete", "", (0,))
    with pytest.raises(InputError, match="accept a try"):
        editor.propagation.start(project_id)
    with pytest.raises(InputError, match="caption"):
        editor.keyframes.start_tries(project_id, 0, "add", "", (0,))
    with pytest.raises(InputError, match="outside the frame"):
        editor.prompts.add_point(project_id, 1, 0, 900, 5)


def test_a_clip_that_was_moved_away_is_named(editor: Editor, clip: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(clip.read_bytes())
    project_id = editor.projects.create(moved).project_id
    moved.unlink()
    with pytest.raises(InputError, match=r"moved\.mp4"):
        editor.clip.frame_jpeg(project_id, 0)


def test_a_file_that_is_replaced_is_another_clip(editor: Editor, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    disc_clip(path, frames=12)
    old = editor.projects.create(path).project_id
    editor.clip.frame_jpeg(old, 0)
    disc_clip(path, frames=5)
    new = editor.projects.create(path).project_id
    assert len(editor.pictures.frames.reader(editor.projects.get(new))) == 5
    again = Editor(editor.settings)
    with pytest.raises(InputError, match=r"clip\.mp4.*replaced"):
        again.clip.frame_jpeg(old, 0)
    again.close()


@pytest.mark.parametrize("source", ["a\0b", "~nobody-of-that-name/clip.mp4", "x" * 300, ""])
def test_a_source_that_can_be_no_path_is_bad_input(editor: Editor, source: str) -> None:
    with pytest.raises(InputError):
        editor.projects.create(source)


def test_the_hint_names_what_the_small_model_cannot_know(editor: Editor) -> None:
    assert editor.models.caption_hint("a red ball") is None
    hint = editor.models.caption_hint("a red giraffe")
    assert hint is not None
    assert "giraffe" in hint
    assert "ball" in hint


def test_the_region_overlay_follows_the_adjustment_at_once(editor: Editor, clip: Path) -> None:
    import cv2

    project_id = selected(editor, clip).project_id

    def area(form: str, pixels: int = 0) -> int:
        editor.region.set_adjustment(project_id, MaskAdjustment(form, pixels))  # type: ignore[arg-type]
        picture = cv2.imdecode(np.frombuffer(editor.masks.overlay_png(project_id, 0, "region"), np.uint8), cv2.IMREAD_UNCHANGED)
        return int((picture[..., 3] != DARK).sum())  # what is not edited is darkened

    plain = area("none")
    assert 0 < plain < area("expand", 5) < area("box+expand", 5)
