// Which heads of a layer are shown first: those that between them read most differently.

type Row = readonly number[];

/** Total variation over the tokens that count. */
function distance(a: Row, b: Row, counts: (token: number) => boolean): number {
  let sum = 0;
  for (let token = 0; token < a.length; token++) if (counts(token)) sum += Math.abs(a[token]! - b[token]!);
  return sum / 2;
}

/** The index of the largest number, the first of equals. */
function largestOf(numbers: readonly number[]): number {
  return numbers.reduce((best, number, index) => (number > numbers[best]! ? index : best), 0);
}

/**
 * `count` heads, `first` among them: each further one is the head that lies farthest from those that are in already
 * (farthest-point selection, Gonzalez 1985). With none given it begins with the head farthest from the average.
 * Tokens that do not count (sinks, where a head rests that reads nothing) do not set heads apart.
 */
export function mostDifferent(rows: readonly Row[], average: Row, first: readonly number[], count: number, counts: (token: number) => boolean): number[] {
  const picked = [...new Set(first)].slice(0, count);
  if (picked.length === 0 && rows.length > 0) picked.push(largestOf(rows.map((row) => distance(row, average, counts))));
  const nearest = rows.map((row) => Math.min(...picked.map((head) => distance(row, rows[head]!, counts))));
  while (picked.length < Math.min(count, rows.length)) {
    const next = largestOf(nearest.map((far, head) => (picked.includes(head) ? -1 : far)));
    picked.push(next);
    rows.forEach((row, head) => (nearest[head] = Math.min(nearest[head]!, distance(row, rows[next]!, counts))));
  }
  return picked;
}
