"""Step 4: the form that lays a picture of a person's own on the frame."""

from __future__ import annotations

from ui_components.part import icon_button


def insert_form() -> str:
    """Markup of the form: the picture itself is moved on the stage."""

    def slider(name: str, label: str, about: str, least: int, most: int) -> str:
        return f"""
    <div class="vs-lay-slider" title="{about}">
      <label for="vs-{name}">{label}</label>
      <input type="range" id="vs-{name}" min="{least}" max="{most}" step="1" data-ref="{name}">
      <output data-ref="{name}Text" for="vs-{name}"></output>
    </div>"""

    return f"""
<section class="vs-lay" data-ref="layForm" aria-labelledby="vs-lay-name" hidden>
  <div class="vs-head"><h3 id="vs-lay-name" data-ref="layName"></h3>{icon_button("layCancel", "Leave it (Esc)", icon="remove")}</div>
  <div class="vs-segments vs-wide" role="radiogroup" aria-label="What its corners do" data-ref="layModes">
    <label title="A corner makes it larger or smaller, the knob turns it"><input
     type="radio" name="vs-lay" value="shape" checked><span>Move and turn</span></label>
    <label title="Each corner moves alone: put it on a wall or a side that is seen at an angle"><input
     type="radio" name="vs-lay" value="pins"><span>Pin corners</span></label>
  </div>
  <p class="vs-quiet" data-ref="layWhere"></p>
  <div class="vs-row vs-pair">
    <label title="With the object, with the place that it lies on (a wall, the ground), or not at all; auto: with the object
 where it lies on or beside it">Moves with<select data-ref="layFollows"><option value="auto">auto</option><option
     value="thing">the object</option><option value="place">the place</option><option value="frame">nothing</option></select></label>
    <label title="Normal covers what is below; multiply prints on it, screen glows over it">Blend<select
     data-ref="layBlend"><option value="normal">normal</option><option value="multiply">multiply</option><option
     value="screen">screen</option></select></label>
  </div>
  <div class="vs-segments vs-wide" role="radiogroup" aria-label="What is set" data-ref="layPanes">
    <label title="Light, grain and opacity"><input type="radio" name="vs-lay-pane" value="light" checked><span>Light</span></label>
    <label title="The shadow that it casts"><input type="radio" name="vs-lay-pane" value="shadow"><span>Shadow</span></label>
  </div>
  <div class="vs-lay" data-ref="layLightPane">
  {slider("layLight", "Match light", "How far its black and white, and changes of the light, are those of the shot", 0, 100)}
  {slider("layBrightness", "Brightness", "Brighter or darker besides, in stops", -30, 30)}
  {slider("layOpacity", "Opacity", "How much of it shows", 0, 100)}
  <div class="vs-row vs-inline">
    <label class="vs-check" title="Give it the grain of the shot"><input
     type="checkbox" data-ref="layGrain" checked>Grain</label>
    <label class="vs-check" title="Where it moves, blur it as a camera does (a shutter of 180 degrees)"><input
     type="checkbox" data-ref="layMotion">Motion blur</label>
    <button type="button" class="vs-button vs-small" data-ref="layFlip" title="Mirror it, left to right">Mirror</button>
  </div>
  </div>
  <div class="vs-lay" data-ref="layShadowPane" hidden>
  <div class="vs-row vs-inline">
    <label class="vs-check" title="Put a shadow under it"><input type="checkbox" data-ref="layCasts">Casts a shadow</label>
    <button type="button" class="vs-button vs-small" data-ref="layShot"
     title="Look how the shadow of the object falls, and take that">As in the shot</button>
  </div>
  <select data-ref="layStands" aria-label="How it falls"
   title="From its foot over the ground, or beside it on the wall that it is on">
    <option value="stands">It stands: from its foot</option>
    <option value="flat">It lies on it: beside it</option>
  </select>
  {slider("layAngle", "Direction", "Where it falls, in degrees clockwise from the right", -180, 180)}
  {slider("layLength", "Length", "How long it is, in per cent of its own height", 0, 300)}
  {slider("laySoft", "Softness", "How soft it is where it is farthest", 0, 100)}
  {slider("layDark", "Strength", "How dark it is", 0, 100)}
  </div>
  <div class="vs-actions">
    <button type="button" class="vs-button vs-primary" data-ref="layAdd"
     title="It becomes a try like any other (Enter)">Add as a try</button>
  </div>
</section>
"""
