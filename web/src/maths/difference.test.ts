import assert from "node:assert/strict";
import { test } from "node:test";
import { align } from "./align.ts";
import { byDifference, drawnColumns, pairByLikeness, pairByNumber, rowDistance } from "./difference.ts";

const head = (number: number, row: number[]) => ({ head: number, kv_head: number, row, entropy: 0 });
const same = (length: number) => Array.from({ length }, (_, i) => ({ a: i, b: i }));
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

test("equal rows do not differ; rows with nothing in common differ by all there is", () => {
  assert.deepEqual(rowDistance([0.25, 0.75], [0.25, 0.75], same(2)), { tv: 0, jsd: 0 });
  const apart = rowDistance([1, 0], [0, 1], same(2));
  near(apart.tv, 1);
  near(apart.jsd, Math.LN2);
});

test("a worked case", () => {
  const { tv, jsd } = rowDistance([0.5, 0.5], [0.25, 0.75], same(2));
  near(tv, 0.25);
  near(jsd, 0.5 * (0.5 * Math.log(0.5 / 0.375) + 0.5 * Math.log(0.5 / 0.625)) + 0.5 * (0.25 * Math.log(0.25 / 0.375) + 0.75 * Math.log(0.75 / 0.625)));
});

test("a token without a partner counts with its whole weight", () => {
  const { columns } = align(["it", "tired"], ["it", "wide"]);
  near(rowDistance([0.4, 0.6], [0.4, 0.6], columns).tv, 0.6);
});

test("heads of one model go by number, others by likeness", () => {
  const a = [head(0, [1, 0]), head(1, [0, 1]), head(2, [0.5, 0.5])];
  const b = [head(0, [0, 1]), head(1, [0.9, 0.1])];
  const numbers = (pairs: ReturnType<typeof pairByNumber>) => pairs.map((one) => [one.a?.head ?? null, one.b?.head ?? null]);
  assert.deepEqual(numbers(pairByNumber(a, b, same(2))), [[0, 0], [1, 1], [2, null]]);
  assert.deepEqual(numbers(pairByLikeness(a, b, same(2))), [[0, 1], [1, 0], [2, null]]);
  assert.deepEqual(numbers(pairByLikeness(b, a, same(2))), [[0, 1], [1, 0], [null, 2]]);
});

test("the largest difference comes first, a head alone last", () => {
  const a = [head(0, [1, 0]), head(1, [0, 1]), head(2, [0, 1])];
  const b = [head(0, [0.9, 0.1]), head(1, [1, 0])];
  assert.deepEqual(byDifference(pairByNumber(a, b, same(2))).map((one) => one.a?.head), [1, 0, 2]);
});

test("of many columns those that differ most are drawn, in order, and those to be kept", () => {
  const pairs = pairByNumber([head(0, [0.1, 0.5, 0.1, 0.3])], [head(0, [0.1, 0.2, 0.1, 0.6])], same(4));
  assert.deepEqual(drawnColumns(pairs, same(4), 4, () => false), same(4));
  assert.deepEqual(drawnColumns(pairs, same(4), 3, (one) => one.a === 0).map((one) => one.a), [0, 1, 3]);
});
