"""The bottom of the page: play and step, where we are, and one lane of time per object."""

from __future__ import annotations

import gradio as gr

from ui_components.part import icon_button, part

_BUTTONS = (
    icon_button("first", "First frame", "First frame (Home)"),
    icon_button("back", "One frame back", "One frame back (left arrow)"),
    icon_button("play", "Play", "Play or pause (space)", classes="vs-play"),
    icon_button("on", "One frame on", "One frame on (right arrow)"),
    icon_button("last", "Last frame", "Last frame (End)"),
)

_MARKERS = (
    icon_button("markIn", "Set In here", "Work from this frame on (I)"),
    icon_button("markOut", "Set Out here", "Work up to this frame (O)"),
)

MARKUP = f"""
<div class="vs-transport">
  <div class="vs-buttons" role="group" aria-label="Playback">{"".join(_BUTTONS)}</div>
  <div class="vs-buttons vs-markers" role="group" aria-label="In and Out">{"".join(_MARKERS)}</div>
  <label class="vs-frame-box" title="Go to a frame by its number">Frame
    <input type="number" min="0" step="1" value="0" data-ref="frame" aria-label="Frame number"></label>
  <span class="vs-quiet vs-nowrap" data-ref="total"></span>
  <span class="vs-time" data-ref="time"></span>
  <button type="button" class="vs-link vs-spot" data-ref="spot" title="Copy the pixel under the pointer (P)" hidden>pixel</button>
</div>
"""

LANES = """
<div class="vs-timeline" data-ref="timeline">
  <div class="vs-lane-names" data-ref="names"></div>
  <div class="vs-lane-area" data-ref="area" role="slider" tabindex="0" aria-label="Timeline" aria-valuemin="0">
    <canvas data-ref="lanes"></canvas>
  </div>
</div>
"""


def transport() -> gr.HTML:
    """Buttons and the frame number."""
    return part("transport", MARKUP)


def timeline() -> gr.HTML:
    """The lanes, drawn from the view."""
    return part("timeline", LANES)
