"""Opening a video file: what it is, which of its streams is the video, and where its frames lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from core.errors import InputError
from core.files import check_regular
from core.media.allowed import DECODERS, OPTIONS, PICTURE_PIPES

MOST_PIXELS = 2**26
"""Of a frame: 8192 x 8192. A damaged or hostile file may speak of a thousand times as many, and a
decoder would ask for the memory at once.
"""

_ANIMATED = 0x02
"""Among the features that a WebP names."""

MOST_BYTES = 300_000_000
"""Of a decoded frame. A few of them are held at a time; a frame of 8K has 265 MB at most."""

_IN_THREADS = 512_000_000
"""Bytes of the frames that are decoded at the same time. FFmpeg has as many threads as the machine
has processors, up to 16, and each may hold a frame.
"""
_MOST_THREADS = 17

_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")


ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs whose transparency is a stream of its own, and the decoders that read it."""

_LIMITS = {"max_pixels": str(MOST_PIXELS)}


def open_container(path: Path) -> InputContainer:
    """Open a file for reading. InputError in one line when it is missing, unreadable, no regular
    file, text, or of a kind that is not in `core.media.allowed`.

    Every media file in the program is opened here. Only this file is ever read: text is refused
    before FFmpeg sees it, since a playlist could name other files or addresses, and FFmpeg itself
    may use nothing but local files.
    """
    head = head_of(path)
    if not head:
        raise InputError(f"{path} is empty: choose a video")
    if _is_text(head):
        raise InputError(f"{path} is a text file, not a video: choose an MP4, MOV, MKV, WebM or another video")
    try:
        container = av.open(f"file:{path}", container_options=dict(OPTIONS), options=dict(_LIMITS), metadata_errors="replace")
    except av.FFmpegError as error:
        raise InputError(
            f"{path} is not a video that can be read: it is damaged, cut short, or of an unknown kind; get it anew, or save it as an MP4"
        ) from error
    if container.format.name in PICTURE_PIPES:
        container.close()
        raise InputError(f"{path} is a single picture, not a video: choose a video, or a folder of numbered pictures")
    return container


def has_streams(path: Path) -> bool:
    """Whether a clip is a file of streams, rather than pictures: a folder of them, or an animation.
    InputError when it can't be read.
    """
    return not path.is_dir() and not is_animated_webp(head_of(path))


def is_animated_webp(head: bytes) -> bool:
    """Whether a file that begins like this is a WebP of several pictures."""
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & _ANIMATED)


def head_of(path: Path) -> bytes:
    """The first bytes of a file, at most 4096. InputError when it is missing, unreadable or no
    regular file.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}: check the path") from error
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}): check that you may read it") from error


def _is_text(head: bytes) -> bool:
    """True for what is plainly text. Every container has zero bytes in its first kilobytes; text
    has none, but for UTF-16's.
    """
    if head.startswith(_BYTE_ORDER_MARKS):
        return True
    if head.startswith(b"YUV4MPEG2 "):  # a video format with a text header
        return False
    controls = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in head)
    return controls == 0


def is_decodable(stream: Stream) -> bool:
    """Whether this program decodes the stream: its codec is known, and allowed."""
    return stream.codec_context is not None and stream.codec_context.codec.name in DECODERS


def has_moving_pictures(stream: VideoStream) -> bool:
    """Whether a stream is a video, and no cover, thumbnail or still."""
    return not stream.disposition & _STILLS


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream to work on: FFmpeg's choice of the best, but never a cover picture. InputError
    when there is none.

    Every other stream is set to be skipped while demuxing.
    """
    streams = [stream for stream in container.streams.video if has_moving_pictures(stream) and is_decodable(stream)]
    if not streams:
        if container.streams.video and not any(map(has_moving_pictures, container.streams.video)):
            raise InputError(f"{path} has only a cover picture, no video: choose a file with moving pictures")
        if container.streams.audio and not container.streams.video:
            raise InputError(f"{path} has only sound, no video: choose a file with moving pictures")
        raise InputError(f"{path} has no video that can be decoded: save it as H.264 in an MP4, then open that")
    best = container.streams.best("video")
    chosen = next((stream for stream in streams if best is not None and stream.index == best.index), streams[0])
    size = _check_size(chosen, path)
    if size * _MOST_THREADS > _IN_THREADS:
        chosen.codec_context.thread_count = max(1, _IN_THREADS // size)
    chosen.codec_context.options = dict(_LIMITS)
    for stream in container.streams:
        if stream.index != chosen.index:
            stream.discard = Discard.all
    chosen.thread_type = "AUTO"
    return chosen


def _check_size(stream: VideoStream, path: Path) -> int:
    """The bytes of a decoded frame, as far as the header tells; InputError for too many."""
    context = stream.codec_context
    width, height = context.width, context.height
    bits = context.format.padded_bits_per_pixel if context.format is not None else 8
    if width * height <= MOST_PIXELS and width * height * bits // 8 <= MOST_BYTES:
        return max(1, width * height * bits // 8)
    most = min(MOST_PIXELS, MOST_BYTES * 8 // bits) // 10**6
    raise InputError(
        f"{path} has frames of {width}x{height} pixels with {bits} bits each: scale it down to at most {most} million pixels a frame"
    )


def decoded_frames(container: InputContainer, stream: VideoStream, alpha: bool = False) -> Iterator[av.VideoFrame]:
    """Frames in display order from where the container stands. A packet that can't be decoded is
    passed over, as players do, and a file that breaks off ends there.

    Args:
        container: The open file.
        stream: Its video.
        alpha: Whether transparency is wanted where the file keeps it in a stream of its own.

    Yields:
        The frames.
    """
    decoder: Any = alpha_decoder(stream) if alpha else stream
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size:  # an empty one would end the decoding
                with suppress(av.FFmpegError):
                    yield from decoder.decode(packet)
    with suppress(av.FFmpegError):
        yield from decoder.decode(None)


def alpha_decoder(stream: VideoStream) -> Any:
    """What decodes a stream with its transparency: FFmpeg's own decoders of VP8 and VP9 leave it
    out.
    """
    name = ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        return stream
    try:
        decoder = av.CodecContext.create(name, "r")
    except (av.FFmpegError, ValueError):  # a build without it
        return stream
    decoder.options = dict(_LIMITS)
    return decoder
