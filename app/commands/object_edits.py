"""`edit --object`: several objects of a clip, each with a task, a caption and a seed of its own, in
one result.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.commands.carried import print_carried
from app.commands.console import about, note
from app.commands.edit_arguments import EditArguments
from app.commands.given_clip import opened_clip, parse_span, print_flagged
from app.commands.part_files import part_files
from app.commands.prompt_arguments import PromptArguments
from app.commands.result_folder import result_folder
from app.commands.settled_edit import MadeBelow, write_edit
from app.commands.settling import checked_edit, CheckedEdit, settle
from app.engine import Engine
from app.render.edit import Stopwatch
from app.render.export import rehearse_clip
from core.errors import InputError
from core.progress import JobContext
from core.project.video import check_editable, Clip

OWN = (
    *("point", "not_point", "box", "text", "frame", "masks", "invert_masks", "task", "caption", "seed", "adjust", "feather"),
    *("keyframe", "carry", "fit", "steps", "guidance", "rate", "preset", "shadows", "direct", "opacity", "blend", "front"),
)
"""Options that an object may have of its own; those that it has not are those of the whole edit."""
WHERE = ("point", "not_point", "box", "text", "masks")


def object_options(text: str, options: argparse.Namespace, parse: Callable[[list[str]], argparse.Namespace]) -> argparse.Namespace:
    """The options of one object.

    Args:
        text: What `--object` was given: options as on a command line.
        options: Those of the whole edit.
        parse: Reads the options of `edit`.

    Returns:
        The options of the whole edit with the object's own in their place.

    Raises:
        InputError: They can't be read, or one of them is no object's own.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(f"--object {text!r} can't be read ({error}): put its options in quotes") from None
    usual, given = parse([]), parse(words)
    said = {word.partition("=")[0] for word in words}
    own = {name: value for name, value in vars(given).items() if value != getattr(usual, name) or f"--{name.replace('_', '-')}" in said}
    if wrong := sorted(own.keys() - set(OWN)):
        raise InputError(f"--{wrong[0].replace('_', '-')} is for the whole edit: give it beside --object, not in it")
    if not any(own.get(name) for name in WHERE):
        raise InputError(f"--object {text!r} does not say where the object is: give it a --box, --point, --text or --masks")
    return argparse.Namespace(**{**vars(options), **own})


def edit_objects_to_folder(
    engine: Engine, video: Path, objects: Sequence[tuple[PromptArguments, EditArguments]], out: Path, context: JobContext
) -> dict[str, Any]:
    """Edit several objects of a clip, each over those before it, and write one video with its
    keyframes, masks, report and recipe.

    Args:
        engine: The models.
        video: A video file, or a folder of numbered images.
        objects: Where each is and what to do with it, the lowest first.
        out: The folder of the result; is made.
        context: Progress and cancelling.

    Returns:
        The report.

    Raises:
        InputError: Something that was given can't be used, or something is in the way.
        ModelMissingError: A model is not on this machine.
        StorageError: The disk refuses.
    """
    from core.background.affected import united
    from core.masks import export_png
    from core.media import sha256_of

    stopwatch = Stopwatch()
    (_, arguments), *_ = objects
    with opened_clip(video, arguments.deinterlace, context) as reader:
        info = reader.info
        span = parse_span(arguments.frames, info.frames)
        check_editable(info)
        checked = [
            _named(number, checked_edit(engine, prompts, asked, info, span, context)) for number, (prompts, asked) in enumerate(objects, 1)
        ]
        for line in rehearse_clip(reader, span if arguments.only_frames else (0, info.frames), video, "h264", context):
            note(line)
        images = [name for one in checked for name in one.images]
        files = ("output.mp4", *images, *part_files(arguments.also), "report.json", "recipe.json")
        folders = dict.fromkeys(("masks", "frames") if arguments.png else ("masks",), span[1] - span[0])
        sources = [path for _, asked in objects for path in (asked.masks, asked.front)]
        used = [given.path for _, asked in objects for given in asked.keyframes]
        with result_folder(out, files, folders, (video, *sources), used):
            clip = Clip(str(video.resolve()), sha256_of(video), info, *span, arguments.deinterlace)
            below = MadeBelow(reader)
            for number, one in enumerate(checked, 1):
                about.set(f"object {number}: ")
                settled = settle(engine, one, reader, below.ground, clip, out, context, stopwatch)
                if number < len(checked):
                    below = below.with_edit(engine, settled, out, context)
            about.set("")
            edits = (*below.edits, settled)
            region, *others = (edit.request.edit.region for edit in edits)
            export_png(united(region, *others), out / "masks")
            report = write_edit(engine, settled, below, out, context, stopwatch)
    for edit in edits:
        print_flagged(edit.suspect)
    print_carried(report)
    return report


def _named(number: int, asked: CheckedEdit) -> CheckedEdit:
    return replace(asked, images=tuple(f"object-{number}-{name}" for name in asked.images))
