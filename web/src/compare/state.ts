// What the comparison knows. Side A is the page's own model, text, layer and token (state/session.ts); side B is
// another model or text, or the same with heads switched off.
import { batch, computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { ApiError, fetchPredictions, postTrace } from "../api/client.ts";
import type { Model, Predictions, Rows, Trace } from "../api/types.ts";
import { align, partnerOf, type Alignment } from "../maths/align.ts";
import { byDifference, pairByLikeness, pairByNumber, rowDistance, type HeadPair } from "../maths/difference.ts";
import { formatGates, parseGates, withGate, type Gates } from "../maths/gates.ts";
import { firstQuery, shownTokens, type ShownToken } from "../maths/tokens.ts";
import { navigate, part } from "../state/address.ts";
import { beginWork, touchWork } from "../state/idle.ts";
import {
  asProblem, cachedRows, chooseText, chosenQuery, defaultText, drawnQuery, inputFor, layer, model, modelName, models, query, rows, text, tokens, trace, view,
  type Problem,
} from "../state/session.ts";

const addressModel = part("model2");
const addressText = part("text2");
const addressLayer = part("layer2");
const addressQuery = part("query2");
const addressGates = part("gates");
export const order = part("order");

export const comparing = computed(() => view.value === "compare");

export const modelB = computed<Model | null>(() => {
  const name = addressModel.value ?? modelName.value;
  return models.value?.models.find((one) => one.name === name) ?? null;
});

const reads = (one: Model | null) => one?.tokenizer === null;

export const textB = computed(() => {
  if (addressText.value !== null) return addressText.value;
  return reads(modelB.value) === reads(model.value) ? text.value : defaultText(modelB.value);
});

export const gatesB = computed<Gates>(() => {
  const of = modelB.value;
  return of ? parseGates(addressGates.value, of.n_layers, of.n_heads) : new Map();
});

/** Nothing tells the sides apart. */
export const same = computed(
  () => modelB.value?.name === model.value?.name && textB.value === text.value && gatesB.value.size === 0,
);

export const traceB = signal<Trace | null>(null);
export const problemB = signal<Problem | null>(null);
export const rowsB = signal<Rows | null>(null);
export const predictionsA = signal<Predictions | null>(null);
export const predictionsB = signal<Predictions | null>(null);

export const tokensB = computed(() => (traceB.value ? shownTokens(traceB.value.text ?? "", traceB.value.tokens) : []));

export const layerB = computed(() => {
  const last = (traceB.value?.model.n_layers ?? 1) - 1;
  return Math.min(addressLayer.value ?? layer.value, last);
});

/** Pieces where both sides have one vocabulary, else what the reader sees of them. */
function piecesOf(of: readonly ShownToken[], byPiece: boolean): string[] {
  return of.map((token) => (byPiece ? `${token.id} ${token.piece}` : token.special ? token.piece : token.text.toLowerCase()));
}

export const sameVocabulary = computed(() => {
  const [a, b] = [trace.value?.model, traceB.value?.model];
  return a?.tokenizer === b?.tokenizer && a?.vocab_size === b?.vocab_size;
});

export const alignment = computed<Alignment>(() =>
  align(piecesOf(tokens.value, sameVocabulary.value), piecesOf(tokensB.value, sameVocabulary.value)),
);

/** Chosen, else the partner of A's token, else where B itself would begin. */
export const queryB = computed(() => {
  const wanted = addressQuery.value;
  if (wanted !== null && wanted < tokensB.value.length) return wanted;
  return partnerOf(alignment.value.columns, query.value) ?? firstQuery(tokensB.value);
});

/** The heads have common numbers: one model's, in one layer. */
export const numbered = computed(() => trace.value?.model.name === traceB.value?.model.name && layer.value === layerB.value);

/** The rows on both sides that belong together; null while one of them is on its way. */
export const pairs = computed<HeadPair[] | null>(() => {
  const [a, b] = [rows.value, rowsB.value];
  if (!a || !b || !trace.value || !traceB.value) return null;
  if (a.average_of_heads.length !== tokens.value.length || b.average_of_heads.length !== tokensB.value.length) return null;
  const pairing = numbered.value ? pairByNumber : pairByLikeness;
  const found = pairing(a.heads, b.heads, alignment.value.columns);
  return order.value === "number" ? found : byDifference(found);
});

/** Side B in a few words, for the line under a picture. */
export const captionOfB = computed(() => {
  const off = [...gatesB.value].map(([key, gate]) => `${key} × ${gate}`).join(", ");
  const of = modelB.value?.name === model.value?.name ? "" : `${modelB.value?.name} · `;
  return ` | B: ${of}${textB.value === text.value ? "" : textB.value}${off && ` ${off}`}`.trimEnd();
});

/** The first layer whose rows a switched-off head can change: the one after it, for a gate acts behind the pattern. */
export const firstChangedLayer = computed(() => {
  if (gatesB.value.size === 0) return 0;
  return 1 + Math.min(...[...gatesB.value.keys()].map((key) => Number(key.split(".")[0])));
});

export function openCompare(): void {
  navigate({ view: "compare", walk: null }, "push");
}

export function chooseModelB(name: string | null): void {
  navigate({ model2: name === modelName.value ? null : name, text2: null, layer2: null, query2: null, gates: "" }, "push");
}

/** Side B goes along where it has no text of its own. */
export function chooseTextA(next: string): void {
  chooseText(next, "compare");
  navigate({ query2: null }, "replace");
}

export function chooseTextB(next: string): void {
  navigate({ text2: next === text.value ? null : next, query2: null }, "push");
}

export function chooseGateB(key: string, gate: number): void {
  navigate({ gates: formatGates(withGate(gatesB.value, key, gate)) }, "push");
}

let request: AbortController | null = null;

/** Runs side B, or takes side A's run where nothing differs. */
async function runB(): Promise<void> {
  request?.abort();
  const [of, intact] = [modelB.value, trace.value];
  if (!of || !intact) return;
  const input = inputFor(of, textB.value);
  problemB.value = input ? null : { kind: "ids" };
  if (!input) return;
  if (same.value) return acceptB(intact);
  const mine = new AbortController();
  request = mine;
  try {
    const answer = await postTrace(of.name, input, mine.signal, Object.fromEntries(gatesB.value));
    if (request === mine) acceptB(answer);
  } catch (error) {
    if (request === mine) problemB.value = asProblem(error);
  }
}

function acceptB(answer: Trace): void {
  touchWork();
  batch(() => {
    traceB.value = answer;
    rowsB.value = null;
    predictionsB.value = null;
  });
}

let rerunOf: string | null = null;

/** Takes an answer about side B's run if that is still the one; a run that the engine forgot is made again, once. */
async function ofB<T>(current: Trace, fetching: Promise<T>, accept: (answer: T) => void): Promise<void> {
  try {
    const answer = await fetching;
    touchWork();
    if (traceB.value?.id === current.id) accept(answer);
  } catch (error) {
    if (traceB.value?.id !== current.id) return;
    const gone = error instanceof ApiError && error.status === 404 && rerunOf !== current.text;
    rerunOf = current.text;
    if (gone) await runB();
    else problemB.value = asProblem(error);
  }
}

function followPredictions(of: ReadonlySignal<Trace | null>, at: ReadonlySignal<number>, into: { value: Predictions | null }): void {
  effect(() => {
    const [current, token] = [comparing.value ? of.value : null, at.value];
    into.value = null;
    if (!current || token >= current.length) return;
    fetchPredictions(current.id, token).then(
      (answer) => {
        touchWork();
        if (of.value?.id === current.id && at.value === token) into.value = answer;
      },
      () => undefined, // the rows' own request says what is wrong
    );
  });
}

/** Total variation of every head of every layer, [n_layers][n_heads]; null where heads have no common numbers. */
export const everywhere = signal<readonly (readonly number[])[] | null>(null);

async function compareLayers(a: Trace, b: Trace, atA: number, atB: number, stillWanted: () => boolean): Promise<void> {
  const done = beginWork();
  const { columns } = alignment.value;
  const found: number[][] = [];
  try {
    for (let l = 0; l < a.model.n_layers && stillWanted(); l++) {
      const [left, right] = await Promise.all([cachedRows(a.id, l, atA), cachedRows(b.id, l, atB)]);
      found.push(left.heads.map((head, h) => rowDistance(head.row, right.heads[h]!.row, columns).tv));
    }
    if (stillWanted()) everywhere.value = found;
  } catch {
    // A run that is gone is made again by whoever asked for its rows; then this starts anew.
  } finally {
    done();
  }
}

/** Only the chosen tokens, not those that the pointer passes over. */
function followLayers(): void {
  let turn = 0;
  effect(() => {
    const mine = ++turn;
    everywhere.value = null;
    const [a, b] = [trace.value, traceB.value];
    const [atA, atB] = [chosenQuery.value, queryB.value];
    if (!comparing.value || !a || !b || a.model.name !== b.model.name || atA >= a.length || atB >= b.length) return;
    untracked(() => void compareLayers(a, b, atA, atB, () => mine === turn));
  });
}

export function startCompare(): void {
  effect(() => {
    void [trace.value, modelB.value, textB.value, gatesB.value];
    if (comparing.value && trace.value?.model.name === model.value?.name) untracked(() => void runB());
  });
  effect(() => {
    const [current, ofLayer, at] = [comparing.value ? traceB.value : null, layerB.value, queryB.value];
    if (!current || at >= current.length) return;
    void ofB(current, cachedRows(current.id, ofLayer, at), (answer) => {
      if (layerB.value === ofLayer && queryB.value === at) rowsB.value = answer;
    });
  });
  followPredictions(trace, drawnQuery, predictionsA);
  followPredictions(traceB, queryB, predictionsB);
  followLayers();
}
