"""The subcommands: each is a short function of the parsed options.

Heavy imports wait until a command needs them.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TYPE_CHECKING

from app.commands.prompt_arguments import PromptArguments
from app.settings import Settings
from app.version import command_name
from core.errors import InputError
from core.words import counted

if TYPE_CHECKING:
    from app.commands.edit_arguments import EditArguments
    from app.commands.many_edits import VideoEdit
    from app.workers.studio_workers import StudioWorkers
    from core.progress import JobContext


def _settings(options: argparse.Namespace) -> Settings:
    models = ("segmenter", "model", "keyframe_model")
    names = ("workspace", "device", "memory", "speed", "port", "host", *models, "workers", "password_file", "max_upload")
    given = {name: getattr(options, name, None) for name in names}
    given["open_browser"] = False if getattr(options, "no_browser", False) else None
    given["token"] = "" if getattr(options, "no_token", False) else None
    given["names"] = tuple(getattr(options, "names", ())) or None
    return replace(Settings.from_environment(), **{name: value for name, value in given.items() if value is not None})


@contextlib.contextmanager
def _workers(settings: Settings) -> Iterator[StudioWorkers | None]:
    """The workers that models work on; None for this process."""
    if not settings.workers:
        yield None
        return
    from app.workers.studio_workers import StudioWorkers

    with contextlib.closing(StudioWorkers(settings)) as workers:
        yield workers


def _prompts(options: argparse.Namespace) -> PromptArguments:
    given = options.point, options.not_point, options.box, options.frame, options.text, options.through_cuts
    return PromptArguments.parse(*given)


def ui(options: argparse.Namespace) -> None:
    """Open the editor in a browser and serve it until Ctrl-C."""
    from app.commands.output_folder import make_folder
    from app.editor.editor import Editor
    from app.server.server import serve
    from app.storage.lock import workspace_lock

    settings = _settings(options)
    if settings.device not in ("auto", "cpu"):  # these two always exist, so the page need not wait for torch
        from core.models.device import choose_device

        choose_device(settings.device)
    with contextlib.suppress(OSError):
        settings.workspace.mkdir(mode=0o700, parents=True)  # other accounts of the machine need not look in
    make_folder(settings.workspace, "--workspace")
    with contextlib.suppress(KeyboardInterrupt), workspace_lock(settings.workspace), _workers(settings) as workers:
        serve(Editor(settings, workers))
    _end_at_once()


def _end_at_once() -> None:
    """End the process with exit code 0.

    Everything is on disk, but a model may still be in a step that takes longer than a person waits
    after Ctrl-C. The interpreter's normal exit would take torch's threads from under it, and the
    process would abort.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def track(options: argparse.Namespace) -> None:
    """Track an object and write its masks."""
    from app.commands.batch import track_to_folder
    from app.commands.console import console_job
    from app.engine import Engine

    prompts = _prompts(options)
    with console_job() as context:
        engine = Engine(_settings(options))
        frames = track_to_folder(engine, options.video, prompts, options.frames, options.out, context, options.also, options.deinterlace)
    print(f"{counted(frames, 'mask')} in {options.out / 'masks'}")


