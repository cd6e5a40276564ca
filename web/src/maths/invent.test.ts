import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, headOutputs, type Example } from "./example.ts";
import { edit } from "./example_edits.ts";
import { checks, judge, kAnswers, kInvention } from "./invent.ts";
import { Rational } from "./rational.ts";

const kNothing = Array.from({ length: kAnswers }, () => "");
const done = (example: Example, answers: readonly string[]) =>
  checks(example, answers).flatMap((one) => (one.done ? [`${one.name}${one.head}`] : []));

function withRow(example: Example, head: number, row: readonly string[]): Example {
  return row.reduce((now, weight, column) => edit(now, { kind: "w", row: head, column }, Rational.parse(weight)!), example);
}

const kStart = blank(kInvention);

test("at the start only the rows are in order", () => {
  assert.deepEqual(kStart.words, ["horse", "road", "because", "was", "tired"]);
  assert.equal(kStart.queryWord, "it");
  assert.deepEqual(done(kStart, kNothing), ["row1", "row2"]);
});

test("a head finds its word with more than half of a proper row", () => {
  assert.ok(!done(withRow(kStart, 0, ["0.5", "0.5", "0", "0", "0"]), kNothing).includes("finds1"));
  assert.ok(done(withRow(kStart, 0, ["0.51", "0.49", "0", "0", "0"]), kNothing).includes("finds1"));
  assert.ok(!done(withRow(kStart, 0, ["0.7", "0.7", "0", "0", "0"]), kNothing).includes("finds1"));
  const negative = done(withRow(kStart, 1, ["-0.5", "0", "0", "0", "1.5"]), kNothing);
  assert.ok(!negative.includes("row2") && !negative.includes("finds2"));
});

test("all checks can be met, and typed sums are compared exactly", () => {
  let example = withRow(withRow(kStart, 0, ["0.7", "0.1", "0.1", "0.05", "0.05"]), 1, ["0.2", "0", "0.1", "0.1", "0.6"]);
  example = edit(example, { kind: "v", row: 4, column: 1 }, Rational.parse("1/3")!);
  const sums = headOutputs(example).flatMap((output) => output.map((one) => String(one.total)));
  assert.equal(checks(example, [...sums, "5"]).every((one) => one.done), true);
  assert.equal(judge(example, [...sums, "6"], kAnswers - 1), false);
  assert.equal(judge(example, kNothing, 0), null);
  assert.equal(judge(example, ["0.7501"], 0), false);
  assert.equal(judge(example, ["nonsense"], 0), false);
});
