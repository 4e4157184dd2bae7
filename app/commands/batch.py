"""A whole job from a video file to a folder, as the command line asks for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.carried import print_carried
from app.commands.console import note
from app.commands.edit_arguments import EditArguments
from app.commands.given_clip import frames_flagged, given_masks, opened_clip, parse_span, print_flagged, prompted_shots
from app.commands.given_keyframes import keyframe_files, read_keyframes
from app.commands.output_folder import same_file
from app.commands.part_files import part_files
from app.commands.prompt_arguments import OBJECT, PromptArguments
from app.commands.recipe_names import check_painter
from app.commands.result_folder import result_folder
from app.commands.settled_edit import SettledEdit, write_edit
from app.contract.preflight import unseen_text
from app.engine import Engine
from app.render.edit import RenderRequest, Stopwatch
from app.render.export import rehearse_clip
from app.render.track import shots_of, track_objects
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.edits import check_carry, check_task
from core.project.tracks import MaskAdjustment, USUAL_ADJUSTMENT
from core.project.video import check_editable, Clip
from core.words import counted

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence
    from core.media import ClipReader
    from core.propagation.request import Keyframe
    from core.render.mattes import MatteForm
    from core.vivid.contract import VideoEngine

_FORM_WORDS = {"expand": "the mask", "hull+expand": "the mask's hull", "box+expand": "the mask's box"}
"""Forms that an engine may do best with."""


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
            given = prompts.found_by_words(engine, reader, span).on(reader.info, span)
            shots = prompted_shots(reader, given, span, prompts.through_cuts, context)
            masks = track_objects(engine, None, reader, {OBJECT: given}, shots, context)[OBJECT]
            export_png(masks, out / "masks")
            for form, name in extra.items():
                write_mattes(out / name, form, reader, [(video.stem, masks)], span, context)
            suspect = frames_flagged(masks, shots, given)
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
    engine: Engine, video: Path, prompts: PromptArguments, arguments: EditArguments, out: Path, context: JobContext
) -> dict[str, Any]:
    """Edit the object and write the video, its keyframe, masks, report and recipe.

    When it is stopped, the windows that were finished stay in OUT, and the same command continues
    with them.

    Args:
        engine: The models.
        video: A video file, or a folder of numbered images.
        prompts: Where the object is; none where `arguments` has masks.
        arguments: What to do.
        out: The folder of the result; is made.
        context: Progress and cancelling.

    Returns:
        The report.

    Raises:
        InputError: Something that was given can't be used, or something is in the way.
        ModelMissingError: A model is not on this machine.
        StorageError: The disk refuses.
    """
    from core.background.affected import affected_masks, united
    from core.masks import export_png, Feather
    from core.media import sha256_of, write_image

    check_task(arguments.task, arguments.caption)
    check_carry(arguments.carry, arguments.task)
    arguments.check(prompts)
    stopwatch = Stopwatch()
    with opened_clip(video, arguments.deinterlace, context) as reader:
        info = reader.info
        span = parse_span(arguments.frames, info.frames)
        check_editable(info)
        # Everything that can be wrong with the input is found before anything slow starts.
        prompts.check_frames(span)
        wanted = engine.named(arguments.settings)
        engine.store.locate(wanted, "video")
        painter = None if arguments.keyframes or arguments.direct else engine.painter_of(arguments.settings)
        if painter is not None:
            check_painter(engine, painter)
        if arguments.masks is None:
            prompts.on(info, span)
            engine.store.locate(engine.settings.segmenter, "segmenter")
        pictures = read_keyframes(arguments.keyframes, info, span)
        front = None if arguments.front is None else given_masks(arguments.front, None, info, span, context)
        masks = None if arguments.masks is None else given_masks(arguments.masks, arguments.invert_masks, info, span, context)
        written = span if arguments.only_frames else (0, info.frames)
        for line in rehearse_clip(reader, written, video, "h264", context):
            note(line)
        # Masks that come back as they are may lie where they are written, and stay the files that
        # they are.
        grown = arguments.shadows and arguments.task == "delete"
        unchanged = arguments.adjustment.keeps_masks and not arguments.invert_masks and span == (0, info.frames)
        in_place = unchanged and arguments.masks is not None and same_file(arguments.masks, out / "masks")
        folders = [name for name, wanted in (("masks", not in_place), ("frames", arguments.png)) if wanted]
        images = [] if arguments.direct else keyframe_files(arguments.keyframes)
        files = ("output.mp4", *images, *part_files(arguments.also), "report.json", "recipe.json")
        used = [given.path for given in arguments.keyframes]
        with result_folder(out, files, dict.fromkeys(folders, span[1] - span[0]), (video, arguments.masks, arguments.front), used):
            given = [] if masks is not None else prompts.found_by_words(engine, reader, span).on(info, span)
            if masks is None:
                shots = prompted_shots(reader, given, span, prompts.through_cuts, context)
            else:
                shots = shots_of(reader, span, context) if arguments.adjustment.smooth else [span]
            context.report("loading the model", 0, 1)
            from core.propagation.direct import direct_keyframe, direct_start
            from core.propagation.pace import pace_of
            from core.propagation.request import EditRequest

            with stopwatch("load"):
                model = engine.video_model(wanted, context)
            if arguments.direct:
                model.check_paints_directly()
            if painter is None or arguments.carry == "picture":
                model.check_does(arguments.task)
            if painter is None:
                _warn_of_unknown_words(model, arguments)
            if arguments.task != "delete" or model.paints_background:
                pace = pace_of(model.declared.rate, arguments.settings.rate, reader.timestamps)
                rate_hint = model.rate_hint(float(info.rate)) if pace is None else pace.hint()
                for hint in (rate_hint, _form_hint(model, arguments)):
                    if hint:
                        note(hint)
            if masks is None:
                with stopwatch("track"):
                    masks = track_objects(engine, None, reader, {OBJECT: given}, shots, context)[OBJECT]
            suspect = [] if arguments.masks is not None else frames_flagged(masks, shots, given)
            if arguments.proposes:
                arguments = _with_proposal(arguments, masks, model)
            with stopwatch("adjust"):
                region = _adjusted(masks, shots, arguments.adjustment, context)
            if grown:
                with stopwatch("shadows"):
                    region = united(region, affected_masks(reader, united(region.empty(info.size, *span), masks), context))
            with stopwatch("adjust"):
                if not in_place:
                    export_png(region, out / "masks")
            accepted: tuple[Keyframe, ...]
            if arguments.direct:
                start = direct_start(region, FrameRange(*span))
                accepted = (direct_keyframe(reader, start, arguments.task, arguments.caption, arguments.seed),)
            else:
                usual = _keyframe_index(region, prompts.frame)
                if not pictures:
                    with stopwatch("keyframe"):
                        pictures = [(usual, _paint_keyframe(engine, reader, region, usual, arguments, context))]
                accepted = tuple(_accepted(reader, region, usual if at is None else at, picture, arguments) for at, picture in pictures)
            for name, keyframe in zip(images, accepted, strict=not arguments.direct):
                write_image(out / name, keyframe.picture)
            settings, feather = model.with_rate(arguments.settings), Feather(arguments.adjustment.feather)
            edit = EditRequest(FrameRange(*span), region, accepted, settings, feather, times=reader.timestamps)
            clip = Clip(str(video.resolve()), sha256_of(video), info, *span, arguments.deinterlace)
            request = RenderRequest(edit, video, clip.content, engine.weights(wanted), arguments.mix, front)
            painted = replace(arguments, settings=replace(engine.settled(arguments.settings), painter=painter))
            settled = SettledEdit(request, wanted, clip, given, prompts, painted, [out / name for name in images], suspect)
            report = write_edit(engine, settled, reader, out, context, stopwatch)
    print_flagged(suspect)
    print_carried(report)
    return report


def _form_hint(model: VideoEngine, arguments: EditArguments) -> str:
    """What a person should know of the region's form that they chose; "" for nothing."""
    best = model.declared.region_form
    if best is None or arguments.proposes or arguments.adjustment.form == best:
        return ""
    return f"{model.declared.title} does best where the region is of another form: --adjust {best}:{USUAL_ADJUSTMENT.pixels} gives it"


