"""What a build starts from: the videos in folders, Panda-70M's list of them, procedural clips."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from core.curation.panda import described, numbers_of
from core.curation.records import SourceItem
from core.errors import InputError

SUFFIXES = (".mp4", ".mkv", ".mov", ".webm", ".m4v", ".avi")
PROCEDURAL = "procedural:"
LIST = ".csv"


def list_sources(names: Sequence[str], licence: str, say: Callable[[str], None] = lambda said: None) -> list[SourceItem]:
    """Find the inputs of a build.

    Args:
        names: Folders of videos, at any depth; lists of Panda-70M as CSV, of the videos in these
            folders, or beside it where there are none; `procedural:N`.
        licence: Of the videos that say nothing of it.
        say: Is told what of a list was not there or not understood.

    Returns:
        The inputs, in an order that depends on their names only.

    Raises:
        InputError: A source is not there or holds no video.
    """
    items: dict[str, SourceItem] = {}
    lists = [Path(name).expanduser() for name in names if name.lower().endswith(LIST)]
    folders = [name for name in names if not name.lower().endswith(LIST)]
    if lists and not any(not name.startswith(PROCEDURAL) for name in folders):
        folders += sorted({str(path.parent) for path in lists})
    for name in folders:
        found = _drawn(name) if name.startswith(PROCEDURAL) else _files(Path(name).expanduser(), licence)
        for item in found:
            if item.name in items:
                raise InputError(f"two sources have a video '{item.name}': give folders of different names")
            items[item.name] = item
    ordered = [items[name] for name in sorted(items)]
    return described(ordered, lists, say) if lists else ordered


def _drawn(name: str) -> list[SourceItem]:
    count = name.removeprefix(PROCEDURAL)
    if not count.isdecimal() or not 0 < int(count) <= 10_000_000:
        raise InputError(f"'{name}': say how many clips to draw, like {PROCEDURAL}200")
    names = [(number, f"procedural/{number:07d}") for number in range(int(count))]
    return [SourceItem(name, name, "drawn by VIVID Studio", drawn=number) for number, name in names]


def _files(folder: Path, licence: str) -> list[SourceItem]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of videos (or say {PROCEDURAL}200 for clips that are drawn)")
    paths = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not paths:
        raise InputError(f"{folder} holds no videos ({', '.join(SUFFIXES)})")
    root = folder.resolve()
    return [_file(root, path.resolve(), licence) for path in paths]


def _file(root: Path, path: Path, licence: str) -> SourceItem:
    facts = path.stat()
    name = f"{root.name}/{path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name}"
    beside = _beside(path)
    panda = numbers_of(path)
    source = beside.get("url") or (f"{root.name}/{panda[0]:07d}" if panda else name)
    said = beside.get("licence") or beside.get("license") or licence
    return SourceItem(name, str(source), str(said), str(path), facts.st_size, facts.st_mtime_ns)


def refreshed(item: SourceItem) -> SourceItem:
    """The same source with its file's size and time as they are now; as it was when it is gone."""
    try:
        facts = Path(item.path).stat() if item.path else None
    except OSError:
        return item
    return item if facts is None else replace(item, size=facts.st_size, changed=facts.st_mtime_ns)


def _beside(path: Path) -> dict[str, Any]:
    """What a JSON file of the video's name says of it, as downloaders write them."""
    try:
        said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
