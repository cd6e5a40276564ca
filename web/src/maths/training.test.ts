import assert from "node:assert/strict";
import { test } from "node:test";
import { bestHeads, learnedOf, rowOf, soughtIn, stands, weightOf } from "./training.ts";

test("characters stand for weights as the engine writes them", () => {
  assert.equal(weightOf("A"), 0);
  assert.equal(weightOf("/"), 1);
  assert.equal(weightOf("f"), (31 / 63) ** 2);
});

test("a row is cut from [head, query, key]", () => {
  const sentence = { text: "", tokens: ["a", "b"], patterns: "AAAAAAA/" };
  assert.deepEqual(rowOf(sentence, 1, 1), [0, 1]);
  assert.deepEqual(rowOf(sentence, 0, 1), [0, 0]);
});

const tokensOf = (text: string) => ["[CLS]", ...text.toLowerCase().split(/ |(?=\.)/), "[SEP]"];

test("what is sought comes from the scenario of the same text", () => {
  const wide = "The animal didn't cross the street because it was too wide.";
  const tokens = tokensOf(wide);
  assert.deepEqual(soughtIn({ text: wide, tokens, patterns: "" }), { query: tokens.indexOf("it"), target: tokens.indexOf("street") });
  assert.equal(soughtIn({ text: "Nobody knows.", tokens: [], patterns: "" }), null);
});

test("a word that comes twice looks back", () => {
  const mary = "When Mary and John went to the shop, John gave a drink to Mary.";
  const tokens = tokensOf(mary.replace(",", " ,"));
  assert.deepEqual(soughtIn({ text: mary, tokens, patterns: "" }), { query: tokens.lastIndexOf("mary"), target: tokens.indexOf("mary") });
});

test("a head stands for a relation only above half of the pairs and above every fixed distance", () => {
  const best = (heads: number[], offset?: number) => bestHeads({ step: 1, sentences: [], relations: [{ language: "en", relation: "tense", right: 0, heads, ...(offset === undefined ? {} : { offset }) }] })[0]!;
  assert.equal(best([10, 70, 30], 24).head, 1);
  assert.equal(stands(best([10, 70], 24)), true);
  assert.equal(stands(best([10, 49], 24)), false);
  assert.equal(stands(best([10, 100], 100)), false, "a fixed distance does as well");
  assert.equal(stands(best([10, 100])), false, "nothing is known to compare with");
});

test("what is learned is told apart by the held-out words", () => {
  const part = (accuracy: number) => ({ language: "en", relation: "tense", asked: 10, accuracy }) as const;
  assert.deepEqual(learnedOf([part(0.9), part(0.89)]), { learned: [part(0.9)], open: [part(0.89)] });
});
