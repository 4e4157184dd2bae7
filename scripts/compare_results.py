"""Compare the pixels that two commits make of the example clips.

python -m scripts.compare_results OLD NEW [--full] [--what cases|projects|all] [--store FOLDER]

Each commit is unpacked into a temporary folder and its own command line runs there, with this
Python: `track`, then `edit` for add, modify and delete, and two keyframe tries. The hashes of
masks, keyframes and frames stand side by side, taken of the decoded pixels. With `--what projects`
the old program makes a project, a recipe and an interrupted job instead, and both programs open,
finish and replay them (`scripts.compare_projects`). The exit code is 0 when every pixel is the
same, 1 when one differs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.checkout import Checkout, checkout, full_hash
from scripts.compare_projects import compare_projects
from scripts.pixels import compare, Comparison

CLIPS = ("meadow", "street")
BALL, CAR = "--box=44,119,106,180", "--box=46,245,216,318"
"""Around the thing that moves, on frame 0 of each clip."""


@dataclass(frozen=True)
class Case:
    """One command.

    `quick` and `full` are what is added to it for a short and for a thorough comparison.
    """

    name: str
    clip: str
    arguments: tuple[str, ...]
    quick: tuple[str, ...]
    full: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[str, ...]:
        """What the command leaves in its folder."""
        return ("masks", "frames", "keyframe.png", "output.mp4") if self.arguments[0] == "edit" else ("masks",)


def _edit(task: str, *arguments: str) -> tuple[str, ...]:
    return ("edit", "--task", task, "--png", *arguments)


TRUE_MASKS = ("--masks", "{masks}")
SHORT = ("--frames", "0:6", "--steps", "2")
TWO_WINDOWS = ("--frames", "0:20", "--steps", "1")
CASES = (
    Case("track the ball", "meadow", ("track", BALL), ("--frames", "0:10")),
    Case("track the car", "street", ("track", CAR, "--point=130,280"), ("--frames", "0:6"), ("--also", "ids")),
    Case("add", "street", _edit("add", CAR, "--caption", "a red ball", "--adjust", "box+expand:8", "--seed", "5"), SHORT),
    Case(
        *("modify", "meadow"),
        _edit("modify", BALL, "--caption", "an orange star", "--adjust", "hull+expand:6,holes:all,smooth:2", "--seed", "3"),
        TWO_WINDOWS,
    ),
    Case("modify, middle keyframe", "meadow", _edit("modify", *TRUE_MASKS, "--caption", "a blue cube", "--frame", "3"), TWO_WINDOWS),
    Case("delete", "meadow", _edit("delete", *TRUE_MASKS, "--adjust", "expand:6"), SHORT),
    *(
        Case(
            *(f"try, seed {seed}", "street"),
            _edit("modify", *TRUE_MASKS, "--frames", "0:1", "--caption", "a large red mushroom", "--seed", str(seed)),
            ("--steps", "4"),
        )
        for seed in (1, 2)
    ),
)


def make_results(program: Checkout, clips: Path, folder: Path, full: bool) -> None:
    """Run every case of one program on the clips in `clips` and keep what it makes in `folder`."""
    for case in CASES:
        out = folder / case.name
        if (out / "report.json").exists():
            continue
        print(f"{program.commit[:10]}: {case.name}", file=sys.stderr, flush=True)
        arguments = [one.format(masks=clips / f"{case.clip}_masks") for one in case.arguments]
        command, *rest = arguments
        program.run(command, clips / f"{case.clip}.mp4", "--out", out, *rest, *(case.full if full else case.quick))


def copy_clips(program: Checkout, target: Path) -> None:
    """Copy the example clips and their masks: both programs get the same files."""
    target.mkdir()
    for name in CLIPS:
        clip = program.clip(name)
        shutil.copy(clip, target)
        shutil.copytree(clip.with_name(f"{name}_masks"), target / f"{name}_masks")


def print_table(rows: Sequence[tuple[str, Comparison]]) -> bool:
    """Print the comparisons; returns whether all are equal."""
    width = max(len(name) for name, _ in rows)
    for name, row in rows:
        print(f"{name:<{width}}  {row.count:4}  {row.hashes[0]}  {row.hashes[1]}  {row.difference or 'same'}")
    unequal = [name for name, row in rows if row.difference]
    print(f"{len(rows) - len(unequal)} of {len(rows)} results are the same" + (f"; not: {', '.join(unequal)}" if unequal else ""))
    return not unequal


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two commits; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.compare_results", description="Compare the pixels that two commits make.")
    parser.add_argument("old", metavar="OLD", help="a commit, a branch or a tag")
    parser.add_argument("new", metavar="NEW", nargs="?", default="HEAD", help="another one (HEAD)")
    parser.add_argument("--full", action="store_true", help="whole clips at the model's own steps: minutes instead of seconds a case")
    parser.add_argument(
        "--what", choices=("cases", "projects", "all"), default="cases", help="commands on the clips, or what the old program left"
    )
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="keep results here by commit, and use those that are there")
    options = parser.parse_args(arguments)
    commits = full_hash(options.old), full_hash(options.new)
    with tempfile.TemporaryDirectory(prefix="vivid-compare-") as scratch, checkout(commits[0]) as old, checkout(commits[1]) as new:
        copy_clips(old, clips := Path(scratch) / "clips")
        rows: list[tuple[str, Comparison]] = []
        store = (options.store or Path(scratch)).resolve()
        if options.what != "projects":
            folders = [store / ("full" if options.full else "quick") / commit for commit in commits]
            for program, folder in zip((old, new), folders, strict=True):
                make_results(program, clips, folder, options.full)
            rows += [
                (f"{case.name}: {name}", compare(folders[0] / case.name / name, folders[1] / case.name / name))
                for case in CASES
                for name in case.results
            ]
        if options.what != "cases":
            rows += compare_projects(old, new, clips / "meadow.mp4", Path(scratch) / "projects")
        print(f"{options.old} = {commits[0][:10]}, {options.new} = {commits[1][:10]}")
        return 0 if print_table(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
