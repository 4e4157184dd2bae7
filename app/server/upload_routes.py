"""Uploads: videos, masks and pictures as the page sends them, streamed to the disk."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path, PurePath
from typing import BinaryIO

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from app.contract.error_text import error_text
from app.contract.project_view import job_view, project_view
from app.editor.editor import Editor
from app.server.responses import error_response, FRESH
from core.errors import InputError, StorageError, StudioError
from core.files import storage_error
from core.progress import JobStatus


def add_upload_routes(routes: APIRouter, editor: Editor) -> None:
    """Add the routes that take files."""

    @routes.post("/upload")
    async def upload(request: Request, name: str, beside: str | None = None) -> Response:
        """Take a video as the body of the request, to disk as it comes, and open it as a new
        project.

        `beside` is the project that is open where it was sent: `masks` in the answer says whether
        the video looks like masks for that.
        """
        return await _take_upload(editor, request, name, beside)

    @routes.post("/{project_id}/masks")
    async def take_masks(project_id: str, request: Request, frame: int | None = None) -> Response:
        """Take masks as files of a form and add them to the project."""
        return await _take_masks(editor, project_id, request, frame)

    @routes.post("/{project_id}/picture")
    async def take_picture(project_id: str, request: Request, name: str) -> Response:
        """Take a picture from another program as the body of the request; it waits in the project
        until it is taken or another comes.
        """
        return await _take_picture(editor, project_id, request, name)


async def _take_picture(editor: Editor, project_id: str, request: Request, name: str) -> Response:
    from anyio import open_file, to_thread

    suffix = PurePath(name.replace("\\", "/")).suffix
    try:
        folder = await to_thread.run_sync(editor.exchange.incoming_folder, project_id)
        path = folder / f"{secrets.token_hex(8)}{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
        folder.mkdir(parents=True)
        async with await open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
    except (StudioError, OSError, ClientDisconnect) as error:
        return _refused(error, name)
    finally:
        editor.workspace.sweep(project_id)  # where it was deleted meanwhile
    return JSONResponse({"picture": path.name}, headers=FRESH)


async def _take_masks(editor: Editor, project_id: str, request: Request, frame: int | None) -> Response:
    from anyio import to_thread
    from starlette.datastructures import UploadFile

    folder = Path(editor.settings.workspace) / "uploads" / secrets.token_hex(8)
    try:
        editor.projects.get(project_id)
        async with request.form(max_files=100_000) as form:
            files = [item for item in form.getlist("masks") if isinstance(item, UploadFile)]
            if not files:
                return error_response(400, "no masks arrived: choose pictures, a zip of them, or a matte video")
            names = [(file.filename or "mask.png").replace("\\", "/") for file in files]
            (folder / "masks").mkdir(parents=True)
            paths = []
            for file, name in zip(files, names, strict=True):
                # numbers and the folder just above them matter; the rest of a name may be no file
                # name here
                parts = [re.sub(r"[^\w .-]", "_", part).strip(" .")[-80:] or "_" for part in PurePath(name).parts[-2:]]
                path = folder / "masks" / "/".join(parts)  # messages name it
                path.parent.mkdir(exist_ok=True)
                paths.append(path)
                await to_thread.run_sync(_copy, file.file, path)
        source, title = (paths[0], PurePath(names[0]).stem) if len(paths) == 1 else (folder / "masks", "Imported")
        imported = await to_thread.run_sync(lambda: editor.masks.import_masks(project_id, source, frame, title))
        view = await to_thread.run_sync(project_view, editor, project_id)
    except (StudioError, OSError, ClientDisconnect) as error:
        return _refused(error, "masks")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return JSONResponse({"view": view, "notes": imported.notes}, headers=FRESH)


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)


async def _take_upload(editor: Editor, request: Request, name: str, beside: str | None) -> Response:
    from anyio import open_file, to_thread

    clean = PurePath(name.replace("\\", "/")).name.strip(" .")[-200:] or "video"
    suffix = PurePath(clean).suffix
    folder = Path(editor.settings.workspace) / "uploads" / secrets.token_hex(8)
    # A fixed name: the one that a browser sends may be no file name here.
    path = folder / f"video{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
    try:
        folder.mkdir(parents=True)
        async with await open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
    except (StudioError, OSError, ClientDisconnect) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _refused(error, clean)
    # from here on the job has the video, and then a project, whatever goes wrong
    opening = editor.projects.start_opening(path, PurePath(clean).stem, beside, folder)
    job = await to_thread.run_sync(editor.projects.opening, opening)
    if job.state == "failed":
        return _not_opened(job)
    if job.state != "done":
        return JSONResponse({"opening": job_view(job)}, headers=FRESH)
    view = await to_thread.run_sync(project_view, editor, job.result["project"])
    return JSONResponse({"view": view, "masks": job.result["masks"]}, headers=FRESH)


def _not_opened(job: JobStatus) -> PlainTextResponse:
    """Why a video that arrived is no project: the video, the disk, or an internal error."""
    report = job.result.get("report")
    storage = job.result.get("error") == StorageError.__name__
    answer = error_response(500 if report else 507 if storage else 400, job.message)
    if report:
        answer.headers["X-Vivid-Report"] = report
    return answer


def _refused(error: Exception, name: str) -> PlainTextResponse:
    """Why what a person sent, and calls `name`, is not here: what is wrong with it, or with the
    disk, or that it never came whole.
    """
    if isinstance(error, ClientDisconnect):
        return error_response(400, "the upload broke off: choose the file again")
    if isinstance(error, OSError):
        error = storage_error(Path(name), error)
    text = error_text(error) if isinstance(error, StudioError) else str(error)
    return error_response(400 if isinstance(error, InputError) else 507, text)
