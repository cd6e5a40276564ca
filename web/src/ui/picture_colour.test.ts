import assert from "node:assert/strict";
import { test } from "node:test";
import { plainColour } from "./picture_colour.ts";

test("computed colours become plain ones", () => {
  assert.deepEqual(plainColour("rgb(255, 253, 248)"), { hex: "#fffdf8", opacity: 1 });
  assert.deepEqual(plainColour("rgba(30, 36, 48, 0.25)"), { hex: "#1e2430", opacity: 0.25 });
  assert.deepEqual(plainColour("rgb(10 20 30 / 0.5)"), { hex: "#0a141e", opacity: 0.5 });
  assert.deepEqual(plainColour("color(srgb 1 0.5 0 / 0.3)"), { hex: "#ff8000", opacity: 0.3 });
  assert.deepEqual(plainColour("color(srgb 0 0.2 none)"), { hex: "#003300", opacity: 1 });
});

test("what is not seen, and what is no colour, is nothing", () => {
  for (const text of ["rgba(0, 0, 0, 0)", "none", "transparent", "url(#g)", ""]) assert.equal(plainColour(text), null, text);
});
