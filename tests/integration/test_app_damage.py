"""A workspace in which files were damaged or made up: what can be opened opens, what is lost is
said, and nothing outside is touched.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.contract.project_view import project_view
from app.editor.editor import Editor
from app.jobs.journal import JournalEntry
from app.jobs.region import RegionBuilder
from app.settings import Settings
from app.storage.leftovers import remove_leftovers
from core.errors import InputError

FRAMES = 66  # two blocks of masks


def disc(frame: int) -> np.ndarray:
    ys, xs = np.mgrid[:120, :160]
    return (xs - 55 - 2 * frame % 80) ** 2 + (ys - 61) ** 2 < 20**2


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masks")
    for frame in range(FRAMES):
        Image.fromarray(disc(frame).astype(np.uint8) * 255).save(folder / f"{frame}.png")
    return folder


@pytest.fixture
def masked(editor: Editor, clip: Path, masks: Path) -> str:
    """The id of a project with one object."""
    return editor.masks.import_masks(editor.projects.create(clip).project_id, masks).project.project_id


def again(editor: Editor) -> Editor:
    """The editor of the next start of the program."""
    editor.close()
    return Editor(editor.settings)


@pytest.mark.parametrize("damage", ["lost", "cut off", "scrambled"])
def test_a_lost_block_marks_its_object_and_the_project_opens(editor: Editor, masked: str, damage: str) -> None:
    files = editor.workspace.folder(masked) / "files"
    index = json.loads((files / Path(editor.projects.get(masked).tracks[0].masks or "").name).read_text())
    block = files / index["blocks"][1]
    if damage == "lost":
        block.unlink()
    else:
        whole = block.read_bytes()
        block.write_bytes(whole[: len(whole) // 2] if damage == "cut off" else whole[:4] + bytes(200) + whole[4:])
    later = again(editor)
    lane = project_view(later, masked)["lanes"][0]
    assert (lane["lost"], lane["present"]) == ([[64, 66]], [[0, 64]])
    assert [64, "lost"] in [flag[:2] for flag in lane["suspect"]]
    project = later.projects.get(masked)
    with pytest.raises(InputError, match=r"of masks.* on the frames 64-65 are lost"):
        RegionBuilder(later.workspace, later.pictures.frames, later.pictures.masks).build(project)

    later.prompts.add_box(masked, 1, 3, 40, 40, 80, 80)  # a change elsewhere doesn't hide it
    last = again(later)
    assert project_view(last, masked)["lanes"][0]["lost"] == [[64, 66]]
    for frame in (64, 65):  # whoever says what is there, finds it again
        last.tracking.mark_absent(masked, 1, frame)
    assert project_view(last, masked)["lanes"][0]["lost"] == []
    last.close()


def test_a_damaged_index_loses_the_object_not_the_project(editor: Editor, masked: str) -> None:
    path = editor.workspace.file(masked, editor.projects.get(masked).tracks[0].masks or "")
    path.write_bytes(b"{" + path.read_bytes())
    later = again(editor)
    assert project_view(later, masked)["lanes"][0]["lost"] == [[0, FRAMES]]
    later.close()


def test_deleting_a_made_up_project_touches_nothing_outside(editor: Editor, clip: Path) -> None:
    root = editor.settings.workspace
    upload = root / "uploads" / ("0" * 16)
    upload.mkdir(parents=True)
    (upload / "video.mp4").write_bytes(clip.read_bytes())
    (root / "keep").mkdir()
    real = editor.projects.create(upload / "video.mp4").project_id
    up, uploads = "..", root / "uploads"
    sources = [uploads / up, uploads / up / "keep", uploads / "x" / up / up / "keep" / "a.mp4", upload / "video.mp4"]
    for source in sources:
        made_up = editor.projects.create(clip).project_id
        document = editor.workspace.document(made_up)
        data = json.loads(document.read_text())
        data["project"]["clip"]["source"] = str(source)
        document.write_text(json.dumps(data))
        editor = again(editor)
        editor.projects.delete(made_up)
        assert (root / "keep").is_dir()
        assert (upload / "video.mp4").is_file(), "another project has it"
    editor.workspace.document(real).write_text("damaged")
    editor = again(editor)
    assert [bool(one.problem) for one in editor.projects.recent()] == [True]
    (root / "projects" / ("c" * 32)).symlink_to(root / "keep")
    (root / "keep" / "project.json").write_text("{}")
    for project_id in (real, "c" * 32):
        editor.projects.delete(project_id)
    assert (root / "keep" / "project.json").is_file()
    editor.close()


def test_a_journal_names_only_what_can_be_resumed(editor: Editor, masked: str) -> None:
    asked = [
        ("delete_project", {}),
        ("start_tracking", {"project_id": "b" * 32}),
        ("start_tracking", {"direction": "sideways"}),
        ("start_tracking", {"return": "x"}),
        ("start_tries", {}),
        ("start_export", {"codec": ["h264"], "path": "/tmp"}),
    ]
    for number, (operation, arguments) in enumerate(asked):
        editor.journal.note(masked, JournalEntry(f"job{number}", "track", operation, arguments))
        with pytest.raises(InputError):
            editor.jobs.resume(masked, f"job{number}")
    assert len(editor.jobs.of_project(masked)) == len(asked)


def test_what_a_killed_program_left_is_removed(editor: Editor, clip: Path, tmp_path: Path) -> None:
    root = editor.settings.workspace
    needed, left = root / "uploads" / ("1" * 16), root / "uploads" / ("2" * 16)
    for folder in (needed, left):
        folder.mkdir(parents=True)
        (folder / "video.mp4").write_bytes(clip.read_bytes())
    project_id = editor.projects.create(needed / "video.mp4").project_id
    folder = editor.workspace.folder(project_id)
    (folder / "exports" / ".new-abc").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    exports = folder / "exports"
    gone = [folder / ".project.json.0123abcd.part", exports / ".street.mp4.deadbeef.part", exports / ".new-abc" / "0.png"]
    gone += [root / "projects" / f".deleted-{'d' * 32}" / "project.json", root / "projects" / ("d" * 32) / "results" / "output.mp4"]
    for path in gone[-2:]:
        path.parent.mkdir(parents=True)
    (root / "projects" / ("e" * 32) / "files").mkdir(parents=True)
    kept = [outside / ".x.0123abcd.part", exports / "street.mp4", root / "uploads" / "notes.txt"]
    for path in (*gone, *kept):
        path.write_bytes(b"x")
    (folder / "link").symlink_to(outside)
    editor.close()
    remove_leftovers(root)
    assert not left.exists()
    assert not (root / "projects" / ("e" * 32)).exists()
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in (*kept, needed / "video.mp4"))
    assert Editor(Settings(workspace=root)).projects.get(project_id).name.startswith("Video, ")


@pytest.mark.parametrize("damage", ["gone", "cut off", "empty"])
def test_an_upload_stays_while_a_project_cannot_be_read(editor: Editor, clip: Path, damage: str) -> None:
    root = editor.settings.workspace
    video = root / "uploads" / ("1" * 16) / "video.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(clip.read_bytes())
    document = editor.workspace.document(editor.projects.create(video).project_id)
    editor.close()
    whole = document.read_bytes()
    if damage == "gone":
        document.unlink()
    else:
        document.write_bytes(whole[:40] if damage == "cut off" else b"")
    remove_leftovers(root)
    assert video.is_file(), "a copy of the document may be put back"
    document.write_bytes(whole.replace(b"1" * 16, b"3" * 16))
    remove_leftovers(root)
    assert not video.parent.exists()
