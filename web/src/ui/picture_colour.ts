/** A computed colour for programs that know no CSS newer than SVG 1.1: "#rrggbb" and an opacity. */
export interface PlainColour {
  readonly hex: string;
  readonly opacity: number;
}

const byte = (value: number) => Math.round(Math.min(1, Math.max(0, value)) * 255).toString(16).padStart(2, "0");

/** Reads what browsers compute: rgb(), rgba() and color(srgb …). Null: nothing is painted, or it is no colour. */
export function plainColour(computed: string): PlainColour | null {
  const match = /^(rgba?|color)\((?:srgb )?([^)]*)\)$/.exec(computed);
  if (!match) return null;
  const numbers = match[2]!.split(/[\s,/]+/).map((part) => (part === "none" ? 0 : Number.parseFloat(part)));
  const [red, green, blue, alpha = 1] = numbers;
  if (numbers.length < 3 || numbers.some(Number.isNaN) || alpha === 0) return null;
  const unit = match[1] === "color" ? 1 : 255;
  return { hex: `#${byte(red! / unit)}${byte(green! / unit)}${byte(blue! / unit)}`, opacity: Math.min(1, alpha) };
}
