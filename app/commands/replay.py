"""`launch.py replay`: make a recipe's result again without the editor, on its own video to the same
pixels, or on another one.
"""

from __future__ import annotations

import base64
import io
import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.console import note
from app.commands.recipe_names import check_models, check_painters, segmenter_of, video_of
from app.commands.replayed_inserts import inserts_anew
from app.commands.result_folder import result_folder
from app.engine import Engine
from app.jobs.quick_look import half_size
from app.render.edit import make_windows, plan, RenderRequest
from app.render.export import format_of, rehearse_clip, write_clip
from app.render.recipe import Recipe, RecipeEdit, RecipeKeyframe, unpacked
from app.render.recorded_inserts import carried_insert, recorded_masks
from app.render.track import shots_of, track_objects
from core.errors import InputError
from core.geometry import FrameRange
from core.models.presets import split_draft
from core.pictures import open_picture
from core.progress import JobContext
from core.project.edits import EVERY_FRAME, Painting, SamplingSettings
from core.project.prompts import check_prompt, Prompt, scaled_prompt
from core.project.tracks import MaskTrack
from core.project.video import Clip

if TYPE_CHECKING:
    from core.keyframe_models.pipeline_model import PipelineModel
    from core.masks import Feather, MaskSequence
    from core.media import ClipReader
    from core.propagation.request import Keyframe
    from core.propagation.stack import AppliedEdit
    from core.vivid.contract import VideoEngine

WINDOWS = ".windows"


@dataclass(frozen=True)
class _Replay:
    """What all edits of a recipe are replayed with.

    `anew` says to track and paint instead of using what the recipe recorded. `notes` collects what
    a person should know about the result.
    """

    engine: Engine
    source: Path
    recipe: Path
    anew: bool
    context: JobContext
    notes: list[str]


def replay_to_folder(
    engine: Engine, path: Path, out: Path, context: JobContext, *, video: Path | None = None, codec: str | None = None, anew: bool = False
) -> dict[str, Any]:
    """Make the result of a recipe again and write OUT/output.* and OUT/report.json.

    On the recipe's own video the recorded region and keyframes are used, with everything that was
    corrected by hand. On another video, or with `anew`, the objects are tracked from their prompts
    and the keyframes painted from their captions. Finished windows stay in OUT until the result is
    complete.

    Args:
        engine: The models.
        path: The recipe.
        out: The folder of the result; is made.
        context: Progress and cancelling.
        video: Another video than the recipe's own.
        codec: A name of `app.render.export`; None for the recipe's.
        anew: Track and paint again on the recipe's own video too.

    Returns:
        The report, and the name of the video file as `output`.

    Raises:
        InputError: The video is not there, or the recipe does not fit it.
        StorageError: The disk refuses.
    """
    from core.files import write_text
    from core.media import open_clip, sha256_of

    recipe = Recipe.load(path)
    source = video_of(recipe, path, video)
    check_models(engine, recipe.edits, path)
    kind = format_of(codec or recipe.codec)
    name = f"output{kind.suffix}"
    with open_clip(source, recipe.deinterlace, context) as reader, result_folder(out, (name, "report.json"), {}, (source, path)):
        from core.propagation.stack import StackedReader, without_mix  # loads torch, so only after the input was checked

        sha256 = sha256_of(source)
        clip = Clip(str(source), sha256, reader.info, 0, len(reader), recipe.deinterlace)
        own = sha256 == recipe.sha256
        frames = len(reader)
        span = (0, frames) if recipe.whole else (min(recipe.span[0], frames - 1), min(recipe.span[1], frames))
        for line in rehearse_clip(reader, span, source, kind.codec, context):
            note(line)
        applied: list[AppliedEdit] = []
        base = ""
        replay = _Replay(engine, source, path, not own or anew, context, [])
        if replay.anew:
            check_painters(engine, recipe.edits, path)
        for number, edit in enumerate(recipe.edits):
            below = StackedReader(reader, without_mix(applied) if edit.joined else applied)
            done, keys = _apply(replay, edit, below, reader, f"{clip.content} {base}", out / WINDOWS / str(number))
            if engine.weights(edit.model) != edit.weights:
                replay.notes.append(f"edit {number + 1} was made with other weights under the name {edit.model}")
            applied.append(done)
            base = "+".join([base, *keys, *([] if edit.mix.is_plain else [edit.mix.words]), *filter(None, [edit.front])])
        copied = write_clip(StackedReader(reader, applied), span, source, kind.codec, out / name, context, copies=recipe.whole)
        report = {
            "recipe": path.name,
            "video": source.name,
            "own_video": own,
            "frames": span[1] - span[0],
            "copied": copied,
            "edits": len(recipe.edits),
            "notes": replay.notes,
        }
        write_text(out / "report.json", json.dumps(report, indent=1))
        shutil.rmtree(out / WINDOWS, ignore_errors=True)
    return {**report, "output": name}


