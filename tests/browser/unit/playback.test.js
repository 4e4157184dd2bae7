import { clockText, frameAtTime, frameDue, frameToShow, middleTime, timeOf } from "/js/state/playback.js";
import { equal, near, test } from "./harness.js";

const STAMPS = [0, 0.04, 0.1, 0.2, 0.21];

test("the clock shows minutes, seconds and hundredths", () => {
  equal(
    [clockText(0, 30), clockText(45, 30), clockText(1799, 30), clockText(3000, 25)],
    ["00:00.00", "00:01.50", "00:59.96", "02:00.00"],
  );
});

test("the clock does not fall behind by rounding", () => {
  equal(clockText(29, 29), "00:01.00");
  equal(clockText(3, 30), "00:00.10");
});

test("a frame's time is its stamp, and behind the last one frame more", () => {
  near(timeOf(10, 25, null), 0.4);
  near([timeOf(3, 25, STAMPS), timeOf(5, 25, STAMPS)], [0.2, 0.25]);
});

test("the middle of every frame is found as that frame", () => {
  for (let frame = 0; frame < 5; frame++) equal(frameAtTime(middleTime(frame, 25, STAMPS), 0, 4, 25, STAMPS), frame);
  for (let frame = 0; frame < 50; frame++)
    equal(frameAtTime(middleTime(frame, 23.976, null), 0, 49, 23.976, null), frame);
});

test("a time is counted from the result's first frame and never passes its last", () => {
  equal(
    [frameAtTime(0, 2, 4, 25, STAMPS), frameAtTime(0.1, 2, 4, 25, STAMPS), frameAtTime(9, 2, 4, 25, STAMPS)],
    [2, 3, 4],
  );
  equal(frameAtTime(9, 10, 40, 25, null), 40);
});

test("while frames fly by, the nearest entry point stands in for one", () => {
  equal(frameToShow([0, 250, 500], 260, 20, 1000), 250);
  equal(frameToShow([0, 250, 500], 240, 20, 1000), 250);
  equal(frameToShow([0, 250, 500], 520, 20, 1000), 500);
});

test("an entry point that is too far does not stand in", () => {
  equal(frameToShow([0, 250, 500], 350, 20, 1000), 350);
  equal(frameToShow([], 350, 20, 1000), 350);
});

test("how far one may be grows with the clip and with the speed", () => {
  equal(frameToShow([0], 90, 12, 10000), 0);
  equal(frameToShow([0], 90, 45, 1000), 0);
  equal(frameToShow([0], 90, 12, 1000), 90);
});

const clip = { stop: 20, rate: 10 };

test("the newest frame that is due and here is shown", () => {
  equal(
    frameDue(0, 0, 520, clip, () => true),
    { due: 5, frame: 5 },
  );
  equal(
    frameDue(0, 2, 520, clip, (frame) => frame <= 4),
    { due: 5, frame: 4 },
  );
});

test("when none is here the shown one stays, and the end is not passed", () => {
  equal(
    frameDue(0, 2, 520, clip, () => false),
    { due: 5, frame: 2 },
  );
  equal(
    frameDue(15, 15, 9000, clip, () => true),
    { due: 19, frame: 19 },
  );
});
