import assert from "node:assert/strict";
import { test } from "node:test";
import { carriedShares, rowOf } from "./light.ts";

test("a heavy weight on a small value carries little", () => {
  assert.deepEqual(carriedShares([0.75, 0.25], [1, 9]), { row: [0.25, 0.75], total: 3 });
  assert.deepEqual(carriedShares([1, 0], [0, 4]), { row: [0, 0], total: 0 }, "nothing is carried at all");
});

test("a row of a matrix", () => {
  assert.deepEqual(rowOf({ rows: 2, columns: 3, data: Float32Array.of(1, 2, 3, 4, 5, 6) }, 1), [4, 5, 6]);
});