def edit(options: argparse.Namespace) -> None:
    """Edit an object and write the result."""
    from app.commands.batch import edit_to_folder
    from app.commands.console import console_job
    from app.commands.given_insert import GivenInsert
    from app.commands.insert_batch import insert_to_folder
    from app.commands.many_edits import edit_all, edits_of
    from app.engine import Engine

    prompts = _prompts(options)
    if options.keyframe and options.keyframe_model:
        raise InputError("give --keyframe or --keyframe-model, not both: a keyframe that is given is not painted")
    if options.direct and options.keyframe_model:
        raise InputError("without a keyframe the video model paints: leave --keyframe-model or --direct out")
    picture = GivenInsert.parse(options)
    if picture is not None and options.task not in (None, "add"):
        raise InputError(f"a picture is added, so the task '{options.task}' has no use for it: leave --task or --picture out")
    if picture is not None and options.keyframe_model:
        raise InputError("a picture is laid as it is, no model paints it: leave --keyframe-model or --picture out")
    if picture is not None and options.direct:
        raise InputError("a picture is laid as it is, no model paints it: leave --direct or --picture out")
    if picture is None and options.task is None and not options.object:
        raise InputError("say what to do: --task add, modify or delete, or --picture FILE")
    arguments, objects = _edit_arguments(options), _objects(options)
    edits = edits_of(options.video, options.out, arguments)
    arguments.check(prompts)
    settings = _settings(options)
    with console_job() as context, _workers(settings) as workers:
        engine = Engine(settings, workers)

        def one(asked: VideoEdit, context: JobContext) -> dict[str, Any]:
            if picture is not None:
                return insert_to_folder(engine, asked.video, prompts, asked.arguments, picture, asked.out, context)
            return edit_to_folder(engine, asked.video, objects or [(prompts, asked.arguments)], asked.out, context)

        if len(edits) == 1 and not options.skip_finished:
            _print_edit(edits[0], one(edits[0], context))
            return
        # one more than there are workers, so that none is idle while a result is put together
        edit_all(edits, one, _print_edit, context, 1 if workers is None else workers.size + 1, options.skip_finished)


def _edit_arguments(options: argparse.Namespace) -> EditArguments:
    from app.commands.edit_arguments import EditArguments
    from app.commands.given_keyframes import parse_keyframes
    from core.project.edits import SamplingSettings
    from core.project.mix import Mix
    from core.project.tracks import MaskAdjustment

    return EditArguments(
        options.task or "add",
        options.caption,
        MaskAdjustment.parse(options.adjust or "none", options.feather),
        options.seed,
        SamplingSettings(options.steps, options.guidance, options.fit, rate=options.rate, preset=options.preset),
        options.masks,
        parse_keyframes(options.keyframe),
        options.frames,
        options.png,
        options.invert_masks,
        options.shadows == "on",
        options.carry,
        options.deinterlace,
        proposes=options.adjust is None,
        only_frames=options.only_frames,
        direct=options.direct,
        also=tuple(dict.fromkeys(options.also)),
        mix=Mix() if options.picture is not None else Mix(options.opacity, options.blend),
        front=options.front,
    )


def _objects(options: argparse.Namespace) -> list[tuple[PromptArguments, EditArguments]]:
    """Where the objects are that have an edit of their own, and what to do with each."""
    from app.commands.object_options import object_options, WHERE
    from app.commands.parser import build_parser

    if not options.object:
        return []
    if any(getattr(options, name) for name in (*WHERE, "picture")) or len(options.video) > 1:
        raise InputError("with --object, give one video, no --picture, and say within each --object where that one is")

    def parse(words: list[str]) -> argparse.Namespace:
        return build_parser().parse_args(["edit", str(options.video[0]), "--out", str(options.out), *words])

    found = [object_options(text, options, parse) for text in options.object]
    for text, own in zip(options.object, found, strict=True):
        if own.task is None:
            raise InputError(f"--object {text!r} does not say what to do: give it a --task, or one beside it for all")
    return [(_prompts(own), _edit_arguments(own)) for own in found]


def _print_edit(done: VideoEdit, report: dict[str, Any]) -> None:
    difference = report["max_difference_outside"]
    start, stop = report["written"]
    edited = f", {report['frames']} of them edited" if report["frames"] < stop - start else ""
    copied = f", {report['copied']} copied from the source as they are" if report["copied"] else ""
    made = f"{counted(stop - start, 'frame')} in {done.out / 'output.mp4'}{edited}{copied}"
    print(f"{made}; largest difference outside the region: {difference}")


