// The cell of the map under the pointer or the arrow keys, and the steps that move and zoom the map.
import { signal } from "@preact/signals";
import { cellRange, pan, zoom } from "../maths/long_map.ts";
import { area, longTrace, show } from "./state.ts";
import { mapHere, rowUnder, wantToken } from "./views.ts";

export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** How much closer one step comes, and which part of the span one step moves. */
export const kZoomStep = 2;
export const kPanStep = 0.25;

export const cursor = signal<Cell | null>(null);

export const grid = () => ({ rows: mapHere.value?.rows ?? 1, columns: mapHere.value?.columns ?? 1 });

/** The queries and the keys of a cell. */
export function tokensOf(cell: Cell): { readonly rows: readonly [number, number]; readonly keys: readonly [number, number] } {
  const { row, key, span } = area.value;
  return { rows: cellRange(row, span, cell.row, grid().rows), keys: cellRange(key, span, cell.column, grid().columns) };
}

export function setCursor(next: Cell | null): void {
  if (next?.row === cursor.value?.row && next?.column === cursor.value?.column) return;
  cursor.value = next;
  const [query, key] = next ? [tokensOf(next).rows[0], tokensOf(next).keys[0]] : [null, null];
  rowUnder.value = query;
  if (query === null || key === null || area.value.span > grid().columns) return;
  for (const token of [key, query]) wantToken(token);
}

/** Comes closer (or, below 1, goes away) about a point of the map at (x, y). */
export function closer(factor: number, x = 0.5, y = 0.5): void {
  show(zoom(area.value, longTrace.value!.length, factor, x, y));
}

export function move(x: number, y: number): void {
  show(pan(area.value, longTrace.value!.length, x, y));
}
