import {
  allChecks,
  checkOn,
  checksOf,
  checkWords,
  covers,
  describeFrame,
  dragMarker,
  frameAtX,
  frameInClip,
  lastNewFrame,
  markerUnder,
  nextCheck,
  rangeFrom,
  rangeUpTo,
  rowAtY,
  rulerGap,
  scrollToRow,
  secondsFrom,
  shotAround,
  trackSpan,
} from "/js/state/timeline.js";
import { equal, test } from "./harness.js";

const CLIP = { frames: 100, start: 10, stop: 60, rate: 25 };
const timeline = (more) => ({
  object_id: 1,
  name: "Ball",
  present: [],
  confirmed: [],
  suspect: [],
  pending: [],
  prompted: [],
  ...more,
});

test("a range covers its first frame and not its last", () => {
  equal(
    [4, 5, 7, 8].map((frame) => covers([[5, 8]], frame)),
    [false, true, true, false],
  );
  equal(covers([], 0), false);
});

test("frames outside the clip stand for its ends", () => {
  equal(
    [-4, 3.4, 3.6, 100, Infinity, -Infinity].map((frame) => frameInClip(CLIP, frame)),
    [0, 3, 4, 99, 99, 0],
  );
});

test("a pixel belongs to the frame that is drawn there", () => {
  equal(
    [0, 9.99, 10, 999, 1000, -1].map((x) => frameAtX(x, 1000, 100)),
    [0, 0, 1, 99, 100, -1],
  );
});

test("a row is found below the ruler, and none beyond the last", () => {
  const rows = ["a", "b"];
  equal(
    [20, 25, 45, 66, 67].map((y) => rowAtY(rows, y, 24, 21)),
    [null, "a", "b", null, null],
  );
});

test("numbers on the ruler don't run into each other", () => {
  equal(rulerGap(100, 14), 1);
  equal(rulerGap(10, 14), 10);
  equal(rulerGap(0.05, 14), 2500);
  equal(rulerGap(0.0001, 14), 50000);
});

test("the list scrolls only as far as the row needs", () => {
  equal(scrollToRow(0, 20, 60, 0), 0);
  equal(scrollToRow(5, 20, 60, 0), 60);
  equal(scrollToRow(0, 20, 60, 60), 0);
  equal(scrollToRow(3, 20, 60, 40), 40);
});

test("the last new frame is the furthest that was not there before", () => {
  const before = [timeline({ present: [[0, 5]] })];
  equal(lastNewFrame(before, [timeline({ present: [[0, 8]] })]), 7);
  equal(lastNewFrame(before, [timeline({ present: [[0, 5]] })]), null);
  equal(lastNewFrame([timeline({ present: [[20, 30]] })], [timeline({ present: [[12, 30]] })]), 19);
});

test("the last new frame is looked for in all objects, new ones too", () => {
  const now = [timeline({ present: [[0, 8]] }), timeline({ object_id: 2, present: [[3, 6]] })];
  equal(lastNewFrame([timeline({ present: [[0, 8]] })], now), 5);
  equal(lastNewFrame([], now), 7);
});

const suspect = (...frames) => frames.map((frame) => [frame, 0.5, "jumps"]);

test("suspect frames in a row count once, in the words as on the timeline", () => {
  const runs = timeline({ suspect: suspect(4, 5, 6, 9) });
  const list = allChecks([runs], []);
  equal(
    list.map(({ start, stop, words }) => [start, stop, words]),
    [
      [4, 7, "jumps"],
      [9, 10, "jumps"],
    ],
  );
  equal(checksOf(runs, []).length, list.length);
  equal([checkWords(list), checkWords(list.slice(1))], ["2 places to check", "1 frame to check"]);
});

test("a shot that waits for a click is checked, unless it has a prompt or is confirmed", () => {
  const pending = timeline({ pending: [10, 20, 30, 40], prompted: [20], confirmed: [[30, 31]] });
  equal(
    allChecks([pending], [10, 20, 30]).map(({ start }) => start),
    [10],
  );
});

const BOTH = allChecks(
  [timeline({ suspect: suspect(4, 5, 6, 8) }), timeline({ object_id: 2, name: "Dog", suspect: suspect(2, 8) })],
  [],
);

test("what to check comes in order, each object's own", () => {
  equal(
    BOTH.map(({ start, timeline: { name } }) => [start, name]),
    [
      [2, "Dog"],
      [4, "Ball"],
      [8, "Ball"],
      [8, "Dog"],
    ],
  );
});

