"""Compare a result with its source by ffprobe, or by PyAV alone where that is not installed.
Nothing of the program's own reading is used.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

STAMP_TOLERANCE = {"gif": 0.0101}
"""Seconds by which a frame may be off, for containers that count hundredths of a second."""
USUAL_STAMP_TOLERANCE = 0.0021
"""The same for all others: some count milliseconds."""
SYNC_TOLERANCE = 0.03
"""Seconds by which a click may be off: codecs smear them."""


@dataclass(frozen=True)
class Picture:
    """What a file shows: seconds of each frame from the first, and the first's own time."""

    stamps: list[float]
    start: float
    size: tuple[int, int]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Heard:
    """A sound stream: codec, layout, channels, language, and the clicks from the first frame."""

    codec: str
    layout: str
    channels: int
    language: str
    clicks: list[float] = field(default_factory=list)


def picture_of(path: Path, frames: int) -> Picture:
    """The frames of a file as another program sees them, if that sees as many as there are."""
    if shutil.which("ffprobe"):
        with suppress(ValueError, KeyError):
            seen = _by_ffprobe(path)
            if len(seen.stamps) == frames:
                return seen
    return _by_pyav(path)


def _by_ffprobe(path: Path) -> Picture:
    entries = "frame=pts,best_effort_timestamp:stream=width,height,time_base,color_range,color_space,color_transfer,color_primaries"
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_frames", "-show_streams", "-show_entries", entries]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=120, check=False, errors="replace")
    found = json.loads(done.stdout or "{}")
    if not found.get("streams"):
        raise ValueError("ffprobe finds no video")
    stream = found["streams"][0]
    base = Fraction(stream["time_base"])
    frames = [frame for frame in found.get("frames", []) if "best_effort_timestamp" in frame]
    stamps = [float(int(frame["best_effort_timestamp"]) * base) for frame in frames]
    tags = tuple(stream.get(name, "unknown") for name in ("color_range", "color_space", "color_transfer", "color_primaries"))
    return Picture([stamp - stamps[0] for stamp in stamps], stamps[0] if stamps else 0.0, (stream["width"], stream["height"]), tags)


def _by_pyav(path: Path) -> Picture:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        stamps = [float(frame.pts * frame.time_base) for frame in frames if frame.pts is not None and frame.time_base is not None]
        if len(stamps) < len(frames):  # a bare stream without times
            stamps = [float(index / (stream.average_rate or 25)) for index in range(len(frames))]
        return Picture([stamp - stamps[0] for stamp in stamps], stamps[0], (frames[0].width, frames[0].height), ("unknown",) * 4)


def sounds_of(path: Path, start: float) -> list[Heard]:
    """The sound streams of a file; clicks are in seconds after `start` on the file's clock."""
    with av.open(str(path)) as container:
        indices = [stream.index for stream in container.streams.audio]
    return [_heard(path, index, start) for index in indices]


def _heard(path: Path, index: int, start: float) -> Heard:
    with av.open(str(path)) as container:
        stream: Any = container.streams[index]
        context = stream.codec_context
        clicks: list[float] = []
        quiet_since = -1.0
        resampler, form = None, ""
        for frame in _decoded(container, stream):
            if frame.pts is None:
                continue
            if frame.layout.name != form:
                resampler, form = av.AudioResampler("flt", frame.layout.name, frame.sample_rate), frame.layout.name
            assert resampler is not None
            packed = [part.to_ndarray() for part in resampler.resample(frame)]
            if not packed:
                continue
            level = np.abs(np.concatenate(packed, axis=1).reshape(-1, frame.layout.nb_channels)[:, 0])
            time = float(frame.pts * frame.time_base) - start
            for at in np.flatnonzero(level > 0.2):
                moment = time + at / frame.sample_rate
                if moment - quiet_since > 0.04:
                    clicks.append(moment)
                quiet_since = max(quiet_since, moment)
        language = stream.metadata.get("language", "und")
        return Heard(context.codec.canonical_name, context.layout.name, context.layout.nb_channels, language, clicks)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream; packets that can't be decoded are passed over, as in a player."""
    for packet in container.demux(stream):
        with suppress(av.FFmpegError):
            yield from packet.decode()


def compare_pictures(source: Picture, result: Picture, size: tuple[int, int], suffix: str) -> list[str]:
    """What is wrong with a result's picture.

    Args:
        source: The source's.
        result: The result's.
        size: (W, H) that it is to have.
        suffix: The source's.

    Returns:
        A line for each fault.
    """
    faults = []
    if result.size != size:
        faults.append(f"the result is {result.size[0]}x{result.size[1]}, not {size[0]}x{size[1]}")
    if len(source.stamps) != len(result.stamps):
        faults.append(f"{len(source.stamps)} frames in the source, {len(result.stamps)} in the result")
    else:
        worst = max((abs(a - b) for a, b in zip(source.stamps, result.stamps, strict=True)), default=0.0)
        faults += [f"a frame is {1000 * worst:.1f} ms off"] if worst > STAMP_TOLERANCE.get(suffix, USUAL_STAMP_TOLERANCE) else []
    for name, before, after in zip(("range", "matrix", "transfer", "primaries"), source.tags, result.tags, strict=True):
        if before not in ("unknown", "gbr", after):
            faults.append(f"{name} {before} became {after}")
    return faults


def compare_sounds(source: list[Heard], result: list[Heard], length: float) -> list[str]:
    """What is wrong with a result's sound.

    Args:
        source: The source's.
        result: The result's.
        length: Seconds that the picture lasts.

    Returns:
        A line for each fault.
    """
    if len(source) != len(result):
        return [f"{len(source)} sound streams in the source, {len(result)} in the result"]
    faults = []
    for number, (before, after) in enumerate(zip(source, result, strict=True), 1):
        if before.channels != after.channels and before.channels <= 8:
            faults.append(f"sound {number}: {before.layout} became {after.layout}")
        if before.language not in ("und", after.language):
            faults.append(f"sound {number}: language {before.language} became {after.language}")
        name = f"sound {number} ({before.codec} to {after.codec})"
        wanted = [click for click in before.clicks if 0.02 < click < length - 0.02]
        heard = [click for click in after.clicks if 0.02 < click < length - 0.02]
        if missing := _alone(wanted, after.clicks):
            faults.append(f"{name}: {len(missing)} of {len(wanted)} clicks missing or off, from {missing[0]:.3f} s on")
        if extra := _alone(heard, before.clicks):
            faults.append(f"{name}: {len(extra)} clicks that the source does not have, from {extra[0]:.3f} s on")
    return faults


def _alone(clicks: list[float], others: list[float]) -> list[float]:
    """Those of `clicks` that are near none of the others."""
    return [click for click in clicks if all(abs(click - other) > SYNC_TOLERANCE for other in others)]
