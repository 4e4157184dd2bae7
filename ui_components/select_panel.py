"""Step 2: the objects, their prompts, and tracking them through the clip."""

from __future__ import annotations

import gradio as gr

from app.contract.program import Program
from ui_components.panel import panel
from ui_components.part import Answer, part

_WAYS = (
    ("clip", "All", "All objects, through the clip, from wherever they are marked"),
    ("backward", "Back", "The selected object, from this frame backwards"),
    ("both", "Both", "The selected object, from this frame both ways"),
    ("forward", "On", "The selected object, from this frame on"),
)

_FORMS = (
    ("png", "Pictures, black and white (zip)"),
    ("ids", "Pictures with object ids (zip)"),
    ("matte", "Matte video (MP4)"),
    ("webm", "Cut-out with alpha (WebM)"),
    ("prores", "Cut-out with alpha (ProRes 4444)"),
    ("green", "On green (MP4)"),
)


def _button(name: str, label: str, title: str, icon: str = "", pressed: bool = False) -> str:
    picture = f'<span data-icon="{icon}"></span>' if icon else ""
    state = ' aria-pressed="false"' if pressed else ""
    return f'<button type="button" class="vs-button vs-small" data-ref="{name}" title="{title}"{state}>{picture}{label}</button>'


def _way(value: str, label: str, title: str) -> str:
    return f'<label title="{title}"><input type="radio" name="vs-way" value="{value}"><span>{label}</span></label>'


BODY = f"""
<div class="vs-head"><h3>Objects</h3>
  <span class="vs-row">{_button("merge", "Merge", "Make one object of this and another", "merge")}
  {_button("add", "Add", "Add an object (A)", "plus")}</span></div>
<ul class="vs-objects" data-ref="objects"></ul>
<div class="vs-row" data-ref="mergeRow" hidden>
  <label class="vs-label" for="vs-merge-with">Merge with</label>
  <select id="vs-merge-with" class="vs-grow" data-ref="mergeWith" title="The object that becomes part of this one"></select>
</div>
<form class="vs-row" data-ref="find" role="search">
  <input type="text" class="vs-grow" data-ref="words" placeholder="Find by words: the dog" aria-label="Find objects by words"
   title="Name what you look for in a few English words (/)"
   maxlength="200" autocomplete="off" spellcheck="false">
  <button type="submit" class="vs-button vs-small" data-ref="findButton" title="Look for it on this frame">Find</button>
</form>
<p class="vs-quiet vs-find-note" data-ref="findNote"></p>
<div class="vs-head"><h3>This frame</h3><span class="vs-quiet" data-ref="frameState" role="status"></span></div>
<div class="vs-row vs-thirds">
  {_button("confirm", "Confirm", "The mask on this frame is right: tracking keeps it (C)", "check", pressed=True)}
  {_button("absent", "Not here", "The object is not visible on this frame", "eyeoff")}
  {_button("clearFrame", "Clear", "Remove the prompts on this frame", "remove")}
</div>
<div class="vs-head"><h3>Track</h3><span class="vs-quiet" data-ref="plan" role="status"></span></div>
<div class="vs-row vs-track">
  <div class="vs-segments" role="radiogroup" aria-label="What is tracked, and which way" data-ref="ways">
    {"".join(_way(*way) for way in _WAYS)}
  </div>
  <select class="vs-small-select" data-ref="trackStop" aria-label="Where tracking stops" title="Where tracking stops">
    <option value="shot">whole shot</option><option value="marked">to next mark</option>
  </select>
</div>
<div class="vs-row vs-thirds">
  {_button("importMasks", "Import masks", "Bring masks in: pictures, a zip of them, a matte video, or shapes (JSON)", "upload")}
  <input type="file" accept="image/*,.zip,.json,video/*,.mkv" multiple data-ref="maskFiles" hidden aria-label="Mask files">
  <select class="vs-small-select" data-ref="exportMasks" aria-label="Export masks" title="Take the masks out as a file">
    <option value="">Export masks</option>
    {"".join(f'<option value="{form}">{title}</option>' for form, title in _FORMS)}
  </select>
</div>
<div class="vs-health" data-ref="health" hidden>
  <span data-icon="warn"></span><span class="vs-grow" data-ref="healthText"></span>
  {_button("betterMasks", "SAM 2.1", "SAM 2.1 finds outlines better than the small segmenter: fetch it under Models, track again")}
  {_button("nextSuspect", "Next", "Go to the next place to check (N; back with Shift N)")}
</div>
"""


def select_panel(program: Program) -> gr.HTML:
    """Clicks go through the stage; this panel says which object they belong to."""

    def add_object(project_id: str) -> Answer:
        _, object_id = program.run("add_object", project_id)
        return program.view(project_id, object=object_id)

    def text_model() -> Answer:
        here, about = program.run("text_model")
        small = any(model.used and model.kind == "segmenter" and model.state == "ships" for model in program.run("models"))
        return {"here": here, "about": about, "small": small}

    def masks_of_video(project_id: str, wanted: str) -> Answer:
        """Take the clip of the project `wanted`, which was sent just now, as masks of this one;
        that project goes.
        """
        sent = program.project(wanted)
        program.run("import_masks", project_id, sent.clip.source, None, sent.name)
        program.run("delete_project", wanted)
        return program.view(project_id)

    def look_at(project_id: str, frame: int) -> Answer:
        program.run("look_at", project_id, frame)
        return {}

    lead = (
        '<span class="vs-with-mouse">Drag a box around the object, or click it; '
        '<span class="vs-nowrap">right-click</span> what is not part of it.</span>'
        '<span class="vs-with-fingers">Tap the object, or draw a box around it; with the minus tool, tap what is not part of it. '
        "Hold to see the mask first.</span>"
    )
    markup = panel("select", "Select", lead, BODY, "Continue to Adjust", "Track", "Track as chosen above (T)")
    passed_on = program.handlers(
        *(
            "remove_object",
            "rename_object",
            "hide_object",
            "invert_object",
            "merge_objects",
            "clear_prompts",
            "confirm_frame",
            "mark_absent",
        ),
        *("find_text", "export_masks", "start_tracking"),
    )
    return part("select", markup, [*passed_on, add_object, text_model, masks_of_video, look_at])
