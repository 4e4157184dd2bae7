"""The recipe of what the command line made."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import cast, TYPE_CHECKING

from app.commands.prompt_arguments import OBJECT, PromptArguments
from app.render.edit import RenderRequest
from app.render.recipe import Recipe, RecipeEdit, RecipeKeyframe
from app.render.recorded_inserts import recorded_insert
from core.project.edits import Task
from core.project.prompts import Prompt
from core.project.tracks import MaskTrack
from core.project.video import Clip

if TYPE_CHECKING:
    from app.commands.edit_arguments import EditArguments
    from core.masks import MaskSequence


def edit_recipe(
    request: RenderRequest,
    model: str,
    given: list[Prompt],
    prompts: PromptArguments,
    arguments: EditArguments,
    segmenter: str,
    clip: Clip,
    images: Sequence[Path],
) -> Recipe:
    """What the command line made, as `replay` makes it again.

    Masks that were handed in have no prompts to make them anew from.

    Args:
        request: What was rendered.
        model: Name of the video model.
        given: The prompts, none where masks were handed in.
        prompts: The same as they were written.
        arguments: What else was asked for.
        segmenter: Name of the segmenter.
        clip: The video.
        images: Files of the accepted keyframes, in the order of the request's; none of a direct
            edit.

    Returns:
        The recipe.
    """
    asked = request.edit
    files: Sequence[Path | None] = images or [None] * len(asked.keyframes)
    keyframes = tuple(
        RecipeKeyframe(
            frame=keyframe.frame,
            task=cast(Task, keyframe.task),
            caption=keyframe.caption,
            seed=keyframe.seed,
            paint_seed=keyframe.seed,
            paint_settings=arguments.settings,
            painted=not arguments.keyframes and keyframe.insert is None,
            image="" if image is None else base64.b64encode(image.read_bytes()).decode(),
            carried=keyframe.carried,
            insert=None if keyframe.insert is None else recorded_insert(keyframe.insert),
        )
        for keyframe, image in zip(asked.keyframes, files, strict=True)
    )
    edit = RecipeEdit(
        span=asked.frames,
        tracks=(MaskTrack(OBJECT, "Object 1", (255, 255, 255), tuple(given)),) if given else (),
        adjustment=arguments.adjustment,
        segmenter=segmenter,
        model=model,
        weights=request.weights,
        settings=asked.settings,
        feather=asked.feather.pixels,
        draft=False,
        keyframes=keyframes,
        region=base64.b64encode(asked.region.to_bytes()).decode(),
        through_cuts=prompts.through_cuts,
        shadows=arguments.shadows and arguments.task == "delete",
        mix=request.mix,
        front=_recorded(request.front),
        things=_recorded(asked.things),
    )
    whole = not arguments.only_frames
    span = (0, clip.info.frames) if whole else asked.frames
    return Recipe(clip.source, clip.sha256, clip.info.frames, span, "h264", (edit,), clip.deinterlace, whole)


def _recorded(masks: MaskSequence | None) -> str | None:
    return None if masks is None else base64.b64encode(masks.to_bytes()).decode()
