"""The page's scripts and styles, whether the program is alive, and crash reports."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from app.editor.editor import Editor
from app.server.crash_reports import LOGS, report_path
from app.server.responses import error_response, FOREVER, FRESH
from core.errors import error_record
from ui_components.page_files import ENTRY, page_version, stylesheet, whole_script

STORY = 16_384
"""Bytes that the report of a script error may have."""

log = logging.getLogger(__name__)


def add_page_routes(routes: APIRouter, editor: Editor) -> None:
    """Add the routes that the page itself needs."""

    @routes.get("/page.css")
    async def page_styles() -> Response:
        return Response(stylesheet(), media_type="text/css; charset=utf-8", headers=FOREVER)

    @routes.get("/js/{version}/{name:path}")
    async def page_script(version: str, name: str) -> Response:
        if (version, name) != (page_version(), ENTRY):
            return error_response(404, f"there is no script '{name}' of this version: reload the page")
        return Response(whole_script(), media_type="text/javascript; charset=utf-8", headers=FOREVER)

    started = secrets.token_hex(4)

    @routes.get("/alive")
    def alive() -> Response:
        """That the program answers, which start of it this is, and which version of the page it
        serves.
        """
        return JSONResponse({"start": started, "page": page_version()}, headers={"Cache-Control": "no-store"})

    @routes.get("/report/{report_id}.txt")
    def report(report_id: str) -> Response:
        path = report_path(editor.settings.workspace / LOGS, report_id)
        return FileResponse(path, media_type="text/plain; charset=utf-8", filename=f"vivid-studio-{path.name}", headers=FRESH)

    @routes.post("/fault")
    async def page_error(request: Request) -> Response:
        """Take the report of an error in the page's own script; answers with the id of the crash
        report.
        """
        story = bytearray()
        async for chunk in request.stream():
            story += chunk
            if len(story) > STORY:
                return error_response(413, "that is too long for a report")
        told = error_record({"page": story.decode(errors="replace").splitlines()})
        log.error("a script of the page failed", extra=told)
        return JSONResponse({"report": told["report_id"]}, headers=FRESH)
