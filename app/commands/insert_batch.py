"""`edit --picture`: a picture of one's own laid on a clip, from files to a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.console import note
from app.commands.edit_arguments import EditArguments
from app.commands.given_clip import given_masks, opened_clip, parse_span, print_flagged, track_prompted
from app.commands.given_insert import GivenInsert
from app.commands.part_files import part_files
from app.commands.prompt_arguments import PromptArguments
from app.commands.result_folder import result_folder
from app.commands.settled_edit import MadeBelow, SettledEdit, write_edit
from app.engine import Engine
from app.render.edit import RenderRequest, Stopwatch
from app.render.export import rehearse_clip
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.inserts import CastShadow
from core.project.video import check_editable, Clip

if TYPE_CHECKING:
    from core.masks import MaskSequence
    from core.media import ClipReader
    from core.project.prompts import Prompt


def insert_to_folder(
    engine: Engine,
    video: Path,
    prompts: PromptArguments,
    arguments: EditArguments,
    given: GivenInsert,
    out: Path,
    context: JobContext,
) -> dict[str, Any]:
    """Lay a picture on a clip and write the video, its keyframe, masks, report and recipe.

    Args:
        engine: The models.
        video: A video file, or a folder of numbered images.
        prompts: Where the object is that the picture moves with or behind; may be empty.
        arguments: What else was asked for.
        given: The picture.
        out: The folder of the result; is made.
        context: Progress and cancelling.

    Returns:
        The report.

    Raises:
        InputError: Something that was given can't be used, or something is in the way.
        ModelMissingError: A model is not on this machine.
        StorageError: The disk refuses.
    """
    from core.inserts.carried import LaidInsert
    from core.inserts.path import carry, footprints
    from core.inserts.picture import read_picture
    from core.masks import export_png, Feather
    from core.media import sha256_of, write_image
    from core.propagation.laid import drawer_of
    from core.propagation.request import EditRequest, Keyframe

    if arguments.keyframes:
        raise InputError("give --picture or --keyframe, not both: leave one out")
    arguments.check(prompts)
    picture, remarks = read_picture(given.path)
    for line in remarks:
        note(line)
    stopwatch = Stopwatch()
    with opened_clip(video, arguments.deinterlace, context) as reader:
        info = reader.info
        span = parse_span(arguments.frames, info.frames)
        check_editable(info)
        prompts.check_frames(span)
        engine.store.locate(engine.settings.model, "video")
        frame = prompts.usual_frame(span)
        laid = LaidInsert(given.on((picture.shape[1], picture.shape[0])), picture, frame)
        written = span if arguments.only_frames else (0, info.frames)
        for line in rehearse_clip(reader, written, video, "h264", context):
            note(line)
        front = None if arguments.front is None else given_masks(arguments.front, None, info, span, context)
        masks = None
        if arguments.masks is not None:
            masks = given_masks(arguments.masks, arguments.invert_masks, info, span, context)
        files = ("output.mp4", "keyframe.png", *part_files(arguments.also), "report.json", "recipe.json")
        folders = dict.fromkeys(("masks", "frames") if arguments.png else ("masks",), span[1] - span[0])
        with result_folder(out, files, folders, (video, arguments.masks, arguments.front, given.path)):
            found: list[Prompt] = []
            suspect: list[list[Any]] = []
            if prompts:
                with stopwatch("track"):
                    found, masks, suspect = track_prompted(engine, prompts, reader, span, context)
            if given.shadow == "auto":
                laid = replace(laid, insert=replace(laid.insert, shadow=_shot_shadow(reader, masks, frame)))
            with stopwatch("motion"):
                carried = carry(reader, laid, masks, FrameRange(*span), context)
            region = footprints(carried, info.size, FrameRange(*span))
            if region.is_empty(frame):
                raise InputError(f"the picture lies beside frame {frame}: choose a place on the frame, which is {info.width}x{info.height}")
            export_png(region, out / "masks")
            shown = drawer_of(reader, laid).draw(frame, reader.frame(frame), carried.places(frame, info.size), carried.before(frame))
            write_image(out / "keyframe.png", shown)
            caption = arguments.caption.strip() or given.path.stem
            keyframe = Keyframe(frame, shown, "add", caption, arguments.seed, "picture", carried)
            edit = EditRequest(FrameRange(*span), region, (keyframe,), arguments.settings, Feather(0))
            clip = Clip(str(video.resolve()), sha256_of(video), info, *span, arguments.deinterlace)
            request = RenderRequest(edit, video, clip.content, engine.weights(), front=front)
            settled = SettledEdit(request, engine.settings.model, clip, found, prompts, arguments, [out / "keyframe.png"], suspect)
            report = write_edit(engine, settled, MadeBelow(reader), out, context, stopwatch)
    print_flagged(suspect)
    seen = sum(not region.is_empty(number) for number in region.frames)
    note(f"the picture is seen on {seen} of {len(region)} frames")
    return report


def _shot_shadow(reader: ClipReader, masks: MaskSequence | None, frame: int) -> CastShadow:
    """The shadow of the shot, or the usual one where none is seen, which is said."""
    from core.inserts.shadow import shadow_of_shot

    found = None if masks is None else shadow_of_shot(reader, masks, frame)
    shadow = found or CastShadow()
    how = f"{shadow.angle:g},{shadow.length:g},{shadow.softness:g},{shadow.strength:g}"
    note(f"the shadow falls as --cast-shadow {how}" + ("" if found else "; none is seen in the shot"))
    return shadow
