"""Pin the requirements anew: `python -m scripts.pin [--upgrade] [--upgrade-package NAME]...`, with
uv on PATH.

The direct dependencies stand in pyproject.toml, and in requirements/build.in what installs and
builds the rest. The resolver runs over everything at once, for every supported platform and Python.
Its answer is split into the files that launch.py installs in turn: build.txt (pip and what builds
packages), torch.txt (alone, because the build of torch that a machine gets decides whether it needs
cuda.txt), cuda.txt, main.txt, and test.txt and data.txt for those who ask for them. Versions that
are pinned already stay unless an --upgrade option says otherwise.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"
PROJECT = ROOT / "pyproject.toml"
FLOOR = "3.11"
HEADER = "# Made by scripts/pin.py from pyproject.toml and build.in; don't edit.\n"
CUDA = re.compile(r"(nvidia|cuda)-|triton$")
COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", FLOOR, "--fork-strategy", "fewest"),
    *("--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"),
]
# Where wheels come from on the machine that pins must not leak into the pins.
LOCAL_SOURCES = {"UV_FIND_LINKS", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_TORCH_BACKEND"}


def resolve(sources: list[Path], known: str, options: list[str]) -> str:
    """Resolve what some files ask for.

    Args:
        sources: pyproject.toml and .in files.
        known: Pins to keep where they still fit, as requirements text.
        options: More options of `uv pip compile`.

    Returns:
        The pins as requirements text with hashes.
    """
    environment = {name: value for name, value in os.environ.items() if name not in LOCAL_SOURCES}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "pins.txt")
        output.write_text(known, encoding="utf-8")
        subprocess.run([*COMPILE, *options, "--output-file", str(output), *map(str, sources)], env=environment, check=True)
        return output.read_text(encoding="utf-8")


def blocks(text: str) -> dict[str, str]:
    """Requirements text as {package: its lines, hashes included}; a package pinned twice for two
    platforms keeps both.
    """
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", "\n" + text):
        name = re.match(r"[A-Za-z0-9._-]+", block.strip())
        if name:
            found[name[0]] = found.get(name[0], "") + block.strip() + "\n"
    return found


def versions_in(*paths: Path) -> str:
    """The pins of requirements files without their hashes, which are looked up afresh."""
    text = "".join(path.read_text(encoding="utf-8") for path in paths if path.exists())
    return "".join(line.rstrip(" \\") + "\n" for line in text.splitlines() if line[:1].isalnum())


def beside(program: dict[str, str], wanted: list[str], known: str, options: list[str]) -> dict[str, str]:
    """Resolve a group that is installed beside what is pinned already.

    Args:
        program: The pins that hold, by package.
        wanted: What the group asks for.
        known: Pins of the group to keep where they still fit, as requirements text.
        options: More options of `uv pip compile`.

    Returns:
        The pins of the packages that are not among the others.
    """
    with tempfile.TemporaryDirectory() as folder:
        constraints, tools = Path(folder, "program.txt"), Path(folder, "group.in")
        constraints.write_text("".join(program.values()), encoding="utf-8")
        tools.write_text("\n".join(wanted), encoding="utf-8")
        found = blocks(resolve([tools], known, [*options, "--constraints", str(constraints)]))
    return {name: lines for name, lines in found.items() if name not in program}


def main(options: list[str]) -> None:
    """Rewrite requirements/*.txt; `options` go to `uv pip compile`."""
    pinned = [path for path in sorted(HERE.glob("*.txt")) if path.name not in ("test.txt", "data.txt", "torch-cpu.txt")]
    known = versions_in(*pinned)
    program = blocks(resolve([PROJECT, HERE / "build.in"], known, [*options, "--extra", "train"]))
    build_names = {line.strip() for line in (HERE / "build.in").read_text(encoding="utf-8").splitlines() if line[:1].isalpha()}
    parts: dict[str, list[str]] = {"build": [], "torch": [], "cuda": [], "main": []}
    for name, lines in program.items():
        part = "build" if name in build_names else "torch" if name == "torch" else "cuda" if CUDA.match(name) else "main"
        parts[part].append(lines)

    groups = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    before = dict(program)  # the tests are installed beside what builds data sets, so the two have to agree
    for group in ("data", "test"):
        found = beside(before, groups[group], versions_in(HERE / f"{group}.txt"), options)
        parts[group] = list(found.values())
        before |= found

    for part, sections in parts.items():
        (HERE / f"{part}.txt").write_text(HEADER + "".join(sections), encoding="utf-8", newline="\n")
        print(f"requirements/{part}.txt: {len(sections)} packages")
    version = re.match(r"torch==([^ ;\\+]+)", program["torch"])
    if version and f"torch=={version[1]}+cpu" not in (HERE / "torch-cpu.txt").read_text(encoding="utf-8"):
        sys.exit(f"requirements/torch-cpu.txt pins another torch than {version[1]}: give it that version and the hash of its CPU build")


if __name__ == "__main__":
    main(sys.argv[1:])
