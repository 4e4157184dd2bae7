"""The suites by name, and how each gets its clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.progress import JobContext

if TYPE_CHECKING:
    from core.evaluation.clip_score import ClipScorer
    from core.evaluation.clips import ClipFolder
    from core.evaluation.results import SuiteResult
    from core.segment import Segmenter
    from core.vivid.contract import VideoEngine

SUITES = {
    "tracking": "masks of a tracked object, against the true ones",
    "keyframe": "things painted on one frame as they were asked for",
    "propagation": "a keyframe propagated through procedural clips",
    "deletion": "what the mask of another clip covered, filled in again",
    "carrying": "a changed keyframe carried along the thing's own motion",
    "autoencoder": "what the video model's autoencoder loses",
    "edits": "what any programs made of an evaluation set, by the paper's measures",
}
"""Name -> what it measures, in the order of `all`."""
EDITS = "edits"
"""The suite that `all` leaves out: it needs a set and results."""
KEYFRAME_FRAMES = 33
"""How far into a clip boxes are tried on."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What to measure on.

    `clips` is a folder as core.evaluation.clips describes it; None means procedural clips and the
    examples.

    `samples` is how many procedural clips or pictures each suite draws; None means the suite's own
    number.
    """

    clips: Path | None = None
    samples: int | None = None
    clip_model: str | None = None
    """CLIP, as a folder or a name on the hub; without it the figures that need it are left out."""
    edit_set: Path | None = None
    """The evaluation set of the suite `edits`, see `core.evaluation.edit_set`."""
    results: tuple[Path, ...] = ()
    """Its results, see `core.evaluation.result_sets`."""
    programs: tuple[str, ...] = ()
    """Programs that edit the set first, into the first folder of results."""

    def __post_init__(self) -> None:
        if self.samples is not None and not 1 <= self.samples <= 1000:
            raise InputError(f"{self.samples} samples can't be drawn: 1 to 1000 can")


class EvaluationModels:
    """The models that the suites ask for, loaded when first needed."""

    def __init__(self, segmenter: Callable[[], Segmenter], video: Callable[[], VideoEngine], clip: ClipScorer | None = None) -> None:
        self.segmenter, self.video, self.clip = segmenter, video, clip


def names_of(suite: str) -> list[str]:
    """The suites that `suite` stands for: itself, or every one for `all`.

    InputError for an unknown name.
    """
    if suite == "all":
        return [name for name in SUITES if name != EDITS]
    if suite not in SUITES:
        raise InputError(f"unknown suite '{suite}' (known: {', '.join(SUITES)}, all)")
    return [suite]


def check_clips(request: EvaluationRequest, names: list[str]) -> None:
    """Raise InputError, before anything slow, when the folder of clips, or the evaluation set and
    its results, can't serve one of the suites."""
    if EDITS in names:
        from core.evaluation.edit_programs import check_programs
        from core.evaluation.edit_set import read_edit_set
        from core.evaluation.result_sets import find_programs

        if request.edit_set is None or not request.results:
            raise InputError("edits are scored against a set: evaluate edits RESULTS --set SET")
        samples = read_edit_set(request.edit_set)
        check_programs(request.programs)
        if not request.programs:
            find_programs(request.results, samples)
        return
    if request.edit_set is not None or request.results or request.programs:
        raise InputError("results, --set and --run are for the suite edits: leave them out")
    if request.clips is not None:
        from core.evaluation.clips import ClipFolder

        ClipFolder(request.clips, need_masks=bool({"tracking", "carrying"} & set(names)))


def run_suite(name: str, request: EvaluationRequest, models: EvaluationModels, context: JobContext) -> SuiteResult:
    """Run one suite.

    Args:
        name: One of SUITES.
        request: What to measure on.
        models: Loaded when first needed.
        context: Reports progress.

    Returns:
        What it found.

    Raises:
        Cancelled: Within a step of the model, or a frame.
    """
    if name == EDITS:
        from core.evaluation.edit_programs import run_programs
        from core.evaluation.edit_set import read_edit_set
        from core.evaluation.edit_suite import evaluate_edits
        from core.evaluation.result_sets import find_programs

        assert request.edit_set is not None
        samples = read_edit_set(request.edit_set)
        if request.programs:
            run_programs(request.programs, samples, request.results[0], models.video, context)
        return evaluate_edits(samples, find_programs(request.results, samples), models.clip, context)
    if name == "tracking":
        from core.evaluation.clips import ClipFolder
        from core.evaluation.procedural import tracked_clips
        from core.evaluation.tracking import evaluate_tracking, SAMPLES

        segmenter = models.segmenter()
        if request.clips is not None:
            return evaluate_tracking(segmenter, ClipFolder(request.clips, need_masks=True), context)
        return evaluate_tracking(segmenter, tracked_clips(request.samples or SAMPLES, examples=True), context)
    if name == "carrying":
        from core.evaluation.carrying import evaluate_carrying, FRAMES
        from core.evaluation.clips import ClipFolder

        real = None if request.clips is None else iter(ClipFolder(request.clips, need_masks=True, frames_at_most=FRAMES))
        return evaluate_carrying(real, context, request.samples)
    video = models.video()
    if name == "keyframe":
        from core.evaluation.classifier import Classifier
        from core.evaluation.keyframe import evaluate_keyframe, SAMPLES

        clips = _any_clips(request, KEYFRAME_FRAMES)
        return evaluate_keyframe(video, Classifier.load(), clips, len(clips), context, request.samples or SAMPLES, models.clip)
    if name == "propagation":
        from core.evaluation.classifier import Classifier
        from core.evaluation.propagation import evaluate_propagation, SAMPLES

        return evaluate_propagation(video, Classifier.load(), context, request.samples or SAMPLES, models.clip)
    if name == "deletion":
        from core.evaluation.deletion import drawn_clips, evaluate_deletion, FRAMES, pairs, TRACKS, tracks_of

        clips = _any_clips(request, FRAMES)
        drawn, walker = drawn_clips()
        tracks, each = tracks_of(clips, walker), request.samples or TRACKS
        covered = chain(pairs(drawn, tracks, 1), pairs(clips, tracks, each))
        return evaluate_deletion(video, covered, len(drawn) + len(clips) * min(each, max(len(tracks) - 1, 1)), context)
    from core.evaluation.autoencoder import evaluate_autoencoder, SAMPLES

    clips = _any_clips(request, video.window_frames)
    return evaluate_autoencoder(video, clips, len(clips), context, request.samples or SAMPLES)


def _any_clips(request: EvaluationRequest, frames: int) -> ClipFolder:
    """The given clips, or the examples, with or without masks, `frames` frames of each."""
    from core.evaluation.clips import ClipFolder, example_clips

    if request.clips is None:
        return example_clips(frames)
    return ClipFolder(request.clips, need_masks=False, frames_at_most=frames)
