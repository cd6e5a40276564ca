// Where the walk is, and what each step does to the page.
import { computed, effect, signal, untracked } from "@preact/signals";
import { scenarioById, textOf } from "../maths/scenarios.ts";
import { hasWords } from "../maths/tokens.ts";
import { address, navigate, part } from "../state/address.ts";
import { concat, pointAt } from "../state/concat.ts";
import { touchWork } from "../state/idle.ts";
import { language } from "../state/preferences.ts";
import { finding } from "../state/scenarios.ts";
import { chosenHead, layer, model, rows, trace, view } from "../state/session.ts";
import { kRuleShuffled, kSteps, type Option, type QuestionKey, type RulePart, type Step } from "./steps.ts";

const addressWalk = part("walk");

/** Which step is open, from 1; null: the walk is not. */
export const stepNumber = computed(() => {
  const number = view.value === "model" ? addressWalk.value : null;
  return number !== null && number >= 1 && number <= kSteps.length ? number : null;
});

export const step = computed<Step | null>(() => (stepNumber.value === null ? null : kSteps[stepNumber.value - 1]!));

export const answers = signal<Readonly<Partial<Record<QuestionKey, Option>>>>({});
export const ruleOrder = signal<readonly RulePart[]>(kRuleShuffled);

export function choose(question: QuestionKey, option: Option): void {
  touchWork();
  answers.value = { ...answers.value, [question]: option };
}

export function reorder(next: readonly RulePart[]): void {
  touchWork();
  ruleOrder.value = next;
}

/** The head that the story is about: the scenario's, else the chosen one, else the first. */
export const heroHead = computed(() => {
  const found = finding.value;
  return found && found.layer === layer.value ? found.head : (chosenHead.value ?? 0);
});

/** From the first step, with the sentence that everybody begins with. */
export function startWalk(): void {
  answers.value = {};
  ruleOrder.value = kRuleShuffled;
  const first = scenarioById(language.value === "zh" ? "blocks" : "tired")!;
  const fresh = { layer: null, query: null, head: null, pins: "", cards: null, gates: "", how: null };
  const sentence = hasWords(model.value) ? { scenario: first.id, text: textOf(first) } : {};
  navigate({ view: "model", walk: 1, ...fresh, ...sentence }, "push");
}

export function goTo(number: number): void {
  if (number < 1 || number > kSteps.length) return;
  const { key } = kSteps[number - 1]!;
  // Side by side are all heads; elsewhere in the story a few will do.
  const cards = key === "parallel" ? ("all" as const) : null;
  navigate({ walk: number, cards, gates: key === "switch" ? `${layer.value}.${heroHead.value}:0` : "" }, "push");
}

export function endWalk(): void {
  navigate({ walk: null, cards: null, gates: "" }, "push");
}

/** The step that was scrolled to last, so that what loads later does not pull the page back. */
let shown: string | null = null;

function bringUp(current: Step): void {
  const found = finding.value;
  const name = `${address.value.model} ${current.key} ${found?.layer}.${found?.head}`;
  const target = current.targets.map((selector) => document.querySelector(selector)).find((one) => one !== null);
  if (!target || shown === name) return;
  shown = name;
  target.scrollIntoView({ block: "start" });
}

export function startWalking(): void {
  effect(() => {
    const current = step.value;
    if (current) document.documentElement.dataset["walk"] = current.key;
    else delete document.documentElement.dataset["walk"];
    if (!current) shown = null;
  });
  effect(() => {
    const current = step.value;
    if (current?.key === "values" && concat.value) untracked(() => pointAt({ head: heroHead.value, component: 0 }));
  });
  effect(() => {
    const current = step.value;
    void [trace.value, rows.value, concat.value, finding.value];
    if (current) requestAnimationFrame(() => step.value === current && bringUp(current));
  });
}
