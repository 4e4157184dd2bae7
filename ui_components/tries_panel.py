"""The tree of tries beside the picture: which grew out of which, the good ones, what each was made
with, two of them compared.
"""

from __future__ import annotations

import gradio as gr

from app.contract.program import Program
from ui_components.part import icon_button, part

MARKUP = f"""
<aside class="vs-dock" data-ref="dock" aria-labelledby="vs-title-tries">
  <header class="vs-dock-head">
    <h2 id="vs-title-tries">Tries</h2><span class="vs-quiet vs-grow" data-ref="count"></span>
    {icon_button("starred", "Only the starred", "Show only the starred tries", icon="star")}
    {icon_button("fold", "Hide the tries", icon="back")}
  </header>
  <div class="vs-tree" data-ref="tree"></div>
  <section class="vs-chosen" data-ref="chosen" aria-label="The chosen try" hidden>
    <div class="vs-head">
      <h3 data-ref="title"></h3>
      <span class="vs-row vs-tight">
        {icon_button("rename", "Rename the try", "Rename (F2)", icon="pen")}
        <a class="vs-icon-button" data-ref="send" data-icon="sendout" download aria-label="Send the try out"
         title="Send this try out to another program: picture, mask and cut-out as PNG in a zip"></a>
        {icon_button("remove", "Delete the try", "Delete; what branched from it stays (Delete)", icon="bin")}
      </span>
    </div>
    <dl class="vs-facts vs-made" data-ref="facts"></dl>
    <div class="vs-row vs-even">
      <button type="button" class="vs-button vs-small" data-ref="branch" data-icon="fork"
       title="Go on from this try: from its settings and, as far as you like, its picture (B)">Branch</button>
      <button type="button" class="vs-button vs-small" data-ref="reuse" data-icon="copy"
       title="Copy its task, caption, seed, steps and guidance back into the fields">Reuse</button>
    </div>
    <label class="vs-row vs-against"><span class="vs-label">Compare with</span>
      <select class="vs-grow" data-ref="against" title="What the wipe shows on its left side"></select></label>
  </section>
</aside>
<button type="button" class="vs-chip-button vs-unfold" data-ref="unfold" data-icon="fork" title="Show the tree of tries"
 hidden>Tries</button>
"""


def tries_panel(program: Program) -> gr.HTML:
    """Choosing is the browser's own business; what changes the document comes here."""
    return part("tries", MARKUP, program.handlers("rename_try", "star_try", "delete_try"))
