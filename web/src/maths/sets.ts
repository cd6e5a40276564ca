// Which measured removal, if any, is the one on show: exactly these heads off, none dimmed.
import type { Abilities, How, SetRemoval } from "../api/types.ts";
import { headKey, type Gates } from "./gates.ts";

export interface SetCost {
  readonly relation: string;
  /** Shares of the questions answered right: with all heads, without the set, without random sets of as many others. */
  readonly before: number;
  readonly after: number;
  readonly random: { readonly count: number; readonly mean: number; readonly worst: number } | null;
}

export const keysOfSet = (set: SetRemoval): string[] => set.heads.map((head) => headKey(set.layer, head)).sort();

/** The heads that are off; null when some head is neither on nor off. */
export function headsOff(gates: Gates): string[] | null {
  if ([...gates.values()].some((gate) => gate > 0)) return null;
  return [...gates.keys()].sort();
}

/** The sets of exactly these heads, one for each relation that they were measured on. */
export function setsOf(known: Abilities, off: readonly string[]): SetRemoval[] {
  const wanted = [...off].sort().join(" ");
  return known.sets.filter((set) => keysOfSet(set).join(" ") === wanted);
}

export function setCost(set: SetRemoval, how: How): SetCost {
  const share = (right: number) => (set.asked > 0 ? right / set.asked : 0);
  const { right, random } = set.without[how];
  const sum = random.reduce((total, each) => total + each, 0);
  const others = random.length > 0 ? { count: random.length, mean: share(sum / random.length), worst: share(Math.min(...random)) } : null;
  return { relation: set.relation, before: share(set.right), after: share(right), random: others };
}
