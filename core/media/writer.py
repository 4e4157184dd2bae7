"""Frames into a video file that keeps what the source had: size, rate, time stamps, colour,
sound.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast, Self

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream

from core.errors import InputError, StorageError
from core.files import AtomicFile, storage_errors
from core.media.audio import SourceStreams, Stretch
from core.media.clock import Clock, clock_of
from core.media.codecs import AlphaCodec, available_codecs, Codec, CODECS, CONTAINERS, encoder_of, ENCODINGS, pixel_format_of
from core.media.color import check_frame, code_point, FULL, PRIMARIES, RANGES, RgbFrame, TRANSFERS, written_matrix, YuvConverter
from core.media.display_size import set_display_size, views_of
from core.media.fields import MODES
from core.media.siting import has_subsampled_colour
from core.media.source import has_streams, open_container
from core.media.streams import restarts_of, streams_of
from core.media.timecode import later
from core.project.video import VideoInfo
from core.words import counted

_REHEARSED_FRAMES = 3
"""Frames that a rehearsal writes: of fewer, x265 with B-frames makes up the time stamps."""
_REHEARSED_PACKETS = 200
"""Packets of sound and subtitles that a rehearsal writes."""


_MATROSKA_OPTIONS = {"write_crc": "0"}
"""The size of display is put right in the finished file, which checksums would deny."""
_IN_THE_STREAM = ("h264", "hevc")
"""Codecs that say the shape of pixels themselves, in any container."""


class VideoWriter:
    """Writes frames as H.264 (CRF 16), HEVC, AV1, ProRes 422 HQ or FFV1 (lossless in RGB); with
    transparency as ProRes 4444 or VP9. Use it as a context manager.

    `info` describes the source: size, shape of pixels, rate and colour tags are kept. The picture
    is written upright. `span` (start, stop) is the stretch of the source that the output covers;
    without it the whole of it, or as many frames as are written. `timestamps` are seconds, of the
    whole source or of the span; a source of variable rate needs them, or gives them itself when it
    is `audio_from`. `audio_from` is the file whose sound is taken along, cut to the span (what
    plays on after the last picture of a source that is written to its end stays), with its
    subtitles and chapters. Packets are copied where that is right and the container holds them:
    `core.media.stream_plan` decides.

    Which containers a codec goes into is in `core.media.codecs`. Time stamps are exact, but for
    .mkv, which counts milliseconds. An odd width or height is kept: colour can't be halved then, so
    such clips are written as yuv444p, which Chromium plays, but decoders in hardware may not; AV1
    refuses them.

    With `repeatable`, H.264 of the same frames has the same bytes, on one thread: x264's macroblock
    tree reads memory that it has not written, and does so differently from run to run.

    The file appears under its name only after `close`, or at the end of the `with` block. When the
    block raises, the temporary file is removed and what was there before stays. Raises InputError
    for what can't be written, StorageError when the disk refuses.
    """

    def __init__(
        self,
        path: str | Path,
        info: VideoInfo,
        *,
        timestamps: Sequence[Fraction] | None = None,
        codec: Codec | AlphaCodec = "h264",
        audio_from: str | Path | None = None,
        span: tuple[int, int] | None = None,
        repeatable: bool = False,
    ) -> None:
        self._path = Path(path)
        container_format = _container_format(self._path, codec)
        self._info, self._codec = info, codec
        self._channels = 4 if ENCODINGS[codec].alpha else 3
        self._stop = span[1] if span is not None else None
        self._clock = clock_of(info, timestamps, span, Path(audio_from) if audio_from is not None else None)
        self._file = AtomicFile(self._path)
        self._written = 0
        self._held: av.Packet | None = None
        self._first_dts: int | None = None
        self._audio: SourceStreams | None = None
        self._container: OutputContainer | None = None
        try:
            with storage_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                options = {"movflags": "+faststart"} if container_format in ("mp4", "mov") else _MATROSKA_OPTIONS
                self._container = av.open(f"file:{self._file.temporary}", "w", format=container_format, container_options=options)
            self._stream = self._add_stream(self._container)
            if repeatable:
                self._stream.options["mbtree"] = "0"
                self._stream.codec_context.thread_count = 1
            written = _written_info(info, codec)
            self._convert = YuvConverter(written, pixel_format_of(codec, written))
            if audio_from is not None and has_streams(Path(audio_from)):
                source = Path(audio_from)
                code = later(streams_of(source).extras.timecode, span[0] if span is not None else 0, info.rate)
                if code is not None:
                    self._stream.metadata["timecode"] = code
                self._audio = SourceStreams(source, self._container, self._stretch(source))
        except BaseException as error:
            self.abort()
            if isinstance(error, av.FFmpegError) and not isinstance(error, OSError):
                raise self._refused(error) from error
            raise

    def write(self, frame: RgbFrame) -> None:
        """Append one frame, uint8 (H, W, 3) RGB of the source's displayed size; (H, W, 4) with
        alpha for a codec that holds it.
        """
        if self._container is None:
            raise InputError(f"{self._path} is already closed")
        if self._written == self._clock.frames:
            raise InputError(f"{self._path} was to hold {counted(self._clock.frames, 'frame')}, there is no room for another")
        picture = self._convert(check_frame(frame, self._info.size, self._channels))
        picture.pts = self._clock.pts(self._written)
        picture.time_base = self._clock.tick
        if self._clock.lingers and self._written + 1 == self._clock.frames:
            # As an entry point it is sent last, so that its length is that of the last packet.
            picture.pict_type = PictureType.I
        with storage_errors(self._path):
            self._mux(self._encode(picture))
        self._written += 1

    def close(self) -> None:
        """Finish the file and put it under its name. InputError, and no file, when frames are
        missing.
        """
        if self._container is None:
            return
        try:
            if self._written == 0 or self._clock.frames not in (None, self._written):
                wanted = counted(self._clock.frames, "frame") if self._clock.frames else "some frames"
                raise InputError(f"{self._path} was to hold {wanted}, but {self._written} came")
            with storage_errors(self._path):
                self._mux(self._encode(None))
                self._finish()
                container, self._container = self._container, None
                container.close()
                if _says_display_size(container, self._info, self._codec):
                    set_display_size(self._file.temporary, self._info.size, self._info.pixel_aspect)
                self._check()
                self._file.publish()
        finally:
            self.abort()

    def rehearse(self) -> tuple[str, ...]:
        """Write some black frames and the beginning of every stream, then throw it away: whatever
        the encoders and the container refuse, they refuse now.

        Returns:
            What a person should know about sound and subtitles, each a sentence without a capital
            and a full stop.

        Raises:
            InputError: The result can't be written.
            StorageError: The disk refuses.
        """
        notes = self._audio.plan.notes if self._audio is not None else ()
        try:
            black = np.zeros((self._info.height, self._info.width, self._channels), np.uint8)
            for _ in range(min(_REHEARSED_FRAMES, self._clock.frames or _REHEARSED_FRAMES)):
                self.write(black)
            assert self._container is not None
            with storage_errors(self._path):
                self._mux(self._encode(None))
                if self._held is not None:
                    self._container.mux(self._held)
                if self._audio is not None:
                    for packet in islice(self._audio.packets_to_end(None), _REHEARSED_PACKETS):
                        self._container.mux(packet)
                container, self._container = self._container, None
                container.close()
        except av.FFmpegError as error:
            raise self._refused(error) from error
        finally:
            self.abort()
        return notes

    def abort(self) -> None:
        """Drop what was written; the file of that name, if there was one, is untouched. Does
        nothing after `close`.
        """
        if self._container is not None:
            container, self._container = self._container, None
            with suppress(Exception):  # the trailer of a file that is thrown away, perhaps on a full disk
                container.close()
        if self._audio is not None:
            self._audio.close()
            self._audio = None
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _refused(self, error: av.FFmpegError) -> InputError:
        kind = self._path.suffix[1:].upper()
        return InputError(f"this clip can't be written as {kind}: FFmpeg refuses it ({error.strerror}); choose another format")

    def _add_stream(self, container: OutputContainer) -> VideoStream:
        return add_video(container, self._info, self._codec, self._clock)

    def _encode(self, picture: av.VideoFrame | None) -> Sequence[av.Packet]:
        return self._stream.encode(picture)

    def _stretch(self, source: Path) -> Stretch:
        """What the output covers of the file that its sound comes from."""
        start = self._clock.source_start
        end = start + self._clock.end(self._clock.frames or self._info.frames)
        return Stretch(start, end, self._stop in (None, self._info.frames), restarts_of(source))

    def _mux(self, packets: Sequence[av.Packet]) -> None:
        """Write packets, always one behind, since only the last one's duration has to be set by
        hand.
        """
        for packet in packets:
            if self._first_dts is None:
                self._first_dts = packet.dts or 0
            if self._held is not None:
                self._mux_held(self._held)
            self._held = packet

    def _mux_held(self, packet: av.Packet) -> None:
        assert self._container is not None
        if self._audio is not None and packet.dts is not None:
            self._mux_sound(self._audio.packets_until(packet.dts * packet.time_base))
        self._container.mux(packet)

    def _mux_sound(self, packets: Iterable[av.Packet]) -> None:
        """Write packets of the streams that are taken along. One that the container refuses is left
        out: it is no reason to lose the picture.
        """
        assert self._container is not None
        for packet in packets:
            try:
                self._container.mux(packet)
            except av.FFmpegError as error:
                if isinstance(error, OSError):  # the disk
                    raise

    def _finish(self) -> None:
        """The last packet, with the duration that makes the video as long as it should be, and the
        rest of the sound.
        """
        assert self._container is not None
        end = self._clock.end(self._written)
        if self._held is not None:
            packet, self._held = self._held, None
            packet.duration = max(1, round(end / packet.time_base) - (packet.dts or 0) + (self._first_dts or 0))
            self._mux_held(packet)
        if self._audio is not None:
            # Sound that plays on after the source's last picture belongs to the clip; elsewhere the
            # picture says where to stop.
            self._mux_sound(self._audio.packets_to_end(None if (self._stop or self._written) == self._info.frames else end))

    def _check(self) -> None:
        """Read the finished file's own table of frames back, so that a disk which lost something
        without a word is found out.
        """
        try:
            with open_container(self._file.temporary) as container:
                frames = container.streams.video[0].frames
        except (InputError, IndexError) as error:
            raise StorageError(
                f"{self._path} could not be written whole, what was there before is untouched; free some space on the disk, then try again"
            ) from error
        if frames not in (0, self._written):  # Matroska keeps no such table
            raise StorageError(
                f"{self._path} could not be written whole, what was there before is untouched; free some space on the disk, then try again"
            )


def _container_format(path: Path, codec: Codec | AlphaCodec) -> str:
    suffix = path.suffix.lower()
    if codec not in ENCODINGS:
        raise InputError(f"there is no codec {codec!r} to write with: {', '.join(CODECS)}")
    if suffix not in CONTAINERS:
        raise InputError(f"{path.name} can't be written: the name of a video must end in .mp4, .m4v, .mov or .mkv")
    encoding = ENCODINGS[codec]
    if suffix not in encoding.suffixes:
        raise InputError(
            f"{path.name} can't hold {encoding.title.split(',')[0]}: give it a name that ends in {' or '.join(encoding.suffixes)}"
        )
    return CONTAINERS[suffix]


def _written_info(info: VideoInfo, codec: Codec | AlphaCodec) -> VideoInfo:
    """The facts as the file will have them. ProRes knows the limited range only, so a full one is
    converted to it. Colour samples stay where they are, if the codec can say so and they were not
    turned with the picture; nor are there fields in a picture that was turned.
    """
    known = ENCODINGS[codec].sitings
    color_range = "tv" if codec.startswith("prores") and info.color_range == "pc" else info.color_range
    siting = info.chroma_siting if info.chroma_siting in known and not info.rotation else "left"
    fields = None if info.rotation else info.field_order
    return replace(info, chroma_siting=siting, color_range=color_range, field_order=fields)


def _says_display_size(container: OutputContainer, info: VideoInfo, codec: Codec | AlphaCodec) -> bool:
    """Whether the container has to say the shape of pixels, and FFmpeg can't be told."""
    return container.format.name in ("webm", "matroska") and codec not in _IN_THE_STREAM and info.pixel_aspect != 1


