// Vectors as pictures and as sums.

/** The largest size of any number in any of the vectors; 1 when all are zero, so that it can divide. */
export function largest(vectors: readonly (readonly number[])[]): number {
  let most = 0;
  for (const vector of vectors) for (const value of vector) most = Math.max(most, Math.abs(value));
  return most || 1;
}

/**
 * One bar for each number, up from the middle line when positive, down when negative, as an SVG path in a box
 * of `values.length` x 2.
 */
export function barsPath(values: readonly number[], most: number): string {
  return values
    .map((value, i) => {
      const size = Math.min(1, Math.abs(value) / most);
      return size < 0.005 ? "" : `M${i + 0.08} 1v${(value > 0 ? -size : size).toFixed(3)}h.84V1z`;
    })
    .join("");
}

export interface Term {
  readonly token: number;
  readonly weight: number;
  readonly value: number;
  readonly product: number;
}

/** weight x value for each token: the `most` largest products first, and the sum of all others. */
export function largestTerms(weights: readonly number[], values: readonly number[], most: number): { terms: Term[]; rest: number } {
  const all = weights.map((weight, token) => ({ token, weight, value: values[token]!, product: weight * values[token]! }));
  all.sort((a, b) => Math.abs(b.product) - Math.abs(a.product) || a.token - b.token);
  const rest = all.slice(most).reduce((sum, term) => sum + term.product, 0);
  return { terms: all.slice(0, most), rest };
}

/** Column `column` of a matrix stored row by row. */
export function columnOf(data: ArrayLike<number>, columns: number, column: number): number[] {
  return Array.from({ length: data.length / columns }, (_, row) => data[row * columns + column]!);
}

/** A number with so many decimals and a real minus sign. */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A number for reading: three significant digits, a real minus sign. */
export function signed(value: number): string {
  const text = Math.abs(value) >= 100 ? value.toFixed(1) : value.toPrecision(3);
  return (Math.abs(value) < 0.0005 ? "0" : text).replace("-", "−");
}

/** A probability: more digits where it is small. */
export function percent(probability: number): string {
  const value = 100 * probability;
  if (value === 0) return "0 %";
  return `${value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : "<0.1"} %`;
}
