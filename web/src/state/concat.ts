// What the concat section knows: the heads' parts of one token and layer, the gates, and what they cost.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { fetchConcat, fetchProjection, fetchValues, postAblation, type AblationAsked } from "../api/client.ts";
import type { Ablation, Concat, How, Matrix } from "../api/types.ts";
import { formatGates, headKey, parseGates, withGate, type Gates } from "../maths/gates.ts";
import { navigate, part } from "./address.ts";
import { parseIds } from "./ids.ts";
import { chosenQuery, fetchForTrace, layer, rowsBelow, trace, view } from "./session.ts";
import { touchWork } from "./idle.ts";

export const concat = signal<Concat | null>(null);
export const ablation = signal<Ablation | null>(null);

const addressGates = part("gates");
const addressHow = part("how");
const addressOther = part("other");

export const how = computed<How>(() => addressHow.value ?? "zero");
export const other = computed(() => addressOther.value ?? "");

export const gates = computed<Gates>(() => {
  const model = trace.value?.model;
  return model ? parseGates(addressGates.value, model.n_layers, model.n_heads) : new Map();
});

export function gateOf(ofLayer: number, head: number): number {
  return gates.value.get(headKey(ofLayer, head)) ?? 1;
}

export function setGate(ofLayer: number, head: number, gate: number): void {
  navigate({ gates: formatGates(withGate(gates.value, headKey(ofLayer, head), gate)) }, "replace");
}

export function allOn(): void {
  navigate({ gates: "" }, "push");
}

export function chooseHow(next: How): void {
  navigate({ how: next === "zero" ? null : next }, "replace");
}

export function chooseOther(next: string): void {
  navigate({ other: next === "" ? null : next }, "replace");
}

/** Set where somebody asked what is lost: the answer is brought up when it is there. */
export const wantLoss = signal(false);

/** The part of the concatenated vector under the pointer or the key. */
export const cursor = signal<{ readonly head: number; readonly component: number } | null>(null);

export function pointAt(next: typeof cursor.value): void {
  touchWork();
  cursor.value = next;
}

const kMostKept = 64;

/** What the engine has to say about a head of the layer on show, fetched when it is first looked at. */
function perHead(fetching: (trace: string, layer: number, head: number) => Promise<Matrix>) {
  const known = signal<ReadonlyMap<string, Matrix>>(new Map());
  const wanted = new Set<string>();
  return (head: number): Matrix | null => {
    const current = trace.value;
    if (!current) return null;
    const key = `${current.id} ${headKey(layer.value, head)}`;
    if (!wanted.has(key)) {
      wanted.add(key);
      void fetchForTrace(current, fetching(current.id, layer.value, head), (answer) => {
        touchWork();
        const kept = [...known.value].slice(-kMostKept);
        for (const [old] of known.value) if (!kept.some(([still]) => still === old)) wanted.delete(old);
        known.value = new Map([...kept, [key, answer]]);
      });
    }
    return known.value.get(key) ?? null;
  };
}

export const valuesOf = perHead(fetchValues);
export const projectionOf = perHead(fetchProjection);

/** What to ask the engine, null while every head is on or the other text is missing. */
const asked = computed<AblationAsked | null>(() => {
  const current = view.value === "model" ? trace.value : null;
  if (!current || gates.value.size === 0 || chosenQuery.value >= current.length) return null;
  const plain = {
    trace: current.id,
    heads: Object.fromEntries(gates.value),
    how: how.value,
    query: chosenQuery.value,
    layer: layer.value,
  };
  if (how.value !== "resample") return plain;
  const from = current.model.tokenizer === null ? parseIds(other.value) : other.value;
  return from && from.length > 0 ? { ...plain, other: from } : null;
});

let underWay = false;

/** One request at a time: a slider that is dragged asks for where it is, not for where it was. */
async function askUntilAnswered(): Promise<void> {
  if (underWay) return;
  underWay = true;
  for (;;) {
    const question = asked.value;
    const current = trace.value;
    if (!question || !current) break;
    await fetchForTrace(current, postAblation(question), (answer) => {
      if (asked.value !== question) return;
      touchWork();
      ablation.value = answer;
    });
    if (asked.value === question) break;
  }
  underWay = false;
}

export function startConcat(): void {
  effect(() => {
    const current = view.value === "model" ? trace.value : null;
    const [ofLayer, ofQuery] = [layer.value, chosenQuery.value];
    if (!current || ofQuery >= current.length) return;
    // The cards come first: the engine answers one question at a time.
    if (rowsBelow.value?.layer !== ofLayer || rowsBelow.value.query !== ofQuery) return;
    const known = concat.peek();
    if (known?.layer === ofLayer && known.query === ofQuery) return;
    void fetchForTrace(current, fetchConcat(current.id, ofLayer, ofQuery), (answer) => {
      if (layer.value !== ofLayer || chosenQuery.value !== ofQuery) return;
      touchWork();
      batch(() => {
        concat.value = answer;
        cursor.value = null;
      });
    });
  });
  effect(() => {
    void trace.value;
    concat.value = null;
  });
  effect(() => {
    if (asked.value) untracked(() => void askUntilAnswered());
    else ablation.value = null;
  });
}
