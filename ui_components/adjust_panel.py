"""Step 3: which objects the region is made of, and what becomes of their masks."""

from __future__ import annotations

import html
import json
from dataclasses import asdict

import gradio as gr

from app.contract.program import Program
from core.project.tracks import AdjustmentForm, FORMS, USUAL_ADJUSTMENT
from ui_components.panel import panel
from ui_components.part import part

_TITLES: dict[AdjustmentForm, tuple[str, str]] = {
    "none": ("Exact", "The mask itself"),
    "expand": ("Wider", "The mask and what lies within so many pixels of it"),
    "hull": ("Hull", "The mask with its dents closed, as by a band around it"),
    "hull+expand": ("Wide hull", "The hull and what lies within so many pixels of it"),
    "box": ("Box", "The box around the mask"),
    "box+expand": ("Wide box", "The box around the mask, its sides so many pixels further out"),
}

_FORM = (
    '<label class="vs-form" title="{about}"><input type="radio" name="vs-form" value="{form}">'
    '<canvas data-place="{place}" aria-hidden="true"></canvas><span>{title}</span></label>'
)

_SLIDER = """
<div class="vs-slider" title="{about}">
  <label for="vs-{name}">{label}</label>
  <input type="range" id="vs-{name}" min="{low}" max="{high}" step="1" data-ref="{name}" aria-describedby="vs-{name}-about">
  <input type="text" inputmode="numeric" maxlength="8" autocomplete="off" data-ref="{name}Number" aria-label="{label}, in {unit}">
  <span class="vs-quiet">{short}</span>
  <span class="vs-hidden-label" id="vs-{name}-about">{about}</span>
</div>
"""

_SLIDERS = (
    ("pixels", "Widen by", -32, 96, "pixels", "px", "How far the region reaches beyond the form; below 0 it shrinks"),
    ("feather", "Soft edge", 0, 48, "pixels", "px", "Over how many pixels the edit fades in, inside its edge; none where objects touch"),
    ("holes", "Fill holes", 0, 16, "pixels", "px", "Fill holes in the mask of up to so many pixels; at the end of the slider, all of them"),
    (
        "smooth",
        "Smooth over",
        0,
        8,
        "frames",
        "frames",
        "Smooth out flicker of the mask by looking at so many frames before and after each",
    ),
)

_BODY = """
<div class="vs-head"><h3 id="vs-adjust-head" data-ref="title">Form</h3>
  <button type="button" class="vs-button vs-small" data-ref="reset" data-usual="{usual}"
   title="Back to how it was at first">Reset</button></div>
<ul class="vs-who" data-ref="who" aria-labelledby="vs-adjust-head" hidden></ul>
<div class="vs-forms" role="radiogroup" aria-label="Form of the region" data-ref="forms">{forms}</div>
{sliders}
"""


def adjust_panel(program: Program) -> gr.HTML:
    """Every change is shown on the stage at once, and on the frames that are gone to."""

    forms = [_FORM.format(form=form, place=FORMS.index(form), title=title, about=about) for form, (title, about) in _TITLES.items()]
    names = ("name", "label", "low", "high", "unit", "short", "about")
    body = _BODY.format(
        usual=html.escape(json.dumps(asdict(USUAL_ADJUSTMENT))),
        forms="".join(forms),
        sliders="".join(_SLIDER.format(**dict(zip(names, slider, strict=True))) for slider in _SLIDERS),
    )
    lead = "What is dark on the picture stays as it is."
    handlers = program.handlers("set_adjustment", "follow_others", "set_edited", "set_in_front")
    return part("adjust", panel("adjust", "Adjust", lead, body, "Continue to Keyframe"), handlers)
