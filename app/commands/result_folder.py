"""The folder of a result: what an earlier run wrote there is replaced, what anybody else did is
never touched.

The folder says itself what is the program's own: a list of names with their sizes and times, which
is there before the first file is, so that a run that was killed leaves a folder that can be used
again. A file that is not as the list has it was changed by a person, and is theirs.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from app.commands.console import note
from app.commands.output_folder import prepare_folder
from core.errors import InputError, StorageError
from core.files import storage_errors, write_text
from core.media.codecs import ENCODINGS
from core.words import counted

LIST = ".vivid-studio.json"
"""The list's own name: `files` holds each file's size in bytes and the time of its last change, or
null for one that is being written.
"""

_NAMES = re.compile(
    r"(masks|frames)/\d{5,}\.png|masks-\w+\.(zip|mp4|webm|mov)|output(-[\w-]+)?\.\w+|keyframe(-\d{5,})?\.png|report\.json|recipe\.json"
)
"""All that a result can hold.

Whatever a list says, nothing else is ever taken for the program's own.
"""

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr", ".tga", ".gif")

_SAME = 2.0
"""Seconds by which the time of a last change may be given differently: file systems round it."""

State = tuple[int, float]
"""A file's size in bytes and the time of its last change in seconds."""
States = dict[str, State | None]


@contextlib.contextmanager
def result_folder(
    out: Path, files: Sequence[str], pictures: Mapping[str, int], sources: Sequence[Path | None] = (), used: Sequence[Path | None] = ()
) -> Iterator[None]:
    """Make a folder ready for a result that the block writes.

    At the end of the block the result is complete. What would pass for a part of it is then
    removed, with a line that says so: pictures of earlier runs in the same folders, and their masks
    in other forms. After an error inside the block it stays. Other results (a video, a recipe) are
    left alone.

    Args:
        out: The folder; is made.
        files: Names of the files of the result.
        pictures: Folders of the result, and how many numbered pictures each gets.
        sources: Files and folders that must not be overwritten, nor removed.
        used: Others that must not be removed.

    Yields:
        Nothing.

    Raises:
        InputError: Before anything changes: one of `sources` would be overwritten, or something is
            in the way that no run of this program wrote.
        StorageError: The disk refuses.
    """
    prepare_folder(out, files, tuple(pictures), sources)
    old = _own(out)
    _refuse_others(out, old, files, tuple(pictures))
    names = [*files, *(f"{folder}/{index:05d}.png" for folder, count in pictures.items() for index in range(count))]
    _write_list(out, old | dict.fromkeys(names))
    try:
        yield
    except BaseException:
        with contextlib.suppress(StorageError, OSError):  # the disk may be what stopped the work
            _write_list(out, old | _states(out, names))
        raise
    new = _states(out, names)
    held = (*sources, *used)
    parts = (*_parts(pictures), *({"keyframe"} if any(name.startswith("keyframe") for name in files) else ()))
    gone = [name for name in old if name not in new and name.startswith(parts) and _is_own(out, name, old) and not _held(out / name, held)]
    _remove(out, gone)
    _write_list(out, {name: state for name, state in old.items() if name not in gone} | new)


def is_finished(out: Path) -> bool:
    """Whether a result lies in a folder whose recipe, which is written last, is there."""
    return _own(out).get("recipe.json") is not None


def _parts(folders: Iterable[str]) -> Iterator[str]:
    """How names begin that are taken for parts of what lies in `folders`."""
    for folder in folders:
        yield f"{folder}/"
        if folder == "masks":
            yield "masks-"


def _remove(out: Path, names: Sequence[str]) -> None:
    """Delete what an earlier run wrote, and say so; pictures may be gone already, with those that
    took their place.
    """
    for name in names:
        with storage_errors(out / name):
            (out / name).unlink(missing_ok=True)
    pictures = Counter(name.partition("/")[0] for name in names if "/" in name)
    for folder in pictures:
        with contextlib.suppress(OSError):  # there is something else in it
            (out / folder).rmdir()
    gone = [name for name in names if "/" not in name] + [f"{counted(number, 'picture')} in {name}" for name, number in pictures.items()]
    if gone:
        note(f"removed from {out} what an earlier run left there: {', '.join(gone)}")


