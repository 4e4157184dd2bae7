"""The folder of a result: what an earlier run wrote there is replaced, what anybody else did is never touched.

The folder says itself what is the program's own: a list of names with their sizes, which is there before the first file is, so that a run
that was killed leaves a folder that can be used again. A file whose size is another than the list's was changed by a person, and is theirs.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from app.console import note
from app.outputs import prepare_folder
from core.errors import InputError, StorageError
from core.media.files import storage_errors, written_whole
from core.words import counted

LIST = ".vivid-studio.json"
"""The list's own name: `files` holds each file's size in bytes, or null for one that is being written."""

_NAMES = re.compile(r"(masks|frames)/\d{5,}\.png|masks-\w+\.(zip|mp4|webm|mov)|output\.\w+|keyframe\.png|report\.json|recipe\.json")
"""All that a result can hold. Whatever a list says, nothing else is ever taken for the program's own."""

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".exr", ".tga", ".gif")

Sizes = dict[str, int | None]


@contextlib.contextmanager
def result_folder(
    out: Path, files: Sequence[str], pictures: Mapping[str, int], sources: Sequence[Path | None] = (), used: Sequence[Path | None] = ()
) -> Iterator[None]:
    """Make `out` ready for `files` and for folders of so many numbered `pictures`, which the block writes.

    At the end of the block the result is complete, and what earlier runs left there goes, with a line that says so; not the `sources`, nor
    what else was `used`. After an error inside the block it stays.

    InputError, before anything changes, when one of `sources` is among what is written, and when something is in the way that no run of
    this program wrote: a file of such a name, or a picture of whatever name in one of the folders. StorageError when the disk refuses.
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
            _write_list(out, old | _sizes(out, names))
        raise
    new = _sizes(out, names)
    left = [name for name in old if name not in new]
    kept = [name for name in left if any(source is not None and _holds(source, out / name) for source in (*sources, *used))]
    _remove(out, [name for name in left if name not in kept and _is_own(out, name, old)])
    _write_list(out, {name: old[name] for name in kept} | new)


def _remove(out: Path, names: Sequence[str]) -> None:
    """Delete what an earlier run wrote, and say so; pictures may be gone already, with those that took their place."""
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


def _holds(source: Path, path: Path) -> bool:
    """Whether `source` is that file, or a folder that it lies in."""
    return source.resolve() in (path.resolve(), *path.resolve().parents)


def _refuse_others(out: Path, own: Sizes, files: Sequence[str], folders: Sequence[str]) -> None:
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


def _is_own(out: Path, name: str, own: Sizes) -> bool:
    """Whether a run wrote the file, and nobody changed it since."""
    return name in own and (own[name] is None or _size(out / name) in (own[name], None))


def _own(out: Path) -> Sizes:
    """What runs of this program wrote to `out`, by its list; for a folder without one, by the report that older versions left alone."""
    listed = _read(out / LIST).get("files")
    if isinstance(listed, dict):
        return {name: size for name, size in listed.items() if _NAMES.fullmatch(name) and (out / name).is_file()}
    report = _read(out / "report.json")
    frames = report.get("frames")
    names = ["report.json"]
    if not isinstance(frames, int):
        return {}
    if "own_video" in report:
        names += [path.name for path in out.glob("output.*")]
    elif "max_difference_outside" in report:
        names += ["output.mp4", "keyframe.png", "recipe.json", *(f"masks/{path.name}" for path in _numbered(out / "masks", frames))]
        # Whether pictures of frames were asked for, that report does not say; they were written between the keyframe and the report.
        since, until = _written(out / "keyframe.png"), _written(out / "report.json")
        names += [f"frames/{path.name}" for path in _numbered(out / "frames", frames) if since <= _written(path) <= until]
    else:
        return {}
    return {name: None for name in names if _NAMES.fullmatch(name) and (out / name).is_file()}


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


def _sizes(out: Path, names: Iterable[str]) -> Sizes:
    """The files among `names` that are there."""
    return {name: size for name in names if (size := _size(out / name)) is not None}


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_list(out: Path, files: Sizes) -> None:
    if files:
        with written_whole(out / LIST) as temporary:
            temporary.write_text(json.dumps({"files": files}, indent=0), encoding="utf-8")
    else:
        (out / LIST).unlink(missing_ok=True)
