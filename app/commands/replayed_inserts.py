"""Inserts of a recipe on another video: carried anew with what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.render.recipe import RecipeEdit, RecipeKeyframe
from app.render.recorded_inserts import recorded_picture
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext

if TYPE_CHECKING:
    from core.masks import Feather, MaskSequence
    from core.media import ClipReader
    from core.propagation.request import Keyframe


def inserts_anew(
    edit: RecipeEdit,
    reader: ClipReader,
    span: tuple[int, int],
    track: Callable[[], MaskSequence],
    size: tuple[int, int],
    context: JobContext,
) -> tuple[MaskSequence, Feather, list[Keyframe]]:
    """Carry the inserts of an edit through a video.

    Args:
        edit: The edit; all its keyframes have an insert.
        reader: The video, with the edits below.
        span: The frames start:stop to edit.
        track: Finds the objects of the edit; asked where it has some with prompts.
        size: (W, H) of the video that the recipe was made with.
        context: Reports frames, and can cancel.

    Returns:
        The region, its edge, and the keyframes.

    Raises:
        InputError: A keyframe has no insert, or lies on a frame that the video has not.
    """
    from core.background.affected import united
    from core.inserts.carried import CarriedInsert, LaidInsert
    from core.inserts.path import carry, footprints
    from core.masks import Feather, MaskSequence
    from core.propagation.laid import drawer_of, joined_path
    from core.propagation.request import Keyframe

    things = track() if any(one.prompts or one.shape for one in edit.tracks) else None
    across, down = reader.info.width / size[0], reader.info.height / size[1]
    frames = FrameRange(*span)
    found: list[tuple[RecipeKeyframe, LaidInsert, CarriedInsert]] = []
    for keyframe in _on(edit.keyframes, frames):
        assert keyframe.insert is not None
        laid = LaidInsert(keyframe.insert.insert.scaled(across, down), recorded_picture(keyframe.insert), keyframe.frame)
        found.append((keyframe, laid, carry(reader, laid, things, frames, context)))
    path = joined_path({laid.keyframe: carried.path for _, laid, carried in found})
    region = MaskSequence.empty(reader.info.size, *frames)
    keyframes = []
    for keyframe, laid, carried in found:
        whole = CarriedInsert(laid.insert, laid.picture, path, carried.front)
        region = united(region, footprints(whole, reader.info.size, frames))
        frame = laid.keyframe
        shown = drawer_of(reader, laid).draw(frame, reader.frame(frame), whole.places(frame, reader.info.size), whole.before(frame))
        keyframes.append(Keyframe(frame, shown, keyframe.task, keyframe.caption, keyframe.seed, keyframe.carried, whole))
    return region, Feather(0), keyframes


def _on(keyframes: Sequence[RecipeKeyframe], frames: FrameRange) -> list[RecipeKeyframe]:
    for keyframe in keyframes:
        if keyframe.insert is None:
            raise InputError("the recipe mixes pictures and painted keyframes: it can be replayed on its own video only, without --video")
        if not frames.contains(keyframe.frame):
            raise InputError(f"the recipe lays a picture on frame {keyframe.frame}, which this video has not: give one that is long enough")
    return list(keyframes)
