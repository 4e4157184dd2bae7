"""Step 1: open a video - a file, a path on this machine, an example, a recent project - and see what it is."""

from __future__ import annotations

from typing import Any

import gradio as gr

from core.errors import InputError
from ui_components.panel import panel
from ui_components.part import Answer, Handler, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

BODY = """
<div class="vs-card" data-ref="clip" hidden>
  <h3 data-ref="name"></h3>
  <dl class="vs-facts" data-ref="facts"></dl>
  <div class="vs-row vs-trim">
    <span class="vs-label">Work on frames</span>
    <input type="number" min="0" step="1" data-ref="start" aria-label="First frame to work on">
    <span>to</span>
    <input type="number" min="0" step="1" data-ref="stop" aria-label="Last frame to work on">
  </div>
</div>
<div class="vs-drop" data-ref="drop">
  <button type="button" class="vs-button" data-ref="choose"><span data-icon="upload"></span>Choose a file</button>
  <span class="vs-quiet">or drop one on the page</span>
  <input type="file" accept="video/*,.mkv,.avi,.mts,.m2ts" data-ref="file" hidden aria-label="Video file">
  <progress class="vs-upload" data-ref="upload" max="1" value="0" aria-label="Upload" hidden></progress>
</div>
<form class="vs-row" data-ref="form">
  <input type="text" class="vs-grow" data-ref="path" placeholder="/path/on/this/machine.mp4" aria-label="Path of a video on this machine"
   autocomplete="off" spellcheck="false">
  <button type="submit" class="vs-button">Open</button>
</form>
<div class="vs-columns">
  <div><h3>Examples</h3><ul class="vs-list" data-ref="examples"></ul></div>
  <div><h3>Recent</h3><ul class="vs-list" data-ref="recent"></ul></div>
</div>
"""


def video_panel(verbs: Verbs) -> gr.HTML:
    """Opening a video makes a project; its id is all the browser keeps."""

    def open_page(project_id: str | None, known: list[str]) -> Answer:
        """What a page needs when it loads: the project it asks for, or the example when there is nothing yet."""
        answer: Answer = {"examples": _examples(), "recent": _recent(known)}
        if project_id:
            try:
                return answer | {"view": project_view(verbs, project_id)}
            except InputError as error:
                return answer | {"notice": str(error)}
        if not verbs.recent_projects() and (examples := verbs.examples()):
            project = verbs.create_project(examples[0].path, examples[0].title)
            answer["view"] = project_view(verbs, project.project_id)
        return answer

    def page_ready() -> Answer:
        """The first picture is on the screen: now the models may load without being in its way."""
        verbs.warm_up()
        return {}

    def open_path(path: str) -> Answer:
        if not path.strip():
            raise InputError("Type the path of a video on this machine first.")
        return _opened(verbs.create_project(path.strip().strip("\"'")).project_id)

    def open_example(name: str) -> Answer:
        for example in verbs.examples():
            if example.name == name:
                return _opened(verbs.create_project(example.path, example.title).project_id)
        raise InputError(f"there is no example '{name}'")

    def open_project(project_id: str) -> Answer:
        return _opened(project_id)

    def trim_clip(project_id: str, start: int, stop: int) -> Answer:
        verbs.trim(project_id, start, stop)
        return {"view": project_view(verbs, project_id)}

    def _opened(project_id: str) -> Answer:
        return {"view": project_view(verbs, project_id)}

    def _examples() -> list[dict[str, str]]:
        return [{"name": example.name, "title": example.title} for example in verbs.examples()]

    def _recent(known: list[str]) -> list[dict[str, Any]]:
        return [
            {"id": p.project_id, "name": p.name, "modified": p.modified, "about": f"{p.width} × {p.height}, {p.frames} frames"}
            for p in verbs.recent_projects()
        ]

    handlers: list[Handler] = [open_page, page_ready, open_path, open_example, open_project, trim_clip]
    lead = "Open the video you want to change, then go on to step 2."
    return part("video", panel("video", "Video", lead, BODY, "Continue to Select"), handlers)
