"""Pictures as their pixels, whatever file holds them, and how two sets of them differ."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Comparison:
    """Two sets of pictures: the hash of each, how many there are, and what differs ("" when nothing
    does).
    """

    hashes: tuple[str, str]
    count: int
    difference: str


def pictures(path: Path) -> Iterator[np.ndarray]:
    """The pictures in a picture file, a folder or zip of pictures (by name), or a video, decoded:
    uint8, (H, W) or (H, W, 3).
    """
    if path.is_dir():
        for file in sorted(path.iterdir()):
            yield np.asarray(Image.open(file))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                with archive.open(name) as packed:
                    yield np.asarray(Image.open(packed))
    elif path.suffix == ".png":
        yield np.asarray(Image.open(path))
    else:
        import av

        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")


def compare(one: Path, other: Path) -> Comparison:
    """Compare the pixels of two files or folders that `pictures` reads."""
    ours, theirs = list(pictures(one)), list(pictures(other))
    return Comparison((_hash(ours), _hash(theirs)), len(ours), _difference(ours, theirs))


def _hash(frames: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(repr((frame.shape, str(frame.dtype))).encode() + np.ascontiguousarray(frame).tobytes())
    return digest.hexdigest()[:16]


def _difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} pictures and {len(theirs)}"
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one.shape != other.shape:
            return f"picture {index} is {one.shape} and {other.shape}"
    unequal = [index for index, (one, other) in enumerate(zip(ours, theirs, strict=True)) if not np.array_equal(one, other)]
    if not unequal:
        return ""
    largest = max(int(np.abs(ours[index].astype(int) - theirs[index].astype(int)).max()) for index in unequal)
    return f"{len(unequal)} of {len(ours)} differ, the first is {unequal[0]}, by up to {largest}"
