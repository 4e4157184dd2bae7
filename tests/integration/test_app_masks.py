"""Masks of doubt: what was found nowhere, and what looks inverted, is said to the person."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from builders import video_file
from PIL import Image

from app.commands.cli import main
from app.editor.editor import Editor

FRAMES = 4


def test_an_object_that_is_found_nowhere_is_said(tmp_path: Path, editor: Editor, capsys: pytest.CaptureFixture[str]) -> None:
    clip = video_file(tmp_path / "wide.mkv", np.full((FRAMES, 32, 7680, 3), 90, np.uint8))
    out = tmp_path / "out"
    assert main(["track", str(clip), "--box", "2000,8,2040,24", "--out", str(out)]) == 0
    assert "found on no frame, all 4 masks are empty" in capsys.readouterr().err
    report = json.loads((out / "report.json").read_text())
    assert (report["found"], report["suspect"][0][:2]) == (0, [0, "missed"])

    project_id = editor.projects.create(clip).project_id
    editor.objects.add(project_id, "Kite")
    editor.prompts.add_box(project_id, 1, 0, 2000, 8, 2040, 24)
    status = editor.runner.wait(editor.tracking.start(project_id), 120)
    assert (status.state, status.result["missed"]) == ("done", ["Kite"])
    assert editor.tracking.timeline(project_id)[0]["suspect"][0][:2] == [0, "missed"]


def test_masks_that_look_inverted_are_questioned(clip: Path, tmp_path: Path, editor: Editor, capsys: pytest.CaptureFixture[str]) -> None:
    masks = tmp_path / "given"
    masks.mkdir()
    hole = np.ones((120, 160), bool)
    hole[30:60, 40:80] = False
    with zipfile.ZipFile(tmp_path / "given.zip", "w") as packed:
        for frame in range(FRAMES):
            path = masks / f"m{frame}.png"
            Image.fromarray(hole.astype(np.uint8) * 255).save(path)
            packed.write(path, path.name)
    for source, extra in ((masks, ()), (tmp_path / "given.zip", ("--invert-masks",))):
        words = ["edit", str(clip), "--task", "delete", "--adjust", "none", "--steps", "1", "--masks", str(source), *extra]
        assert main([*words, "--out", str(tmp_path / "out")]) == 0
        assert ("add --invert-masks" in capsys.readouterr().err) == (not extra)
        written = np.asarray(Image.open(tmp_path / "out" / "masks" / "00002.png")) > 0
        assert (written == (~hole if extra else hole)).all()

    project = editor.masks.import_masks(editor.projects.create(clip).project_id, masks).project
    assert "inverted" in editor.tracking.timeline(project.project_id)[0]["doubt"]
    swapped = editor.objects.invert(project.project_id, 1)
    assert editor.pictures.masks.load(swapped, swapped.tracks[0].masks)[2].sum() == 30 * 40
    assert editor.tracking.timeline(project.project_id)[0]["doubt"] == ""