test("inside a run of suspect frames the run's entry is found, the selected object's first", () => {
  equal(
    [3, 4, 6, 7].map((frame) => Boolean(checkOn(BOTH, frame, 1))),
    [false, true, true, false],
  );
  equal(
    [checkOn(BOTH, 8, 2).timeline.name, checkOn(BOTH, 8, 1).timeline.name, checkOn(BOTH, 2, 1).timeline.name],
    ["Dog", "Ball", "Dog"],
  );
});

test("going through what to check comes to each, and goes round at both ends", () => {
  const after = (frame, object, by) => {
    const {
      start,
      timeline: { object_id: id },
    } = nextCheck(BOTH, frame, object, by);
    return [start, id];
  };
  equal(
    [after(0, 1, 1), after(5, 1, 1), after(8, 1, 1), after(8, 2, 1), after(2, 2, -1), after(3, 1, -1)],
    [
      [2, 2],
      [8, 1],
      [8, 2],
      [2, 2],
      [8, 2],
      [2, 2],
    ],
  );
});

test("the tooltip says everything about a frame", () => {
  const one = timeline({ suspect: suspect(4), prompted: [4], confirmed: [[3, 5]], pending: [4] });
  equal(describeFrame(one, 4), "Ball, frame 4: jumps, marked, confirmed, asks for tracking");
  equal(describeFrame(one, 9), "Ball, frame 9");
  equal(describeFrame(null, 9), "Frame 9");
});

test("In keeps Out, and lets go of it when it is set at or after it", () => {
  equal(
    [rangeFrom(CLIP, 20), rangeFrom(CLIP, 60), rangeFrom(CLIP, 75)],
    [
      [20, 60],
      [60, 100],
      [75, 100],
    ],
  );
});

test("Out keeps In, and lets go of it when it is set before it", () => {
  equal(
    [rangeUpTo(CLIP, 20), rangeUpTo(CLIP, 10), rangeUpTo(CLIP, 9)],
    [
      [10, 21],
      [10, 11],
      [0, 10],
    ],
  );
});

test("the marker under the pointer is found within half a letter", () => {
  const at = (x, y = 12) => markerUnder(CLIP, 30, { x, y }, 1000, 14);
  equal([at(100), at(107), at(108), at(600), at(350)], ["start", "start", null, "stop", null]);
});

test("over the playhead's handle the playhead wins, below it the marker", () => {
  equal(markerUnder(CLIP, 10, { x: 104, y: 2 }, 1000, 14), null);
  equal(markerUnder(CLIP, 10, { x: 104, y: 10 }, 1000, 14), "start");
});

test("where In and Out lie on each other, Out is taken", () => {
  equal(markerUnder({ frames: 1000, start: 500, stop: 501 }, 0, { x: 500, y: 12 }, 1000, 14), "stop");
});

test("a dragged marker leaves at least one frame, inside the clip", () => {
  const range = { edge: "start", start: 10, stop: 60 };
  equal([dragMarker(range, 70, 100).start, dragMarker(range, -5, 100).start], [59, 0]);
  const end = { ...range, edge: "stop" };
  equal([dragMarker(end, 3, 100).stop, dragMarker(end, 30, 100).stop, dragMarker(end, 500, 100).stop], [11, 31, 100]);
});

test("the shot around a frame ends at cuts inside In and Out", () => {
  equal(shotAround(CLIP, [5, 30, 45, 80], 30), [30, 45]);
  equal(shotAround(CLIP, [5, 30, 45, 80], 29), [10, 30]);
  equal(shotAround(CLIP, [], 99), [10, 60]);
  equal(shotAround(CLIP, [10, 60], 0), [10, 60]);
});

test("some seconds from a frame on are moved back at the clip's end", () => {
  equal(
    [secondsFrom(CLIP, 20, 2), secondsFrom(CLIP, 90, 2), secondsFrom(CLIP, 0, 60), secondsFrom(CLIP, 5, 0)],
    [
      [20, 70],
      [50, 100],
      [0, 100],
      [5, 6],
    ],
  );
});

test("tracking from a frame stops with the shot, or before the next mark", () => {
  const view = { clip: { start: 0, stop: 40 }, cuts: [30] };
  const lane = timeline({ prompted: [2, 20], confirmed: [[8, 10]] });
  equal(trackSpan(view, lane, 12, "both", "shot"), [0, 30]);
  equal(trackSpan(view, lane, 12, "forward", "shot"), [12, 30]);
  equal(trackSpan(view, lane, 12, "backward", "shot"), [0, 13]);
  equal(trackSpan(view, lane, 12, "both", "marked"), [10, 20]);
  equal(trackSpan(view, lane, 20, "forward", "marked"), [20, 30]);
  equal(trackSpan(view, lane, 35, "both", "marked"), [30, 40]);
});
