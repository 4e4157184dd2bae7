"""`launch.py replay`: make a recipe's result again without the editor, on its own video to the same
pixels, or on another one.
"""

from __future__ import annotations

import base64
import json
import math
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.result_folder import result_folder
from app.engine import Engine
from app.jobs.propagation import half_size
from app.render.edit import make_windows, plan, RenderRequest
from app.render.export import file_stem, format_of, write_clip
from app.render.recipe import Recipe, RecipeEdit, RecipeKeyframe
from app.render.track import follow, shots_of
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.edits import Painting
from core.project.prompts import check_prompt, Prompt, scaled_prompt
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

    from core.masks import Feather, MaskSequence
    from core.media import ClipReader
    from core.propagation.request import Keyframe
    from core.propagation.stack import AppliedEdit

WINDOWS = ".windows"


def replay_to_folder(
    engine: Engine, path: Path, out: Path, context: JobContext, *, video: Path | None = None, codec: str | None = None, anew: bool = False
) -> dict[str, Any]:
    """Carry out the recipe at `path` and write OUT/output.* and OUT/report.json; returns the
    report.

    On the recipe's own video the recorded region and keyframes are used, so that everything
    corrected by hand is in; on another `video`, or with `anew`, the objects are tracked from their
    prompts and the keyframes painted from their captions. InputError when the video is not there,
    or when the recipe can't be done on it; finished windows stay in OUT until the result is whole.
    """
    from core.files import write_text
    from core.media import open_clip, sha256_of

    recipe = Recipe.load(path)
    source = _video_of(recipe, path, video)
    kind = format_of(codec or recipe.codec)
    name = f"output{kind.suffix}"
    with result_folder(out, (name, "report.json"), {}, (source, path)), open_clip(source) as reader:
        from core.propagation.stack import StackedReader  # with torch, which takes seconds: not before what was handed in is looked at

        sha256 = sha256_of(source)
        own = sha256 == recipe.sha256
        frames = len(reader)
        span = (min(recipe.span[0], frames - 1), min(recipe.span[1], frames))
        applied: list[AppliedEdit] = []
        base = ""
        notes: list[str] = []
        for number, edit in enumerate(recipe.edits):
            below = StackedReader(reader, applied)
            anew_on = None if own and not anew else reader
            windows = out / WINDOWS / str(number)
            done, keys = _apply(engine, edit, below, f"{sha256} {base}", source, windows, anew_on, context, notes)
            if engine.weights(edit.model) != edit.weights:
                notes.append(f"edit {number + 1} was made with other weights under the name {edit.model}")
            applied.append(done)
            base = f"{base}+{'+'.join(keys)}"
        write_clip(StackedReader(reader, applied), span, source, kind.codec, out / name, context)
        report = {
            "recipe": path.name,
            "video": source.name,
            "own_video": own,
            "frames": span[1] - span[0],
            "edits": len(recipe.edits),
            "notes": notes,
        }
        write_text(out / "report.json", json.dumps(report, indent=1))
        shutil.rmtree(out / WINDOWS, ignore_errors=True)
    return {**report, "output": name}


def _video_of(recipe: Recipe, path: Path, video: Path | None) -> Path:
    """The video that was named, else the recipe's own: where it was, or beside the recipe."""
    recorded = Path(recipe.video)
    candidates = [video] if video is not None else [recorded, path.parent / recorded.name]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise InputError(f"the recipe's video '{file_stem(recorded.name)}' is neither where it was nor beside it: name one with --video")


