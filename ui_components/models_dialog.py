"""The models behind the chip at the top: what is here, what can be fetched and how large it is, and
which one tracks objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import gradio as gr

from app.contract.program import Program
from app.contract.values import ModelState
from ui_components.part import Answer, part

MARKUP = """
<dialog class="vs-sheet vs-models" data-ref="dialog" aria-labelledby="vs-title-models">
  <h2 id="vs-title-models">Models</h2>
  <p class="vs-quiet" data-ref="lead"></p>
  <div data-ref="list"></div>
  <form method="dialog"><button class="vs-button" title="Back to the work (Esc)">Close</button></form>
</dialog>
"""


def models_dialog(program: Program) -> gr.HTML:
    """On a shared server people from elsewhere see the models, and change nothing."""

    def listed(models: Sequence[ModelState]) -> Answer:
        return {"models": [asdict(model) for model in models], "fixed": program.shared, "lead": program.run("models_lead")}

    def list_models() -> Answer:
        return listed(program.run("models"))

    def fetch_model(project_id: str, name: str, accepted: bool) -> Answer:
        return program.view(project_id, job=program.run("start_fetch", project_id, name, accepted))

    def verify_model(project_id: str, name: str) -> Answer:
        return program.view(project_id, job=program.run("start_verify", project_id, name))

    def use_video_model(name: str) -> Answer:
        return listed(program.run("use_video_model", name))

    def remove_model(name: str) -> Answer:
        return listed(program.run("remove_model", name))

    def use_segmenter(name: str) -> Answer:
        models = program.run("use_segmenter", name)
        program.run("warm_up")
        return listed(models)

    return part("models", MARKUP, [list_models, fetch_model, verify_model, remove_model, use_segmenter, use_video_model])
