"""What is asked for an object of a clip, from what was said to what only lacks its pixels: looked
at first, then the object found, the region and the keyframes made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands.console import note
from app.commands.edit_arguments import EditArguments
from app.commands.given_clip import frames_flagged, given_masks, prompted_shots
from app.commands.given_keyframes import keyframe_files, read_keyframes
from app.commands.prompt_arguments import OBJECT, PromptArguments
from app.commands.recipe_names import check_painter
from app.commands.settled_edit import SettledEdit
from app.contract.preflight import unseen_text
from app.engine import Engine
from app.render.edit import RenderRequest, Stopwatch
from app.render.track import shots_of, track_objects
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.edits import check_carry, check_task
from core.project.tracks import USUAL_ADJUSTMENT
from core.project.video import Clip, VideoInfo

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence, RegionPart
    from core.media import ClipReader
    from core.propagation.request import Keyframe
    from core.vivid.contract import VideoEngine

_FORM_WORDS = {"expand": "the mask", "hull+expand": "the mask's hull", "box+expand": "the mask's box"}


@dataclass(frozen=True)
class CheckedEdit:
    """What is asked for an object, looked at as far as it can be before anything slow starts.

    Attributes:
        prompts: Where it is; none where masks were given.
        arguments: What to do.
        model: Name of the video model.
        painter: Name of the keyframe model; None where the video model paints, or nothing is
            painted.
        keyframes: (frame, picture) of those that were given.
        masks: Those that were given.
        front: What stays in front of the edit.
        images: What the accepted keyframes are called.
    """

    prompts: PromptArguments
    arguments: EditArguments
    model: str
    painter: str | None
    keyframes: list[tuple[int | None, np.ndarray]]
    masks: MaskSequence | None
    front: MaskSequence | None
    images: tuple[str, ...]


def checked_edit(
    engine: Engine, prompts: PromptArguments, arguments: EditArguments, info: VideoInfo, span: tuple[int, int], context: JobContext
) -> CheckedEdit:
    """Look at what is asked for an object of a clip.

    Args:
        engine: The models.
        prompts: Where it is; none where `arguments` has masks.
        arguments: What to do.
        info: The clip.
        span: The frames start:stop that are edited.
        context: Progress and cancelling.

    Returns:
        The same, with what was read.

    Raises:
        InputError: Something that was given can't be used.
        ModelMissingError: A model is not on this machine.
    """
    check_task(arguments.task, arguments.caption)
    check_carry(arguments.carry, arguments.task)
    arguments.check(prompts)
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
    images = () if arguments.direct else tuple(keyframe_files(arguments.keyframes))
    return CheckedEdit(prompts, arguments, wanted, painter, pictures, masks, front, images)


def settle(
    engine: Engine,
    asked: CheckedEdit,
    reader: ClipReader,
    ground: ClipReader,
    clip: Clip,
    out: Path,
    context: JobContext,
    stopwatch: Stopwatch,
) -> SettledEdit:
    """Find the object, make the region and the keyframes, which are written.

    Args:
        engine: The models.
        asked: What to do.
        reader: The clip.
        ground: The clip with what lies below the edit.
        clip: What is known of it.
        out: The folder of the result.
        context: Progress and cancelling.
        stopwatch: Gets the seconds of each stage.

    Returns:
        The edit, of which all is settled but its pixels.

    Raises:
        InputError: The object is not found, or there is nothing to edit.
        StorageError: The disk refuses.
    """
    from core.background.affected import affected_masks, united
    from core.masks import Feather, own_masks, RegionPart
    from core.media import write_image

    prompts, arguments, masks = asked.prompts, asked.arguments, asked.masks
    info, span = clip.info, (clip.start, clip.stop)
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
        model = engine.video_model(asked.model, context)
    if arguments.direct:
        model.check_paints_directly()
    if asked.painter is None or arguments.carry == "picture":
        model.check_does(arguments.task)
    if asked.painter is None:
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
        objects = RegionPart(masks, arguments.adjustment, tuple(start for start, _ in shots[1:]))
        region = _adjusted(objects, range(*span), context)
    if arguments.shadows and arguments.task == "delete":
        with stopwatch("shadows"):
            region = united(region, affected_masks(reader, united(region.empty(info.size, *span), masks), context))
    accepted: tuple[Keyframe, ...]
    if arguments.direct:
        start = direct_start(region, FrameRange(*span))
        accepted = (direct_keyframe(ground, start, arguments.task, arguments.caption, arguments.seed),)
    else:
        usual, pictures = _keyframe_index(region, prompts.frame), asked.keyframes
        if not pictures:
            with stopwatch("keyframe"):
                pictures = [(usual, _paint_keyframe(engine, ground, region, usual, arguments, context))]
        accepted = tuple(_accepted(ground, region, usual if at is None else at, picture, arguments) for at, picture in pictures)
    for name, keyframe in zip(asked.images, accepted, strict=not arguments.direct):
        write_image(out / name, keyframe.picture)
    settings, feather = model.with_rate(arguments.settings), Feather(arguments.adjustment.feather)
    things = own_masks([objects], range(*span)) if any(keyframe.follows_thing for keyframe in accepted) else None
    edit = EditRequest(FrameRange(*span), region, accepted, settings, feather, times=reader.timestamps, things=things)
    request = RenderRequest(edit, Path(clip.source), clip.content, engine.weights(asked.model), arguments.mix, asked.front)
    painted = replace(arguments, settings=replace(engine.settled(arguments.settings), painter=asked.painter))
    return SettledEdit(request, asked.model, clip, given, prompts, painted, [out / name for name in asked.images], suspect)


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
        adjustment = proposed_adjustment("modify", [masks], now, best)
        shape, suits = _FORM_WORDS[best], f"with which {model.declared.title} does best; --adjust none keeps to the mask"
    else:
        return arguments
    note(f"the region is {shape} and {adjustment.pixels} pixels around it, {suits}")
    return replace(arguments, adjustment=adjustment)


def _adjusted(objects: RegionPart, frames: range, context: JobContext) -> MaskSequence:
    from core.masks import adjusted

    region, _ = adjusted([objects], frames, context)
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
