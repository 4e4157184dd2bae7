"""VIVID-10M as its authors publish it, into a data set.

The packaging is known from their demo files alone, so names are read liberally, and what was not
understood is said. A folder that holds mask videos (or pictures) is one clip; where it holds
nothing else, the folder above it is:

    ID/source_video.mp4
    ID/mask_clip0000_instance0000_ori_mask.mp4       the entity as it was tracked
    ID/mask_clip0000_instance0000_..._dilated...     and in other forms: expand, hull, box
    ID/mask_clip0000_remove0000_...                  a mask that was pasted on background
    ID/local_caption/v2/local_caption_clip0000...txt captions, a line each, or JSON
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.curation.embedded import DisFlow
from core.curation.motion import motion_values, shrunk, shrunk_mask
from core.dataset.facts import ClipFacts, Kind, PackedMasks, SampleFacts, SourceFacts, TRACKED
from core.dataset.index import NAME
from core.dataset.rle import encode_rle
from core.dataset.writer import DatasetWriter
from core.errors import InputError
from core.files import write_text
from core.media import open_clip, read_image
from core.progress import JobContext
from core.vivid.conditioning import DELETE_CAPTION

_VIDEOS = (".mp4", ".mkv", ".mov", ".webm", ".m4v", ".avi")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_NOT_UNDERSTOOD = "not understood"
_INSIDE = 127

Frame = NDArray[np.uint8]
Captions = dict[tuple[str, str], tuple[str, ...]]
"""By the numbers of clip and instance."""


@dataclass
class ImportReport:
    """What became of a folder: how much was imported, what was set aside or passed over and why,
    and what was guessed, with how often.
    """

    clips: int = 0
    samples: int = 0
    aside: list[tuple[str, str]] = field(default_factory=list)
    guesses: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _MaskFile:
    """A mask by what its name says; `form` is one of the six, or "" where the name says none."""

    path: Path
    clip: str
    instance: str
    removed: bool
    form: str


@dataclass(frozen=True)
class _Clip:
    """What a clip's file shows: `shape` is (height, width)."""

    path: Path
    kind: Kind
    shape: tuple[int, int]
    frames: int
    rate: Fraction


def import_vivid10m(
    folder: Path, out: Path, context: JobContext, *, licence: str = "", validation: float = 0.02, augment: bool = False
) -> ImportReport:
    """Write a data set of a folder.

    Args:
        folder: As published; its clips may lie at any depth.
        out: Gets `data` and, for what was set aside, `quarantine/import.jsonl`.
        context: Reports progress; work stops when it is cancelled.
        licence: Of all clips, as their owner states it.
        validation: Share of the clips that is held out.
        augment: Take only the masks as tracked, and let the trainer apply the six forms. Otherwise
            all masks are taken as they are, and the trainer leaves them alone.

    Returns:
        What was done.

    Raises:
        InputError: Nothing in the folder is understood, or `out` holds a data set.
        StorageError: The disk refuses.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder at '{folder}': give the unpacked data set")
    if (out / "data" / NAME).exists():
        raise InputError(f"'{out}' holds a data set already: choose another folder")
    context.report("looking for masks", 0, 1)
    places, others = _survey(folder)
    if not places:
        raise InputError(f"no file in '{folder}' is called like a mask of VIVID-10M (mask_clip0000_instance0000_ori_mask.mp4)")
    report = ImportReport(aside=[(str(path), _NOT_UNDERSTOOD) for path in others])
    facts = {"maker": "import vivid-10m", "augment": augment}
    keys = _Keys()
    try:
        with DatasetWriter(out / "data", validation=validation, facts=facts) as writer:
            for number, place in enumerate(places):
                context.report("importing", number, len(places))
                name = place.relative_to(folder).as_posix() if place != folder else folder.resolve().name
                source = SourceFacts(f"vivid-10m/{name}", licence)
                for clip, samples in _import_place(place, augment, report, context):
                    shape = (clip.shape[1], clip.shape[0], clip.frames, clip.rate, 0, clip.frames, clip.path.suffix.lower())
                    writer.add(ClipFacts(keys.unique(name), clip.kind, source, *shape), clip.path, samples)
                    report.clips, report.samples = report.clips + 1, report.samples + len(samples)
            context.report("importing", len(places), len(places))
            if not report.samples:
                raise InputError(f"no sample of '{folder}' was understood: {out / 'quarantine' / 'import.jsonl'} says why")
    finally:
        if report.aside:
            lines = (json.dumps({"stage": "import", "input": path, "reason": reason}) + "\n" for path, reason in report.aside)
            write_text(out / "quarantine" / "import.jsonl", "".join(lines))
    return report


def _survey(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders that are clips, in order, and the files that lie neither in one nor below."""
    places: list[Path] = []
    others: dict[Path, list[Path]] = {}
    for root, folders, names in os.walk(folder):
        folders.sort()
        here, files = Path(root), [Path(root, name) for name in sorted(names) if not name.startswith(".")]
        if any(_is_mask(path) for path in files):
            above = here != folder and not any(_is_media(path) for path in files) and any(map(_is_media, others.get(here.parent, ())))
            place = here.parent if above else here
            places += [place] if place not in places[-1:] else []
            folders.clear()  # what is below belongs to it
        elif here.parent not in places[-1:]:
            others[here] = files
    known = set(places)
    return places, [path for at, files in others.items() if known.isdisjoint((at, *at.parents)) for path in files]


