import assert from "node:assert/strict";
import { test } from "node:test";
import type { Abilities, Statistics } from "../api/types.ts";
import { cellNumber, lightOf, measureOf, rangeOf } from "./measures.ts";
import { ticks } from "./ticks.ts";

const kStatistics: Statistics = {
  n_layers: 1,
  n_heads: 3,
  sinks: [0],
  entropy: [0, 1.5, 2],
  distance: [0.5, 10, 30],
  sink_mass: [0.25, 1, 0],
};

const counts = (right: number[]) => ({ right, lost: right.map((one) => 10 - one) });
const kAbilities: Abilities = {
  model: "made",
  n_layers: 1,
  n_heads: 3,
  sentences: 10,
  relations: [
    {
      language: "zh",
      relation: "negation",
      asked: 10,
      right: 8,
      pairs: 20,
      looks: [20, 5, 0],
      offset: 1,
      offset_hits: 3,
      without: { zero: counts([2, 8, 9]), mean: counts([4, 8, 9]), resample: counts([3, 7, 9]) },
    },
  ],
  sets: [],
  roles: [],
};

test("measures of the text and of labelled sentences, by name", () => {
  assert.deepEqual(measureOf("sink", kStatistics, null), { key: "sink", unit: "share", values: [0.25, 1, 0] });
  assert.equal(measureOf("entropy", null, kAbilities), null);
  assert.deepEqual(measureOf("looks zh.negation", null, kAbilities)!.values, [1, 0.25, 0]);
  const costs = measureOf("cost zh.negation", kStatistics, kAbilities)!.values;
  assert.deepEqual(costs.map((one) => one.toFixed(2)), ["0.40", "0.00", "-0.10"], "removing the last one helps");
  for (const key of ["", "looks", "looks en.negation", "colour zh.negation"]) assert.equal(measureOf(key, kStatistics, kAbilities), null, key);
});

test("a share is seen against 0 and 1, another number against the smallest and the largest", () => {
  assert.deepEqual(rangeOf(measureOf("sink", kStatistics, null)!), { low: 0, high: 1 });
  const distance = measureOf("distance", kStatistics, null)!;
  assert.deepEqual(distance.values.map((value) => lightOf(distance, value)), [0, 9.5 / 29.5, 1]);
  assert.deepEqual(rangeOf({ ...distance, values: [2, 2] }), { low: 2, high: 3 });
  assert.equal(lightOf(measureOf("cost zh.negation", null, kAbilities)!, -0.1), 0);
});

test("cells have room for three characters", () => {
  for (const [unit, value, told] of [["share", 1, "100"], ["share", 0.006, "1"], ["nats", 2.04, "2.0"], ["tokens", 9.96, "10"], ["tokens", 314.2, "314"]] as const) {
    assert.equal(cellNumber(unit, value), told);
  }
});

test("ticks are round and cover what they are for", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 2.3, 5), [0, 0.5, 1, 1.5, 2, 2.5]);
  assert.deepEqual(ticks(-0.04, 0.42, 5), [-0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(ticks(0, 0, 4), [0, 0.5], "all values alike");
  for (const high of [0.013, 0.7, 3, 17, 4096]) {
    const found = ticks(0, high, 5);
    assert.ok(found.at(-1)! >= high && found.length >= 3 && found.length <= 8, `${high}: ${found}`);
  }
});
