import assert from "node:assert/strict";
import { test } from "node:test";
import { mostDifferent } from "./pick.ts";

const every = () => true;
const average = (rows: number[][]) => rows[0]!.map((_, token) => rows.reduce((sum, row) => sum + row[token]!, 0) / rows.length);

test("of copies one is taken, then what reads elsewhere", () => {
  const rows = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0.5, 0.5]];
  assert.deepEqual(mostDifferent(rows, average(rows), [0], 3, every).sort(), [0, 2, 4]);
  assert.equal(mostDifferent(rows, average(rows), [], 1, every)[0], 2, "farthest from the average, the first of equals");
});

test("what is given comes first, and never more than asked for", () => {
  const rows = [[1, 0], [0, 1], [0.5, 0.5]];
  assert.deepEqual(mostDifferent(rows, average(rows), [2, 2, 0], 2, every), [2, 0]);
  assert.deepEqual(mostDifferent(rows, average(rows), [], 9, every).sort(), [0, 1, 2]);
  assert.deepEqual(mostDifferent([], [], [], 4, every), []);
});

test("a head at rest on a sink is no clue of its own", () => {
  const rows = [[0, 1, 0], [1, 0, 0], [0, 0, 1]];
  assert.deepEqual(mostDifferent(rows, average(rows), [0], 2, (token) => token !== 0), [0, 2]);
});
