"""Where the command line writes: what would go wrong there is found before anything slow starts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError, StorageError


def prepare_folder(out: Path, files: Sequence[str], folders: Sequence[str], sources: Sequence[Path | None] = ()) -> None:
    """Make a folder for results, and check that all of them can be written there.

    Args:
        out: The folder.
        files: Names of files to be written in it.
        folders: Names of folders to be written in it.
        sources: Files and folders that must not be overwritten.

    Raises:
        InputError: One of `sources` would be overwritten, or a file is where a folder is needed, or
            the other way round.
        StorageError: The disk refuses.
    """
    for name in (*files, *folders):
        for source in sources:
            if source is not None and same_file(out / name, source):
                raise InputError(f"'{source}' would be overwritten by the result: choose another folder for --out")
    make_folder(out, "--out")
    for name in files:
        if (out / name).is_dir():
            raise InputError(f"'{out / name}' is a folder, and a file is to be written there: choose another folder for --out")
    for name in folders:
        if (out / name).exists() and not (out / name).is_dir():
            raise InputError(f"'{out / name}' is a file, and a folder is to be written there: choose another folder for --out")


def make_folder(folder: Path, flag: str) -> None:
    """Make the folder that `flag` names and see that it can be written to.

    Errors as `prepare_folder`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"'{folder}' can't be the folder for {flag}: there is a file in its place, choose another") from None
    except OSError as error:
        raise StorageError(f"the folder '{folder}' can't be written to ({error.strerror or error}): choose another, or free it") from error


def same_file(one: Path, other: Path) -> bool:
    """Whether both are there and are the same file or folder."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False
