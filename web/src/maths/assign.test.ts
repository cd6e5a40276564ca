import assert from "node:assert/strict";
import { test } from "node:test";
import { assign } from "./assign.ts";

/** The least total by trying every pairing. */
function least(cost: readonly (readonly number[])[], row = 0, used: readonly number[] = []): number {
  if (row === cost.length) return 0;
  return Math.min(
    ...cost[row]!.map((one, column) => (used.includes(column) ? Infinity : one + least(cost, row + 1, [...used, column]))),
  );
}

test("no pairing costs less", () => {
  let state = 3;
  const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
  for (let round = 0; round < 200; round++) {
    const [n, m] = [1 + random(5), 1 + random(5)];
    const cost = Array.from({ length: n }, () => Array.from({ length: m }, () => random(20) / 4));
    const columns = assign(cost);
    const taken = columns.filter((column) => column !== null);
    assert.equal(taken.length, Math.min(n, m));
    assert.equal(new Set(taken).size, taken.length);
    const total = columns.reduce<number>((sum, column, row) => (column === null ? sum : sum + cost[row]![column]!), 0);
    const turned = n <= m ? cost : Array.from({ length: m }, (_, j) => cost.map((row) => row[j]!));
    assert.ok(Math.abs(total - least(turned)) < 1e-9, JSON.stringify(cost));
  }
});

test("nothing to pair with", () => {
  assert.deepEqual(assign([]), []);
  assert.deepEqual(assign([[], []]), [null, null]);
});
