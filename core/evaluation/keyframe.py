"""Suite `keyframe`: things are asked for by name, in regions of unseen procedural pictures and in boxes on clips, and judged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from core.data import vocabulary
from core.evaluation.arrays import Frame, Mask
from core.evaluation.classifier import Classifier, cut_square, Named
from core.evaluation.clip_score import ClipScorer, MISSING
from core.evaluation.clips import Clip
from core.evaluation.colour import cie76, ciede2000, dominant_colour, NAMED
from core.evaluation.edits import paint_keyframe
from core.evaluation.procedural import draw_samples, unseen_world
from core.evaluation.results import at_least, Gallery, mean, share, SuiteResult, Table, Tile
from core.masks import bounding_box
from core.progress import JobContext
from core.vivid.model import VividModel

SAMPLES = 36
"""Pictures of each sort: procedural ones, and boxes on clips."""
FEATHER = 4
"""Of the boxes on clips, in their own pixels: the editor's default. Procedural pictures are too coarse for any."""
PATTERNS = ("striped", "dotted", "checkered")
"""Materials with a second colour, which may well be the commoner one."""
TILES_AT_MOST, TILE = 36, 160


@dataclass(frozen=True)
class Wish:
    """What is asked for where, on one picture; `truth` shows it as it would have been, where that is known."""

    frame: Frame
    region: Mask
    kind: str
    colour: str
    caption: str
    truth: Frame | None = None


def boxes_on(clip: Clip, count: int, first: int) -> list[Wish]:
    """`count` wishes in boxes of many places and sizes on frames spread over a clip; number `first` on, through all colours and kinds."""
    height, width = clip.frames.shape[1:3]
    wishes = []
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
        wishes.append(Wish(frame, region, kind, colour, vocabulary.caption(kind, colour, material)))
    return wishes


def procedural_wishes(model: VividModel, count: int) -> list[Wish]:
    """Things of the procedural world asked for again, on their background without them."""
    wishes = []
    for sample in draw_samples(unseen_world(model.working_size), count, 1, seed=4):
        wishes.append(Wish(sample.plate[0], sample.region[0], sample.kind, sample.colour, sample.caption, sample.frames[0]))
    return wishes


def evaluate_keyframe(
    model: VividModel,
    classifier: Classifier,
    clips: Iterable[Clip],
    count: int,
    context: JobContext,
    samples: int = SAMPLES,
    scorer: ClipScorer | None = None,
) -> SuiteResult:
    """Try `samples` wishes on procedural pictures and about as many on the `count` clips; one try each, the model's own settings."""
    started = time.monotonic()
    result = SuiteResult("keyframe", "Keyframe", f"{model.name} paints what it is asked for, one try each.")
    each = max(1, round(samples / count)) if count else 0
    total = samples + each * count
    context.report("keyframe", 0, total)
    wishes = procedural_wishes(model, samples)
    painted: list[tuple[Wish, Frame]] = []

    def paint(wish: Wish, feather: int) -> None:
        frame = paint_keyframe(model, wish.frame, wish.region, "add", wish.caption, context, feather=feather)
        painted.append((wish, frame))
        context.report("keyframe", len(painted), total)

    for wish in wishes:
        paint(wish, 0)
    for number, clip in enumerate(clips):
        for wish in boxes_on(clip, each, number * each):
            paint(wish, FEATHER)
    rows: list[tuple[str | float, ...]] = []
    for key, label, group in (("procedural", "procedural", painted[:samples]), ("boxes", "boxes on clips", painted[samples:])):
        if group:
            rows += _judge(result, key, label, group, classifier, scorer)
    if scorer is None:
        result.notes.append(f"text alignment (TA) {MISSING}")
    columns = ("asked for", "where", "named", "CIE76", "CIEDE2000", *(("TA",) if scorer else ()))
    result.tables.append(Table("Every picture", columns, tuple(rows)))
    result.seconds = time.monotonic() - started
    return result


def _judge(
    result: SuiteResult,
    key: str,
    label: str,
    painted: list[tuple[Wish, Frame]],
    classifier: Classifier,
    scorer: ClipScorer | None,
) -> list[tuple[str | float, ...]]:
    wishes, pictures = [wish for wish, _ in painted], [picture for _, picture in painted]
    regions = [wish.region for wish in wishes]
    named = classifier.name(pictures, regions)
    truths = [wish.truth for wish in wishes if wish.truth is not None]
    reference = classifier.name(truths, regions) if len(truths) == len(wishes) else None
    for part, goal in (("colour", 90), ("kind", 85)):
        note = "" if reference is None else f"the true pictures: {_right(part, reference, wishes):.0f} %"
        result.add(f"{key}.{part}", f"{part} named right, {label}", _right(part, named, wishes), "%", at_least(goal), note)
    errors = [_colour_errors(picture, wish) for picture, wish in zip(pictures, wishes, strict=True)]
    note = "things of one colour"
    if reference is not None:
        true = mean(_colour_errors(picture, wish)[0] for picture, wish in zip(truths, wishes, strict=True))
        note += f"; the true pictures: {true:.1f}"
    result.add(f"{key}.cie76", f"colour error, {label}", mean(error for error, _ in errors), "CIE76", note=note)
    result.add(f"{key}.ciede2000", f"colour error, {label}", mean(error for _, error in errors), "CIEDE2000")
    alignment: list[float] | None = None
    if scorer is not None:
        squares = [cut_square(picture, region, 224) for picture, region in zip(pictures, regions, strict=True)]
        alignment = scorer.text_alignment(squares, [wish.caption for wish in wishes])
        result.add(f"{key}.ta", f"text alignment (TA), {label}", mean(alignment), "x 100")
    tiles = [
        Tile(
            _view(picture, wish.region),
            wish.caption,
            f"{name.colour} {name.kind}",
            name == Named(wish.kind, wish.colour),
        )
        for (wish, picture), name in zip(painted[:TILES_AT_MOST], named, strict=False)
    ]
    result.galleries.append(Gallery(f"Asked for on {'procedural pictures' if key == 'procedural' else 'the clips'}", tuple(tiles)))
    return [
        (wish.caption, label, f"{name.colour} {name.kind}", *error, *(() if alignment is None else (alignment[index],)))
        for index, (wish, name, error) in enumerate(zip(wishes, named, errors, strict=True))
    ]


def _colour_errors(picture: Frame, wish: Wish) -> tuple[float, float]:
    """CIE76 and CIEDE2000 from the region's dominant colour to the one asked for; NaN for patterns, which have two."""
    if any(f" {pattern} " in wish.caption for pattern in PATTERNS):
        return math.nan, math.nan
    own = dominant_colour(picture, wish.region)
    return cie76(own, NAMED[wish.colour]), ciede2000(own, NAMED[wish.colour])


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


def _right(part: str, named: list[Named], wishes: list[Wish]) -> float:
    return share(getattr(name, part) == getattr(wish, part) for name, wish in zip(named, wishes, strict=True))
