"""The masks of one object, or of a region, over a stretch of frames, held as run lengths."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.files import write_bytes
from core.masks.blocks import BLOCK, Index, pack, read_block, StoredBlock, UNKNOWN
from core.masks.bounding_box import Mask
from core.masks.facts import facts_of, MaskFacts
from core.words import listed

FORMAT_VERSION = 1

_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, ArithmeticError, RuntimeError, zipfile.BadZipFile, zlib.error, MemoryError)
"""What NumPy and zipfile raise over a file that is damaged or another one."""

_MOST_BYTES = 2**30
"""Of a stored file, or of a part of it unpacked."""


class MaskSequence:
    """Masks of frames `start` to `start + T - 1`, each bool (H, W), True = edit; `size` is (W, H).

    A mask is kept as the row-major positions at which it changes, starting from False: a few
    kilobytes where the pixels would be hundreds. Masks that were damaged on the disk are empty and
    `lost` until they are set again. Of a tracked mask its `quality` is known.
    """

    def __init__(self, size: tuple[int, int], start: int, masks: Iterable[Mask] = ()) -> None:
        self.size = (int(size[0]), int(size[1]))
        self.start = int(start)
        self._runs = [self._encode(mask) for mask in masks]
        self._facts: dict[int, MaskFacts] = {}
        self._blocks: dict[int, StoredBlock] = {}  # by number: those that lie on disk as they are here
        self._lost: set[int] = set()  # frames
        self._quality: dict[int, int] = {}  # by frame: per cent

    @classmethod
    def empty(cls, size: tuple[int, int], start: int, stop: int) -> MaskSequence:
        """Make a sequence with nothing selected.

        Args:
            size: The frames' (W, H).
            start: The first frame.
            stop: The frame after the last one.

        Returns:
            A sequence that covers start:stop.
        """
        sequence = cls(size, start)
        sequence._runs = [np.zeros(0, np.uint32)] * (stop - start)
        return sequence

    @property
    def frames(self) -> range:
        """The frame indices that the sequence covers."""
        return range(self.start, self.start + len(self._runs))

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, frame: int) -> Mask:
        """The mask of a frame of the clip, bool (H, W); a new array."""
        runs = self._runs[self._position(frame)]
        width, height = self.size
        flat = np.zeros(width * height, np.bool_)
        edges = [*runs.tolist(), flat.size] if len(runs) % 2 else runs.tolist()
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            flat[begin:end] = True
        return flat.reshape(height, width)

    def set(self, frame: int, mask: Mask, quality: float | None = None) -> None:
        """Replace the mask of one of the covered frames.

        Args:
            frame: The frame.
            mask: bool (H, W).
            quality: How right the segmenter believes the mask to be, 0 to 1; None for one that it
                did not track.
        """
        position = self._position(frame)
        self._runs[position] = self._encode(mask)
        self._facts.pop(frame, None)
        self._lost.discard(frame)
        self._blocks.pop(position // BLOCK, None)
        self._quality.pop(frame, None)
        if quality is not None:
            self._quality[frame] = round(100 * min(1.0, max(0.0, quality)))

    def quality(self, frame: int) -> float | None:
        """How right the segmenter believed the mask of a frame to be, 0 to 1; None where it did not
        track it, or in masks of an earlier version.
        """
        known = self._quality.get(frame)
        return None if known is None else known / 100

    @property
    def lost(self) -> list[tuple[int, int]]:
        """The frames whose masks were damaged on the disk, as half-open ranges in order."""
        return _ranges(sorted(self._lost))

    def is_empty(self, frame: int) -> bool:
        """Whether nothing is selected on that frame."""
        return len(self._runs[self._position(frame)]) == 0

    def selected(self) -> list[tuple[int, int]]:
        """Where something is selected, as half-open stretches of frames in order. Quick, however
        long the clip.
        """
        there = np.zeros(len(self._runs) + 2, np.bool_)
        there[1:-1] = [len(runs) > 0 for runs in self._runs]
        turns = np.flatnonzero(there[1:] != there[:-1]) + self.start
        return list(zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True))

    def facts(self, frame: int) -> MaskFacts:
        """Area, centre, box and pieces of the mask of a frame; found out once, and cheaply."""
        facts = self._facts.get(frame)
        if facts is None:
            facts = self._facts[frame] = facts_of(self._runs[self._position(frame)], self.size)
        return facts

    def code(self, frame: int) -> bytes:
        """The mask of a frame as it is kept: equal exactly where the masks are. Costs nothing,
        whatever the size of the frame.
        """
        return self._runs[self._position(frame)].tobytes()

    def copy(self) -> MaskSequence:
        """A sequence of its own with the same masks."""
        twin = MaskSequence(self.size, self.start)
        twin._runs = list(self._runs)
        twin._facts = dict(self._facts)
        twin._blocks = dict(self._blocks)
        twin._lost = set(self._lost)
        twin._quality = dict(self._quality)
        return twin

    def array(self, start: int | None = None, stop: int | None = None) -> Mask:
        """Masks of frames start:stop (all by default) as bool (T, H, W)."""
        width, height = self.size
        wanted = range(self.frames.start if start is None else start, self.frames.stop if stop is None else stop)
        out = np.empty((len(wanted), height, width), np.bool_)
        for target, frame in zip(out, wanted, strict=True):
            target[:] = self[frame]
        return out

    def to_bytes(self) -> bytes:
        """The whole sequence as `load` reads it from one file."""
        counts = np.array([len(runs) for runs in self._runs], np.uint32)
        runs = np.concatenate([np.zeros(0, np.uint32), *self._runs])
        header = np.array([FORMAT_VERSION, *self.size, self.start], np.int64)
        buffer = io.BytesIO()
        # what np.savez_compressed writes, packed less tightly and in less time
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for name, values in (("header", header), ("counts", counts), ("runs", runs)):
                with file.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, values, allow_pickle=False)
        return buffer.getvalue()

    def to_index(self, put: Callable[[bytes], str], keep: Callable[[Iterable[str]], Collection[str]]) -> bytes:
        """The sequence as an index that `load` reads beside its blocks. Only what has changed since
        it was stored or loaded is handed on.

        `put` stores the content of a block under a name that says what is in it, and gives the name
        back; `keep` says which of the blocks that were stored before are there still.
        """
        there = keep([block.name for block in self._blocks.values()])
        names: list[str | None] = []
        for number, first in enumerate(range(0, len(self._runs), BLOCK)):
            stored = self._blocks.get(number)
            if stored is None or stored.name not in there:
                runs = self._runs[first : first + BLOCK]
                if not any(len(one) for one in runs):
                    names.append(None)
                    continue
                stored = self._blocks[number] = StoredBlock(put(pack(runs)), runs)
            names.append(stored.name)
        quality = tuple(self._quality.get(frame, UNKNOWN) for frame in self.frames) if self._quality else ()
        return Index(self.size, self.start, len(self._runs), tuple(names), tuple(self.lost), quality).to_bytes()

    def save(self, path: Path | str) -> None:
        """Write the sequence; the file appears under its name only when it is complete.
        StorageError when the disk refuses.
        """
        write_bytes(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: Path | str) -> MaskSequence:
        """Read what `save` wrote, or an index of `to_index` with the blocks beside it.

        InputError when a file is missing, damaged, or of a newer version.
        """
        path = Path(path)
        try:
            sequence = cls._read(path, partly=False)
        except FileNotFoundError as error:
            raise InputError(f"there is no mask file at {error.filename or path}: track the object again") from None
        except _DAMAGED as error:
            raise InputError(f"the mask file {path} can't be read: it is damaged or not a mask file, track the object again") from error
        sequence.check_whole()
        return sequence

    @classmethod
    def load_partly(cls, path: Path | str, size: tuple[int, int], frames: range) -> MaskSequence:
        """Read as much of a stored sequence as is there.

        Args:
            path: What `load` reads.
            size: The (W, H) that the masks have to have.
            frames: The frames that the result covers.

        Returns:
            The masks; those that are missing or damaged are `lost`.

        Raises:
            InputError: The file is of a newer version.
        """
        try:
            found = cls._read(Path(path), partly=True)
        except _DAMAGED:
            found = cls(size, frames.start)
        if found.size == tuple(size) and found.frames == frames:
            return found
        sequence = cls.empty(size, frames.start, frames.stop)
        there = set(found.frames) & set(frames) if found.size == tuple(size) else set()
        for frame in there:
            sequence._runs[frame - frames.start] = found._runs[frame - found.start]
        sequence._quality = {frame: known for frame, known in found._quality.items() if frame in there}
        sequence._lost = (set(frames) - there) | (found._lost & there)
        return sequence

    def check_whole(self, name: str = "the object") -> None:
        """Raise InputError when masks of the object that is called `name` are lost."""
        if self._lost:
            raise InputError(
                f"the masks of {name} on the frames {listed(sorted(self._lost))} are lost: track {name} again, or import its masks"
            )

    @classmethod
    def _read(cls, path: Path, partly: bool) -> MaskSequence:
        """A stored sequence; one of `_DAMAGED` where it can't be read, unless `partly`."""
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("masks that are too large")
        with path.open("rb") as whole:
            if whole.read(1) == b"{":
                return cls._from_index(Index.parse(b"{" + whole.read()), path.parent, partly)
        with zipfile.ZipFile(path) as file:
            version, width, height, start = (int(value) for value in _array(file, "header"))
            if version > FORMAT_VERSION:
                known = f"({version}) than this program reads ({FORMAT_VERSION})"
                raise InputError(f"the mask file {path} is of a newer version {known}: update VIVID Studio")
            counts, runs = _array(file, "counts"), _array(file, "runs").astype(np.uint32)
        if int(counts.sum()) != len(runs) or (len(runs) and int(runs.max()) >= width * height) or min(width, height, start + 1) < 1:
            raise ValueError("masks whose contents disagree")
        sequence = cls((width, height), start)
        sequence._runs = np.split(runs, np.cumsum(counts)[:-1]) if len(counts) else []
        return sequence

    @classmethod
    def _from_index(cls, index: Index, folder: Path, partly: bool) -> MaskSequence:
        sequence = cls.empty(index.size, index.start, index.start + index.frames)
        sequence._lost = {frame for span in index.lost for frame in range(*span)}
        sequence._quality = {frame: known for frame, known in enumerate(index.quality, index.start) if known != UNKNOWN}
        pixels = index.size[0] * index.size[1]
        for number, name in enumerate(index.names):
            if name is None:
                continue
            first = number * BLOCK
            count = min(BLOCK, index.frames - first)
            try:
                block = read_block(folder / name, pixels)
                if len(block.runs) != count or any(len(one) and int(one[-1]) >= pixels for one in block.runs):
                    raise ValueError("a block of other masks")
            except _DAMAGED:
                if not partly:
                    raise
                sequence._lost |= set(range(index.start + first, index.start + first + count))
                continue
            sequence._blocks[number] = block
            sequence._runs[first : first + BLOCK] = block.runs
        return sequence

    def _encode(self, mask: NDArray) -> NDArray[np.uint32]:
        if mask.dtype != np.bool_ or mask.shape != self.size[::-1]:
            raise InputError(f"a mask of {mask.dtype} {mask.shape} doesn't belong to frames of {self.size[0]}x{self.size[1]}")
        flat = mask.ravel()
        edges = np.flatnonzero(flat[1:] != flat[:-1]).astype(np.uint32) + np.uint32(1)
        return np.concatenate([np.zeros(1, np.uint32), edges]) if flat[0] else edges

    def _position(self, frame: int) -> int:
        if frame not in self.frames:
            raise InputError(f"there is no mask for frame {frame} (masks cover {self.frames.start} to {self.frames.stop - 1})")
        return frame - self.start


def _array(file: zipfile.ZipFile, name: str) -> NDArray:
    """A part of a file of `to_bytes`, never larger than it says itself."""
    entry = file.getinfo(f"{name}.npy")
    if entry.file_size > _MOST_BYTES:
        raise ValueError("masks that are too large")
    data = io.BytesIO(file.read(entry))
    np.lib.format.read_magic(data)
    shape, _, kind = np.lib.format.read_array_header_1_0(data)
    values = np.frombuffer(data.read(), kind)
    if kind.kind not in "iu" or len(shape) != 1 or shape[0] != len(values):
        raise ValueError("masks whose contents disagree")
    return values


def _ranges(frames: list[int]) -> list[tuple[int, int]]:
    """Ascending frames as half-open ranges."""
    found: list[tuple[int, int]] = []
    for frame in frames:
        if found and found[-1][1] == frame:
            found[-1] = (found[-1][0], frame + 1)
        else:
            found.append((frame, frame + 1))
    return found
