"""A whole job from a video file to a folder, as the command line asks for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.carried import print_carried
from app.commands.console import about, note
from app.commands.edit_arguments import EditArguments
from app.commands.given_clip import opened_clip, parse_span, print_flagged, track_prompted
from app.commands.output_folder import same_file
from app.commands.part_files import part_files
from app.commands.prompt_arguments import PromptArguments
from app.commands.result_folder import result_folder
from app.commands.settled_edit import MadeBelow, write_edit
from app.commands.settling import checked_edit, CheckedEdit, settle
from app.engine import Engine
from app.render.edit import Stopwatch
from app.render.export import rehearse_clip
from core.progress import JobContext
from core.project.edits import check_task
from core.project.video import check_editable, Clip
from core.words import counted

if TYPE_CHECKING:
    from core.render.mattes import MatteForm


def track_to_folder(
    engine: Engine,
    video: Path,
    prompts: PromptArguments,
    frames: str | None,
    out: Path,
    context: JobContext,
    also: Sequence[MatteForm] = (),
    deinterlace: bool = False,
) -> int:
    """Track the prompted object and write OUT/masks, OUT/report.json and OUT/masks-FORM.

    Args:
        engine: The models.
        video: A video file, or a folder of numbered images.
        prompts: Where the object is.
        frames: The range of frames as A:B; None for all.
        out: The folder of the result; is made.
        context: Progress and cancelling.
        also: Forms of masks to write besides PNG.
        deinterlace: Make whole frames of interlaced video.

    Returns:
        The number of masks.

    Raises:
        InputError: The video, the prompts or the range can't be used, or something is in the way.
        ModelMissingError: The segmenter is not on this machine.
        StorageError: The disk refuses.
    """
    from core.files import write_text
    from core.masks import export_png
    from core.render.mattes import rehearse_mattes, SUFFIXES, write_mattes

    extra = {form: f"masks-{form}{SUFFIXES[form]}" for form in also}
    with opened_clip(video, deinterlace, context) as reader:
        span = parse_span(frames, reader.info.frames)
        prompts.on(reader.info, span)
        engine.store.locate(engine.settings.segmenter, "segmenter")
        for form in also:
            rehearse_mattes(form, reader, span)
        with result_folder(out, (*extra.values(), "report.json"), {"masks": span[1] - span[0]}, (video,)):
            _, masks, suspect = track_prompted(engine, prompts, reader, span, context)
            export_png(masks, out / "masks")
            for form, name in extra.items():
                write_mattes(out / name, form, reader, [(video.stem, masks)], span, context)
            found = sum(stop - start for start, stop in masks.selected())
            info = reader.info
            report = {
                "frames": len(masks),
                "found": found,
                "span": list(span),
                "size": list(info.size),
                "rate": str(info.rate),
                "segmenter": engine.settings.segmenter,
                "suspect": suspect,
            }
            write_text(out / "report.json", json.dumps(report, indent=1))
    if not found:
        note(f"the object was found on no frame, all {counted(len(masks), 'mask')} are empty: give another --point or --box")
    print_flagged(suspect)
    return len(masks)


def edit_to_folder(
    engine: Engine, video: Path, objects: Sequence[tuple[PromptArguments, EditArguments]], out: Path, context: JobContext
) -> dict[str, Any]:
    """Edit the object, or several, each over those before it, and write one video with its
    keyframes, masks, report and recipe.

    When it is stopped, the windows that were finished stay in OUT, and the same command continues
    with them.

    Args:
        engine: The models.
        video: A video file, or a folder of numbered images.
        objects: Where each is (no prompts where it has masks) and what to do with it, the lowest
            first. What holds for the whole edit is the first one's.
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
    (_, arguments), *others = objects
    for _, asked in objects:
        check_task(asked.task, asked.caption)
    with opened_clip(video, arguments.deinterlace, context) as reader:
        info = reader.info
        span = parse_span(arguments.frames, info.frames)
        check_editable(info)
        # Everything that can be wrong with the input is found before anything slow starts.
        checked = [checked_edit(engine, prompts, asked, info, span, context) for prompts, asked in objects]
        if others:
            checked = [_named(number, one) for number, one in enumerate(checked, 1)]
        for line in rehearse_clip(reader, span if arguments.only_frames else (0, info.frames), video, "h264", context):
            note(line)
        in_place = not others and _stays(arguments, out) and span == (0, info.frames)
        folders = [name for name, wanted in (("masks", not in_place), ("frames", arguments.png)) if wanted]
        images = [name for one in checked for name in one.images]
        files = ("output.mp4", *images, *part_files(arguments.also), "report.json", "recipe.json")
        sources = [path for _, asked in objects for path in (asked.masks, asked.front)]
        used = [given.path for _, asked in objects for given in asked.keyframes]
        with result_folder(out, files, dict.fromkeys(folders, span[1] - span[0]), (video, *sources), used):
            clip = Clip(str(video.resolve()), sha256_of(video), info, *span, arguments.deinterlace)
            below = MadeBelow(reader)
            for number, one in enumerate(checked, 1):
                if others:
                    about.set(f"object {number}: ")
                settled = settle(engine, one, reader, below.ground, clip, out, context, stopwatch)
                if number < len(checked):
                    below = below.with_edit(engine, settled, out, context)
            if others:
                about.set("")
            edits = (*below.edits, settled)
            if not in_place:
                first, *more = (edit.request.edit.region for edit in edits)
                export_png(united(first, *more), out / "masks")
            report = write_edit(engine, settled, below, out, context, stopwatch)
    for edit in edits:
        print_flagged(edit.suspect)
    print_carried(report)
    return report


def _named(number: int, asked: CheckedEdit) -> CheckedEdit:
    """With keyframes that are called by their object."""
    return replace(asked, images=tuple(f"object-{number}-{name}" for name in asked.images))


def _stays(arguments: EditArguments, out: Path) -> bool:
    """Whether masks come back as they are to where they lie, and stay the files that they are."""
    unchanged = arguments.adjustment.keeps_masks and not arguments.invert_masks
    return unchanged and arguments.masks is not None and same_file(arguments.masks, out / "masks")
