"""Recipes: everything that an edit was made of, in one JSON file, so that it can be made again
without the editor.

A recipe holds the prompts and the mask operations as well as what they came to (the region, the
accepted keyframes): on the same video the recorded ones give the same pixels whatever was corrected
by hand; on another video everything is made anew.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path

from app.storage.workspace import Workspace
from core.errors import InputError
from core.files import check_regular
from core.geometry import FrameRange
from core.project.codec import decode, encode
from core.project.edits import (
    Carried,
    check_keep,
    check_seed,
    check_task,
    KeyframeEdit,
    Painting,
    PropagatedKeyframe,
    Propagation,
    SamplingSettings,
    Task,
)
from core.project.inserts import Corners, Insert
from core.project.mix import Mix, PLAIN
from core.project.plain import parse_json
from core.project.project import Project
from core.project.prompts import check_beside, MaskPrompt
from core.project.tracks import MaskAdjustment, MaskTrack
from core.project.video import MOST_FRAMES

VERSION = 1
_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Asked:
    """What a propagation was made of, as the document had it when it started."""

    tracks: tuple[MaskTrack, ...]
    adjustment: MaskAdjustment
    edits: tuple[KeyframeEdit, ...]
    segmenter: str
    weights: str
    shadows: bool = False
    in_front: tuple[MaskTrack, ...] = ()


@dataclass(frozen=True)
class RecipeInsert:
    """A picture of one's own as it was carried: the `picture` as PNG and the mask sequence of what
    passes before it, both in base64, and its corners on each frame that shows it.
    """

    insert: Insert
    picture: str
    path: tuple[tuple[int, Corners], ...]
    front: str | None = None


@dataclass(frozen=True)
class RecipeKeyframe:
    """A keyframe to carry. `image` is the PNG as it was accepted, empty where there is none, in a
    direct edit; `painted` says whether the model made it from the caption and the seed.

    `paint_seed` and `paint_settings` are those of the try, `seed` the one that its stretch of the
    clip is made with. Where it was started from a share `keep` of another picture, `grown` says
    what that one was painted of. An `insert` is a picture that was laid on it.
    """

    frame: int
    task: Task
    caption: str
    seed: int
    paint_seed: int
    paint_settings: SamplingSettings
    painted: bool
    image: str
    keep: float = 0.0
    grown: tuple[Painting, ...] = ()
    carried: Carried = "picture"
    insert: RecipeInsert | None = None

    def __post_init__(self) -> None:
        check_task(self.task, self.caption)
        check_keep(self.keep)
        check_seed(self.seed)
        check_seed(self.paint_seed)


@dataclass(frozen=True)
class RecipeEdit:
    """One edit of the stack. `files` are those that mask prompts name, `region` the mask sequence
    that was edited; both in base64. Its edge is soft over `feather` pixels; where objects
    differ, `feathers` are (pixels, mask sequence) for each width.

    `through_cuts` says that the objects were followed from one shot into the next as if there were
    no cut. `shadows` says that the region took in what the objects affect, as it is looked for when
    the objects are tracked anew. `speed` names the levers of the video model, empty in recipes of
    earlier versions.

    `mix` says how it lies over what is below; one that is `joined` belongs to the same result as
    the edit below it, and was made on that one without its mix. `front` is the mask sequence of
    what stays in front of it, in base64: the objects `in_front`. `things` is that of what is edited
    itself, without what the region has around it; None where no keyframe is carried along its
    motion.
    """

    span: tuple[int, int]
    tracks: tuple[MaskTrack, ...]
    adjustment: MaskAdjustment
    segmenter: str
    model: str
    weights: str
    settings: SamplingSettings
    feather: int
    draft: bool
    keyframes: tuple[RecipeKeyframe, ...]
    region: str
    files: tuple[tuple[str, str], ...] = ()
    through_cuts: bool = False
    feathers: tuple[tuple[int, str], ...] = ()
    shadows: bool = False
    speed: str = ""
    mix: Mix = PLAIN
    joined: bool = False
    front: str | None = None
    in_front: tuple[MaskTrack, ...] = ()
    things: str | None = None

    def __post_init__(self) -> None:
        FrameRange(*self.span).check(MOST_FRAMES)
        if not self.keyframes:
            raise InputError("an edit of the recipe has no keyframe: export the video again for a new recipe")
        for file, _ in self.files:
            check_beside(file)
        for keyframe in self.keyframes:
            FrameRange(*self.span).check_frame(keyframe.frame)


@dataclass(frozen=True)
class Recipe:
    """A whole result: the video, the span that is written and as what, and the edits, the lowest
    first. `deinterlace` makes whole frames of the fields of an interlaced video. `whole` says that
    the span is the whole video, in which what no edit changes is copied where that is possible.
    """

    video: str
    sha256: str
    frames: int
    span: tuple[int, int]
    codec: str
    edits: tuple[RecipeEdit, ...]
    deinterlace: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        FrameRange(*self.span).check(self.frames)

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps({"vivid_recipe": VERSION, **encode(self)}, indent=1)

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe; InputError when the file is none, is damaged, or was written by a newer
        version.
        """
        check_regular(path)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise InputError(f"the recipe '{path}' is too large to be read: export the video again for a new one")
            data = parse_json(path.read_text(encoding="utf-8"))
            version = data.pop("vivid_recipe")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"'{path}' is not a recipe of VIVID Studio: give the .recipe.json beside an exported video") from None
        if not isinstance(version, int) or not 1 <= version <= VERSION:
            raise InputError(
                f"the recipe '{path}' was written by a newer version ({version}; this version reads up to {VERSION}): update VIVID Studio"
            )
        try:
            return decode(cls, data)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, InputError) as error:
            raise InputError(f"the recipe '{path}' is damaged ({error}): export the video again for a new one") from error