def _apply(
    replay: _Replay, edit: RecipeEdit, reader: ClipReader, plain: ClipReader, clip: str, folder: Path
) -> tuple[AppliedEdit, list[str]]:
    """Make one edit on the frames of `reader`, whose video without any edit is `plain`.

    `clip` names those frames, and finished windows go to `folder`. Returns the edit and the names
    of its windows.
    """
    from core.background.affected import united
    from core.masks import MaskSequence
    from core.propagation.direct import direct_keyframe, direct_start
    from core.propagation.request import EditRequest

    span = (edit.span[0], min(edit.span[1], len(reader)))
    if span[0] >= span[1]:
        raise InputError(f"the recipe edits the frames {edit.span[0]}:{edit.span[1]}, but the video has {len(reader)}: give a longer one")
    keyframes: list[Keyframe] = []
    things: MaskSequence | None = None
    inserted = any(keyframe.insert is not None for keyframe in edit.keyframes)
    if replay.anew:
        size = recorded_masks(edit.region).size
        edit = on_size(edit, reader.info.size, replay.notes)
    if replay.anew and inserted:

        def track() -> MaskSequence:
            found, _ = _tracked_anew(replay, edit, reader, plain, span)
            return united(MaskSequence.empty(reader.info.size, *span), *found.values())

        region, feather, keyframes = inserts_anew(edit, reader, span, track, size, replay.context)
    elif replay.anew:
        region, feather, things = _region_anew(replay, edit, reader, plain, span)
    else:
        region, feather = _recorded_region(edit, reader)
        things = None if edit.things is None else recorded_masks(edit.things)
    front = _front(replay, edit, reader, plain, span)
    replay.context.report("loading the model", 0, 1)
    model = replay.engine.video_model(edit.model)
    for keyframe in edit.keyframes if not keyframes else ():
        if keyframe.carried == "direct":
            start = direct_start(region, FrameRange(*span))
            keyframes.append(direct_keyframe(reader, start, keyframe.task, keyframe.caption, keyframe.seed))
        elif replay.anew:
            free = [frame for frame in range(*span) if not region.is_empty(frame) and frame not in {k.frame for k in keyframes}]
            keyframes.append(_painted_keyframe(replay, edit.model, keyframe, reader, region, feather, free))
        else:
            keyframes.append(_recorded_keyframe(keyframe))
    keyframes.sort(key=lambda keyframe: keyframe.frame)
    if edit.draft:
        model = half_size(model)
    settings = replace(edit.settings, rate=edit.settings.rate or EVERY_FRAME)
    asked = EditRequest(FrameRange(*span), region, tuple(keyframes), settings, feather, times=reader.timestamps, things=things)
    request = RenderRequest(asked, replay.source, clip, replay.engine.weights(edit.model), edit.mix, front)
    planned = plan(request, model, folder)
    replay.engine.at_work(model)
    if edit.speed and edit.speed != str(model.levers):
        replay.notes.append(f"an edit was made with the speed '{edit.speed}', here with '{model.levers}': pixels may differ a little")
    make_windows(planned, reader, replay.context)
    return planned.applied(edit.joined), [window.key for window in planned.windows]


def _front(replay: _Replay, edit: RecipeEdit, reader: ClipReader, plain: ClipReader, span: tuple[int, int]) -> MaskSequence | None:
    """What stays in front of an edit: as it was recorded, or tracked anew."""
    from core.background.affected import united
    from core.masks import MaskSequence

    if not replay.anew or edit.front is None:
        return None if edit.front is None else recorded_masks(edit.front)
    if not any(track.prompts or track.shape for track in edit.in_front):
        replay.notes.append("the masks of what stays in front came from elsewhere, not from prompts: it is left out")
        return None
    found, _ = _tracked_anew(replay, replace(edit, tracks=edit.in_front), reader, plain, span)
    return united(MaskSequence.empty(reader.info.size, *span), *found.values())


