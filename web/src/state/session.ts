// What the page knows about the real model: signals, and the effects that fetch what they need.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, fetchModels, fetchOverview, fetchRows, postTrace, type Input } from "../api/client.ts";
import { snapshot } from "../api/snapshot.ts";
import type { Model, Models, Overview, Rows, Trace } from "../api/types.ts";
import { parsePins, type HeadPlace } from "../maths/pins.ts";
import { linkOf, scenarioById, textOf, type Scenario } from "../maths/scenarios.ts";
import { firstQuery, shownTokens, sinkTokens } from "../maths/tokens.ts";
import { navigate, part } from "./address.ts";
import { afterPaint, touchWork } from "./idle.ts";
import { parseIds } from "./ids.ts";
import { language } from "./preferences.ts";
import type { View } from "./url.ts";

export type Problem =
  | { readonly kind: "api"; readonly error: ApiError }
  | { readonly kind: "no_model" }
  | { readonly kind: "ids" };

const kFirstIds = "1 2 3 4 5 6 7 8";
const kThumbnailSize = 24;
const kMostDrawn = 1024;

export const models = signal<Models | null>(null);
export const modelsProblem = signal<Problem | null>(null);
export const trace = signal<Trace | null>(null);
export const traceProblem = signal<Problem | null>(null);
export const running = signal(false);
/** Tokens of a text that has too many to draw each; null: it has not. */
export const tooLong = signal<number | null>(null);

/** The rows on the page, which change together. */
interface Drawn {
  /** Of the open layer, at the query token. */
  readonly rows: Rows;
  /** Of the open layer, at the token that says which heads are shown first; null: a file does not hold them. */
  readonly first: Rows | null;
  /** By layer: the open one, and those of pinned heads. */
  readonly layers: ReadonlyMap<number, Rows>;
}
export const drawn = signal<Drawn | null>(null);
export const rows = computed<Rows | null>(() => drawn.value?.rows ?? null);
export const overview = signal<Overview | null>(null);

/** The rows that everything below the cards tells of: they follow once the cards are painted. */
export const rowsBelow = signal<Rows | null>(null);

/** The token under the pointer, shown instead of the chosen one while it is there. */
export const hoveredQuery = signal<number | null>(null);
/** The head whose reading also lights up the sentence: the card under the pointer or with the focus. */
export const hoveredHead = signal<HeadPlace | null>(null);
/** The token whose number is shown in every card. */
export const activeKey = signal<number | null>(null);

const addressView = part("view");
const addressModel = part("model");
const addressText = part("text");
const addressLayer = part("layer");
const addressQuery = part("query");
const addressPins = part("pins");
const addressScenario = part("scenario");
/** The head that lights the sentence while none is under the pointer; of the open layer. */
export const chosenHead = part("head");
export const hideSpecial = part("hideSpecial");

export const view = computed(() => {
  if (addressView.value) return addressView.value;
  return addressModel.value !== null || models.value?.default ? "model" : "example";
});

export const modelName = computed(() => addressModel.value ?? models.value?.default ?? models.value?.models[0]?.name ?? null);

export const model = computed<Model | null>(
  () => models.value?.models.find((one) => one.name === modelName.value) ?? null,
);

/** The sentence that a model opens with. One that was measured over sentences of both languages speaks the page's. */
export function openingScenario(of: Model | null): Scenario {
  return scenarioById(language.value === "zh" && of?.records?.includes("abilities") ? "robot" : "tired")!;
}

export const defaultText = (of: Model | null) => (of?.tokenizer === null ? kFirstIds : textOf(openingScenario(of)));

export const text = computed(
  () => addressText.value ?? (snapshot?.text || defaultText(model.value)),
);

const modelAndText = computed(() => `${modelName.value}\n${text.value}`);

export const tokens = computed(() => (trace.value ? shownTokens(trace.value.text ?? "", trace.value.tokens) : []));

export const layer = computed(() => {
  const count = trace.value?.model.n_layers ?? model.value?.n_layers ?? 1;
  return Math.min(addressLayer.value ?? Math.floor(count / 2), count - 1);
});

export const chosenQuery = computed(() => {
  const chosen = addressQuery.value;
  return chosen !== null && chosen < tokens.value.length ? chosen : firstQuery(tokens.value);
});

