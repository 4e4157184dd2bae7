"use strict";
// In and Out: the part of the clip that is worked on. Set at the playhead, dragged along the ruler, or typed.
(() => {
  const { state } = studio;
  studio.icons.markIn = '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="M11 4H6v16h5"/><path d="M20 12H11M14 8.5 10.5 12l3.5 3.5"/></svg>';
  studio.icons.markOut = '<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="M13 4h5v16h-5"/><path d="M4 12h9M10 8.5l3.5 3.5-3.5 3.5"/></svg>';
  let held = null; // { edge, start, stop }: a marker in the hand

  const span = () => held || state.view.clip;
  const set = (start, stop) => {
    const { clip } = state.view;
    if (start === clip.start && stop === clip.stop) { studio.settle("trim_clip"); return Promise.resolve(); }
    return studio.change(studio.servers.video, "trim_clip", { start, stop });
  };
  // A marker that is set beyond the other one lets go of that, as in other editors.
  const markIn = () => {
    const { clip } = state.view;
    set(state.frame, state.frame < clip.stop ? clip.stop : clip.frames).catch(() => {});
  };
  const markOut = () => {
    const { clip } = state.view;
    set(state.frame >= clip.start ? clip.start : 0, state.frame + 1).catch(() => {});
  };

  // Where they lie one over the other, the upper part of the ruler is the playhead's, the lower one the marker's.
  const under = (x, y, width, rem) => {
    const { clip } = state.view;
    const near = (frame) => Math.abs(x - (frame / clip.frames) * width) <= 0.55 * rem;
    if (y < 0.6 * rem && Math.abs(x - ((state.frame + 0.5) / clip.frames) * width) <= 0.5 * rem) return null;
    return near(clip.stop) ? "stop" : near(clip.start) ? "start" : null;
  };
  const grab = (edge) => {
    if (edge) held = { edge, start: state.view.clip.start, stop: state.view.clip.stop };
    return Boolean(edge);
  };
  const move = (frame) => {
    if (held.edge === "start") held.start = Math.max(0, Math.min(frame, held.stop - 1));
    else held.stop = Math.min(state.view.clip.frames, Math.max(frame + 1, held.start + 1));
    studio.set({ playing: false });
    studio.goTo(held.edge === "start" ? held.start : held.stop - 1); // what the edge lies on is what one wants to see
    studio.drawTimeline();
  };
  const drop = (keep) => {
    if (!held) return;
    const { start, stop } = held;
    const done = () => { held = null; studio.drawTimeline(); };
    if (keep) set(start, stop).then(done, done);
    else done();
  };
  const describe = (edge) => (edge === "start" ? `In, frame ${state.view.clip.start}: drag, or press I` : `Out, frame ${state.view.clip.stop - 1}: drag, or press O`);

  // Two brackets on the ruler around what is worked on.
  const draw = (context, x, top, ruler, height, rem, colour) => {
    const { start, stop } = span();
    const edge = x(state.view.clip.frames);
    context.strokeStyle = colour("--vs-accent-text");
    context.lineWidth = 2;
    for (const [at, side] of [[Math.max(1, x(start)), 1], [Math.min(edge - 1, x(stop)), -1]]) {
      context.beginPath();
      context.moveTo(at + side * 0.36 * rem, top + 1.5);
      context.lineTo(at, top + 1.5);
      context.lineTo(at, top + ruler - 2);
      context.lineTo(at + side * 0.36 * rem, top + ruler - 2);
      context.stroke();
      if (at > 2 && at < edge - 2) context.fillRect(at - 0.5, top + ruler, 1, height);
    }
  };

  Object.assign(studio, { markIn, markOut, trim: { set, span, under, grab, held: () => Boolean(held), move, drop, describe, draw } });
})();
