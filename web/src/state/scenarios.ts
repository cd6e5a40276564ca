// A scenario chosen: its text is run, the word that looks becomes the query token, and of all heads the one
// that finds the other word best is brought up. Where the address already says which, it stays.
import { computed, effect, signal, untracked } from "@preact/signals";
import type { Rows, Trace } from "../api/types.ts";
import { linkOf, scenarioById, strongestLink, textOf, type Finding, type Link, type Scenario } from "../maths/scenarios.ts";
import { address, navigate, part } from "./address.ts";
import { beginWork } from "./idle.ts";
import { cachedRows, fetchForTrace, tokens, trace } from "./session.ts";

const chosen = part("scenario");

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
  effect(() => {
    const [current, wanted] = [trace.value, scenario.value];
    finding.value = null;
    if (!current || !wanted || current.text !== textOf(wanted)) return;
    const link = linkOf(wanted, tokens.value, current.model.causal);
    if (!link) return;
    untracked(() => {
      if (address.value.query === null) navigate({ query: link.query }, "replace");
      void find(current, link);
    });
  });
}
