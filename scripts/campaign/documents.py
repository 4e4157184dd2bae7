"""Damaged and made-up projects, journals, stored masks and recipes, opened as the page does."""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from app.commands.recipe_names import check_models, segmenter_of, video_of
from app.commands.replay import on_size
from app.contract.project_view import project_view
from app.editor.editor import Editor
from app.jobs.region import RegionBuilder
from app.render.recipe import Recipe
from app.settings import Settings
from scripts.campaign import mutations
from scripts.campaign.ledger import chosen, in_time, Ledger, NamedCase
from scripts.campaign.worker import Attempt, Worker

DATA = Path(__file__).resolve().parents[2] / "tests" / "data" / "project-0.1"
CASES = 2000
_ID = "a" * 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This campaign is asked for nothing more."""


def run(options: argparse.Namespace) -> int:
    """Try the cases that have not been tried; returns 1 when any has faults."""
    return run_mutations(options, "documents", __name__, [NamedCase(f"documents-{number}") for number in range(CASES)])


def run_mutations(options: argparse.Namespace, campaign: str, module: str, cases: list[NamedCase]) -> int:
    """Run the cases of a campaign of mutations in a process of their own.

    Args:
        options: Of the command line.
        campaign: Its name.
        module: Has `attempts(name, folder)`.
        cases: All of its cases.

    Returns:
        The exit code: 1 when any case has faults.
    """
    cases = chosen(cases, options)
    ledger = Ledger(options.folder, campaign)
    worker = Worker(module, options.folder / campaign)
    try:
        for case in in_time([case for case in cases if case.name not in ledger.findings], options.minutes):
            finding = worker.run(case.name)
            ledger.add(finding)
            if finding.faults:
                print(f"{case.name} ({finding.seconds:.1f} s): {'; '.join(finding.faults)}", flush=True)
    finally:
        worker.stop()
    slowest = max((ledger.findings[case.name].seconds for case in cases if case.name in ledger.findings), default=0.0)
    print(f"the slowest case took {slowest:.1f} s")
    return ledger.report([case.name for case in cases])


def attempts(name: str, folder: Path) -> Iterator[tuple[str, Attempt]]:
    """What a person may do with the damaged document of a case."""
    chance = random.Random(name)
    shutil.rmtree(folder, ignore_errors=True)
    project = folder / "projects" / _ID
    shutil.copytree(DATA / "project", project)
    shutil.copy(DATA / "disc.mp4", folder / "disc.mp4")
    document = project / "project.json"
    document.write_text(document.read_text(encoding="utf-8").replace("/gone/disc.mp4", str(folder / "disc.mp4")), encoding="utf-8")
    shutil.copy(DATA / "recipe.json", folder / "recipe.json")
    files = sorted(path for path in project.rglob("*") if path.suffix in (".json", ".masks", ".runs"))
    path = chance.choice([document] * len(files) + [folder / "recipe.json"] * 8 + files)
    data = path.read_bytes()
    readable = data.lstrip()[:1] in (b"{", b"[")
    path.write_bytes(mutations.json_of(data, chance) if readable and chance.random() < 0.75 else mutations.bytes_of(data, chance))
    if path.name == "recipe.json":
        yield "recipe", lambda: _recipe(path)
        return
    editor = Editor(Settings(workspace=folder, device="cpu"))
    try:
        yield from _project(editor)
    finally:
        editor.close()


def _project(editor: Editor) -> Iterator[tuple[str, Attempt]]:
    yield "list", lambda: _whole([vars(one) for one in editor.projects.recent()])
    yield "view", lambda: _whole(project_view(editor, _ID))
    for kind in ("objects", "region"):
        yield f"overlay of {kind}", partial(editor.masks.overlay_png, _ID, 0, kind)
    yield "thumbnail", lambda: editor.projects.thumbnail_jpeg(_ID)
    yield "region", lambda: RegionBuilder(editor.workspace, editor.pictures.frames, editor.pictures.masks).build(editor.projects.get(_ID))
    yield "jobs", lambda: _dismiss(editor)
    yield "add an object", lambda: editor.objects.add(_ID, "More")
    for step in (editor.history.undo, editor.history.redo):
        yield step.__name__, partial(step, _ID)
        yield f"view after {step.__name__}", lambda: _whole(project_view(editor, _ID))
    yield "unused files", lambda: editor.storage.use()
    yield "delete", lambda: editor.projects.delete(_ID)


def _dismiss(editor: Editor) -> None:
    for job in editor.jobs.of_project(_ID):
        if job.state == "interrupted":
            editor.jobs.dismiss(_ID, job.job_id)


def _recipe(path: Path) -> None:
    from app.engine import Engine

    recipe = Recipe.load(path)
    engine = Engine(Settings(workspace=path.parent, device="cpu"))
    video_of(recipe, path, None)
    for edit in recipe.edits:
        segmenter_of(engine, edit, path, [])
        on_size(edit, (320, 240), [])
    check_models(engine, recipe.edits, path)


def _whole(value: Any) -> None:
    """Write a value as the server sends it."""
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
