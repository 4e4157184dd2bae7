"""Files on their way from and to a client of the server."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path, PurePath
from typing import Any

import gradio as gr

from app.settings import Settings
from core.errors import InputError
from core.files import storage_errors


def transfers(settings: Settings) -> Path:
    """Where files lie on their way from or to a client."""
    return settings.workspace / "transfers"


def prepare_transfers(settings: Settings) -> None:
    """Let gradio keep files on their way on the workspace's disk, which is large enough for videos;
    earlier leftovers are removed.
    """
    shutil.rmtree(transfers(settings), ignore_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = str(transfers(settings))


def received(settings: Settings, file: Any) -> tuple[Path, str]:
    """Where a file lies that a client has sent, and what the client calls it; InputError for
    anything that was not sent.
    """
    path = Path(str(file.get("path", ""))).resolve() if isinstance(file, dict) else Path()
    if not (path.is_file() and path.is_relative_to(transfers(settings).resolve())):
        raise InputError("send the file along, as gradio_client.handle_file('PATH') gives it")
    title = PurePath(str(file.get("orig_name") or path.name).replace("\\", "/")).name.strip(" .")[-200:] or "file"
    return path, title


def as_download(settings: Settings, source: Path | bytes) -> dict[str, Any]:
    """A file for a client to fetch, in a folder whose name nobody can guess; a hard link where the
    disk has them, else a copy.
    """
    folder = transfers(settings) / secrets.token_hex(16)
    with storage_errors(folder, "ask for it again"):
        folder.mkdir(parents=True)
        if isinstance(source, bytes):
            kinds = {b"\x89PNG": "picture.png", b"PK\x03\x04": "pictures.zip"}
            path = folder / kinds.get(source[:4], "picture.jpg")
            path.write_bytes(source)
        else:
            path = folder / source.name
            try:
                path.hardlink_to(source)
            except OSError:
                shutil.copyfile(source, path)
    return gr.FileData(path=str(path), orig_name=path.name).model_dump()
