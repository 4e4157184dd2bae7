"""What is put on a rating page: samples of a data set, or two programs' results of an evaluation
set."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from core.dataset.index import DatasetIndex, IndexedSample
from core.errors import InputError
from core.evaluation.arrays import Frame, Mask
from core.evaluation.clips import FRAMES_AT_MOST
from core.evaluation.edit_measures import fitted
from core.evaluation.edit_set import open_sample, SampleEdit
from core.evaluation.rating_page import comparison_questions, quality_questions, RatedItem
from core.evaluation.result_sets import Program, STAGES
from core.evaluation.results import Exhibit
from core.evaluation.strips import panel_size
from core.media import open_clip, read_image
from core.progress import JobContext

_DIM = 0.35
"""How bright what lies outside a mask is shown."""


def rated_samples(index: DatasetIndex, count: int, seed: int, context: JobContext) -> list[RatedItem]:
    """Draw samples that add or modify; of a deletion there is no entity to judge.

    Args:
        index: Of the data set.
        count: How many at most.
        seed: The same one draws the same samples.
        context: Reports progress.

    Returns:
        The items, in the order of the draw.

    Raises:
        InputError: There is no such sample, or one can't be read.
    """
    drawn = index.draw(count, seed, "draw")
    if not drawn:
        raise InputError(f"{index.folder} has no sample that adds or modifies: there is nothing to rate")
    items = []
    for number, row in enumerate(drawn):
        context.report("reading samples", number, len(drawn))
        context.check()
        items.append(_rated(index.sample(row)))
    return items


def rated_results(samples: Sequence[SampleEdit], programs: tuple[Program, Program], seed: int, context: JobContext) -> list[RatedItem]:
    """Put the results of two programs side by side, unnamed and on random sides.

    Args:
        samples: The edits of the set.
        programs: The two.
        seed: The same one gives the same sides.
        context: Reports progress.

    Returns:
        An item for each edit of which both have a result.

    Raises:
        InputError: There is no such edit, or a result can't be read.
    """
    draw, items = random.Random(seed), []
    for number, sample in enumerate(samples):
        context.report("reading results", number, len(samples))
        context.check()
        left, right = programs if draw.random() < 0.5 else programs[::-1]
        paths = [next((path for stage in STAGES if (path := one.result(sample, stage)) is not None), None) for one in (left, right)]
        if paths[0] is None or paths[1] is None:
            continue
        with open_sample(sample) as (reader, region):
            count = min(len(reader), FRAMES_AT_MOST)
            size = panel_size(*region.size[::-1])
            source = [_outlined(frame, region[index], size) for index, frame in enumerate(reader.frames(0, count))]
            rate = round(reader.info.rate)
        panels = (("Source and region", source), ("Left", _small(paths[0], size)), ("Right", _small(paths[1], size)))
        captions = (sample.caption,) if sample.task != "delete" else ()
        exhibit = Exhibit(f"{sample.task.capitalize()}", panels, max(rate, 1))
        items.append(RatedItem(sample.name, exhibit, captions, comparison_questions(sample.task, left.name, right.name)))
    if not items:
        raise InputError(f"{programs[0].name} and {programs[1].name} have no result of the same edit: there is nothing to compare")
    return items


def _rated(sample: IndexedSample) -> RatedItem:
    facts = sample.read()
    frames, shown = [], []
    try:
        with _frames_of(sample) as clip:
            for index, frame in enumerate(clip):
                size = panel_size(*frame.shape[:2])
                frames.append(fitted(frame, size))
                shown.append(_outlined(frame, facts.masks.frame(index), size, _DIM))
    except (ValueError, IndexError) as error:
        raise InputError(f"{sample.facts}: its masks don't fit its clip ({error})") from None
    exhibit = Exhibit(sample.label or sample.key, (("Clip", frames), ("Mask", shown)), max(1, round(sample.clip.rate)))
    return RatedItem(sample.key, exhibit, facts.captions, quality_questions(sample.clip.kind == "video"))


@contextmanager
def _frames_of(sample: IndexedSample) -> Iterator[Iterator[Frame]]:
    with tempfile.TemporaryDirectory(prefix="vivid-rating-") as folder:
        path = Path(folder) / f"clip{sample.media.suffix}"
        path.write_bytes(sample.media.read())
        if sample.clip.kind == "image":
            yield iter([read_image(path)])
        else:
            with open_clip(path) as reader:
                yield reader.frames(0, min(len(reader), FRAMES_AT_MOST))


def _small(path: Path, size: tuple[int, int]) -> list[Frame]:
    with open_clip(path) as reader:
        return [fitted(frame, size) for frame in reader.frames(0, min(len(reader), FRAMES_AT_MOST))]


def _outlined(frame: Frame, mask: Mask, size: tuple[int, int], outside: float = 1.0) -> Frame:
    """A frame at (width, height) with the mask outlined, and what lies outside it as bright as is
    said.
    """
    if mask.shape != frame.shape[:2]:
        raise ValueError(f"a mask of {mask.shape[1]}x{mask.shape[0]} on a frame of {frame.shape[1]}x{frame.shape[0]}")
    small, inside = fitted(frame, size), cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    shown = np.where(inside[..., None] > 0, small, (small * outside).astype(np.uint8))
    cv2.drawContours(shown, cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, (255, 60, 60), 1)
    return shown
