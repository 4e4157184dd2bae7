"""Keyframe tries and propagations: what was asked for, and which file holds the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args, Literal

from core.errors import InputError
from core.project.inserts import Insert
from core.project.mix import Mix, PLAIN

Task = Literal["add", "modify", "delete"]
TASKS: tuple[Task, ...] = get_args(Task)


Carried = Literal["change", "picture", "direct"]
"""How a keyframe is carried: as a change of the source's own thing, or as a picture of another. A
direct edit has none: its frame is where the painting begins, its caption alone says what it
shows."""
Carry = Literal["auto", "change", "picture"]
"""The same as it is asked for; `auto` decides by what the keyframe shows."""
CARRIES: tuple[Carry, ...] = get_args(Carry)
CARRIED_WORDS: dict[str, str] = {"change": "a change of the source", "picture": "a picture"}


def check_carry(carry: str, task: str) -> None:
    """Raise InputError for an unknown way to carry a keyframe, or one that its task has not."""
    if carry not in CARRIES:
        raise InputError(f"a keyframe can't be carried as '{carry}': choose {', '.join(CARRIES[:-1])} or {CARRIES[-1]}")
    if carry == "change" and task == "delete":
        raise InputError("a removal is not a change to carry: leave --carry out, or choose the task modify")


def check_task(task: str, caption: str) -> None:
    """Raise InputError for an unknown task, or a missing caption where the task paints
    something.
    """
    if task not in TASKS:
        raise InputError(f"unknown task '{task}': choose {', '.join(TASKS[:-1])} or {TASKS[-1]}")
    if task != "delete" and not caption.strip():
        raise InputError(f"the task '{task}' needs a caption that says what the region should show")
    try:
        caption.encode()
    except UnicodeEncodeError:
        raise InputError("the caption is not valid text: give it in UTF-8") from None


def check_seed(seed: int) -> None:
    """Raise InputError for what no random generator can start from."""
    if not (isinstance(seed, int) and 0 <= seed < 2**63):
        raise InputError(f"the seed {seed} can't be used: give a whole number from 0 to {2**63 - 1}")


ThingFit = Literal["stretch", "inside"]
"""How a painted thing lies in the region: pulled to its shape, or inside it as it is."""
THING_FITS: tuple[ThingFit, ...] = get_args(ThingFit)


Preset = Literal["draft", "final"]
"""How many steps a model takes: few, or as many as it was made for."""
PRESETS: tuple[Preset, ...] = get_args(Preset)

VIDEO_MODEL = "video"
"""What is asked for instead of a keyframe model to have the video model paint."""
LONGEST_PATH = 4096


USUAL_RATE, EVERY_FRAME = "engine", "source"
RATES = (USUAL_RATE, EVERY_FRAME)
"""What a video model may be shown of a clip, besides so many frames a second."""


@dataclass(frozen=True)
class SamplingSettings:
    """How a diffusion model is run. None means the model's own default for the task; `fit` says how
    a painted thing lies in the region, None that the thing decides. `painter` names the keyframe
    model that paints: VIDEO_MODEL for none, None for the one that the program was started with; of
    a finished try None says that the video model painted it. `rate` says how many frames a second
    the video model is shown of a clip: a number, `source` for every frame, None or `engine` for the
    rate that it was trained at. `preset` is draft or final, None for what the program was started
    with; of what is finished None stands for final.
    """

    steps: int | None = None
    guidance: float | None = None
    fit: ThingFit | None = None
    painter: str | None = None
    rate: str | None = None
    preset: Preset | None = None

    def __post_init__(self) -> None:
        if self.rate not in (None, *RATES):
            object.__setattr__(self, "rate", _rate(self.rate))
        if self.preset is not None and self.preset not in PRESETS:
            raise InputError(f"there is no preset '{self.preset}': choose {' or '.join(PRESETS)}")
        if self.steps is not None and not (isinstance(self.steps, int) and 1 <= self.steps <= 1000):
            raise InputError(f"{self.steps} steps can't be made: give a whole number from 1 to 1000")
        if self.guidance is not None and not 0 <= self.guidance <= 50:
            raise InputError(f"a guidance of {self.guidance} can't be used: choose one from 0 to 50")
        if self.fit is not None and self.fit not in THING_FITS:
            raise InputError(f"a painted thing can't lie in the region by '{self.fit}': choose {' or '.join(THING_FITS)}")
        if self.painter is not None and not 0 < len(self.painter) <= LONGEST_PATH:
            raise InputError(f"a keyframe model's name has 1 to {LONGEST_PATH} characters: give one of `models`")
        if self.guidance is not None:
            object.__setattr__(self, "guidance", float(self.guidance))  # 3 and 3.0 are the same work


def _rate(text: str) -> str:
    """A rate as it is kept; InputError for what is none."""
    try:
        rate = float(text)
    except (TypeError, ValueError):
        rate = 0.0
    if not 1 <= rate <= 240:
        raise InputError(f"a rate of '{text}' can't be used: choose {' or '.join(RATES)}, or from 1 to 240 frames a second")
    return f"{rate:g}"


Fit = Literal["same", "fit", "cover", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)


@dataclass(frozen=True)
class Placement:
    """How a picture from another program is laid on its frame.

    `fit` is for one of another shape: wholly inside the frame, over all of it, or pulled to its
    shape; `same` refuses it. `align` undoes a small shift; `limit` takes only what lies in the
    region, softly at its edge.
    """

    fit: Fit = "same"
    align: bool = True
    limit: bool = True

    def __post_init__(self) -> None:
        if self.fit not in FITS:
            raise InputError(f"unknown way to fit a picture '{self.fit}': choose one of {', '.join(FITS)}")


LONGEST_NAME = 80
REMOVED = "removed"
"""What a result is called that shows nothing in the object's place."""
MOST_KEPT = 0.95


