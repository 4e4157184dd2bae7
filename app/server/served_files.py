"""Files as they are served: as the media type that their content has, whatever their name says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse

from app.server.response_headers import SEALED

UNKNOWN = "application/octet-stream"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (4, b"moov", "video/quicktime"),
    (4, b"mdat", "video/quicktime"),
    (4, b"wide", "video/quicktime"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WEBP", "image/webp"),
    (0, b"OggS", "video/ogg"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-asf"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"PK\x03\x04", "application/zip"),
)
"""Where a kind of file has which bytes. None of the types is one that a browser runs."""

_PACKET = 188
"""Bytes from one sync byte of an MPEG transport stream to the next."""


def media_type_of(path: Path) -> str:
    """The media type of a file by its first bytes; `UNKNOWN` for what is no video, picture or
    zip.
    """
    with path.open("rb") as file:
        head = file.read(2 * _PACKET + 1)
    found = next((kind for at, mark, kind in _SIGNATURES if head[at : at + len(mark)] == mark), UNKNOWN)
    if found == "video/x-matroska" and b"webm" in head[:64]:
        return "video/webm"
    if found == UNKNOWN and head[::_PACKET] == b"GGG":
        return "video/mp2t"
    return found


def file_response(path: Path, name: str, headers: Mapping[str, str]) -> FileResponse:
    """A file to save or to play inside the page; opened by itself a browser saves it.

    Args:
        path: The file.
        name: What it is called where it is saved.
        headers: Further headers of the answer.

    Returns:
        The answer.
    """
    sealed = {**headers, "Content-Security-Policy": SEALED, "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=media_type_of(path), filename=name, headers=sealed)
