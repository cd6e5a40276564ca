// Walking over a scatter plot with the arrow keys.

export interface Point {
  readonly index: number;
  readonly x: number;
  readonly y: number;
}

const kAxes: Readonly<Record<string, readonly ["x" | "y", -1 | 1]>> = {
  ArrowLeft: ["x", -1],
  ArrowRight: ["x", 1],
  ArrowDown: ["y", -1],
  ArrowUp: ["y", 1],
};

export const isAlong = (key: string): boolean => key in kAxes || key === "Home" || key === "End";

/** The next point along the key's axis (of points alike, by index); Home and End: the first and last by index. */
export function stepAlong(key: string, from: number | null, points: readonly Point[]): number | null {
  if (points.length === 0) return null;
  if (key === "End") return points.length - 1;
  const along = kAxes[key];
  if (!along || from === null) return 0;
  const [axis, step] = along;
  const order = [...points].sort((a, b) => a[axis] - b[axis] || a.index - b.index);
  const at = order.findIndex((point) => point.index === from);
  return order[Math.min(order.length - 1, Math.max(0, at + step))]!.index;
}
