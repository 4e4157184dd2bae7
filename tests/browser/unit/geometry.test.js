import {
  boxBetween,
  brushRadius,
  clampPoint,
  extendsStroke,
  FIT,
  isInside,
  MAX_ZOOM,
  middleOfRegion,
  placeFrame,
  promptBox,
  promptPoint,
  resizeBrush,
  spotArgument,
  spread,
  toSource,
  zoomAt,
} from "/js/state/geometry.js";
import { equal, near, test } from "./harness.js";

const CLIP = { width: 640, height: 360 };
const ROOM = { width: 1000, height: 600 };

test("a frame that fits lies in the middle, with a margin", () => {
  const place = placeFrame(ROOM, CLIP, FIT);
  near(place.scale, Math.min(970 / 640, 570 / 360));
  near(place.x, (1000 - 640 * place.scale) / 2);
  near(place.y, (600 - 360 * place.scale) / 2);
  near(place.fit, place.scale);
});

test("a tall frame is limited by the height of the stage", () => {
  const place = placeFrame(ROOM, { width: 360, height: 640 }, FIT);
  near(place.scale, 570 / 640);
  near(place.y, 15);
});

test("an enlarged frame leaves no more than the margin empty at its edges", () => {
  const left = placeFrame(ROOM, CLIP, { zoom: 4, x: 0, y: 0 });
  near([left.x, left.y], [15, 15]);
  const right = placeFrame(ROOM, CLIP, { zoom: 4, x: 1, y: 1 });
  near([right.x, right.y], [1000 - 15 - 640 * right.scale, 600 - 15 - 360 * right.scale]);
});

test("the point that is zoomed at stays where it is", () => {
  const at = { x: 300, y: 200 };
  const before = toSource(placeFrame(ROOM, CLIP, FIT), at);
  const viewport = zoomAt(ROOM, CLIP, FIT, 3, at);
  near(toSource(placeFrame(ROOM, CLIP, viewport), at), before);
});

test("zooming can move the frame at the same time", () => {
  const [at, by] = [
    { x: 480, y: 290 },
    { x: 12, y: -7 },
  ];
  const viewport = zoomAt(ROOM, CLIP, FIT, 4, at);
  const held = toSource(placeFrame(ROOM, CLIP, viewport), at);
  const moved = placeFrame(ROOM, CLIP, zoomAt(ROOM, CLIP, viewport, 1, at, by));
  near(toSource(moved, { x: at.x + by.x, y: at.y + by.y }), held);
});

test("zoom stays within its limits, and its least is the whole frame", () => {
  equal(zoomAt(ROOM, CLIP, FIT, 1000, { x: 500, y: 300 }).zoom, MAX_ZOOM);
  equal(zoomAt(ROOM, CLIP, { zoom: 2, x: 0.1, y: 0.9 }, 0.1, { x: 0, y: 0 }), FIT);
  equal(zoomAt(ROOM, CLIP, FIT, 1, { x: 0, y: 0 }, { x: 50, y: 50 }), FIT);
});

test("a viewport never looks past the frame", () => {
  const viewport = zoomAt(ROOM, CLIP, { zoom: 4, x: 0.1, y: 0.1 }, 1, { x: 0, y: 0 }, { x: 1e5, y: 1e5 });
  equal([viewport.x, viewport.y], [0, 0]);
});

test("the last row and column are inside, the edges behind them are not", () => {
  equal(isInside(CLIP, { x: 0, y: 0 }), true);
  equal(isInside(CLIP, { x: 639.9, y: 359.9 }), true);
  equal(isInside(CLIP, { x: 640, y: 10 }), false);
  equal(isInside(CLIP, { x: -0.1, y: 10 }), false);
});

test("points off the frame count as its edge", () => {
  equal(clampPoint(CLIP, { x: -3, y: 400 }), { x: 0, y: 360 });
});

test("a click on the edge is sent as one inside the frame, in tenths", () => {
  equal(promptPoint(CLIP, { x: 12.3456, y: 7.05 }), { x: 12.3, y: 7.1 });
  equal(promptPoint(CLIP, { x: 640, y: 360 }), { x: 639.9, y: 359.9 });
});

test("a box has its corners in order, however it was drawn", () => {
  equal(boxBetween({ x: 9, y: 2 }, { x: 4, y: 8 }), { x0: 4, y0: 2, x1: 9, y1: 8 });
});

test("a box smaller than a pixel is none", () => {
  equal(promptBox({ x0: 4, y0: 2, x1: 4.9, y1: 30 }), null);
  equal(promptBox({ x0: 4.04, y0: 2, x1: 5.04, y1: 3 }), { x0: 4, y0: 2, x1: 5, y1: 3 });
});

test("the brush suits the clip until one is chosen", () => {
  equal(
    [brushRadius(0, null), brushRadius(0, CLIP), brushRadius(0, { width: 60 }), brushRadius(25, CLIP)],
    [8, 11, 2, 25],
  );
});

test("the brush is resized in whole pixels, fine ones below 3, within limits", () => {
  equal(
    [resizeBrush(10, 1.25), resizeBrush(2, 1.25), resizeBrush(399, 1.25), resizeBrush(0.5, 0.8)],
    [13, 2.5, 400, 0.5],
  );
});

test("a stroke takes points that are far enough from its last", () => {
  equal(extendsStroke([[0, 0]], 12, { x: 1.9, y: 0 }), false);
  equal(extendsStroke([[0, 0]], 12, { x: 2, y: 0 }), true);
  equal(extendsStroke([[0, 0]], 1, { x: 0.5, y: 0 }), true);
});

test("two fingers on one spot don't make an endless zoom", () => {
  equal(spread({ x: 5, y: 5 }, { x: 5, y: 5 }), { x: 5, y: 5, apart: 20 });
  equal(spread({ x: 0, y: 0 }, { x: 60, y: 80 }).apart, 100);
});

const overlay = (rows) =>
  rows
    .join("")
    .split("")
    .flatMap((c) => ({ ".": [0, 0, 0, 140], w: [255, 255, 255, 255], "#": [0, 0, 0, 0] })[c]);

test("the middle of a region is between its outer edges", () => {
  near(middleOfRegion(overlay(["......", ".w##w.", "......"]), 6), 0.5);
  near(middleOfRegion(overlay(["#.....", "......"]), 6), 0.5 / 6);
});

test("a frame without a region has no middle", () => {
  equal(middleOfRegion(overlay(["....", "...."]), 4), null);
});

test("a spot is written as the command line takes it", () => {
  equal(spotArgument({ x: 12.9, y: 0.2, box: null }, 7), "--point 7:12,0");
  equal(spotArgument({ box: { x0: 0.4, y0: 2, x1: 30.6, y1: 44 } }, 0), "--box 0:0,2,31,44");
});
