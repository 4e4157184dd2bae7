"""Files of a project to show or to take home: the video, results, exports."""

from __future__ import annotations

from pathlib import PurePath

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from app.editor.editor import Editor
from app.server.responses import error_response, FOREVER, FRESH
from app.server.served_files import file_response


def add_file_routes(routes: APIRouter, editor: Editor) -> None:
    """Add the routes of files that lie on the disk."""

    @routes.get("/{project_id}/file/{relative:path}")
    def project_file(project_id: str, relative: str) -> Response:
        if PurePath(relative).suffix != ".png":
            return error_response(404, f"the project shows no file '{relative}'")
        headers = FOREVER if relative.startswith("files/") else FRESH
        return FileResponse(editor.projects.file(project_id, relative), media_type="image/png", headers=headers)

    @routes.get("/{project_id}/source")
    def source_video(project_id: str) -> Response:
        path = editor.clip.source_path(project_id)
        if not path.is_file():
            return error_response(404, f"'{path.name}' is not a single file; its frames can be had one by one")
        return file_response(path, path.name, FRESH)

    @routes.get("/{project_id}/result/{propagation_id}.mp4")
    def result_video(project_id: str, propagation_id: str) -> Response:
        project = editor.projects.get(project_id)
        for propagation in project.propagations:
            if propagation.propagation_id == propagation_id and propagation.result:
                path = editor.projects.file(project_id, propagation.result)
                return file_response(path, f"{project.name}, {propagation.title}{path.suffix}", FRESH)
        return error_response(404, f"there is no result '{propagation_id}'")

    @routes.get("/{project_id}/export/{name}")
    def exported(project_id: str, name: str) -> Response:
        path = editor.projects.file(project_id, f"exports/{name}")
        return file_response(path, name, FRESH)
