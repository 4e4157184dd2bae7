"""Step 2: the objects, their prompts, and tracking them through the clip."""

from __future__ import annotations

import gradio as gr

from core.project.tracks import Direction
from ui_components.panel import panel
from ui_components.part import Answer, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

BODY = """
<h3>Objects</h3>
<ul class="vs-objects" data-ref="objects"></ul>
<div class="vs-row">
  <button type="button" class="vs-button vs-small" data-ref="add"><span data-icon="plus"></span>Add object</button>
</div>
<h3>Marks on the object</h3>
<div class="vs-row vs-wrap">
  <button type="button" class="vs-button vs-small" data-ref="clearFrame">Clear this frame</button>
  <button type="button" class="vs-button vs-small" data-ref="clearAll">Clear all</button>
</div>
<ul class="vs-legend">
  <li><span class="vs-dot vs-plus">+</span>Left click: part of the object</li>
  <li><span class="vs-dot vs-minus">−</span>Right or Alt click: not part of it</li>
  <li><span class="vs-dot vs-box"></span>Drag: a box around it</li>
</ul>
<div class="vs-row">
  <label class="vs-label" for="vs-direction">Track</label>
  <select id="vs-direction" class="vs-grow" data-ref="direction">
    <option value="both">both ways</option>
    <option value="forward">forwards</option>
    <option value="backward">backwards</option>
  </select>
</div>
"""


def select_panel(verbs: Verbs) -> gr.HTML:
    """Clicks go through the stage; this panel says which object they belong to."""

    def add_object(project_id: str) -> Answer:
        _, object_id = verbs.add_object(project_id)
        return {"view": project_view(verbs, project_id), "object": object_id}

    def remove_object(project_id: str, object_id: int) -> Answer:
        verbs.remove_object(project_id, object_id)
        return {"view": project_view(verbs, project_id)}

    def clear_prompts(project_id: str, object_id: int, frame: int | None) -> Answer:
        verbs.clear_prompts(project_id, object_id, frame)
        return {"view": project_view(verbs, project_id)}

    def look_at(project_id: str, frame: int) -> Answer:
        verbs.look_at(project_id, frame)
        return {}

    def start_tracking(project_id: str, direction: Direction) -> Answer:
        job_id = verbs.start_tracking(project_id, direction)
        return {"view": project_view(verbs, project_id), "job": job_id}

    lead = "Click the object on the picture. When the colour covers it, track it through the clip."
    markup = panel("select", "Select", lead, BODY, "Track through the clip", "Track again")
    return part("select", markup, [add_object, remove_object, clear_prompts, look_at, start_tracking])