def on_size(edit: RecipeEdit, size: tuple[int, int], notes: list[str]) -> RecipeEdit:
    """Scale everything that an edit says in pixels to a video of another size.

    Args:
        edit: The edit. Its recorded region is not scaled.
        size: (W, H) of the video.
        notes: Gets a line when there is something to scale.

    Returns:
        The scaled edit; the same one for a video of its own size.

    Raises:
        InputError: A mask in the recipe is damaged.
    """
    own = recorded_masks(edit.region).size
    if own == size:
        return edit
    across, down = size[0] / own[0], size[1] / own[1]
    factor = math.sqrt(across * down)
    note = f"the recipe is for frames of {own[0]}x{own[1]}, this video's are {size[0]}x{size[1]}: places and widths are scaled to them"
    if note not in notes:
        notes.append(note)

    def scaled(track: MaskTrack) -> MaskTrack:
        prompts = tuple(scaled_prompt(prompt, across, down) for prompt in track.prompts)
        shape = track.shape and track.shape.scaled(across, down)
        return replace(track, prompts=prompts, shape=shape, adjustment=track.adjustment and track.adjustment.scaled(factor))

    adjustment = edit.adjustment.scaled(factor)
    files = tuple((name, _scaled_mask(content, size)) for name, content in edit.files)
    tracks, in_front = (tuple(map(scaled, tracks)) for tracks in (edit.tracks, edit.in_front))
    return replace(edit, tracks=tracks, in_front=in_front, adjustment=adjustment, files=files)


def _scaled_mask(content: str, size: tuple[int, int]) -> str:
    """A mask of a prompt as a PNG of (W, H) pixels; both in base64."""
    import cv2
    import numpy as np

    try:
        with open_picture(io.BytesIO(unpacked(content)), "of a mask in the recipe", ("PNG",)) as picture:
            mask = np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError):
        raise InputError("a mask in the recipe is damaged: export the video again for a new recipe") from None
    larger = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if size[0] < mask.shape[1] else cv2.INTER_LINEAR)
    return base64.b64encode(cv2.imencode(".png", np.where(larger >= 128, np.uint8(255), np.uint8(0)))[1].tobytes()).decode()


def _recorded_region(edit: RecipeEdit, reader: ClipReader) -> tuple[MaskSequence, Feather]:
    from core.masks import Feather

    region = recorded_masks(edit.region)
    if region.size != reader.info.size:
        raise InputError(
            f"the recipe's region is for frames of {region.size[0]}x{region.size[1]}, the video has {reader.info.size}: "
            "export the video again for a new recipe"
        )
    return region, Feather(edit.feather, tuple((pixels, recorded_masks(masks)) for pixels, masks in edit.feathers))


def _region_anew(
    replay: _Replay, edit: RecipeEdit, reader: ClipReader, plain: ClipReader, span: tuple[int, int]
) -> tuple[MaskSequence, Feather, MaskSequence]:
    """Track the recipe's objects from their prompts, shot by shot: the region that their adjusted
    masks make, its edge, and the objects themselves.
    """
    from core.background.affected import affected_masks, united
    from core.masks import adjusted, own_masks, RegionPart

    found, shots = _tracked_anew(replay, edit, reader, plain, span)
    cuts = tuple(start for start, _ in shots[1:])
    tracks = {track.object_id: replace(track, confirmed=()) for track in edit.tracks}  # these masks are others
    ways = {object_id: (track.adjusted_by(edit.adjustment), track.kept_exactly(edit.adjustment)) for object_id, track in tracks.items()}
    parts = [RegionPart(masks, ways[object_id][0], cuts, ways[object_id][1]) for object_id, masks in found.items()]
    region, feather = adjusted(parts, range(*span), replay.context)
    if edit.shadows:
        region = united(region, affected_masks(reader, united(region.empty(region.size, *span), *found.values()), replay.context))
    if all(region.is_empty(frame) for frame in region.frames):
        raise InputError(
            "the recipe's objects are nowhere in this video, so there is nothing to edit: give one that begins with them where they were"
        )
    return region, feather, own_masks(parts, range(*span))


