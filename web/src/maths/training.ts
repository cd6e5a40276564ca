// What a record of a training says: patterns from their characters, and which head looks along a relation most.
import type { HeldOut, Snapshot, SnapshotRelation, SnapshotSentence } from "../api/types.ts";
import { kLooks } from "./evidence.ts";
import { kScenarios, querySpan, targetSpan, textOf, type Scenario } from "./scenarios.ts";

const kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The weight that a character of `patterns` stands for. */
export function weightOf(character: string): number {
  return (kCharacters.indexOf(character) / (kCharacters.length - 1)) ** 2;
}

/** Where a head, numbered layer * heads + head, looks from a token: a weight for each token. */
export function rowOf(sentence: SnapshotSentence, head: number, query: number): number[] {
  const count = sentence.tokens.length;
  const begin = (head * count + query) * count;
  return [...sentence.patterns.slice(begin, begin + count)].map(weightOf);
}

export interface Sought {
  /** Tokens: the one that looks, and the one that a head should find for it. */
  readonly query: number;
  readonly target: number;
}

/** What there is to look for in a sentence of the scenarios; null in another. */
export function soughtIn(sentence: SnapshotSentence): Sought | null {
  const scenario = kScenarios.find((one) => textOf(one) === sentence.text);
  return scenario ? soughtBy(scenario, sentence.tokens) : null;
}

function soughtBy(scenario: Scenario, tokens: readonly string[]): Sought | null {
  // A word that stands there twice looks back: the later mention looks for the earlier one.
  const query = tokens.lastIndexOf(querySpan(scenario).word.toLowerCase());
  const target = tokens.indexOf(targetSpan(scenario).word.toLowerCase());
  return query >= 0 && target >= 0 ? { query, target } : null;
}

export interface BestHead {
  readonly relation: SnapshotRelation;
  /** Numbered layer * heads + head. */
  readonly head: number;
  /** Percents of the pairs: along which the head looks, and which the best fixed distance finds. */
  readonly looks: number;
  readonly offset: number | null;
}

/** For each relation the head that looks along it most often. */
export function bestHeads(snapshot: Snapshot): BestHead[] {
  return snapshot.relations.map((relation) => {
    const looks = Math.max(...relation.heads);
    return { relation, head: relation.heads.indexOf(looks), looks, offset: relation.offset ?? null };
  });
}

/** Whether a head may be said to look along a relation: in half of the pairs, and more often than any fixed distance would. */
export function stands({ looks, offset }: BestHead): boolean {
  return looks >= 100 * kLooks && offset !== null && looks > offset;
}

/** From this share of the hidden words on a relation counts as learned. */
export const kLearned = 0.9;

export interface Learned {
  readonly learned: readonly HeldOut[];
  readonly open: readonly HeldOut[];
}

export function learnedOf(heldout: readonly HeldOut[]): Learned {
  const known = (one: HeldOut) => one.accuracy >= kLearned;
  return { learned: heldout.filter(known), open: heldout.filter((one) => !known(one)) };
}
