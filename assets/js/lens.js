"use strict";
// What part of the frame the stage shows, and how large. `studio.lens` is asked where a point is; changing it is a change of state.
(() => {
  const { state } = studio;
  const MOST = 16; // times the size that fits
  const FIT = Object.freeze({ zoom: 1, x: 0.5, y: 0.5 }); // x and y: the point of the frame, 0 to 1, in the middle of the stage
  studio.set({ lens: FIT });

  // Where the frame lies in a box of CSS pixels: its top left corner, and CSS pixels a source pixel.
  const place = (box) => {
    const { clip } = state.view;
    const margin = Math.min(box.width, box.height) * 0.025;
    const fit = Math.min((box.width - 2 * margin) / clip.width, (box.height - 2 * margin) / clip.height);
    const scale = fit * state.lens.zoom;
    const along = (room, size, middle) => {
      const free = room - size;
      return free >= -2 * margin ? free / 2 : Math.min(margin, Math.max(free - margin, room / 2 - middle * size));
    };
    return { scale, fit, x: along(box.width, clip.width * scale, state.lens.x), y: along(box.height, clip.height * scale, state.lens.y) };
  };

  // Zoom and keep the point (x, y) of the box, in CSS pixels, where it is; `by` moves it at the same time.
  const zoomAt = (box, factor, x, y, by = { x: 0, y: 0 }) => {
    if (!state.view) return;
    const { clip } = state.view;
    const before = place(box);
    const zoom = Math.min(MOST, Math.max(1, state.lens.zoom * factor));
    if (zoom === 1) return studio.set({ lens: FIT });
    const scale = before.fit * zoom;
    const at = { x: (x - before.x) / before.scale, y: (y - before.y) / before.scale };
    const middle = { x: at.x + (box.width / 2 - x - by.x) / scale, y: at.y + (box.height / 2 - y - by.y) / scale };
    studio.set({ lens: { zoom, x: Math.min(1, Math.max(0, middle.x / clip.width)), y: Math.min(1, Math.max(0, middle.y / clip.height)) } });
  };
  const fit = () => studio.set({ lens: FIT });
  studio.on("view", () => { const id = state.view && state.view.id; if (studio.lens && id !== studio.lens.id) { studio.lens.id = id; fit(); } });
  studio.lens = { place, zoomAt, fit, id: null };
})();
