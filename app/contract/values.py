"""Values that the editor hands to the page and to other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.project.edits import Preset
from core.project.project import Project


@dataclass(frozen=True)
class ProjectSummary:
    """One line of the list of recent projects. `modified` is ISO 8601, UTC.

    A project that can't be read has a `problem`, a sentence that says why, and no frames.
    """

    project_id: str
    name: str
    modified: str
    frames: int
    width: int
    height: int
    problem: str = ""


@dataclass(frozen=True)
class ProjectSize:
    """How many bytes a project's folder takes, without a video that lies elsewhere."""

    project_id: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Removable:
    """Something in the workspace that may be removed: `what` is its name, `title` says it to a
    person.
    """

    what: str
    title: str
    bytes: int


@dataclass(frozen=True)
class WorkspaceUse:
    """How many bytes the workspace takes, and how many are `free` on its disk, None where nobody
    knows. Projects come the largest first.
    """

    folder: str
    bytes: int
    free: int | None
    projects: tuple[ProjectSize, ...]
    removable: tuple[Removable, ...]


@dataclass(frozen=True)
class Example:
    """A clip that comes with the program."""

    name: str
    title: str
    path: Path


@dataclass(frozen=True)
class ClipScan:
    """What the scan of a clip has found so far.

    `looked` is the number of frames that were searched for scene cuts; `brightness` is the mean
    from 0 to 1, None while it is not known. `notes` say what becomes of sound and subtitles, each a
    sentence without a capital and a full stop.
    """

    looked: int
    brightness: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MasksImport:
    """The project with objects of imported masks; `notes` say how these were read, each a sentence
    without a capital and a full stop.
    """

    project: Project
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What a step takes on this machine: seconds for the clip, or for one try, with one object, and
    memory.

    `measured` is False where it comes from a short trial. Seconds and memory are None while neither
    a trial nor the step itself has been run.
    """

    step: str
    seconds: float | None
    memory_mb: float | None
    measured: bool


@dataclass(frozen=True)
class PresetChoice:
    """A way to run a model, draft or final.

    `used` says that it is taken unless another is asked for. `steps` is None where the model has to
    be read first to say it, `seconds` what a try takes on this machine, None while that was never
    measured, and `lacks` the model of the catalogue that it needs and that is not here.
    """

    name: Preset
    used: bool
    steps: int | None
    seconds: float | None
    lacks: str | None = None


@dataclass(frozen=True)
class Painter:
    """A model that can paint keyframes here.

    `name` is what `SamplingSettings.painter` takes. `used` says that it paints unless another is
    asked for. `seconds` is what a try takes on this machine, None while that was never measured.
    `presets` are the ways to run it; none where there is one alone.
    """

    name: str
    title: str
    used: bool
    seconds: float | None
    presets: tuple[PresetChoice, ...] = ()


QUICKER = 4
"""How many times quicker than the whole propagation a quick look has to be, to be offered."""


@dataclass(frozen=True)
class Estimate:
    """What a propagation will take.

    `measured` says that it comes from a whole run on this machine, not only from a trial.
    `shown_rate` is how many frames a second the video model is shown, None where it is every one;
    `trained_rate` how many it was trained at, None where that is not known.
    """

    seconds: float
    memory_mb: float
    windows: int
    measured: bool
    shown_rate: float | None = None
    trained_rate: float | None = None

    def is_quick_look_of(self, final: Estimate) -> bool:
        """Whether this is so much quicker than `final` that it is worth offering."""
        return QUICKER * self.seconds <= final.seconds


@dataclass(frozen=True)
class KiveCost:
    """Seconds of a try and of one propagation (KIVE), and of an edit without a keyframe.

    `measured` says that all three come from whole runs on this machine.
    """

    one_try: float
    propagation: float
    direct: float
    measured: bool


@dataclass(frozen=True)
class KnownWords:
    """The words that a small video model knows.

    `synonyms` are words that it reads as another one, `hollow` those of the kinds whose middle is
    empty.
    """

    colours: tuple[str, ...]
    kinds: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: tuple[str, ...]
    synonyms: Mapping[str, str]
    hollow: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """What the package of the video model says about it.

    `vocabulary` is None for a model that takes any caption.
    """

    name: str
    title: str
    ships: bool
    vocabulary: KnownWords | None


@dataclass(frozen=True)
class ModelLicence:
    """A licence to accept before weights are fetched: its name, what it forbids or asks for (empty
    where nothing stands out), and the https address of its text.
    """

    name: str
    limits: str
    address: str


@dataclass(frozen=True)
class ModelState:
    """A model and whether it is on this machine.

    `state` is `ships`, `fetched` (it can be removed), `here` (found elsewhere on this disk),
    `begun` (`begun_mb` of it are here), `absent` or `not yet`, which says that this version of the
    program can't run it. `download_mb`, with all that it needs, is None where it is not known, and
    `size` says it in words. `licences` are what a person accepts before it is
    fetched. `used` says that the program works with this one now, `way_in` how to come by gated
    weights; it is empty for others. `brings` says in sentences what it would bring on this machine,
    `fits` whether its memory is enough, `first` that it is the one of its kind to take first, and
    `next_start` that the program works with this video model from its next start on.
    """

    name: str
    kind: str
    title: str
    licence: str
    state: str
    download_mb: int | None
    used: bool
    way_in: str = ""
    licences: tuple[ModelLicence, ...] = ()
    begun_mb: int | None = None
    size: str = ""
    brings: str = ""
    fits: bool = True
    first: bool = False
    next_start: bool = False


@dataclass(frozen=True)
class PlacedPicture:
    """How a picture from another program would become a try.

    `size` is its own (W, H). It is laid on the frame by `scale` about the middle, beyond the
    resizing, then by `shift` in pixels; `about` says so in sentences. `likeness` is `same`,
    `changed`, `another` or `unknown`: the picture outside the region, compared with the frame.
    `preview` is a JPEG of the try with the outline of the region.
    """

    size: tuple[int, int]
    scale: float
    shift: tuple[float, float]
    likeness: str
    about: tuple[str, ...]
    warning: str
    preview: bytes


@dataclass(frozen=True)
class InsertPicture:
    """A picture that was brought in to be laid on the clip: its `file` in the project, its own size
    (W, H), and `notes` for a person, in sentences.
    """

    file: str
    size: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ExportedFile:
    """A file that was exported. `result` is the id of the result that it was made of, or the ids of
    the accepted ones joined by +, and `title` what that was called then; both are empty for masks
    and for files of earlier versions. `made` is when, ISO 8601 in UTC. So many of its `frames` were
    `copied` from the source.
    """

    name: str
    bytes: int
    codec: str = ""
    result: str = ""
    title: str = ""
    made: str = ""
    frames: int = 0
    copied: int = 0


@dataclass(frozen=True)
class ExportFormat:
    """A format of the export list: `codec` is its name in a recipe, `suffix` the end of the file's
    name.
    """

    codec: str
    title: str
    suffix: str
