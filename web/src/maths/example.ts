// The worked example as data: one query token, a few words, two heads of width 4, one W_O [8, 8].
// Everything the page prints about it is computed here, exactly.
import { Rational, sum } from "./rational.ts";

export const kHeads = 2;
export const kHeadDim = 4;
export const kModelWidth = kHeads * kHeadDim;

export interface Example {
  readonly words: readonly string[];
  /** [head][word]: the query token's pattern row in each head. */
  readonly weights: readonly (readonly Rational[])[];
  /** [word][component], read by both heads. */
  readonly values: readonly (readonly Rational[])[];
  /** [row][column]: W_O, rows 0-3 are read by head 1, rows 4-7 by head 2. */
  readonly outputProjection: readonly (readonly Rational[])[];
}

export interface Term {
  readonly factor: Rational;
  readonly value: Rational;
  readonly product: Rational;
}

export interface Sum {
  readonly terms: readonly Term[];
  readonly total: Rational;
}

const kWords = ["animal", "road", "because", "was", "tired"] as const;

const kWeights = [
  ["0.70", "0.05", "0.10", "0.05", "0.10"],
  ["0.20", "0.05", "0.05", "0.15", "0.55"],
];

const kValues = [
  ["0.8", "0.1", "0.0", "0.2"],
  ["0.1", "0.7", "0.1", "0.0"],
  ["0.2", "0.2", "0.6", "0.1"],
  ["0.1", "0.1", "0.2", "0.8"],
  ["0.3", "0.6", "0.1", "0.2"],
];

function exact(text: string): Rational {
  const value = Rational.parse(text);
  if (!value) throw new Error(`not a number: ${text}`);
  return value;
}

function identity(size: number): Rational[][] {
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (_, column) => (row === column ? Rational.one : Rational.zero)),
  );
}

export const kOriginal: Example = {
  words: kWords,
  weights: kWeights.map((row) => row.map(exact)),
  values: kValues.map((row) => row.map(exact)),
  outputProjection: identity(kModelWidth),
};

function dot(factors: readonly Rational[], values: readonly Rational[]): Sum {
  const terms = factors.map((factor, i) => {
    const value = values[i]!;
    return { factor, value, product: factor.times(value) };
  });
  return { terms, total: sum(terms.map((term) => term.product)) };
}

function column(matrix: readonly (readonly Rational[])[], index: number): Rational[] {
  return matrix.map((row) => row[index]!);
}

/** Mixes the value vectors by one row of weights: one sum per component. */
export function mix(example: Example, weights: readonly Rational[]): Sum[] {
  return Array.from({ length: kHeadDim }, (_, d) => dot(weights, column(example.values, d)));
}

export function headOutputs(example: Example): Sum[][] {
  return example.weights.map((weights) => mix(example, weights));
}

export function concat(example: Example): Rational[] {
  return headOutputs(example).flatMap((output) => output.map((one) => one.total));
}

/** concat × W_O, one sum per output component. */
export function project(example: Example): Sum[] {
  const joined = concat(example);
  return Array.from({ length: kModelWidth }, (_, c) => dot(joined, column(example.outputProjection, c)));
}

/** z_h × W_O^h: what each head adds to the result, [head][component]. */
export function headContributions(example: Example): Rational[][] {
  const result = project(example);
  return example.weights.map((_, h) =>
    result.map((one) => sum(one.terms.slice(h * kHeadDim, (h + 1) * kHeadDim).map((term) => term.product))),
  );
}

export function weightTotal(example: Example, head: number): Rational {
  return sum(example.weights[head]!);
}

/** The mean of the heads' rows: not a head, and not what a single trained head would learn. */
export function averageOfHeads(example: Example): Rational[] {
  return example.words.map((_, w) => sum(column(example.weights, w)).dividedBy(kHeads));
}
