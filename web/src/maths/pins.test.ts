import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPins, isPinned, parsePins, togglePin } from "./pins.ts";

test("pins are read in order, each once; what is no head of the model is passed over", () => {
  const pins = parsePins("2.3,0.1,2.3,4.0,1.8,x,1.-1,,1.7", 4, 8);
  assert.equal(formatPins(pins), "0.1,1.7,2.3");
  assert.deepEqual(parsePins("", 4, 8), []);
  assert.deepEqual(parsePins(formatPins(pins), 4, 8), pins);
});

test("a pin is set, found and taken away again", () => {
  const one = togglePin([], { layer: 2, head: 3 });
  assert.ok(isPinned(one, 2, 3));
  assert.ok(!isPinned(one, 3, 2));
  const two = togglePin(one, { layer: 1, head: 7 });
  assert.equal(formatPins(two), "1.7,2.3");
  assert.equal(formatPins(togglePin(two, { layer: 2, head: 3 })), "1.7");
});
