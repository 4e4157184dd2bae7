"""Masks for other programs: pictures in a zip, a matte, the cut-out with alpha, or on green."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import get_args, Literal

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.files import atomic_path
from core.masks import feather_alpha, MaskSequence
from core.masks.bounding_box import Mask
from core.media import ClipReader, VideoWriter
from core.media.codecs import AlphaCodec
from core.progress import JobContext

MatteForm = Literal["png", "ids", "matte", "webm", "prores", "green"]
FORMS: tuple[MatteForm, ...] = get_args(MatteForm)

SUFFIXES: dict[MatteForm, str] = {"png": ".zip", "ids": ".zip", "matte": ".mp4", "webm": ".webm", "prores": ".mov", "green": ".mp4"}

GREEN = (0, 177, 64)
"""The green of chroma key screens, sRGB."""

_PALETTE = [0, 0, 0, *(value for i in range(1, 256) for value in ((i * 67) % 200 + 56, (i * 131) % 200 + 56, (i * 197) % 200 + 56))]
_CUT_OUTS: dict[str, AlphaCodec] = {"webm": "vp9-alpha", "prores": "prores-4444"}
_SOFT = 1  # pixels over which the edge of a cut-out fades


def write_mattes(
    path: Path,
    form: MatteForm,
    reader: ClipReader,
    objects: Sequence[tuple[str, MaskSequence]],
    span: tuple[int, int],
    context: JobContext,
) -> None:
    """Write the masks of named objects on frames span[0]:span[1] to `path`, whose suffix is that of
    SUFFIXES.

    `png`: a picture a frame, numbered like the clip's, in a folder an object when there are
    several. `ids`: palette pictures, the objects numbered from 1. The videos show all objects
    together: `matte` white on black; `webm` (VP9) and `prores` (4444) the clip with alpha; `green`
    the clip on green. The file appears when it is complete. InputError for an unknown form or a
    codec that this build lacks, StorageError when the disk refuses.

    Args:
        path: The file to write.
        form: One of FORMS.
        reader: The clip.
        objects: Name and masks of each object.
        span: The frames start:stop.
        context: Reports frames, and can cancel.

    Raises:
        InputError: The form is unknown, this build lacks the codec, or there are no objects.
        StorageError: The disk refuses.
    """
    if form not in FORMS:
        raise InputError(f"unknown form of masks '{form}': choose one of {', '.join(FORMS)}")
    if not objects:
        raise InputError("there are no masks to write yet: select an object first")
    context.report("writing masks", 0, span[1] - span[0])
    if form in ("png", "ids"):
        _write_zip(path, form, objects, span, context)
    elif form in ("matte", "green"):
        _write_video(path, _MADE[form], reader, objects, span, context)
    else:
        _write_cut_out(path, _CUT_OUTS[form], reader, objects, span, context)


def rehearse_mattes(form: MatteForm, reader: ClipReader, span: tuple[int, int]) -> None:
    """Write one frame without masks and throw it away: what can't be written in this form is
    refused before any work.

    Args:
        form: One of FORMS.
        reader: The clip.
        span: The frames start:stop that will be written.

    Raises:
        InputError: The form can't hold the clip, or this build lacks the codec.
        StorageError: The disk refuses.
    """
    first = (span[0], span[0] + 1)
    nothing = MaskSequence.empty(reader.info.size, *first)
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_mattes(Path(folder) / f"masks{SUFFIXES[form]}", form, reader, [("", nothing)], first, JobContext())
        except av.FFmpegError as error:
            raise InputError(f"this clip can't be written in the form '{form}': FFmpeg refuses it ({error}); choose another") from error


def _union(objects: Sequence[tuple[str, MaskSequence]], frame: int) -> Mask:
    return np.logical_or.reduce([masks[frame] for _, masks in objects])


def _matte(_: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    return np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=-1)


def _on_green(picture: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    alpha = feather_alpha(mask, _SOFT)[..., None]
    return np.round(picture * alpha + np.array(GREEN, np.float32) * (1 - alpha)).astype(np.uint8)


_MADE: dict[str, Callable[[NDArray[np.uint8], Mask], NDArray[np.uint8]]] = {"matte": _matte, "green": _on_green}


def _frames(
    reader: ClipReader, objects: Sequence[tuple[str, MaskSequence]], span: tuple[int, int], context: JobContext
) -> Iterator[tuple[NDArray[np.uint8], Mask]]:
    for done, picture in enumerate(reader.frames(*span)):
        context.report("writing masks", done, span[1] - span[0])
        yield picture, _union(objects, span[0] + done)


def _write_zip(path: Path, form: str, objects: Sequence[tuple[str, MaskSequence]], span: tuple[int, int], context: JobContext) -> None:
    names = _folders([name for name, _ in objects]) if form == "png" and len(objects) > 1 else [""] * len(objects)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as file:  # PNG is packed already
        for frame in range(*span):
            context.report("writing masks", frame - span[0], span[1] - span[0])
            if form == "ids":
                file.writestr(f"{frame:05d}.png", _png(_numbered(objects, frame)))
                continue
            for name, (_, masks) in zip(names, objects, strict=True):
                file.writestr(f"{name}{frame:05d}.png", _png(Image.fromarray(masks[frame].astype(np.uint8) * 255)))


def _numbered(objects: Sequence[tuple[str, MaskSequence]], frame: int) -> Image.Image:
    """A palette picture in which the objects of a frame are numbered; where two overlap, the later
    one shows.
    """
    width, height = objects[0][1].size
    labels = np.zeros((height, width), np.uint8)
    for number, (_, masks) in enumerate(objects, 1):
        labels[masks[frame]] = number
    picture = Image.fromarray(labels)
    picture.putpalette(_PALETTE)
    return picture


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _folders(names: list[str]) -> list[str]:
    """A folder an object, named so that every system can unpack it."""
    clean = ["".join(c if c.isalnum() or c in " -_" else "_" for c in name).strip() or "object" for name in names]
    return [f"{name}/" if clean.count(name) == 1 else f"{name} {number}/" for number, name in enumerate(clean, 1)]


def _write_video(
    path: Path,
    make: Callable[[NDArray[np.uint8], Mask], NDArray[np.uint8]],
    reader: ClipReader,
    objects: Sequence[tuple[str, MaskSequence]],
    span: tuple[int, int],
    context: JobContext,
) -> None:
    with VideoWriter(path, reader.info, timestamps=reader.timestamps, span=span) as writer:
        for picture, mask in _frames(reader, objects, span, context):
            writer.write(make(picture, mask))


def _write_cut_out(
    path: Path,
    codec: AlphaCodec,
    reader: ClipReader,
    objects: Sequence[tuple[str, MaskSequence]],
    span: tuple[int, int],
    context: JobContext,
) -> None:
    with VideoWriter(path, reader.info, timestamps=reader.timestamps, codec=codec, span=span) as writer:
        for (picture, mask), own in zip(_frames(reader, objects, span, context), reader.alphas(*span), strict=True):
            writer.write(np.dstack([picture, np.round(feather_alpha(mask, _SOFT) * own).astype(np.uint8)]))
