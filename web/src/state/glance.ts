// What the grid of heads is coloured by and which measures the scatter plot sets against each other.
import { computed, effect, signal } from "@preact/signals";
import { fetchStatistics } from "../api/client.ts";
import type { Statistics } from "../api/types.ts";
import { measureOf, type Measure } from "../maths/measures.ts";
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
export const chosenMeasures = computed<Readonly<Record<Use, string>>>(() => {
  const [colour, x, y] = addressGlance.value.split(";");
  return { colour: colour || kUsual.colour, x: x || kUsual.x, y: y || kUsual.y };
});

export function chooseMeasure(use: Use, key: string): void {
  const next = { ...chosenMeasures.value, [use]: key };
  const told = (each: Use) => (next[each] === kUsual[each] ? "" : next[each]);
  const glance = [told("colour"), told("x"), told("y")].join(";");
  navigate({ glance: glance === ";;" ? "" : glance }, "replace");
}

function used(use: Use) {
  return computed<Measure | null>(() => measureOf(chosenMeasures.value[use], statistics.value, abilities.value));
}

export const measures: Readonly<Record<Use, { readonly value: Measure | null }>> = { colour: used("colour"), x: used("x"), y: used("y") };

export function startGlance(): void {
  effect(() => {
    const current = trace.value;
    statistics.value = null;
    if (!current) return;
    void fetchForTrace(current, fetchStatistics(current.id), (answer) => {
      touchWork();
      statistics.value = answer;
    });
  });
}
