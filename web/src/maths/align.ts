// Two sequences of tokens side by side: which token of one stands for which of the other.

/** One place of the common sequence; null: that side has no token here. */
export interface Column {
  readonly a: number | null;
  readonly b: number | null;
}

export interface Alignment {
  readonly columns: readonly Column[];
  /** The sequences differ in too long a stretch: inside of it nothing was paired. */
  readonly cut: boolean;
}

/** Cells of the table that is filled at most; its lengths fit 16 bits. */
const kMostCells = 4_000_000;

/** lengths[i * (m + 1) + j]: the longest common subsequence of a from i and b from j. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      lengths[at] = a[i] === b[j] ? lengths[at + width + 1]! + 1 : Math.max(lengths[at + width]!, lengths[at + 1]!);
    }
  }
  return lengths;
}

const onlyA = (count: number, from: number): Column[] => Array.from({ length: count }, (_, i) => ({ a: from + i, b: null }));
const onlyB = (count: number, from: number): Column[] => Array.from({ length: count }, (_, i) => ({ a: null, b: from + i }));

function alignMiddle(a: readonly string[], b: readonly string[], from: number): Column[] {
  const lengths = commonLengths(a, b);
  const width = b.length + 1;
  const columns: Column[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) columns.push({ a: from + i++, b: from + j++ });
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) columns.push({ a: from + i++, b: null });
    else columns.push({ a: null, b: from + j++ });
  }
  return [...columns, ...onlyA(a.length - i, from + i), ...onlyB(b.length - j, from + j)];
}

/**
 * Pairs equal pieces along a longest common subsequence (Wagner and Fischer 1974). What is not in it has no
 * partner; every token of both sides is in exactly one column, in its order.
 */
export function align(a: readonly string[], b: readonly string[]): Alignment {
  const shorter = Math.min(a.length, b.length);
  let before = 0;
  while (before < shorter && a[before] === b[before]) before++;
  let after = 0;
  while (after < shorter - before && a[a.length - 1 - after] === b[b.length - 1 - after]) after++;

  const [middleA, middleB] = [a.slice(before, a.length - after), b.slice(before, b.length - after)];
  const cut = middleA.length * middleB.length > kMostCells;
  const middle = cut
    ? [...onlyA(middleA.length, before), ...onlyB(middleB.length, before)]
    : alignMiddle(middleA, middleB, before);
  const pair = (shiftA: number, shiftB: number, count: number): Column[] =>
    Array.from({ length: count }, (_, i) => ({ a: shiftA + i, b: shiftB + i }));
  return { columns: [...pair(0, 0, before), ...middle, ...pair(a.length - after, b.length - after, after)], cut };
}

/** The token of the other side that stands in the same column, null when there is none. */
export function partnerOf(columns: readonly Column[], a: number): number | null {
  return columns.find((column) => column.a === a)?.b ?? null;
}
