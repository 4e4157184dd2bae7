"""The command line. One subcommand is one short function over the program's operations; every error is one line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.commands.prompt_arguments import PromptArguments
from app.contract.error_text import error_text
from app.settings import Settings
from app.version import command_name, version
from core.errors import Cancelled, InputError, StudioError
from core.words import counted

ADJUST = (
    "none, expand:8, hull, box, hull+expand:8 or box+expand:8, in pixels (negative ones shrink: expand:-4); after it, with commas, "
    "holes:200 or holes:all, and smooth:2 (frames)"
)
MATTES = ("ids", "matte", "webm", "prores", "green")
"""Forms of masks that `track` writes beside PNG; core.render.mattes has them."""


class _Parser(argparse.ArgumentParser):
    """One line for a wrong argument, as for every other error."""

    def error(self, message: str) -> None:  # type: ignore[override]
        if message.endswith("expected one argument"):
            message += ", one that begins with - in the form --flag=-5"
        raise InputError(f"{message} (see: {self.prog} --help)")


class _Version(argparse.Action):
    """argparse's own wants the version before it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(version())
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 an internal error, 2 bad input, 3 a missing model, 130 stopped."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("app").setLevel(logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name of a file that this terminal can't write down is no fault
            stream.reconfigure(errors="backslashreplace")
    try:
        options = build_parser().parse_args(_with_default(list(sys.argv[1:] if arguments is None else arguments)))
        return options.run(options) or 0
    except StudioError as error:
        line = " ".join(error_text(error).split("\n"))
        print(line if isinstance(error, Cancelled) else f"error: {line}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return Cancelled.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _report_fault(error)


def _path(text: str) -> Path:
    """A path that a file could have; an empty one is a variable of the shell that was not set."""
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        shown = text if len(text) <= 80 else f"{text[:60]}...{text[-15:]}"
        raise argparse.ArgumentTypeError(f"'{shown}' can't be used ({getattr(error, 'strerror', None) or error})") from None
    if not text:
        raise argparse.ArgumentTypeError("the path is empty: name a file or folder")
    return path


def _with_default(arguments: list[str]) -> list[str]:
    """`launch.py --port 8000` means `launch.py ui --port 8000`; argparse takes no --help among words that it hands on, `help` it does."""
    first = arguments[0] if arguments else "-"
    if first == "train":
        return ["train", *("help" if word in ("-h", "--help") else word for word in arguments[1:])]
    return ["ui", *arguments] if first.startswith("-") and first not in ("-h", "--help", "--version") else arguments


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their flags."""
    parser = _Parser(
        prog=command_name(),
        description="VIVID Studio: click an object, try captions on a keyframe, propagate.",
        epilog="Without a command the editor opens."
        + (" `launch.py test` runs every check and test." if command_name() == "launch.py" else ""),
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    ui = commands.add_parser("ui", help="open the editor in a browser (the default)")
    ui.add_argument("--port", type=int, help="first port to try (7860)")
    ui.add_argument("--host", help="address to listen on (127.0.0.1: this machine only)")
    ui.add_argument("--no-browser", action="store_true", help="don't open a browser window")
    ui.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    _add_shared(ui)
    ui.set_defaults(run=_ui)

    track = commands.add_parser("track", help="follow an object through a video and write its masks")
    track.add_argument("video", type=_path, help="a video file, or a folder of numbered images")
    track.add_argument("--out", type=_path, required=True, metavar="DIR", help="masks go to DIR/masks, and a report beside them")
    track.add_argument(
        "--also", action="append", default=[], choices=MATTES, metavar="FORM", help=f"also write {', '.join(MATTES)} (repeatable)"
    )
    track.add_argument("--frames", metavar="A:B", help="half-open span of frames to work on (all)")
    _add_prompts(track)
    _add_shared(track)
    track.set_defaults(run=_track)

    edit = commands.add_parser("edit", help="edit an object in a video")
    edit.add_argument("video", type=_path, help="a video file, or a folder of numbered images")
    edit.add_argument("--out", type=_path, required=True, metavar="DIR", help="output.mp4, keyframe.png, masks, report and recipe go there")
    edit.add_argument("--task", required=True, metavar="TASK", help="add, modify or delete")
    edit.add_argument("--caption", default="", metavar="TEXT", help="what the region should show (add and modify)")
    edit.add_argument(
        "--masks", type=_path, metavar="FOLDER", help="masks instead of prompts: a folder with one PNG per frame, a zip, or a matte video"
    )
    edit.add_argument("--adjust", default="none", metavar="FORM", help=ADJUST)
    edit.add_argument("--feather", type=int, default=4, metavar="PIXELS", help="softness of the edit's edge (4)")
    edit.add_argument("--keyframe", type=_path, metavar="IMAGE", help="an accepted keyframe; without it the model paints one")
    edit.add_argument("--frames", metavar="A:B", help="half-open span of frames that the result covers (all)")
    edit.add_argument("--seed", type=int, default=0)
    edit.add_argument("--steps", type=int, help="denoising steps (the model's own default)")
    edit.add_argument("--guidance", type=float, help="guidance scale (the model's own default)")
    edit.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    edit.add_argument("--png", action="store_true", help="also write DIR/frames, exactly as handed to the encoder")
    _add_prompts(edit)
    _add_shared(edit)
    edit.set_defaults(run=_edit)

    replay = commands.add_parser("replay", help="make the result of a recipe again, on its own video or another")
    replay.add_argument("recipe", type=_path, help="the recipe.json that lies beside an exported video")
    replay.add_argument("--out", type=_path, required=True, metavar="DIR", help="output.* and report.json go there")
    replay.add_argument("--video", type=_path, metavar="OTHER", help="another video: track its objects and paint its keyframes anew")
    replay.add_argument("--codec", metavar="NAME", help="h264, hevc, av1, prores, ffv1 or png (the recipe's own)")
    replay.add_argument("--anew", action="store_true", help="track and paint anew on the recipe's own video too")
    _add_shared(replay)
    replay.set_defaults(run=_replay)

    bench = commands.add_parser("bench", help="measure this machine on the example clip")
    bench.add_argument("--video", type=_path, help="measure on another clip")
    _add_shared(bench)
    bench.set_defaults(run=_bench)

    models = commands.add_parser("models", help="list the models and whether they are here; fetch or remove one")
    models.add_argument("action", nargs="?", choices=("fetch", "remove"), help="bring NAME here from the hub, or delete it again")
    models.add_argument("name", nargs="?", metavar="NAME", help="a name of the list")
    _add_shared(models)
    models.set_defaults(run=_models)

    projects = commands.add_parser("projects", help="list the projects of the workspace, to open one at ADDRESS/?project=ID")
    projects.add_argument("--workspace", type=_path, metavar="DIR", help="where projects and models live")
    projects.set_defaults(run=_projects)

    evaluate = commands.add_parser("evaluate", help="measure how good the models are (see docs/evaluation.md)")
    evaluate.add_argument("suite", metavar="SUITE", help="tracking, keyframe, propagation, deletion, autoencoder or all")
    evaluate.add_argument("--clips", type=_path, metavar="FOLDER", help="clips with true masks instead of those that the program makes")
    evaluate.add_argument("--samples", type=int, metavar="N", help="how many procedural clips or pictures each suite draws")
    evaluate.add_argument("--out", type=_path, metavar="DIR", help="also write DIR/evaluation.json, and DIR/evaluation.html to look at")
    evaluate.add_argument("--clip-model", metavar="NAME", help="CLIP for TA and TC: its folder, or its name on the hub")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    evaluate.add_argument("--segmenter", metavar="NAME", help="embedded, tiny, small, base-plus, large or a checkpoint's path")
    _add_shared(evaluate)
    evaluate.set_defaults(run=_evaluate)

    # The recipes explain themselves, so --help goes to them like every other word.
    train = commands.add_parser("train", help="train a model: RECIPE [key=value ...] (see docs/training.md)", add_help=False)
    train.add_argument("words", nargs=argparse.REMAINDER)
    train.set_defaults(run=_train)
    return parser


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", type=_path, metavar="DIR", help="where projects and downloaded models live")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--memory", metavar="MODE", help="how a large video model uses a GPU's memory: auto, all, parts or layers")


def _add_prompts(parser: argparse.ArgumentParser) -> None:
    pixel, corners = "[FRAME:]X,Y", "[FRAME:]X0,Y0,X1,Y1"
    parser.add_argument("--point", action="append", default=[], metavar=pixel, help="this pixel belongs to the object (repeatable)")
    parser.add_argument("--not-point", action="append", default=[], metavar=pixel, help="this pixel does not (repeatable)")
    parser.add_argument("--box", action="append", default=[], metavar=corners, help="a box around the object (repeatable)")
    parser.add_argument("--text", metavar="WORDS", help="what to look for, like 'the dog' (Grounding DINO, fetched once)")
    parser.add_argument("--frame", type=int, metavar="N", help="the frame of prompts that name none, or with --masks the keyframe")
    parser.add_argument("--through-cuts", action="store_true", help="follow the object from one shot into the next as if there were no cut")
    parser.add_argument("--segmenter", metavar="NAME", help="embedded, tiny, small, base-plus, large or a checkpoint's path")


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: getattr(options, name, None) for name in ("workspace", "device", "memory", "port", "host", "segmenter", "model")}
    given["open_browser"] = False if getattr(options, "no_browser", False) else None
    return replace(Settings.from_environment(), **{name: value for name, value in given.items() if value is not None})


def _prompts(options: argparse.Namespace) -> PromptArguments:
    given = options.point, options.not_point, options.box, options.frame, options.text, options.through_cuts
    return PromptArguments.parse(*given)


def _ui(options: argparse.Namespace) -> None:
    from app.commands.output_folder import make_folder
    from app.editor.editor import Editor
    from app.server.server import serve
    from app.storage.lock import workspace_lock

    settings = _settings(options)
    if settings.device not in ("auto", "cpu"):  # of which every machine has one, so that the page needn't wait for torch
        from core.models.device import choose_device

        choose_device(settings.device)
    make_folder(settings.workspace, "--workspace")
    with contextlib.suppress(KeyboardInterrupt), workspace_lock(settings.workspace):
        serve(Editor(settings), settings.host, settings.port, settings.open_browser)
    _end_at_once()


def _end_at_once() -> None:
    """End the process, well. Everything is on disk by now, but a model may still be at a step that takes longer than a person waits after
    Ctrl-C: the interpreter's own way out would take torch's threads away from under it, and the system end the program with an abort."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _track(options: argparse.Namespace) -> None:
    from app.commands.batch import track_to_folder
    from app.commands.console import console_job
    from app.engine import Engine

    prompts = _prompts(options)
    with console_job() as context:
        frames = track_to_folder(Engine(_settings(options)), options.video, prompts, options.frames, options.out, context, options.also)
    print(f"{counted(frames, 'mask')} in {options.out / 'masks'}")


def _edit(options: argparse.Namespace) -> None:
    from app.commands.batch import edit_to_folder, EditArguments
    from app.commands.console import console_job
    from app.engine import Engine
    from core.project.edits import SamplingSettings
    from core.project.tracks import MaskAdjustment

    prompts = _prompts(options)
    arguments = EditArguments(
        options.task,
        options.caption,
        MaskAdjustment.parse(options.adjust, options.feather),
        options.seed,
        SamplingSettings(options.steps, options.guidance),
        options.masks,
        options.keyframe,
        options.frames,
        options.png,
    )
    with console_job() as context:
        report = edit_to_folder(Engine(_settings(options)), options.video, prompts, arguments, options.out, context)
    difference = report["max_difference_outside"]
    print(f"{counted(report['frames'], 'frame')} in {options.out / 'output.mp4'}; largest difference outside the region: {difference}")


def _replay(options: argparse.Namespace) -> None:
    from app.commands.console import console_job, note
    from app.commands.replay import replay_to_folder
    from app.engine import Engine

    with console_job() as context:
        engine = Engine(_settings(options))
        report = replay_to_folder(engine, options.recipe, options.out, context, video=options.video, codec=options.codec, anew=options.anew)
    for one in report["notes"]:
        note(one)
    print(f"{counted(report['frames'], 'frame')} in {options.out / report['output']}")


def _bench(options: argparse.Namespace) -> None:
    from app.commands.bench import run_bench

    run_bench(_settings(options), options.video)


def _models(options: argparse.Namespace) -> None:
    from app.commands.console import console_job
    from core.models.catalogue import MODELS
    from core.models.fetch import fetch_model, remove_model
    from core.models.store import ModelStore

    store = ModelStore(_settings(options).models_root)
    if options.action and not options.name:
        raise InputError(f"name the model to {options.action}: `{command_name()} models` lists them")
    if options.action == "remove":
        remove_model(options.name, store)
        print(f"{options.name} is removed")
        return
    if options.action == "fetch":
        with console_job() as context:
            print(f"{options.name} is in {fetch_model(options.name, store, context)}")
        return
    name_width = max(len(name) for name in MODELS)
    for model in MODELS.values():
        state = (
            "here" if store.available(model.name, model.kind) else f"to fetch, {model.download_mb} MB" if model.download_mb else "to fetch"
        )
        print(f"{model.name:<{name_width}} {model.kind:<10} {state:<18} {model.title} ({model.licence})")


def _projects(options: argparse.Namespace) -> None:
    from app.storage.workspace import Workspace

    settings = _settings(options)
    projects = Workspace(settings.workspace).recent()
    for one in projects:
        print(f"{one.project_id}  {one.modified[:16]}  {one.width}x{one.height}, {counted(one.frames, 'frame')}  {one.name}")
    # not among what a script reads
    if projects:
        address = f"http://{settings.host}:{settings.port}/?project={projects[0].project_id}"
        print(f"to open one, start the editor ({command_name()}) and go to {address}, with the address that it says", file=sys.stderr)
    else:
        print(f"there are no projects in {settings.workspace} yet: they begin with a video that is opened in the editor", file=sys.stderr)


def _evaluate(options: argparse.Namespace) -> None:
    from app.commands.console import console_job
    from app.commands.evaluate import evaluate
    from app.engine import Engine
    from core.evaluation.suites import Request

    request = Request(options.clips, options.samples, options.clip_model)
    with console_job() as context:
        evaluate(Engine(_settings(options)), options.suite, request, options.out, options.json, context)


def _train(options: argparse.Namespace) -> int:
    from core.training.command import main as train

    return train(options.words)


def _report_fault(error: Exception) -> int:
    """An internal error: one line for the person, and a file with the details that can be sent to us."""
    import platform
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="vivid-studio-fault-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write(f"{platform.platform()}, Python {sys.version}\ncommand: {sys.argv}\n\n")
            file.write("".join(traceback.format_exception(error)))
        report = f"the report is in {file.name}"
    except OSError:
        where = traceback.extract_tb(error.__traceback__)[-1]
        report = f"the disk takes no report, it was at {where.filename}:{where.lineno}"
    print(f"error: something went wrong inside the program ({type(error).__name__}); {report}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
