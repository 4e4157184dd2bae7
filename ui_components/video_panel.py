"""Step 1: open a video - a file, a path on this machine, an example, a recent project - and see
what it is.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from app.contract.program import Program
from app.contract.project_view import job_view
from app.contract.values import Example, ProjectSummary
from core.errors import InputError
from ui_components.panel import panel
from ui_components.part import Answer, Handler, part

BODY = """
<div class="vs-segments vs-wide" role="radiogroup" aria-label="What to show" data-ref="tabs">
  <label title="What is open, and what to know of it"><input type="radio" name="vs-video-tab" value="clip"><span>This clip</span></label>
  <label title="Another video or project"><input type="radio" name="vs-video-tab" value="open"><span>Open</span></label>
</div>
<div class="vs-clip" data-ref="clip" hidden>
  <div class="vs-head">
    <h3 class="vs-grow" data-ref="name"></h3>
    <span class="vs-quiet vs-nowrap" data-ref="looked" role="status"></span>
  </div>
  <dl class="vs-facts" data-ref="facts"></dl>
  <ul class="vs-notes" data-ref="notes" aria-label="What to know about this clip"></ul>
  <section class="vs-costs" aria-label="What it takes on this machine">
    <div class="vs-head"><h3>On this machine</h3><button type="button" class="vs-button vs-small" data-ref="measure"
     title="Do a little of every step, to know what this clip will take">Measure</button></div>
    <dl class="vs-cost-list" data-ref="costs"></dl>
  </section>
  <div class="vs-row vs-trim" role="group" aria-label="Part to work on">
    <span class="vs-label">Work on frames</span>
    <input type="number" min="0" step="1" data-ref="start" aria-label="First frame to work on" title="The In marker (I)">
    <span>to</span>
    <input type="number" min="0" step="1" data-ref="stop" aria-label="Last frame to work on" title="The Out marker (O)">
    <button type="button" class="vs-button vs-small" data-ref="whole" title="Work on the whole clip">All</button>
  </div>
</div>
<div class="vs-open" data-ref="open">
  <div class="vs-drop" data-ref="drop">
    <button type="button" class="vs-button" data-ref="choose"
     title="A video of any size and length: it is streamed to the disk"><span data-icon="upload"></span>Choose a file</button>
    <span class="vs-quiet">or drop one on the page</span>
    <input type="file" accept="video/*,.mkv,.avi,.mts,.m2ts,.gif,.webp,.apng" data-ref="file" hidden aria-label="Video file">
    <progress class="vs-upload" data-ref="upload" max="1" value="0" aria-label="Upload" hidden></progress>
    <div class="vs-row" data-ref="opening" hidden>
      <span class="vs-quiet vs-grow" data-ref="openingText" role="status"></span>
      <button type="button" class="vs-button vs-small" data-ref="stopOpening" title="Give this up; nothing is kept of it">Cancel</button>
    </div>
  </div>
  <form class="vs-row" data-ref="form">
    <input type="text" class="vs-grow" data-ref="path" placeholder="/path/on/this/machine.mp4" aria-label="Path of a video on this machine"
     title="A video file, or a folder of numbered images" autocomplete="off" spellcheck="false">
    <button type="submit" class="vs-button" data-ref="openPath" title="Open what lies at this path">Open</button>
  </form>
  <h3>Examples</h3>
  <ul class="vs-examples" data-ref="examples"></ul>
  <h3>Recent</h3>
  <ul class="vs-recent" data-ref="recent"></ul>
  <div class="vs-row" data-ref="storage" hidden>
    <span class="vs-quiet vs-grow" data-ref="storageText"></span>
    <button type="button" class="vs-button vs-small" data-ref="cleanUp" title="Remove what nobody needs to keep">Clean up</button>
  </div>
