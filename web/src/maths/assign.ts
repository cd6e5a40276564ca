// Pairing rows with columns so that the total cost is least.

/** For as many rows as columns or fewer: the column of each row. */
function assignWide(cost: readonly (readonly number[])[]): number[] {
  const [n, m] = [cost.length, cost[0]?.length ?? 0];
  const rowPrice = new Array<number>(n + 1).fill(0);
  const columnPrice = new Array<number>(m + 1).fill(0);
  const rowOf = new Array<number>(m + 1).fill(0); // rows and columns count from 1; 0: none
  for (let row = 1; row <= n; row++) {
    const least = new Array<number>(m + 1).fill(Infinity);
    const from = new Array<number>(m + 1).fill(0);
    const done = new Array<boolean>(m + 1).fill(false);
    rowOf[0] = row;
    let column = 0;
    do {
      done[column] = true;
      let [step, next] = [Infinity, 0];
      for (let j = 1; j <= m; j++) {
        if (done[j]) continue;
        const reduced = cost[rowOf[column]! - 1]![j - 1]! - rowPrice[rowOf[column]!]! - columnPrice[j]!;
        if (reduced < least[j]!) [least[j], from[j]] = [reduced, column];
        if (least[j]! < step) [step, next] = [least[j]!, j];
      }
      for (let j = 0; j <= m; j++) {
        if (done[j]) [rowPrice[rowOf[j]!], columnPrice[j]] = [rowPrice[rowOf[j]!]! + step, columnPrice[j]! - step];
        else least[j] = least[j]! - step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    for (; column !== 0; column = from[column]!) rowOf[column] = rowOf[from[column]!]!;
  }
  const columns = new Array<number>(n);
  for (let j = 1; j <= m; j++) if (rowOf[j]) columns[rowOf[j]! - 1] = j - 1;
  return columns;
}

/**
 * The column of each row, null for rows that are left over; no column twice. Shortest augmenting paths
 * (Jonker and Volgenant 1987), O(n² m).
 */
export function assign(cost: readonly (readonly number[])[]): (number | null)[] {
  const columns = cost[0]?.length ?? 0;
  if (columns === 0) return cost.map(() => null);
  if (cost.length <= columns) return assignWide(cost);
  const turned = assignWide(Array.from({ length: columns }, (_, j) => cost.map((row) => row[j]!)));
  const out: (number | null)[] = cost.map(() => null);
  turned.forEach((row, column) => (out[row] = column));
  return out;
}
