// Numbers about every head that the grid can be coloured by and the scatter plot can have as axes.
import type { Abilities, Statistics } from "../api/types.ts";
import { headIndex, relationsOf } from "./evidence.ts";

export type Unit = "nats" | "tokens" | "share";

export interface Measure {
  /** "entropy", "distance", "sink", "looks en.coreference" or "cost en.coreference". */
  readonly key: string;
  readonly unit: Unit;
  /** By layer * n_heads + head. */
  readonly values: readonly number[];
}

/** What the current text says of a head; the rest was measured over labelled sentences. */
export const kTextMeasures = ["entropy", "distance", "sink"] as const;
export type TextMeasure = (typeof kTextMeasures)[number];

export const isTextMeasure = (key: string): key is TextMeasure => (kTextMeasures as readonly string[]).includes(key);

function ofText(key: TextMeasure, statistics: Statistics): Measure {
  if (key === "sink") return { key, unit: "share", values: statistics.sink_mass };
  return { key, unit: key === "entropy" ? "nats" : "tokens", values: statistics[key] };
}

/** "looks en.coreference" taken apart. */
export function measuredParts(key: string): { what: "looks" | "cost"; relation: string } | null {
  const match = /^(looks|cost) (.+)$/.exec(key);
  return match ? { what: match[1] as "looks" | "cost", relation: match[2]! } : null;
}

function overSentences(key: string, known: Abilities): Measure | null {
  const parts = measuredParts(key);
  const named = (one: { language: string; relation: string }) => `${one.language}.${one.relation}` === parts?.relation;
  if (!parts || !known.relations.some(named)) return null;
  const values: number[] = [];
  for (let layer = 0; layer < known.n_layers; layer++) {
    for (let head = 0; head < known.n_heads; head++) {
      const one = relationsOf(known, layer, head).find(named);
      values[headIndex(known, layer, head)] = (parts.what === "looks" ? one?.looks : one?.cost) ?? 0;
    }
  }
  return { key, unit: "share", values };
}

/** The measure of that name; null where nothing is known of it. */
export function measureOf(key: string, statistics: Statistics | null, known: Abilities | null): Measure | null {
  if (isTextMeasure(key)) return statistics && ofText(key, statistics);
  return known && overSentences(key, known);
}

/** What the ends of a scale stand for: shares from 0 to 1, other numbers from the smallest to the largest there is. */
export function rangeOf(measure: Measure): { low: number; high: number } {
  if (measure.unit === "share") return { low: 0, high: 1 };
  const [low, high] = [Math.min(...measure.values), Math.max(...measure.values)];
  return { low, high: high > low ? high : low + 1 };
}

/** Where a value lies in the range, in [0, 1]. */
export function lightOf(measure: Measure, value: number): number {
  const { low, high } = rangeOf(measure);
  return Math.min(1, Math.max(0, (value - low) / (high - low)));
}

/** At most three characters, for a small cell. */
export function cellNumber(unit: Unit, value: number): string {
  if (unit === "share") return String(Math.round(100 * value));
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
