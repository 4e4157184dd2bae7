"""The name of a stored window says everything its pixels depend on."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

import core
from core.geometry import FrameRange
from core.masks import Feather, MaskSequence
from core.propagation.window_keys import program_files, window_keys
from core.propagation.windows import plan_windows

ROOT = Path(core.__file__).parent.parent


def _imported(path: Path) -> set[str]:
    """Names of modules that a file imports anywhere, and of what it imports from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, "relative imports are not looked through here"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def _files_of(name: str) -> list[Path]:
    """The file of a module of `core`, and those of the packages it lies in."""
    parts = name.split(".")
    if parts[0] != "core":
        return []
    folders = [ROOT.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    candidates = [path for folder in folders for path in (folder.with_suffix(".py"), folder / "__init__.py")]
    return [path for path in candidates if path.is_file()]


def test_every_module_that_propagation_imports_is_part_of_a_window_s_name() -> None:
    waiting = [*(ROOT / "core" / "propagation").rglob("*.py")]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [file for name in _imported(path) for file in _files_of(name)]
    assert len(seen) > 50
    missing = seen - set(program_files()) - {ROOT / "core" / "__init__.py"}
    assert not missing, "name these in core.propagation.window_keys.SOURCES"


def test_every_source_is_there() -> None:
    assert all(path.is_file() for path in program_files())
    assert len(program_files()) == len(set(program_files()))


def test_the_masks_of_the_thing_name_the_windows_from_where_they_differ() -> None:
    region = MaskSequence((16, 12), 0, np.ones((9, 12, 16), bool))
    windows = plan_windows(FrameRange(0, 9), 0, 5, region.is_empty)
    picture, things = np.zeros((12, 16, 3), np.uint8), np.zeros((9, 12, 16), bool)
    things[:, 3:9, 3:9] = True

    def names(masks: np.ndarray) -> list[str]:
        return window_keys(windows, region, Feather(4), 0, picture, {}, things=MaskSequence((16, 12), 0, masks))

    other = things.copy()
    other[8, 3, 3] = False
    before, after = names(things), names(other)
    assert len(before) == 2
    assert before[0] == after[0]
    assert before[1] != after[1]
