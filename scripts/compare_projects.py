"""Whether a program still opens, finishes and replays what an older one left: a project, an
interrupted job, a recipe.

The old program makes them through the endpoints of its server, whose names do not change, and is
killed in the middle of a job.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.checkout import Checkout
from scripts.pixels import compare, Comparison

Studio = Callable[..., Any]
"""Calls an endpoint by its name."""

BALL = {"frame": 0, "x0": 44, "y0": 119, "x1": 106, "y1": 180}


def compare_projects(old: Checkout, new: Checkout, clip: Path, folder: Path) -> list[tuple[str, Comparison]]:
    """Make a project with the old program, then use it with both.

    Args:
        old: The program that makes it.
        new: The program that has to understand it.
        clip: The video of the project.
        folder: Where all of it may lie; is made.

    Returns:
        The name and the comparison of every result.
    """
    folder.mkdir()
    project_id, recipe = make_project(old, clip, folder / "workspace")
    made = {}
    for name, program in (("old", old), ("new", new)):
        workspace = folder / name
        shutil.copytree(folder / "workspace", workspace)
        made[name] = finish_project(program, workspace, project_id) | replay(program, recipe, folder / f"{name}-replay")
    return [(f"project: {name}", compare(path, made["new"][name])) for name, path in made["old"].items()]


def make_project(program: Checkout, clip: Path, workspace: Path) -> tuple[str, Path]:
    """Make a project with a finished result, an exported recipe, and a propagation that was killed;
    returns its id and the recipe.
    """
    with serving(program, workspace) as (studio, process):
        project = studio("open_path", path=str(clip), name="Meadow")["id"]
        studio("trim", project_id=project, start=0, stop=20)
        _, ball = studio("add_object", project_id=project, name="the ball")
        studio("add_box", project_id=project, object_id=ball, **BALL)
        studio("add_point", project_id=project, object_id=ball, frame=0, x=75, y=150)
        done(studio, studio("start_tracking", project_id=project))
        studio("set_adjustment", project_id=project, form="hull+expand", pixels=6, feather=4, smooth=1)
        asked = {"frame": 2, "task": "modify", "caption": "an orange star", "seeds": [7, 8], "steps": 2}
        tries = done(studio, studio("start_tries", project_id=project, **asked))["edits"]
        studio("accept", project_id=project, edit_id=tries[0])
        first = done(studio, studio("start_propagation", project_id=project, steps=1))["propagation"]
        export = done(studio, studio("start_export", project_id=project, codec="png", propagation_id=first))
        recipe = Path(shutil.copy(studio("download", project_id=project, file=export["recipe"]), workspace.parent / "edit.recipe.json"))
        studio("accept", project_id=project, edit_id=tries[1])
        studio("start_propagation", project_id=project, seed=4, steps=2)
        studio("start_tries", project_id=project, **(asked | {"seeds": [9]}))
        while not _half_made(studio("project", project_id=project)["result"], first):
            time.sleep(0.5)
        process.kill()
    return project, recipe


def _half_made(result: dict[str, Any], before: str) -> bool:
    """Whether another propagation than the one `before` has its first window."""
    return result["id"] != before and any(made for *_, made in result["windows"])


def finish_project(program: Checkout, workspace: Path, project_id: str) -> dict[str, Path]:
    """Open a project, finish what was interrupted, and export its last result; returns files by
    what they are.
    """
    with serving(program, workspace) as (studio, _):
        view = studio("project", project_id=project_id)
        for job in view["jobs"]:
            if job["state"] == "interrupted":
                done(studio, studio("resume_job", project_id=project_id, job_id=job["id"]))
        begun = view["result"]["id"]
        done(studio, studio("resume_propagation", project_id=project_id, propagation_id=begun))
        export = done(studio, studio("start_export", project_id=project_id, codec="png", propagation_id=begun))
        masks = done(studio, studio("start_mask_export", project_id=project_id, form="ids"))
        names = {"propagation that was cut off": export["file"], "masks": masks["file"]}
        for edit in studio("project", project_id=project_id)["edits"]:
            names[f"try, seed {edit['seed']}"] = edit["image"]
        kept = workspace / "compared"
        kept.mkdir()
        files = {name: Path(studio("download", project_id=project_id, file=file)) for name, file in names.items()}
        return {name: Path(shutil.copy(path, kept / f"{name}{path.suffix}")) for name, path in files.items()}


def replay(program: Checkout, recipe: Path, out: Path) -> dict[str, Path]:
    """Replay a recipe, from what it recorded and anew from its prompts."""
    program.run("replay", recipe, "--codec", "png", "--out", out / "recorded")
    program.run("replay", recipe, "--codec", "png", "--out", out / "anew", "--anew")
    return {f"replay {name}": out / name / "output.zip" for name in ("recorded", "anew")}


def done(studio: Studio, job_id: str) -> dict[str, Any]:
    """Wait for a job and return its result."""
    job = studio("wait", job_id=job_id, seconds=300)
    while not job["finished"]:
        job = studio("wait", job_id=job_id, seconds=300)
    if job["state"] != "done":
        raise SystemExit(f"{job['kind']}: {job['message']}")
    result: dict[str, Any] = job["result"]
    return result


@contextlib.contextmanager
def serving(program: Checkout, workspace: Path) -> Iterator[tuple[Studio, subprocess.Popen[str]]]:
    """Run the program's server on a workspace: gives what calls its endpoints, and the process."""
    from gradio_client import Client

    command = program.command("ui", "--no-browser", "--workspace", workspace, "--port", "18611")
    with subprocess.Popen(command, cwd=program.folder, env=program.environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            if address is None:
                raise SystemExit(f"the server of {program.commit[:10]} did not start")
            url, _, token = address[0].partition("/?token=")  # versions before 0.3 have none
            headers = {"Authorization": f"Bearer {token}"} if token else None
            client = Client(url, headers=headers, verbose=False, download_files=workspace / "downloads")
            print(f"{program.commit[:10]}: serving {workspace.name}", file=sys.stderr, flush=True)
            yield lambda endpoint, /, **arguments: client.predict(api_name=f"/{endpoint}", **arguments), process
        finally:
            process.terminate()
