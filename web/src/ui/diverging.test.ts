import assert from "node:assert/strict";
import { test } from "node:test";
import { linearRgb } from "./colour.ts";
import { cover, differenceColour, sideOklch } from "./diverging.ts";
import { apart, contrast, kBackground, kVision, oklab, seen, type Rgb } from "./vision.ts";

/** The side's colour laid over the card, as the browser blends it: in encoded sRGB. */
function laid(side: "a" | "b", theme: "light" | "dark", difference: number): Rgb {
  const encode = (x: number) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
  const decode = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const alpha = cover(difference);
  const under = encode(kBackground[theme]);
  const mixed = linearRgb(sideOklch(side, theme)).map((channel) => decode(alpha * encode(channel) + (1 - alpha) * under));
  return [mixed[0]!, mixed[1]!, mixed[2]!];
}

test("no difference leaves the background bare", () => {
  for (const theme of ["light", "dark"] as const) assert.match(differenceColour(0, theme), /\/ 0\.000\)$/);
});

for (const theme of ["light", "dark"] as const) {
  for (const [vision, matrix] of Object.entries(kVision)) {
    test(`who has more can be told, and how much more: ${theme}, ${vision}`, () => {
      const look = (side: "a" | "b", difference: number) => oklab(seen(laid(side, theme, difference), matrix));
      const bare = look("a", 0);
      for (const difference of [0.1, 0.25, 0.5, 1]) {
        const [a, b] = [look("a", difference), look("b", difference)];
        const least = difference >= 0.25 ? 0.05 : 0.02;
        assert.ok(apart(a, b) >= least, `${difference}: the sides are ${apart(a, b).toFixed(3)} apart`);
        for (const one of [a, b]) assert.ok(apart(one, bare) >= least, `${difference}: ${apart(one, bare).toFixed(3)} from bare`);
      }
      for (const side of ["a", "b"] as const) {
        const steps = [0, 0.1, 0.25, 0.5, 1].map((difference) => apart(look(side, difference), bare));
        for (let i = 1; i < steps.length; i++) assert.ok(steps[i]! > steps[i - 1]!, `${side}: ${steps.join(" ")}`);
      }
    });
  }

  test(`both sides stand out from the card: ${theme}`, () => {
    for (const side of ["a", "b"] as const) {
      const ratio = contrast(linearRgb(sideOklch(side, theme)), theme);
      assert.ok(ratio >= 3, `${side}: ${ratio.toFixed(2)}`);
    }
  });
}
