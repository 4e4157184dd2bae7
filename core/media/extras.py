"""What a file carries besides pictures, sound and text: a time code, attached files, a cover,
tracks of data. What becomes of each in a container of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import av
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, DataStream, Discard, Disposition, Stream
from av.video.stream import VideoStream

from core.media.sound_codecs import CONTAINER_TITLES
from core.media.source import has_moving_pictures
from core.words import counted

_MOST_BYTES = 64_000_000
"""Of all attached files together; there may be fonts of every script."""
_TIMED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mxf")
"""Containers whose time codes somebody has set. Streams of MPEG-2 count from zero."""
_COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
"""What is played as a cover: by codec, the ending of its name and its media type."""


@dataclass(frozen=True)
class AttachedFile:
    """A file inside a file, such as a font. `stream` is its index."""

    stream: int
    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Extras:
    """`timecode` is that of the first frame, empty when there is none; `cover` an attached picture;
    `data` the names of other tracks, `videos` how many further videos there are. `too_large` says
    that some attached file is not among these.
    """

    timecode: str = ""
    files: tuple[AttachedFile, ...] = ()
    cover: AttachedFile | None = None
    data: tuple[str, ...] = ()
    videos: int = 0
    too_large: bool = False


@dataclass(frozen=True)
class ExtrasPlan:
    """What is kept; what is lost is in `notes`."""

    files: tuple[AttachedFile, ...] = ()
    cover: AttachedFile | None = None
    notes: tuple[str, ...] = ()


def covers_of(container: InputContainer) -> list[VideoStream]:
    """The streams of attached pictures."""
    return [stream for stream in container.streams.video if stream.disposition & Disposition.attached_pic]


def data_of(container: InputContainer) -> list[DataStream]:
    """The tracks of data of a file that was just opened: FFmpeg passes over those that it has read
    chapters from.
    """
    return [stream for stream in container.streams.data if stream.discard != Discard.all and not _timecode(stream.metadata)]


def extras_of(container: InputContainer, cover: bytes, tracks: Sequence[DataStream]) -> Extras:
    """What a file carries.

    Args:
        container: The open file.
        cover: The first packet of its first attached picture.
        tracks: What `data_of` gave.

    Returns:
        All of it.
    """
    files, room, too_large = [], _MOST_BYTES, len(cover) > _MOST_BYTES
    for stream in container.streams:
        if isinstance(stream, AttachmentStream):
            data = bytes(stream.data)
            room -= len(data)
            too_large = too_large or room < 0
            if room >= 0:
                files.append(AttachedFile(stream.index, stream.name or "attachment", stream.mimetype or "application/octet-stream", data))
    moving = sum(has_moving_pictures(stream) for stream in container.streams.video)
    return Extras(
        timecode=_timecode_of(container) if container.format.name in _TIMED else "",
        files=tuple(files),
        cover=_cover_of(container, cover) if cover and len(cover) <= _MOST_BYTES else None,
        data=tuple(map(_name_of, tracks)),
        videos=max(0, moving - 1),
        too_large=too_large,
    )


def plan_extras(extras: Extras, container: str) -> ExtrasPlan:
    """Decide what is kept of a file's extras.

    Args:
        extras: What the file carries.
        container: FFmpeg's name of what is written: mp4, mov or matroska.

    Returns:
        The plan; the time code is kept by each of them.
    """
    title = CONTAINER_TITLES[container]
    notes = []
    files, cover = extras.files, extras.cover
    if files and container != "matroska":
        names = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
        notes.append(f"{counted(len(files), 'attached file')} ({names}) {_are(len(files))} left out: {title} holds none")
        files = ()
    if extras.too_large:
        notes.append("attached files take too much memory, and are left out")
    if cover is not None and not cover.name:
        notes.append("the cover picture is left out: it is no JPEG or PNG")
        cover = None
    elif cover is not None and container == "mov":
        notes.append(f"the cover picture is left out: {title} holds none")
        cover = None
    if extras.data:
        names = ", ".join(dict.fromkeys(extras.data))
        notes.append(f"{counted(len(extras.data), 'track')} of data ({names}) {_are(len(extras.data))} left out")
    if extras.videos:
        notes.append(f"{counted(extras.videos, 'further video')} in the file {_are(extras.videos)} left out: one is edited")
    return ExtrasPlan(files, cover, tuple(notes))


def add_extras(plan: ExtrasPlan, source: InputContainer, output: OutputContainer) -> av.Packet | None:
    """Add what is kept to an output whose other streams are there.

    Args:
        plan: What `plan_extras` gave.
        source: The file that it is of.
        output: Where it goes.

    Returns:
        A packet to write first; None when there is none.
    """
    attached = list(plan.files)
    packet = None
    if plan.cover is not None and output.format.name == "matroska":
        attached.append(plan.cover)
    elif plan.cover is not None:
        stream = source.streams[plan.cover.stream]
        copy = output.add_stream_from_template(stream)
        copy.disposition = Disposition.attached_pic
        packet = av.Packet(plan.cover.data)
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = copy, 0, 0, True
    for file in attached:
        output.add_attachment(file.name, file.media_type, file.data)
    return packet


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _cover_of(container: InputContainer, data: bytes) -> AttachedFile:
    stream = covers_of(container)[0]
    codec = stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""
    if codec not in _COVERS:
        return AttachedFile(stream.index, "", "", data)
    ending, media_type = _COVERS[codec]
    return AttachedFile(stream.index, f"cover.{ending}", media_type, data)


def _timecode_of(container: InputContainer) -> str:
    streams: Sequence[Stream] = [*container.streams.video, *container.streams.data]
    return next((found for data in (*(s.metadata for s in streams), container.metadata) if (found := _timecode(data))), "")


def _timecode(metadata: dict[str, str]) -> str:
    return metadata.get("timecode") or metadata.get("TIMECODE") or ""


def _name_of(stream: Stream) -> str:
    said = (stream.metadata.get(name, "").strip() for name in ("handler_name", "title", "name"))
    return next(filter(None, said), "of an unknown kind")