def check_keep(keep: float) -> None:
    """Raise InputError for a share of a picture that a try can't be started from."""
    if not 0 <= keep <= MOST_KEPT:
        raise InputError(f"a share of {keep:g} to keep can't be used: choose one from 0 to {MOST_KEPT:g}")


@dataclass(frozen=True)
class TryBasis:
    """What tries come from and are for. `parent` is the try to branch from, `keep` the share of its
    picture, 0 to 0.95, to start from. `objects` are the ids of the objects that alone are edited;
    none stands for all that are edited.
    """

    parent: str | None = None
    keep: float = 0.0
    objects: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_keep(self.keep)
        object.__setattr__(self, "objects", tuple(sorted(set(self.objects))))


@dataclass(frozen=True)
class Painting:
    """What a picture was painted of. `keep` is the share of the picture before it that it was
    started from; without a `model` it came from another program.
    """

    task: Task
    caption: str
    seed: int
    settings: SamplingSettings
    model: str
    keep: float = 0.0


@dataclass(frozen=True)
class KeyframeEdit:
    """One try at one frame; `image` is the whole edited frame as a PNG, relative to the project.

    `parent` is the try it branched from. With `keep` above 0 it was started from that share of the
    parent's picture, and `grown` says what that one was painted of, the first one first: the parent
    itself may be deleted. `unseen` is the share of what a removal has to show that no frame of the
    clip shows, 0 to 1. An empty `model` means that the picture came from another program. `name`
    is a person's own, empty for none. `carried` says how it is carried unless a
    person says otherwise; None where it was made before that was told. With an `insert` it is that
    picture laid on the frame; a `direct` one stands for an edit without a keyframe.

    `objects` are those that it is for; none stands for all that are edited. `ground` are the
    accepted tries of other objects that the picture shows as well, the lowest first.
    """

    edit_id: str
    frame: int
    task: Task
    caption: str
    seed: int
    settings: SamplingSettings
    model: str
    image: str
    region: str
    parent: str | None = None
    seconds: float = 0.0
    stale: bool = False
    name: str = ""
    starred: bool = False
    keep: float = 0.0
    grown: tuple[Painting, ...] = ()
    unseen: float = 0.0
    carried: Carried | None = None
    objects: tuple[int, ...] = ()
    ground: tuple[str, ...] = ()
    insert: Insert | None = None

    def __post_init__(self) -> None:
        check_task(self.task, self.caption)
        check_keep(self.keep)
        if len(self.name) > LONGEST_NAME:
            raise InputError(f"a name of {len(self.name)} characters is too long: shorten it to {LONGEST_NAME}")

    @property
    def direct(self) -> bool:
        """Whether it stands for an edit without a keyframe: it shows the source's own frame."""
        return self.carried == "direct"

    def shares_objects(self, objects: tuple[int, ...]) -> bool:
        """Whether it is for one of these objects, too; none stands for all."""
        return not self.objects or not objects or not set(self.objects).isdisjoint(objects)

    @property
    def paintings(self) -> tuple[Painting, ...]:
        """What this picture was painted of, the first one first, itself last."""
        return (*self.grown, Painting(self.task, self.caption, self.seed, self.settings, self.model, self.keep))