def _held(path: Path, sources: Iterable[Path | None]) -> bool:
    """Whether one of `sources` is that file, or a folder that it lies in."""
    places = [each for each in (path.absolute(), *path.absolute().parents) if each.exists()]
    return any(source.samefile(each) for source in sources if source is not None and source.exists() for each in places)


def _refuse_others(out: Path, own: States, files: Sequence[str], folders: Sequence[str]) -> None:
    for name in files:
        if (out / name).exists() and not _is_own(out, name, own):
            raise InputError(
                f"'{out / name}' was not written by this program, or was changed since, and would be overwritten: "
                "choose another folder for --out"
            )
    for folder in folders:
        for picture in sorted((out / folder).glob("*")):
            if picture.name.startswith(".") or picture.suffix.lower() not in _PICTURES:
                continue
            if not _is_own(out, f"{folder}/{picture.name}", own):
                raise InputError(
                    f"the folder '{out / folder}' holds pictures that this program did not write, or that were changed since "
                    f"({picture.name}): choose another folder for --out"
                )


def _is_own(out: Path, name: str, own: States) -> bool:
    """Whether a run wrote the file, and nobody changed it since."""
    if name not in own:
        return False
    written, found = own[name], _state(out / name)
    return written is None or found is None or (found[0] == written[0] and abs(found[1] - written[1]) < _SAME)


def _own(out: Path) -> States:
    """What runs of this program wrote to `out`, by its list; for a folder without one, by the
    report, which is written last.
    """
    listed = _read(out / LIST).get("files")
    if isinstance(listed, dict):
        known = {name: state for name, state in listed.items() if _NAMES.fullmatch(name) and (out / name).is_file()}
        return {name: _given(state) for name, state in known.items() if state is None or _given(state) is not None}
    report = _read(out / "report.json")
    frames = report.get("frames")
    if not isinstance(frames, int):
        return {}
    names = ["report.json"]
    if "own_video" in report:
        names += [f"output{suffix}" for suffix in {".zip", *(encoding.suffixes[0] for encoding in ENCODINGS.values())}]
    elif "max_difference_outside" in report:
        names += ["output.mp4", "keyframe.png", "recipe.json", *(f"masks/{path.name}" for path in _numbered(out / "masks", frames))]
        # Whether pictures of frames were asked for, an older report does not say; they were written
        # after the keyframe.
        since = _written(out / "keyframe.png")
        names += [f"frames/{path.name}" for path in _numbered(out / "frames", frames) if since <= _written(path)]
    elif "suspect" in report:
        names += [f"masks/{path.name}" for path in _numbered(out / "masks", frames)]
    until = _written(out / "report.json") + _SAME
    return {name: None for name in names if _NAMES.fullmatch(name) and (out / name).is_file() and _written(out / name) <= until}


def _given(state: object) -> State | None:
    """A file's state as the list has it; None as well for what is no state."""
    match state:
        case [int(size), int(changed) | float(changed)]:
            return size, float(changed)
    return None


def _numbered(folder: Path, count: int) -> list[Path]:
    return [path for path in folder.glob("*.png") if path.stem.isdecimal() and int(path.stem) < count]


def _written(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _states(out: Path, names: Iterable[str]) -> States:
    """The files among `names` that are there."""
    return {name: state for name in names if (state := _state(out / name)) is not None}


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime


def _write_list(out: Path, files: States) -> None:
    if files:
        write_text(out / LIST, json.dumps({"files": files}, indent=0))
    else:
        with storage_errors(out / LIST):
            (out / LIST).unlink(missing_ok=True)