def _with_proposal(arguments: EditArguments, masks: MaskSequence, model: VideoEngine) -> EditArguments:
    """The form and amount that suit a removal, or else the engine."""
    from core.masks import proposed_adjustment

    now, best = arguments.adjustment, model.declared.region_form
    if arguments.task == "delete":
        adjustment = proposed_adjustment("delete", [masks], now)
        shape = "the mask's hull" if adjustment.form.startswith("hull") else "the mask"
        suits = "as suits a removal; --adjust chooses another"
    elif best is not None:
        adjustment = replace(now, form=best, pixels=USUAL_ADJUSTMENT.pixels)
        shape, suits = _FORM_WORDS[best], f"with which {model.declared.title} does best; --adjust none keeps to the mask"
    else:
        return arguments
    note(f"the region is {shape} and {adjustment.pixels} pixels around it, {suits}")
    return replace(arguments, adjustment=adjustment)


def _adjusted(masks: MaskSequence, shots: list[tuple[int, int]], adjustment: MaskAdjustment, context: JobContext) -> MaskSequence:
    from core.masks import adjusted, RegionPart

    cuts = tuple(start for start, _ in shots[1:])
    region, _ = adjusted([RegionPart(masks, adjustment, cuts)], range(shots[0][0], shots[-1][1]), context)
    if all(region.is_empty(frame) for frame in region.frames):
        raise InputError("the mask is empty on every frame, so there is nothing to edit: prompt the object on a frame that shows it")
    return region


