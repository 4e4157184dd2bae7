"""What pyproject.toml declares is what the program imports, no more and no less."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "core", "ui_components")
INSTALLED_FOR_OTHERS = {"torchvision"}
"""Imported by name only (core.compat): sam2 and transformers need it beside the torch that is
pinned.
"""


def imported(path: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # SummaryWriter is torch's, but it is TensorBoard that does the work.
            yield "tensorboard" if node.module == "torch.utils.tensorboard" else node.module.partition(".")[0]


def test_the_program_declares_what_it_imports() -> None:
    modules = {name for room in ROOMS for path in (ROOT / room).rglob("*.py") for name in imported(path)}
    modules -= {*ROOMS, *sys.stdlib_module_names}
    packages = metadata.packages_distributions()
    needed = {re.sub(r"[-_.]+", "-", packages[name][0].lower()) for name in modules}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["train"], *project["optional-dependencies"]["data"]]
    names = {re.split(r"[^a-z0-9-]", line)[0] for line in declared}
    assert needed - names == set(), "imported, but not declared"
    assert names - needed - INSTALLED_FOR_OTHERS == set(), "declared, but not imported"
