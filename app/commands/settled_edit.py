"""The last part of every `edit`: what was settled becomes a video with its report and recipe."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.edit_arguments import EditArguments
from app.commands.edit_recipe import edit_recipe
from app.commands.part_files import write_parts
from app.commands.prompt_arguments import PromptArguments
from app.engine import Engine
from app.render.edit import plan, RenderRequest, Stopwatch, write_edited_video
from core.progress import JobContext
from core.project.video import Clip

if TYPE_CHECKING:
    from core.media import ClipReader
    from core.project.prompts import Prompt

WINDOWS = ".windows"
"""Where finished windows lie in OUT until the result is whole."""


@dataclass(frozen=True)
class SettledEdit:
    """An edit of which all is settled but its pixels.

    Attributes:
        request: The video to make.
        model: The name of the video model.
        clip: What is edited.
        prompts: Where the object is, as it was found.
        given: Where it is, as it was said.
        arguments: What was asked for.
        images: The files of the keyframes.
        suspect: The frames to check.
    """

    request: RenderRequest
    model: str
    clip: Clip
    prompts: list[Prompt]
    given: PromptArguments
    arguments: EditArguments
    images: list[Path]
    suspect: list[list[Any]]


def write_edit(
    engine: Engine, edit: SettledEdit, reader: ClipReader, out: Path, context: JobContext, stopwatch: Stopwatch
) -> dict[str, Any]:
    """Write the video, the parts that were asked for, the report and the recipe.

    Args:
        engine: The models.
        edit: What to do.
        reader: The clip.
        out: The folder of the result.
        context: Progress and cancelling.
        stopwatch: Has the seconds of what was done before.

    Returns:
        The report.

    Raises:
        StorageError: The disk refuses.
        Cancelled: The job was stopped; the windows that were finished stay in OUT.
    """
    from core.files import write_text

    arguments, model = edit.arguments, engine.video_model(edit.model)
    planned = plan(edit.request, engine.at_work(model), out / WINDOWS, engine.run_segments)
    report = write_edited_video(
        planned,
        reader,
        out,
        context,
        png=arguments.png,
        whole=not arguments.only_frames,
        stopwatch=stopwatch,
        also={"suspect": edit.suspect},
    )
    write_parts(out, arguments.also, planned, reader, context)
    recipe = edit_recipe(edit.request, model.name, edit.prompts, edit.given, arguments, engine.settings.segmenter, edit.clip, edit.images)
    recipe = replace(recipe, edits=(replace(recipe.edits[0], speed=report["speed"]),))
    write_text(out / "recipe.json", recipe.dumps())
    shutil.rmtree(out / WINDOWS, ignore_errors=True)
    return report
