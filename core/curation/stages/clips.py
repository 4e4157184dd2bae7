"""The first stage: sources become clips of one shot and images, of enough size and length."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.curation.panda import DESIRABLE
from core.curation.records import ClipRecord, KnownEntity, Masks, Media, SourceItem
from core.curation.settings import CurationSettings
from core.curation.work import ShardWork
from core.data.vocabulary import KINDS, MATERIALS
from core.dataset.facts import Kind, PackedMasks
from core.errors import InputError
from core.media import ClipReader, find_scene_cuts, open_clip, VideoWriter
from core.project.video import VideoInfo
from core.words import counted

_RATE = Fraction(8)
"""Frames a second of procedural clips."""
_SIGNED = 4
"""Frames that make up a clip's signature."""
_JPEG = {"quality": 95, "subsampling": 0}


class ClipsStage:
    """Decodes the sources: shots, size, length; writes what is not a source's whole file."""

    name, version, media, models = "clips", 1, True, False

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        names = ("seed", "image_share", "least_side", "least_seconds", "most_seconds", "procedural_side", "procedural_frames", "threads")
        return {name: getattr(settings, name) for name in (*names, "desirable", "least_matching")} | {"world": vars(settings.world)}

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> None:
        """As `Stage.gather`."""

    def run(self, items: list[SourceItem], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""
        return work.each(items, lambda item: _drawn(item, work) if item.drawn >= 0 else _cut(item, work))


def _kind_of(item: SourceItem, settings: CurationSettings) -> Kind:
    """Whether a source gives clips, or its first frame as an image."""
    digest = hashlib.blake2b(f"{settings.seed} {item.source}".encode(), digest_size=8, person=b"kind").digest()
    return "image" if int.from_bytes(digest, "big") / 2**64 < settings.image_share else "video"


def _key(item: SourceItem) -> str:
    return hashlib.blake2b(item.name.encode(), digest_size=6).hexdigest()


def _drawn(item: SourceItem, work: ShardWork) -> Iterator[ClipRecord]:
    settings, kind = work.settings, _kind_of(item, work.settings)
    count = settings.procedural_frames if kind == "video" else 1
    clips = work.tools.world.sample(1, count, delete=0.0, seed=settings.seed * 10_000_019 + item.drawn)
    frames = ((clips.pixels[0].permute(1, 2, 3, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    own = clips.own[0].numpy()
    known: tuple[KnownEntity, ...] = ()
    if own[0].any():
        known = (KnownEntity(KINDS[int(clips.kind[0])], Masks.of(PackedMasks.pack(own)), MATERIALS[int(clips.material[0])]),)
    info = VideoInfo(frames.shape[2], frames.shape[1], _RATE, count)
    if kind == "image":
        yield _image(item, frames[0], known, work)
        return
    media = work.keep_media(f"{_key(item)}.mp4", _encoded(info, frames, None, None))
    yield _record(item, f"{_key(item)}-000", info, (0, count), media, ".mp4", signature=_signature(frames), known=known)


def _cut(item: SourceItem, work: ShardWork) -> Iterator[ClipRecord]:
    settings = work.settings
    if settings.desirable and item.desirable not in ("", DESIRABLE):
        work.drop(item.name, f"desirable: {item.desirable}", 0, 1)
        return
    if 0 <= item.matching < settings.least_matching:
        work.drop(item.name, "least_matching", item.matching, settings.least_matching)
        return
    path = Path(item.path)
    facts = path.stat()
    if (facts.st_size, facts.st_mtime_ns) != (item.size, item.changed):
        raise InputError(f"{path} has changed since the build began: start it again")
    with open_clip(path) as clip:
        info = clip.info
        if info.missing:
            raise InputError(f"{counted(info.missing, 'frame')} are missing at its end, as of a download that broke off")
        if min(info.size) < settings.least_side:
            work.drop(item.name, "least_side", min(info.size), settings.least_side)
            return
        if _kind_of(item, settings) == "image":
            yield _image(item, clip.frame(0), (), work)
            return
        hashes: list[int] = []
        shots = [0, *find_scene_cuts(_hashed(clip, hashes)), len(clip)]
        made = 0
        for start, stop in _pieces(clip, shots, settings.most_seconds):
            seconds = _seconds(clip, start, stop)
            if seconds < settings.least_seconds:
                work.drop(f"{item.name} {start}:{stop}", "least_seconds", seconds, settings.least_seconds)
                continue
            yield _piece(item, clip, (start, stop), made, hashes, work)
            made += 1
        if not made:
            yield _image(item, clip.frame(0), (), work)


def _hashed(clip: ClipReader, hashes: list[int]) -> Iterator[NDArray[np.uint8]]:
    for frame in clip.frames():
        hashes.append(_hash(frame))
        yield frame


def _seconds(clip: ClipReader, start: int, stop: int) -> float:
    end = clip.timestamps[stop] if stop < len(clip) else clip.timestamps[-1] + 1 / clip.info.rate
    return float(end - clip.timestamps[start])


def _pieces(clip: ClipReader, shots: Sequence[int], most: float) -> Iterator[tuple[int, int]]:
    """The shots, each divided evenly where it is too long."""
    for start, stop in pairwise(shots):
        parts = max(1, int(np.ceil(_seconds(clip, start, stop) / most)))
        edges = [start + (stop - start) * part // parts for part in range(parts + 1)]
        yield from pairwise(edges)


def _piece(item: SourceItem, clip: ClipReader, span: tuple[int, int], number: int, hashes: Sequence[int], work: ShardWork) -> ClipRecord:
    key, (start, stop) = f"{_key(item)}-{number:03d}", span
    signature = tuple(hashes[index] for index in _spread(start, stop))
    if span == (0, len(clip)):
        path = Path(item.path)
        return _record(item, key, clip.info, span, Media(str(path)), path.suffix.lower(), signature=signature)
    media = work.keep_media(f"{key}.mp4", _encoded(clip.info, clip.frames(start, stop), clip.timestamps, span))
    return _record(item, key, clip.info, span, media, ".mp4", signature=signature)


def _encoded(info: VideoInfo, frames: Any, timestamps: Sequence[Fraction] | None, span: tuple[int, int] | None) -> bytes:
    """Frames as the bytes of an .mp4 (H.264, CRF 16)."""
    with tempfile.TemporaryDirectory(prefix="vivid-clip-") as folder:
        path = Path(folder) / "clip.mp4"
        with VideoWriter(path, info, timestamps=timestamps, span=span, repeatable=True) as writer:
            for frame in frames:
                writer.write(np.ascontiguousarray(frame))
        return path.read_bytes()


def _image(item: SourceItem, frame: NDArray[np.uint8], known: tuple[KnownEntity, ...], work: ShardWork) -> ClipRecord:
    data = io.BytesIO()
    Image.fromarray(frame).save(data, "JPEG", **_JPEG)
    key = f"{_key(item)}-i"
    info = VideoInfo(frame.shape[1], frame.shape[0], Fraction(1), 1)
    return _record(item, key, info, (0, 1), work.keep_media(f"{key}.jpg", data.getvalue()), ".jpg", (_hash(frame),), known)


def _record(
    item: SourceItem,
    key: str,
    info: VideoInfo,
    span: tuple[int, int],
    media: Media,
    suffix: str,
    signature: tuple[int, ...],
    known: tuple[KnownEntity, ...] = (),
) -> ClipRecord:
    image = suffix == ".jpg"
    return ClipRecord(
        key=key,
        kind="image" if image else "video",
        source=item.source,
        licence=item.licence,
        media=media,
        suffix=suffix,
        width=info.width,
        height=info.height,
        frames=span[1] - span[0],
        rate="0" if image else str(info.rate),
        start=span[0],
        stop=span[1],
        signature=signature,
        known=known,
    )


def _spread(start: int, stop: int) -> list[int]:
    return [start + (stop - start - 1) * place // (_SIGNED - 1) for place in range(_SIGNED)]


def _signature(frames: NDArray[np.uint8]) -> tuple[int, ...]:
    return tuple(_hash(frames[index]) for index in _spread(0, len(frames)))


def _hash(frame: NDArray[np.uint8]) -> int:
    """The difference hash of a frame: of an 8x8 grid, whether it grows brighter to the right."""
    small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")
