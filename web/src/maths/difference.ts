// How much two heads' rows differ, as distributions over the tokens of both texts.
import type { HeadRow } from "../api/types.ts";
import type { Column } from "./align.ts";
import { assign } from "./assign.ts";

export interface Distance {
  /** Total variation: the mass that would have to move, in [0, 1]. */
  readonly tv: number;
  /** Jensen-Shannon divergence in nats, in [0, ln 2]. */
  readonly jsd: number;
}

/** Weights of both sides in every column; a token that a side does not have gets nothing there. */
export function weightsAt(rowA: readonly number[], rowB: readonly number[], { a, b }: Column): [number, number] {
  return [a === null ? 0 : (rowA[a] ?? 0), b === null ? 0 : (rowB[b] ?? 0)];
}

const half = (p: number, q: number): number => (p > 0 ? 0.5 * p * Math.log((2 * p) / (p + q)) : 0);

/** The distances of two rows over all columns (Lin 1991 for the divergence). */
export function rowDistance(rowA: readonly number[], rowB: readonly number[], columns: readonly Column[]): Distance {
  let [tv, jsd] = [0, 0];
  for (const column of columns) {
    const [p, q] = weightsAt(rowA, rowB, column);
    tv += Math.abs(p - q) / 2;
    jsd += half(p, q) + half(q, p);
  }
  return { tv, jsd: Math.max(0, jsd) }; // rounding can take equal rows below
}

/** A head of one side beside one of the other; null: no head is left there. */
export interface HeadPair {
  readonly a: HeadRow | null;
  readonly b: HeadRow | null;
  readonly distance: Distance | null;
}

function pair(a: HeadRow | null, b: HeadRow | null, columns: readonly Column[]): HeadPair {
  return { a, b, distance: a && b ? rowDistance(a.row, b.row, columns) : null };
}

/** Heads by number, where both sides number the same heads. */
export function pairByNumber(a: readonly HeadRow[], b: readonly HeadRow[], columns: readonly Column[]): HeadPair[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, head) => pair(a[head] ?? null, b[head] ?? null, columns));
}

/** The pairs that together differ least: heads of different layers or models have no common numbers. */
export function pairByLikeness(a: readonly HeadRow[], b: readonly HeadRow[], columns: readonly Column[]): HeadPair[] {
  const partners = assign(a.map((one) => b.map((other) => rowDistance(one.row, other.row, columns).tv)));
  const left = b.filter((_, head) => !partners.includes(head));
  return [
    ...a.map((one, head) => pair(one, partners[head] === null ? null : b[partners[head]!]!, columns)),
    ...left.map((one) => pair(null, one, columns)),
  ];
}

/** Largest difference first, then by number; what has no partner comes last. */
export function byDifference(pairs: readonly HeadPair[]): HeadPair[] {
  const tv = (one: HeadPair) => one.distance?.tv ?? -1;
  const number = (one: HeadPair) => one.a?.head ?? one.b?.head ?? 0;
  return [...pairs].sort((x, y) => tv(y) - tv(x) || number(x) - number(y));
}

/** The columns to draw when there are more than `most`: those in which some pair differs most, `keep` always. */
export function drawnColumns(
  pairs: readonly HeadPair[],
  columns: readonly Column[],
  most: number,
  keep: (column: Column) => boolean,
): Column[] {
  if (columns.length <= most) return [...columns];
  const weigh = (column: Column) =>
    Math.max(...pairs.map(({ a, b }) => {
      const [p, q] = weightsAt(a?.row ?? [], b?.row ?? [], column);
      return keep(column) ? Infinity : Math.abs(p - q) + 0.01 * (p + q); // among equals, what is read at all
    }));
  const ranked = columns.map((column, index) => ({ index, weight: weigh(column) }));
  ranked.sort((x, y) => y.weight - x.weight || x.index - y.index);
  const chosen = new Set(ranked.slice(0, most).map((one) => one.index));
  return columns.filter((_, index) => chosen.has(index));
}
