"""The result player: before and after, or up to four results, as videos that run as one, side by
side or under a wipe; loop, and the region over them.
"""

from __future__ import annotations

import gradio as gr

from ui_components.part import part

MARKUP = """
<div class="vs-player" data-ref="player" hidden>
  <figure class="vs-player-pane" data-ref="before">
    <video data-ref="source" muted playsinline preload="auto" aria-label="The clip before"></video>
    <img data-ref="still" alt="A frame before" hidden>
    <img class="vs-player-mask" data-ref="maskBefore" alt="" hidden>
    <figcaption data-ref="captionBefore">Before</figcaption>
  </figure>
  <figure class="vs-player-pane" data-ref="after">
    <video data-ref="result" playsinline preload="auto" aria-label="The result"></video>
    <img class="vs-player-mask" data-ref="mixed" alt="The frame with that opacity and blend" hidden>
    <img class="vs-player-mask" data-ref="maskAfter" alt="" hidden>
    <figcaption data-ref="caption">Result</figcaption>
  </figure>
  <div class="vs-player-tools" role="group" aria-label="Player">
    <button type="button" class="vs-chip-button" data-ref="mask" aria-pressed="false" title="Show where the edit lies (M)"><span
     data-icon="eye"></span>Region</button>
    <button type="button" class="vs-chip-button" data-ref="loop" aria-pressed="false" title="Play over and over (L)"><span
     data-icon="loop"></span>Loop</button>
  </div>
</div>
"""


def result_player() -> gr.HTML:
    """Pictures come over HTTP; play, pause and scrubbing come from the transport."""
    return part("player", MARKUP)
