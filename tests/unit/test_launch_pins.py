"""The pinned requirements: exact, each with hashes, from wherever the person's installer looks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
PARTS = ("build", "torch", "torch-cpu", "cuda", "main", "data", "test")


def requirements(part: str) -> list[str]:
    """The logical lines of a requirements file, without comments."""
    lines = [line for line in (REQUIREMENTS / f"{part}.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", "").splitlines()


@pytest.mark.parametrize("part", PARTS)
def test_every_requirement_is_exact_and_hashed_and_names_no_place(part: str) -> None:
    assert requirements(part)
    for line in requirements(part):
        assert re.fullmatch(r"[a-z0-9-]+==[\w.+!]+( ; [^#@]+?)?( +--hash=sha256:[0-9a-f]{64})+", line), line[:100]


def test_every_direct_dependency_is_pinned() -> None:
    pinned = {line.split("==")[0] for part in PARTS for line in requirements(part)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(one for group in project["optional-dependencies"].values() for one in group)]
    asked += [line for line in (REQUIREMENTS / "build.in").read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    wanted = {re.split(r"[^a-z0-9-]", line)[0] for line in asked}
    assert wanted <= pinned


def test_no_package_is_in_two_files() -> None:
    names = [line.split("==")[0] for part in PARTS if part != "torch-cpu" for line in requirements(part)]
    assert len(names) == len(set(names))


def test_both_builds_of_torch_are_of_one_version() -> None:
    (index,), (cpu,) = requirements("torch"), requirements("torch-cpu")
    assert cpu.split()[0] == index.split()[0] + "+cpu"