def worker(options: argparse.Namespace) -> int:
    """Let this machine work for others until Ctrl-C; returns the exit code."""
    from app.commands.worker import run_worker

    with contextlib.suppress(KeyboardInterrupt):
        return run_worker(options.head, _settings(options))
    return 0


def replay(options: argparse.Namespace) -> None:
    """Make the result of a recipe again."""
    from app.commands.console import console_job, note
    from app.commands.replay import replay_to_folder
    from app.engine import Engine

    with console_job() as context:
        engine = Engine(_settings(options))
        report = replay_to_folder(engine, options.recipe, options.out, context, video=options.video, codec=options.codec, anew=options.anew)
    for text in report["notes"]:
        note(text)
    print(f"{counted(report['frames'], 'frame')} in {options.out / report['output']}")


def bench(options: argparse.Namespace) -> None:
    """Measure this machine."""
    speeds, options.speed = options.speed or [], (options.speed or [None])[-1]
    settings = _settings(options)
    if options.random_weights:
        from app.commands.bench_gpu import run_gpu_bench
        from app.commands.output_folder import make_folder
        from core.models.device import choose_device

        if options.video or options.memory or options.report:
            raise InputError("with --random-weights, --video, --memory and --report have no effect: leave them out")
        if options.out:
            make_folder(options.out, "--out")
        device = choose_device(settings.device)
        run_gpu_bench(options.model or "vivid-5b", device, options.steps, speeds or ["exact", "near", "fast"], options.out)
        return
    if options.out or options.steps:
        raise InputError("--out and --steps are for --random-weights")
    if options.report:
        from app.commands.bench_report import write_report

        write_report(settings, options.report, speeds[:-1], options.video)
        return
    from app.commands.bench import run_bench

    run_bench(settings, options.video)


def models(options: argparse.Namespace) -> None:
    """List the models, or fetch, verify or remove one."""
    from app.commands.models import fetch, list_models, remove, verify
    from core.models.store import ModelStore

    settings = _settings(options)
    store = ModelStore(settings.models_root)
    if options.action == "list":
        list_models(store, settings.device)
        return
    if not options.name:
        raise InputError(f"name the model to {options.action}: `{command_name()} models` lists them")
    if options.action == "fetch":
        fetch(options.name, store, options.accept_licence, options.revision)
    elif options.action == "verify":
        verify(options.name, store)
    else:
        remove(options.name, store)


def projects(options: argparse.Namespace) -> None:
    """List the projects of the workspace."""
    from app.storage.workspace import Workspace

    settings = _settings(options)
    projects = Workspace(settings.workspace).recent()
    for project in projects:
        size = project.problem or f"{project.width}x{project.height}, {counted(project.frames, 'frame')}"
        print(f"{project.project_id}  {project.modified[:16]}  {size}  {project.name}")
    # On stderr, because scripts read stdout.
    if readable := [project for project in projects if not project.problem]:
        address = f"http://{settings.host}:{settings.port}/?project={readable[0].project_id}"
        print(f"To open one, start the editor ({command_name()}) and go to {address}, at the address it prints.", file=sys.stderr)
    elif not projects:
        print(f"There are no projects in {settings.workspace} yet: open a video in the editor to start one.", file=sys.stderr)


def evaluate(options: argparse.Namespace) -> None:
    """Measure how good the models are."""
    from app.commands.console import console_job
    from app.commands.evaluate import evaluate as run_evaluation
    from app.engine import Engine
    from core.evaluation.suites import EvaluationRequest

    programs = tuple(filter(None, (name.strip() for name in options.programs.split(","))))
    request = EvaluationRequest(options.clips, options.samples, options.clip_model, options.edit_set, tuple(options.results), programs)
    with console_job() as context:
        run_evaluation(Engine(_settings(options)), options.suite, request, options.out, options.json, context)


def train(options: argparse.Namespace) -> int:
    """Hand the words on to the trainer; returns its exit code."""
    from core.training.command import main as run_training

    return run_training(options.words)
