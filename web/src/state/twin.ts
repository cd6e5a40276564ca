// The single-head twin of a model: trained on the same sentences with one head, where the engine has one. It reads
// the text on the page, so that its own row can stand beside the average of heads.
import { computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, postTrace } from "../api/client.ts";
import type { HeadRow, Model, Trace } from "../api/types.ts";
import { touchWork } from "./idle.ts";
import { cachedRows, inputFor, models, rowsBelow, text, trace, view } from "./session.ts";

export const twin = computed<Model | null>(() => {
  const name = trace.value?.model.single_head_twin ?? null;
  return models.value?.models.find((one) => one.name === name) ?? null;
});

/** The twin's run of the text on the page, and which run of the model it belongs to. */
const twinTrace = signal<{ readonly of: string; readonly run: Trace } | null>(null);

export interface TwinRow extends HeadRow {
  readonly layer: number;
  readonly query: number;
}
export const twinRow = signal<TwinRow | null>(null);

/** Rows over other tokens could not stand beside each other. */
function sameTokens(a: Trace, b: Trace): boolean {
  return a.length === b.length && a.tokens.every((token, i) => token.piece === b.tokens[i]!.piece);
}

async function runTwin(of: Trace, target: Model): Promise<void> {
  const input = inputFor(target, text.value);
  if (!input) return;
  try {
    const run = await postTrace(target.name, input, new AbortController().signal);
    if (trace.value?.id === of.id && sameTokens(of, run)) twinTrace.value = { of: of.id, run };
  } catch {
    // Its row is an extra: without it the page is whole.
  }
}

async function fetchRow(run: Trace, layer: number, query: number): Promise<void> {
  try {
    const rows = await cachedRows(run.id, layer, query);
    if (rowsBelow.value?.layer !== layer || rowsBelow.value.query !== query) return;
    touchWork();
    twinRow.value = { ...rows.heads[0]!, layer, query };
  } catch (error) {
    // The engine keeps only the latest runs; this one is made again when it is next needed.
    if (error instanceof ApiError && error.status === 404) twinTrace.value = null;
  }
}

export function startTwin(): void {
  effect(() => {
    const [current, target] = [view.value === "model" ? trace.value : null, twin.value];
    if (!current || !target || !rowsBelow.value || twinTrace.value?.of === current.id) return;
    untracked(() => void runTwin(current, target));
  });
  effect(() => {
    const [known, below] = [twinTrace.value, rowsBelow.value];
    if (!known || !below || known.of !== trace.value?.id || below.layer >= known.run.model.n_layers) twinRow.value = null;
    else untracked(() => void fetchRow(known.run, below.layer, below.query));
  });
}
