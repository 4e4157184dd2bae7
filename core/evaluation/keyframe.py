"""Suite `keyframe`: things are asked for by name, in regions of unseen procedural pictures and in
boxes on clips, and classified."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from core.data import vocabulary
from core.evaluation.arrays import Frame, Mask
from core.evaluation.classifier import Classifier, ClassifierLabel, crop_square
from core.evaluation.clip_score import ClipScorer, MISSING
from core.evaluation.clips import EvaluationClip
from core.evaluation.colour import cie76, ciede2000, dominant_colour, NAMED
from core.evaluation.edits import paint_keyframe
from core.evaluation.procedural import draw_samples, unseen_world
from core.evaluation.results import at_least, Gallery, mean, share, SuiteResult, Table, Tile
from core.masks import bounding_box
from core.progress import JobContext
from core.vivid.contract import VideoEngine

SAMPLES = 36
"""Pictures of each sort: procedural ones, and boxes on clips."""
FEATHER = 4
"""Of the boxes on clips, in their own pixels: the editor's default. Procedural pictures are too
coarse for any."""
PATTERNS = ("striped", "dotted", "checkered")
"""Materials with a second colour, which may well be the commoner one."""
TILES_AT_MOST, TILE = 36, 160


@dataclass(frozen=True)
class PaintRequest:
    """What is asked for where, on one picture; `truth` shows it as it would have been, where that
    is known."""

    frame: Frame
    region: Mask
    kind: str
    colour: str
    caption: str
    truth: Frame | None = None


def boxes_on(clip: EvaluationClip, count: int, first: int) -> list[PaintRequest]:
    """Ask for things in boxes of many places and sizes, on frames spread over a clip.

    Args:
        clip: To paint on.
        count: Of requests.
        first: Number of the first one; the numbers go through all colours and kinds.

    Returns:
        The requests.
    """
    height, width = clip.frames.shape[1:3]
    requests = []
    for number in range(first, first + count):
        random = np.random.default_rng((11, number))
        tall = height * random.uniform(0.25, 0.55)
        wide = min(tall * math.exp(random.uniform(-0.35, 0.35)), 0.8 * width)
        x, y = random.uniform(0.02, 0.98) * (width - wide), random.uniform(0.02, 0.98) * (height - tall)
        region = np.zeros((height, width), bool)
        region[round(y) : round(y + tall), round(x) : round(x + wide)] = True
        colour = list(vocabulary.COLOURS)[number % len(vocabulary.COLOURS)]
        kind = vocabulary.KINDS[(number + number // len(vocabulary.COLOURS)) % len(vocabulary.KINDS)]
        material = vocabulary.MATERIALS[int(random.integers(1, len(vocabulary.MATERIALS)))] if random.random() < 0.4 else None
        frame = clip.frames[int(random.integers(0, len(clip)))]
        requests.append(PaintRequest(frame, region, kind, colour, vocabulary.caption(kind, colour, material)))
    return requests


def procedural_requests(model: VideoEngine, count: int) -> list[PaintRequest]:
    """Things of the procedural world asked for again, on their background without them."""
    requests = []
    for sample in draw_samples(unseen_world(model.working_size), count, 1, seed=4):
        requests.append(PaintRequest(sample.plate[0], sample.region[0], sample.kind, sample.colour, sample.caption, sample.frames[0]))
    return requests


def evaluate_keyframe(
    model: VideoEngine,
    classifier: Classifier,
    clips: Iterable[EvaluationClip],
    count: int,
    context: JobContext,
    samples: int = SAMPLES,
    scorer: ClipScorer | None = None,
) -> SuiteResult:
    """Paint what is asked for, on procedural pictures and about as often on clips; one try each.

    Args:
        model: The video model, at its own settings.
        classifier: Names kind and colour of what was painted.
        clips: To paint boxes on.
        count: How many clips there are.
        context: Reports progress; work stops when it is cancelled.
        samples: Procedural pictures.
        scorer: CLIP, for text alignment; left out without it.

    Returns:
        The figures.
    """
    started = time.monotonic()
    result = SuiteResult("keyframe", "Keyframe", f"{model.name} paints what it is asked for, one try each.")
    each = max(1, round(samples / count)) if count else 0
    total = samples + each * count
    context.report("keyframe", 0, total)
    requests = procedural_requests(model, samples)
    painted: list[tuple[PaintRequest, Frame]] = []

    def paint(request: PaintRequest, feather: int) -> None:
        frame = paint_keyframe(model, request.frame, request.region, "add", request.caption, context, feather=feather)
        painted.append((request, frame))
        context.report("keyframe", len(painted), total)

    for request in requests:
        paint(request, 0)
    for number, clip in enumerate(clips):
        for request in boxes_on(clip, each, number * each):
            paint(request, FEATHER)
    rows: list[tuple[str | float, ...]] = []
    for key, label, group in (("procedural", "procedural", painted[:samples]), ("boxes", "boxes on clips", painted[samples:])):
        if group:
            rows += _measure(result, key, label, group, classifier, scorer)
    if scorer is None:
        result.notes.append(f"text alignment (TA) {MISSING}")
    columns = ("asked for", "where", "named", "CIE76", "CIEDE2000", *(("TA",) if scorer else ()))
    result.tables.append(Table("Every picture", columns, tuple(rows)))
    result.seconds = time.monotonic() - started
    return result


def _measure(
    result: SuiteResult,
    key: str,
    label: str,
    painted: list[tuple[PaintRequest, Frame]],
    classifier: Classifier,
    scorer: ClipScorer | None,
) -> list[tuple[str | float, ...]]:
    requests, pictures = [request for request, _ in painted], [picture for _, picture in painted]
    regions = [request.region for request in requests]
    named = classifier.name(pictures, regions)
    truths = [request.truth for request in requests if request.truth is not None]
    reference = classifier.name(truths, regions) if len(truths) == len(requests) else None
    for part, goal in (("colour", 90), ("kind", 85)):
        note = "" if reference is None else f"the true pictures: {_right(part, reference, requests):.0f} %"
        result.add(f"{key}.{part}", f"{part} named right, {label}", _right(part, named, requests), "%", at_least(goal), note)
    errors = [_colour_errors(picture, request) for picture, request in zip(pictures, requests, strict=True)]
    note = "things of one colour"
    if reference is not None:
        true = mean(_colour_errors(picture, request)[0] for picture, request in zip(truths, requests, strict=True))
        note += f"; the true pictures: {true:.1f}"
    result.add(f"{key}.cie76", f"colour error, {label}", mean(error for error, _ in errors), "CIE76", note=note)
    result.add(f"{key}.ciede2000", f"colour error, {label}", mean(error for _, error in errors), "CIEDE2000")
    alignment: list[float] | None = None
    if scorer is not None:
        squares = [crop_square(picture, region, 224) for picture, region in zip(pictures, regions, strict=True)]
        alignment = scorer.text_alignment(squares, [request.caption for request in requests])
        result.add(f"{key}.ta", f"text alignment (TA), {label}", mean(alignment), "x 100")
    tiles = [
        Tile(
            _view(picture, request.region),
            request.caption,
            f"{name.colour} {name.kind}",
            name == ClassifierLabel(request.kind, request.colour),
        )
        for (request, picture), name in zip(painted[:TILES_AT_MOST], named, strict=False)
    ]
    result.galleries.append(Gallery(f"Asked for on {'procedural pictures' if key == 'procedural' else 'the clips'}", tuple(tiles)))
    return [
        (request.caption, label, f"{name.colour} {name.kind}", *error, *(() if alignment is None else (alignment[index],)))
        for index, (request, name, error) in enumerate(zip(requests, named, errors, strict=True))
    ]


def _colour_errors(picture: Frame, request: PaintRequest) -> tuple[float, float]:
    """CIE76 and CIEDE2000 from the region's dominant colour to the one asked for; NaN for patterns,
    which have two."""
    if any(f" {pattern} " in request.caption for pattern in PATTERNS):
        return math.nan, math.nan
    own = dominant_colour(picture, request.region)
    return cie76(own, NAMED[request.colour]), ciede2000(own, NAMED[request.colour])


def _view(picture: Frame, region: Mask) -> Frame:
    """The region with some of its surroundings, as a square that lies inside the picture."""
    height, width = region.shape
    box = bounding_box(region)
    assert box is not None
    side = round(min(1.6 * max(box.height, box.width), height, width))
    top = min(max((box.y0 + box.y1 - side) // 2, 0), height - side)
    left = min(max((box.x0 + box.x1 - side) // 2, 0), width - side)
    square = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (TILE, TILE), interpolation=cv2.INTER_AREA if side > TILE else cv2.INTER_CUBIC), np.uint8)


def _right(part: str, named: list[ClassifierLabel], requests: list[PaintRequest]) -> float:
    return share(getattr(name, part) == getattr(request, part) for name, request in zip(named, requests, strict=True))
