"""The routes of the server over plain HTTP: what is too large, or asked for too often, for an event
of the page.
"""

from __future__ import annotations

from fastapi import APIRouter

from app.editor.editor import Editor
from app.server.file_routes import add_file_routes
from app.server.page_routes import add_page_routes
from app.server.picture_routes import add_picture_routes
from app.server.upload_routes import add_upload_routes


def studio_routes(editor: Editor) -> APIRouter:
    """Routes under /studio.

    Anyone who knows a project's id can read the project; nobody can list the ids here.
    """
    routes = APIRouter(prefix="/studio")
    add_page_routes(routes, editor)
    add_picture_routes(routes, editor)
    add_file_routes(routes, editor)
    add_upload_routes(routes, editor)
    return routes
