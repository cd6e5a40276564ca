// A grid of weights as pixels: the head's colour, by the weight's logarithm.
import type { PatternMap } from "../api/long.ts";
import { brightEnd, brightness, type Area } from "../maths/long_map.ts";
import type { Theme } from "../state/url.ts";
import { headOklch, rgbBytes } from "../ui/colour.ts";

export type Shown = "mean" | "max";

export function brightOf(map: PatternMap, shown: Shown): number {
  return brightEnd(map[shown].reduce((most, value) => Math.max(most, value), 0));
}

/** The map as an image of one pixel a cell, clear where the weight is small. */
export function imageOf(map: PatternMap, shown: Shown, head: number, theme: Theme): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = map.columns;
  canvas.height = map.rows;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(map.columns, map.rows);
  const [red, green, blue] = rgbBytes(headOklch(head, theme));
  const bright = brightOf(map, shown);
  map[shown].forEach((weight, i) => image.data.set([red, green, blue, 255 * brightness(weight, bright)], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Draws what an image of `its` area has of the area on show, in place of what was there. */
export function drawAt(context: CanvasRenderingContext2D, image: HTMLCanvasElement, its: Area, on: Area): void {
  const common = (a: number, b: number) => [Math.max(a, b), Math.min(a + its.span, b + on.span)] as const;
  const [left, right] = common(its.key, on.key);
  const [top, bottom] = common(its.row, on.row);
  if (left >= right || top >= bottom) return;
  const to = context.canvas.width / on.span;
  const [x, y, width, height] = [(left - on.key) * to, (top - on.row) * to, (right - left) * to, (bottom - top) * to];
  const [across, down] = [image.width / its.span, image.height / its.span];
  context.clearRect(x, y, width, height);
  context.drawImage(image, (left - its.key) * across, (top - its.row) * down, (right - left) * across, (bottom - top) * down, x, y, width, height);
}
