// The parts of a long trace that are on the page: the map, the whole of it, heads, rows in words, tokens.
import { computed, effect, signal, untracked } from "@preact/signals";
import { fetchMap, fetchStrongest, fetchTokens, type PatternMap, type Strongest } from "../api/long.ts";
import { encodeArea, whole, type Area } from "../maths/long_map.ts";
import { shownTokens, type ShownToken } from "../maths/tokens.ts";
import { view } from "../state/session.ts";
import { fetched } from "./fetched.ts";
import { area, failed, isRecorded, longHead, longLayer, longQuery, longTrace } from "./state.ts";

const kCells = 256;
const kThumbnail = 48;
const kTokensAtOnce = 256;

const maps = fetched<PatternMap>(48);
const thumbnails = fetched<PatternMap>(64);
const rowsInWords = fetched<Strongest>(64);
const tokenWindows = fetched<readonly ShownToken[]>(24, 3);

/** "mean" or "max": what a cell of the map shows. */
export const shownValue = signal<"mean" | "max">("mean");
/** The query under the pointer or the cell cursor. */
export const rowUnder = signal<number | null>(null);

const keyOf = (ofArea: Area) => `${longTrace.value?.id} ${longLayer.value}.${longHead.value} ${encodeArea(ofArea, longTrace.value?.length ?? 1)}`;

const ask = (ofArea: Area, head: number, size: number) => {
  const { row, key, span } = ofArea;
  return fetchMap(longTrace.value!.id, { layer: longLayer.value, head, rows: `${row}:${row + span}`, columns: `${key}:${key + span}`, size });
};

/** The map of the area that is looked at, null while it is computed. */
export const mapHere = computed(() => maps.get(keyOf(area.value)));
/** What was last drawn, shown where it lies until the new one is there. */
export const lastDrawn = signal<{ readonly of: string; readonly area: Area; readonly map: PatternMap } | null>(null);
export const headKey = computed(() => `${longTrace.value?.id} ${longLayer.value}.${longHead.value}`);

const thumbnailKey = (head: number) => `${longTrace.value?.id} ${longLayer.value}.${head}`;
export const thumbnail = (head: number) => thumbnails.get(thumbnailKey(head));

export const shownRow = computed(() => rowUnder.value ?? longQuery.value);
const rowKey = (query: number) => `${headKey.value} ${query}`;
/** The row under the pointer, else the chosen query's, in words. */
export const rowInWords = computed(() => (shownRow.value === null ? null : rowsInWords.get(rowKey(shownRow.value))));

/** The token, when its surroundings are fetched. */
export function tokenAt(index: number): ShownToken | null {
  const from = Math.floor(index / kTokensAtOnce) * kTokensAtOnce;
  return tokenWindows.get(`${longTrace.value?.id} ${from}`)?.[index - from] ?? null;
}

/** Fetches the tokens around one. */
export function wantToken(index: number): void {
  const current = longTrace.value;
  if (!current) return;
  const from = Math.floor(index / kTokensAtOnce) * kTokensAtOnce;
  const read = async () => {
    const window = await fetchTokens(current.id, from, Math.min(current.length, from + kTokensAtOnce));
    const moved = window.tokens.map((one) => ({ ...one, begin: one.begin - window.text_begin, end: one.end - window.text_begin }));
    return shownTokens(window.text, moved).map((one) => ({ ...one, index: one.index + from }));
  };
  tokenWindows.want(`${current.id} ${from}`, read, (error) => failed(error, current.id));
}

/** Wants a map as soon as the layer is there and the view open. */
function follow(wanted: () => void): void {
  effect(() => {
    if (view.value === "long" && longTrace.value && isRecorded.value) wanted();
  });
}

function nextThumbnail(): void {
  const current = longTrace.value!;
  const heads = [longHead.value, ...Array.from({ length: current.model.n_heads }, (_, head) => head)];
  const missing = heads.find((head) => !thumbnail(head));
  if (missing === undefined || !mapHere.value) return; // the map itself comes first
  const all = whole(current.length);
  thumbnails.want(thumbnailKey(missing), () => ask(all, missing, kThumbnail), (error) => failed(error, current.id));
}

export function startLongViews(): void {
  follow(() => {
    const [here, head, id] = [area.value, longHead.value, longTrace.value!.id];
    maps.want(keyOf(here), () => ask(here, head, kCells), (error) => failed(error, id));
  });
  follow(() => {
    const found = mapHere.value;
    if (found) untracked(() => (lastDrawn.value = { of: headKey.value, area: area.value, map: found }));
  });
  follow(nextThumbnail);
  follow(() => {
    const query = shownRow.value;
    if (query === null) return;
    const [layer, head, id] = [longLayer.value, longHead.value, longTrace.value!.id];
    rowsInWords.want(rowKey(query), () => fetchStrongest(id, layer, head, query), (error) => failed(error, id));
  });
}