export const query = computed(() => hoveredQuery.value ?? chosenQuery.value);

/** The query token of the rows on the page: it changes together with them, a moment after `query`. */
export const drawnQuery = computed(() => rows.value?.query ?? query.value);

export const sinks = computed(() => sinkTokens(tokens.value));

/** Heads whose cards stay, whatever layer is open. */
export const pins = computed<readonly HeadPlace[]>(() => {
  const of = trace.value?.model;
  return of ? parsePins(addressPins.value, of.n_layers, of.n_heads) : [];
});

/** The chosen scenario, where the text on the page is its own. */
const ownScenario = computed(() => {
  const chosen = scenarioById(addressScenario.value);
  return chosen && trace.value?.text === textOf(chosen) ? chosen : null;
});

/** Who looks for whom in the scenario. */
export const link = computed(() => ownScenario.value && linkOf(ownScenario.value, tokens.value, trace.value?.model.causal ?? false));

/** The token whose rows say which heads are shown first: they stay while one walks through the sentence. */
const firstLook = computed(() => link.value?.query ?? firstQuery(tokens.value));

/** The open layer, then those of pinned heads. */
export const layersOnShow = computed(() => [...new Set([layer.value, ...pins.value.map((pin) => pin.layer)])]);

/** Whether a token's weight is drawn in a row of `from`. The query token always is, or its light would have no source. */
export function isShownFrom(from: number, index: number): boolean {
  return !hideSpecial.value || !sinks.value.has(index) || index === from;
}

export const isShown = (index: number): boolean => isShownFrom(drawnQuery.value, index);

export function asProblem(error: unknown): Problem {
  return { kind: "api", error: error instanceof ApiError ? error : new ApiError(0, String(error)) };
}

export async function loadModels(): Promise<void> {
  modelsProblem.value = null;
  try {
    models.value = await fetchModels();
  } catch (error) {
    modelsProblem.value = asProblem(error);
  }
}

export function inputFor(target: Model, typed: string): Input | null {
  if (target.tokenizer !== null) return { text: typed };
  const ids = parseIds(typed);
  return ids && { ids };
}

let runningRequest: AbortController | null = null;

/** Runs the chosen model on the chosen text. What is on the page stays until the answer is there. */
export async function analyse(): Promise<void> {
  runningRequest?.abort();
  const target = model.value;
  if (!target) {
    if (models.value) traceProblem.value = { kind: "no_model" };
    return;
  }
  const input = inputFor(target, text.value);
  if (!input) {
    traceProblem.value = { kind: "ids" };
    return;
  }
  const request = new AbortController();
  runningRequest = request;
  batch(() => {
    running.value = true;
    traceProblem.value = null;
    if (trace.value?.model.name !== target.name) forgetTrace();
  });
  try {
    const answer = await postTrace(target.name, input, request.signal);
    if (runningRequest === request) acceptTrace(answer);
  } catch (error) {
    if (runningRequest === request) traceProblem.value = asProblem(error);
  } finally {
    if (runningRequest === request) running.value = false;
  }
}

function forgetTrace(): void {
  trace.value = null;
  drawn.value = null;
  overview.value = null;
}

const rowCache = new Map<string, Promise<Rows>>();

function acceptTrace(answer: Trace): void {
  batch(() => {
    tooLong.value = answer.length > kMostDrawn ? answer.length : null;
    if (tooLong.value !== null) return forgetTrace();
    rowCache.clear();
    hoveredQuery.value = null;
    activeKey.value = null;
    drawn.value = null;
    overview.value = null;
    trace.value = answer;
  });
  touchWork();
}

/** The rows of a layer and query token, asked for once. */
export function cachedRows(id: string, ofLayer: number, ofQuery: number): Promise<Rows> {
  const key = `${id} ${ofLayer} ${ofQuery}`;
  let answer = rowCache.get(key);
  if (!answer) {
    answer = fetchRows(id, ofLayer, ofQuery);
    answer.catch(() => rowCache.delete(key));
    rowCache.set(key, answer);
  }
  return answer;
}

