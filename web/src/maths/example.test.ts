import assert from "node:assert/strict";
import { test } from "node:test";
import { averageOfHeads, concat, headContributions, headOutputs, kOriginal, project, weightTotal } from "./example.ts";
import { decodeEdits, edit, encodeEdits } from "./example_edits.ts";
import { Rational } from "./rational.ts";

const text = (values: readonly Rational[]) => values.map(String);
const number = (value: string) => Rational.parse(value)!;

test("the two heads' outputs are exact", () => {
  const [first, second] = headOutputs(kOriginal);
  assert.deepEqual(text(first!.map((one) => one.total)), ["0.62", "0.19", "0.085", "0.21"]);
  assert.deepEqual(text(second!.map((one) => one.total)), ["0.355", "0.41", "0.12", "0.275"]);
});

test("every row of weights sums to one, and so does the average of heads", () => {
  assert.ok(weightTotal(kOriginal, 0).equals(Rational.one));
  assert.ok(weightTotal(kOriginal, 1).equals(Rational.one));
  assert.deepEqual(text(averageOfHeads(kOriginal)), ["0.45", "0.05", "0.075", "0.1", "0.325"]);
});

test("the identity W_O passes the concatenated vector through", () => {
  assert.deepEqual(text(project(kOriginal).map((one) => one.total)), text(concat(kOriginal)));
});

test("the heads' contributions add up to the result for any W_O", () => {
  let example = edit(kOriginal, { kind: "o", row: 0, column: 7 }, number("1/3"));
  example = edit(example, { kind: "o", row: 5, column: 7 }, number("-2"));
  const [first, second] = headContributions(example);
  project(example).forEach((one, c) => assert.ok(first![c]!.plus(second![c]!).equals(one.total)));
  assert.equal(String(project(example)[7]!.total), String(number("0.275").plus(number("0.62").dividedBy(3)).plus(number("-0.82"))));
});

test("edits survive the URL, and only edits are in it", () => {
  assert.equal(encodeEdits(kOriginal), "");
  const edited = edit(edit(kOriginal, { kind: "w", row: 1, column: 4 }, number("0.5")), { kind: "v", row: 2, column: 3 }, number("-1/7"));
  assert.equal(encodeEdits(edited), "w1.4:0.5;v2.3:-1/7");
  assert.deepEqual(decodeEdits(kOriginal, encodeEdits(edited)), edited);
});

test("what is not an edit is ignored", () => {
  assert.deepEqual(decodeEdits(kOriginal, "w9.9:1;x0.0:1;v0.0:abc;;w0.0"), kOriginal);
});
