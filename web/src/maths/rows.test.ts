import assert from "node:assert/strict";
import { test } from "node:test";
import { hiddenMass, shortNumber, spreadOver, strongest } from "./rows.ts";
import { firstQuery, shownTokens } from "./tokens.ts";

const all = () => true;

test("the strongest targets are sorted, bounded and strong", () => {
  assert.deepEqual(strongest([0.1, 0.6, 0.3], all).map((target) => target.index), [1, 2, 0]);
  assert.deepEqual(strongest([0.05, 0.05, 0.9], all).map((target) => target.index), [2]);
  assert.deepEqual(strongest([0.01, 0.02], all), []);
  assert.deepEqual(strongest([0.9, 0.06, 0.04], (index) => index > 0), []);
  assert.equal(strongest([0.25, 0.25, 0.25, 0.25], all).length, 3);
});

test("hidden mass is what the hidden tokens hold", () => {
  assert.equal(hiddenMass([0.5, 0.25, 0.25], (index) => index === 1), 0.75);
  assert.equal(hiddenMass([0.5, 0.5], all), 0);
});

test("an even row over n tokens is spread over n", () => {
  assert.ok(Math.abs(spreadOver(Math.log(7)) - 7) < 1e-12);
});

test("short numbers do not hide small weights", () => {
  assert.equal(shortNumber(0), ".000");
  assert.equal(shortNumber(0.0001), "<.001");
  assert.equal(shortNumber(0.6204), ".620");
  assert.equal(shortNumber(1), "1.000");
});

const token = (piece: string, begin: number, end: number, special = false) => ({ id: 1, piece, begin, end, special });

test("tokens show the user's own text, offsets being bytes", () => {
  const text = "Café it";
  const tokens = shownTokens(text, [token("[CLS]", 0, 0, true), token("caf", 0, 3), token("##e", 3, 5), token("it", 6, 8)]);
  assert.deepEqual(tokens.map((one) => one.text), ["[CLS]", "Caf", "é", "it"]);
  assert.deepEqual(tokens.map((one) => one.joined), [false, false, true, false]);
  assert.equal(firstQuery(tokens), 3);
});

test("what the vocabulary does not know is told from what it writes differently", () => {
  const text = "The Road ☃";
  const pieces = [token("the", 0, 3), token("▁Road", 4, 8), token("[UNK]", 9, 12), token("A", 0, 3)];
  assert.deepEqual(shownTokens(text, pieces).map((one) => one.readAs), [null, null, "[UNK]", "A"]);
});

test("pieces without text are shown without their markers", () => {
  const tokens = shownTokens("", [token("▁road", 0, 0), token("Ġ", 0, 0), token("<0x0A>", 0, 0)]);
  assert.deepEqual(tokens.map((one) => one.text), ["road", "␣", "<0x0A>"]);
  assert.equal(firstQuery(tokens), 2);
});

test("a token that covers half a character falls back to its piece", () => {
  assert.equal(shownTokens("它", [token("<0xE5>", 0, 1)])[0]!.text, "<0xE5>");
});
