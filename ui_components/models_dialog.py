"""The models behind the chip at the top: what is here, what can be fetched and how large it is, and which one follows objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.contract.project_view import project_view
from app.contract.verbs import ModelState, Verbs
from core.errors import InputError
from ui_components.part import Answer, part

MARKUP = """
<dialog class="vs-sheet vs-models" data-ref="dialog" aria-labelledby="vs-title-models">
  <h2 id="vs-title-models">Models</h2>
  <p class="vs-quiet" data-ref="lead"></p>
  <div data-ref="list"></div>
  <form method="dialog"><button class="vs-button" title="Back to the work (Esc)">Close</button></form>
</dialog>
"""


def models_dialog(verbs: Verbs, *, shared: bool = False) -> gr.HTML:
    """On a `shared` server people from elsewhere see the models, and change nothing."""

    def told(models: Sequence[ModelState]) -> Answer:
        names = ("name", "kind", "title", "licence", "state", "download_mb", "used")
        listed: list[dict[str, Any]] = [{name: getattr(model, name) for name in names} for model in models]
        return {"models": listed, "fixed": shared}

    def allow() -> None:
        if shared:
            raise InputError("the models of this server are for people at its machine to change: ask them")

    def list_models() -> Answer:
        return told(verbs.models())

    def fetch_model(project_id: str, name: str) -> Answer:
        allow()
        return {"job": verbs.start_fetch(project_id, name), "view": project_view(verbs, project_id)}

    def remove_model(name: str) -> Answer:
        allow()
        return told(verbs.remove_model(name))

    def use_segmenter(name: str) -> Answer:
        allow()
        models = verbs.use_segmenter(name)
        verbs.warm_up()
        return told(models)

    return part("models", MARKUP, [list_models, fetch_model, remove_model, use_segmenter])
