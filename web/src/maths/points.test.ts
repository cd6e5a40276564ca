import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlong, stepAlong } from "./points.ts";

const kPoints = [
  { index: 0, x: 0.5, y: 0.1 },
  { index: 1, x: 0.1, y: 0.9 },
  { index: 2, x: 0.5, y: 0.5 },
];

test("arrow keys go to the next point along their axis and stop at the ends", () => {
  assert.equal(stepAlong("ArrowRight", 1, kPoints), 0);
  assert.equal(stepAlong("ArrowRight", 0, kPoints), 2, "as far right: the next by index");
  assert.equal(stepAlong("ArrowRight", 2, kPoints), 2);
  assert.equal(stepAlong("ArrowUp", 0, kPoints), 2);
  assert.equal(stepAlong("ArrowDown", 0, kPoints), 0);
  assert.equal(stepAlong("ArrowLeft", null, kPoints), 0, "the first key enters the plot");
  assert.equal(stepAlong("End", 0, kPoints), 2);
  assert.equal(stepAlong("Home", 2, kPoints), 0);
  assert.equal(stepAlong("ArrowUp", null, []), null);
});

test("other keys are the page's", () => {
  assert.deepEqual(["ArrowUp", "Home", "Tab", "a"].map(isAlong), [true, true, false, false]);
});
