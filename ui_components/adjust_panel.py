"""Step 3: widen the mask into the region that may change, in one of the paper's six forms."""

from __future__ import annotations

import gradio as gr

from core.project.tracks import MaskAdjustment
from ui_components.panel import panel
from ui_components.part import Answer, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

FORM_TITLES = {
    "none": "Exact",
    "expand": "Wider",
    "hull": "Hull",
    "hull+expand": "Wide hull",
    "box": "Box",
    "box+expand": "Wide box",
}

_FORM = (
    '<label class="vs-form"><input type="radio" name="vs-form" value="{form}"><svg viewBox="0 0 48 36" aria-hidden="true">'
    '<use href="#vs-form-{icon}"></use></svg><span>{title}</span></label>'
)

_SLIDERS = """
<div class="vs-slider">
  <label for="vs-pixels">Widen by</label><output data-ref="pixelsText" for="vs-pixels"></output>
  <input type="range" id="vs-pixels" min="-32" max="96" step="1" data-ref="pixels">
</div>
<div class="vs-slider">
  <label for="vs-feather">Soft edge</label><output data-ref="featherText" for="vs-feather"></output>
  <input type="range" id="vs-feather" min="0" max="48" step="1" data-ref="feather">
</div>
<p class="vs-quiet">Give the model room: a new object with another outline needs a wider region. Nothing outside it is ever changed.</p>
"""


def adjust_panel(verbs: Verbs) -> gr.HTML:
    """Every change is shown on the stage at once."""

    def set_adjustment(project_id: str, form: str, pixels: int, feather: int) -> Answer:
        verbs.set_adjustment(project_id, MaskAdjustment(form, pixels, feather))  # type: ignore[arg-type]
        return {"view": project_view(verbs, project_id)}

    forms = "".join(_FORM.format(form=form, icon=form.replace("+", "-"), title=title) for form, title in FORM_TITLES.items())
    body = f'<div class="vs-forms" role="radiogroup" aria-label="Form of the region" data-ref="forms">{forms}</div>{_SLIDERS}'
    lead = "Choose how much around the object may change. The bright area on the picture is the region."
    return part("adjust", panel("adjust", "Adjust", lead, body, "Continue to Keyframe"), [set_adjustment])
