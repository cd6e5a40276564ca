// What the grid of heads is coloured by and which measures the scatter plot sets against each other.
import { computed, effect, signal } from "@preact/signals";
import { fetchStatistics } from "../api/client.ts";
import type { Statistics } from "../api/types.ts";
import { isTextMeasure, measureOf, type Measure } from "../maths/measures.ts";
import { navigate, part } from "./address.ts";
import { abilities } from "./evidence.ts";
import { touchWork } from "./idle.ts";
import { fetchForTrace, trace } from "./session.ts";

/** Entropy, distance and sink mass of every head over the text on show. */
export const statistics = signal<Statistics | null>(null);

export type Use = "colour" | "x" | "y";

/** Empty: the grid shows thumbnails of the patterns. */
const kUsual: Readonly<Record<Use, string>> = { colour: "", x: "distance", y: "entropy" };

const addressGlance = part("glance");

/** "colour;x;y" in the address; what is left out is as usual. */
const wanted = computed<Readonly<Record<Use, string>>>(() => {
  const [colour, x, y] = addressGlance.value.split(";");
  return { colour: colour || kUsual.colour, x: x || kUsual.x, y: y || kUsual.y };
});

/** What of it this model has; another model may have no record of its heads. */
export const chosenMeasures = computed<Readonly<Record<Use, string>>>(() => {
  const known = (use: Use) => (isTextMeasure(wanted.value[use]) || measureOf(wanted.value[use], null, abilities.value) ? wanted.value[use] : kUsual[use]);
  return { colour: known("colour"), x: known("x"), y: known("y") };
});

export function chooseMeasure(use: Use, key: string): void {
  const next = { ...wanted.value, [use]: key };
  const told = (each: Use) => (next[each] === kUsual[each] ? "" : next[each]);
  const glance = [told("colour"), told("x"), told("y")].join(";");
  navigate({ glance: glance === ";;" ? "" : glance }, "replace");
}

function used(use: Use) {
  return computed<Measure | null>(() => measureOf(chosenMeasures.value[use], statistics.value, abilities.value));
}

export const measures: Readonly<Record<Use, { readonly value: Measure | null }>> = { colour: used("colour"), x: used("x"), y: used("y") };

/** Longer texts are measured when that is asked for: it takes as long as running the model's attention again. */
const kMeasuredAtOnce = 4096;

/** The trace of which it was asked for. */
const askedFor = signal<string | null>(null);

/** Whether the heads are not measured before somebody asks. */
export const heldBack = computed(() => {
  const current = trace.value;
  return current !== null && current.length > kMeasuredAtOnce && askedFor.value !== current.id;
});

export function measureHeads(): void {
  askedFor.value = trace.value?.id ?? null;
}

export function startGlance(): void {
  effect(() => {
    const current = trace.value;
    statistics.value = null;
    if (!current || heldBack.value) return;
    void fetchForTrace(current, fetchStatistics(current.id), (answer) => {
      touchWork();
      statistics.value = answer;
    });
  });
}
