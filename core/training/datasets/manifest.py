"""What there is to train on: records out of JSON Lines files and WebDataset tars. docs/training.md
shows both."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.dataset.facts import LENGTHS, TASKS, TRACKED
from core.dataset.tars import members_of, TarMember
from core.errors import InputError
from core.training.datasets.sample_schedule import Kind, Task
from core.vivid.conditioning import DELETE_CAPTION

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
VIDEO_SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".m4v", ".avi")
_KEYS = {"key", "media", "masks", "task", "captions", "masked"}


Source = Path | TarMember
"""One file of a record."""


@dataclass(frozen=True)
class Rle:
    """Run lengths of one frame, see `core.dataset.rle`."""

    height: int
    width: int
    counts: str | tuple[int, ...]


@dataclass(frozen=True)
class Record:
    """One sample, the tuple (x, m, masked x, y) of VIVID-10M.

    `media` x: a video, an image or a folder of numbered frames. `masks` m: a mask video, a folder
    of numbered PNGs, PNG members, or run lengths; one mask a frame. `masked`: what the model sees
    around the region when that isn't x itself. `captions` y: from short to long; for `delete` the
    fixed one. `where` is file and line, for messages; `key` names the record among all.
    `form` is TRACKED, or the one of the six that the masks already have.
    """

    key: str
    where: str
    kind: Kind
    media: Source
    masks: Source | tuple[TarMember, ...] | tuple[Rle, ...]
    task: str
    captions: tuple[str, ...]
    masked: Source | None = None
    form: str = TRACKED

    @property
    def group(self) -> tuple[Kind, Task]:
        """What the mixture counts it as."""
        return self.kind, "delete" if self.task == "delete" else "draw"


OnBad = Callable[[InputError], None]
"""What becomes of a record that can't be read: `stop` raises, `skip` prints why and goes on."""


def stop(error: InputError) -> None:
    """End with the first record that can't be read."""
    raise error


def skip(error: InputError) -> None:
    """Go on without it."""
    print(f"skipped: {error}", file=sys.stderr, flush=True)


def read_manifest(path: Path, on_bad: OnBad = stop) -> Iterator[Record]:
    """All records of a .jsonl file, a .tar file or a folder of .tar files.

    InputError, naming file and line, for anything that is wrong; with `skip` only for a path that
    is no manifest.
    """
    if path.is_dir():
        tars = sorted(path.glob("*.tar"))
        if not tars:
            raise InputError(f"{path} holds no .tar files")
        for tar in tars:
            yield from read_tar(tar, on_bad)
    elif path.suffix == ".tar":
        yield from read_tar(path, on_bad)
    elif path.suffix in (".jsonl", ".ndjson"):
        yield from read_jsonl(path, on_bad)
    else:
        raise InputError(f"data={path}: a manifest is a .jsonl file, a .tar file or a folder of .tar files, or say data=procedural")


