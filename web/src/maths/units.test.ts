import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, compact, duration } from "./units.ts";

test("large numbers are short", () => {
  assert.deepEqual([0, 7, 999, 1000, 1050624, 2.5e12, 3e15].map((value) => compact(value, "en")), ["0", "7", "999", "1k", "1.05M", "2.5T", "3000T"]);
});

test("bytes have a unit of their own", () => {
  assert.deepEqual([96, 524288, 1.05e6].map((value) => bytes(value, "en")), ["96 B", "524 kB", "1.05 MB"]);
});

test("times have a unit that suits them", () => {
  assert.deepEqual([2, 0.5, 0.0123, 4.56e-5].map(duration), ["2.00 s", "500.00 ms", "12.30 ms", "45.6 µs"]);
});
