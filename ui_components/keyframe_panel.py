"""Step 4: try captions on one frame, keep every try, accept the one to propagate."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from app.contract.program import Handler, Program
from app.contract.requests import InsertRequest, PictureRequest
from core.errors import InputError, ModelMissingError, ShapeError
from core.project.edits import Fit, Placement, Preset, SamplingSettings, Task, ThingFit, TryBasis
from core.project.inserts import CastShadow, Insert
from ui_components.insert_form import insert_form
from ui_components.panel import panel
from ui_components.part import Answer, icon_button, part

MOST_VARIATIONS = 4


@dataclass(frozen=True)
class TriesForm:
    """The fields of the panel, as its script sends them.

    Steps and guidance are None for the model's own.
    """

    frame: int
    task: Task
    caption: str
    seed: int
    variations: int
    steps: int | None
    guidance: float | None
    fit: ThingFit | None
    painter: str | None
    preset: Preset | None
    parent: str | None
    keep: float
    objects: tuple[int, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """One for each variation, from the seed on."""
        return tuple(self.seed + i for i in range(max(1, min(self.variations, MOST_VARIATIONS))))


_TASKS = """
<div class="vs-segments vs-wide" role="radiogroup" aria-label="What to do in the region" data-ref="tasks">
  <label title="Put something new into the region"><input type="radio" name="vs-task" value="add"><span>Add</span></label>
  <label title="Put something else in its place"><input type="radio" name="vs-task" value="modify" checked><span>Change</span></label>
  <label title="Take it away and show what lies behind"><input type="radio" name="vs-task" value="delete"><span>Remove</span></label>
</div>
"""

_FOR = """
<div class="vs-row" data-ref="forRow" hidden>
  <label class="vs-label" for="vs-for">For</label>
  <select id="vs-for" class="vs-grow" data-ref="forObject"
   title="Task, caption and seed are for all objects, or for one, on what is accepted for the others"></select>
</div>
"""

_SHADOWS = """
<label class="vs-check" data-ref="shadowsBox" title="What it casts is looked for with the first try, shown in violet, and kept as an object
 of its own: in Select, correct it with the brush" hidden><input
 type="checkbox" data-ref="shadows" checked>Its shadow and reflection too</label>
"""

_REGION = """
<p class="vs-quiet vs-region-note"><span data-ref="regionNote" role="status"></span>
  <button type="button" class="vs-button vs-small" data-ref="propose" title="The form of the region that suits this task"
    hidden>Use the task's form</button></p>
"""

_PAINTERS = """
<div class="vs-row vs-inline vs-painter" data-ref="painterBox" hidden>
  <label title="Which model paints the keyframe; the video model carries it through the clip">Painted by <select
   data-ref="painter"></select></label>
  <span class="vs-quiet" data-ref="painterCost"></span>
</div>
<div class="vs-row vs-inline vs-painter" data-ref="presetBox" hidden>
  <label title="Draft: few steps, for looking; Final: as many as the model was made for">Preset <select
   data-ref="preset"></select></label>
  <span class="vs-quiet" data-ref="presetCost"></span>
</div>
<p class="vs-quiet vs-region-note vs-close"><button type="button" class="vs-link" data-ref="direct"
  title="The video model paints the whole clip from the caption alone; there is no try to look at first">Without a keyframe</button>
  <span data-ref="noPainter" hidden><button type="button" class="vs-link" data-ref="showModels"
  title="The video model paints keyframes; these are image models for that, to fetch">Other models</button></span></p>
"""

_SETTINGS = f"""
<div class="vs-branching" data-ref="branching" hidden>
  <div class="vs-head"><span class="vs-quiet" data-ref="branchOf"></span>{icon_button("leave", "Don't branch", icon="remove")}</div>
  <div class="vs-keep">
    <label for="vs-keep">Keep of its picture</label><input type="range" id="vs-keep" min="0" max="90" step="5" value="50" data-ref="keep"
     title="How much of the picture stays: 0 keeps its settings only, more changes less">
    <output data-ref="keepText" for="vs-keep"></output>
  </div>
</div>
<div class="vs-row vs-inline">
  <label title="How many seeds to try at once">Variations <input type="number" min="1" max="4" value="2" data-ref="variations"></label>
  <label title="The same seed and settings give the same picture">Seed <input
   type="number" min="0" max="2147483647" step="1" value="1" data-ref="seed"></label>
  {icon_button("dice", "Another seed")}
  <button type="button" class="vs-link" data-ref="more" aria-expanded="false" aria-controls="vs-advanced"
   title="Steps, guidance and fit">Advanced</button>
</div>
<div class="vs-row vs-pair" id="vs-advanced" data-ref="advanced" hidden>
  <label title="More steps are slower and finer; empty: as many as the model was made for">Steps<input
   type="number" min="1" max="1000" placeholder="model's own" data-ref="steps"></label>
  <label title="How strictly the caption is followed; empty: the model's own">Guidance<input
   type="number" min="0" max="50" step="0.5" placeholder="model's own" data-ref="guidance"></label>
  <label title="Inside: as wide as high, standing where the object stood; stretched: to its shape; auto: by what it is">Fit<select
   data-ref="fit"><option value="">auto</option><option value="inside">inside the region</option><option
   value="stretch">stretched to it</option></select></label>