def read_jsonl(path: Path, on_bad: OnBad = stop) -> Iterator[Record]:
    """Records of a JSON Lines file; its paths are relative to it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the manifest {path} can't be read: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _from_json(path, number, line)
            except InputError as error:
                on_bad(error)


def _from_json(path: Path, number: int, line: str) -> Record:
    where = f"{path}:{number}"
    try:
        facts = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error})") from None
    if not isinstance(facts, dict):
        raise InputError(f"{where}: a record is an object, not {line.strip()[:40]}")
    unknown = sorted(set(facts) - _KEYS)
    if unknown:
        raise InputError(f"{where}: unknown '{unknown[0]}'; a record has {', '.join(sorted(_KEYS))}")
    for needed in ("media", "masks", "task"):
        if needed not in facts:
            raise InputError(f"{where}: no '{needed}'")
    media = _file(path, where, "media", facts["media"])
    masks = facts["masks"]
    return Record(
        key=str(facts.get("key", facts["media"])),
        where=where,
        kind=_kind(media, where),
        media=media,
        masks=_file(path, where, "masks", masks) if isinstance(masks, str) else _rles(masks, where),
        task=_task(facts["task"], where),
        captions=_captions(facts, where),
        masked=None if facts.get("masked") is None else _file(path, where, "masked", facts["masked"]),
    )


def read_tar(path: Path, on_bad: OnBad = stop) -> Iterator[Record]:
    """Records of a WebDataset tar: the files of one sample share their name up to the first dot.

    `KEY.mp4` (or another video, or an image) is the media, `KEY.json` says task and captions and
    may hold the masks' run lengths; else `KEY.mask.png`, `KEY.mask.00000.png` ... or `KEY.mask.mp4`
    are the masks. `KEY.masked.*` is the masked media.
    """
    samples: dict[str, dict[str, TarMember]] = {}
    try:
        members = members_of(path)
    except InputError as error:
        on_bad(error)
        return
    for member in members:
        folder, name = PurePosixPath(member.name).parent, PurePosixPath(member.name).name
        stem, _, extension = name.partition(".")
        samples.setdefault(str(folder / stem), {})[extension.lower()] = member
    for key, parts in samples.items():
        try:
            yield _from_tar(f"{path.stem}/{key}", f"{path}:{key}", parts)
        except InputError as error:
            on_bad(error)


def _from_tar(key: str, where: str, parts: dict[str, TarMember]) -> Record:
    if "json" not in parts:
        raise InputError(f"{where}: no {PurePosixPath(key).name}.json beside {', '.join(sorted(parts))}")
    try:
        facts = json.loads(parts["json"].read())
    except ValueError as error:
        raise InputError(f"{where}.json: not JSON ({error})") from None
    if not isinstance(facts, dict):
        raise InputError(f"{where}.json: not an object")
    plain = {extension: part for extension, part in parts.items() if "." not in extension and extension != "json"}
    found = [part for extension, part in plain.items() if f".{extension}" in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)]
    if len(found) != 1:
        raise InputError(f"{where}: {len(found)} videos or images where there has to be one")
    numbered = sorted(extension for extension in parts if extension.startswith("mask."))
    masks: Source | tuple[TarMember, ...] | tuple[Rle, ...]
    if "masks" in facts:
        masks = _rles(facts["masks"], f"{where}.json")
    elif numbered == ["mask.mp4"] or numbered == ["mask.mkv"]:
        masks = parts[numbered[0]]
    elif numbered:
        masks = tuple(parts[extension] for extension in numbered)
    else:
        raise InputError(f"{where}: no masks: give 'masks' in the .json, or members .mask.png, .mask.00000.png ... or .mask.mp4")
    masked = [part for extension, part in parts.items() if extension.startswith("masked.")]
    if "task" not in facts:
        raise InputError(f"{where}.json: no 'task'")
    return Record(
        key=key,
        where=where,
        kind=_kind(found[0], where),
        media=found[0],
        masks=masks,
        task=_task(facts["task"], f"{where}.json"),
        captions=_captions(facts, f"{where}.json"),
        masked=masked[0] if masked else None,
    )


def _file(manifest: Path, where: str, name: str, value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: '{name}' has to be a path, not {json.dumps(value)[:40]}")
    path = manifest.parent / value
    if not path.exists():
        raise InputError(f"{where}: '{name}' does not exist: {path}")
    return path


def _kind(media: Source, where: str) -> Kind:
    if isinstance(media, Path) and media.is_dir():
        return "video"
    if media.suffix.lower() in IMAGE_SUFFIXES:
        return "image"
    if media.suffix.lower() in VIDEO_SUFFIXES:
        return "video"
    raise InputError(f"{where}: '{media}' is neither a video nor an image by its name")


def _task(value: Any, where: str) -> str:
    if value not in TASKS:
        raise InputError(f"{where}: the task {json.dumps(value)[:40]} is not one of {', '.join(TASKS)}")
    return value


def _captions(facts: dict[str, Any], where: str) -> tuple[str, ...]:
    """From short to long. Deletion has the fixed caption, whatever is written."""
    if facts["task"] == "delete":
        return (DELETE_CAPTION,)
    captions = facts.get("captions")
    if isinstance(captions, dict) and set(captions) <= set(LENGTHS):
        captions = [captions[length] for length in LENGTHS if length in captions]
    if isinstance(captions, str):
        captions = [captions]
    if not isinstance(captions, list) or not captions or not all(isinstance(text, str) and text.strip() for text in captions):
        raise InputError(f"{where}: to {facts['task']}, 'captions' has to be a list of texts, or an object of short, medium and long")
    return tuple(captions)


def _rles(value: Any, where: str) -> tuple[Rle, ...]:
    """One run-length mask, or a list of them."""
    items = value if isinstance(value, list) else [value]
    result = []
    for number, item in enumerate(items):
        size = item.get("size") if isinstance(item, dict) else None
        counts = item.get("counts") if isinstance(item, dict) else None
        whole = isinstance(counts, str) or (isinstance(counts, list) and all(isinstance(count, int) for count in counts))
        if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size) and whole):
            raise InputError(f'{where}: mask {number} has to be a path, or run lengths {{"size": [height, width], "counts": ...}}')
        result.append(Rle(size[0], size[1], counts if isinstance(counts, str) else tuple(counts or ())))
    if not result:
        raise InputError(f"{where}: no masks")
    return tuple(result)
