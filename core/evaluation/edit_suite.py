"""Suite `edits`: what any programs made of an evaluation set, by the paper's measures, side by
side."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import compress
from pathlib import Path

import cv2
import numpy as np

from core.errors import InputError
from core.evaluation.arrays import Frame, Frames, Mask, Masks
from core.evaluation.clip_score import ClipScorer, MISSING
from core.evaluation.clips import FRAMES_AT_MOST
from core.evaluation.edit_measures import background_preservation, EditScores, fitted, score_edit
from core.evaluation.edit_programs import DIRECT, OURS, seconds_of
from core.evaluation.edit_set import open_sample, SampleEdit
from core.evaluation.result_sets import matched_frames, Program, Stage, STAGES
from core.evaluation.results import Exhibit, mean, SuiteResult, Table
from core.evaluation.strips import panel_size
from core.media import open_clip
from core.progress import JobContext
from core.words import counted

EXHIBITS_AT_MOST = 24
TASKS = {"add": "Addition", "modify": "Modification", "delete": "Deletion"}
_BP: dict[Stage, str] = {"raw": "BP raw", "composited": "BP composited", "delivered": "BP as delivered"}
_CLIP = {"alignment": "TA", "consistency": "TC", "consistency_slow": "TC 7.5 fps", "consistency_region": "TC region"}
_SECONDS = {"try": "s a try", "video": "s a video"}
_REGION = {"psnr": "PSNR region", "ssim": "SSIM region", "flicker": "flicker region", "gradient": "gradient region"}


@dataclass
class _Scored:
    """What a program made of an edit: BP by stage, the other scores of the best stage, and frames
    to look at, as many as the source has.
    """

    program: str
    sample: SampleEdit
    preservation: dict[Stage, float] = field(default_factory=dict)
    scores: EditScores = field(default_factory=EditScores)
    shown: list[Frame] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def cells(self, with_clip: bool) -> list[float]:
        """The figures in the order of the tables' columns."""
        preservation = [self.preservation.get(stage, math.nan) for stage in _BP]
        scores = [float(getattr(self.scores, name)) for name in (*(_CLIP if with_clip else ()), *_REGION)]
        return [*preservation, *scores, *(self.seconds.get(name, math.nan) for name in _SECONDS)]


@dataclass
class _Source:
    """A sample in memory: at most FRAMES_AT_MOST frames, their regions and the truth; `stamps` of
    all frames.
    """

    sample: SampleEdit
    frames: Frames
    region: Masks
    stamps: tuple[Fraction, ...]
    truth: Frames | None


def evaluate_edits(
    samples: Sequence[SampleEdit], programs: Sequence[Program], scorer: ClipScorer | None, context: JobContext
) -> SuiteResult:
    """Score what programs made of an evaluation set.

    Args:
        samples: The edits of the set.
        programs: Whose results are scored.
        scorer: CLIP, for TA and TC; left out without it.
        context: Reports progress; work stops when it is cancelled.

    Returns:
        A table of the programs for each task, one of every result, and the clips side by side.
    """
    started = time.monotonic()
    about = f"{counted(len(samples), 'edit')} by {', '.join(program.name for program in programs)}."
    result = SuiteResult("edits", "Edits", about)
    scored: list[_Scored] = []
    notes: list[str] = []
    total = len(samples) * len(programs)
    for number, sample in enumerate(samples):
        source = _read(sample, notes)
        these = []
        for place, program in enumerate(programs):
            context.report("edits", number * len(programs) + place, total)
            context.check()
            one = _score(program, source, scorer, notes)
            if one is not None:
                these.append(one)
        if these and len(result.exhibits) < EXHIBITS_AT_MOST:
            result.exhibits.append(_exhibit(source, these))
        for one in these:
            one.shown = []
        scored.extend(these)
    context.report("edits", total, total)
    _add_tables(result, samples, programs, scored, scorer is not None)
    if scorer is None:
        result.notes.append(f"TA and TC are left out: each {MISSING}")
    if line := _cost_of_kive(scored):
        result.notes.append(line)
    result.notes.extend(notes)
    result.seconds = time.monotonic() - started
    return result


def _read(sample: SampleEdit, notes: list[str]) -> _Source:
    with open_sample(sample) as (reader, region):
        count = min(len(reader), FRAMES_AT_MOST)
        if count < len(reader):
            notes.append(f"{sample.name}: the first {count} of {len(reader)} frames are scored")
        frames = np.stack(list(reader.frames(0, count)))
        truth = None
        if sample.truth is not None:
            with open_clip(sample.truth) as clip:
                if len(clip) != len(reader) or clip.info.size != reader.info.size:
                    raise InputError(f"the truth of '{sample.name}' has another size or length than its video: they have to agree")
                truth = np.stack(list(clip.frames(0, count)))
        return _Source(sample, frames, np.stack([region[index] for index in range(count)]), reader.timestamps, truth)


