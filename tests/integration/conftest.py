"""What most tests of the editor start from: a clip, and an editor on a workspace of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from builders import disc_clip, shared_folder
from command_line import BOX, run
from filelock import FileLock

from app.editor.editor import Editor
from app.settings import Settings
from core.media import index


@pytest.fixture(scope="module")
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip of `disc_clip`, with as many frames as the module says in FRAMES."""
    return disc_clip(tmp_path_factory.mktemp("clip") / "disc.mp4", frames=request.module.FRAMES)


@pytest.fixture(params=["short", "long"])
def length(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is found out about a clip must hold when it is decoded whole, and when only its ends
    are."""
    if request.param == "long":
        monkeypatch.setattr(index, "_CHEAP_PIXELS", 0)
        monkeypatch.setattr(index, "_CHECKED_FRAMES", 30)
    index.INDEXES.clear()
    return request.param


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """An editor with the models that ship."""
    made = Editor(Settings(workspace=tmp_path / "workspace"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def talking_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip of `disc_clip`, with sound, the same file for all workers: what was made of it is
    compared with it. Not to be changed.
    """
    path = shared_folder(tmp_path_factory) / "talking" / "disc.mp4"
    with FileLock(shared_folder(tmp_path_factory) / "talking.lock"):
        if not path.exists():
            path.parent.mkdir()
            disc_clip(path, frames=17, rate=Fraction(30000, 1001), audio=True)
    return path


@pytest.fixture(scope="session")
def edited(talking_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an `edit` of that clip, which all workers of pytest-xdist share. Not to be
    changed.
    """
    folder = shared_folder(tmp_path_factory)
    out, done = folder / "edited", folder / "edited.done"
    with FileLock(folder / "edited.lock"):
        if not done.exists():
            words = ("--task", "modify", "--caption", "a red cube", "--adjust", "box+expand:6,holes:all,smooth:1")
            ended = run("edit", talking_clip, "--out", out, "--box", BOX, *words, "--png", "--seed", 3, "--steps", 1)
            assert ended.returncode == 0, ended.stderr
            done.touch()
    return out