/** The rows of every layer on show; where some of another layer are not to be had, its cards are missing. */
async function fetchDrawn(id: string, layers: readonly number[], ofQuery: number, firstQueryOf: number): Promise<Drawn> {
  const orNone = (ofLayer: number, at: number) => cachedRows(id, ofLayer, at).catch(() => null);
  const [main, ...others] = layers;
  const [own, first, ...more] = await Promise.all([
    cachedRows(id, main!, ofQuery),
    orNone(main!, firstQueryOf),
    ...others.map((ofLayer) => orNone(ofLayer, ofQuery)),
  ]);
  const known = [own, ...more].filter((one) => one !== null);
  return { rows: own, first, layers: new Map(known.map((one) => [one.layer, one])) };
}

/** Whoever walks through the sentence will look at this token next: its rows are fetched once those on show are painted. */
export function fetchAhead(token: number | undefined): void {
  const current = trace.value;
  if (!current || token === undefined) return;
  afterPaint(() => {
    for (const ofLayer of layersOnShow.value) cachedRows(current.id, ofLayer, token).catch(() => undefined);
  });
}

let rerunOf: string | null = null;

/** The engine keeps only the latest traces: one that is gone is run again, but not in a loop. */
export async function fetchForTrace<T>(current: Trace, fetching: Promise<T>, accept: (answer: T) => void): Promise<void> {
  try {
    const answer = await fetching;
    if (trace.value?.id === current.id) accept(answer);
  } catch (error) {
    if (trace.value?.id !== current.id) return;
    if (error instanceof ApiError && error.status === 404 && rerunOf !== modelAndText.value) {
      rerunOf = modelAndText.value;
      await analyse();
    } else {
      traceProblem.value = asProblem(error);
    }
  }
}

/** Starts fetching whenever the view, the model, the text, the layer or the query token changes. */
export function startSession(): void {
  void loadModels();
  effect(() => {
    void modelAndText.value;
    if ((view.value === "model" || view.value === "compare") && models.value) untracked(() => void analyse());
  });
  effect(() => {
    const current = trace.value;
    if (!current || query.value >= current.length) return;
    const [layers, ofQuery] = [layersOnShow.value, query.value];
    void fetchForTrace(current, fetchDrawn(current.id, layers, ofQuery, firstLook.value), (answer) => {
      if (layersOnShow.value !== layers || query.value !== ofQuery) return;
      touchWork();
      drawn.value = answer;
    });
  });
  effect(() => {
    if (rows.value === null) rowsBelow.value = null;
    else afterPaint(() => (rowsBelow.value = rows.peek()));
  });
  effect(() => {
    const current = trace.value;
    if (!current) return;
    void fetchForTrace(current, fetchOverview(current.id, kThumbnailSize), (answer) => (overview.value = answer));
  });
}

const kFresh = { layer: null, query: null, head: null, pins: "", gates: "", how: null, other: null, walk: null };

export function openModel(name: string): void {
  navigate({ view: "model", model: name, ...kFresh, ...textFor(name) }, "push");
}

/** Side A of a comparison; side B goes along where it had nothing of its own. */
export function chooseModelA(name: string): void {
  navigate({ model: name, ...kFresh, ...textFor(name), layer2: null, query2: null }, "push");
}

/** Words are no use to a model that reads ids, nor ids to one that reads words. */
function textFor(name: string): { text: string | null; scenario: null } | Record<string, never> {
  const next = models.value?.models.find((one) => one.name === name);
  const reads = (one: Model | null | undefined) => one?.tokenizer === null;
  return reads(next) === reads(model.value) ? {} : { text: null, scenario: null };
}

export function openExample(): void {
  navigate({ view: "example" }, "push");
}

/** Back to the model as it was left. */
export function openModelView(): void {
  navigate({ view: "model" }, "push");
}

export function openDimensions(): void {
  navigate({ view: "dimensions" }, "push");
}

export function openLong(): void {
  navigate({ view: "long" }, "push");
}

export function chooseText(next: string, inView: View = "model"): void {
  if (next === text.value && trace.value) return;
  navigate({ view: inView, text: next, scenario: null, query: null }, "push");
}

export function chooseLayer(next: number): void {
  navigate({ layer: next }, "push");
}

export function chooseHead(ofLayer: number, head: number | null): void {
  navigate({ layer: ofLayer, head }, "push");
}

export function chooseQuery(next: number): void {
  hoveredQuery.value = null;
  navigate({ query: next }, "replace");
}
