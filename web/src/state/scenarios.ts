// A scenario chosen: its text is run, the word that looks becomes the query token, and of all heads the one
// that finds the other word best is brought up. Where the address already says which, it stays.
import { computed, effect, signal, untracked } from "@preact/signals";
import { snapshot } from "../api/snapshot.ts";
import type { Rows, Trace } from "../api/types.ts";
import { scenarioById, strongestLink, textOf, type Finding, type Link, type Scenario } from "../maths/scenarios.ts";
import { hasWords } from "../maths/tokens.ts";
import { address, navigate, part } from "./address.ts";
import { beginWork } from "./idle.ts";
import { cachedRows, fetchForTrace, link, model, openingScenario, trace, view } from "./session.ts";

const chosen = part("scenario");
const addressText = part("text");

export const scenario = computed(() => scenarioById(chosen.value));

/** Null until found, and where the text on the page is another. */
export const finding = signal<Finding | null>(null);

export function openScenario(next: Scenario): void {
  const fresh = { layer: null, query: null, head: null, gates: "" };
  navigate({ view: "model", scenario: next.id, text: textOf(next), ...fresh }, "push");
}

/** The query's rows in all layers, one request after the other: the engine's queue is for everybody. */
async function allRows(current: Trace, query: number): Promise<Rows[]> {
  const found: Rows[] = [];
  for (let layer = 0; layer < current.model.n_layers; layer++) found.push(await cachedRows(current.id, layer, query));
  return found;
}

async function find(current: Trace, link: Link): Promise<void> {
  const done = beginWork();
  await fetchForTrace(current, allRows(current, link.query), (all) => {
    const best = strongestLink(link, all.map((one) => one.heads.map((head) => head.row)));
    finding.value = best;
    const { layer, head } = address.value;
    if (layer === null) navigate({ layer: best.layer, head: best.head }, "replace");
    else if (head === null && layer === best.layer) navigate({ head: best.head }, "replace");
  });
  done();
}

export function startScenarios(): void {
  // A page without a text opens with a sentence in which there is something to find.
  effect(() => {
    const fresh = view.value === "model" && !snapshot && addressText.value === null && chosen.value === null;
    const first = fresh && hasWords(model.value) ? openingScenario(model.value) : null;
    if (first) untracked(() => navigate({ scenario: first.id, text: textOf(first) }, "replace"));
  });
  effect(() => {
    const [current, wanted] = [trace.value, link.value];
    finding.value = null;
    if (!current || !wanted) return;
    untracked(() => {
      if (address.value.query === null) navigate({ query: wanted.query }, "replace");
      void find(current, wanted);
    });
  });
}
