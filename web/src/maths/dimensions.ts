// A multi-head attention layer in numbers: shapes, parameters, operations, cache. The counts are those of the
// engine's layer (causal self-attention with biases), which a test of the page compares with its own.

export interface Dimensions {
  readonly d_model: number;
  readonly n_heads: number;
  readonly n_kv_heads: number;
  /** Tokens. */
  readonly length: number;
}

export const kFirstDimensions: Dimensions = { d_model: 512, n_heads: 8, n_kv_heads: 8, length: 128 };

/** What the sliders offer. */
export const kMost: Dimensions = { d_model: 2048, n_heads: 64, n_kv_heads: 64, length: 8192 };

/** The engine times no layer with more operations than this. */
export const kMostTimedFlops = 5e10;

export function decodeDimensions(text: string): Dimensions {
  const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})\.(\d{1,4})$/.exec(text);
  if (!match) return kFirstDimensions;
  const [d_model, n_heads, n_kv_heads, length] = match.slice(1).map(Number) as [number, number, number, number];
  const inside = (value: number, most: number) => value >= 1 && value <= most;
  const fits =
    inside(d_model, kMost.d_model) && inside(n_heads, kMost.n_heads) && inside(n_kv_heads, kMost.n_kv_heads) && inside(length, kMost.length);
  return fits ? { d_model, n_heads, n_kv_heads, length } : kFirstDimensions;
}

export function encodeDimensions({ d_model, n_heads, n_kv_heads, length }: Dimensions): string {
  const text = `${d_model}.${n_heads}.${n_kv_heads}.${length}`;
  return text === "512.8.8.128" ? "" : text;
}

/** The divisors of `whole` next to `wanted`, below and above, at most `most`. */
export function nearestDivisors(whole: number, wanted: number, most: number): number[] {
  const divisors = Array.from({ length: Math.min(whole, most) }, (_, i) => i + 1).filter((one) => whole % one === 0);
  const below = divisors.filter((one) => one < wanted).at(-1);
  const above = divisors.find((one) => one > wanted);
  return [below, above].filter((one) => one !== undefined);
}

/** The multiples of `part` next to `wanted`, within [part, most]. */
export function nearestMultiples(part: number, wanted: number, most: number): number[] {
  const below = Math.floor(wanted / part) * part;
  return [below, below + part].filter((one) => one >= part && one <= most && one !== wanted);
}

/** What does not divide what, null when all is well. */
export function misfit({ d_model, n_heads, n_kv_heads }: Dimensions): "n_heads" | "n_kv_heads" | null {
  if (d_model % n_heads !== 0) return "n_heads";
  return n_heads % n_kv_heads !== 0 ? "n_kv_heads" : null;
}

export interface Shape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface Layer {
  readonly headDim: number;
  readonly shapes: readonly Shape[];
  readonly parameters: number;
  /** Operations on all tokens at once, and on one more with the others in the cache; a multiply-add is two. */
  readonly flops: { readonly whole: number; readonly next: number };
  /** Numbers in the key/value cache when all tokens are in it. */
  readonly cacheNumbers: number;
}

/** Operations of `queries` tokens at the end of `length`. */
function flopsOf(d: Dimensions, width: number, kvWidth: number, queries: number): number {
  const projections = d.d_model * (2 * width + 2 * kvWidth);
  const pairs = queries * (d.length - (queries - 1) / 2);
  return 2 * queries * projections + 4 * pairs * width;
}

/** For dimensions that fit (misfit() is null). */
export function layerOf(d: Dimensions): Layer {
  const headDim = d.d_model / d.n_heads;
  const [width, kvWidth] = [d.n_heads * headDim, d.n_kv_heads * headDim];
  const T = d.length;
  return {
    headDim,
    shapes: [
      { name: "x", shape: [T, d.d_model] },
      { name: "W_Q", shape: [d.d_model, width] },
      { name: "W_K", shape: [d.d_model, kvWidth] },
      { name: "W_V", shape: [d.d_model, kvWidth] },
      { name: "q", shape: [T, d.n_heads, headDim] },
      { name: "k", shape: [T, d.n_kv_heads, headDim] },
      { name: "v", shape: [T, d.n_kv_heads, headDim] },
      { name: "scores", shape: [d.n_heads, T, T] },
      { name: "pattern", shape: [d.n_heads, T, T] },
      { name: "z", shape: [T, d.n_heads, headDim] },
      { name: "concat", shape: [T, width] },
      { name: "W_O", shape: [width, d.d_model] },
      { name: "out", shape: [T, d.d_model] },
    ],
    parameters: 2 * d.d_model * (width + kvWidth) + width + 2 * kvWidth + d.d_model,
    flops: { whole: flopsOf(d, width, kvWidth, T), next: flopsOf(d, width, kvWidth, 1) },
    cacheNumbers: 2 * T * kvWidth,
  };
}
