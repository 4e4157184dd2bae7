"""What a recipe may name. A recipe may come from anybody: it opens nothing on this machine but what
lies beside it, what the person has named, and what has just the content that it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.engine import Engine
from app.render.export import file_stem
from app.render.recipe import Recipe, RecipeEdit
from core.errors import InputError, StudioError
from core.models.catalogue import MODELS
from core.models.presets import split_draft
from core.project.plain import printable


def video_of(recipe: Recipe, path: Path, video: Path | None) -> Path:
    """The video to replay a recipe on.

    Args:
        recipe: The recipe.
        path: The recipe's file.
        video: The video that the person named.

    Returns:
        That one; else one of the recorded name beside the recipe; else the one at the recorded
        place, where that is still the same.

    Raises:
        InputError: There is none of these.
    """
    from core.media import sha256_of

    if video is not None:
        if video.exists():
            return video
        raise InputError(f"there is no video at {video}: check the path")
    recorded = Path(recipe.video)
    beside = path.parent / recorded.name
    if recorded.name not in ("", "..") and beside.exists():
        return beside
    try:
        if (recorded.is_file() or recorded.is_dir()) and recipe.sha256 and sha256_of(recorded) == recipe.sha256:
            return recorded
    except (OSError, ValueError, StudioError):
        pass  # as good as not there
    name = printable(file_stem(recorded.name))
    raise InputError(f"the recipe's video '{name}' is not beside it, and not as it was at its old place: name one with --video")


def check_models(engine: Engine, edits: Sequence[RecipeEdit], path: Path) -> None:
    """Raise InputError for a video model that a recipe may not name: a path that lies neither
    beside it nor in the settings, with other weights than the recipe was made with.

    Args:
        engine: The models.
        edits: The edits of the recipe.
        path: The recipe's file.

    Raises:
        InputError: A model is at a path that the recipe may not name.
    """
    for edit in edits:
        if _is_given(edit.model, engine.settings.model, path):
            continue
        try:
            same = engine.weights(edit.model) == edit.weights
        except StudioError:
            same = False
        if not same:
            raise InputError(
                f"the recipe's model '{edit.model:.100}' is not on this machine as it was: put its folder beside the recipe under that name"
            )


def check_painters(engine: Engine, edits: Sequence[RecipeEdit], path: Path) -> None:
    """Check the keyframe models that paint a recipe's keyframes anew.

    Args:
        engine: The models.
        edits: The edits of the recipe.
        path: The recipe's file.

    Raises:
        InputError: One is at a path that the recipe may not name.
        ModelMissingError: One is not to be had, or can't paint.
    """
    keyframes = [keyframe for edit in edits for keyframe in edit.keyframes]
    settings = [each.settings for keyframe in keyframes for each in keyframe.grown] + [keyframe.paint_settings for keyframe in keyframes]
    for name in dict.fromkeys(each.painter for each in settings if each.painter):
        if not _is_given(name, engine.settings.keyframe_model, path):
            raise InputError(
                f"the recipe's keyframe model '{name:.100}' is not here: put it beside the recipe, or name it with --keyframe-model"
            )
        check_painter(engine, name)


def check_painter(engine: Engine, name: str) -> None:
    """Find a keyframe model and read of which kind it is, before anything slow starts.

    ModelMissingError when it is not to be had, or can't paint.
    """
    from core.keyframe_models.facts import read_facts
    from core.keyframe_models.single_file import base_of, is_alone

    path = engine.store.locate(name, "image")
    read_facts(base_of(path, engine.store) if is_alone(path) else path)


def segmenter_of(engine: Engine, edit: RecipeEdit, path: Path, notes: list[str]) -> str:
    """The segmenter to track an edit's objects with.

    Args:
        engine: The models.
        edit: The edit.
        path: The recipe's file.
        notes: Gets a line where it is another than the recipe names.

    Returns:
        The recorded one where the recipe may name it, else the one of the settings.
    """
    if _is_given(edit.segmenter, engine.settings.segmenter, path):
        return edit.segmenter
    own = engine.settings.segmenter
    notes.append(f"the objects are tracked with the segmenter '{own}': the recipe names a file, '{edit.segmenter:.100}'")
    return own


def _is_given(name: str, chosen: str, path: Path) -> bool:
    """Whether a model is one of the catalogue's, the person's choice, or lies beside the recipe."""
    name, chosen = split_draft(name)[0], split_draft(chosen)[0]
    if name in MODELS or name == chosen:
        return True
    try:
        return Path(name).resolve().is_relative_to(path.resolve().parent)
    except (OSError, ValueError, RuntimeError):
        return False
