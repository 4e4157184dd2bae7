"""The bar at the top: name, project, the five steps, the model, undo and redo, light or dark, help."""

from __future__ import annotations

import html

import gradio as gr

from app.contract.error_text import error_text
from app.contract.project_view import project_view
from app.contract.verbs import Verbs
from core.errors import ModelMissingError
from ui_components.part import Answer, icon_button, part

STEP_TITLES = {"video": "Video", "select": "Select", "adjust": "Adjust", "keyframe": "Keyframe", "propagate": "Propagate"}

_STEP = (
    '<li><button type="button" class="vs-tab" data-step="{key}"><span class="vs-tab-number">{number}</span>'
    '<span class="vs-tab-title">{title}</span><span class="vs-tab-mark" aria-hidden="true"></span></button></li>'
)


def steps_header(verbs: Verbs) -> gr.HTML:
    """Made once per page; which step is open lives in the browser."""

    def undo_step(project_id: str) -> Answer:
        verbs.undo(project_id)
        return {"view": project_view(verbs, project_id)}

    def redo_step(project_id: str) -> Answer:
        verbs.redo(project_id)
        return {"view": project_view(verbs, project_id)}

    tabs = "".join(_STEP.format(key=key, number=i + 1, title=title) for i, (key, title) in enumerate(STEP_TITLES.items()))
    model, about = _model(verbs)
    markup = f"""
    <header class="vs-header">
      <h1 class="vs-brand"><svg viewBox="0 0 32 32" aria-hidden="true"><use href="#vs-logo"></use></svg><span>VIVID Studio</span></h1>
      <div class="vs-project" data-ref="project" title="The project that is open"></div>
      <nav aria-label="Steps"><ol class="vs-tabs">{tabs}</ol></nav>
      <div class="vs-tools">
        {icon_button("undo", "Undo")}
        {icon_button("redo", "Redo")}
        <button type="button" class="vs-model" data-ref="model" data-icon="models" title="Models: {html.escape(about)}; what else there is"
         aria-haspopup="dialog"><span>{html.escape(model)}</span></button>
        {icon_button("theme", "Light or dark")}
        {icon_button("help", "Keyboard shortcuts", "Keyboard shortcuts (?)")}
      </div>
    </header>
    """
    return part("steps", markup, [undo_step, redo_step])


def _model(verbs: Verbs) -> tuple[str, str]:
    """What the bar shows, and what it says when one stays on it."""
    try:
        facts = verbs.model_facts()
    except ModelMissingError as error:
        return "model missing", error_text(error)
    return facts.name, facts.title
