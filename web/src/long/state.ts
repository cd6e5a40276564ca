// A long text: what is recorded of it, which part of which head's pattern is looked at, and what was fetched of it.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, type Input } from "../api/client.ts";
import { fetchLongTrace, postLongTrace, recordLayer, type LongTrace } from "../api/long.ts";
import type { Model } from "../api/types.ts";
import { decodeArea, encodeArea, type Area } from "../maths/long_map.ts";
import { navigate, part } from "../state/address.ts";
import { parseIds } from "../state/ids.ts";
import { asProblem, models, view, type Problem } from "../state/session.ts";
import { forgetFetched } from "./fetched.ts";

/** The most of one request, and room for what JSON adds (docs/http-api.md). */
export const kMostBytes = 1_000_000;
export const kMostTokens = 131_072;

const addressModel = part("model");
const addressLong = part("long");
const addressLayer = part("layer");
const addressHead = part("head");
const addressQuery = part("query");
const addressMap = part("map");

const goesOn = (model: Model) => model.family === "llama";

/** The model of the address; else one whose positions go on, the longest first. */
export const longModel = computed<Model | null>(() => {
  const known = models.value?.models ?? [];
  const asked = known.find((one) => one.name === addressModel.value);
  if (asked) return asked;
  return [...known].sort((a, b) => Number(goesOn(b)) - Number(goesOn(a)) || b.max_len - a.max_len)[0] ?? null;
});

export const longTrace = signal<LongTrace | null>(null);
/** "past": the text goes on past the positions of the training, and nobody said that it may. */
export const longProblem = signal<Problem | "gone" | "past" | null>(null);
export const opening = signal(false);
/** The layer that is being computed, and since when. */
export const recording = signal<{ readonly layer: number; readonly since: number } | null>(null);
export const stopped = signal(false);

export const longLayer = computed(() => Math.min(addressLayer.value ?? 0, (longTrace.value?.model.n_layers ?? 1) - 1));
export const longHead = computed(() => Math.min(addressHead.value ?? 0, (longTrace.value?.model.n_heads ?? 1) - 1));
export const longQuery = computed(() => {
  const length = longTrace.value?.length ?? 0;
  return addressQuery.value !== null && addressQuery.value < length ? addressQuery.value : null;
});
export const area = computed<Area>(() => decodeArea(addressMap.value, longTrace.value?.length ?? 1));
export const isRecorded = computed(() => (longTrace.value?.layers_recorded ?? 0) > longLayer.value);

export function show(next: Area): void {
  navigate({ map: encodeArea(next, longTrace.value?.length ?? 1) }, "replace");
}

export function chooseLongQuery(query: number): void {
  navigate({ query }, "replace");
}

export function chooseLongHead(head: number): void {
  navigate({ head }, "push");
}

export function chooseLongLayer(layer: number): void {
  stopped.value = false;
  navigate({ layer }, "push");
}

export function chooseLongModel(model: string): void {
  navigate({ model }, "replace");
}

function accept(answer: LongTrace | null): void {
  batch(() => {
    if (longTrace.value?.id !== answer?.id) forgetFetched();
    longTrace.value = answer;
  });
}

/** A trace that is gone is forgotten; other failures are said. */
export function failed(error: unknown, ofTrace: string): void {
  if (longTrace.value && longTrace.value.id !== ofTrace) return;
  const gone = error instanceof ApiError && error.status === 404;
  batch(() => {
    longProblem.value = gone ? "gone" : asProblem(error);
    if (gone) accept(null);
  });
}

/** The engine names the field of the request that would allow it. */
const isPast = (error: unknown) => error instanceof ApiError && error.status === 400 && error.message.includes('"past_max_len"');

let request: AbortController | null = null;

/** Cuts a text (or ids) into tokens and shows its first layer. */
export async function openText(typed: string, past: boolean, model = longModel.value): Promise<void> {
  if (!model) return;
  const ids = model.tokenizer === null ? parseIds(typed) : null;
  if (model.tokenizer === null && !ids) {
    longProblem.value = { kind: "ids" };
    return;
  }
  const input: Input = ids ? { ids } : { text: typed };
  request?.abort();
  const own = (request = new AbortController());
  batch(() => {
    opening.value = true;
    longProblem.value = null;
    stopped.value = false;
  });
  try {
    const answer = await postLongTrace(model.name, input, past, own.signal);
    if (request !== own) return;
    accept(answer);
    navigate({ view: "long", model: model.name, long: answer.id, layer: null, head: null, query: null, map: "" }, "push");
  } catch (error) {
    if (request === own) longProblem.value = isPast(error) ? "past" : asProblem(error);
  } finally {
    if (request === own) opening.value = false;
  }
}

async function reopen(id: string): Promise<void> {
  try {
    const answer = await fetchLongTrace(id);
    if (addressLong.value === id) accept(answer);
  } catch (error) {
    failed(error, id);
  }
}

/** Computes the layers up to the one that is looked at, one request each, so that it can be stopped between them. */
async function record(): Promise<void> {
  if (recording.value) return;
  for (;;) {
    const current = longTrace.value;
    if (!current || stopped.value || isRecorded.value || view.value !== "long") break;
    recording.value = { layer: current.layers_recorded, since: Date.now() };
    try {
      const answer = await recordLayer(current.id, longLayer.value + 1);
      if (longTrace.value?.id === current.id) longTrace.value = answer;
    } catch (error) {
      failed(error, current.id);
      break;
    }
  }
  recording.value = null;
}

export function startLong(): void {
  effect(() => {
    const id = view.value === "long" ? addressLong.value : null;
    if (id !== null && id !== untracked(() => longTrace.value?.id)) untracked(() => void reopen(id));
  });
  effect(() => {
    if (view.value !== "long" || !longTrace.value || isRecorded.value || stopped.value) return;
    untracked(() => void record());
  });
}
