import assert from "node:assert/strict";
import { test } from "node:test";
import { formatGates, parseGates, withGate } from "./gates.ts";

test("gates survive their text", () => {
  const text = "2.1:0;0.3:0.5;0.0:0.25";
  assert.equal(formatGates(parseGates(text, 3, 4)), text);
});

test("what is not a gate of this model is passed over", () => {
  assert.deepEqual([...parseGates("3.0:0;0.4:0;0.1:1;0.1:2;-1.0:0;x;0.2:nan;;0.2:.5", 3, 4)], [["0.2", 0.5]]);
  assert.equal(parseGates("", 3, 4).size, 0);
});

test("a head that is fully on again leaves no trace", () => {
  const off = withGate(new Map(), "1.2", 0);
  assert.equal(formatGates(off), "1.2:0");
  assert.equal(formatGates(withGate(off, "1.2", 0.4)), "1.2:0.4");
  assert.equal(withGate(off, "1.2", 1).size, 0);
});
