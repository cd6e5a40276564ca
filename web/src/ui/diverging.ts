// Colours of a difference between two sides: blue where A has more, orange where B has, and nothing at all
// where they agree. Blue and orange stay apart with the common kinds of colour blindness (diverging.test.ts).
import type { Theme } from "../state/url.ts";
import { rgbBytes } from "./colour.ts";

export type Side = "a" | "b";
type Oklch = readonly [lightness: number, chroma: number, hue: number];

const kSides: Readonly<Record<Theme, Readonly<Record<Side, Oklch>>>> = {
  light: { a: [0.47, 0.16, 258], b: [0.62, 0.15, 52] },
  dark: { a: [0.68, 0.14, 255], b: [0.8, 0.14, 70] },
};

export function sideOklch(side: Side, theme: Theme): Oklch {
  return kSides[theme][side];
}

export function sideColour(side: Side, theme: Theme): string {
  return `rgb(${rgbBytes(sideOklch(side, theme)).join(" ")})`;
}

/** At most so much of a field is covered that a bar of the same colour still stands out from it. */
const kMostCover = 0.6;

/** How much of the side's colour covers the background: small differences are seen, equal ones leave it bare. */
export function cover(difference: number): number {
  return kMostCover * Math.min(1, Math.abs(difference)) ** 0.7;
}

/** `difference` is B less A, in [-1, 1]. */
export function differenceColour(difference: number, theme: Theme): string {
  const side = difference > 0 ? "b" : "a";
  return `rgb(${rgbBytes(sideOklch(side, theme)).join(" ")} / ${cover(difference).toFixed(3)})`;
}
