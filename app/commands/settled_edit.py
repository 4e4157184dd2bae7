"""The last part of every `edit`: what was settled becomes a video with its report and recipe."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.edit_arguments import EditArguments
from app.commands.edit_recipe import edit_recipe
from app.commands.part_files import write_parts
from app.commands.prompt_arguments import PromptArguments
from app.engine import Engine
from app.render.edit import Below, EditPlan, make_windows, plan, RenderRequest, Stopwatch, write_edited_video
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


@dataclass(frozen=True)
class MadeBelow:
    """Edits of other objects whose windows are made, the lowest first, and the clip without
    them.
    """

    reader: ClipReader
    edits: tuple[SettledEdit, ...] = ()
    plans: tuple[EditPlan, ...] = ()

    @property
    def ground(self) -> ClipReader:
        """What the next edit is made on."""
        from core.propagation.stack import StackedReader, without_mix

        if not self.plans:
            return self.reader
        return StackedReader(self.reader, without_mix([plan.applied(number > 0) for number, plan in enumerate(self.plans)]))

    @property
    def clip(self) -> str:
        """Names the frames of that, by what they are made of."""
        fronts = [hashlib.sha256(plan.request.front.to_bytes()).hexdigest() for plan in self.plans if plan.request.front is not None]
        return "+".join([*(window.key for plan in self.plans for window in plan.windows), *fronts])

    def with_edit(self, engine: Engine, edit: SettledEdit, out: Path, context: JobContext) -> MadeBelow:
        """The same with one more edit on top, whose windows are made.

        Args:
            engine: The models.
            edit: What to do.
            out: The folder of the result.
            context: Progress and cancelling.

        Returns:
            What the next edit lies on.

        Raises:
            StorageError: The disk refuses.
            Cancelled: The job was stopped.
        """
        plan = _planned(engine, edit, out, self)
        make_windows(plan, self.ground, context)
        return MadeBelow(self.reader, (*self.edits, edit), (*self.plans, plan))


def _planned(engine: Engine, edit: SettledEdit, out: Path, below: MadeBelow) -> EditPlan:
    model = engine.video_model(edit.model)
    request = replace(edit.request, clip=f"{edit.request.clip}+{below.clip}") if below.plans else edit.request
    return plan(request, engine.at_work(model), out / WINDOWS, engine.run_segments)


def write_edit(engine: Engine, edit: SettledEdit, below: MadeBelow, out: Path, context: JobContext, stopwatch: Stopwatch) -> dict[str, Any]:
    """Write the video, the parts that were asked for, the report and the recipe.

    Args:
        engine: The models.
        edit: What to do.
        below: The clip, with the edits that lie below.
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

    planned, ground = _planned(engine, edit, out, below), below.ground
    if below.plans:
        planned = replace(planned, below=Below(below.reader, below.plans))
    edits = (*below.edits, edit)
    report = write_edited_video(
        planned,
        ground,
        out,
        context,
        png=edit.arguments.png,
        whole=not edit.arguments.only_frames,
        stopwatch=stopwatch,
        also={"suspect": [row for one in edits for row in one.suspect]},
    )
    write_parts(out, edit.arguments.also, planned, ground, context)
    segmenter = engine.settings.segmenter
    recipes = [
        edit_recipe(one.request, engine.video_model(one.model).name, one.prompts, one.given, one.arguments, segmenter, one.clip, one.images)
        for one in edits
    ]
    made = (replace(recipe.edits[0], speed=report["speed"], joined=number > 0) for number, recipe in enumerate(recipes))
    write_text(out / "recipe.json", replace(recipes[-1], edits=tuple(made)).dumps())
    shutil.rmtree(out / WINDOWS, ignore_errors=True)
    return report
