"""Step 5: carry the accepted keyframe through the clip, see what came out, take it home."""

from __future__ import annotations

import gradio as gr

from core.project.edits import SamplingSettings
from ui_components.panel import panel
from ui_components.part import Answer, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

BODY = """
<h3>Keyframe</h3>
<div class="vs-keycard" data-ref="card"></div>
<details class="vs-advanced">
  <summary>Advanced</summary>
  <div class="vs-row vs-pair">
    <label>Seed<input type="number" min="0" max="2147483647" step="1" placeholder="as keyframe" data-ref="seed"></label>
    <label>Steps<input type="number" min="1" max="1000" placeholder="model's own" data-ref="steps"></label>
    <label>Guidance<input type="number" min="0" max="50" step="0.5" placeholder="model's own" data-ref="guidance"></label>
  </div>
</details>
<div data-ref="outcome" hidden>
  <h3>Result</h3>
  <p class="vs-note" data-ref="note" hidden></p>
  <dl class="vs-facts" data-ref="report"></dl>
  <a class="vs-button vs-block" data-ref="download" download><span data-icon="download"></span>Download video</a>
</div>
"""


def propagate_panel(verbs: Verbs) -> gr.HTML:
    """Progress and Stop are in the job bar; the result plays on the stage."""

    def start_propagation(project_id: str, seed: int | None, steps: int | None, guidance: float | None) -> Answer:
        job_id = verbs.start_propagation(project_id, seed, SamplingSettings(steps, guidance))
        return {"view": project_view(verbs, project_id), "job": job_id}

    lead = "The accepted keyframe is carried through the clip, forwards and backwards."
    return part("propagate", panel("propagate", "Propagate", lead, BODY, "Propagate"), [start_propagation])