def _apply(
    engine: Engine,
    edit: RecipeEdit,
    reader: ClipReader,
    clip: str,
    source: Path,
    folder: Path,
    anew_on: ClipReader | None,
    context: JobContext,
    notes: list[str],
) -> tuple[AppliedEdit, list[str]]:
    """One edit of the recipe on the frames of `reader`, as recorded or anew on the video `anew_on`;
    returns it and its windows' names.
    """
    from core.propagation.request import EditRequest
    from core.propagation.stack import AppliedEdit

    span = (edit.span[0], min(edit.span[1], len(reader)))
    if span[0] >= span[1]:
        raise InputError(f"the recipe edits the frames {edit.span[0]}:{edit.span[1]}, but the video has {len(reader)}: give a longer one")
    recorded = anew_on is None
    if not recorded:
        edit = on_size(edit, reader.info.size, notes)
    if anew_on is None:
        region, feather = _recorded_region(edit, reader)
    else:
        region, feather = _region_anew(engine, edit, reader, anew_on, span, context, notes)
    context.report("loading the model", 0, 1)
    model = engine.video_model(edit.model)
    keyframes: list[Keyframe] = []
    for keyframe in edit.keyframes:
        taken = {one.frame for one in keyframes}
        keyframes.append(_keyframe(engine, edit, keyframe, reader, region, feather, span, recorded, taken, context))
    keyframes.sort(key=lambda one: one.frame)
    if edit.draft:
        model = half_size(model)
    asked = EditRequest(FrameRange(*span), region, tuple(keyframes), edit.settings, feather)
    planned = plan(RenderRequest(asked, source, clip, engine.weights(edit.model)), model, folder)
    make_windows(planned, reader, context)
    pictures = {keyframe.frame: _constant(keyframe.picture) for keyframe in keyframes}
    windows = tuple((window.start, window.stop, window.path) for window in planned.windows)
    return AppliedEdit(asked.frames, region, windows, pictures), [window.key for window in planned.windows]


def on_size(edit: RecipeEdit, size: tuple[int, int], notes: list[str]) -> RecipeEdit:
    """The edit for a video of (W, H) pixels: what it says in pixels is scaled from the size of its
    own, which goes to `notes`.

    The masks that were recorded stay as they are.
    """
    own = _recorded(edit.region).size
    if own == size:
        return edit
    across, down = size[0] / own[0], size[1] / own[1]
    factor = math.sqrt(across * down)
    note = f"the recipe is for frames of {own[0]}x{own[1]}, this video's are {size[0]}x{size[1]}: places and widths are scaled to them"
    if note not in notes:
        notes.append(note)

    def scaled(track: MaskTrack) -> MaskTrack:
        prompts = tuple(scaled_prompt(prompt, across, down) for prompt in track.prompts)
        return replace(track, prompts=prompts, adjustment=track.adjustment and track.adjustment.scaled(factor))

    adjustment = edit.adjustment.scaled(factor)
    files = tuple((name, _scaled_mask(content, size)) for name, content in edit.files)
    return replace(edit, tracks=tuple(map(scaled, edit.tracks)), adjustment=adjustment, files=files)


def _scaled_mask(content: str, size: tuple[int, int]) -> str:
    """A mask of a prompt as a PNG of (W, H) pixels; both in base64."""
    import cv2
    import numpy as np

    mask = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise InputError("a mask in the recipe is damaged: export the video again for a new recipe")
    larger = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if size[0] < mask.shape[1] else cv2.INTER_LINEAR)
    return base64.b64encode(cv2.imencode(".png", np.where(larger >= 128, np.uint8(255), np.uint8(0)))[1].tobytes()).decode()


def _constant(picture: np.ndarray) -> Any:
    return lambda: picture


def _recorded(masks: str) -> MaskSequence:
    from core.masks import MaskSequence

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "region.masks"
        path.write_bytes(base64.b64decode(masks))
        return MaskSequence.load(path)


def _recorded_region(edit: RecipeEdit, reader: ClipReader) -> tuple[MaskSequence, Feather]:
    from core.masks import Feather

    region = _recorded(edit.region)
    if region.size != reader.info.size:
        raise InputError(
            f"the recipe's region is for frames of {region.size[0]}x{region.size[1]}, the video has {reader.info.size}: "
            "export the video again for a new recipe"
        )
    return region, Feather(edit.feather, tuple((pixels, _recorded(masks)) for pixels, masks in edit.feathers))


