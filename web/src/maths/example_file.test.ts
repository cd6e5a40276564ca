import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, kOriginal } from "./example.ts";
import { edit } from "./example_edits.ts";
import { exportExample, FileFault, importExample, kMostBytes } from "./example_file.ts";
import { Rational } from "./rational.ts";

const kGood = exportExample(kOriginal);

/** The file with one thing changed. */
function changed(change: (file: Record<string, any>) => void): string {
  const file = JSON.parse(kGood);
  change(file);
  return JSON.stringify(file);
}

function fault(text: string): string {
  try {
    importExample(text);
  } catch (error) {
    assert.ok(error instanceof FileFault, String(error));
    return `${error.kind} ${error.where}`.trim();
  }
  return "accepted";
}

test("an example survives its file", () => {
  const own = blank({ sentence: "机器人 拿起 积木 因为 它 轻", query: 4, keys: [2, 5], heads: 3 });
  const edited = edit(own, { kind: "v", row: 1, column: 3 }, Rational.parse("-1/3")!);
  for (const example of [kOriginal, edited]) assert.deepEqual(importExample(exportExample(example)), example);
});

test("numbers may be written as numbers", () => {
  const file = changed((one) => (one["weights"][0] = [0.25, 0.25, 0.5, 0, 0]));
  assert.equal(String(importExample(file).weights[0]![2]), "0.5");
});

test("every kind of damage is named", () => {
  assert.equal(fault(" ".repeat(kMostBytes + 1)), "too_large");
  assert.equal(fault(kGood.slice(0, -3)), "not_json");
  for (const other of ["[]", "null", "3", "{}", '{"format":"other"}']) assert.equal(fault(other), "not_ours", other);
  assert.equal(fault(changed((one) => (one["version"] = 2))), "version 2");
  assert.equal(fault(changed((one) => (one["extra"] = 1))), "unknown extra");
  for (const field of ["sentence", "query", "keys", "heads", "weights", "values", "w_o"]) {
    assert.equal(fault(changed((one) => delete one[field])), `field ${field}`, field);
    assert.equal(fault(changed((one) => (one[field] = { a: 1 }))), `field ${field}`, field);
  }
  assert.equal(fault(changed((one) => (one["sentence"] = "The  animal"))), "setting sentence");
  assert.equal(fault(changed((one) => (one["query"] = 11))), "setting query");
  assert.equal(fault(changed((one) => (one["query"] = 0.5))), "setting query");
  assert.equal(fault(changed((one) => (one["keys"] = [1, 1, 7, 9, 10]))), "setting words");
  assert.equal(fault(changed((one) => (one["heads"] = 1e9))), "setting heads");
  assert.equal(fault(changed((one) => one["weights"].pop())), "extents weights: 2 × 5");
  assert.equal(fault(changed((one) => (one["w_o"][7] = [1]))), "extents w_o: 8 × 8");
  for (const value of ["abc", "", "1/0", null, true, [1], 1e300, "9".repeat(25)]) {
    assert.equal(fault(changed((one) => (one["values"][4][3] = value))), "number values[4][3]", String(value));
  }
});

test("a file with any one byte changed is an example or a fault, never anything else", () => {
  for (let at = 0; at < kGood.length; at++) {
    for (const byte of ["0", '"', "{", "\u0000", "é"]) fault(kGood.slice(0, at) + byte + kGood.slice(at + 1));
  }
});
