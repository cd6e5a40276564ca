import assert from "node:assert/strict";
import { test } from "node:test";
import { compact, duration } from "./units.ts";

test("large numbers are short", () => {
  assert.deepEqual([0, 7, 999, 1000, 1050624, 2.5e12, 3e15].map((value) => compact(value, "en")), ["0", "7", "999", "1k", "1.05M", "2.5T", "3000T"]);
});

test("times have a unit that suits them", () => {
  assert.deepEqual([2, 0.5, 0.0123, 4.56e-5].map(duration), ["2.00 s", "500.00 ms", "12.30 ms", "45.6 µs"]);
});