def add_video(container: OutputContainer, info: VideoInfo, codec: Codec | AlphaCodec, clock: Clock, set_number: int = 0) -> VideoStream:
    """Add a stream that encodes a clip.

    Args:
        container: The output.
        info: The source.
        codec: What it is written as.
        clock: The times of the output's frames.
        set_number: The number of the stream's parameter sets, 0 to 31, where H.264 has any.

    Returns:
        The stream.

    Raises:
        InputError: The codec can't hold the clip, or there is no encoder for it.
    """
    info = _written_info(info, codec)
    rate = info.rate.limit_denominator(100_000)
    encoding, encoder = ENCODINGS[codec], encoder_of(codec)
    if encoder is None:
        raise InputError(f"this build of PyAV has no encoder for {encoding.title}; those it has: {', '.join(available_codecs())}")
    options = dict(encoding.options)
    if codec == "h264":
        # x264 leaves a limited range unsaid unless something else about the signal is said too.
        said = ["videoformat=component"] if info.color_range == "tv" else []
        said += [f"{MODES[info.field_order]}=1"] if info.field_order else []
        said += [f"sps-id={set_number}"] if set_number else []
        options["x264-params"] = ":".join(said)
    pixel_format = pixel_format_of(codec, info)
    if encoding.sitings and has_subsampled_colour(av.VideoFormat(pixel_format)):
        options["chroma_sample_location"] = info.chroma_siting or "left"
    if encoder == "libx265" and (clock.frames or info.frames) < 3:
        options["x265-params"] += ":bframes=0"  # with them, x265 makes up the time stamps of one or two frames
    if info.field_order:
        options["field_order"] = "tt" if info.field_order == "top" else "bb"
    if encoder == "libx265" and clock.lingers:
        options["forced-idr"] = "1"
    if encoder == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # only errors: it talks to the terminal otherwise
    if codec == "prores" and pixel_format == "yuv444p10le":
        options["profile"] = "4444"
    stream = cast(VideoStream, container.add_stream(encoder, rate=rate, options=options))
    stream.pix_fmt = pixel_format
    if codec in ("h264", "hevc", "av1", "vp9-alpha"):
        stream.gop_size = max(1, round(2 * rate))  # a keyframe every two seconds, so that a player can jump
    stream.width, stream.height = info.size
    context = stream.codec_context
    context.time_base = clock.tick
    if encoding.tag is not None and container.format.name in ("mp4", "mov"):
        context.codec_tag = encoding.tag
    if info.pixel_aspect != 1:
        context.sample_aspect_ratio = info.pixel_aspect
        if _says_display_size(container, info, codec):
            stream.metadata["stereo_mode"] = views_of(info.size, info.pixel_aspect)
    if info.field_order:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    context.thread_type = "AUTO"
    context.color_primaries = code_point(PRIMARIES, info.color_primaries)
    context.color_trc = code_point(TRANSFERS, info.color_transfer)
    if codec == "ffv1":
        context.colorspace, context.color_range = 0, FULL
    else:
        context.colorspace = written_matrix(info)[1]
        context.color_range = code_point(RANGES, info.color_range, missing=0)
    return stream
