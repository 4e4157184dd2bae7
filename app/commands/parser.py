"""The words of the command line: subcommands, flags and their help."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.commands import data, subcommands
from app.commands.given_insert import add_insert_options
from app.render.result_parts import PARTS
from app.version import command_name, version
from core.errors import InputError
from core.project.mix import BLENDS

ADJUST = (
    "the region that may change: none, expand:8, hull, box, hull+expand:8 or box+expand:8, in pixels (a negative number shrinks: "
    "expand:-4); after a comma, holes:200 or holes:all fills holes and smooth:2 smooths over frames"
)
MATTES = ("ids", "matte", "webm", "prores", "green")
"""Forms of masks that `track` can write besides PNG; core.render.mattes writes them."""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, like every other error."""

    def error(self, message: str) -> None:  # type: ignore[override]
        if message.endswith("expected one argument"):
            message += "; write a value that begins with - as --flag=-5"
        raise InputError(f"{message} (see: {self.prog} --help)")


class _Version(argparse.Action):
    """Reads the version only when it is asked for, which argparse's own action cannot."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(version())
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """All subcommands and their flags."""
    parser = _Parser(
        prog=command_name(),
        description="VIVID Studio: click an object in a video, try captions on one frame, propagate the edit through the clip.",
        epilog="Without a command the editor opens." + (" `launch.py test` runs every check." if command_name() == "launch.py" else ""),
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    ui = commands.add_parser("ui", help="open the editor in a browser (the default)")
    ui.add_argument("--port", type=int, help="port of the editor; if it is taken, the next free one (7860)")
    ui.add_argument("--host", help="address to listen on (127.0.0.1: this machine only)")
    ui.add_argument(
        "--name",
        dest="names",
        action="append",
        default=[],
        metavar="NAME",
        help="another name that the server is reached by, as behind a proxy (repeatable)",
    )
    ui.add_argument(
        "--password-file", type=_path, metavar="FILE", help="let people in by a password too, the first line of FILE (see docs/security.md)"
    )
    ui.add_argument("--no-token", action="store_true", help="let everyone in who reaches the address, without a token")
    ui.add_argument("--max-upload", type=int, metavar="GB", help="the largest file that the server takes (50)")
    ui.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    ui.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    _add_workers(ui)
    _add_keyframe_model(ui)
    _add_shared(ui)
    ui.set_defaults(run=subcommands.ui)

    track = commands.add_parser("track", help="track an object through a video and write its masks")
    track.add_argument("video", type=_path, help="a video file, or a folder of numbered images")
    track.add_argument("--out", type=_path, required=True, metavar="DIR", help="where DIR/masks and DIR/report.json are written")
    track.add_argument(
        "--also", action="append", default=[], choices=MATTES, metavar="FORM", help=f"also write {', '.join(MATTES)} (repeatable)"
    )
    _add_deinterlace(track)
    track.add_argument("--frames", metavar="A:B", help="frames to track, half-open: 0:48 is 48 frames (all)")
    _add_prompts(track)
    _add_shared(track)
    track.set_defaults(run=subcommands.track)

    edit = commands.add_parser("edit", help="edit an object in a video")
    edit.add_argument("video", type=_path, nargs="+", help="a video file, or a folder of numbered images; several are edited alike")
    edit.add_argument(
        "--out",
        type=_path,
        required=True,
        metavar="DIR",
        help="where the video, its keyframe, masks, report and recipe are written; of several videos, in DIR/NAME",
    )
    edit.add_argument("--skip-finished", action="store_true", help="leave out videos that have a result in DIR")
    edit.add_argument(
        "--object",
        action="append",
        default=[],
        metavar="OPTIONS",
        help="one of several objects: where it is and what is its own, as options in quotes (repeatable), like "
        "'--box 46,245,216,318 --task modify --caption \"a red ball\"'",
    )
    edit.add_argument("--task", metavar="TASK", help="add, modify or delete (with --picture: add)")
    edit.add_argument("--caption", default="", metavar="TEXT", help="what the region should show (add and modify)")
    edit.add_argument(
        "--masks",
        type=_path,
        metavar="FOLDER",
        help="masks instead of prompts: a folder or zip of numbered pictures, a picture, a matte video, or shapes (JSON)",
    )
    edit.add_argument(
        "--front", type=_path, metavar="MASKS", help="masks of what stays in front of the edit: a folder, zip, video or JSON of shapes"
    )
    edit.add_argument("--invert-masks", action="store_true", help="edit what the masks leave out")
    edit.add_argument("--adjust", metavar="FORM", help=f"{ADJUST} (what suits the model, or none; to delete, expand by its size)")
    edit.add_argument("--feather", type=int, default=4, metavar="PIXELS", help="width of the soft edge (4)")
    edit.add_argument(
        "--shadows", choices=("on", "off"), default="on", help="with delete: whether its shadow and reflection go too, where seen (on)"
    )
    edit.add_argument(
        "--keyframe",
        action="append",
        default=[],
        metavar="[FRAME:]IMAGE",
        help="an edited frame to propagate; without it the model paints one (repeatable, each with its FRAME)",
    )
    edit.add_argument(
        "--carry",
        default="auto",
        metavar="HOW",
        help="how the keyframe is carried: change (the source's own thing, changed), picture (another thing) or auto (auto)",
    )
    edit.add_argument(
        "--direct", action="store_true", help="without a keyframe: the video model paints the clip from the caption alone, as one edit"
    )
    _add_deinterlace(edit)
    edit.add_argument("--frames", metavar="A:B", help="frames to edit, half-open: 0:48 is 48 frames (all); the rest comes back as it is")
    edit.add_argument("--only-frames", action="store_true", help="write the edited frames alone, not the whole clip")
    edit.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the random numbers (0)")
    edit.add_argument("--preset", metavar="HOW", help="draft, with few steps, or final, with as many as the model was made for (final)")
    edit.add_argument(
        "--opacity", type=float, default=1.0, metavar="SHARE", help="how much of the edit, or of the picture, shows, 0 to 1 (1)"
    )
    edit.add_argument("--blend", choices=BLENDS, default="normal", help="how it mixes with what is below (normal)")
    edit.add_argument("--steps", type=int, metavar="N", help="denoising steps (the model's own)")
    edit.add_argument("--guidance", type=float, metavar="G", help="guidance scale (the model's own)")
    edit.add_argument(
        "--rate",
        metavar="HOW",
        help="frames a second that the model is shown: engine (those it was trained at), source (every frame) or a number (engine)",
    )
    edit.add_argument(
        "--fit",
        metavar="HOW",
        help="how a painted thing lies in the region: inside, as wide as high, or stretch, to its shape (what the caption names decides)",
    )
    edit.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    _add_workers(edit)
    _add_keyframe_model(edit)
    edit.add_argument(
        "--also",
        action="append",
        default=[],
        choices=tuple(PARTS),
        metavar="PART",
        help=f"also write a part of the result for a compositor: {', '.join(PARTS)} (repeatable)",
    )
    edit.add_argument("--png", action="store_true", help="also write DIR/frames, the frames exactly as handed to the encoder")
    _add_prompts(edit)
    add_insert_options(edit, _path)
    _add_shared(edit)
    edit.set_defaults(run=subcommands.edit)

    worker = commands.add_parser("worker", help="let this machine's models work for `--workers` of other machines, until Ctrl-C")
    worker.add_argument("head", nargs="?", metavar="HOST:PORT", help="the first machine that was started so (this is the first)")
    worker.add_argument("--workspace", type=_path, metavar="DIR", help="where fetched models are stored")
    worker.add_argument("--device", help="auto, cpu, cuda or mps")
    worker.set_defaults(run=subcommands.worker)

    replay = commands.add_parser("replay", help="make the result of a recipe again, on its own video or another")
    replay.add_argument("recipe", type=_path, help="the recipe beside an exported video")
    replay.add_argument("--out", type=_path, required=True, metavar="DIR", help="where output.* and report.json are written")
    replay.add_argument("--video", type=_path, metavar="OTHER", help="another video: track its objects and paint its keyframes")
    replay.add_argument("--codec", metavar="NAME", help="h264, hevc, av1, prores, ffv1 or png (the recipe's own)")
    replay.add_argument("--anew", action="store_true", help="track and paint again on the recipe's own video too")
    _add_keyframe_model(replay)
    _add_shared(replay)
    replay.set_defaults(run=subcommands.replay)

    bench = commands.add_parser("bench", help="measure how fast this machine is, on the example clip")
    bench.add_argument("--video", type=_path, help="measure on another clip")
    bench.add_argument(
        "--random-weights", action="store_true", help="measure a model of full size with random weights on a GPU, beside diffusers itself"
    )
    bench.add_argument(
        "--model", metavar="NAME", help="video model (vivid-small; with --random-weights vivid-5b, wan-vace-1.3b or wan-vace-14b)"
    )
    bench.add_argument("--steps", type=int, metavar="N", help="with --random-weights: denoising steps (the model's own)")
    bench.add_argument("--out", type=_path, metavar="DIR", help="with --random-weights: also write DIR/bench.json")
    bench.add_argument(
        "--report", type=_path, metavar="FILE", help="measure the video model alone and write FILE, to send with a report of what you saw"
    )
    _add_shared(bench, speeds=True)
    bench.set_defaults(run=subcommands.bench)

    models = commands.add_parser("models", help="list the models and whether they are on this machine; fetch, verify or remove one")
    models.add_argument(
        "action",
        nargs="?",
        choices=("list", "fetch", "verify", "remove"),
        default="list",
        help="fetch NAME from the hub, compare its files with the hub's hashes, or delete it",
    )
    models.add_argument("name", nargs="?", metavar="NAME", help="a name from the list")
    models.add_argument("--accept-licence", action="store_true", help="with fetch: accept the licence without being asked")
    models.add_argument("--revision", metavar="REV", help="with fetch: another revision of the repository, such as main")
    _add_shared(models)
    models.set_defaults(run=subcommands.models)

    projects = commands.add_parser("projects", help="list the projects of the workspace; the editor opens one at ADDRESS/?project=ID")
    projects.add_argument("--workspace", type=_path, metavar="DIR", help="where projects and fetched models are stored")
    projects.set_defaults(run=subcommands.projects)

    evaluate = commands.add_parser("evaluate", help="measure how good the models are (see docs/evaluation.md)")
    evaluate.add_argument(
        "suite", metavar="SUITE", help="tracking, keyframe, propagation, deletion, carrying, autoencoder or all; or edits"
    )
    evaluate.add_argument(
        "results", type=_path, nargs="*", metavar="RESULTS", help="with edits: what programs made, as RESULTS/PROGRAM/NAME.mp4"
    )
    evaluate.add_argument(
        "--set", type=_path, metavar="SET", dest="edit_set", help="with edits: the evaluation set (see docs/evaluation.md)"
    )
    evaluate.add_argument(
        "--run",
        metavar="NAMES",
        default="",
        dest="programs",
        help="with edits: first make the edits here, into RESULTS: ours, direct, inpaint, background",
    )
    evaluate.add_argument("--clips", type=_path, metavar="FOLDER", help="clips with true masks, instead of those that the program draws")
    evaluate.add_argument("--samples", type=int, metavar="N", help="number of clips or pictures that each suite draws")
    evaluate.add_argument("--out", type=_path, metavar="DIR", help="also write DIR/evaluation.json and the page DIR/evaluation.html")
    evaluate.add_argument("--clip-model", metavar="NAME", help="CLIP model for the figures TA and TC: a folder, or a name on the hub")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.add_argument("--model", metavar="NAME", help="video model (vivid-small)")
    evaluate.add_argument("--segmenter", metavar="NAME", help="a name from `models`, or the path of a checkpoint or folder")
    _add_shared(evaluate)
    evaluate.set_defaults(run=subcommands.evaluate)

    data.add_parser(commands.add_parser("data", help="make a data set to train on (see docs/dataset.md)"))

    # The recipes have their own help, so --help goes to them like every other word.
    train = commands.add_parser("train", help="train a model: RECIPE [key=value ...] (see docs/training.md)", add_help=False)
    train.add_argument("words", nargs=argparse.REMAINDER)
    train.set_defaults(run=subcommands.train)
    return parser


def _add_shared(parser: argparse.ArgumentParser, speeds: bool = False) -> None:
    """What all of them understand; with `speeds` more than one can be named."""
    parser.add_argument("--workspace", type=_path, metavar="DIR", help="where projects and fetched models are stored")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument(
        "--speed",
        action="append" if speeds else "store",
        metavar="HOW",
        help="what a large video model does on a GPU to be faster: auto, plain, exact, near or fast, or levers (see docs/performance.md)"
        + ("; with --random-weights what is measured (repeatable; exact, near and fast)" if speeds else ""),
    )
    parser.add_argument("--memory", metavar="MODE", help="how a large video model uses the memory of a GPU: auto, all, parts or layers")


def _add_keyframe_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--keyframe-model",
        metavar="NAME",
        help="image model that paints keyframes: a name from `models`, or a folder as diffusers writes it (the video model paints them)",
    )


def _add_workers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--workers",
        metavar="WHERE",
        help="let models work in processes of Ray: local:N on this machine, ray://HOST:PORT, HOST:PORT or auto (see docs/command-line.md)",
    )


def _add_deinterlace(command: argparse.ArgumentParser) -> None:
    command.add_argument("--deinterlace", action="store_true", help="make whole frames of interlaced video (its fields are kept)")


def _add_prompts(parser: argparse.ArgumentParser) -> None:
    pixel, corners = "[FRAME:]X,Y", "[FRAME:]X0,Y0,X1,Y1"
    parser.add_argument("--point", action="append", default=[], metavar=pixel, help="this pixel belongs to the object (repeatable)")
    parser.add_argument("--not-point", action="append", default=[], metavar=pixel, help="this pixel does not belong to it (repeatable)")
    parser.add_argument("--box", action="append", default=[], metavar=corners, help="a box around the object (one per frame)")
    parser.add_argument(
        "--text",
        metavar="WORDS",
        help="find the object by name, like 'the dog' (SAM 3 as the segmenter, else Grounding DINO)",
    )
    parser.add_argument(
        "--frame", type=int, metavar="N", help="the frame of prompts that name none, or with --masks of the keyframe (the first)"
    )
    parser.add_argument("--through-cuts", action="store_true", help="track the object across scene cuts as if there were none")
    parser.add_argument("--segmenter", metavar="NAME", help="a name from `models`, or the path of a checkpoint or folder")


def _path(text: str) -> Path:
    """A path that a file could have. An empty one comes from a shell variable that is not set."""
    try:
        path = Path(text).expanduser()
        path.exists()
    except (OSError, ValueError, RuntimeError) as error:
        shown = text if len(text) <= 80 else f"{text[:60]}...{text[-15:]}"
        raise argparse.ArgumentTypeError(f"'{shown}' can't be used ({getattr(error, 'strerror', None) or error})") from None
    if not text:
        raise argparse.ArgumentTypeError("the path is empty: name a file or folder")
    return path
