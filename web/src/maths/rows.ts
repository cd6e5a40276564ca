// What a pattern row says, in numbers a reader can use.

/** Weights below this are too faint to draw or to name. */
export const kFaint = 0.004;

export interface Target {
  readonly index: number;
  readonly weight: number;
}

/** Weights from here on are worth a word: they are named, and their number is printed. */
export const kStrong = 0.1;

/** The strong weights of a row, strongest first, at most `most`; none when the row is spread thinly. */
export function strongest(row: readonly number[], shown: (index: number) => boolean, most = 3): Target[] {
  return row
    .map((weight, index) => ({ index, weight }))
    .filter((target) => target.weight >= kStrong && shown(target.index))
    .sort((a, b) => b.weight - a.weight || a.index - b.index)
    .slice(0, most);
}

/** The sum of a row over the tokens that are not shown. */
export function hiddenMass(row: readonly number[], shown: (index: number) => boolean): number {
  return row.reduce((mass, weight, index) => (shown(index) ? mass : mass + weight), 0);
}

/** How many tokens an even spread with the same entropy (in nats) would cover. */
export function spreadOver(entropy: number): number {
  return Math.exp(entropy);
}

/** Three decimals; what is smaller but not zero says so instead of pretending to be 0. */
export function shortNumber(value: number): string {
  if (value > 0 && value < 0.0005) return "<.001";
  return value.toFixed(3).replace(/^(-?)0\./, "$1.");
}
