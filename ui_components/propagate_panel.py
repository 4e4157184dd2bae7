"""Step 5: propagate the accepted keyframes through the clip, see what came out, build on it, take
it home.
"""

from __future__ import annotations

import html
from dataclasses import asdict
from typing import Any

import gradio as gr

from app.contract.program import Program
from core.project.edits import Carry, Layer, Preset, SamplingSettings
from ui_components.panel import panel
from ui_components.part import Answer, icon_button, part

BODY = """
<section class="vs-section" data-ref="progress" hidden>
  <div class="vs-headline"><h3 data-ref="windowsTitle">Windows</h3><span class="vs-quiet" data-ref="windowsCount"></span></div>
  <div class="vs-strip" data-ref="strip" role="group" aria-label="Windows of the clip"></div>
  <p class="vs-quiet" data-ref="joins"></p>
</section>
<section class="vs-section" data-ref="outcome" hidden>
  <div class="vs-headline"><h3>Result</h3><span class="vs-tag" data-ref="draftTag" hidden>quick look</span></div>
  <div class="vs-row" data-ref="resultRow">
    <select class="vs-grow" data-ref="choice" aria-label="Which result"
     title="Every finished result is kept; the one that is chosen plays"></select>
    {rename}
  </div>
  <div class="vs-row vs-even">
    <a class="vs-button" data-ref="download" download title="As an H.264 video, which plays everywhere"><span
     data-icon="download"></span>Download</a>
    <button type="button" class="vs-button" data-ref="accept"
     title="The next edit starts from this result; undo takes it back">Accept, edit on</button>
  </div>
  <p class="vs-note" data-ref="note" hidden></p>
</section>
<div class="vs-segments vs-wide vs-parts-tabs" role="radiogroup" aria-label="What is shown below" data-ref="tabs" hidden>
  <label title="As a file, with a recipe beside it, which makes the same video again without the page"><input
   type="radio" name="vs-propagate-part" value="save"><span>Save</span></label>
  <label title="What came out, other results beside it, and how much of the edit shows"><input
   type="radio" name="vs-propagate-part" value="about"><span>About</span></label>
  <label title="What is propagated, and how"><input
   type="radio" name="vs-propagate-part" value="keys"><span>Keyframes</span></label>
  <label title="The accepted edits, the latest on top"><input
   type="radio" name="vs-propagate-part" value="stack"><span>Edits</span></label>
</div>
<section class="vs-section" data-ref="exportSection" hidden>
  <label class="vs-row vs-against" data-ref="scopeRow"
   title="What nothing changed is copied as it is where the codec allows, not encoded again"><span
   class="vs-label">Save</span>
    <select class="vs-grow" data-ref="scope" aria-label="What is saved">
      <option value="whole">the whole clip, with the edit in it</option>
      <option value="part">only these frames</option></select></label>
  <div class="vs-row">
    <select class="vs-grow" data-ref="codec" aria-label="Format"
     title="Sound and colour tags are kept; a recipe lies beside the file">{formats}</select>
    <button type="button" class="vs-button" data-ref="export"
     title="Write the video and its recipe, then download the video">Export</button>
  </div>
  <div class="vs-row vs-top"><ul class="vs-quiet vs-grow" data-ref="exportNotes" aria-label="What becomes of the sound"></ul>
    <button type="button" class="vs-link vs-nowrap" data-ref="command"
     title="The whole edit as a command for a terminal">Copy as command</button></div>
  <ul class="vs-files" data-ref="files" aria-label="Files of this result"></ul>
  <div data-ref="otherFiles" title="Of other results, and masks" hidden>
    <p class="vs-quiet">Other files</p>
    <ul class="vs-files" data-ref="others" aria-label="Other files"></ul>
  </div>
</section>
<section class="vs-section" data-ref="aboutSection" hidden>
  <details class="vs-advanced" name="vs-about" open>
    <summary title="Its size, what it took, and what it left untouched">What came out</summary>
    <dl class="vs-facts" data-ref="report"></dl>
  </details>
  <ul class="vs-keys" data-ref="unsupported" aria-label="Frames where the change has no support" hidden></ul>
  <details class="vs-advanced" name="vs-about" data-ref="beside" hidden>
    <summary title="Results of the same frames, played in step">Compare with other results</summary>
    <ul class="vs-keys" data-ref="besideList" aria-label="Results beside it"></ul>
  </details>
  <details class="vs-advanced" name="vs-about">
    <summary title="How much of the edit shows, and how its colours mix with the clip's">Opacity and blend</summary>
    <div class="vs-row"><label class="vs-row vs-grow" title="How much of the edit shows">Opacity<input
     type="range" class="vs-grow" min="0" max="100" step="1" value="100" data-ref="mixOpacity"></label><span
     class="vs-quiet" data-ref="mixShare"></span></div>
    <div class="vs-row"><label class="vs-row vs-grow"
     title="Normal covers what is below; multiply prints on it, screen glows over it">Blend<select class="vs-grow"
     data-ref="mixBlend"><option value="normal">normal</option><option value="multiply">multiply</option><option
     value="screen">screen</option></select></label>
    <button type="button" class="vs-button vs-small" data-ref="mixMake"
     title="As a result of its own; this one stays">Make</button></div>
  </details>
</section>
<section class="vs-section" data-ref="keySection">
  <h3 data-ref="keyTitle">Keyframes</h3>
  <ul class="vs-keys" data-ref="keys" aria-label="Keyframes"></ul>
  <label class="vs-add" data-ref="addRow" hidden>
    <select data-ref="add" aria-label="Start again from another try"
     title="The edit starts again from that try's frame; what lies before stays"></select>
  </label>
  <label class="vs-row vs-against" data-ref="carryRow"
   title="A change of the source moves as the thing itself does; a picture moves as a whole"><span
   class="vs-label">Carried</span>
    <select class="vs-grow" data-ref="carry" aria-label="How the keyframe is carried">
      <option value="auto">automatically</option>
      <option value="change">as a change of the source</option>
      <option value="picture">as a picture</option></select></label>
  <label class="vs-row vs-against" data-ref="presetBox" hidden
   title="Draft: few steps; Final: as many as the model was made for"><span class="vs-label">Preset</span>
    <select class="vs-grow" data-ref="preset" aria-label="With how many steps"></select></label>
  <p class="vs-quiet" data-ref="forecast" role="status"></p>
  <p class="vs-quiet" data-ref="kive" title="From what was measured on this machine" hidden></p>
  <details class="vs-advanced">
    <summary title="Seed, steps, guidance and rate, where the keyframe's own are not what you want">Advanced</summary>
    <div class="vs-row vs-pair">
      <label title="The same seed gives the same result; empty: the keyframe's own">Seed<input
       type="number" min="0" max="2147483647" step="1" placeholder="as keyframe" data-ref="seed"></label>
      <label title="More steps are slower and finer; empty: as many as the model was made for">Steps<input
       type="number" min="1" max="1000" placeholder="model's own" data-ref="steps"></label>
      <label title="How strictly the caption is followed; empty: the model's own">Guidance<input
       type="number" min="0" max="50" step="0.5" placeholder="model's own" data-ref="guidance"></label>
    </div>
    <label class="vs-row vs-against" data-ref="rateRow" hidden
     title="How many frames a second the model is shown; the result has every frame either way"><span
     class="vs-label">Shown</span>
      <select class="vs-grow" data-ref="rate" aria-label="What the model is shown">
        <option value="engine">at the rate it was trained at</option>
        <option value="source">every frame of the clip</option></select></label>
  </details>
</section>
<section class="vs-section" data-ref="stackSection" hidden>
  <ul class="vs-stack" data-ref="stack" aria-label="Accepted edits"></ul>
</section>
"""


