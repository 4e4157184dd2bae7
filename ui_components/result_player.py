"""The result player: original and result as two videos that run as one, side by side or under a wipe."""

from __future__ import annotations

import gradio as gr

from ui_components.part import part

MARKUP = """
<div class="vs-player" data-ref="player" hidden>
  <figure class="vs-player-pane" data-ref="before">
    <video data-ref="source" muted playsinline preload="auto" aria-label="The original"></video>
    <img data-ref="still" alt="A frame of the original" hidden>
    <figcaption>Original</figcaption>
  </figure>
  <figure class="vs-player-pane" data-ref="after">
    <video data-ref="result" playsinline preload="auto" aria-label="The result"></video>
    <figcaption>Result</figcaption>
  </figure>
</div>
"""


def result_player() -> gr.HTML:
    """Pictures come over HTTP; play, pause and scrubbing come from the transport."""
    return part("player", MARKUP)
