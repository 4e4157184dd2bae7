"""How a long mask sequence lies in a project: blocks of frames, each a file named by its content,
and an index that lists them.

A change of one frame writes one block and the index again, however long the clip is; what did not
change is shared with what was there before.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import weakref
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.project.plain import parse_json
from core.project.video import LARGEST_SIDE

BLOCK = 64
"""Frames in a block: 20 KB or so of an object, and 280 lines of index for ten minutes."""
SUFFIX = ".runs"
INDEX_VERSION = 2

UNKNOWN = 255
"""In `Index.quality`, of a frame whose mask was not tracked."""

Runs = list[NDArray[np.uint32]]
_NAME = re.compile(r"[0-9a-f]{32}\.runs")
_MAGIC = b"VMB1"
_MOST_BYTES = 2**30  # of a block, packed or unpacked: millions of edges on every frame


@dataclass(eq=False)
class StoredBlock:
    """Runs of `BLOCK` frames (fewer in the last block) that lie in the file `name`."""

    name: str
    runs: Runs


@dataclass(frozen=True)
class Index:
    """What an index says: frames `start` to `start + frames - 1` of (W, H) = `size`; None stands
    for a block of empty masks. `lost` are half-open ranges of frames whose masks were damaged on
    the disk: they are empty here. `quality` has a number a frame, per cent or UNKNOWN; it is empty
    where nothing is known.
    """

    size: tuple[int, int]
    start: int
    frames: int
    names: tuple[str | None, ...]
    lost: tuple[tuple[int, int], ...] = ()
    quality: tuple[int, ...] = ()

    def to_bytes(self) -> bytes:
        """The index as the file's content."""
        said = {"vivid_masks": INDEX_VERSION, "size": self.size, "start": self.start, "frames": self.frames, "blocks": self.names}
        lost = {"lost": self.lost} if self.lost else {}
        quality = {"quality": base64.b64encode(zlib.compress(bytes(self.quality), 1)).decode()} if self.quality else {}
        return json.dumps(said | lost | quality).encode()

    @classmethod
    def parse(cls, data: bytes) -> Index:
        """Read what `to_bytes` gave; InputError for a newer one, ValueError, KeyError or TypeError
        for anything else.
        """
        read: dict[str, Any] = parse_json(data)
        if int(read["vivid_masks"]) > INDEX_VERSION:
            raise InputError(
                f"the masks are of a newer version ({read['vivid_masks']}) than this program reads ({INDEX_VERSION}): update VIVID Studio"
            )
        names = tuple(read["blocks"])
        if any(name is not None and not _NAME.fullmatch(name) for name in names):
            raise ValueError("a block has a name that no block has")
        (width, height), frames, start = read["size"], int(read["frames"]), int(read["start"])
        if len(names) != -(-frames // BLOCK) or start < 0:
            raise ValueError("the blocks don't cover the frames")
        if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
            raise ValueError("masks of no size")
        lost = tuple((max(start, int(first)), min(start + frames, int(stop))) for first, stop in read.get("lost", ()))
        return cls((int(width), int(height)), start, frames, names, lost, _quality(read.get("quality"), frames))


def _quality(packed: object, frames: int) -> tuple[int, ...]:
    """What an index says of the quality of so many frames; nothing where that can't be read, since
    the masks are good without it.
    """
    try:
        unpacked = zlib.decompressobj()
        raw = unpacked.decompress(base64.b64decode(str(packed), validate=True), frames + 1)
    except (ValueError, zlib.error):
        return ()
    return tuple(raw) if unpacked.eof and len(raw) == frames and all(one <= 100 or one == UNKNOWN for one in raw) else ()


def pack(runs: Runs) -> bytes:
    """The runs of some frames as the content of a block's file."""
    counts = np.array([len(one) for one in runs], np.uint32)
    joined = np.concatenate([np.zeros(0, np.uint32), *runs])
    steps = np.diff(joined, prepend=np.uint32(0))  # wraps where the next frame begins, and back when it is read
    return _MAGIC + zlib.compress(np.uint32(len(counts)).tobytes() + counts.tobytes() + steps.tobytes(), 1)


def unpack(data: bytes, pixels: int) -> Runs:
    """What `pack` was given, for masks of so many `pixels`; ValueError or zlib.error for anything
    else.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("no block of masks")
    most = min(_MOST_BYTES, 4 * (1 + BLOCK * (1 + pixels)))  # a mask changes at every pixel, at most
    packed = zlib.decompressobj()
    raw = packed.decompress(data[len(_MAGIC) :], most + 1)
    if len(raw) > most or not packed.eof or len(raw) % 4:
        raise ValueError("a block of masks that is too large, or cut off")
    values = np.frombuffer(raw, np.uint32)
    if not len(values) or values[0] > BLOCK or len(values) < 1 + values[0]:
        raise ValueError("a block of masks that is cut off")
    counts = values[1 : 1 + int(values[0])]
    joined = np.cumsum(values[1 + len(counts) :], dtype=np.uint32)
    if int(counts.sum()) != len(joined):
        raise ValueError("a block of masks whose contents disagree")
    runs = np.split(joined, np.cumsum(counts)[:-1]) if len(counts) else []
    if any(len(one) and (one[-1] >= pixels or (one[1:] <= one[:-1]).any()) for one in runs):
        raise ValueError("a block of other masks")
    return runs


_known: weakref.WeakValueDictionary[Path, StoredBlock] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def read_block(path: Path, pixels: int) -> StoredBlock:
    """A block's file, of masks of so many `pixels`; the sequences in memory that share a block on
    disk share it there too.
    """
    with _lock:
        block = _known.get(path)
    if block is None:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("a block of masks that is too large")
        block = StoredBlock(path.name, unpack(path.read_bytes(), pixels))
        with _lock:
            _known[path] = block
    return block