</div>
"""

LISTED = 50
"""Recent projects that are shown at most, which is as many as a browser remembers
(assets/js/state/project.js).
"""


def video_panel(program: Program) -> gr.HTML:
    """Opening a video makes a project; its id is all the browser keeps, and with it the list of
    what was opened there lately.

    On a shared server nobody sees the projects of others, since nobody can ask for a project
    without its id; and it opens no paths. Everyone who reaches a server that is not shared is at
    this machine: the list has all projects of the workspace, whichever browser or program opened
    them.
    """

    def open_page(project_id: str | None, known: list[str], example: str | None = None) -> Answer:
        """What a page needs when it loads: the project it asks for, or an example as a new one;
        else the last that was open in this browser, else, at this machine, the last that was
        changed, else the first example.
        """
        answer: Answer = {}
        if project_id:
            try:
                answer = program.view(project_id)
            except InputError as error:
                answer["notice"] = str(error)
        elif example:
            answer = _draft(_example(example))
        elif last := _last(known):
            answer = program.view(last)
        elif examples := program.run("examples"):
            answer = _draft(examples[0])
        return answer | {"examples": _examples(), "recent": _recent(known)}

    def list_projects(known: list[str]) -> Answer:
        return {"examples": _examples(), "recent": _recent(known)}

    def workspace_use() -> Answer:
        """How large the workspace is; nothing on a server that others can reach."""
        return {"use": None if program.shared else asdict(program.run("workspace_use"))}

    def clean_up(what: str) -> Answer:
        return {"use": asdict(program.run("remove_unneeded", what))}

    def page_ready() -> Answer:
        """The first picture is on the screen: now the models may load without being in its way."""
        program.run("warm_up")
        return {}

    def open_path(path: str) -> Answer:
        if program.shared:
            raise InputError("Only people at the server's machine can open a path: choose a file to send instead.")
        if not path.strip():
            raise InputError("Type the path of a video on this machine first.")
        return follow_opening(program.run("start_opening", path.strip().strip("\"'")))

    def follow_opening(opening: str) -> Answer:
        """The project once it is open; until then, or when that fails, the job that opens it."""
        job = program.run("opening", opening)
        if job.state != "done":
            return {"opening": job_view(job)}
        return {"opened": program.view(job.result["project"])["view"], "masks": job.result["masks"]}

    def stop_opening(opening: str) -> Answer:
        program.run("stop_opening", opening)
        return follow_opening(opening)

    def open_example(name: str, known: list[str]) -> Answer:
        """The project that was made of the example before; else a new one."""
        example = _example(name)
        for summary in program.run("recent_projects", known if program.shared else None):
            if summary.problem or summary.name != example.title:
                continue
            if program.project(summary.project_id).clip.source == str(example.path.resolve()):
                return program.view(summary.project_id)
        return _draft(example)

    def open_project(wanted: str) -> Answer:
        return program.view(wanted)

    def rename_project(wanted: str, name: str, known: list[str]) -> Answer:
        program.run("rename_project", wanted, name)
        return list_projects(known)

    def delete_project(wanted: str, known: list[str]) -> Answer:
        program.run("delete_project", wanted)
        return list_projects(known)

    def trim_clip(project_id: str, start: int, stop: int) -> Answer:
        """Work on the frames from `start` to before `stop`; what is wrong with them is said in the
        numbers that the fields show.
        """
        last = program.project(project_id).clip.info.frames - 1
        for frame in (start, stop - 1):
            if not 0 <= frame <= last:
                raise InputError(f"The clip has no frame {frame}: choose from 0 to {last}.")
        if stop <= start:
            raise InputError(f"Frame {start}, the first to work on, comes after frame {stop - 1}, the last: swap them.")
        program.run("trim", project_id, start, stop)
        return program.view(project_id)

    def look_again(project_id: str) -> Answer:
        """What has been found out about the clip since."""
        return program.view(project_id)

    def measure_machine(project_id: str) -> Answer:
        program.run("measure_machine", project_id)
        return program.view(project_id)

    def _examples() -> list[dict[str, str]]:
        return [{"name": example.name, "title": example.title} for example in program.run("examples")]

    def _example(name: str) -> Example:
        for example in program.run("examples"):
            if example.name == name:
                return example
        raise InputError(f"there is no example '{name}': open one of those that are listed")

    def _last(known: list[str]) -> str | None:
        """The project to go on with; None for none."""
        there = {summary.project_id for summary in program.run("recent_projects", known) if not summary.problem}
        if last := next((wanted for wanted in known if wanted in there), None):
            return last
        if program.shared:
            return None
        return next((summary.project_id for summary in program.run("recent_projects", None) if not summary.problem), None)

    def _draft(example: Example) -> Answer:
        """An example to look at: it becomes a project with its first change."""
        return program.view(program.run("create_project", example.path, example.title, draft=True).project_id)

    def _recent(known: list[str]) -> list[dict[str, Any]]:
        return [_row(p) for p in program.run("recent_projects", known if program.shared else None, LISTED)]

    def _row(p: ProjectSummary) -> dict[str, Any]:
        """A project of the list; one that can't be read says why, and at this machine where its
        file is.
        """
        size = f"{p.width} × {p.height}"
        row = {"id": p.project_id, "name": p.name, "modified": p.modified, "size": size, "frames": p.frames}
        if not p.problem:
            return row
        if program.shared:  # where it lies is nobody's business
            return {**row, "problem": "It can't be read: its file is damaged."}
        return {**row, "problem": p.problem, "file": program.run("project_document", p.project_id)}

    passed_on = program.handlers("deinterlace")
    handlers: list[Handler] = [
        *(open_page, list_projects, page_ready, open_path, follow_opening, stop_opening, open_example, open_project),
        *(workspace_use, clean_up, rename_project, delete_project, trim_clip, look_again, measure_machine),
        *passed_on,
    ]
    lead = "Open what you want to change; work on a part of it."
    body = BODY.replace("<form", "<form hidden") if program.shared else BODY
    return part("video", panel("video", "Video", lead, body, "Continue to Select"), handlers)
