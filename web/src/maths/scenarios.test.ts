import assert from "node:assert/strict";
import { test } from "node:test";
import { kScenarios, linkOf, querySpan, scenarioById, strongestLink, targetSpan, textOf } from "./scenarios.ts";
import type { ShownToken } from "./tokens.ts";

/** One token for every word, as a tokenizer that knows them all would cut the text. */
function wordTokens(text: string): ShownToken[] {
  const bytes = (part: string) => new TextEncoder().encode(part).length;
  return [...text.matchAll(/\p{L}+/gu)].map((match, index) => {
    const begin = bytes(text.slice(0, match.index));
    const plain = { id: 0, piece: match[0], special: false, joined: false, readAs: null };
    return { ...plain, index, text: match[0], begin, end: begin + bytes(match[0]) };
  });
}

test("every scenario has its own name, one word that looks and one to be found", () => {
  assert.equal(new Set(kScenarios.map((one) => one.id)).size, kScenarios.length);
  for (const one of kScenarios) {
    assert.match(one.marked, /^[^‹›«»]*(‹[^‹›«»]+›|«[^‹›«»]+»)[^‹›«»]*(‹[^‹›«»]+›|«[^‹›«»]+»)[^‹›«»]*$/u, one.id);
    const bytes = new TextEncoder().encode(textOf(one));
    for (const { word, begin, end } of [querySpan(one), targetSpan(one)]) {
      assert.equal(new TextDecoder().decode(bytes.subarray(begin, end)), word, one.id);
    }
  }
});

test("a word is found by its place, not by its name; a causal model looks back", () => {
  const mary = scenarioById("mary")!;
  const tokens = wordTokens(textOf(mary));
  assert.deepEqual(linkOf(mary, tokens, true), { query: 13, targets: [1] });
  const rain = scenarioById("rain")!;
  assert.deepEqual(linkOf(rain, wordTokens(textOf(rain)), false), { query: 1, targets: [2] });
  assert.deepEqual(linkOf(rain, wordTokens(textOf(rain)), true), { query: 2, targets: [1] });
  assert.equal(linkOf(mary, [], false), null);
});

test("the strongest link is over all heads of all layers, and over all pieces of the word", () => {
  const rows = [[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], [[0.2, 0.4, 0.4], [0.9, 0.05, 0.05]]];
  assert.deepEqual(strongestLink({ query: 0, targets: [1, 2] }, rows), { query: 0, targets: [1, 2], layer: 0, head: 1, weight: 0.9 });
  assert.deepEqual(strongestLink({ query: 0, targets: [1] }, rows), { query: 0, targets: [1], layer: 1, head: 0, weight: 0.4 });
});
