// What may be said of a head, and on what grounds, from the counts of /api/v1/abilities.
import type { Abilities, How, RelationAbility } from "../api/types.ts";

export type Grounds = "pattern" | "corpus" | "causal";

export interface HeadRelation {
  readonly language: "en" | "zh";
  readonly relation: string;
  /** Shares of the labelled pairs: along which the head looks, and which the best fixed distance finds. */
  readonly looks: number;
  readonly offset: number;
  readonly pairs: number;
  /** Shares of the hidden words named right, intact and with the head removed in each way. */
  readonly right: number;
  readonly without: Readonly<Record<How, number>> | null;
  /** The least that any way of removing it loses, a share; null where none was tried. */
  readonly cost: number | null;
  /** Has the head a role in it: a cost by every way of removal (docs/training.md). */
  readonly role: boolean;
}

/** A head that looks along at least this share of the pairs is said to. */
export const kLooks = 0.5;

const kWays: readonly How[] = ["zero", "mean", "resample"];

export const headIndex = (abilities: { n_heads: number }, layer: number, head: number): number => layer * abilities.n_heads + head;

const share = (count: number, all: number): number => (all > 0 ? count / all : 0);

function headRelation(one: RelationAbility, index: number, role: boolean): HeadRelation {
  const ways = one.without;
  const rightWithout = (how: How) => share(ways?.[how].right[index] ?? 0, one.asked);
  const without = ways ? { zero: rightWithout("zero"), mean: rightWithout("mean"), resample: rightWithout("resample") } : null;
  const right = share(one.right, one.asked);
  return {
    language: one.language,
    relation: one.relation,
    looks: share(one.looks[index] ?? 0, one.pairs),
    offset: share(one.offset_hits, one.pairs),
    pairs: one.pairs,
    right,
    without,
    cost: without && Math.min(...kWays.map((how) => right - without[how])),
    role,
  };
}

/** A head's relations, those with a role first, then by how often it looks along them. */
export function relationsOf(abilities: Abilities, layer: number, head: number): HeadRelation[] {
  const index = headIndex(abilities, layer, head);
  const roles = abilities.roles.filter((role) => role.layer === layer && role.head === head);
  const hasRole = (one: RelationAbility) => roles.some((role) => role.language === one.language && role.relation === one.relation);
  return abilities.relations
    .filter((one) => one.pairs > 0)
    .map((one) => headRelation(one, index, hasRole(one)))
    .sort((a, b) => Number(b.role) - Number(a.role) || b.looks - a.looks);
}

/** Removal that costs; else looking along labelled pairs more than any fixed distance; else this sentence alone. */
export function groundsOf(relations: readonly HeadRelation[]): Grounds {
  if (relations.some((one) => one.role)) return "causal";
  return relations.some((one) => one.looks >= kLooks && one.looks > one.offset) ? "corpus" : "pattern";
}

/** The relations that removing a head costs most by zero, worst first; those that lose nothing are left out. */
export function costliest(abilities: Abilities, layer: number, head: number, how: How, most: number): HeadRelation[] {
  return relationsOf(abilities, layer, head)
    .filter((one) => one.without !== null && one.right - one.without[how] > 0)
    .sort((a, b) => b.right - b.without![how] - (a.right - a.without![how]))
    .slice(0, most);
}
