// Round numbers along an axis.

/** Multiples of 1, 2 or 5 times a power of ten that cover [low, high], about `count` of them; rising. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high > low ? high - low : 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Counted, not added up: 3 * 0.1 is nearer to 0.3 than 0.1 + 0.1 + 0.1.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
