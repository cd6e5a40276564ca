// One stable colour per head. The first eight are told apart with the three common kinds of colour
// blindness (colour.test.ts measures it); later heads repeat the hues at another lightness. A head's number
// is always printed beside its colour, so that colour is never the only cue.
import type { Theme } from "../state/url.ts";

type Oklch = readonly [lightness: number, chroma: number, hue: number];

const kHues: Readonly<Record<Theme, readonly Oklch[]>> = {
  light: [
    [0.4, 0.18, 271],
    [0.54, 0.19, 32],
    [0.52, 0.08, 181],
    [0.66, 0.15, 67],
    [0.68, 0.2, 301],
    [0.4, 0.09, 337],
    [0.65, 0.08, 207],
    [0.41, 0.17, 28],
  ],
  dark: [
    [0.6, 0.2, 273],
    [0.74, 0.17, 63],
    [0.74, 0.13, 169],
    [0.88, 0.18, 98],
    [0.76, 0.15, 298],
    [0.6, 0.12, 339],
    [0.88, 0.07, 231],
    [0.6, 0.2, 28],
  ],
};

/** Lightness steps for heads 8-15, 16-23, … */
const kTiers = [0, 0.09, -0.08];

export function headOklch(head: number, theme: Theme): Oklch {
  const base = kHues[theme][head % 8]!;
  const step = kTiers[Math.floor(head / 8) % kTiers.length]!;
  return [base[0] + step, base[1], base[2]];
}

/** Linear-light sRGB, each channel clipped to [0, 1] (Ottosson 2020, "A perceptual color space"). */
export function linearRgb([lightness, chroma, hue]: Oklch): [number, number, number] {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  return [
    clip(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clip(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clip(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

export function rgbBytes(colour: Oklch): [number, number, number] {
  const encode = (value: number) => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
  const [red, green, blue] = linearRgb(colour);
  return [Math.round(255 * encode(red)), Math.round(255 * encode(green)), Math.round(255 * encode(blue))];
}

export function headColour(head: number, theme: Theme): string {
  return `rgb(${rgbBytes(headOklch(head, theme)).join(" ")})`;
}
