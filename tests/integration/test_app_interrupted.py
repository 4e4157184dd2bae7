"""Work that waited when the program ended is known to the next program, which does it or forgets
it.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
from builders import disc_clip, tiny_vivid_package

from app.editor.editor import Editor
from app.editor.keyframes import KeyframeOperations
from app.jobs.journal import JournalEntry
from app.settings import Settings
from core.errors import InputError
from core.progress import JobContext
from core.project.edits import SamplingSettings

WANTED = {"frame": 1, "task": "modify", "caption": "a blue ball", "settings": {"steps": 1, "guidance": None}}


def stuck(editor: Editor, project_id: str) -> threading.Event:
    """A job that keeps the others of the machine waiting until the event is set."""
    release = threading.Event()

    def work(_: JobContext) -> dict:
        release.wait(60)
        return {}

    editor.runner.submit("stuck", project_id, work, device=editor.settings.device)
    return release


def interrupted(editor: Editor, project_id: str) -> list[tuple[str, str]]:
    return [(job.kind, job.job_id) for job in editor.jobs.of_project(project_id) if job.state == "interrupted"]


@pytest.mark.parametrize("killed", [True, False])
def test_what_waited_when_the_program_ended_is_resumed_or_dismissed(editor: Editor, tmp_path: Path, killed: bool) -> None:
    project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=4)).project_id
    editor.objects.add(project_id, "Disc")
    editor.prompts.paint(project_id, 1, 1, [(55, 61)], 20)
    release = stuck(editor, project_id)
    masks = editor.masks.start_export(project_id, "ids", object_ids=[1])
    other = editor.masks.start_export(project_id, "matte")
    given_up = editor.masks.start_export(project_id, "green")
    editor.jobs.cancel(given_up)
    assert interrupted(editor, project_id) == []
    if not killed:
        editor.runner.shut_down(timeout=0.1)

    again = Editor(editor.settings)
    assert interrupted(again, project_id) == [("masks", other), ("masks", masks)]
    assert "stopped" in again.jobs.of_project(project_id)[0].message
    with pytest.raises(InputError, match="interrupted"):
        again.jobs.resume(project_id, given_up)
    again.jobs.dismiss(project_id, other)
    status = again.runner.wait(again.jobs.resume(project_id, masks), 60)
    assert status.state == "done", status.message
    assert again.projects.file(project_id, status.result["file"]).name.startswith("masks-ids")
    assert interrupted(again, project_id) == []
    assert interrupted(Editor(editor.settings), project_id) == []
    again.close()
    release.set()


def test_tries_that_are_there_are_not_painted_again(tmp_path: Path) -> None:
    editor = Editor(Settings(workspace=tmp_path / "workspace", model=str(tiny_vivid_package(tmp_path / "tiny")), device="cpu"))
    project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=4)).project_id
    editor.objects.add(project_id, "Disc")
    editor.prompts.paint(project_id, 1, 1, [(55, 61)], 20)
    release = stuck(editor, project_id)
    ask = partial(
        KeyframeOperations.start_tries, project_id=project_id, frame=1, task="modify", caption="a blue ball", settings=SamplingSettings(1)
    )
    three = ask(editor.keyframes, seeds=(1, 2, 3))
    editor.runner.shut_down(timeout=0.1)

    again = Editor(editor.settings)
    assert again.runner.wait(ask(again.keyframes, seeds=(2,)), 60).state == "done"  # as far as the first program might have come
    status = again.runner.wait(again.jobs.resume(project_id, three), 60)
    assert status.state == "done", status.message
    assert [edit.seed for edit in again.projects.get(project_id).edits] == [2, 1, 3]
    again.journal.note(project_id, JournalEntry("last", "keyframe", "start_tries", {**WANTED, "seeds": [3]}))
    assert interrupted(again, project_id) == []
    again.journal.note(project_id, JournalEntry("last", "keyframe", "start_tries", {**WANTED, "seeds": [3, 4]}))
    assert interrupted(again, project_id) == [("keyframe", "last")]
    again.close()
    release.set()


OLD_JOURNAL = """[
{"job_id": "0f0f0f0f0f0f0f0f", "kind": "masks", "verb": "start_mask_export", "arguments": {"form": "ids", "object_ids": [1]}},
{"job_id": "1f0f0f0f0f0f0f0f", "kind": "track", "verb": "start_tracking", "arguments": {}},
{"job_id": "2f0f0f0f0f0f0f0f", "kind": "masks", "verb": "start_mask_export", "arguments": {"form": "ids", "colour": "red"}},
{"job_id": "3f0f0f0f0f0f0f0f", "kind": "gone", "verb": "delete_project", "arguments": {}}
]"""
"""As version 0.1 wrote it; the third has an argument and the fourth an operation that can't be
resumed.
"""


def test_a_journal_of_the_first_version_is_resumed(editor: Editor, tmp_path: Path) -> None:
    project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=4)).project_id
    editor.objects.add(project_id, "Disc")
    editor.prompts.paint(project_id, 1, 1, [(55, 61)], 20)
    (editor.workspace.folder(project_id) / "jobs.json").write_text(OLD_JOURNAL)
    kinds = {job_id[0]: kind for kind, job_id in interrupted(editor, project_id)}
    assert kinds == {"0": "masks", "1": "track", "2": "masks", "3": "gone"}
    for job_id, result in (("0f0f0f0f0f0f0f0f", "file"), ("1f0f0f0f0f0f0f0f", "frames")):
        status = editor.runner.wait(editor.jobs.resume(project_id, job_id), 120)
        assert status.state == "done", status.message
        assert result in status.result
    with pytest.raises(InputError, match="another version"):
        editor.jobs.resume(project_id, "2f0f0f0f0f0f0f0f")
    with pytest.raises(InputError, match="'delete_project' can't be resumed"):
        editor.jobs.resume(project_id, "3f0f0f0f0f0f0f0f")
    assert editor.projects.get(project_id).name == "disc", "nothing but resumable operations is called"
    left = interrupted(editor, project_id)
    assert {job_id[0] for _, job_id in left} == {"2", "3"}
    for _, job_id in left:
        editor.jobs.dismiss(project_id, job_id)
    assert interrupted(editor, project_id) == []


def test_a_damaged_list_of_jobs_is_no_obstacle(editor: Editor, tmp_path: Path) -> None:
    project_id = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=4)).project_id
    (editor.workspace.folder(project_id) / "jobs.json").write_text('[{"job_id": 3}]')
    assert editor.jobs.of_project(project_id) == []
    editor.objects.add(project_id)
    editor.prompts.paint(project_id, 1, 1, [(55, 61)], 20)
    assert editor.runner.wait(editor.masks.start_export(project_id, "ids"), 60).state == "done"
    assert (editor.workspace.folder(project_id) / "jobs.json").read_text() == "[]"
