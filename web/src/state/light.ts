// What the light of the cards stands for: weights, weights times what they carry, or who reads the token.
import { computed, effect, signal } from "@preact/signals";
import { fetchColumns, fetchValueNorms } from "../api/client.ts";
import type { Matrix, Rows, Trace } from "../api/types.ts";
import { carriedShares, rowOf } from "../maths/light.ts";
import { navigate, part } from "./address.ts";
import { touchWork } from "./idle.ts";
import { fetchForTrace, layer, query, rows, trace } from "./session.ts";
import type { Light } from "./url.ts";

const addressLight = part("light");

export const light = computed<Light | "weights">(() => addressLight.value ?? "weights");

export function chooseLight(next: Light | "weights"): void {
  navigate({ light: next === "weights" ? null : next }, "replace");
}

interface Placed {
  readonly place: string;
  readonly matrix: Matrix;
}

/** Both are [n_heads, T]. */
const norms = signal<Placed | null>(null);
const columns = signal<Placed | null>(null);

const placeOf = (id: string, ...at: readonly number[]) => [id, ...at].join(" ");

/** One head's numbers as its card draws them; `total` is what they were before they were made shares. */
export interface CardRow {
  readonly row: readonly number[];
  readonly total: number;
}

function carried(current: Rows, known: Matrix): CardRow[] {
  return current.heads.map(({ head, row }) => carriedShares(row, rowOf(known, head)));
}

function read(current: Rows, known: Matrix): CardRow[] {
  return current.heads.map(({ head }) => {
    const row = rowOf(known, head);
    return { row, total: row.reduce((sum, weight) => sum + weight, 0) };
  });
}

/** By head, for the rows on the page; null until the engine's numbers are there. */
export const cardRows = computed<readonly CardRow[] | null>(() => {
  const [current, id] = [rows.value, trace.value?.id];
  if (!current || !id) return null;
  if (light.value === "weights") return current.heads.map(({ row }) => ({ row, total: 1 }));
  const [known, place] =
    light.value === "norms" ? [norms.value, placeOf(id, current.layer)] : [columns.value, placeOf(id, current.layer, current.query)];
  if (known?.place !== place) return null;
  return light.value === "norms" ? carried(current, known.matrix) : read(current, known.matrix);
});

/** The mean of the cards' rows. */
export const averageRow = computed<readonly number[]>(() => {
  if (light.value === "weights") return rows.value?.average_of_heads ?? [];
  const all = cardRows.value ?? [];
  return (all[0]?.row ?? []).map((_, token) => all.reduce((sum, { row }) => sum + row[token]!, 0) / all.length);
});

function keep(current: Trace, place: string, fetching: Promise<Matrix>, into: typeof norms): void {
  void fetchForTrace(current, fetching, (matrix) => {
    touchWork();
    into.value = { place, matrix };
  });
}

export function startLight(): void {
  effect(() => {
    const current = trace.value;
    if (!current || light.value !== "norms") return;
    const place = placeOf(current.id, layer.value);
    if (norms.peek()?.place !== place) keep(current, place, fetchValueNorms(current.id, layer.value), norms);
  });
  effect(() => {
    const current = trace.value;
    if (!current || light.value !== "readers" || query.value >= current.length) return;
    keep(current, placeOf(current.id, layer.value, query.value), fetchColumns(current.id, layer.value, query.value), columns);
  });
}
