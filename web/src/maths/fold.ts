// A row over a long sentence, folded so that a card stays readable: the strongest tokens and the query
// token are kept in sentence order, and what lies between is summed up, so that nothing is lost silently.

export type FoldedLine =
  | { readonly kind: "token"; readonly index: number }
  | { readonly kind: "gap"; readonly from: number; readonly count: number; readonly mass: number };

/** Rows of up to this many tokens are shown whole. */
const kWhole = 24;
const kKept = 10;

/** `indices` are the tokens to show, ascending; `query` is kept whatever its weight. */
export function foldRow(row: readonly number[], indices: readonly number[], query: number): FoldedLine[] {
  const token = (index: number): FoldedLine => ({ kind: "token", index });
  if (indices.length <= kWhole) return indices.map(token);
  const byWeight = [...indices].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
  const kept = new Set([...byWeight.slice(0, kKept), query]);
  const lines: FoldedLine[] = [];
  let run: number[] = [];
  const closeGap = () => {
    const mass = run.reduce((sum, index) => sum + (row[index] ?? 0), 0);
    // One token takes no more room than the line that would stand for it.
    if (run.length === 1) lines.push(token(run[0]!));
    else if (run.length > 1) lines.push({ kind: "gap", from: run[0]!, count: run.length, mass });
    run = [];
  };
  for (const index of indices) {
    if (!kept.has(index)) {
      run.push(index);
      continue;
    }
    closeGap();
    lines.push(token(index));
  }
  closeGap();
  return lines;
}