</div>
"""

_ELSEWHERE = """
<section class="vs-section vs-elsewhere">
  <div class="vs-row vs-thirds">
    <h3>Pictures</h3>
    <button type="button" class="vs-button vs-small" data-ref="layChoose"
     title="A picture of your own laid on the frame: a logo, a hat, a sign (or drop it here, or paste it)">Add yours</button>
    <a class="vs-button vs-small" data-ref="sendOut" download
     title="For another program, as PNG in a zip: the whole frame, the object's mask, the region and a cut-out">Send out</a>
    <button type="button" class="vs-button vs-small" data-ref="bringBack"
     title="A picture of this frame that another program has edited becomes a try (or drop it here, or paste it)">Bring back</button>
    <input type="file" accept="image/*,.tif,.tiff" data-ref="layFile" aria-label="Picture to add" hidden>
    <input type="file" accept="image/*,.tif,.tiff" data-ref="file" aria-label="Picture to bring back" hidden>
  </div>
  <p class="vs-quiet vs-parts">One by one: <a data-ref="sendFrame" title="The whole frame" download>frame</a>, <a data-ref="sendMask"
   title="White: the object" download>mask</a>, <a data-ref="sendRegion" title="White: may change, as adjusted in step 3"
   download>region</a>, <a data-ref="sendCutout" title="The object alone on transparent ground" download>cut-out</a></p>
</section>
"""

_FORECAST = '<p class="vs-forecast" data-ref="forecast" role="status"></p>'

_BRINGING = """
<dialog class="vs-sheet vs-bring" data-ref="bring" aria-labelledby="vs-bring-title">
  <h2 id="vs-bring-title">Bring back a picture</h2>
  <div class="vs-bring-parts">
    <figure><img data-ref="preview" alt="The picture on the frame, with the outline of the region"><figcaption class="vs-quiet"
     data-ref="previewNote"></figcaption></figure>
    <form method="dialog" class="vs-bring-form" data-ref="bringForm">
      <p class="vs-note" data-ref="bringWarning" role="alert" hidden></p>
      <ul class="vs-quiet" data-ref="bringAbout"></ul>
      <div class="vs-segments vs-wide" role="radiogroup" aria-label="How it fits" data-ref="fits" hidden>
        <label title="All of it inside the frame; the frame shows beside it"><input
         type="radio" name="vs-fit" value="fit"><span>Fit in</span></label>
        <label title="Over the whole frame; what is beyond is cut off"><input
         type="radio" name="vs-fit" value="cover"><span>Cover</span></label>
        <label title="Pulled to the frame's shape"><input
         type="radio" name="vs-fit" value="stretch"><span>Stretch</span></label>
      </div>
      <label class="vs-check" title="Take only what lies in the region, softly at its edge"><input
       type="checkbox" data-ref="limit" checked>Limit it to the region</label>
      <label class="vs-check" title="Find a small shift, crop or border against the frame outside the region, and undo it"><input
       type="checkbox" data-ref="align" checked>Align it with the frame</label>
      <label class="vs-stacked">What it shows <input type="text" data-ref="bringCaption" autocomplete="off"
       placeholder="a red ball, say" title="The video model reads it when the picture is propagated through the clip"></label>
      <label class="vs-stacked">What was done <select data-ref="bringTask" title="The task of its propagation">
        <option value="modify">Changed</option><option value="add">Added</option><option value="delete">Removed</option></select></label>
      <div class="vs-actions">
        <button type="button" class="vs-button" data-ref="bringCancel" title="Leave it (Esc)">Cancel</button>
        <button type="submit" class="vs-button vs-primary" data-ref="bringAdd" title="It becomes a try like any other">Add as a try</button>
      </div>
    </form>
  </div>
