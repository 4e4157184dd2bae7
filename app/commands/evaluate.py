"""`launch.py evaluate`: measures the models, prints the figures and writes them to a folder."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from app.commands.output_folder import prepare_folder
from app.engine import Engine
from core.evaluation.suites import check_clips, EvaluationModels, EvaluationRequest, names_of, run_suite
from core.files import write_text
from core.progress import JobContext

RESULTS, PAGE = "evaluation.json", "evaluation.html"


def evaluate(engine: Engine, suite: str, request: EvaluationRequest, out: Path | None, as_json: bool, context: JobContext) -> None:
    """Run a suite, or `all` of them, and print each result as it comes.

    Args:
        engine: The models to measure.
        suite: A name of `core.evaluation.suites`, or `all`.
        request: What the suites are asked for.
        out: Where to write evaluation.json and evaluation.html; None for nowhere.
        as_json: Print the same JSON instead of tables, when all is done.
        context: Progress and cancelling.

    Raises:
        InputError: The suite is unknown, or the clips can't be used.
        StorageError: The disk refuses.
    """
    from core.evaluation.results import as_text

    names = names_of(suite)
    if out is not None:
        prepare_folder(out, (RESULTS, PAGE), ())
    check_clips(request, names)
    clip = None
    if request.clip_model is not None:
        from core.evaluation.clip_score import ClipScorer

        clip = ClipScorer.load(request.clip_model, engine.device)
    models = EvaluationModels(engine.segmenter, engine.video_model, clip)
    results = []
    for name in names:
        context.report(f"loading for {name}", 0, 1)
        results.append(run_suite(name, request, models, context))
        if not as_json:
            print(as_text(results[-1:]), end="\n\n", flush=True)
    report = _facts(engine, request) | {"suites": [result.as_json() for result in results]}
    if as_json:
        print(json.dumps(report, indent=1))
    if out is not None:
        from core.evaluation.page import as_page

        shown = {name: str(report[name]) for name in ("model", "segmenter", "clips", "device", "made")}
        for path, text in ((out / RESULTS, json.dumps(report, indent=1) + "\n"), (out / PAGE, as_page(results, shown, context))):
            write_text(path, text)
        if not as_json:
            print(f"{out / PAGE} shows it, {out / RESULTS} holds the figures")


def _facts(engine: Engine, request: EvaluationRequest) -> dict[str, Any]:
    """What the figures belong to."""
    settings = engine.settings
    return {
        "made": time.strftime("%Y-%m-%d %H:%M:%S"),
        "model": settings.model,
        "segmenter": settings.segmenter,
        "device": engine.device,
        "clips": _clips(request),
        "samples": request.samples,
    }


def _clips(request: EvaluationRequest) -> str:
    if request.edit_set is not None:
        return f"evaluation set {request.edit_set.resolve().name}"
    return "procedural and example clips" if request.clips is None else request.clips.name