def follows_thing(carried: Carried, task: str, inserted: bool) -> bool:
    """Whether a keyframe is carried along the motion of what is edited.

    Args:
        carried: How it is carried.
        task: Add, modify or delete.
        inserted: Whether it shows a picture of one's own.

    Returns:
        False for what has a motion of its own, or none.
    """
    return not inserted and (carried == "change" or (carried == "picture" and task == "modify"))


@dataclass(frozen=True)
class PropagatedKeyframe:
    """A keyframe as a propagation uses it, whole: the try that it came from may be deleted or
    tried again later.

    `image` is the edited frame as a PNG, relative to the project; `seed` is the one that its
    segment of the clip is made with; `carried` is how it was carried. Of an `insert`, `path` is the
    file that says where it is on each frame, `front` the mask sequence of what passes before it.
    """

    edit_id: str
    frame: int
    image: str
    task: Task
    caption: str
    seed: int
    carried: Carried = "picture"
    insert: Insert | None = None
    path: str | None = None
    front: str | None = None

    @property
    def follows_thing(self) -> bool:
        """Whether it is carried along the motion of the thing itself."""
        return follows_thing(self.carried, self.task, self.insert is not None)


@dataclass(frozen=True)
class Propagation:
    """Accepted keyframes propagated through the clip's `span` (half-open).

    `keyframes` ascend in time: the first reaches back to the start, each reaches on to the next.
    `plan` is the file that lists its windows, `result` the video and `report` its measurements,
    relative to the project; without a `result` it was stopped on the way and can be resumed. `base`
    names the accepted results that it stands on (see `Project.base`). `stale` says that the masks
    have changed since. `draft` is a quick look: few steps at half the size. `asked` is the file
    that says which prompts and tries it was made of. The edge is soft over `feather` pixels; where
    objects differ, `feathers` says where over how many (see `Project.feathers`). `name` is a
    person's own, empty for none; `made` is when the video was finished, ISO 8601 in UTC, empty for
    results of earlier versions.

    `mix` says how it lies over what is below. `front` is the mask sequence of what stays in front
    of it: the objects `in_front`. `things` is that of what is edited itself, without what the
    region has around it, where a keyframe is carried along its motion.

    Where objects have tries of their own, `under` are the parts that lie below this one, the lowest
    first, each a propagation of the tries for its `objects`; only this one has the result.
    """

    propagation_id: str
    edit_id: str
    region: str
    seed: int
    settings: SamplingSettings
    model: str
    result: str | None = None
    report: str | None = None
    plan: str | None = None
    stale: bool = False
    span: tuple[int, int] = (0, 0)
    feather: int = 4
    keyframes: tuple[PropagatedKeyframe, ...] = ()
    base: str = ""
    draft: bool = False
    asked: str | None = None
    feathers: tuple[tuple[int, str], ...] = ()
    objects: tuple[int, ...] = ()
    under: tuple[Propagation, ...] = ()
    name: str = ""
    made: str = ""
    mix: Mix = PLAIN
    front: str | None = None
    in_front: tuple[int, ...] = ()
    things: str | None = None

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST_NAME:
            raise InputError(f"a name of {len(self.name)} characters is too long: shorten it to {LONGEST_NAME}")

    @property
    def parts(self) -> tuple[Propagation, ...]:
        """What lies over one another in it, the lowest first, itself last."""
        return (*self.under, self)

    @property
    def title(self) -> str:
        """Its name; without one, what was asked for."""
        asked = [REMOVED if keyframe.task == "delete" else keyframe.caption.strip() for part in self.parts for keyframe in part.keyframes]
        words = ", ".join([*(dict.fromkeys(asked) or ["result"]), *filter(None, [self.mix.words])])
        return self.name or (f"{words}, quick look" if self.draft else words)

    @property
    def edit_ids(self) -> tuple[str, ...]:
        """The tries that its keyframes are: of each part first the one that reaches back to the
        start.
        """
        found = tuple(keyframe.edit_id for part in self.parts for keyframe in part.keyframes)
        return found or (self.edit_id,)


@dataclass(frozen=True)
class Layer:
    """An accepted result in the stack that the next edit stands on; one that is not `enabled` is
    left out.
    """

    propagation_id: str
    enabled: bool = True