</dialog>
"""


def keyframe_panel(program: Program) -> gr.HTML:
    """The frame on the stage is the keyframe; tries land in the tree beside it as they come."""

    def start_tries(project_id: str, **fields: Any) -> Answer:
        form = TriesForm(**fields)
        settings = SamplingSettings(form.steps, form.guidance, form.fit, form.painter, preset=form.preset)
        basis = TryBasis(form.parent, form.keep, tuple(form.objects))
        job = program.run("start_tries", project_id, form.frame, form.task, form.caption, form.seeds, settings, basis)
        return program.view(project_id, job=job)

    def start_direct(
        project_id: str,
        task: Task,
        caption: str,
        seed: int,
        steps: int | None,
        guidance: float | None,
        fit: ThingFit | None,
        objects: list[int],
    ) -> Answer:
        settings = SamplingSettings(steps, guidance, fit)
        return program.view(project_id, job=program.run("start_direct", project_id, task, caption, seed, settings, tuple(objects)))

    def painters() -> Answer:
        return {"painters": [asdict(painter) for painter in program.run("painters")]}

    def caption_hint(project_id: str, caption: str) -> Answer:
        return {"hint": program.run("caption_hint", caption) or ""}

    def foretell_try(project_id: str, edit_id: str, measure: bool) -> Answer:
        """What propagating this try will take; where that is not known yet and `measure` says so, a
        short trial is started.
        """
        estimate = program.run("forecast", project_id, edit_id=edit_id)
        if estimate is None:
            return program.view(project_id, job=program.run("measure", project_id, edit_id=edit_id) if measure else None)
        told = {"seconds": estimate.seconds, "memory": estimate.memory_mb, "windows": estimate.windows, "measured": estimate.measured}
        return {"forecast": told}

    def place_picture(project_id: str, frame: int, picture: str, name: str, fit: Fit, align: bool, limit: bool) -> Answer:
        """How a picture that has arrived would become a try; what is wrong with it is for the
        dialog to show.
        """
        try:
            path = program.run("incoming_picture", project_id, picture)
            placed = program.run("place_picture", project_id, frame, path, Placement(fit, align, limit), name)
        except InputError as error:
            return {"problem": str(error), "choice": isinstance(error, ShapeError)}
        preview = f"data:image/jpeg;base64,{base64.b64encode(placed.preview).decode()}"
        return {"about": list(placed.about), "warning": placed.warning, "likeness": placed.likeness, "preview": preview}

    def bring_back(project_id: str, picture: str, fit: Fit, align: bool, limit: bool, **fields: Any) -> Answer:
        path = program.run("incoming_picture", project_id, picture)
        request = PictureRequest(source=path, placement=Placement(fit, align, limit), **fields)
        _, edit_id = program.run("bring_back", project_id, request)
        program.run("incoming_folder", project_id)  # empties it: what was there is a try now
        return program.view(project_id, edit=edit_id)

    def take_insert(project_id: str, picture: str, name: str) -> Answer:
        path = program.run("incoming_picture", project_id, picture)
        taken = program.run("take_insert", project_id, path, name)
        program.run("incoming_folder", project_id)  # empties it: the picture is the project's now
        return {"file": taken.file, "size": list(taken.size), "notes": list(taken.notes)}

    def lay_insert(
        project_id: str,
        frame: int,
        corners: list[list[float]],
        shadow: dict[str, Any] | None,
        name: str,
        parent: str | None,
        **fields: Any,
    ) -> Answer:
        one, two, three, four = ((float(x), float(y)) for x, y in corners)
        insert = Insert((one, two, three, four), shadow=None if shadow is None else CastShadow(**shadow), **fields)
        _, edit_id = program.run("lay_insert", project_id, InsertRequest(frame, insert, name, parent))
        return program.view(project_id, edit=edit_id)

    caption = f"""
    <div class="vs-caption" data-ref="captionBox">
      <div class="vs-row">
        <input type="text" class="vs-grow" data-ref="caption" autocomplete="off" aria-label="Caption" placeholder="a red ball, say"
         title="What the region should show, in a few words (/)">
        <button type="button" class="vs-button" data-ref="secondary" title="Try it on this frame (Enter in the caption)">Try</button>
      </div>
      <div class="vs-chips" data-ref="chips" role="group" aria-label="Words the model knows">{_vocabulary(program)}</div>
      <p class="vs-hint" data-ref="hint" role="status"></p>
    </div>
    """
    lead = "What should the region show on this frame?"
    tries = _FOR + _TASKS + _REGION + caption + _SHADOWS + _PAINTERS + _SETTINGS + _ELSEWHERE
    controls = f'<div class="vs-try-form" data-ref="tryForm">{tries}</div>{insert_form()}'
    markup = panel("keyframe", "Keyframe", lead, controls, "Accept and continue", note=_FORECAST) + _BRINGING
    passed_on = program.handlers("accept_try", "set_shadows", "propose_adjustment", "look_for_shadow")
    own: list[Handler] = [
        start_tries,
        start_direct,
        painters,
        caption_hint,
        foretell_try,
        place_picture,
        bring_back,
        take_insert,
        lay_insert,
    ]
    return part("keyframe", markup, [*passed_on, *own])


def _vocabulary(program: Program) -> str:
    """Chips for every word the model knows; none for a model that takes any caption, or that is not
    there (trying says why).
    """
    try:
        words = program.run("model_facts").vocabulary
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
        f'<button type="button" class="vs-chip" data-word="{html.escape(word)}" title="Put it into the caption, or take it out"'
        f' aria-pressed="false">{html.escape(word)}</button>'
        for word in words
    )
    if group == "colour":
        buttons = "".join(
            f'<button type="button" class="vs-chip vs-colour" style="--colour: {html.escape(word)}" data-word="{html.escape(word)}"'
            f' aria-label="{html.escape(word)}" title="{html.escape(word)}" aria-pressed="false"></button>'
            for word in words
        )
    return f'<div class="vs-chip-row" role="group" aria-label="{group}" data-group="{group}">{buttons}</div>'
