"""The stage: the frame with masks and prompts on it, clicks and boxes, and the before/after wipe
over it.
"""

from __future__ import annotations

import gradio as gr

from app.contract.program import Program
from ui_components.part import Answer, icon_button, part

_TOOLS = (
    ("mark", "Click", "Click what belongs to the object; drag a box around it (V)"),
    ("unmark", "Take away", "Click what is not part of the object (S)"),
    ("box", "Box", "Drag a box around the object (X)"),
    ("brush", "Brush", "Paint the mask (B)"),
    ("eraser", "Eraser", "Erase from the mask (E)"),
    ("shape", "Shape", "Draw a shape: click points around it, close at the first; shape it again on other frames (L)"),
)


def _tool(name: str, label: str, title: str) -> str:
    return (
        f'<button type="button" class="vs-icon-button" data-tool="{name}" data-icon="{name}"'
        f' aria-label="{label}" aria-pressed="false" title="{title}"></button>'
    )


_MARKUP = """
<div class="vs-stage" data-ref="stage">
  <canvas data-ref="canvas" tabindex="0" role="img"
   aria-label="The frame: left click adds to the object, right or Alt click takes away, drag draws a box"></canvas>
  <div class="vs-wipe" data-ref="wipe" role="slider" tabindex="0" aria-label="Before and after" aria-valuemin="0" aria-valuemax="100"
   hidden>
    <span class="vs-wipe-handle" data-icon="wipe"></span>
    <span class="vs-wipe-tag vs-before">Before</span><span class="vs-wipe-tag vs-after">After</span>
  </div>
  <div class="vs-empty" data-ref="empty" hidden>
    <span data-icon="film"></span><p>No video is open.</p><p class="vs-quiet">Drop a file here, or choose one on the right.</p>
  </div>
  <div class="vs-tools-left" data-ref="tools" role="toolbar" aria-label="Tools" aria-orientation="vertical" hidden>
    {tools}
    <label class="vs-brush-size" data-ref="sizes" hidden title="Size of the brush ([ and ])">
      <span class="vs-hidden-label">Brush size</span>
      <input type="range" min="1" max="8.6" step="0.1" data-ref="size" aria-label="Brush size" orient="vertical">
    </label>
    <label class="vs-curves" data-ref="curves" hidden title="A smooth curve through the points, not straight lines">
      <input type="checkbox" data-ref="curve" aria-label="Smooth curve"><span aria-hidden="true">Curve</span>
    </label>
  </div>
  <div class="vs-zooms" data-ref="zooms" role="group" aria-label="Zoom" hidden>
    {zoom_out}
    <button type="button" class="vs-zoom-fit" data-ref="fit" title="Show the whole frame (0)" aria-label="Fit">Fit</button>
    {zoom_in}
  </div>
  <div class="vs-stage-tools">
    <div class="vs-segments" role="radiogroup" aria-label="Compare" data-ref="compare" hidden></div>
    <button type="button" class="vs-chip-button" data-ref="masks" aria-pressed="true" title="Show or hide the masks (M)">
      <span data-icon="eye"></span>Masks
    </button>
  </div>
</div>
"""


MARKUP = _MARKUP.format(
    tools="".join(_tool(*tool) for tool in _TOOLS),
    zoom_in=icon_button("zoomIn", "Zoom in", "Zoom in (+)", icon="plus"),
    zoom_out=icon_button("zoomOut", "Zoom out", "Zoom out (-)", icon="minus"),
)


def stage(program: Program) -> gr.HTML:
    """The canvas calls these as clicks come; it queues them, so that none is lost and the order
    stays.
    """

    def add_point(project_id: str, object_id: int | None, frame: int, x: float, y: float, positive: bool) -> Answer:
        target = _object(project_id, object_id)
        program.run("add_point", project_id, target, frame, x, y, positive)
        return program.view(project_id, object=target, doubtful=program.run("click_is_doubtful", project_id, target, frame))

    def add_box(project_id: str, object_id: int | None, frame: int, x0: float, y0: float, x1: float, y1: float) -> Answer:
        target = _object(project_id, object_id)
        program.run("add_box", project_id, target, frame, x0, y0, x1, y1)
        return program.view(project_id, object=target)

    def paint(project_id: str, object_id: int | None, frame: int, stroke: list[tuple[float, float]], radius: float, erase: bool) -> Answer:
        target = _object(project_id, object_id)
        program.run("paint", project_id, target, frame, stroke, radius, erase)
        return program.view(project_id, object=target)

    def draw_shape(project_id: str, object_id: int | None, frame: int, points: list[tuple[float, float]], curve: bool) -> Answer:
        target = object_id
        if target is None:
            _, target = program.run("add_object", project_id)
        program.run("draw_shape", project_id, target, frame, points, curve)
        return program.view(project_id, object=target)

    def _object(project_id: str, object_id: int | None) -> int:
        if object_id is not None:
            return object_id
        tracks = program.project(project_id).tracks
        if tracks:
            return tracks[0].object_id
        _, added = program.run("add_object", project_id)
        return int(added)

    return part("canvas", MARKUP, [add_point, add_box, paint, draw_shape, *program.handlers("forget_shape")])