def _tracked_anew(
    replay: _Replay, edit: RecipeEdit, reader: ClipReader, plain: ClipReader, span: tuple[int, int]
) -> tuple[dict[int, MaskSequence], list[tuple[int, int]]]:
    """The masks of the recipe's objects, tracked from their prompts or drawn as their shapes, and
    the shots of the video.
    """
    from core.masks.shapes import shape_masks

    prompts = {track.object_id: list(track.prompts) for track in edit.tracks if track.prompts}
    shapes = {track.object_id: track.shape for track in edit.tracks if track.shape is not None and not track.prompts}
    if not prompts and not shapes:
        raise InputError(
            "the recipe's masks came from elsewhere, not from prompts: it can be replayed on its own video only, without --video"
        )
    for track in edit.tracks:
        if not track.prompts and track.object_id not in shapes:
            replay.notes.append(f"the masks of '{track.name}' came from elsewhere, not from prompts: it is left out")
        for prompt in track.prompts:
            _check_on(reader, span, prompt, track.name)
    shots = [span]
    if not edit.through_cuts:  # as in the editor: in the whole video, without edits
        whole = shots_of(plain, (0, len(plain)), replay.context)
        shots = [(max(start, span[0]), min(stop, span[1])) for start, stop in whole if start < span[1] and stop > span[0]]
    for start, stop in shots:
        lost = [t.name for t in edit.tracks if t.prompts and not any(start <= prompt.frame < stop for prompt in t.prompts)]
        if lost:
            replay.notes.append(f"nothing says where {', '.join(lost)} is in the shot {start}:{stop}: these frames are left as they are")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in edit.files:
            target = Path(folder) / "files" / Path(name).name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(unpacked(content))
        segmenter = segmenter_of(replay.engine, edit, replay.recipe, replay.notes)
        found = track_objects(replay.engine, segmenter, reader, prompts, shots, replay.context, Path(folder)) if prompts else {}
    drawn = {object_id: shape_masks(shape, reader.info.size, len(reader)) for object_id, shape in shapes.items()}
    return {**found, **drawn}, shots


def _check_on(reader: ClipReader, span: tuple[int, int], prompt: Prompt, name: str) -> None:
    """Raise InputError when a prompt does not lie on the video."""
    if not span[0] <= prompt.frame < span[1]:
        raise InputError(
            f"the recipe shows '{name}' on frame {prompt.frame}, but of this video it can edit the frames {span[0]}:{span[1]} only: "
            "give one that is long enough"
        )
    try:
        check_prompt(prompt, *reader.info.size, reader.info.frames)
    except InputError as error:
        raise InputError(f"the recipe shows '{name}' where this video has no pixels: {error}") from None


def _recorded_keyframe(keyframe: RecipeKeyframe) -> Keyframe:
    from core.media import read_image
    from core.propagation.request import Keyframe

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keyframe.png"
        path.write_bytes(unpacked(keyframe.image))
        picture = read_image(path)
    insert = None if keyframe.insert is None else carried_insert(keyframe.insert)
    return Keyframe(keyframe.frame, picture, keyframe.task, keyframe.caption, keyframe.seed, keyframe.carried, insert)


def _painter(engine: Engine, settings: SamplingSettings, model: str) -> VideoEngine | PipelineModel:
    """What painted a picture: a keyframe model, or the edit's video model, or its Draft."""
    if settings.painter is not None:
        return engine.painter_for(settings)
    return engine.video_model(engine.named(settings, split_draft(model)[0]))


def _painted_keyframe(
    replay: _Replay,
    model: str,
    keyframe: RecipeKeyframe,
    reader: ClipReader,
    region: MaskSequence,
    feather: Feather,
    free: Sequence[int],
) -> Keyframe:
    """Paint a keyframe again, on the nearest of the `free` frames."""
    from core.background.canvas import behind_keyframe
    from core.keyframe_models.studio import studio_for
    from core.propagation.request import Keyframe

    if not keyframe.painted:
        raise InputError("a keyframe of the recipe was not painted by the model: it can be replayed on its own video only, without --video")
    if not free:
        raise InputError("the recipe has more keyframes than this video has frames with the objects: give a longer one")
    frame = min(free, key=lambda f: abs(f - keyframe.frame))
    behind = behind_keyframe(reader, region, frame)
    last = Painting(keyframe.task, keyframe.caption, keyframe.paint_seed, keyframe.paint_settings, model, keyframe.keep)
    picture = reader.frame(frame)
    for painting in (*keyframe.grown, last):  # the first keeps nothing of the picture it starts from
        studio = studio_for(replay.engine.at_work(_painter(replay.engine, painting.settings, model)))
        prepared = studio.prepare(reader.frame(frame), region[frame], feather.at(frame), behind)
        asked = painting.task, painting.caption, (painting.seed,), painting.settings
        picture = next(iter(prepared.tries(*asked, replay.context, picture, painting.keep)))
    return Keyframe(frame, picture, keyframe.task, keyframe.caption, keyframe.seed, keyframe.carried)
