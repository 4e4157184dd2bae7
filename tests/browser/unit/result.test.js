import { lanesOf } from "/js/state/result.js";
import { equal, test } from "./harness.js";

test("windows of two keyframes over the same frames lie in two lanes, others over the whole height", () => {
  const forward = [
    [1, 17, true],
    [17, 30, true],
  ];
  const backward = [
    [14, 30, false],
    [1, 14, true],
  ];
  const after = [31, 40, true];
  equal(lanesOf([...forward, ...backward, after]), ["upper", "upper", "lower", "lower", "whole"]);
  equal(lanesOf([...forward, after]), ["whole", "whole", "whole"]);
});