def unpacked(text: str) -> bytes:
    """What a recipe holds in base64; InputError for text that is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise InputError("a file in the recipe is damaged: export the video again for a new recipe") from None


def asked_for(project: Project, segmenter: str, weights: str) -> bytes:
    """What a propagation that starts now is made of, to be kept beside the project: the document
    itself goes on.

    Args:
        project: As it stands.
        segmenter: Name of the segmenter.
        weights: Names the model's weights.

    Returns:
        JSON.
    """
    tracks = tuple(track for track in project.edited_tracks if track.masks)
    keyframes = project.accepted_keyframes
    shadows = project.shadows and all(edit.task == "delete" for edit in keyframes)
    asked = Asked(tracks, project.adjustment, keyframes, segmenter, weights, shadows, project.front_tracks)
    return json.dumps(encode(asked), sort_keys=True).encode()


def recipe_of(workspace: Workspace, project: Project, stack: list[Propagation], span: tuple[int, int], codec: str, whole: bool) -> Recipe:
    """The recipe of a stack of propagations, the lowest first. InputError when a file of the
    project is gone.

    Args:
        workspace: Where the project's files are.
        project: The project.
        stack: The propagations, the lowest first.
        span: The frames start:stop of the export.
        codec: How it is written.
        whole: Whether it is an export of the whole clip.

    Returns:
        The recipe.
    """
    edits = tuple(
        replace(_edit(workspace, project, part, _speed(workspace, project, propagation)), joined=number > 0)
        for propagation in stack
        for number, part in enumerate(propagation.parts)
    )
    clip = project.clip
    return Recipe(clip.source, clip.sha256, clip.info.frames, span, codec, edits, clip.deinterlace, whole)


def _edit(workspace: Workspace, project: Project, propagation: Propagation, speed: str) -> RecipeEdit:
    def text(relative: str) -> str:
        return base64.b64encode(workspace.file(project.project_id, relative).read_bytes()).decode()

    def insert(keyframe: PropagatedKeyframe) -> RecipeInsert | None:
        if keyframe.insert is None or keyframe.path is None:
            return None
        path = parse_json(workspace.file(project.project_id, keyframe.path).read_text(encoding="utf-8"))
        corners = decode(tuple[tuple[int, Corners], ...], [[int(frame), there] for frame, there in path.items()])
        front = None if keyframe.front is None else region(keyframe.front)
        return RecipeInsert(replace(keyframe.insert, picture=""), text(keyframe.insert.picture), corners, front)

    def region(relative: str) -> str:
        from core.masks import MaskSequence

        return base64.b64encode(MaskSequence.load(workspace.file(project.project_id, relative)).to_bytes()).decode()

    if propagation.asked is None:
        raise InputError("this result was made by an earlier version, which kept no recipe: propagate again for one")
    try:
        asked = decode(Asked, parse_json(workspace.file(project.project_id, propagation.asked).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("the recipe of this result is damaged: propagate again for a new one") from error
    tries = {edit.edit_id: edit for edit in asked.edits}
    keyframes = tuple(
        RecipeKeyframe(
            k.frame,
            k.task,
            k.caption,
            k.seed,
            tries[k.edit_id].seed,
            tries[k.edit_id].settings,
            k.carried == "direct" or all(painting.model == propagation.model for painting in tries[k.edit_id].paintings),
            "" if k.carried == "direct" else text(k.image),
            tries[k.edit_id].keep,
            tries[k.edit_id].grown,
            k.carried,
            insert(k),
        )
        for k in propagation.keyframes
    )
    named = {p.file for track in (*asked.tracks, *asked.in_front) for p in track.prompts if isinstance(p, MaskPrompt)}
    return RecipeEdit(
        span=propagation.span,
        tracks=asked.tracks,
        adjustment=asked.adjustment,
        segmenter=asked.segmenter,
        model=propagation.model,
        weights=asked.weights,
        settings=propagation.settings,
        feather=propagation.feather,
        feathers=tuple((pixels, region(relative)) for pixels, relative in propagation.feathers),
        draft=propagation.draft,
        keyframes=keyframes,
        region=region(propagation.region),
        files=tuple((file, text(file)) for file in sorted(named)),
        shadows=asked.shadows,
        speed=speed,
        mix=propagation.mix,
        front=None if propagation.front is None else region(propagation.front),
        in_front=asked.in_front,
        things=None if propagation.things is None else region(propagation.things),
    )


def _speed(workspace: Workspace, project: Project, propagation: Propagation) -> str:
    """The levers that a result was made with, as its report says; empty where that is gone."""
    try:
        report = parse_json(workspace.file(project.project_id, propagation.report or "").read_text(encoding="utf-8"))
        return str(report.get("speed", ""))
    except (OSError, ValueError, AttributeError, InputError):
        return ""
