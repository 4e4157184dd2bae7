"""The page: which part stands where."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from app.contract.program import Program
from ui_components.adjust_panel import adjust_panel
from ui_components.job_bar import job_bar
from ui_components.keyframe_panel import keyframe_panel
from ui_components.models_dialog import models_dialog
from ui_components.propagate_panel import propagate_panel
from ui_components.result_player import result_player
from ui_components.select_panel import select_panel
from ui_components.stage import stage
from ui_components.steps import steps_header
from ui_components.transport import timeline, transport
from ui_components.tries_panel import tries_panel
from ui_components.video_panel import video_panel

TITLE = "VIVID Studio"


def build_page(program: Program, *, also: Callable[[], None] | None = None) -> gr.Blocks:
    """One page for all; what a session looks at lives in its URL (`?project=ID`), so nothing here
    changes after it is built.

    `also` adds what nobody sees: the endpoints for other programs.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, fill_height=True) as page, gr.Column(elem_id="studio"):
        steps_header(program)
        models_dialog(program)
        with gr.Column(elem_id="studio-stage"):
            stage(program)
            result_player()
            tries_panel(program)
        with gr.Column(elem_id="studio-panel"):
            video_panel(program)
            select_panel(program)
            adjust_panel(program)
            keyframe_panel(program)
            propagate_panel(program)
        with gr.Column(elem_id="studio-bottom"):
            transport()
            job_bar(program)
            timeline()
        if also is not None:
            also()
    return page
