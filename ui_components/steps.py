"""The bar at the top: name, project, the five steps, the model, undo and redo, theme, help."""

from __future__ import annotations

import html

import gradio as gr

from app.contract.error_text import error_text
from app.contract.program import Program
from core.errors import ModelMissingError
from ui_components.part import icon_button, part

STEP_TITLES = {"video": "Video", "select": "Select", "adjust": "Adjust", "keyframe": "Keyframe", "propagate": "Propagate"}

_STEP = (
    '<li><button type="button" class="vs-tab" data-step="{key}"><span class="vs-tab-number">{number}</span>'
    '<span class="vs-tab-title">{title}</span><span class="vs-tab-mark" aria-hidden="true"></span></button></li>'
)


def steps_header(program: Program) -> gr.HTML:
    """Made once per page; which step is open lives in the browser."""

    tabs = "".join(_STEP.format(key=key, number=i + 1, title=title) for i, (key, title) in enumerate(STEP_TITLES.items()))
    model, about = _model(program)
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
    return part("steps", markup, program.handlers("undo_step", "redo_step"))


def _model(program: Program) -> tuple[str, str]:
    """What the bar shows, and what it says when one stays on it."""
    try:
        facts = program.run("model_facts")
    except ModelMissingError as error:
        return "model missing", error_text(error)
    return facts.name, facts.title