def mask_form(name: str) -> str:
    """The form that the name of a mask speaks of, one of the six; "" where it says none."""
    words = re.sub(r"(clip|instance|remove)[_-]?\d+", "", name.lower())
    form = "hull" if "hull" in words else "box" if "rect" in words or "box" in words else ""
    if "dilat" in words or "expand" in words:
        return f"{form}+expand" if form else "expand"
    return form or ("none" if "ori" in words else "")


def read_captions(text: str) -> tuple[str, ...]:
    """One to three captions of a file, from short to long: of texts in JSON, or of its lines."""
    try:
        said = json.loads(text)
    except ValueError:
        said = text.splitlines()
    texts = list({" ".join(one.split()) for one in _strings(said) if one.strip()})
    texts.sort(key=lambda one: (len(one.split()), one))
    return tuple(texts) if len(texts) <= 3 else (texts[0], texts[len(texts) // 2], texts[-1])


def _strings(said: Any) -> Iterator[str]:
    """The texts in JSON, at any depth."""
    if isinstance(said, str):
        yield said
    for one in said.values() if isinstance(said, dict) else said if isinstance(said, list) else ():
        yield from _strings(one)


class _Keys:
    """Keys of clips, each once, of the names of their folders."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def unique(self, name: str) -> str:
        key = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "clip"
        self._taken[key] += 1
        return key if self._taken[key] == 1 else f"{key}--{self._taken[key]}"


def _is_mask(path: Path) -> bool:
    name = path.stem.lower()
    return path.suffix.lower() in (*_VIDEOS, *_PICTURES) and "mask" in name and "masked" not in name


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in (*_VIDEOS, *_PICTURES) and not _is_mask(path)


def _number(name: str, what: str) -> str:
    found = re.search(rf"{what}[_-]?(\d+)", name.lower())
    return found[1] if found else ""


def _import_place(place: Path, augment: bool, report: ImportReport, context: JobContext) -> Iterator[tuple[_Clip, list[SampleFacts]]]:
    """The clips of a folder with their samples. Clips of several numbers share a video where there
    is only one.
    """
    files = sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
    here = [path for path in files if path.parent == place and not _is_mask(path)]
    captions, used = _captions(place, files)
    by_media: dict[Path, list[_MaskFile]] = {}
    own = any(_is_mask(path) and path.parent == place for path in files)
    for mask in (_mask_file(path) for path in files if _is_mask(path) and (path.parent == place or not own)):
        used.add(mask.path)
        media = _media_of(mask, here)
        if media is None:
            report.aside.append((str(mask.path), "no source video beside it, or more than one"))
        else:
            by_media.setdefault(media, []).append(mask)
    for media, these in by_media.items():
        used.add(media)
        try:
            clip = _clip(media)
        except InputError as error:
            report.aside += [(str(mask.path), f"its source can't be read ({error})") for mask in these]
            continue
        samples = list(_samples(clip, these, captions, augment, report, context))
        if samples:
            yield clip, samples
    report.aside += [(str(path), _NOT_UNDERSTOOD) for path in files if path not in used]


def _samples(
    clip: _Clip,
    masks: Sequence[_MaskFile],
    captions: Captions,
    augment: bool,
    report: ImportReport,
    context: JobContext,
) -> Iterator[SampleFacts]:
    read: list[tuple[SampleFacts, NDArray[np.bool_]]] = []
    names = _Keys()
    for mask in masks:
        context.check()
        form = mask.form
        if not form:
            report.guesses["masks whose form their name doesn't say, taken as they are"] += 1
            form = "none"
        if augment and form != "none":
            report.guesses["masks in other forms, left out for augment"] += 1
            continue
        known = ((mask.clip, mask.instance), (mask.clip, ""), ("", mask.instance), ("", ""))
        of = next((numbers for numbers in known if numbers in captions), None)
        said = (DELETE_CAPTION,) if mask.removed else captions.get(of, ()) if of else ()
        if not mask.removed and mask.clip and of in known[2:]:
            report.guesses["masks with captions whose name says no clip, taken for all of their folder"] += 1
        if not said:
            report.aside.append((str(mask.path), "no caption of its clip and instance"))
            continue
        try:
            packed, small, values = _read_masks(clip, mask.path)
        except InputError as error:
            report.aside.append((str(mask.path), str(error)))
            continue
        name = names.unique(f"{'d' if mask.removed else 'e'}{mask.clip}-{mask.instance}-{form.replace('+', '-')}")
        task = "delete" if mask.removed else "modify"
        made = SampleFacts(name, task, said, packed, form=TRACKED if augment else form, values=values, notes={"file": mask.path.name})
        read.append((made, small))
    motion: list[dict[str, float]] = [{} for _ in read]
    if read and clip.kind == "video":
        with open_clip(clip.path) as reader:
            motion = motion_values(reader.frames(), [small for _, small in read], DisFlow(), float(clip.rate))
    for (made, _), moving in zip(read, motion, strict=True):
        yield replace(made, values={**made.values, **moving})


def _mask_file(path: Path) -> _MaskFile:
    name, removed = path.stem, _number(path.stem, "remove")
    return _MaskFile(path, _number(name, "clip"), removed or _number(name, "instance"), bool(removed), mask_form(name))


def _media_of(mask: _MaskFile, files: Sequence[Path]) -> Path | None:
    """The video or picture that a mask is of: the one of its clip's number, else the source."""
    suffixes = _VIDEOS if mask.path.suffix.lower() in _VIDEOS else (*_VIDEOS, *_PICTURES)
    media = [path for path in files if path.suffix.lower() in suffixes and "masked" not in path.stem.lower()]
    of_clip = [path for path in media if mask.clip and _number(path.stem, "clip") == mask.clip]
    sources = [path for path in media if "source" in path.stem.lower()]
    return next((found[0] for found in (of_clip, sources, media) if len(found) == 1), None)


def _captions(place: Path, files: Sequence[Path]) -> tuple[Captions, set[Path]]:
    """Captions by clip and instance, "" for one of all, and the files they are from; of several
    versions the last counts.
    """
    found: Captions = {}
    used: set[Path] = set()
    for path in files:
        if path.suffix.lower() in (".txt", ".json") and "caption" in path.relative_to(place).as_posix().lower():
            try:
                captions = read_captions(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue
            if captions:
                used.add(path)
                found[_number(path.stem, "clip"), _number(path.stem, "instance")] = captions
    return found, used


def _clip(path: Path) -> _Clip:
    if path.suffix.lower() in _PICTURES:
        picture = read_image(path)
        return _Clip(path, "image", (picture.shape[0], picture.shape[1]), 1, Fraction(0))
    with open_clip(path) as reader:
        return _Clip(path, "video", (reader.info.height, reader.info.width), len(reader), reader.info.rate)


@contextmanager
def _frames(path: Path) -> Iterator[tuple[int, Iterator[Frame]]]:
    if path.suffix.lower() in _PICTURES:
        yield 1, iter([read_image(path)])
    else:
        with open_clip(path) as reader:
            yield len(reader), reader.frames()


def _read_masks(clip: _Clip, path: Path) -> tuple[PackedMasks, NDArray[np.bool_], dict[str, float]]:
    """Packed at the clip's size, shrunk (T, h, w), and measured."""
    height, width = clip.shape
    small_shape = shrunk(np.zeros((height, width, 3), np.uint8)).shape[:2]
    counts, small, areas = [], [], []
    with _frames(path) as (count, frames):
        if count != clip.frames:
            raise InputError(f"{count} masks for {clip.frames} frames: which of them they belong to isn't known")
        for frame in frames:
            if abs(frame.shape[1] * height / (frame.shape[0] * width) - 1) > 0.02:
                raise InputError(f"its shape is {frame.shape[1]}x{frame.shape[0]}, the clip's {width}x{height}")
            mask = functools.reduce(cv2.max, cv2.split(frame)) > _INSIDE
            if mask.shape != clip.shape:
                mask = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
            counts.append(encode_rle(np.ascontiguousarray(mask)))
            small.append(shrunk_mask(mask, (small_shape[0], small_shape[1])))
            areas.append(float(mask.mean()))
    seen = [area for area in areas if area]
    if not seen:
        raise InputError("its masks are empty")
    values = {"area": float(np.mean(seen)), "visible": len(seen) / len(areas)}
    return PackedMasks(height, width, tuple(counts)), np.stack(small), values
