import assert from "node:assert/strict";
import { test } from "node:test";
import type { Abilities, Removal } from "../api/types.ts";
import { costliest, groundsOf, relationsOf } from "./evidence.ts";

const removal = (right: number[]): Removal => ({ right, lost: right.map((one) => 100 - one) });

/** Two layers of two heads; head 1.0 finds the referent, and it costs; head 0.1 looks, and it does not. */
const kAbilities: Abilities = {
  model: "made",
  n_layers: 2,
  n_heads: 2,
  sentences: 100,
  relations: [
    {
      language: "en",
      relation: "coreference",
      asked: 100,
      right: 90,
      pairs: 50,
      looks: [5, 30, 45, 20],
      offset: -3,
      offset_hits: 25,
      without: { zero: removal([90, 91, 40, 89]), mean: removal([90, 90, 60, 89]), resample: removal([90, 90, 55, 80]) },
    },
    { language: "zh", relation: "collocation", asked: 10, right: 8, pairs: 20, looks: [19, 0, 2, 1], offset: 1, offset_hits: 20 },
  ],
  sets: [],
  roles: [{ layer: 1, head: 0, language: "en", relation: "coreference", looks: 0.9, fixed_offset: 0.5, cost: 0.3, text: "" }],
};

test("shares come from the counts, and the cost is the least of the three ways", () => {
  const [first] = relationsOf(kAbilities, 1, 0);
  assert.equal(first!.looks, 0.9);
  assert.equal(first!.offset, 0.5);
  assert.ok(Math.abs(first!.cost! - 0.3) < 1e-12);
  assert.equal(first!.without!.zero, 0.4);
  assert.equal(relationsOf(kAbilities, 0, 0)[0]!.cost, null, "nothing was removed there");
});

test("grounds: a cost, a corpus, or only this sentence", () => {
  assert.equal(groundsOf(relationsOf(kAbilities, 1, 0)), "causal");
  assert.equal(groundsOf(relationsOf(kAbilities, 0, 1)), "corpus");
  assert.equal(groundsOf(relationsOf(kAbilities, 0, 0)), "pattern", "a fixed distance does better");
  assert.equal(groundsOf(relationsOf(kAbilities, 1, 1)), "pattern");
  assert.equal(groundsOf([]), "pattern");
});

test("what a removal costs, worst first, without what loses nothing", () => {
  assert.deepEqual(costliest(kAbilities, 1, 0, "mean", 3).map((one) => one.relation), ["coreference"]);
  assert.deepEqual(costliest(kAbilities, 0, 1, "zero", 3), []);
});
