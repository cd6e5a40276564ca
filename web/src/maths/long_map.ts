// The part of a long pattern that is looked at: a square of queries and keys, moved and zoomed.

/** Queries [row, row + span) and keys [key, key + span). Whole numbers within the text. */
export interface Area {
  readonly row: number;
  readonly key: number;
  readonly span: number;
}

/** Close enough to read single tokens. */
export const kLeastSpan = 16;

export function whole(length: number): Area {
  return { row: 0, key: 0, span: length };
}

/** The nearest area that lies in the text. */
export function within(area: Area, length: number): Area {
  const span = Math.round(Math.min(length, Math.max(Math.min(kLeastSpan, length), area.span)));
  const inside = (from: number) => Math.round(Math.min(length - span, Math.max(0, from)));
  return { row: inside(area.row), key: inside(area.key), span };
}

/** Zoomed by `factor` (above 1: closer) about a point at (x, y), each from 0 to 1: what is there stays there. */
export function zoom(area: Area, length: number, factor: number, x: number, y: number): Area {
  const { span } = within({ ...area, span: area.span / factor }, length);
  return within({ row: area.row + y * (area.span - span), key: area.key + x * (area.span - span), span }, length);
}

/** Moved by parts of its own span. */
export function pan(area: Area, length: number, x: number, y: number): Area {
  const step = (part: number) => Math.sign(part) * Math.max(1, Math.abs(part * area.span));
  return within({ ...area, row: area.row + (y && step(y)), key: area.key + (x && step(x)) }, length);
}

/** The area of a span that has a pair in its middle, or as near to it as the text allows. */
export function around(row: number, key: number, span: number, length: number): Area {
  return within({ row: row - span / 2, key: key - span / 2, span }, length);
}

export function encodeArea(area: Area, length: number): string {
  return area.span >= length ? "" : `${area.row}.${area.key}.${area.span}`;
}

export function decodeArea(text: string, length: number): Area {
  const match = /^(\d{1,7})\.(\d{1,7})\.(\d{1,7})$/.exec(text);
  if (!match) return whole(length);
  const [row, key, span] = match.slice(1).map(Number) as [number, number, number];
  return within({ row, key, span }, length);
}

/** Tokens [begin, end) of one cell of n: as the engine cuts them. */
export function cellRange(from: number, span: number, cell: number, n: number): readonly [number, number] {
  return [from + Math.floor((cell * span) / n), from + Math.floor(((cell + 1) * span) / n)];
}

/** Powers of ten that the colours span. */
export const kDecades = 4;

/** The power of ten at the bright end, for weights up to `largest`. */
export function brightEnd(largest: number): number {
  return largest > 0 ? 10 ** Math.ceil(Math.log10(largest) - 1e-6) : 1;
}

/** How bright a weight is, 0 to 1: by its logarithm, from kDecades below the bright end. */
export function brightness(weight: number, bright: number): number {
  if (weight <= 0) return 0;
  return Math.min(1, Math.max(0, 1 + Math.log10(weight / bright) / kDecades));
}

export interface StrongCell {
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

/** The cells with the largest values, falling; none of 0. */
export function strongestCells(values: Float32Array, columns: number, count: number): StrongCell[] {
  const best: StrongCell[] = [];
  values.forEach((value, index) => {
    if (value <= 0 || (best.length === count && value <= best.at(-1)!.value)) return;
    const place = best.findIndex((one) => one.value < value);
    best.splice(place < 0 ? best.length : place, 0, { row: Math.floor(index / columns), column: index % columns, value });
    best.length = Math.min(best.length, count);
  });
  return best;
}

/** A weight in few characters: three digits, or a power of ten. */
export function shortWeight(weight: number): string {
  if (weight === 0) return "0";
  return weight >= 0.001 ? weight.toFixed(3) : weight.toExponential(1);
}
