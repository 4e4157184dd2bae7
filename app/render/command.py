"""A result as the command that makes one like it."""

from __future__ import annotations

import shlex
from dataclasses import replace

from app.render.recipe import Recipe, RecipeEdit, RecipeKeyframe
from app.settings import Settings
from core.errors import InputError
from core.models.presets import split_draft
from core.project.edits import USUAL_RATE
from core.project.prompts import BoxPrompt, PointPrompt
from core.project.tracks import ALL_HOLES, MaskAdjustment

PROGRAM = ("python3", "launch.py")
ELSE = "export it, and replay the recipe beside it (python3 launch.py replay ...)"


def edit_command(recipe: Recipe) -> str:
    """The `edit` that tracks, paints and propagates as a recipe says.

    Args:
        recipe: Of one edit.

    Returns:
        One line for a shell.

    Raises:
        InputError: What was done can't be said in one command; the line says why.
    """
    if len(recipe.edits) != 1 or len(recipe.edits[0].tracks) != 1:
        raise InputError(f"several objects or edits can't be said in one command: {ELSE}")
    (edit,) = recipe.edits
    if len(edit.keyframes) != 1 or edit.feathers:
        raise InputError(f"several keyframes can't be said in one command: {ELSE}")
    (keyframe,), (track,) = edit.keyframes, edit.tracks
    painted = replace(keyframe.paint_settings, painter=edit.settings.painter, rate=edit.settings.rate), keyframe.paint_seed
    if not keyframe.painted or keyframe.grown or painted != (edit.settings, keyframe.seed):
        raise InputError(f"a keyframe that came from elsewhere, or was branched, can't be said in one command: {ELSE}")
    if not track.prompts or not all(isinstance(prompt, (PointPrompt, BoxPrompt)) for prompt in track.prompts):
        raise InputError(f"painted masks can't be said in one command: {ELSE}")
    words = [*PROGRAM, "edit", recipe.video, "--out", "out"]
    for prompt in track.prompts:
        if isinstance(prompt, BoxPrompt):
            words += ["--box", f"{prompt.frame}:{_pixels(prompt.x0, prompt.y0, prompt.x1, prompt.y1)}"]
        elif isinstance(prompt, PointPrompt):
            words += ["--point" if prompt.positive else "--not-point", f"{prompt.frame}:{_pixels(prompt.x, prompt.y)}"]
    if edit.front is not None:
        raise InputError(f"what stays in front of an edit can't be said in one command: {ELSE}")
    words += [*_asked(edit, keyframe), *_adjusted(track.adjusted_by(edit.adjustment), edit.feather)]
    if edit.span != (0, recipe.frames):
        words += ["--frames", f"{edit.span[0]}:{edit.span[1]}"]
    flags = (
        ("--only-frames", edit.span != (0, recipe.frames) and not recipe.whole),
        ("--through-cuts", edit.through_cuts),
        ("--deinterlace", recipe.deinterlace),
    )
    return shlex.join([*words, *(flag for flag, wanted in flags if wanted), *_models(edit, keyframe)])


def _pixels(*numbers: float) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _asked(edit: RecipeEdit, keyframe: RecipeKeyframe) -> list[str]:
    words = ["--task", keyframe.task]
    if keyframe.task != "delete":
        words += ["--caption", keyframe.caption]
    elif not edit.shadows:
        words += ["--shadows", "off"]
    start = ["--direct"] if keyframe.carried == "direct" else ["--frame", str(keyframe.frame)]
    words += [*start, "--seed", str(keyframe.seed)]
    settings = edit.settings
    opacity, blend = None if edit.mix.opacity == 1 else f"{edit.mix.opacity:g}", None if edit.mix.blend == "normal" else edit.mix.blend
    rate = None if settings.rate == USUAL_RATE else settings.rate
    numbers = (("--steps", settings.steps), ("--guidance", settings.guidance), ("--fit", settings.fit), ("--rate", rate))
    given = (("--preset", settings.preset), *numbers, ("--opacity", opacity), ("--blend", blend))
    for option, value in given:
        if value is not None:
            words += [option, str(value)]
    return words


def _adjusted(adjustment: MaskAdjustment, feather: int) -> list[str]:
    form = f"{adjustment.form}:{adjustment.pixels}" if adjustment.form.endswith("expand") else adjustment.form
    holes = "all" if adjustment.holes == ALL_HOLES else str(adjustment.holes)
    more = [f"holes:{holes}"] * bool(adjustment.holes) + [f"smooth:{adjustment.smooth}"] * bool(adjustment.smooth)
    return ["--adjust", ",".join([form, *more]), "--feather", str(feather)]


def _models(edit: RecipeEdit, keyframe: RecipeKeyframe) -> list[str]:
    usual = Settings()
    chosen = (("--segmenter", edit.segmenter, usual.segmenter), ("--model", split_draft(edit.model)[0], usual.model))
    words = [word for option, name, default in chosen if name != default for word in (option, name)]
    painter = keyframe.paint_settings.painter
    return words if painter is None else [*words, "--keyframe-model", painter]
