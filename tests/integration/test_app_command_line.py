"""What the command line lists and says about itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from builders import disc_clip
from command_line import ROOT


def test_models_are_listed_with_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    assert main(["models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "here" in lines["embedded"]
    assert "here" in lines["vivid-small"]
    assert "large" in lines


def test_projects_say_how_one_is_opened_and_that_there_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main
    from app.editor.editor import Editor
    from app.settings import Settings

    assert main(["projects", "--workspace", str(tmp_path)]) == 0
    assert "no projects" in capsys.readouterr().err
    project = Editor(Settings(workspace=tmp_path)).projects.create(disc_clip(tmp_path / "disc.mp4", frames=1)).project_id
    assert main(["projects", "--workspace", str(tmp_path)]) == 0
    listed = capsys.readouterr()
    assert "160x120, 1 frame  disc" in listed.out
    assert f"/?project={project}" in listed.err


def test_the_version_is_said_by_the_program_and_before_it_is_set_up(capsys: pytest.CaptureFixture[str]) -> None:
    from app.commands.cli import main

    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert f'version = "{said.split()[-1]}"' in (ROOT / "pyproject.toml").read_text()
    bare = subprocess.run(
        [sys.executable, "-S", "launch.py", "--version"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert bare.stdout == said