def _region_anew(
    engine: Engine,
    edit: RecipeEdit,
    reader: ClipReader,
    plain: ClipReader,
    span: tuple[int, int],
    context: JobContext,
    notes: list[str],
) -> tuple[MaskSequence, Feather]:
    """Track the recipe's objects from their prompts, shot by shot, and adjust them as it says.

    What can't be done goes to `notes`.
    """
    from core.masks import adjusted, RegionPart

    prompts = {track.object_id: list(track.prompts) for track in edit.tracks if track.prompts}
    if not prompts:
        raise InputError(
            "the recipe's masks came from elsewhere, not from prompts: it can be replayed on its own video only, without --video"
        )
    for track in edit.tracks:
        if not track.prompts:
            notes.append(f"the masks of '{track.name}' came from elsewhere, not from prompts: it is left out")
        for prompt in track.prompts:
            _check_on(reader, span, prompt, track.name)
    shots = [span]
    if not edit.through_cuts:  # looked for as the editor does: in the video below all edits, and in all of it
        whole = shots_of(plain, (0, len(plain)), context)
        shots = [(max(start, span[0]), min(stop, span[1])) for start, stop in whole if start < span[1] and stop > span[0]]
    for start, stop in shots:
        lost = [t.name for t in edit.tracks if t.prompts and not any(start <= prompt.frame < stop for prompt in t.prompts)]
        if lost:
            notes.append(f"nothing says where {', '.join(lost)} is in the shot {start}:{stop}: these frames are left as they are")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in edit.files:
            target = Path(folder) / "files" / Path(name).name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(base64.b64decode(content))
        found = follow(engine, edit.segmenter, reader, prompts, shots, context, Path(folder))
    ways = {track.object_id: track.adjusted_by(edit.adjustment) for track in edit.tracks}
    cuts = tuple(start for start, _ in shots[1:])
    region, feather = adjusted([RegionPart(masks, ways[object_id], cuts) for object_id, masks in found.items()], range(*span), context)
    if all(region.is_empty(frame) for frame in region.frames):
        raise InputError(
            "the recipe's objects are nowhere in this video, so there is nothing to edit: give one that begins with them where they were"
        )
    return region, feather


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


def _keyframe(
    engine: Engine,
    edit: RecipeEdit,
    keyframe: RecipeKeyframe,
    reader: ClipReader,
    region: MaskSequence,
    feather: Feather,
    span: tuple[int, int],
    recorded: bool,
    taken: Collection[int],
    context: JobContext,
) -> Keyframe:
    """The recorded picture; or one painted anew, on the nearest frame that has a region and is not
    `taken` by another keyframe.
    """
    from core.media import read_image
    from core.propagation.request import Keyframe
    from core.vivid.keyframe import behind_keyframe, KeyframeStudio

    if recorded:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "keyframe.png"
            path.write_bytes(base64.b64decode(keyframe.image))
            return Keyframe(keyframe.frame, read_image(path), keyframe.task, keyframe.caption, keyframe.seed)
    if not keyframe.painted:
        raise InputError(
            "a keyframe of the recipe was made elsewhere, not by the model: it can be replayed on its own video only, without --video"
        )
    free = [frame for frame in range(*span) if not region.is_empty(frame) and frame not in taken]
    if not free:
        raise InputError(f"the recipe has more keyframes than this video has frames with the objects ({len(taken)}): give a longer one")
    frame = min(free, key=lambda f: abs(f - keyframe.frame))
    studio = KeyframeStudio(engine.video_model(edit.model))
    prepared = studio.prepare(reader.frame(frame), region[frame], feather.at(frame), behind_keyframe(reader, region, frame))
    last = Painting(keyframe.task, keyframe.caption, keyframe.paint_seed, keyframe.paint_settings, edit.model, keyframe.keep)
    picture = reader.frame(frame)
    for one in (*keyframe.grown, last):  # the first of them keeps nothing of what it starts from
        picture = next(iter(prepared.tries(one.task, one.caption, (one.seed,), one.settings, context, picture, one.keep)))
    return Keyframe(frame, picture, keyframe.task, keyframe.caption, keyframe.seed)
