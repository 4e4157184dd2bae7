"""Step 4: try captions on one frame, keep every try, accept the one to carry through the clip."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from core.errors import ModelMissingError
from core.project.edits import SamplingSettings, Task
from ui_components.panel import panel
from ui_components.part import Answer, icon_button, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

MOST_VARIATIONS = 4

_TASKS = """
<div class="vs-segments vs-wide" role="radiogroup" aria-label="What to do in the region" data-ref="tasks">
  <label><input type="radio" name="vs-task" value="add" checked><span>Add</span></label>
  <label><input type="radio" name="vs-task" value="modify"><span>Change</span></label>
  <label><input type="radio" name="vs-task" value="delete"><span>Remove</span></label>
</div>
"""

_SETTINGS = f"""
<div class="vs-row vs-inline">
  <label>Variations <input type="number" min="1" max="4" value="2" data-ref="variations"></label>
  <label>Seed <input type="number" min="0" max="2147483647" step="1" value="1" data-ref="seed"></label>
  {icon_button("dice", "Another seed")}
  <button type="button" class="vs-link" data-ref="more" aria-expanded="false" aria-controls="vs-advanced">Advanced</button>
</div>
<div class="vs-row vs-pair" id="vs-advanced" data-ref="advanced" hidden>
  <label>Steps<input type="number" min="1" max="1000" placeholder="model's own" data-ref="steps"></label>
  <label>Guidance<input type="number" min="0" max="50" step="0.5" placeholder="model's own" data-ref="guidance"></label>
</div>
<div class="vs-gallery" data-ref="gallery" role="group" aria-label="Tries"></div>
"""


def keyframe_panel(verbs: Verbs) -> gr.HTML:
    """The frame on the stage is the keyframe; tries land in the gallery as they come."""

    def start_tries(
        project_id: str, frame: int, task: Task, caption: str, seed: int, variations: int, steps: int | None, guidance: float | None
    ) -> Answer:
        seeds = tuple(seed + i for i in range(max(1, min(variations, MOST_VARIATIONS))))
        job_id = verbs.start_tries(project_id, frame, task, caption, seeds, SamplingSettings(steps, guidance))
        return {"view": project_view(verbs, project_id), "job": job_id}

    def caption_hint(project_id: str, caption: str) -> Answer:
        return {"hint": verbs.caption_hint(caption) or ""}

    def accept_try(project_id: str, edit_id: str) -> Answer:
        verbs.accept(project_id, edit_id)
        return {"view": project_view(verbs, project_id)}

    caption = f"""
    <div class="vs-caption" data-ref="captionBox">
      <div class="vs-row">
        <input type="text" class="vs-grow" data-ref="caption" autocomplete="off" aria-label="Caption" placeholder="a red ball, say">
        <button type="button" class="vs-button" data-ref="secondary">Try</button>
      </div>
      <div class="vs-chips" data-ref="chips" aria-label="Words the model knows">{_vocabulary(verbs)}</div>
      <p class="vs-hint" data-ref="hint" role="status"></p>
    </div>
    """
    lead = "Describe what the region shall show on this frame. Accept the try you like."
    markup = panel("keyframe", "Keyframe", lead, _TASKS + caption + _SETTINGS, "Accept and continue")
    return part("keyframe", markup, [start_tries, caption_hint, accept_try])


def _vocabulary(verbs: Verbs) -> str:
    """Chips for every word the model knows; none for a model that takes any caption, or that is not there (trying says why)."""
    try:
        words = verbs.model_facts().vocabulary
    except ModelMissingError:
        return ""
    if words is None:
        return ""
    groups = {"colour": words.colours, "kind": words.kinds, "material": words.materials, "size": words.sizes}
    return "".join(_chips(group, known) for group, known in groups.items())


def _chips(group: str, words: Sequence[str]) -> str:
    if not words:
        return ""
    buttons = "".join(
        f'<button type="button" class="vs-chip" data-word="{html.escape(word)}" aria-pressed="false">{html.escape(word)}</button>'
        for word in words
    )
    if group == "colour":
        buttons = "".join(
            f'<button type="button" class="vs-chip vs-colour" style="--colour: {html.escape(word)}" data-word="{html.escape(word)}"'
            f' aria-label="{html.escape(word)}" title="{html.escape(word)}" aria-pressed="false"></button>'
            for word in words
        )
    return f'<div class="vs-chip-row" role="group" aria-label="{group}" data-group="{group}">{buttons}</div>'
