import assert from "node:assert/strict";
import { test } from "node:test";
import { headOklch, linearRgb } from "./colour.ts";
import { apart, contrast, kVision, oklab, seen } from "./vision.ts";

for (const theme of ["light", "dark"] as const) {
  for (const [vision, matrix] of Object.entries(kVision)) {
    test(`eight heads can be told apart: ${theme}, ${vision}`, () => {
      const colours = Array.from({ length: 8 }, (_, head) => oklab(seen(linearRgb(headOklch(head, theme)), matrix)));
      for (let i = 0; i < 8; i++) {
        for (let j = 0; j < i; j++) {
          const between = apart(colours[i]!, colours[j]!);
          assert.ok(between >= 0.1, `heads ${j} and ${i} are ${between.toFixed(3)} apart`);
        }
      }
    });
  }

  test(`every head's colour stands out from the card: ${theme}`, () => {
    for (let head = 0; head < 24; head++) {
      const ratio = contrast(linearRgb(headOklch(head, theme)), theme);
      assert.ok(ratio >= 2.2, `head ${head}: ${ratio.toFixed(2)}`);
    }
  });
}
