"""Pictures of a project: frames, overlays, previews, tries, results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import get_args
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.editor.editor import Editor
from app.media.keyframe_exchange import SentPart
from app.server.responses import error_response, FOREVER, FRESH
from core.progress import JobContext
from core.project.mix import Mix

WIDEST = 7680
"""Pixels; a page that asks for a wider picture gets this much."""


def add_picture_routes(routes: APIRouter, editor: Editor) -> None:
    """Add the routes of everything that a page shows as a picture."""

    @routes.get("/example/{name}.jpg")
    def example_picture(name: str) -> Response:
        return Response(editor.projects.example_jpeg(name), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/thumbnail.jpg")
    def project_thumbnail(project_id: str) -> Response:
        return Response(editor.projects.thumbnail_jpeg(project_id), media_type="image/jpeg", headers=FRESH)

    @routes.get("/{project_id}/frame/{frame}.jpg")
    async def frame_picture(request: Request, project_id: str, frame: int, w: int | None = None, base: str | None = None) -> Response:
        # `base` only makes the address differ where the frame does: with other accepted results on
        # it. So does `whole`, which nobody reads, for deinterlaced frames.
        def read(context: JobContext) -> bytes:
            return editor.pictures.frames.frame_jpeg(editor.projects.get(project_id), frame, _width(w), context)

        picture = await _while_awaited(request, read)
        return Response(picture, media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/source/{frame}.jpg")
    def source_picture(project_id: str, frame: int, w: int | None = None) -> Response:
        return Response(editor.clip.source_jpeg(project_id, frame, _width(w)), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/result/{propagation_id}/{frame}.jpg")
    def result_picture(
        project_id: str, propagation_id: str, frame: int, w: int | None = None, opacity: float | None = None, blend: str = "normal"
    ) -> Response:
        mix = None if opacity is None else Mix(opacity, blend)  # type: ignore[arg-type]
        picture, final = editor.results.jpeg(project_id, propagation_id, frame, _width(w), mix)
        return Response(picture, media_type="image/jpeg", headers=FOREVER if final else FRESH)

    @routes.get("/{project_id}/below/{propagation_id}/{frame}.jpg")
    def picture_below(project_id: str, propagation_id: str, frame: int, w: int | None = None) -> Response:
        return Response(editor.results.below_jpeg(project_id, propagation_id, frame, _width(w)), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/region/{propagation_id}/{frame}.png")
    def result_region(project_id: str, propagation_id: str, frame: int, w: int | None = None) -> Response:
        picture = editor.results.region_png(project_id, propagation_id, frame, _width(w))
        return Response(picture, media_type="image/png", headers=FOREVER)

    @routes.get("/{project_id}/times.json")
    def time_stamps(project_id: str) -> Response:
        return JSONResponse(editor.clip.timestamps(project_id), headers=FOREVER)

    @routes.get("/{project_id}/entries.json")
    def entry_points(project_id: str) -> Response:
        return JSONResponse(editor.clip.entry_points(project_id), headers=FOREVER)

    @routes.get("/{project_id}/overlay/{frame}.png")
    def overlay_picture(
        project_id: str, frame: int, kind: str = "objects", rev: str = "", w: int | None = None, only: int | None = None
    ) -> Response:
        if kind not in ("objects", "region"):
            return error_response(400, f"unknown overlay '{kind}' (known: objects, region)")
        settled = bool(rev) and not editor.masks.is_changing(project_id)
        picture = editor.masks.overlay_png(project_id, frame, kind, _width(w), only)
        return Response(picture, media_type="image/png", headers=FOREVER if settled else FRESH)

    @routes.get("/{project_id}/forms/{frame}.jpg")
    def region_forms(project_id: str, frame: int, rev: str = "", w: int = 120, object_id: int | None = None) -> Response:
        settled = bool(rev) and not editor.masks.is_changing(project_id)
        picture = editor.region.forms_jpeg(project_id, frame, object_id, max(48, min(w, 480)))
        return Response(picture, media_type="image/jpeg", headers=FOREVER if settled else FRESH)

    @routes.get("/{project_id}/preview/{frame}.png")
    def click_preview(
        project_id: str, frame: int, x: float, y: float, positive: bool = True, object_id: int | None = None, w: int | None = None
    ) -> Response:
        picture = editor.prompts.preview_png(project_id, object_id, frame, x, y, positive, _width(w))
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})

    @routes.get("/{project_id}/doubt/{object_id}/{frame}.png")
    def click_doubt(project_id: str, object_id: int, frame: int, w: int | None = None) -> Response:
        picture = editor.prompts.doubt_png(project_id, object_id, frame, _width(w))
        if picture is None:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})

    @routes.get("/{project_id}/try/{edit_id}.jpg")
    def try_picture(project_id: str, edit_id: str, w: int = 240) -> Response:
        return Response(editor.keyframes.try_jpeg(project_id, edit_id, max(16, min(w, 960))), media_type="image/jpeg", headers=FOREVER)

    @routes.get("/{project_id}/keyframe/{frame}/{what}")
    def sent_keyframe(project_id: str, frame: int, what: str, edit: str | None = None) -> Response:
        if what not in get_args(SentPart):
            return error_response(404, f"a keyframe has no '{what}' (known: {', '.join(get_args(SentPart))})")
        name, data = editor.exchange.send(project_id, frame, what, edit or None)  # type: ignore[arg-type]
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        media_type = "application/zip" if what == "zip" else "image/png"
        return Response(data, media_type=media_type, headers={**FRESH, "Content-Disposition": disposition})


async def _while_awaited(request: Request, work: Callable[[JobContext], bytes]) -> bytes:
    """Do `work` in a thread.

    Its context is cancelled when the client has gone: moving through a clip quickly leaves many
    requests behind.
    """
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


def _width(width: int | None) -> int | None:
    return None if width is None else max(16, min(width, WIDEST))
