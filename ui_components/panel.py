"""The frame of a step panel: title, one sentence on what to do, the controls, a reason when the
button is off, the one main button.
"""

from __future__ import annotations


def panel(step: str, title: str, lead: str, body: str, primary: str, secondary: str = "", about: str = "", note: str = "") -> str:
    """Markup of one step.

    Args:
        step: Its name in ids.
        title: Its heading.
        lead: One sentence on what to do.
        body: Markup of the controls.
        primary: The main button's label.
        secondary: The label of a quieter button beside it; none when empty.
        about: What that button does, as its title.
        note: Markup above the two.

    Returns:
        The markup.
    """
    other = f'<button type="button" class="vs-button" data-ref="secondary" title="{about}">{secondary}</button>' if secondary else ""
    return f"""
    <section class="vs-panel" aria-labelledby="vs-title-{step}">
      <header><h2 id="vs-title-{step}" tabindex="-1">{title}</h2><p class="vs-lead" data-ref="lead">{lead}</p></header>
      <div class="vs-body">{body}</div>
      <footer>
        <p class="vs-reason" data-ref="reason" id="vs-reason-{step}"></p>
        {note}<div class="vs-actions">{other}
          <button type="button" class="vs-button vs-primary" data-ref="primary" aria-describedby="vs-reason-{step}"
           title="What comes next (Ctrl Enter)">{primary}</button>
        </div>
      </footer>
    </section>
    """
