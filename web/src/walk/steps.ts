// The story, step by step. Each step lights a part of the live page and may change its state.

export interface Step {
  readonly key: StepKey;
  /** What it is about, as selectors; the first that is there is scrolled to. */
  readonly targets: readonly string[];
}

export type StepKey =
  | "one"
  | "split"
  | "parallel"
  | "specialise"
  | "values"
  | "concat"
  | "project"
  | "add"
  | "switch"
  | "trap"
  | "rule"
  | "quiz";

export const kSteps: readonly Step[] = [
  { key: "one", targets: [".card.chosen", ".card"] },
  { key: "split", targets: [".bench-top"] },
  { key: "parallel", targets: [".cards"] },
  { key: "specialise", targets: [".blend"] },
  { key: "values", targets: [".formula"] },
  { key: "concat", targets: [".z-parts"] },
  { key: "project", targets: [".added"] },
  { key: "add", targets: ["[data-final]"] },
  { key: "switch", targets: ["[data-loss]"] },
  { key: "trap", targets: [".blend"] },
  { key: "rule", targets: [".concat"] },
  { key: "quiz", targets: [".ask"] },
];

/** What is to be put in order: the decision rule. */
export const kRule = ["project", "mix", "concat", "blend"] as const;
export type RulePart = (typeof kRule)[number];
/** The order in which it is offered: no part where it belongs. */
export const kRuleShuffled: readonly RulePart[] = ["concat", "project", "blend", "mix"];

export function isInOrder(parts: readonly RulePart[]): boolean {
  return parts.every((part, i) => part === kRule[i]);
}

/** The same parts with one moved a place up or down; unchanged at the ends. */
export function moved(parts: readonly RulePart[], index: number, by: 1 | -1): readonly RulePart[] {
  const to = index + by;
  if (to < 0 || to >= parts.length) return parts;
  const next = [...parts];
  [next[index], next[to]] = [next[to]!, next[index]!];
  return next;
}

export const kOptions = ["a", "b", "c"] as const;
export type Option = (typeof kOptions)[number];

export const kQuestions = ["wide", "reads", "joins", "mixes", "proof"] as const;
export type QuestionKey = (typeof kQuestions)[number] | "copies";

export const kRight: Readonly<Record<QuestionKey, Option>> = {
  copies: "b",
  wide: "b",
  reads: "c",
  joins: "a",
  mixes: "b",
  proof: "c",
};
