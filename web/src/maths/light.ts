// Weights times what they carry.
import type { Matrix } from "../api/types.ts";

export function rowOf(matrix: Matrix, row: number): number[] {
  return Array.from(matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns));
}

/** Each weight times the norm of what it carries, as a share of their sum, which is `total`. */
export function carriedShares(weights: readonly number[], norms: readonly number[]): { row: number[]; total: number } {
  const carried = weights.map((weight, token) => weight * norms[token]!);
  const total = carried.reduce((sum, each) => sum + each, 0);
  return { row: total > 0 ? carried.map((each) => each / total) : carried, total };
}
