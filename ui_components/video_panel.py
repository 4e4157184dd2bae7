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


def video_panel(verbs: Verbs, *, shared: bool = False) -> gr.HTML:
    """Opening a video makes a project; its id is all the browser keeps. On a `shared` server a browser sees only the projects it knows."""

    def open_page(project_id: str | None, known: list[str]) -> Answer:
        """What a page needs when it loads: the project it asks for, else the last it had, else the first example as a new one."""
        answer: Answer = {}
        if project_id:
            try:
                answer["view"] = project_view(verbs, project_id)
            except InputError as error:
                answer["notice"] = str(error)
        else:
            there = {summary.project_id for summary in verbs.recent_projects()}
            examples = verbs.examples()
            if last := next((wanted for wanted in known if wanted in there), None):
                answer["view"] = project_view(verbs, last)
            elif examples:
                answer["view"] = project_view(verbs, verbs.create_project(examples[0].path, examples[0].title).project_id)
        return answer | {"examples": _examples(), "recent": _recent(known)}

    def list_projects(known: list[str]) -> Answer:
        return {"examples": _examples(), "recent": _recent(known)}

    def page_ready() -> Answer:
        """The first picture is on the screen: now the models may load without being in its way."""
        verbs.warm_up()
        return {}

    def open_path(path: str) -> Answer:
        if shared:
            raise InputError("Opening by path is for people at this machine; choose a file to send instead.")
        if not path.strip():
            raise InputError("Type the path of a video on this machine first.")
        return _opened(verbs.create_project(path.strip().strip("\"'")).project_id)

    def open_example(name: str) -> Answer:
        for example in verbs.examples():
            if example.name == name:
                return _opened(verbs.create_project(example.path, example.title).project_id)
        raise InputError(f"there is no example '{name}'")

    def open_project(wanted: str) -> Answer:
        return _opened(wanted)

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
            if not shared or p.project_id in known
        ]

    handlers: list[Handler] = [open_page, list_projects, page_ready, open_path, open_example, open_project, trim_clip]
    lead = "Open the video you want to change, then go on to step 2."
    return part(
        "video", panel("video", "Video", lead, BODY.replace("<form", "<form hidden") if shared else BODY, "Continue to Select"), handlers
    )
