import assert from "node:assert/strict";
import { test } from "node:test";
import { isInOrder, kQuestions, kRight, kRule, kRuleShuffled, kSteps, moved } from "./steps.ts";

test("no part of the rule is offered where it belongs, and moving parts can put it right", () => {
  assert.deepEqual([...kRuleShuffled].sort(), [...kRule].sort());
  kRuleShuffled.forEach((part, i) => assert.notEqual(part, kRule[i]));
  let parts = kRuleShuffled;
  for (const [index, by] of [[0, 1], [2, 1], [1, 1]] as const) parts = moved(parts, index, by);
  assert.ok(isInOrder(parts));
});

test("moving past an end changes nothing", () => {
  assert.equal(moved(kRuleShuffled, 0, -1), kRuleShuffled);
  assert.equal(moved(kRuleShuffled, 3, 1), kRuleShuffled);
});

test("steps have names of their own, and the right answers are not all the same letter", () => {
  assert.equal(new Set(kSteps.map((step) => step.key)).size, kSteps.length);
  assert.equal(new Set(kQuestions.map((key) => kRight[key])).size, 3);
});