def propagate_panel(program: Program) -> gr.HTML:
    """Progress, Pause and Stop are in the job bar; the result plays on the stage."""

    def foretell(
        project_id: str,
        steps: int | None,
        guidance: float | None,
        rate: str | None = None,
        preset: Preset | None = None,
        carry: Carry = "auto",
    ) -> Answer:
        """What Propagate and the quick look will take; where that is not known yet, a short trial
        is started.
        """
        settings = SamplingSettings(steps, guidance, rate=rate, preset=preset)
        final, draft = (program.run("forecast", project_id, settings, wanted, carry=carry) for wanted in (False, True))
        if final is None:
            return program.view(project_id, job=program.run("measure", project_id))
        kive = program.run("kive_cost", project_id, settings)
        return {
            "presets": [asdict(choice) for choice in program.run("painters")[0].presets],
            "kive": None if kive is None else asdict(kive),
            "final": {
                "seconds": final.seconds,
                "memory": final.memory_mb,
                "windows": final.windows,
                "measured": final.measured,
                "shown": final.shown_rate,
                "trained": final.trained_rate,
            },
            "draft": None if draft is None else {"seconds": draft.seconds, "offered": draft.is_quick_look_of(final)},
        }

    def set_layers(project_id: str, layers: list[list[Any]]) -> Answer:
        program.run("set_layers", project_id, tuple(Layer(str(layer_id), bool(enabled)) for layer_id, enabled in layers))
        return program.view(project_id)

    def export_notes(project_id: str, codec: str, whole: bool) -> Answer:
        return {"notes": program.run("export_notes", project_id, codec, whole)}

    def copy_command(project_id: str, propagation_id: str) -> Answer:
        return {"command": program.run("result_command", project_id, propagation_id)}

    formats = "".join(f'<option value="{html.escape(f.codec)}">{html.escape(f.title)}</option>' for f in program.run("export_formats"))
    rename = icon_button("renameResult", "Rename the result", "Rename", icon="pen")
    lead = "Propagate the keyframe through the clip."
    markup = panel(
        "propagate",
        "Propagate",
        lead,
        BODY.replace("{formats}", formats).replace("{rename}", rename),
        "Propagate",
        "Quick look",
        "For a first impression: few steps at half the size, from the same seed",
    )
    passed_on = program.handlers(
        *(
            "start_propagation",
            "resume_propagation",
            "add_keyframe",
            "remove_keyframe",
            "rename_result",
            "accept_result",
            "start_export",
            "start_mix",
        ),
    )
    return part("propagate", markup, [*passed_on, foretell, set_layers, export_notes, copy_command])
