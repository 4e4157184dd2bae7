"""What most tests of the editor start from: a clip, and an editor on a workspace of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import disc_clip

from app.editor.editor import Editor
from app.settings import Settings


@pytest.fixture(scope="module")
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip of `disc_clip`, with as many frames as the module says in FRAMES."""
    return disc_clip(tmp_path_factory.mktemp("clip") / "disc.mp4", frames=request.module.FRAMES)


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """An editor with the models that ship."""
    made = Editor(Settings(workspace=tmp_path / "workspace"))
    yield made
    made.close()
