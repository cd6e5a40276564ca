// The exercise "invent two heads": what is asked, and whether it is done.
import { headOutputs, kHeadDim, weightTotal, type Example, type Setting } from "./example.ts";
import { Rational } from "./rational.ts";

export const kInvention: Setting = {
  sentence: "The horse crossed the road because it was tired",
  query: 6,
  keys: [1, 4, 5, 7, 8],
  heads: 2,
};

/** The word that each head is to find: who it is, and why. */
export const kWanted = ["horse", "tired"] as const;

const kHalf = Rational.of(1n, 2n);

export type CheckName = "row" | "finds" | "own_values" | "sums" | "place";

export interface Check {
  readonly name: CheckName;
  /** The head that it is about; 0 for both. */
  readonly head: number;
  readonly done: boolean;
}

/** Answers as typed: head 1's four sums, then head 2's, then where o2[1] stands in the long vector. */
export type Answers = readonly string[];

export const kAnswers = 2 * kHeadDim + 1;

/** No weight below 0, and all together 1. */
export function isRow(example: Example, head: number): boolean {
  const row = example.weights[head]!;
  return row.every((weight) => weight.numerator >= 0n) && weightTotal(example, head).equals(Rational.one);
}

function finds(example: Example, head: number): boolean {
  const weight = example.weights[head]![example.words.indexOf(kWanted[head]!)]!;
  return isRow(example, head) && weight.minus(kHalf).numerator > 0n;
}

function valuesDiffer(example: Example): boolean {
  const seen = new Set(example.values.map((row) => row.join(" ")));
  return seen.size === example.values.length;
}

/** Whether the nth typed answer is right; null while nothing is typed. */
export function judge(example: Example, answers: Answers, index: number): boolean | null {
  const typed = answers[index] ?? "";
  if (typed.trim() === "") return null;
  const value = Rational.parse(typed);
  const right =
    index < 2 * kHeadDim
      ? headOutputs(example)[Math.floor(index / kHeadDim)]![index % kHeadDim]!.total
      : Rational.of(BigInt(kHeadDim + 1), 1n);
  return value !== null && value.equals(right);
}

export function checks(example: Example, answers: Answers): Check[] {
  const sums = (head: number) => Array.from({ length: kHeadDim }, (_, d) => judge(example, answers, head * kHeadDim + d)).every((one) => one === true);
  return [
    { name: "row", head: 1, done: isRow(example, 0) },
    { name: "finds", head: 1, done: finds(example, 0) },
    { name: "row", head: 2, done: isRow(example, 1) },
    { name: "finds", head: 2, done: finds(example, 1) },
    { name: "own_values", head: 0, done: valuesDiffer(example) },
    { name: "sums", head: 1, done: sums(0) },
    { name: "sums", head: 2, done: sums(1) },
    { name: "place", head: 0, done: judge(example, answers, kAnswers - 1) === true },
  ];
}
