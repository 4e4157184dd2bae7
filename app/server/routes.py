"""Pictures, videos and uploads over plain HTTP: what a page shows or sends that is too big, or asked for too often, for an event."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from app.contract.error_text import error_text
from app.contract.project_view import project_view
from app.editor.editor import Editor
from app.render.mask_files import looks_like_masks
from app.server.crash_reports import LOGS, report_path
from core.errors import error_record, InputError, StudioError
from core.files import storage_error
from core.progress import JobContext
from ui_components.part import bundle, bundle_mark

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""For what never changes under its address: frames of a clip, masks of a revision, files named by their content."""

FRESH = {"Cache-Control": "private, no-cache"}

WIDEST = 7680
"""Pixels; a page that asks for more gets this much."""


STORY = 16_384
"""Bytes that the report of a script error may have."""

log = logging.getLogger(__name__)


def error_response(status: int, message: str) -> PlainTextResponse:
    """An error as one line of text."""
    return PlainTextResponse(message, status_code=status, headers=FRESH)


def page_routes(editor: Editor) -> APIRouter:
    """Routes under /studio. Whoever knows a project's id may read the project; nobody can list the ids here."""
    routes = APIRouter(prefix="/studio")

    @routes.get("/page.{kind}")
    def bundle_file(kind: str) -> Response:
        if kind not in ("js", "css"):
            return error_response(404, f"there is no page.{kind}")
        media_type = "text/javascript" if kind == "js" else "text/css"
        return Response(bundle(kind), media_type=f"{media_type}; charset=utf-8", headers=FOREVER)

    started = secrets.token_hex(4)

    @routes.get("/alive")
    def alive() -> Response:
        """That the program answers, which start of it this is, and which state of the page it serves."""
        return JSONResponse({"start": started, "page": f"{bundle_mark('css')} {bundle_mark('js')}"}, headers={"Cache-Control": "no-store"})

    @routes.get("/report/{report_id}.txt")
    def report(report_id: str) -> Response:
        path = report_path(editor.settings.workspace / LOGS, report_id)
        return FileResponse(path, media_type="text/plain; charset=utf-8", filename=f"vivid-studio-{path.name}", headers=FRESH)

    @routes.post("/fault")
    async def page_error(request: Request) -> Response:
        """Take the report of an error in the page's own script; answers with the id of the crash report."""
        if request.headers.get("x-vivid-studio") != "1":
            return error_response(400, "reports come from the editor's page")
        story = bytearray()
        async for chunk in request.stream():
            story += chunk
            if len(story) > STORY:
                return error_response(413, "that is too long for a report")
        told = error_record({"page": story.decode(errors="replace").splitlines()})
        log.error("a script of the page failed", extra=told)
        return JSONResponse({"report": told["report_id"]}, headers=FRESH)

    @routes.get("/example/{name}.jpg")
    def example_picture(name: str) -> Response:
        return Response(editor.example_jpeg(name), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/thumbnail.jpg")
    def project_thumbnail(project_id: str) -> Response:
        return Response(editor.thumbnail_jpeg(project_id), media_type="image/jpeg", headers=FRESH)

    @routes.get("/{project_id}/frame/{frame}.jpg")
    async def frame_picture(request: Request, project_id: str, frame: int, w: int | None = None, base: str | None = None) -> Response:
        # `base` only makes the address differ where the frame does: with other accepted results on it
        def read(context: JobContext) -> bytes:
            return editor.pictures.frame_jpeg(editor.project(project_id), frame, _width(w), context)

        picture = await _while_awaited(request, read)
        return Response(picture, media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/source/{frame}.jpg")
    def source_picture(project_id: str, frame: int, w: int | None = None) -> Response:
        return Response(editor.source_jpeg(project_id, frame, _width(w)), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/result/{propagation_id}/{frame}.jpg")
    def result_picture(project_id: str, propagation_id: str, frame: int, w: int | None = None) -> Response:
        picture, final = editor.result_jpeg(project_id, propagation_id, frame, _width(w))
        return Response(picture, media_type="image/jpeg", headers=FOREVER if final else FRESH)

    @routes.get("/{project_id}/below/{propagation_id}/{frame}.jpg")
    def picture_below(project_id: str, propagation_id: str, frame: int, w: int | None = None) -> Response:
        return Response(editor.below_jpeg(project_id, propagation_id, frame, _width(w)), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/region/{propagation_id}/{frame}.png")
    def result_region(project_id: str, propagation_id: str, frame: int, w: int | None = None) -> Response:
        picture = editor.result_region_png(project_id, propagation_id, frame, _width(w))
        return Response(picture, media_type="image/png", headers=FOREVER)

    @routes.get("/{project_id}/times.json")
    def time_stamps(project_id: str) -> Response:
        return JSONResponse(editor.timestamps(project_id), headers=FOREVER)

    @routes.get("/{project_id}/entries.json")
    def entry_points(project_id: str) -> Response:
        return JSONResponse(editor.entry_points(project_id), headers=FOREVER)

    @routes.get("/{project_id}/overlay/{frame}.png")
    def overlay_picture(project_id: str, frame: int, kind: str = "objects", rev: str = "", w: int | None = None) -> Response:
        if kind not in ("objects", "region"):
            return error_response(400, f"unknown overlay '{kind}' (known: objects, region)")
        settled = bool(rev) and not editor.is_changing(project_id)
        picture = editor.overlay_png(project_id, frame, kind, _width(w))
        return Response(picture, media_type="image/png", headers=FOREVER if settled else FRESH)

    @routes.get("/{project_id}/forms/{frame}.jpg")
    def region_forms(project_id: str, frame: int, rev: str = "", w: int = 120, object_id: int | None = None) -> Response:
        settled = bool(rev) and not editor.is_changing(project_id)
        picture = editor.forms_jpeg(project_id, frame, object_id, max(48, min(w, 480)))
        return Response(picture, media_type="image/jpeg", headers=FOREVER if settled else FRESH)

    @routes.get("/{project_id}/preview/{frame}.png")
    def click_preview(
        project_id: str, frame: int, x: float, y: float, positive: bool = True, object_id: int | None = None, w: int | None = None
    ) -> Response:
        picture = editor.preview_png(project_id, object_id, frame, x, y, positive, _width(w))
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})

    @routes.get("/{project_id}/try/{edit_id}.jpg")
    def try_picture(project_id: str, edit_id: str, w: int = 240) -> Response:
        return Response(editor.try_jpeg(project_id, edit_id, max(16, min(w, 960))), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/keyframe/{frame}/{what}")
    def sent_keyframe(project_id: str, frame: int, what: str, edit: str | None = None) -> Response:
        if what not in ("frame", "mask", "cutout", "zip"):
            return error_response(404, f"a keyframe has no '{what}' (known: frame, mask, cutout, zip)")
        name, data = editor.sent_keyframe(project_id, frame, what, edit or None)  # type: ignore[arg-type]
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        media_type = "application/zip" if what == "zip" else "image/png"
        return Response(data, media_type=media_type, headers={**FRESH, "Content-Disposition": disposition})

    @routes.get("/{project_id}/file/{relative:path}")
    def project_file(project_id: str, relative: str) -> Response:
        if PurePath(relative).suffix != ".png":
            return error_response(404, f"the project shows no file '{relative}'")
        return FileResponse(editor.file_path(project_id, relative), headers=FOREVER if relative.startswith("files/") else FRESH)

    @routes.get("/{project_id}/source")
    def source_video(project_id: str) -> Response:
        path = editor.source_path(project_id)
        if not path.is_file():
            return error_response(404, f"'{path.name}' is no single file; its frames can be had one by one")
        return FileResponse(path, headers=FRESH)

    @routes.get("/{project_id}/result/{propagation_id}.mp4")
    def result_video(project_id: str, propagation_id: str, download: bool = False) -> Response:
        project = editor.project(project_id)
        for propagation in project.propagations:
            if propagation.propagation_id == propagation_id and propagation.result:
                path = editor.file_path(project_id, propagation.result)
                name = f"{project.name} edited{path.suffix}" if download else None
                return FileResponse(path, media_type="video/mp4", filename=name, headers=FRESH)
        return error_response(404, f"there is no result '{propagation_id}'")

    @routes.get("/{project_id}/export/{name}")
    def exported(project_id: str, name: str) -> Response:
        path = editor.file_path(project_id, f"exports/{name}")
        return FileResponse(path, filename=name, headers=FRESH)

    @routes.post("/upload")
    async def upload(request: Request, name: str, beside: str | None = None) -> Response:
        """Take a video as the body of the request, to disk as it comes, and open it as a new project.

        `beside` is the project that is open where it was sent: `masks` in the answer says whether the video looks like masks for that.
        """
        # A header that only our own page's script can send: another site's form can't post here.
        if request.headers.get("x-vivid-studio") != "1":
            return error_response(400, "uploads come from the editor's page")
        return await _take_upload(editor, request, name, beside)

    @routes.post("/{project_id}/masks")
    async def take_masks(project_id: str, request: Request, frame: int | None = None) -> Response:
        """Take masks as files of a form and add them to the project."""
        if request.headers.get("x-vivid-studio") != "1":
            return error_response(400, "uploads come from the editor's page")
        return await _take_masks(editor, project_id, request, frame)

    @routes.post("/{project_id}/picture")
    async def take_picture(project_id: str, request: Request, name: str) -> Response:
        """Take a picture from another program as the body of the request; it waits in the project until it is taken or another comes."""
        if request.headers.get("x-vivid-studio") != "1":
            return error_response(400, "uploads come from the editor's page")
        return await _take_picture(editor, project_id, request, name)

    return routes


async def _while_awaited(request: Request, work: Callable[[JobContext], bytes]) -> bytes:
    """Do `work` in a thread. Its context is cancelled when whoever asked has gone: who flies through a clip leaves many questions."""
    from anyio import to_thread

    context = JobContext()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        context.token.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await to_thread.run_sync(work, context)
    finally:
        watching.cancel()


async def _take_picture(editor: Editor, project_id: str, request: Request, name: str) -> Response:
    from anyio import open_file, to_thread

    suffix = PurePath(name.replace("\\", "/")).suffix
    try:
        folder = await to_thread.run_sync(editor.incoming_folder, project_id)
        path = folder / f"{secrets.token_hex(8)}{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
        folder.mkdir(parents=True)
        async with await open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
    except (StudioError, OSError, ClientDisconnect) as error:
        message = (
            error_text(error)
            if isinstance(error, StudioError)
            else "the picture could not be stored: free some space on the disk, then bring it again"
        )
        return error_response(400 if isinstance(error, InputError) else 500, message)
    return JSONResponse({"picture": path.name}, headers=FRESH)


async def _take_masks(editor: Editor, project_id: str, request: Request, frame: int | None) -> Response:
    from anyio import to_thread
    from fastapi.responses import JSONResponse
    from starlette.datastructures import UploadFile

    folder = Path(editor.settings.workspace) / "uploads" / secrets.token_hex(8)
    try:
        editor.project(project_id)
        async with request.form(max_files=100_000) as form:
            files = [item for item in form.getlist("masks") if isinstance(item, UploadFile)]
            if not files:
                return error_response(400, "no masks arrived: choose pictures, a zip of them, or a matte video")
            names = [(file.filename or "mask.png").replace("\\", "/") for file in files]
            (folder / "masks").mkdir(parents=True)
            paths = []
            for index, (file, name) in enumerate(zip(files, names, strict=True)):
                # numbers and the folder just above them matter; the rest of a name may be no file name here
                parts = [re.sub(r"[^\w .-]", "_", part).strip(" .")[-80:] or "_" for part in PurePath(name).parts[-2:]]
                path = folder / "masks" / "/".join(parts[:-1]) / (parts[-1] if len(files) > 1 else f"{index}{PurePath(parts[-1]).suffix}")
                path.parent.mkdir(exist_ok=True)
                paths.append(path)
                await to_thread.run_sync(_copy, file.file, path)
        source, title = (paths[0], PurePath(names[0]).stem) if len(paths) == 1 else (folder / "masks", "Imported")
        await to_thread.run_sync(lambda: editor.import_masks(project_id, source, frame, title))
        view = await to_thread.run_sync(project_view, editor, project_id)
    except (StudioError, OSError, ClientDisconnect) as error:
        return _refused(error, str(error), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return JSONResponse({"view": view}, headers=FRESH)


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)


async def _take_upload(editor: Editor, request: Request, name: str, beside: str | None) -> Response:
    from anyio import open_file, to_thread

    clean = PurePath(name.replace("\\", "/")).name.strip(" .")[-200:] or "video"
    suffix = PurePath(clean).suffix
    folder = Path(editor.settings.workspace) / "uploads" / secrets.token_hex(8)
    # A name of our own: what a browser sends may be no file name here.
    path = folder / f"video{suffix if re.fullmatch(r'[.][A-Za-z0-9]{1,8}', suffix) else ''}"
    try:
        folder.mkdir(parents=True)
        async with await open_file(path, "wb") as file:
            async for chunk in request.stream():
                await file.write(chunk)
        project = await to_thread.run_sync(editor.create_project, path, PurePath(clean).stem)
        view = await to_thread.run_sync(project_view, editor, project.project_id)
        masks = beside is not None and await to_thread.run_sync(_masks_for, editor, beside, path)
    except (StudioError, OSError, ClientDisconnect) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _refused(error, str(error).replace(str(path), clean), path)
    return JSONResponse({"view": view, "masks": masks}, headers=FRESH)


def _masks_for(editor: Editor, project_id: str, video: Path) -> bool:
    try:
        clip = editor.project(project_id).clip
    except InputError:
        return False
    return looks_like_masks(video, clip.info, (clip.start, clip.stop))


def _refused(error: Exception, message: str, path: Path) -> PlainTextResponse:
    """Why what a person sent is not here: what is wrong with it, or with the disk, or that it never came whole."""
    if isinstance(error, StudioError):
        return error_response(400 if isinstance(error, InputError) else 507, message)
    if isinstance(error, OSError):
        return error_response(507, str(storage_error(path, error)))
    return error_response(400, "the upload broke off: choose the file again")


def _width(width: int | None) -> int | None:
    return None if width is None else max(16, min(width, WIDEST))
