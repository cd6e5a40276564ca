// The worked example as data: a sentence, one of its words as the query token, a few words that it may read,
// heads of width 4, one W_O. Everything the page prints about it is computed here, exactly.
import { Rational, sum } from "./rational.ts";

export const kHeadDim = 4;
export const kMostHeads = 4;
export const kMostKeys = 8;
export const kMostWords = 24;
export const kMostSentence = 200;

/** What an example is about, without its numbers. */
export interface Setting {
  /** Words separated by single spaces. */
  readonly sentence: string;
  /** The word that looks, counted from 0. */
  readonly query: number;
  /** The words that it reads, in the order of the sentence. */
  readonly keys: readonly number[];
  readonly heads: number;
}

export interface Example extends Setting {
  /** The words of `keys`. */
  readonly words: readonly string[];
  readonly queryWord: string;
  /** [head][word]: the query token's pattern row in each head. */
  readonly weights: readonly (readonly Rational[])[];
  /** [word][component], read by all heads. */
  readonly values: readonly (readonly Rational[])[];
  /** [row][column]: W_O; rows 0-3 are read by head 1, rows 4-7 by head 2, … */
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

const kFirst: Setting = {
  sentence: "The animal did not cross the road because it was tired",
  query: 8,
  keys: [1, 6, 7, 9, 10],
  heads: 2,
};

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

export function wordsOf(sentence: string): string[] {
  return sentence.split(" ").filter((word) => word !== "");
}

/** An example of this setting before anybody wrote a number: every weight alike, W_O the identity. */
export function blank(setting: Setting): Example {
  const words = wordsOf(setting.sentence);
  const count = setting.keys.length;
  const unit = (one: boolean) => (one ? Rational.one : Rational.zero);
  const square = setting.heads * kHeadDim;
  return {
    ...setting,
    words: setting.keys.map((key) => words[key]!),
    queryWord: words[setting.query]!,
    weights: Array.from({ length: setting.heads }, () => setting.keys.map(() => Rational.of(1n, BigInt(count)))),
    values: setting.keys.map((_, w) => Array.from({ length: kHeadDim }, (_d, d) => unit(d === w % kHeadDim))),
    outputProjection: Array.from({ length: square }, (_, row) => Array.from({ length: square }, (_c, c) => unit(row === c))),
  };
}

export const kOriginal: Example = {
  ...blank(kFirst),
  weights: kWeights.map((row) => row.map(exact)),
  values: kValues.map((row) => row.map(exact)),
};

export function widthOf(example: Setting): number {
  return example.heads * kHeadDim;
}

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
  return Array.from({ length: widthOf(example) }, (_, c) => dot(joined, column(example.outputProjection, c)));
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
  return example.words.map((_, w) => sum(column(example.weights, w)).dividedBy(example.heads));
}
