// What the light of the cards stands for: weights, weights times what they carry, or who reads the token.
import { computed, effect, signal } from "@preact/signals";
import { fetchColumns, fetchValueNorms } from "../api/client.ts";
import type { Matrix, Rows, Trace } from "../api/types.ts";
import { carriedShares, rowOf } from "../maths/light.ts";
import type { HeadPlace } from "../maths/pins.ts";
import { navigate, part } from "./address.ts";
import { touchWork } from "./idle.ts";
import { drawn, fetchForTrace, layersOnShow, query, rows, trace } from "./session.ts";
import type { Light } from "./url.ts";

const addressLight = part("light");

export const light = computed<Light | "weights">(() => addressLight.value ?? "weights");

export function chooseLight(next: Light | "weights"): void {
  navigate({ light: next === "weights" ? null : next }, "replace");
}

/** Norms of a layer's values, or columns of it at a token, by place; [n_heads, T] each. */
const known = signal<ReadonlyMap<string, Matrix>>(new Map());
const kMostKept = 64;

const placeOf = (kind: Light, id: string, ofLayer: number, token: number) =>
  kind === "norms" ? `norms ${id} ${ofLayer}` : `readers ${id} ${ofLayer} ${token}`;

/** One head's numbers as its card draws them; `total` is what they were before they were made shares. */
export interface CardRow {
  readonly row: readonly number[];
  readonly total: number;
}

function carried(current: Rows, matrix: Matrix): CardRow[] {
  return current.heads.map(({ head, row }) => carriedShares(row, rowOf(matrix, head)));
}

function read(current: Rows, matrix: Matrix): CardRow[] {
  return current.heads.map(({ head }) => {
    const row = rowOf(matrix, head);
    return { row, total: row.reduce((sum, weight) => sum + weight, 0) };
  });
}

function cardRowsOf(current: Rows, id: string): readonly CardRow[] | null {
  const kind = light.value;
  if (kind === "weights") return current.heads.map(({ row }) => ({ row, total: 1 }));
  const matrix = known.value.get(placeOf(kind, id, current.layer, current.query));
  if (!matrix) return null;
  return kind === "norms" ? carried(current, matrix) : read(current, matrix);
}

/** By layer and head, for the rows on the page; null until the engine's numbers are there. */
const cardRows = computed<ReadonlyMap<number, readonly CardRow[] | null>>(() => {
  const [layers, id] = [drawn.value?.layers, trace.value?.id];
  return new Map(id === undefined ? [] : [...(layers ?? [])].map(([ofLayer, current]) => [ofLayer, cardRowsOf(current, id)]));
});

/** What a head's card draws; null while it is not known. */
export function cardRow({ layer: ofLayer, head }: HeadPlace): CardRow | null {
  return cardRows.value.get(ofLayer)?.[head] ?? null;
}

/** The mean of the cards' rows. */
export const averageRow = computed<readonly number[]>(() => {
  if (light.value === "weights") return rows.value?.average_of_heads ?? [];
  const all = (rows.value && cardRows.value.get(rows.value.layer)) ?? [];
  return (all[0]?.row ?? []).map((_, token) => all.reduce((sum, { row }) => sum + row[token]!, 0) / all.length);
});

function want(current: Trace, place: string, fetching: () => Promise<Matrix>): void {
  if (known.peek().has(place)) return;
  void fetchForTrace(current, fetching(), (matrix) => {
    touchWork();
    known.value = new Map([...[...known.peek()].slice(-kMostKept), [place, matrix]]);
  });
}

export function startLight(): void {
  effect(() => {
    const [current, kind] = [trace.value, light.value];
    if (!current || kind === "weights" || query.value >= current.length) return;
    for (const ofLayer of layersOnShow.value) {
      const place = placeOf(kind, current.id, ofLayer, query.value);
      if (kind === "norms") want(current, place, () => fetchValueNorms(current.id, ofLayer));
      else want(current, place, () => fetchColumns(current.id, ofLayer, query.value));
    }
  });
}
