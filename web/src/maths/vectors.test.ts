import assert from "node:assert/strict";
import { test } from "node:test";
import { barsPath, columnOf, fixed, largest, largestTerms, percent, signed } from "./vectors.ts";

test("bars go up for positive numbers, down for negative ones, and nothing stands for zero", () => {
  assert.equal(barsPath([2, 0, -1], 2), "M0.08 1v-1.000h.84V1zM2.08 1v0.500h.84V1z");
  assert.equal(largest([[1, -3], [2]]), 3);
  assert.equal(largest([[0], []]), 1);
});

test("the terms of a weighted sum and the rest make up the whole", () => {
  const { terms, rest } = largestTerms([0.5, 0.25, 0.25], [2, -8, 1], 2);
  assert.deepEqual(terms.map((term) => [term.token, term.product]), [[1, -2], [0, 1]]);
  assert.equal(rest, 0.25);
  assert.deepEqual(columnOf([1, 2, 3, 4, 5, 6], 3, 1), [2, 5]);
});

test("numbers are short and never pretend", () => {
  assert.equal(signed(-0.12345), "−0.123");
  assert.equal(signed(123.456), "123.5");
  assert.equal(signed(0.0001), "0");
  assert.equal(fixed(-0.0805, 3), "−0.081");
  assert.equal(fixed(-0.0001, 3), "0.000");
  assert.equal(percent(0.6872), "68.7 %");
  assert.equal(percent(0.0153), "1.53 %");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(0.0002), "<0.1 %");
});
