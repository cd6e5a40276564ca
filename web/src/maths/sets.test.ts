import assert from "node:assert/strict";
import { test } from "node:test";
import type { Abilities, SetRemoval } from "../api/types.ts";
import { headsOff, setCost, setsOf } from "./sets.ts";

const without = (right: number, random: number[]) => ({ right, random });

const kSet: SetRemoval = {
  relation: "coreference",
  layer: 2,
  heads: [3, 1],
  asked: 200,
  right: 194,
  without: { zero: without(82, [194, 190, 150]), mean: without(100, []), resample: without(90, [194]) },
};
const kAbilities: Abilities = { model: "made", n_layers: 4, n_heads: 8, sentences: 200, relations: [], sets: [kSet, { ...kSet, heads: [1] }], roles: [] };

test("a set is found by exactly its heads, in any order", () => {
  assert.deepEqual(setsOf(kAbilities, ["2.3", "2.1"]), [kSet]);
  assert.equal(setsOf(kAbilities, ["2.1"])[0]!.heads.length, 1);
  assert.deepEqual(setsOf(kAbilities, ["2.3"]), []);
  assert.deepEqual(setsOf(kAbilities, ["2.1", "2.3", "0.0"]), []);
});

test("a dimmed head is neither on nor off", () => {
  assert.deepEqual(headsOff(new Map([["2.3", 0], ["2.1", 0]])), ["2.1", "2.3"]);
  assert.equal(headsOff(new Map([["2.3", 0], ["2.1", 0.5]])), null);
});

test("costs are shares of the questions, beside random sets", () => {
  assert.deepEqual(setCost(kSet, "zero"), { relation: "coreference", before: 0.97, after: 0.41, random: { count: 3, mean: 178 / 200, worst: 0.75 } });
  assert.equal(setCost(kSet, "mean").random, null);
});
