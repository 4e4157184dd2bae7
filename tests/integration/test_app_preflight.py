"""The preflight card tells the truth about real files, and its remedies do what they say."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import index_first, noise_frames, shot_frames, video_file

from app.contract.preflight import preflight
from app.contract.project_view import project_view
from app.editor.editor import Editor
from app.render.recipe import recipe_of
from core.errors import InputError
from core.media import VideoWriter
from core.progress import JobContext
from core.project.codec import dumps, loads
from core.project.video import VideoInfo

FLAT = np.full((4, 64, 96, 3), 90, np.uint8)


def facts_and_notes(editor: Editor, path: Path) -> tuple[dict[str, str], str]:
    view = project_view(editor, editor.projects.create(path).project_id)
    facts = {fact["name"]: f"{fact['value']} {fact['note']}".strip() for fact in view["clip"]["facts"]}
    return facts, " ".join(note["text"] for note in view["preflight"]["notes"])


def test_what_is_unusual_about_a_clip_is_said(editor: Editor, tmp_path: Path) -> None:
    turned = video_file(tmp_path / "turned.mp4", FLAT, rotation=90, audio="aac")
    facts, notes = facts_and_notes(editor, turned)
    assert facts["Size"] == "64 × 96 turned by 90°, shown upright"
    assert facts["Sound"].startswith("AAC")
    assert "turned by 90°" in notes

    wide = video_file(tmp_path / "wide.mp4", FLAT, pix_fmt="yuv420p10le", tags=(9, 16, 9, 2))
    facts, notes = facts_and_notes(editor, wide)
    assert facts["Picture"] == "H264 bt2020nc 10 bit, HDR (PQ), full range"
    assert "HDR looks flat here" in notes
    assert "Full range" in notes

    uneven = video_file(tmp_path / "uneven.mkv", FLAT, pts=[0, 40, 130, 170], tick=Fraction(1, 1000))
    facts, notes = facts_and_notes(editor, uneven)
    assert facts["Rate"].endswith("on average; it varies")
    assert "The rate varies" in notes

    broken = index_first(video_file(tmp_path / "broken.mp4", noise_frames(12, 64, 96)))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size * 2 // 3])
    assert "The file breaks off: of 12 frames " in facts_and_notes(editor, broken)[1]

    plain = video_file(tmp_path / "plain.mp4", FLAT)
    facts, notes = facts_and_notes(editor, plain)
    assert facts["Length"] == "4 frames 0.2 s"
    assert notes == ""


def test_what_becomes_of_the_sound_is_said(editor: Editor, tmp_path: Path) -> None:
    """A moment after the clip is opened: the whole file is looked through for it."""
    path = video_file(tmp_path / "pcm.mov", FLAT, audio="pcm_s16le")
    project = editor.projects.create(path)
    editor.clip.scan(project.project_id)
    editor.scanner.wait()
    notes = [note["text"] for note in preflight(editor, project)["notes"]]
    assert "The sound becomes AAC mono: such PCM in MP4 is rarely played." in notes
    in_format = {codec: editor.exports.notes(project.project_id, codec) for codec in ("h264", "prores", "ffv1", "png")}
    assert in_format == {
        "h264": ("the sound becomes AAC mono: such PCM in MP4 is rarely played",),
        "prores": ("the sound is kept as it is",),
        "ffv1": ("the sound is kept as it is",),
        "png": ("pictures hold no sound",),
    }


def test_an_interlaced_clip_is_deinterlaced_by_one_click_and_its_recipe_knows(editor: Editor, tmp_path: Path) -> None:
    stripes = np.full((4, 64, 96, 3), 40, np.uint8)
    for number in range(4):  # something has to move, else the fields fit together
        stripes[number, ::2, 20 * number : 20 * number + 20] = 200
    path = tmp_path / "fields.mkv"
    with VideoWriter(path, VideoInfo(96, 64, Fraction(25), 4, field_order="bottom"), codec="ffv1") as writer:
        for frame in stripes:
            writer.write(frame)
    project = editor.projects.create(path)

    def fields() -> dict[str, Any]:
        (note,) = (n for n in project_view(editor, project.project_id)["preflight"]["notes"] if n["text"].startswith("Interlaced"))
        return note

    note = fields()
    assert note["text"].startswith("Interlaced, bottom field first")
    assert (note["remedy"], note["label"]) == ("deinterlace", "Deinterlace")
    kept = editor.clip.frame_jpeg(project.project_id, 1)
    turned = replace(project, clip=replace(project.clip, info=replace(project.clip.info, rotation=90)))
    assert any("its fields can't be kept" in note["text"] for note in preflight(editor, turned)["notes"])

    changed = editor.clip.deinterlace(project.project_id)
    assert (fields()["remedy"], fields()["label"]) == ("fields", "Keep fields")
    assert project_view(editor, project.project_id)["clip"]["deinterlaced"]
    assert editor.clip.frame_jpeg(project.project_id, 1) != kept
    assert recipe_of(editor.workspace, changed, [], (0, 4), "h264", whole=False).deinterlace
    assert loads(dumps(editor.workspace.history(project.project_id))).present.clip.deinterlace

    editor.clip.deinterlace(project.project_id, on=False)
    assert editor.clip.frame_jpeg(project.project_id, 1) == kept
    whole = editor.projects.create(video_file(tmp_path / "plain.mp4", FLAT))
    with pytest.raises(InputError, match="is not interlaced"):
        editor.clip.deinterlace(whole.project_id)


def test_cuts_darkness_and_length_are_found_in_the_background(editor: Editor, tmp_path: Path) -> None:
    path = video_file(tmp_path / "shots.mp4", shot_frames(3, 60) // 12, rate=Fraction(6))
    project = editor.projects.create(path)
    editor.clip.scan(project.project_id)
    editor.clip.frame_jpeg(project.project_id, 70)  # whoever looks has the machine to himself for a moment, no longer
    editor.scanner.wait()
    told = preflight(editor, editor.projects.get(project.project_id))
    assert told["done"]
    assert editor.clip.scene_cuts(project.project_id) == (60, 120)
    texts = {note["remedy"]: note["text"] for note in told["notes"]}
    assert texts["part"].startswith("30 s to track")
    assert texts["shot"].startswith("2 cuts")
    assert texts[""].startswith("Very dark")

    trimmed = editor.clip.trim(project.project_id, 60, 120)
    told = preflight(editor, trimmed)
    assert [note["remedy"] for note in told["notes"]] == ["whole", ""]

    # what is known of a file is known of it at once, to every project of it and beside each
    again = editor.projects.create(path, draft=True)
    kept = editor.workspace.folder(again.project_id) / "cuts.json"
    editor.clip.scan(again.project_id)
    editor.scanner.wait()
    assert not kept.exists(), "a draft is not on the disk"
    editor.projects.rename(again.project_id, "Again")
    editor.clip.scan(again.project_id)
    editor.scanner.wait()
    assert kept.read_bytes() == (editor.workspace.folder(project.project_id) / "cuts.json").read_bytes()

    scanned, release = threading.Event(), threading.Event()

    def held(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        scanned.set()
        release.wait(60)
        yield from frames

    other = editor.projects.create(video_file(tmp_path / "plain.mp4", FLAT))
    cuts, source = editor.pictures.masks.cuts, editor.pictures.frames.source
    with ThreadPoolExecutor() as pool:
        try:
            scan = pool.submit(cuts.look, other, source(other), 0, 4, held)
            assert scanned.wait(60)
            assert pool.submit(cuts.all, project, source, JobContext()).result(60) == (60, 120)
            assert not scan.done()
        finally:
            release.set()


def test_a_large_clip_opens_before_its_content_is_known_and_learns_it_for_every_state(editor: Editor, tmp_path: Path, monkeypatch) -> None:
    import hashlib

    import app.editor.projects

    monkeypatch.setattr(app.editor.projects, "QUICKLY_HASHED", 0)
    path = video_file(tmp_path / "clip.mp4", FLAT)
    project_id = editor.projects.create(path).project_id
    assert editor.projects.get(project_id).clip.sha256 == ""
    editor.clip.trim(project_id, 1, 3)
    known = editor.scanner.identified(project_id).clip.sha256
    assert known == hashlib.sha256(path.read_bytes()).hexdigest()
    assert editor.history.undo(project_id).clip.sha256 == known


def test_projects_are_renamed_and_deleted_with_what_was_sent_for_them(editor: Editor, tmp_path: Path) -> None:
    folder = editor.settings.workspace / "uploads" / "0123456789abcdef"
    folder.mkdir(parents=True)
    sent = video_file(folder / "video.mp4", FLAT)
    first, second = editor.projects.create(sent).project_id, editor.projects.create(sent).project_id
    mine = video_file(tmp_path / "mine.mp4", FLAT)
    third = editor.projects.create(mine).project_id

    assert editor.projects.rename(first, "  The sea ").name == "The sea"
    with pytest.raises(InputError, match="needs a name"):
        editor.projects.rename(first, " ")
    assert {p.project_id for p in editor.projects.recent([first, "x", second])} == {first, second}
    assert editor.projects.thumbnail_jpeg(first)[:2] == b"\xff\xd8"

    editor.projects.delete(first)
    assert sent.exists(), "another project works on it"
    editor.projects.delete(second)
    assert not folder.exists()
    editor.projects.delete(third)
    assert mine.exists(), "what lies elsewhere is the person's own"
    assert editor.projects.recent() == []
    with pytest.raises(InputError, match="is not here"):
        editor.projects.get(first)