def _score(program: Program, source: _Source, scorer: ClipScorer | None, notes: list[str]) -> _Scored | None:
    """None, and a note, where the program has no result that can be read."""
    found = _Scored(program.name, source.sample, seconds=seconds_of(program.folder).get(source.sample.name, {}))
    for stage in STAGES:
        path = program.result(source.sample, stage)
        if path is None:
            continue
        who = f"{program.name}, {source.sample.name}"
        try:
            own, at = _read_result(path, who, source, notes)
        except InputError as error:
            notes.append(f"{who}: not scored ({error})")
            continue
        found.preservation[stage] = background_preservation(own, source.frames[at], source.region[at])
        if not found.shown:
            truth = None if source.truth is None else source.truth[at]
            caption = None if source.sample.task == "delete" else source.sample.caption
            found.scores = score_edit(own, [source.stamps[index] for index in at], source.region[at], truth, caption, scorer)
            latest = np.searchsorted(at, np.arange(len(source.frames)), side="right") - 1
            small = [_small(frame) for frame in own]
            found.shown = [small[max(index, 0)] for index in latest]
    return found if found.preservation else None


def _read_result(path: Path, who: str, source: _Source, notes: list[str]) -> tuple[Frames, list[int]]:
    """The frames of a result at the source's size, and the frames of the source that they belong
    to.
    """
    size = source.frames.shape[2], source.frames.shape[1]
    with open_clip(path) as reader:
        pairs = [pair for pair in matched_frames(reader.timestamps, source.stamps) if pair[1] < len(source.frames)]
        chosen = {index for index, _ in pairs}
        frames = enumerate(reader.frames(0, pairs[-1][0] + 1))
        own = np.stack([fitted(frame, size) for index, frame in frames if index in chosen])
        if reader.info.size != size:
            notes.append(f"{who}: {reader.info.width}x{reader.info.height}, brought to {size[0]}x{size[1]}")
        if len(reader) != len(source.stamps):
            notes.append(f"{who}: {counted(len(reader), 'frame')} for {len(source.stamps)}, matched by time")
    return own, [index for _, index in pairs]


def _add_tables(
    result: SuiteResult, samples: Sequence[SampleEdit], programs: Sequence[Program], scored: Sequence[_Scored], with_clip: bool
) -> None:
    columns = (*_BP.values(), *(_CLIP.values() if with_clip else ()), *_REGION.values(), *_SECONDS.values())
    for task, title in TASKS.items():
        wanted = sum(sample.task == task for sample in samples)
        rows: list[tuple[str | float, ...]] = []
        for program in programs:
            these = [one.cells(with_clip) for one in scored if one.program == program.name and one.sample.task == task]
            if these:
                rows.append((program.name, f"{len(these)} of {wanted}", *(mean(column) for column in zip(*these, strict=True))))
        if rows:
            result.tables.append(_without_empty(Table(title, ("program", "edits", *columns), tuple(rows), main=True)))
    every: list[tuple[str | float, ...]] = [(one.sample.name, one.sample.task, one.program, *one.cells(with_clip)) for one in scored]
    result.tables.append(_without_empty(Table("Every result", ("edit", "task", "program", *columns), tuple(every))))


def _cost_of_kive(scored: Sequence[_Scored]) -> str:
    """What N tries and a propagation cost beside N direct edits, where both were timed here."""
    timed = {(one.program, one.sample.name): one.seconds for one in scored}
    both = [name for program, name in timed if program == OURS and "video" in timed.get((DIRECT, name), {}) and "try" in timed[OURS, name]]
    if not both:
        return ""
    tried, propagated = (mean(timed[OURS, name][part] for name in both) for part in ("try", "video"))
    direct = mean(timed[DIRECT, name]["video"] for name in both)
    return (
        f"N tries and one propagation take N x {tried:.1f} + {propagated:.1f} s, N direct edits N x {direct:.1f} s "
        f"(means of {counted(len(both), 'edit')}, on this machine)"
    )


def _without_empty(table: Table) -> Table:
    """The table without the columns in which no row has a number."""
    known = [any(isinstance(cell, str) or not math.isnan(cell) for cell in column) for column in zip(*table.rows, strict=True)]
    rows = tuple(tuple(compress(row, known)) for row in table.rows)
    return replace(table, columns=tuple(compress(table.columns, known)), rows=rows)


def _exhibit(source: _Source, scored: Sequence[_Scored]) -> Exhibit:
    sample = source.sample
    outlined = [_small(_outlined(frame, mask)) for frame, mask in zip(source.frames, source.region, strict=True)]
    truth = () if source.truth is None else (("the truth", [_small(frame) for frame in source.truth]),)
    panels = (("source and region", outlined), *truth, *((one.program, one.shown) for one in scored))
    count = len(source.frames)
    span = float(source.stamps[count - 1] - source.stamps[0])
    rate = max(1, round((count - 1) / span)) if span else 1
    return Exhibit(f"{sample.name}: {sample.task}" + (f" “{sample.caption}”" if sample.caption else ""), panels, rate)


def _outlined(frame: Frame, mask: Mask) -> Frame:
    result = frame.copy()
    outlines = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(result, outlines, -1, (255, 60, 60), max(1, frame.shape[1] // 300))
    return result


def _small(frame: Frame) -> Frame:
    return fitted(frame, panel_size(*frame.shape[:2]))