def _keyframe_index(region: MaskSequence, wanted: int | None) -> int:
    """The frame that was asked for (with --masks the keyframe's own) where it has a region, else
    the first frame that has one.
    """
    if wanted is not None and not region.is_empty(wanted):
        return wanted
    return next(frame for frame in region.frames if not region.is_empty(frame))


def _accepted(reader: ClipReader, region: MaskSequence, frame: int, picture: np.ndarray, arguments: EditArguments) -> Keyframe:
    """A keyframe as it is propagated; one that was handed in fades into its frame first."""
    from core.carrying.decision import decided
    from core.propagation.request import Keyframe
    from core.propagation.result import feathered_keyframe

    source = reader.frame(frame)
    if arguments.keyframes:
        picture = feathered_keyframe(source, picture, region[frame], arguments.adjustment.feather)
    carried = decided(arguments.carry, arguments.task, source, picture, region[frame])
    return Keyframe(frame, picture, arguments.task, arguments.caption, arguments.seed, carried)


def _paint_keyframe(
    engine: Engine,
    reader: ClipReader,
    region: MaskSequence,
    frame: int,
    arguments: EditArguments,
    context: JobContext,
) -> np.ndarray:
    from core.background.canvas import behind_keyframe
    from core.keyframe_models.studio import studio_for
    from core.vivid.keyframe_request import KeyframeRequest

    behind = behind_keyframe(reader, region, frame)
    if arguments.task == "delete" and (under := behind("delete")) is not None and (text := unseen_text(under[0].unseen())):
        note(f"{text[0].lower()}{text[1:-1]}")
    asked = KeyframeRequest(
        reader.frame(frame),
        region,
        frame,
        arguments.adjustment.feather,
        arguments.task,
        arguments.caption,
        (arguments.seed,),
        arguments.settings,
    )
    if engine.workers is not None:
        (picture,) = engine.workers.paint_tries(engine, reader, asked, context)
        return picture
    prepared = studio_for(engine.at_work(engine.painter_for(asked.settings))).prepare(asked.source, region[frame], asked.feather, behind)
    return next(iter(prepared.tries(asked.task, asked.caption, asked.seeds, asked.settings, context)))


def _warn_of_unknown_words(model: VideoEngine, arguments: EditArguments) -> None:
    hint = model.vocabulary.hint(arguments.caption) if model.vocabulary and arguments.task != "delete" else None
    if hint:
        note(hint)
